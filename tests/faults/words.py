"""Command lines of flights, small and fast: a simulated camera of 80x64 over bare ground."""

from __future__ import annotations

from pathlib import Path

from tests.faults.row import Field

BARE = "width=80,height=64,pitch=-90,people=0,deer=0,cars=0"
LIVE = f"sim:{BARE},fps=25"
DEVICE = "/dev/null?format=Y16&width=80&height=64"  # with a camera of `inside.py`


def of_file(frames: int) -> str:
    """A source that waits for nobody."""
    return f"sim:live=0,{BARE},frames={frames}"


def run(field: Field, source: str, out: Path, *more: object, finds: bool = False) -> list[str]:
    """``finds``: with the tiny detector, which finds four bodies in each frame, and so tracks; else the null engine."""
    engine = ["--backend", "ort", "--threshold", "0.2"] if finds else ["--backend", "null"]
    return ["run", *engine, "--source", source, "--model", str(field.bundle), "--out", str(out), *map(str, more)]
