"""`edge-export estimate`: every line says that it is an estimate, and what it is worth."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edge.errors import EngineError
from export.commands import estimate
from export.commands.main import main
from export.tensorrt.estimate.boards import board_named
from export.tensorrt.estimate.published import PUBLISHED, checks
from export.tensorrt.estimate.work import Work

ROOT = Path(__file__).resolve().parents[3]
BUNDLED = ROOT / "edge" / "models" / "hituav-r18"
# of the bundled model, as TensorRT-RTX 1.7.1 lists it; kernels that do about as many operations for a byte together
PARTS = {
    "backbone": [
        Work(0.0, 40.56, 3), Work(0.131, 8.21, 1), Work(0.131, 4.16, 1), Work(0.131, 2.31, 1), Work(6.701, 35.4, 4),
        Work(4.719, 16.53, 2), Work(23.593, 51.23, 11),
    ],
    "pyramid and RPN": [
        Work(0.0, 6.8, 4), Work(0.082, 6.75, 5), Work(0.267, 12.47, 3), Work(0.454, 14.55, 4), Work(0.066, 1.57, 1),
        Work(0.033, 0.64, 1), Work(0.01, 0.11, 1), Work(0.074, 0.4, 2), Work(6.193, 21.95, 6),
    ],
    "TopK": [Work(0.0, 4.77, 21, 119850)],
    "NMS": [Work(0.0, 117.149, 41)],
    "RoI head": [Work(0.0, 0.09, 2), Work(0.015, 0.67, 1), Work(0.315, 1.75, 1), Work(3.146, 12.0, 1)],
    "RoIAlign": [Work(0.0, 104.18, 2)],
    "boxes": [Work(0.0, 13.51, 10)],
}  # fmt: skip


@pytest.fixture
def rough(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without tensorrt-rtx."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def test_the_page_shows_what_is_printed() -> None:
    page = (ROOT / "docs" / "speed.md").read_text()
    block = next(b for b in re.findall(r"^```text\n(.*?)^```", page, re.DOTALL | re.MULTILINE) if "estimate of" in b)
    lines = estimate.bundle_lines(
        "hituav-r18", board_named("orin-nano-super"), PARTS, "listed by TensorRT-RTX 1.7.1.116 for SM86"
    )
    assert block.splitlines() == [estimate.NOT_MEASURED, *lines, estimate.error_line(checks())]


def test_the_page_has_the_checks() -> None:
    """Each published time of the table in docs/speed.md with its estimate and error."""
    page = (ROOT / "docs" / "speed.md").read_text()
    for check in checks():
        it = check.published
        row = f"| {it.network} | {it.board} | {it.ms:.2f} | {check.estimate.likely:.2f} | {check.error:+.0%} |"
        assert row in page


@pytest.mark.usefixtures("rough")
def test_every_line_says_that_it_is_an_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(BUNDLED), "--board", "agx-orin-64", "--validate"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "estimate" not in line] == []
    assert lines[0] == estimate.NOT_MEASURED
    assert "counted in the ONNX graph by its shapes, which is coarser (pip install tensorrt-rtx" in lines[3]
    assert sum(", published " in line for line in lines) == len(PUBLISHED) + 1
    assert lines[-1] == estimate.error_line(checks())


@pytest.mark.usefixtures("rough")
def test_what_the_file_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "e.json"
    assert main(["estimate", str(BUNDLED), "--board", "orin-nx-16", "--json", str(out), "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    said = json.loads(out.read_text())["estimate"]
    assert list(said) == ["bundle", "board", "kernels", "parts", "ms", "fps", "assumed", "published",
                          "median_error_percent", "worst_error_percent"]  # fmt: skip
    assert said["board"]["name"] == "orin-nx-16"
    assert sum(part["ms"]["likely"] for part in said["parts"].values()) == pytest.approx(said["ms"]["likely"], abs=0.01)
    assert said["fps"]["likely"] == pytest.approx(1000 / said["ms"]["likely"], abs=0.1)
    assert said["fps"]["low"] == pytest.approx(1000 / said["ms"]["most"], abs=0.1)
    assert said["published"][0]["ms"] == PUBLISHED[0].ms
    assert said["worst_error_percent"] in {check["error_percent"] for check in said["published"]}


def test_alone_the_checks_need_no_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "--validate"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(PUBLISHED) + 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "expected BUNDLE and --board together"),
        ([str(BUNDLED)], "expected BUNDLE and --board together"),
        (["--board", "agx-orin-64", "--validate"], "expected BUNDLE and --board together"),
        ([str(BUNDLED), "--board", "xavier"], "--board xavier: not known; expected one of orin-nano-super, "),
    ],
)
def test_what_is_not_there_is_told_in_a_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", *words]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.usefixtures("rough")
def test_a_file_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "--validate", "--json", str(tmp_path), "--quiet"]) == 2
    assert f"{tmp_path} cannot be written" in capsys.readouterr().err


def test_a_graph_that_does_not_compile_here_is_counted_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*arguments: object) -> None:
        raise EngineError("no room")

    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr(estimate, "build_in_process", refuse)
    assert main(["estimate", str(BUNDLED), "--board", "thor-t5000"]) == 0
    assert "which is coarser (no room)" in capsys.readouterr().out
