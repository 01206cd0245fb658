"""``edge-export onnx`` and ``edge-export check`` from the outside."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import onnx
import pytest
import torch
from onnx import helper
from random_detectors import enliven, thermal_scene

from edge.bundle import ONNX_FP16, Bundle, sha256
from export import check_cli
from export.cli import main
from export.detector import frc_resnet_fpn

HEIGHT, WIDTH = 64, 96


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, its bundle made by the command, and frames."""
    folder = tmp_path_factory.mktemp("export")
    model = frc_resnet_fpn(18, 2, "layer1", channels=16, representation_size=32, min_size=HEIGHT, max_size=WIDTH)
    torch.save(enliven(model, thermal_scene(HEIGHT, WIDTH)).state_dict(), folder / "model.pth")
    (folder / "frames").mkdir()
    for i in range(3):
        cv2.imwrite(str(folder / "frames" / f"{i}.png"), thermal_scene(HEIGHT, WIDTH, i))
    assert main(command(folder, "--out", str(folder / "deer"))) == 0
    return folder


def command(folder: Path, *more: str) -> list[str]:
    words = ["onnx", "--checkpoint", str(folder / "model.pth"), "--classes", "deer,person", "--height", "64"]
    words += ["--width", "96", "--sampling-ratio", "2", "--rpn-pre-nms", "100", "--rpn-post-nms", "50"]
    return [*words, *more]


def test_the_bundle_tells_its_settings(folder: Path) -> None:
    bundle = Bundle.load(folder / "deer")
    assert bundle.classes == ("deer", "person")
    assert bundle.architecture["sampling_ratio"] == 2
    assert bundle.architecture["rpn_post_nms_top_n_test"] == 50
    assert (bundle.architecture["min_size"], bundle.architecture["max_size"]) == (64, 96)
    assert bundle.checkpoint_sha256 == sha256(folder / "model.pth")


def test_the_summary(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(folder, "--out", str(tmp_path / "m"), "--weights", "fp16")) == 0
    out = capsys.readouterr().out
    for words in ("backbone", "pyramid", "proposals", "RoI head", "GFLOP", "M", "MB", "taken as"):
        assert words in out
    assert Bundle.load(tmp_path / "m").file("model.onnx").stat().st_size < 26e6


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--checkpoint", "nowhere.pth"], "nowhere.pth"),
        (["--classes", "deer"], "classes 1 was given, the checkpoint has 2"),
        (["--arch", "frc_resnet50_fpn"], "resnet18"),
        (["--pyramid", "conv1"], "layer1"),
        (["--height", "65"], "multiple of 32"),
        (["--width", "1312"], "multiple of 32"),
        (["--std", "0"], "above 0"),
        (["--rpn-post-nms", "5000", "--rpn-pre-nms", "5000"], "3840"),
        (["--roi-size", "7x7"], "--roi-size"),
        (["--nms", "7"], "wanted 0..1"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    more: list[str], told: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(folder, "--out", str(tmp_path / "m"), *more)) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "more", [["--mean", "grey"], ["--roi-size", "8by10"], ["--arch", "yolo"], ["--weights", "int4"]]
)
def test_bad_arguments(more: list[str], folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(command(folder, "--out", str(tmp_path / "m"), *more))
    assert caught.value.code == 2


def test_classes_come_from_the_checkpoint_or_are_asked_for(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [w for w in command(folder, "--out", str(tmp_path / "m")) if w not in ("--classes", "deer,person")]
    assert main(words) == 2
    assert "give --classes" in capsys.readouterr().err
    content = {"model": torch.load(folder / "model.pth", weights_only=True), "classes": ["fox", "hare"]}
    torch.save(content, tmp_path / "named.pth")
    assert main([*words, "--checkpoint", str(tmp_path / "named.pth"), "--quiet"]) == 0
    assert Bundle.load(tmp_path / "m").classes == ("fox", "hare")


@pytest.fixture
def not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_cli, "_compile", lambda bundle: {"skipped": "no"})


def check(folder: Path, *more: str) -> list[str]:
    frames = str(folder / "frames")
    return ["check", str(folder / "deer"), "--images", frames, "--min-score", "0.3", *more]


@pytest.mark.usefixtures("not_compiled")
def test_check_compares_three_forms(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    code = main(check(folder, "--checkpoint", str(folder / "model.pth"), "--json", str(report)))
    content = json.loads(report.read_text())
    assert [(c["reference"], c["other"]) for c in content["comparisons"]] == [
        ("eager", "float32"),
        ("float32", "float16"),
    ]
    exact = content["comparisons"][0]
    assert exact["frames"] == 3
    assert exact["all"]["paired"] > 10
    assert exact["failures"] == []
    assert sum(size["paired"] for size in exact["sizes"].values()) == exact["all"]["paired"]
    assert content["refusals"] == []
    # random weights may be beyond the tolerance of float16: then it is said, and the exit code tells
    assert code == bool(content["failures"])
    out = capsys.readouterr().out
    assert "float32 against eager" in out
    assert ("within tolerance" in out) == (code == 0)


@pytest.mark.usefixtures("not_compiled")
def test_check_fails_where_the_graph_is_another(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The float16 file of a bundle is replaced by one that finds nothing, and holds what TensorRT refuses."""
    shutil.copytree(folder / "deer", tmp_path / "deer")
    (tmp_path / "frames").symlink_to(folder / "frames")
    path = tmp_path / "deer" / ONNX_FP16
    model = onnx.load(path)
    graph = model.graph
    for node in graph.node:
        for i, name in enumerate(node.output):
            if name == "scores":
                node.output[i] = "all_scores"
    graph.node.append(helper.make_node("Sub", ["all_scores", "all_scores"], ["scores"], name="nothing"))
    graph.node.append(helper.make_node("NonZero", ["all_scores"], ["refused"], name="refused"))
    onnx.save(model, path)
    text = (tmp_path / "deer" / "model.json").read_text()
    raw = json.loads(text)
    raw["files"][ONNX_FP16] = sha256(path)
    (tmp_path / "deer" / "model.json").write_text(json.dumps(raw))
    assert main(check(tmp_path)) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "detections lack a partner" in out
    assert "TensorRT would refuse NonZero refused" in out


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--checkpoint", "frames/0.png"], "not the checkpoint"),
        (["--images", "nowhere"], "nowhere"),
        (["--images", "sim:"], "live"),
        (["--frames", "0"], "1 or more"),
    ],
)
@pytest.mark.usefixtures("not_compiled")
def test_check_with_bad_input(
    more: list[str], told: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert main(check(folder, *more)) == 2
    assert told in capsys.readouterr().err


def test_check_compiles_the_float16_graph_strongly_typed(folder: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="needs pip install tensorrt-rtx")
    compiled = check_cli._compile(Bundle.load(folder / "deer"))
    assert compiled["bytes"] > 1e6, compiled


def test_the_board_without_torch_can_ask_for_the_engine() -> None:
    """`edge-export engine` must not import torch, nor may `edge-export --help`."""
    code = (
        "import sys\n"
        "for name in ('torch', 'torchvision', 'onnx'): sys.modules[name] = None\n"
        "from export.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )

    def without_torch(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)

    for words in (["--help"], ["engine", "--help"]):
        assert without_torch(*words).returncode == 0, words
    for command in ("onnx", "check"):
        done = without_torch(command)
        assert done.returncode == 2
        assert "thermal-edge[export]" in done.stderr
        assert "Traceback" not in done.stderr
