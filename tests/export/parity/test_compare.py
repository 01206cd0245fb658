"""``edge-export check``: the same detector passes, another one does not, and the report says where."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from edge.model.bundle import ONNX_CPU, ONNX_FP16, Bundle, sha256
from export.commands import check as check_cli
from export.commands.main import main
from export.parity.compare import FLOAT32, Comparison
from export.parity.pairs import Pairs
from export.tensorrt.listing import PARTS
from tests.support.compiled import compiled_once

__all__ = ["compiled_once"]

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def folder(exported: Path) -> Path:
    """A checkpoint, its bundle and frames."""
    return exported


@pytest.fixture
def not_compiled(kept_engines: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_cli, "_compile", lambda bundle: {"skipped": "no"})


def check(folder: Path, *more: str) -> list[str]:
    frames = str(folder / "frames")
    return ["check", str(folder / "deer"), "--images", frames, "--min-score", "0.3", *more]


def with_another(name: str, graph: onnx.ModelProto, folder: Path, tmp_path: Path) -> Path:
    """A copy of ``folder`` whose bundle holds ``graph`` as its file ``name``, checksums fixed."""
    out = tmp_path / "copy"
    shutil.copytree(folder, out)
    onnx.save(graph, out / "deer" / name)
    about = json.loads((out / "deer" / "model.json").read_text())
    about["files"][name] = sha256(out / "deer" / name)
    (out / "deer" / "model.json").write_text(json.dumps(about))
    return out


@pytest.mark.usefixtures("not_compiled")
def test_three_forms_of_one_detector(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    code = main(check(folder, "--checkpoint", str(folder / "model.pth"), "--json", str(report)))
    content = json.loads(report.read_text())
    assert [(c["reference"], c["other"]) for c in content["comparisons"]] == [
        ("eager", "float32"),
        ("float32", "float16"),
    ]
    exact = content["comparisons"][0]
    assert exact["frames"] == 3
    assert exact["unsettled_frames"] == 0
    assert exact["all"]["paired"] > 10
    assert exact["all"]["least_iou"] >= 0.99
    assert exact["all"]["largest_score_change"] <= 1e-3
    assert exact["failures"] == []
    assert list(exact["sizes"]) == ["small", "medium", "large"]
    assert sum(size["paired"] for size in exact["sizes"].values()) == exact["all"]["paired"]
    assert content["refusals"] == []
    # random weights may be beyond the tolerance of float16: then it is said, and the exit code tells
    assert code == bool(content["failures"])
    out = capsys.readouterr().out
    for words in ("float32 against eager", "float16 against float32", "small", "medium", "large", "0 refusals"):
        assert words in out
    assert ("within tolerance" in out) == (code == 0)


@pytest.mark.usefixtures("not_compiled")
def test_other_weights_are_another_detector(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The float32 file is of a detector that is trained a little further: same shapes, other boxes."""
    graph = onnx.load(folder / "deer" / ONNX_CPU)
    (weight,) = (t for t in graph.graph.initializer if t.name == "roi_head.predictor.bbox_pred.weight")
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * np.float32(1.3), weight.name))
    copy = with_another(ONNX_CPU, graph, folder, tmp_path)
    report = tmp_path / "report.json"
    assert main(check(copy, "--checkpoint", str(copy / "model.pth"), "--json", str(report))) == 1
    content = json.loads(report.read_text())
    assert any("float32 against eager: least IoU" in words for words in content["failures"])
    assert content["comparisons"][0]["all"]["least_iou"] < 0.99
    assert "beyond tolerance: float32 against eager" in capsys.readouterr().out


@pytest.mark.usefixtures("not_compiled")
def test_a_graph_that_finds_nothing_and_that_tensorrt_refuses(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = onnx.load(folder / "deer" / ONNX_FP16)
    for node in model.graph.node:
        for i, name in enumerate(node.output):
            if name == "scores":
                node.output[i] = "all_scores"
    model.graph.node.append(helper.make_node("Sub", ["all_scores", "all_scores"], ["scores"], name="nothing"))
    model.graph.node.append(helper.make_node("NonZero", ["all_scores"], ["refused"], name="refused"))
    assert main(check(with_another(ONNX_FP16, model, folder, tmp_path))) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "detections lack a partner" in out
    assert "1 refusals" in out
    assert "TensorRT would refuse NonZero refused" in out


def test_a_graph_that_does_not_compile_fails_the_check(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_cli, "_compile", lambda bundle: {"error": "no kernel for it"})
    assert main(check(folder)) == 1
    assert "beyond tolerance: no kernel for it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--checkpoint", "frames/0.png"], "not the checkpoint"),
        (["--checkpoint", "nowhere.pth"], "nowhere.pth"),
        (["--images", "nowhere"], "nowhere"),
        (["--images", "deer"], "deer"),
        (["--images", "sim:width=64,height=64"], "live"),
        (["--frames", "0"], "1 or more"),
        (["--json", "nowhere/report.json"], "cannot be written"),
    ],
)
@pytest.mark.usefixtures("not_compiled")
def test_bad_input(
    more: list[str], told: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert main(check(folder, *more)) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.usefixtures("compiled_once")
def test_the_float16_graph_compiles_strongly_typed(folder: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="needs pip install tensorrt-rtx")
    compiled = check_cli._compile(Bundle.load(folder / "deer"))
    assert compiled["bytes"] > 1e6, compiled
    assert compiled["seconds"] > 0
    assert list(compiled["parts"]) == list(PARTS)
    for figure in ("kernels", "bytes_a_frame"):
        assert sum(part[figure] for part in compiled["parts"].values()) == compiled[figure] > 50


@pytest.mark.usefixtures("compiled_once")
def test_the_bundled_model_is_lean() -> None:
    """129 kernels and 478 MB a frame; with suppression as products of one column it had 173 and 620."""
    pytest.importorskip("tensorrt_rtx", reason="needs pip install tensorrt-rtx")
    compiled = check_cli._compile(Bundle.load(ROOT / "edge" / "models" / "hituav-r18"))
    assert compiled["kernels"] <= 140, compiled
    assert compiled["bytes_a_frame"] <= 500e6, compiled


@pytest.mark.usefixtures("kept_engines")
def test_kernels_by_part_are_shown(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    part = {"kernels": 21, "bytes_a_frame": 4_840_000}
    compiled = {"summary": "for SM86", "kernels": 129, "bytes_a_frame": 477_800_000, "parts": {"TopK": part}}
    monkeypatch.setattr(check_cli, "_compile", lambda bundle: compiled)
    main(check(folder))
    rows = [line.replace("│", " ").split() for line in capsys.readouterr().out.splitlines()]
    assert ["TopK", "21", "4.8"] in rows
    assert ["all", "129", "477.8"] in rows


def test_a_listing_that_cannot_be_read_is_told_and_the_graph_compiles_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    built = SimpleNamespace(plan=b"plan", listing="{}", seconds=1.0, tensorrt="1.7")
    monkeypatch.setattr(check_cli, "build_in_process", lambda *arguments: built)
    compiled = check_cli._compile(Bundle.load(folder / "deer"))
    assert compiled["summary"].endswith("lists no kernels of the graph that it compiled: its listing has another form")
    assert "error" not in compiled


def test_what_does_not_parse_is_told(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="needs pip install tensorrt-rtx")
    model = onnx.load(folder / "deer" / ONNX_FP16)
    next(n for n in model.graph.node if n.op_type == "TopK").op_type = "Nonsense"
    copy = with_another(ONNX_FP16, model, folder, tmp_path)
    compiled = check_cli._compile(Bundle.load(copy / "deer"))
    assert "Nonsense" in compiled["error"]


def pairs(iou: float = 1.0, change: float = 0.0, lost: int = 0, new: int = 0, count: int = 300) -> Pairs:
    first = np.zeros(count)
    first[0] = 1
    return Pairs(
        1 - (1 - iou) * first,
        change * first,
        np.zeros(count, np.int64),
        np.array([lost, 0, 0]),
        np.array([0, 0, new]),
    )


@pytest.mark.parametrize(
    ("found", "unsettled", "told"),
    [
        (pairs(iou=0.989), 0, "least IoU 0.9890, expected 0.99"),
        (pairs(change=-0.0011), 0, "score changed by 0.0011"),
        (pairs(change=float("nan")), 0, "score changed by nan"),
        (pairs(lost=1, new=1), 0, "2 of 302 detections lack a partner"),
        (pairs(), 1, "did not settle in 1 frames"),
    ],
)
def test_each_tolerance_holds(found: Pairs, unsettled: int, told: str) -> None:
    failures = Comparison("eager", "float32", found, FLOAT32, 3, unsettled).failures
    assert len(failures) == 1
    assert told in failures[0]


def test_within_tolerance() -> None:
    for found in (pairs(iou=0.991), pairs(change=-0.0009), pairs(lost=1), pairs(count=1)):
        assert Comparison("eager", "float32", found, FLOAT32, 3, 0).failures == []
