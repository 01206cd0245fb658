"""The plan of a small mission for the checks of a preflight, and what these say of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge.app.mission.read import read_mission
from edge.app.preflight.plan import Plan
from edge.app.preflight.side_by_side import Line
from edge.model.bundle import Bundle

SIM = "sim:width=80,height=64,live=0,frames=4"


def plan(folder: Path, bundle: Path, text: str = "", height: float | None = None, source: str = SIM) -> Plan:
    path = folder / "m.toml"
    path.write_text(f'[camera]\nsource = "{source}"\n[outputs]\nfolder = "out"\n{text}')
    mission = read_mission(path)
    return Plan(mission, mission.options(), Bundle.load(bundle), height)


def told(lines: Iterator[Line]) -> dict[str, tuple[str, str, str]]:
    return {line.name: (line.state, line.value, line.todo) for line in lines}
