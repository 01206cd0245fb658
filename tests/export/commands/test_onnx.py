"""``edge-export onnx`` from the outside."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path

import onnx
import pytest
import torch

from edge.model.bundle import ONNX_CPU, Bundle, sha256
from edge.model.normalisers import Normalisers
from export.commands.main import main
from export.detector.build import frc_resnet_fpn
from export.detector.entries import RECORD
from export.graph import bundle as export_bundle
from tests.support.children import run_child
from tests.support.narrow import narrow

HEIGHT, WIDTH = 64, 96


@pytest.fixture(scope="module")
def folder(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, its bundle made by the command, and what the command said.

    Not traced: the bundle holds the graph of ``exported``, stored as the command was told.
    """
    folder = tmp_path_factory.mktemp("export")
    graph = onnx.load(exported / "deer" / ONNX_CPU)
    with narrow(), pytest.MonkeyPatch.context() as patch:
        model = frc_resnet_fpn(18, 2, "layer1", channels=16, representation_size=32, min_size=HEIGHT, max_size=WIDTH)
        torch.save(model.state_dict(), folder / "model.pth")
        patch.setattr(export_bundle, "trace", lambda detector: graph)
        patch.setattr(export_bundle, "float16_graph", lambda traced: traced)
        with (folder / "said.txt").open("w") as said, contextlib.redirect_stdout(said):
            assert (
                main(command(folder, "--out", str(folder / "deer"), "--weights", "fp16", "--one-body", "deer,person"))
                == 0
            )
    return folder


@pytest.fixture(autouse=True)
def _narrow(narrow_resnets: None) -> None: ...


def command(folder: Path, *more: str) -> list[str]:
    words = ["onnx", "--checkpoint", str(folder / "model.pth"), "--classes", "deer,person", "--height", "64"]
    words += ["--width", "96", "--sampling-ratio", "2", "--rpn-pre-nms", "100", "--rpn-post-nms", "50"]
    return [*words, "--min-size", "64", "--max-size", "96", "--assume-rest", *more]


def test_the_bundle_tells_its_settings(folder: Path) -> None:
    bundle = Bundle.load(folder / "deer")
    assert bundle.classes == ("deer", "person")
    assert bundle.architecture["sampling_ratio"] == 2
    assert bundle.architecture["rpn_post_nms_top_n_test"] == 50
    assert (bundle.architecture["min_size"], bundle.architecture["max_size"]) == (64, 96)
    # what nobody has said, and nothing else
    assert bundle.assumed["anchor_sizes"] == "4,8,16,32,64"
    assert bundle.assumed["conv1_stride"] == "2"
    assert not {"min_size", "sampling_ratio", "channels", "classes"} & set(bundle.assumed)
    assert bundle.checkpoint_sha256 == sha256(folder / "model.pth")
    assert bundle.one_body == (("deer", "person"),)


@pytest.mark.usefixtures("traced_before")
def test_a_checkpoint_that_says_its_detector_needs_no_option(folder: Path, tmp_path: Path) -> None:
    model = frc_resnet_fpn(18, 2, "layer1", channels=16, representation_size=32, min_size=96, max_size=144)
    content = {"model": model.state_dict(), "detector": model.configuration.to_json(), "classes": ["deer", "person"]}
    training = {"normalise": Normalisers().to_json()}
    for name, record in (("plain", {}), ("trained", {RECORD: training})):
        torch.save(content | record, folder / f"{name}.pth")
        words = ["onnx", "--checkpoint", str(folder / f"{name}.pth"), "--height", "64", "--width", "96", "--quiet"]
        assert main([*words, "--out", str(tmp_path / name)]) == 0
        bundle = Bundle.load(tmp_path / name)
        assert (bundle.height, bundle.width) == (64, 96)
        assert bundle.architecture["min_size"] == 96  # frames are enlarged as in its training
        assert bundle.assumed == {}


def test_the_summary(folder: Path, exported: Path) -> None:
    out = (folder / "said.txt").read_text()
    for words in ("backbone", "pyramid", "proposals", "RoI head", "GFLOP", "M", "MB", "assumed:", "--conv1-stride"):
        assert words in out
    stored, whole = (Bundle.load(path / "deer").file(ONNX_CPU).stat().st_size for path in (folder, exported))
    assert stored < 0.6 * whole


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
        (["--roi-samples", "0"], "expected 1..16"),
        (["--sampling-ratio", "100"], "expected 1..16"),
        (["--mean", "nan"], "image_mean (nan,)"),
        (["--anchor-sizes", "0,0,0,0,0"], "pixels above 0"),
        (["--aspect-ratios", "0,1,2"], "above 0"),
        (["--canonical-scale", "0"], "canonical_scale 0"),
        (["--norm-eps", "-1"], "norm_eps -1.0"),
        (["--min-size", "0"], "min_size 0"),
        (["--nms", "7"], "expected 0..1"),
        (["--bbox-reg-weights", "10,10,5"], "bbox_reg_weights (10.0, 10.0, 5.0): expected 4 numbers above 0"),
        (["--conv1-stride", "0"], "conv1_stride 0"),
        (["--featmap-names", "9"], "featmap_names 9: expected some of 0, 1, 2, 3, pool"),
        (["--replace-stride-with-dilation", "no,no,yes"], "resnet50 or deeper"),
        (["--last-level", "no", "--anchor-sizes", "4,8,16,32,64;" * 4 + "4,8,16,32,64"], "has 4 levels"),
        (["--anchor-sizes", "4,8,16,32,64;4,8,16,32,64"], "the pyramid layer1 has 5 levels"),
        (["--weights", "int4"], "--weights int4: expected one of fp32, fp16, shared"),
        (
            ["--one-body", "deer,fox"],
            "one_body is 'deer,fox': expected two or more of the classes, each once: deer",
        ),
        (["--images", "somewhere"], "--model PACKAGE.MODULE:FUNCTION"),
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
    "more",
    [["--mean", "grey"], ["--roi-size", "8by10"], ["--arch", "yolo"], ["--store", "int4"], ["--norm-eps", "inf"]],
)
def test_bad_arguments(more: list[str], folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(command(folder, "--out", str(tmp_path / "m"), *more))
    assert caught.value.code == 2


@pytest.mark.usefixtures("traced_before")
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


@pytest.mark.usefixtures("traced_before")
def test_a_class_is_renamed_in_its_place_and_never_becomes_another(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = {"model": torch.load(folder / "model.pth", weights_only=True), "classes": ["deer", "person"]}
    torch.save(content, tmp_path / "named.pth")
    words = command(folder, "--checkpoint", str(tmp_path / "named.pth"), "--out", str(tmp_path / "m"))
    for given, told in (
        ("person,deer", "label 1 is deer, and person is label 2, as the checkpoint names them: expected deer,person"),
        ("fox,Deer", "label 2 is person, and Deer is label 1"),
    ):
        assert main([*words, "--classes", given]) == 2
        error = capsys.readouterr().err
        assert f"--classes {given}: {told}" in error
        assert "leave --classes out" in error
        assert error.count("\n") == 1
        assert not (tmp_path / "m").exists()
    assert main([*words, "--classes", "animal,person"]) == 0
    assert "label 1: deer is called animal\n" in capsys.readouterr().out
    assert Bundle.load(tmp_path / "m").classes == ("animal", "person")


def test_the_board_without_torch_can_ask_for_the_engine() -> None:
    """`edge-export engine` must not import torch, nor may `edge-export --help`."""
    code = (
        "import sys\n"
        "for name in ('torch', 'torchvision', 'onnx'): sys.modules[name] = None\n"
        "from export.commands.main import main\n"
        "for words in sys.argv[1:]:\n"
        "    try: code = main(words.split())\n"
        "    except SystemExit as end: code = end.code\n"
        "    print(f'{words} ended with {code}', file=sys.stderr)\n"
    )
    words = ("--help", "engine --help", "onnx", "check")
    done = run_child([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 0
    *missing, last = re.split(r"^.+ ended with (?:.+)\n", done.stderr, flags=re.MULTILINE)
    ends = re.findall(r"^(.+) ended with (.+)$", done.stderr, re.MULTILINE)
    assert ends == list(zip(words, "0022", strict=True))
    assert last == ""
    for error in missing[2:]:
        assert "thermal-edge[export]" in error
        assert "Traceback" not in error
