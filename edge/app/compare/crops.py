"""Pictures of what one run found and the other did not: from the runs' own folders, else cut from the source."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge.app.compare.boxes import BoxPair
from edge.app.compare.same_frames import SAME_S
from edge.app.compare.side import Facts, Side
from edge.app.output import RECORDING
from edge.camera.open import open_camera
from edge.data import Frame
from edge.errors import EdgeError
from edge.measure.detections_lines import FrameLine
from edge.model.normalisers import Normalisers
from edge.recording.replay import Replay
from edge.seams import Camera
from edge.system.files import read_limited
from edge.thermal.spec import NormaliseSpec

MOST_PICTURE = 1 << 20  # bytes; a crop has a few kB
MOST_READ = 20_000  # frames of a film: then it is left at those that were found
PNG = b"\x89PNG\r\n\x1a\n"
SEVERAL = re.compile(r"(.+) and \d+ more", re.DOTALL)  # as edge.app.settings tells of files that were given one by one
AROUND, LEAST_PX = 2.0, 48  # a picture is so many times as wide as the box, or so wide: as those in crops/

log = logging.getLogger(__name__)


def of_track(side: Side, number: int) -> bytes | None:
    """The best picture of a track, PNG, from the run's folder; None: there is none."""
    track, inside = side.tracks.get(number), side.folder.resolve()
    try:
        path = (side.folder / track.crops[0]).resolve() if track and track.crops else None
        # a link in a folder from elsewhere could lead to any file of this machine
        data = read_limited(path, MOST_PICTURE) if path and path.is_relative_to(inside) else b""
    except (OSError, RuntimeError):  # RuntimeError: links in a circle
        return None
    return data if data.startswith(PNG) else None


def of_boxes(sides: Sequence[Side], pairs: Sequence[BoxPair]) -> tuple[list[bytes | None], str]:
    """A picture for each of ``pairs``, PNG, the box in its middle, None where there is none; and in words where they
    are from, or why there are none.
    """
    needed = {pair.frame.seq: pair.frame for pair in pairs}
    if not needed:
        return [], ""
    why = "the run had no source that can be read again"
    for side, source in _sources(sides):
        try:
            greys = dict(_frames(source, needed, side.facts))
        except EdgeError as error:
            log.debug("no pictures from %s", source, exc_info=True)
            why = str(error)
            continue
        if greys:
            return [_cut(greys[p.frame.seq], p) if p.frame.seq in greys else None for p in pairs], f"cut from {source}"
        why = f"{source} does not hold these frames"
    return [None] * len(pairs), f"no pictures of single boxes: {why}"


def _sources(sides: Sequence[Side]) -> Iterator[tuple[Side, str]]:
    """Recordings and files: nothing that would open a camera or the network."""
    for side in sides:
        if (side.folder / RECORDING).is_dir():
            yield side, f"rec:{side.folder / RECORDING}"
    for side in sides:
        if (source := side.facts.source) is None:
            continue
        if not os.path.lexists(source) and (several := SEVERAL.fullmatch(source)):
            # the names of the others stand beside the frames
            source = str(Path(several[1].partition("?")[0]).parent)
        path = Path(source.removeprefix("rec:").partition("?")[0])
        try:
            there = path.is_file() or path.is_dir()
        except (OSError, ValueError):
            there = False
        if "live=1" not in source and (there or (source.startswith("sim:") and "live=0" in source)):
            yield side, source


def _frames(source: str, needed: Mapping[int, FrameLine], facts: Facts) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Those of the needed frames that the source holds, by their number, grey. Raises EdgeError where it cannot."""
    specs = facts.normalise
    grey = Normalisers()
    if specs is not None:
        stored = (specs.eight_bit, specs.sixteen_bit)
        grey = Normalisers(*(NormaliseSpec.from_stored(one) for one in stored))
    for name, lines in _by_file(source, needed.values()):
        left = {line.seq: line for line in lines}
        with closing(open_camera(name)) as camera:
            for frame in _read(camera, left):
                found = next((line for line in left.values() if _is(frame, line)), None)
                if found is not None:
                    del left[found.seq]
                    yield found.seq, grey.grey(frame.pixels, frame.temperature)
                if not left:
                    break


def _by_file(source: str, lines: Iterable[FrameLine]) -> Iterator[tuple[str, list[FrameLine]]]:
    """Of a folder of stills only the files that are needed; else the source itself."""
    folder, mark, options = source.partition("?")
    lines = list(lines)
    if not all(isinstance(line.origin, str) for line in lines) or not Path(folder).is_dir():
        yield source, lines
        return
    of_name: dict[str, list[FrameLine]] = {}
    for line in lines:
        of_name.setdefault(str(line.origin).partition("#")[0], []).append(line)
    kept = "&".join(
        part for part in options.split("&") if part.partition("=")[0] not in ("match", "recursive", "order")
    )
    for name, own in of_name.items():
        path = Path(folder) / name
        if path.is_file() and path.resolve().is_relative_to(Path(folder).resolve()):
            yield f"{path}{mark if kept else ''}{kept}", own


def _read(camera: Camera, left: Mapping[int, FrameLine]) -> Iterator[Frame]:
    if isinstance(camera, Replay):
        camera.select(list(left))
    for _ in range(MOST_READ):
        frame = camera.read()
        if frame is None:
            return
        yield frame


def _is(frame: Frame, line: FrameLine) -> bool:
    """Whether a frame of the source is that of a line: by its file's name, the film's time, or the clock."""
    if isinstance(line.origin, str):
        return isinstance(frame.origin, str) and Path(frame.origin).name == Path(line.origin).name
    if isinstance(line.origin, float):
        return isinstance(frame.origin, float) and abs(frame.origin - line.origin) <= SAME_S
    if frame.utc is not None and line.utc is not None:
        return frame.seq == line.seq and frame.utc.isoformat(timespec="milliseconds") == line.utc
    return frame.seq == line.seq and abs(frame.t_capture - line.t) <= SAME_S


def _cut(grey: npt.NDArray[np.uint8], pair: BoxPair) -> bytes | None:
    """The box in its middle; at the picture's edge what is beyond is black."""
    one = pair.a or pair.b
    assert one is not None  # a pair has one at least
    x1, y1, x2, y2 = one.box
    side = round(max(AROUND * (x2 - x1), AROUND * (y2 - y1), LEAST_PX))
    side = min(side, 2 * max(grey.shape))
    left, top = round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2)
    cut = np.zeros((side, side), np.uint8)
    rows = slice(max(top, 0), max(min(top + side, grey.shape[0]), 0))
    columns = slice(max(left, 0), max(min(left + side, grey.shape[1]), 0))
    part = grey[rows, columns]
    if not part.size:
        return None  # the box is in no picture
    cut[rows.start - top : rows.start - top + part.shape[0], columns.start - left :][:, : part.shape[1]] = part
    done, data = cv2.imencode(".png", cut)
    return data.tobytes() if done else None
