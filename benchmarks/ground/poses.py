"""What is read of files with poses, what is refused, and how long asking for a pose takes.

python benchmarks/ground/poses.py FILE ... [OPTIONS]

``FILE``: *.tlog, *.srt, *.bin, *.klv, *.ts, or a folder of them. ``OPTIONS``: what stands behind the ``?`` of a pose,
for all files, such as '?camera=0,-90,0&altitude=relative'; a file is also asked without those that its kind does not
know. Each pose is asked for ten times a second from the first position to the last.
"""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from edge.errors import InputError
from edge.pose import Moment, PoseSource, open_pose
from edge.pose.open import KINDS

KIND_OF = {".tlog": "tlog:", ".srt": "srt:", ".bin": "klv:", ".klv": "klv:", ".ts": "klv:"}
STEP_S = 0.1
LONGEST_S = 3600.0


def main(paths: list[Path], options: str) -> None:
    for path in paths:
        prefix = KIND_OF[path.suffix.lower()]
        known = next(kind.keys for kind in KINDS if kind.prefix == prefix)
        fitting = [pair for pair in options.removeprefix("?").split("&") if pair.partition("=")[0] in known]
        begin = time.perf_counter()
        try:
            source = open_pose(f"{prefix}{path}?{'&'.join(fitting)}" if fitting else f"{prefix}{path}")
        except InputError as error:
            print(f"{path.name}\n  {error}\n")
            continue
        opened = time.perf_counter() - begin
        print(f"{path.name}\n  {source.description.rpartition(': ')[2]}; opened in {opened:.1f} s")
        print(f"  counts: {in_words(source.counts)}")
        reasons, heights, us = ask(source)
        for line in source.assumed:
            print(f"  assumed: {line}")
        print(f"  asked {sum(reasons.values())} times, {us:.0f} us each: {in_words(reasons)}")
        print(f"  heights: {in_words(heights)}\n")


def ask(source: PoseSource) -> tuple[Counter[str], Counter[str], float]:
    """Why there was none, or "a pose"; what heights were measured with; microseconds of a question."""
    series = getattr(getattr(source, "_vehicle", source), "position", None) or source._place  # type: ignore[attr-defined]
    first, last = series.first_t, min(series.last_t, series.first_t + LONGEST_S)
    reasons, heights, spent = Counter[str](), Counter[str](), 0.0
    for i in range(math.floor((last - first) / STEP_S) + 1):
        t = first + i * STEP_S
        moment = Moment(t, datetime.fromtimestamp(t, timezone.utc), t)
        begin = time.perf_counter()
        pose, why = source.at(moment)
        spent += time.perf_counter() - begin
        reasons[why or "a pose"] += 1
        if pose is not None:
            heights[pose.height_source] += 1
    return reasons, heights, 1e6 * spent / max(1, sum(reasons.values()))


def in_words(counts: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{n} {what}" for what, n in counts.items()) or "none"


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if not word.startswith("?")]
    found = [
        path
        for word in words
        for path in (sorted(Path(word).iterdir()) if Path(word).is_dir() else [Path(word)])
        if path.suffix.lower() in KIND_OF
    ]
    if not found:
        sys.exit(__doc__)
    main(found, "".join(word for word in sys.argv[1:] if word.startswith("?")))
