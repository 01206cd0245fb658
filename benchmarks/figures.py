"""The figures of the pages, written from the files in benchmarks/results.

    python -m benchmarks.figures --write

figures.json: figures by hand, each with its command. peers.json: what `make bench-peers` wrote. README.md and
docs/measured.md have the tables of all figures, docs/speed.md the section of the peers; a test holds them equal.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.detectors import OURS
from benchmarks.peers.lines import section
from benchmarks.peers.result import Peers, read
from edge.system.declared import declared, read_json

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks/results"
BEGIN, END = "<!-- peers: python -m benchmarks.figures --write -->", "<!-- end of peers -->"


@dataclass(frozen=True)
class Figure:
    """A row. ``id``: its name in the file. ``readme``: whether the README shows it. ``limit``: what it holds for."""

    id: str
    what: str
    figure: str
    command: str
    date: str
    readme: bool
    limit: str


def figures(results: Path = RESULTS) -> list[Figure]:
    """All of them: those by hand, then those of the peers. Raises InputError, ValueError where a file is none."""
    by_hand = declared(read_json((results / "figures.json").read_bytes())["figures"], list[Figure])
    return [*by_hand, *of_peers(read(results / "peers.json"))]


def of_peers(peers: Peers) -> list[Figure]:
    """Those of the run that a table of all figures holds."""
    compared = [(d.short, d.ratio) for d in peers.detectors if d.ratio is not None and d.name != OURS]
    rows = []
    if compared:
        names = "; ".join(short for short, _ in compared)
        rows.append(
            Figure(
                "peers",
                f"the same detector in other programs, times as long as ours for a frame: {names} ({peers.processor})",
                "; ".join(f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})" for _, ratio in compared),
                peers.command,
                peers.date,
                True,
                f"One run, in turns: median and middle half of the rounds; {peers.load}. "
                "[Against others](speed.md#against-others).",
            )
        )
    if (times := peers.staleness()) is not None:
        rows.append(
            Figure(
                "staleness",
                f"a camera of {peers.rate:g} Hz: age of a frame when its detections are there, in a plain OpenCV loop "
                "against ours",
                f"{times:.1f} times as old",
                peers.command,
                peers.date,
                True,
                f"Medians of one run; {peers.loops_load}. The camera and its queue are modelled.",
            )
        )
    return rows


def readme_with(text: str, rows: Sequence[Figure]) -> str:
    """README.md with its table of these."""
    shown = [(f.what, f.figure, f"`{f.command}`") for f in rows if f.readme]
    return with_table(text, "| what | figure | command |", shown)


def measured_with(text: str, rows: Sequence[Figure]) -> str:
    """docs/measured.md with its table of these."""
    shown = [(f.what, f.figure, f"`{f.command}`", f.date, f.limit) for f in rows]
    return with_table(text, "| what | figure | command | date | limits |", shown)


def speed_with(text: str, peers: Peers) -> str:
    """docs/speed.md with its section between the two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{section(peers)}\n{END}{after}"


def with_table(text: str, header: str, rows: Sequence[Sequence[str]]) -> str:
    """The page with these rows in the table that begins with this header."""
    before, found, rest = text.partition(f"\n{header}\n")
    assert found, f"no table {header}"
    _, _, after = rest.partition("\n\n")
    lines = ["|" + "---|" * len(rows[0]), *(f"| {' | '.join(row)} |" for row in rows)]
    return f"{before}\n{header}\n" + "\n".join(lines) + f"\n\n{after}"


def pages(root: Path = ROOT) -> Mapping[Path, str]:
    """What the pages should hold, by their paths."""
    rows, peers = figures(root / "benchmarks/results"), read(root / "benchmarks/results/peers.json")
    readme, measured, speed = (root / name for name in ("README.md", "docs/measured.md", "docs/speed.md"))
    return {
        readme: readme_with(readme.read_text(encoding="utf-8"), rows),
        measured: measured_with(measured.read_text(encoding="utf-8"), rows),
        speed: speed_with(speed.read_text(encoding="utf-8"), peers),
    }


def main(words: Sequence[str]) -> int:
    """0: the pages are as the files say, or were written so; 1: one is not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.figures", description="the figures of the pages")
    parser.add_argument("--write", action="store_true", help="write the pages anew; else only say which are not so")
    arguments = parser.parse_args(words)
    other = {path: text for path, text in pages().items() if path.read_text(encoding="utf-8") != text}
    for path, text in other.items():
        sys.stdout.write(f"{path.relative_to(ROOT)} {'is written anew' if arguments.write else 'has other figures'}\n")
        if arguments.write:
            path.write_text(text, encoding="utf-8")
    return int(bool(other) and not arguments.write)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
