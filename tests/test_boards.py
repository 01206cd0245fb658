"""Reports of boards: those in the repository can be taken, and the table of the page is made of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import boards
from benchmarks.boards.__main__ import main
from edge.app.bench.settings import RATES
from edge.commands.main import main as edge
from tests.conftest import write_bundle
from tests.edge.app.bench.test_compare import like

LATENCIES = [[20.0 + run] * 700 for run in range(5)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def real(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "b.json"
    words = ["--seconds", "0.01", "--warm-up", "0", "--no-cold-start", "--backend", "null", "--json", str(path)]
    source = "sim:live=0,width=80,height=64,frames=4"
    assert edge(["bench", "--model", str(bundle), "--source", source, *words]) == 0
    return path


def published(report: Any) -> None:
    """As a Jetson would have made it."""
    for run, fps in zip(report["runs"], (12.0, 11.0, 14.0, 13.0, 15.0), strict=True):
        run.update(seconds=600.5, fps=fps)
    rate = {"results": 9, "seconds": 1.0, "fps": 10.0, "loss": 0.0, "dropped": 0, "age_ms": {}}
    report.update(published=True, fps=13.0, frames=3500, source="sim:live=0", latency_ms={"p50": 22.0, "p99": 24.0})
    report["spread"]["fps"] = [11.0, 15.0]
    report["rates"] = [{**rate, "rate": hz} for hz in RATES]
    report["peak"] = {"rate": 12.5, "most_loss": 0.05, "tries": []}
    report["host"].update(board="NVIDIA Jetson Orin Nano", l4t="36.4.3")
    for when in ("before", "after"):
        report["power"][when]["mode"] = "25W"
    report["versions"]["thermal-edge"] = "0.1.0"


@pytest.fixture
def known(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = json.loads((bundle / "model.json").read_text())["files"]
    monkeypatch.setattr(boards, "known_bundles", lambda: [files])


def altered(real: Path, path: Path, change: Callable[[Any], object] = lambda _: None) -> Path:
    def both(report: Any) -> None:
        published(report)
        change(report)

    return like(real, path, LATENCIES, both)


@pytest.mark.usefixtures("known")
def test_a_good_report_can_be_taken_and_stands_in_the_table(
    real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def power(report: Any) -> None:
        rails: dict[str, Any] = {"rails_w": {}, "idle_w": None, "above_idle_w": None, "joules_a_frame": None}
        report["machine"]["power"] = {**rails, "total_w": 11.04, "total_of": ["VDD_IN"]}

    good = altered(real, tmp_path / "nano.json", power)
    assert main([str(good)]) == 0
    assert capsys.readouterr().out == f"{good}: can be taken\n"

    def hot(report: Any) -> None:
        report.update(fps=14.0)
        report["machine"]["throttling"] = ["heat: tj | 99"]

    altered(real, tmp_path / "nx.json", hot)
    rows = boards.table(boards.kept(tmp_path)).splitlines()
    assert len(rows) == 4
    assert rows[2].endswith("| 22.0 ms, 24.0 ms | not measured | heat: tj / 99 | `nx.json` |")  # the faster one first
    assert rows[3] == (
        "| NVIDIA Jetson Orin Nano, 25W | no engine: nothing is detected | 13.0 (11.0 to 15.0) | 22.0 ms, 24.0 ms | "
        "11.0 W (VDD_IN) | nothing that was seen | `nano.json` |"
    )


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda r: r.update(published=False), "is no published bench"),
        (lambda r: r["runs"][2].update(seconds=599.0), "shorter than 600 s"),
        (lambda r: r.update(fps=15.0), "are not those of its runs"),
        (lambda r: r["spread"].update(fps=[11.0, 16.0]), "are not those of its runs"),
        (lambda r: r.update(frames=9), "is not the sum of its runs"),
        (lambda r: r["rates"].pop(), "fixed rates or the highest rate are missing"),
        (lambda r: r.update(peak=None), "fixed rates or the highest rate are missing"),
        (lambda r: r.update(source="film.mp4"), "it looked at film.mp4: expected sim:live=0"),
        (lambda r: r.update(model_files={"model.onnx": "0"}), "is none of the bundled ones"),
        (lambda r: r["host"].update(board=None), "does not name its board"),
        (lambda r: r["power"]["after"].update(mode="15W"), "was 25W before and 15W after"),
        (
            lambda r: [r["power"][when].update(mode=None) for when in ("before", "after")],
            "does not name the power mode",
        ),
        (lambda r: r["versions"].pop("numpy"), "the version of numpy"),
        (lambda r: r["versions"].update({"thermal-edge": "not installed"}), "the version of thermal-edge"),
        (lambda r: r["runs"][0]["latency_ms"].update(p50=3.0), "was altered: the median latency of run 1"),
        (lambda r: r.update(format=0), "has format 0"),
    ],
)
def test_each_reason_not_to_take_one(
    real: Path, tmp_path: Path, change: Callable[[Any], object], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = altered(real, tmp_path / "bad.json", change)
    assert main([str(bad)]) == 1
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert complaint in said


def test_those_in_the_repository_can_be_taken_and_the_page_shows_them() -> None:
    """The file with every result is attached where a report was sent; it is too large to be kept."""
    found = [path for path in boards.REPORTS.glob("*.json") if list(boards.problems(path, with_results=False))]
    assert found == []
    page = boards.PAGE.read_text()
    assert page == boards.page_with(page, boards.table(boards.kept())), "run python -m benchmarks.boards --write"
    assert boards.BEGIN in page


def test_the_bundled_model_is_known_and_no_report_is_a_table_that_says_so() -> None:
    assert boards.known_bundles()
    assert boards.table([]) == f"{boards.NONE}\n"
    assert boards.page_with(f"a\n{boards.BEGIN}old{boards.END}\nb", "new\n") == (
        f"a\n{boards.BEGIN}\n\nnew\n\n{boards.END}\nb"
    )
    with pytest.raises(SystemExit, match="2"):
        main([])
