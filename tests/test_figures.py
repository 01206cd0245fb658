"""The figures of the pages are those of the files that hold them."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

from edge.app.settings import MODEL
from edge.health.conditions import CONDITIONS
from edge.model.bundle import Bundle

ROOT = Path(__file__).resolve().parents[1]
README, MEASURED = ((ROOT / page).read_text() for page in ("README.md", "docs/measured.md"))
CARD = (MODEL / "MODEL_CARD.md").read_text()
FIGURES = json.loads((ROOT / "benchmarks/results/figures.json").read_text())["figures"]


def rows(text: str, header: str) -> list[list[str]]:
    """The cells of the table whose header begins so."""
    table = text[text.index(f"\n| {header} |") :].partition("\n\n")[0].strip().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def test_the_readme_shows_figures_of_the_file() -> None:
    assert rows(README, "what") == [[f["what"], f["figure"], f"`{f['command']}`"] for f in FIGURES if f["readme"]]


def test_the_page_of_figures_shows_all_of_them() -> None:
    shown = [[f["what"], f["figure"], f"`{f['command']}`", f["date"], f["limit"]] for f in FIGURES]
    assert rows(MEASURED, "what") == shown
    assert all(date.fromisoformat(f["date"]) for f in FIGURES)
    assert len({f["id"] for f in FIGURES}) == len(FIGURES)


def test_the_demo_that_is_shown_is_the_one_of_the_figures() -> None:
    demo = next(f for f in FIGURES if f["id"] == "demo")
    shown = [
        [cell.strip() for cell in line.split("│")][-3:-1]
        for page in ("README.md", "docs/index.md")
        for line in (ROOT / page).read_text().splitlines()
        if line.startswith("│ all ")
    ]
    assert shown == [demo["figure"].split(", ")] * 2


def test_the_files_that_a_command_names_exist() -> None:
    named = [name for f in FIGURES for name in re.findall(r"(?:benchmarks|tests|edge)/[\w/.-]*\w", f["command"])]
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_what_the_model_finds_is_what_its_card_says() -> None:
    val = next(f for f in FIGURES if f["id"] == "val")
    cells = {row[0]: row for row in rows(CARD, "per cent")}
    names = val["what"].partition("AP50: ")[2].split(", ")
    assert val["figure"] == ", ".join(cells[name][3] for name in names)


def test_the_score_of_the_figures_is_the_models() -> None:
    score = Bundle.load(MODEL).score_threshold
    said = {float(s) for s in re.findall(r"\bscore (\d\.\d+)", " ".join(f["limit"] for f in FIGURES) + README)}
    assert said == {score}


def test_the_page_on_flying_has_every_warning() -> None:
    text = (ROOT / "docs/flying.md").read_text()
    assert [row[0] for row in rows(text, "`health`")] == [f"`{name}`" for name in sorted(CONDITIONS)]
