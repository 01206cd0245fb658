"""docs/mission.md: its example flies, and its tables are what is declared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.app.mission.check import dotted, every_key, form
from edge.app.mission.declared import MissionTable
from edge.app.mission.read import MOST_BYTES, MOST_SAID, read_mission
from edge.commands.main import main

PAGE = (Path(__file__).resolve().parents[4] / "docs/mission.md").read_text()
BLOCKS = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def tables() -> Iterator[str]:
    """The part of the page on each table, as it must be."""
    kinds = {(): MissionTable, **{path: one.kind for path, one in every_key() if one.is_table}}
    for table, kind in kinds.items():
        keys = [(path, one) for path, one in every_key() if path[:-1] == table and one.key]
        rows = [
            f"| `{path[-1]}` | {one.key.text}{' (must be there)' if one.required else ''} | "
            f"`{form(path[-1], one.key.example)}` |"
            for path, one in keys
            if one.key
        ]
        head = f"### `[{dotted(table)}]`" if table else "### Before the first table"
        said = " ".join((kind.__doc__ or "").split())
        if rows:
            yield "\n".join([head, "", said, "", "| key | what it says | for example |", "|---|---|---|", *rows, ""])


def test_the_tables_are_what_is_declared() -> None:
    """Where one differs, what is printed belongs into the page."""
    expected = list(tables())
    for part in expected:
        assert part in PAGE, part
    assert PAGE.count("\n### ") == len(expected)
    assert f"{MOST_BYTES} bytes" in PAGE
    assert f"up to {MOST_SAID} are told" in PAGE


def test_the_example_flies(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "north.toml"
    path.write_text(BLOCKS[0])
    words = [
        "--model",
        str(tiny_bundle),
        "--backend",
        "null",
        "--source",
        "sim:seed=3,frames=2,live=0,width=640,height=512",
    ]
    assert main(["run", "--mission", str(path), *words]) == 0
    out = tmp_path / "flights" / "deer-north-0001"
    report = json.loads((out / "report.json").read_text())
    assert report["mission"]["name"] == "deer north"
    assert report["frames"] == report["recording"]["frames"] == 2
    assert {"map", "csv"} <= report["sinks"].keys()
    assert report["coverage"]
    assert report["threshold"] == 0.5


def test_the_other_examples_are_read(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    for block in BLOCKS[1:]:
        path.write_text(block + "\n[outputs]\nfolder = 'o'\n")
        assert read_mission(path).options()["source"] == ["/dev/video0?format=Y16&width=640&height=512&fps=30"]


def test_the_faults_on_the_page_are_what_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "north.toml"
    lines = [
        "[camera]",
        'sorce = "sim:"',
        *[""] * 5,
        "[model]",
        "threshold = 1.5",
        "[outputs]",
        'folder = "o"',
        "video = 1",
    ]
    path.write_text("\n".join(lines))
    assert main(["run", "--mission", str(path)]) == 2
    said = capsys.readouterr().err.replace(f"{tmp_path}/", "")
    assert f"```text\n{said}```" in PAGE
