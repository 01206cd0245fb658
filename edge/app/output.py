"""The folder that a run writes to: made, and cleared of what was there before, without losing it."""

from __future__ import annotations

import os
from pathlib import Path

from edge.errors import InputError
from edge.system.files import opencv_name

DETECTIONS, REPORT, VIDEO, RECORDING = "detections.jsonl", "report.json", "video.mkv", "recording"
SHEET = "contact_sheet.png"  # of a demo
WRITTEN = (DETECTIONS, REPORT, VIDEO, RECORDING, SHEET)


def prepare_folder(out: Path) -> Path:
    """Make the output folder, and move what an earlier run left there into ``earlier-N``.

    A board that lost power restarts with the same command: nothing of before may be overwritten.

    Raises InputError where the folder cannot be made or written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        left = [path for name in WRITTEN if (path := out / name).exists()]
        if left:
            n = 1
            while (out / f"earlier-{n}").exists():
                n += 1
            (out / f"earlier-{n}").mkdir()
            for path in left:
                path.rename(out / f"earlier-{n}" / path.name)
    except OSError as error:
        raise InputError(f"output folder {out}: {error.strerror}: give another --out") from None
    if not os.access(out, os.W_OK | os.X_OK):
        raise InputError(f"output folder {out} cannot be written: give another --out or fix its permissions")
    return out


def check_file(path: Path) -> None:
    """Raises InputError where no file can be written at ``path``; its folder is made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: give another file") from None
    if path.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise InputError(f"{path} cannot be written: give another file")


def check_folder(out: Path, source: str, video: bool) -> None:
    """Raises InputError where ``out`` cannot take a run: `prepare_folder` would move away its ``source``, or the
    name is none that a ``video`` can be written under.
    """
    path = Path(source.removeprefix("rec:").partition("?")[0])
    try:
        taken = any(path.resolve().is_relative_to((out / name).resolve()) for name in WRITTEN)
    except (OSError, RuntimeError):  # no path at all, or a loop of links
        taken = False
    if taken:
        raise InputError(f"the source {path} is what an earlier run wrote to --out {out}: give another --out")
    if video:
        try:
            opencv_name(out)
        except ValueError as error:
            raise InputError(f"--out {error}: give another, or leave --video out") from None
