"""What lies below a folder: recordings, videos and folders of stills, cut into units; and what is none of these."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.archive.unit import Kind, Unread
from edge.camera.images.files import OWN_FOLDERS, OWN_MARK, THERMAL_TAILS, VIDEO_SUFFIXES, kinds_by_name
from edge.camera.images.filetype import IMAGES, OTHER_IMAGES, VIDEO, kind_of_file, not_read
from edge.camera.images.order import ordered
from edge.errors import SourceError
from edge.pose.exif import TIFF
from edge.recording.reader import segment_files, segment_number
from edge.recording.segment import NAME as SEGMENT
from edge.system.files import reason_of

UNIT_BYTES = 256 << 20  # of a recording: a minute or two of 640x512 counts at 30 Hz
UNIT_STILLS = 500
RUN_MARKS = (OWN_MARK, "run.json", "report.json")  # a folder that edge run wrote to
NO_UTF8 = "its name is no UTF-8, and cannot be written down: rename it"
BESIDE = {".srt", ".tlog", ".klv", ".ulg", ".json", ".jsonl", ".csv", ".txt", ".xml", ".geojson", ".kmz", ".md", ".log"}


@dataclass(frozen=True)
class Found:
    """A unit that nobody has opened yet. ``flight``: its folder or file; ``sources``, ``pose``: as edge run takes them;
    ``files``: all that it is made of, in their order.
    """

    flight: Path
    number: int
    of: int
    kind: Kind
    sources: tuple[str, ...]
    pose: str | None
    files: tuple[Path, ...]


def find(folder: Path, leave_out: Path | None = None) -> Iterator[Found | Unread]:
    """Everything below ``folder``, folder by folder in the order of their names. Links to folders are not followed,
    hidden ones not entered, and ``leave_out`` neither. What a run wrote is no input, but for its recording.
    """
    try:
        listed = sorted(os.scandir(folder), key=lambda one: one.name)
    except OSError as error:
        yield Unread(str(folder), f"cannot be read: {reason_of(error)}")
        return
    inside: list[os.DirEntry[str]] = []
    for one in listed:
        if one.name.startswith("."):
            continue
        if why := _why_not(one):
            yield Unread(one.path.encode("utf-8", "backslashreplace").decode(), why)
        else:
            inside.append(one)
    files = [Path(one.path) for one in inside if one.is_file()]
    of_a_run = any(path.name in RUN_MARKS for path in files)
    if any(SEGMENT.fullmatch(path.name) for path in files):
        yield from _recording(folder)
    elif not of_a_run:
        yield from _files(folder, files)
    for one in inside:
        path = Path(one.path)
        if path == leave_out or (of_a_run and one.name in OWN_FOLDERS):
            continue
        if one.is_dir(follow_symlinks=False):
            yield from find(path, leave_out)
        elif one.is_symlink() and path.is_dir():
            yield Unread(one.path, "a link to a folder is not followed: give that folder itself")


def _why_not(one: os.DirEntry[str]) -> str:
    """Why an entry is neither a file nor a folder that can be read; "" for one that is."""
    if not is_utf8(one.name):
        return NO_UTF8
    try:
        if one.is_file() or one.is_dir():
            return ""
    except OSError as error:  # a link in a circle, a disk that fails
        return f"cannot be read: {reason_of(error)}"
    if one.is_symlink():
        return "a link that leads nowhere: mount the disk that it leads to, or remove it"
    return "neither a file nor a folder, but a pipe, a socket or a device"


def find_file(path: Path) -> Iterator[Found | Unread]:
    """The same of a single file that was named."""
    yield from _files(path.parent, [path])


def is_utf8(name: str) -> bool:
    """Whether a name, as Python gives it, can stand in a file of JSON."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _recording(folder: Path) -> Iterator[Found | Unread]:
    """Segments in groups of `UNIT_BYTES`."""
    try:
        segments = segment_files(folder)
        groups: list[list[Path]] = []
        size = UNIT_BYTES
        for segment in segments:
            if size >= UNIT_BYTES:
                groups.append([])
                size = 0
            groups[-1].append(segment)
            size += segment.stat().st_size
    except SourceError as error:
        yield Unread(str(folder), str(error))
        return
    except OSError as error:
        yield Unread(str(folder), reason_of(error))
        return
    for number, group in enumerate(groups):
        part = f"?segments={segment_number(group[0])}-{segment_number(group[-1])}" if groups[1:] else ""
        yield Found(folder, number, len(groups), "recording", (f"rec:{folder}{part}",), None, tuple(group))


def _files(folder: Path, files: Sequence[Path]) -> Iterator[Found | Unread]:
    stills: list[Path] = []
    for path in files:
        kind, suffix = kind_of_file(path), path.suffix.lower()
        if kind in IMAGES:
            stills.append(path)
        elif kind in (VIDEO, "CPTV") or (suffix in VIDEO_SUFFIXES and kind != "FLIR"):
            yield _video(path)
        elif kind == "FLIR" and suffix in VIDEO_SUFFIXES:
            yield Unread(str(path), "FLIR's SEQ and CSQ are not read: convert it first, see docs/cameras.md")
        elif kind in OTHER_IMAGES:
            yield Unread(str(path), not_read(kind, path))
        elif suffix not in BESIDE:
            yield Unread(str(path), "neither an image nor a video nor a recording")
    yield from _stills(folder, stills)


def _video(path: Path) -> Found:
    beside = [path.with_suffix(end) for end in (".srt", ".SRT", ".Srt")]
    subtitles = next((srt for srt in beside if srt.is_file()), None)
    files = (path, subtitles) if subtitles else (path,)
    return Found(path, 0, 1, "video", (str(path),), f"srt:{subtitles}" if subtitles else None, files)


def _stills(folder: Path, stills: Sequence[Path]) -> Iterator[Found | Unread]:
    """Of pairs, thermal and visual, the thermal ones; in groups of `UNIT_STILLS`."""
    kinds = kinds_by_name(stills)
    thermal = {end for end in kinds if Path(end).stem[1:].lower() in THERMAL_TAILS}
    if thermal and len(kinds) > 1:
        for end in sorted(kinds.keys() - thermal):
            left = kinds[end]
            yield Unread(str(left[0]), f"{_many(len(left))} beside the thermal ones ({', '.join(sorted(thermal))})")
        stills = [path for end in thermal for path in kinds[end]]
    files, note = ordered(stills)
    if note:
        yield Unread(str(folder), f"taken, but its {note}")
    groups = [files[i : i + UNIT_STILLS] for i in range(0, len(files), UNIT_STILLS)]
    for number, group in enumerate(groups):
        pose = "exif" if _has_exif(group[0]) else None
        yield Found(folder, number, len(groups), "stills", tuple(map(str, group)), pose, tuple(group))


def _has_exif(path: Path) -> bool:
    """Whether it is of a kind that can say where it was taken."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError:
        return False
    return head[:3] == b"\xff\xd8\xff" or head in TIFF


def _many(count: int) -> str:
    return "a picture named otherwise" if count == 1 else f"{count} pictures named otherwise, this the first of them,"
