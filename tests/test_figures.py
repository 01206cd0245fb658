"""The figures of the pages are those of the files that hold them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from benchmarks import figures
from benchmarks.figures import of_peers
from benchmarks.peers import result
from edge.app.settings import MODEL
from edge.health.conditions import CONDITIONS
from edge.model.bundle import Bundle

ROOT = Path(__file__).resolve().parents[1]
README, MEASURED = ((ROOT / page).read_text() for page in ("README.md", "docs/measured.md"))
CARD = (MODEL / "MODEL_CARD.md").read_text()
FIGURES = figures.figures()
PEERS = result.read(figures.RESULTS / "peers.json")


def rows(text: str, header: str) -> list[list[str]]:
    """The cells of the table whose header begins so."""
    table = text[text.index(f"\n| {header} |") :].partition("\n\n")[0].strip().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def test_the_readme_shows_figures_of_the_file() -> None:
    assert rows(README, "what") == [[f.what, f.figure, f"`{f.command}`"] for f in FIGURES if f.readme]


def test_the_page_of_figures_shows_all_of_them() -> None:
    shown = [[f.what, f.figure, f"`{f.command}`", f.date, f.limit] for f in FIGURES]
    assert rows(MEASURED, "what") == shown
    assert all(date.fromisoformat(f.date) for f in FIGURES)
    assert len({f.id for f in FIGURES}) == len(FIGURES)


@pytest.mark.parametrize("path", figures.pages(), ids=lambda path: str(path.name))
def test_the_pages_are_as_they_are_written_from_the_results(path: Path) -> None:
    assert path.read_text() == figures.pages()[path], "run python -m benchmarks.figures --write"


def test_the_figures_of_the_peers_are_those_of_their_run() -> None:
    rows = {f.id: f for f in of_peers(PEERS)}
    ratios = {d.name: d.ratio for d in PEERS.detectors if d.ratio}
    compared = [name for name in ratios if name != "ours"]
    figures_of = [f"{r.median:.2f} ({r.low:.2f} to {r.high:.2f})" for r in (ratios[name] for name in compared)]
    assert rows["peers"].figure == "; ".join(figures_of)
    assert len(rows["peers"].what.partition(": ")[2].split("; ")) == len(compared)
    plain, ours = (loop.age_ms.median for loop in PEERS.loops)
    assert rows["staleness"].figure == f"{plain / ours:.1f} times as old"
    assert str(PEERS.load) in rows["peers"].limit
    assert ratios["ours"] == result.Ratio(1, 1, 1, 1)
    assert of_peers(replace(PEERS, detectors=[], loops=[])) == []


def test_the_peers_were_measured_with_the_bundled_model() -> None:
    """Of a model that was changed since, the run says nothing."""
    bundle = Bundle.load(MODEL)
    assert PEERS.model == bundle.name
    assert PEERS.model_files["model.onnx"] == bundle.files["model.onnx"], "run make bench-peers"
    assert [d.name for d in PEERS.detectors if d.absent is None and d.ratio is None] == []


def test_a_page_is_written_between_what_it_has() -> None:
    rows = [replace(FIGURES[0], what="new", figure="1", command="make", readme=True)]
    page = "a\n\n| what | figure | command |\n|---|---|---|\n| old | 0 | `c` |\n\nb\n"
    assert figures.readme_with(page, rows) == page.replace("| old | 0 | `c` |", "| new | 1 | `make` |")
    assert figures.readme_with(page, [*rows, replace(rows[0], readme=False)]) == figures.readme_with(page, rows)
    marked = f"a\n{figures.BEGIN}old{figures.END}\nb\n"
    assert figures.speed_with(marked, PEERS).startswith(f"a\n{figures.BEGIN}\n\n`make bench-peers`, ")
    assert figures.speed_with(marked, PEERS).endswith(f"\n\n{figures.END}\nb\n")


def test_figures_that_differ_are_told_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("old")
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    monkeypatch.setattr(figures, "pages", lambda: {page: "new"})
    assert figures.main([]) == 1
    assert page.read_text() == "old"
    assert figures.main(["--write"]) == 0
    assert page.read_text() == "new"
    assert figures.main([]) == 0
    assert capsys.readouterr().out == "page.md has other figures\npage.md is written anew\n"


def test_the_demo_that_is_shown_is_the_one_of_the_figures() -> None:
    demo = next(f for f in FIGURES if f.id == "demo")
    shown = [
        [cell.strip() for cell in line.split("│")][-3:-1]
        for page in ("README.md", "docs/index.md")
        for line in (ROOT / page).read_text().splitlines()
        if line.startswith("│ all ")
    ]
    assert shown == [demo.figure.split(", ")] * 2


def test_the_counts_that_are_shown_are_those_of_the_figures() -> None:
    counts = next(f for f in FIGURES if f.id == "demo-counts")
    for page in ("README.md", "docs/index.md"):
        table = (ROOT / page).read_text().partition("┃ class  ┃ tracks ┃ counted ┃ from ┃ to ┃ really ┃\n")[2]
        found = re.findall(r"^│ (\w+) +│ +\d+ │ +(\d+) │ +(\d+) │ +(\d+) │ +(\d+) │$", table, re.MULTILINE)
        shown = {name: (f"{count} and {really}", f"{low} to {high}") for name, count, low, high, really in found}
        names = ("Car", "Person", "Animal")
        assert set(shown) == set(names)
        assert counts.figure == "; ".join(shown[name][0] for name in names)
        assert f"Intervals: {'; '.join(shown[name][1] for name in names)}." in counts.limit


def test_the_files_that_a_command_names_exist() -> None:
    named = [name for f in FIGURES for name in re.findall(r"(?:benchmarks|tests|edge)/[\w/.-]*\w", f.command)]
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_what_the_model_finds_is_what_its_card_says() -> None:
    val = next(f for f in FIGURES if f.id == "val")
    cells = {row[0]: row for row in rows(CARD, "per cent")}
    names = val.what.partition("AP50: ")[2].split(", ")
    assert val.figure == ", ".join(cells[name][3] for name in names)


def test_the_score_of_the_figures_is_the_models() -> None:
    bundle = Bundle.load(MODEL)
    said = {float(s) for s in re.findall(r"\bscore (\d\.\d+)", " ".join(f.limit for f in FIGURES) + README)}
    assert said == {bundle.score_threshold, *bundle.score_thresholds.values()}


def test_the_page_on_flying_has_every_warning() -> None:
    text = (ROOT / "docs/flying.md").read_text()
    assert [row[0] for row in rows(text, "`health`")] == [f"`{name}`" for name in sorted(CONDITIONS)]
