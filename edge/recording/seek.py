"""Single frames of a recording, by their ``seq``: where each begins is found once, without reading any pixels."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from pathlib import Path

import msgspec

from edge.data import Frame
from edge.errors import SourceError
from edge.recording.contents import unpack_frame
from edge.recording.format import END, FRAME, PREAMBLE, Damaged, read_preamble, read_record
from edge.recording.reader import Recording, Segment
from edge.system.files import reason_of


class _Seq(msgspec.Struct):
    """Of the meta part of a frame: what it is found by."""

    seq: int


class Frames:
    """The frames of a recording in any order. ``seqs``: those that it holds, rising; ``losses``: see `Recording`.

    Raises SourceError where there is no recording.
    """

    def __init__(self, path: Path) -> None:
        recording = Recording(path)
        self.origin = recording.header.origin
        self.losses = recording.losses
        self._places: dict[int, tuple[Path, int]] = {}
        for segment in recording.segments:
            try:
                self._index(segment)
            except OSError as error:
                self.losses.append(f"{segment.path.name} cannot be read to its end ({reason_of(error)})")
        self.seqs = sorted(self._places)

    def __contains__(self, seq: int) -> bool:
        return seq in self._places

    def __getitem__(self, seq: int) -> Frame:
        """The frame, bit for bit as it was recorded, with the mask of the source. Raises KeyError where there is none,
        SourceError where it is damaged.
        """
        path, at = self._places[seq]
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(at)
                frame = unpack_frame(read_record(file, size - at))
        except (Damaged, OSError) as error:
            why = reason_of(error) if isinstance(error, OSError) else str(error)
            raise SourceError(f"{path.name}: frame {seq} cannot be read ({why})") from None
        mask = self.origin.mask
        fits = mask is not None and mask.shape == frame.pixels.shape
        return replace(frame, mask=mask) if fits else frame

    def beside(self, seq: int, step: int) -> int | None:
        """The frame ``step`` places further, of one that is not there the place where it would be; None: none there."""
        at = bisect_left(self.seqs, seq) + step
        if step > 0 and seq not in self._places:
            at -= 1
        return self.seqs[at] if 0 <= at < len(self.seqs) else None

    def _index(self, segment: Segment) -> None:
        with segment.path.open("rb") as file:
            at = file.seek(segment.begin)
            while at < segment.size:
                try:
                    kind, meta, payload, _ = read_preamble(file, segment.size - at)
                    if kind == END:
                        return
                    if kind == FRAME:
                        self._places.setdefault(msgspec.json.decode(file.read(meta), type=_Seq).seq, (segment.path, at))
                except (Damaged, msgspec.MsgspecError):
                    self.losses.append(f"{segment.path.name}: damaged at byte {at}: nothing after that is read")
                    return
                at += PREAMBLE.size + meta + payload
                file.seek(at)
