"""What an MP4, MOV or 3GP says of itself (ISO/IEC 14496-12): where it ends, and which of its frames are to be seen.

A clip that was cut without encoding it again (``ffmpeg -ss .. -c copy``) holds more frames than it shows: its edit list
names the stretches of the track that are played, one after the other. Frames before the first stretch are there because
later ones are built on them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from edge.camera.decode.kinds import MP4_BOXES
from edge.camera.decode.timeline import constant_period

MAX_MOOV = 256 << 20  # bytes; hours of video have a few MB of index
MAX_SAMPLES = 1 << 22  # frames that are counted one by one: 19 hours at 60 a second
MAX_EDITS = 1 << 12
MAX_WORK = 1 << 27  # frames x edits
MAX_BOXES = 1 << 20  # some files have two for each second
REORDERED = 16  # frames that a decoder may hold back, to show others before them
Ticks = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Mp4:
    """``size``: bytes that its boxes announce. ``counted``: its index counts the frames. ``tracks``: of video.
    ``closed``: it has an index, or is one of those that need none.

    Of the first video track ``shown``: frames that are to be seen, ``hidden``: those that the edit list leaves out,
    ``starts_s``: seconds that pass before the first is shown; None where the index does not say. ``varies``: its rate
    is not constant. ``whole_s``: behind this time frames are missing that a cut left out: they would have been decoded
    after the last one, and shown before it. ``second``: the byte at which another MP4 begins, 0 = there is none.
    """

    size: int
    counted: bool = True
    tracks: int = 1
    shown: int | None = None
    hidden: int = 0
    starts_s: float = 0.0
    varies: bool = False
    whole_s: float = math.inf
    closed: bool = True
    second: int = 0


def read_mp4(file: BinaryIO) -> Mp4:
    """Read the boxes. Raises struct.error, ValueError or IndexError where they are damaged."""
    total = file.seek(0, 2)
    end, fragments, indexed = 0, False, False
    moov = b""
    for _ in range(MAX_BOXES):
        if end >= total:
            break
        file.seek(end)
        head = file.read(16)
        size, kind = struct.unpack(">I4s", head[:8])
        if kind not in MP4_BOXES:
            break  # some cameras append their own data
        if kind == b"ftyp" and moov and not fragments:  # `cat` appended a recording, which no decoder shows
            return Mp4(end, second=end)
        if size == 1:
            size = struct.unpack(">Q", head[8:16])[0]
        elif size == 0:
            size = total - end  # "to the end of the file"
        if size < 8:
            break
        fragments |= kind == b"moof"  # written as it was recorded: no index
        indexed |= kind == b"moov"
        if kind == b"moov" and size <= min(MAX_MOOV, total - end):
            file.seek(end + 8)
            moov = file.read(size - 8)
        end += size
    if fragments or not moov:
        return Mp4(end, counted=not fragments, closed=fragments or indexed)
    try:
        return _index(end, moov)
    except (struct.error, ValueError, LookupError):  # damaged: its boxes' sizes are worth knowing all the same
        return Mp4(end)


def _index(size: int, moov: bytes) -> Mp4:
    parts = _dict(moov)
    movie = _timescale(parts[b"mvhd"]) if b"mvhd" in parts else 0
    tracks = [_dict(body) for kind, body in _boxes(moov) if kind == b"trak"]
    all_media = [(track, _dict(track.get(b"mdia", b""))) for track in tracks]
    video = [(track, mdia) for track, mdia in all_media if mdia.get(b"hdlr", b"")[8:12] == b"vide"]
    if not video or not movie:
        return Mp4(size, tracks=len(video) or 1)
    track, mdia = video[0]
    edits = list(_edits(_dict(track.get(b"edts", b"")).get(b"elst", b"")))
    starts_s = _empty(edits) / movie
    tables = _dict(_dict(mdia.get(b"minf", b"")).get(b"stbl", b""))
    times = _times(tables)
    if times is None or len(times) * len(edits) > MAX_WORK:
        return Mp4(size, tracks=len(video), starts_s=starts_s)
    media = _timescale(mdia[b"mdhd"])
    if not media:
        raise ValueError("no ticks a second")
    ticks = media / movie
    shown = seen = np.zeros(len(times), np.int64)
    for length, start in edits:
        if start >= 0:
            inside = (times >= start) & (times < start + round(length * ticks))
            shown = shown + inside
            seen = seen | inside
    if not edits:
        shown = seen = np.ones(len(times), np.int64)
    varies, whole_s = _rate(np.sort(times[seen > 0]) / media, _runs(tables[b"stts"], ">u4")[:-1, 1])
    if sum(start >= 0 for _, start in edits) > 1:
        whole_s = math.inf  # the file's time is not the track's
    return Mp4(size, True, len(video), int(shown.sum()), int((seen == 0).sum()), starts_s, varies, whole_s)


def _rate(times: npt.NDArray[np.float64], decoded: Ticks) -> tuple[bool, float]:
    """``(varies, whole_s)`` of frames that are shown at ``times``, (N,) seconds, rising, and decoded in these steps."""
    steps = np.diff(times)
    steps = steps[steps > 0]
    if not len(steps):
        return False, math.inf
    period = constant_period(steps)
    holes = np.flatnonzero(np.diff(times) > 1.5 * (period or math.inf))
    even = not len(decoded) or decoded.max() < 1.5 * max(decoded.min(), 1)
    if period is None or not len(holes) or not even or len(times) - holes[0] > REORDERED:
        return period is None, math.inf
    return False, float(times[holes[0]] - times[0])


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8:
            return
        yield kind, data[at + 8 : at + size]
        at += size


def _dict(data: bytes) -> dict[bytes, bytes]:
    """The boxes in ``data`` by name, of several of a name the first."""
    found: dict[bytes, bytes] = {}
    for kind, body in _boxes(data):
        found.setdefault(kind, body)
    return found


def _timescale(header: bytes) -> int:
    """Ticks a second of a movie header (mvhd) or a media header (mdhd)."""
    return int(struct.unpack_from(">I", header, 20 if header[0] == 1 else 12)[0])


def _edits(elst: bytes) -> Iterator[tuple[int, int]]:
    """``(length, start)`` of each edit: ticks of the movie, and ticks of the track, or -1: nothing is shown so long."""
    if elst:
        entry, step = (">Qq", 20) if elst[0] == 1 else (">Ii", 12)
        for i in range(min(struct.unpack_from(">I", elst, 4)[0], MAX_EDITS)):
            yield struct.unpack_from(entry, elst, 8 + i * step)


def _empty(edits: list[tuple[int, int]]) -> int:
    """Ticks of the movie before the first edit that shows something."""
    ticks = 0
    for length, start in edits:
        if start >= 0:
            return ticks
        ticks += length
    return 0


def _times(tables: dict[bytes, bytes]) -> Ticks | None:
    """When each frame is shown, ticks of the track, in the order of the file; None where there are too many."""
    runs = _runs(tables[b"stts"], ">u4")
    if not 0 < runs[:, 0].sum() <= MAX_SAMPLES:
        return None
    steps = np.repeat(runs[:, 1], runs[:, 0])
    times = np.cumsum(steps) - steps
    if b"ctts" in tables:  # shown later than decoded: B-frames
        later = _runs(tables[b"ctts"], ">i4" if tables[b"ctts"][0] else ">u4")
        if later[:, 0].sum() <= MAX_SAMPLES:
            delays = np.repeat(later[:, 1], later[:, 0])[: len(times)]
            times[: len(delays)] += delays
    return times


def _runs(table: bytes, kind: str) -> Ticks:
    """(N, 2) a table's entries: how many frames, and the value that they share."""
    count = min(struct.unpack_from(">I", table, 4)[0], (len(table) - 8) // 8)
    entries = np.frombuffer(table, ">u4", 2 * count, 8).reshape(-1, 2)
    return np.stack([entries[:, 0].astype(np.int64), entries[:, 1].copy().view(kind).astype(np.int64)], axis=1)
