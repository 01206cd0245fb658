"""See `benchmarks.peers`."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.command import answered
from benchmarks.peers.detectors import OURS
from benchmarks.peers.lines import printed
from benchmarks.peers.measure import NAMES, measure
from edge.app.settings import MODEL
from edge.errors import InputError
from edge.model.bundle import Bundle
from edge.system.files import write_whole

ABOUT = "the bundled detector run by other programs beside ours, and a plain OpenCV loop beside edge.stream, in one run"


def main(words: Sequence[str]) -> int:
    """0: measured; 1: it failed; 2: bad arguments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=ABOUT)
    parser.add_argument("--seconds", default="40", help="of the detectors' turns, and of each loop (40)")
    parser.add_argument("--frames", default="8", help="how many different frames, 2 or more (8)")
    parser.add_argument("--only", metavar="NAME,...", help=f"of {', '.join(NAMES)}; {OURS} is always measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures")
    arguments = parser.parse_args(words)
    return answered(parser.prog, lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    seconds = number("--seconds", arguments.seconds, 0.1, 3600)
    frames = number("--frames", arguments.frames, 2, 200)
    if frames != int(frames):
        raise InputError(f"--frames {arguments.frames}: expected a whole number")
    only = names(arguments.only)
    if arguments.json and not arguments.json.parent.is_dir():
        raise InputError(f"--json {arguments.json}: there is no folder {arguments.json.parent}: make it first")
    peers = measure(Bundle.load(MODEL), seconds, int(frames), only, progress)
    if arguments.json:
        write_whole(arguments.json, msgspec.json.format(msgspec.json.encode(peers.to_json()), indent=1) + b"\n")
    sys.stdout.write("".join(f"{line}\n" for line in printed(peers)))
    return 0


def number(option: str, text: str, low: float, high: float) -> float:
    """Raises InputError where it is none from ``low`` to ``high``."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise InputError(f"{option} {text}: expected a number from {low:g} to {high:g}")
    return value


def names(text: str | None) -> list[str]:
    """Of the detectors and the loops, all where none are given. Raises InputError for one that is not known."""
    found = list(NAMES) if text is None else [word.strip() for word in text.split(",")]
    for name in found:
        if name not in NAMES:
            raise InputError(f"--only {text}: {name!r} is not known: expected some of {', '.join(NAMES)}")
    return found


def progress(said: str) -> None:
    """What happens now; the rounds in one line of a terminal."""
    if not said.startswith("round"):
        sys.stderr.write(f"{said}\n")
    elif sys.stderr.isatty():
        sys.stderr.write(f"\r{said} ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
