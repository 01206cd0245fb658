"""What the user's own program found, against the bundle: the same passes, and of what differs the cause is named."""

from __future__ import annotations

import ast
import json
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from export.commands import check as check_cli
from export.commands.main import main
from export.commands.reference import SCRIPT
from export.parity import reference_script
from export.parity.reference import read_reference
from tests.export.conftest import MORE
from tests.support.random_detectors import HEIGHT, WIDTH

# the user's own program: nothing of this package is in what it makes
MINE = """
import sys
import torch
sys.path.insert(0, {root!r})
from tests.support.random_detectors import two_layers

def make(**more):
    return two_layers(**{{**{settings!r}, **more}})

def other_size():
    return make(min_size=80, max_size=120)

def other_eps():
    return make(norm_eps=0.05)

def other_scale():
    return make(canonical_scale=32)
"""


@pytest.fixture(scope="module")
def folder(small_detector: FasterRCNN, exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's folder: weights, frames, his module; and the bundle."""
    folder = tmp_path_factory.mktemp("program")
    torch.save({"model": small_detector.state_dict()}, folder / "w.pth")
    (folder / "frames").symlink_to(exported / "frames")
    (folder / "deer").symlink_to(exported / "deer")
    root = str(Path(__file__).resolve().parents[3])
    (folder / "mine.py").write_text(MINE.format(root=root, settings=MORE))
    return folder


@pytest.fixture(autouse=True)
def inside(folder: Path, kept_engines: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(check_cli, "_compile", lambda bundle: {"skipped": "no"})
    yield
    sys.modules.pop("mine", None)


WRITTEN: dict[str, str] = {}


def written(monkeypatch: pytest.MonkeyPatch, out: Path, function: str = "make") -> dict[str, Any]:
    """What the script writes, run in this process, once for each function."""
    if function not in WRITTEN:
        words = ["--images", "frames", "--model", f"mine:{function}", "--weights", "w.pth", "--out", str(out)]
        monkeypatch.setattr(sys, "argv", ["reference.py", *words])
        reference_script.main()
        WRITTEN[function] = out.read_text()
    out.write_text(WRITTEN[function])
    content: dict[str, Any] = json.loads(WRITTEN[function])
    return content


def check(reference: Path, *more: str) -> int:
    shown = ["--min-score", "0.3"]
    return main(["check", "deer", "--images", "frames", "--reference", str(reference), *shown, *more])


def test_the_script_needs_nothing_of_this_package() -> None:
    imported = set()
    for node in ast.walk(ast.parse(SCRIPT.read_text())):
        imported |= {a.name.split(".")[0] for a in node.names} if isinstance(node, ast.Import) else set()
        imported |= {(node.module or "").split(".")[0]} if isinstance(node, ast.ImportFrom) else set()
    assert imported <= {*sys.stdlib_module_names, "torch", "torchvision", "numpy", "PIL"}


def test_from_the_command_to_the_comparison(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the user does it, without a change in the script; his module is found as ``python reference.py`` finds it."""
    assert main(["reference", "--out", str(tmp_path / "reference.py")]) == 0
    assert "python " + str(tmp_path / "reference.py") in capsys.readouterr().out
    out = tmp_path / "reference.json"
    command = [str(tmp_path / "reference.py"), "--images", "frames", "--model", "mine:make"]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", [*command, "--weights", "w.pth", "--out", str(out)])
        patch.setattr(sys, "path", [str(tmp_path), *(path for path in sys.path if path not in ("", str(folder)))])
        runpy.run_path(command[0], run_name="__main__")
    content = json.loads(out.read_text())
    assert [image["file"] for image in content["images"]] == ["0.png", "1.png", "2.png"]
    assert content["images"][0]["size"] == content["images"][0]["input"] == [WIDTH, HEIGHT]
    assert (content["settings"]["min_size"], content["settings"]["canonical_scale"]) == (HEIGHT, 640)
    report = tmp_path / "report.json"
    assert check(out, "--json", str(report)) in (0, 1)
    said = json.loads(report.read_text())
    first = said["comparisons"][0]
    assert (first["reference"], first["other"], first["frames"]) == ("your program", "float32", 3)
    assert first["all"]["paired"] > 10
    assert first["failures"] == said["likely_causes"] == []
    assert first["all"]["largest_score_change"] < 1e-3
    assert (said["comparisons"][1]["reference"], said["comparisons"][1]["other"]) == ("float32", "float16")


def test_the_script_is_not_written_over_the_users_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "reference.py"
    mine.write_text("# my changes")
    assert main(["reference", "--out", str(mine)]) == 2
    assert mine.read_text() == "# my changes"
    assert main(["reference", "--out", str(mine), "--overwrite", "--quiet"]) == 0
    assert mine.read_text() == SCRIPT.read_text()
    capsys.readouterr()
    assert main(["reference", "--out", "-"]) == 0
    assert capsys.readouterr().out == SCRIPT.read_text()


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ("other_size", "min_size is 80 in your program, 64 in the bundle: export it with --min-size"),
        ("other_eps", "norm_eps is 0.05 in your program, 1e-05 in the bundle: export it with --norm-eps"),
        ("other_scale", "canonical_scale is 32 in your program, 640 in the bundle"),
    ],
)
def test_a_wrong_assumption_fails_and_is_named(
    function: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(monkeypatch, tmp_path / "r.json", function)
    assert check(tmp_path / "r.json") == 1
    out = capsys.readouterr().out
    assert "beyond tolerance: float32 against your program" in out
    assert f"likely cause: {told}" in out


def changed(content: dict[str, Any], how: str) -> dict[str, Any]:
    """What a program with another habit would have written; its settings it does not say."""
    content["settings"] = {}
    for image in content["images"]:
        boxes, scores = np.array(image["boxes"]), np.array(image["scores"])
        if how == "scaled":
            image["boxes"] = (boxes * 1.25).tolist()
        elif how == "classes":
            image["labels"] = [3 - label for label in image["labels"]]
        elif how == "scores":
            image["scores"] = np.clip(scores - 0.05, 0, 1).tolist()
        elif how == "elsewhere":
            image["boxes"] = (boxes[:, [1, 0, 3, 2]] + 300).tolist()
        elif how == "bytes":
            image["range"] = [0, 255]
            image["scores"] = np.clip(scores - 0.05, 0, 1).tolist()
    return content


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("scaled", r"all boxes are scaled by 0.8"),
        ("classes", r"the classes are not \(its label 2 is deer.*another order of --classes"),
        ("scores", r"the scores shifted: mean or std"),
        ("elsewhere", r"are not found: a setting that weights do not tell"),
        ("bytes", r"values up to 255, the bundle 0..1"),
    ],
)
def test_what_the_detections_alone_tell(
    how: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = changed(written(monkeypatch, tmp_path / "r.json"), how)
    (tmp_path / "r.json").write_text(json.dumps(content))
    assert check(tmp_path / "r.json") == 1
    assert re.search(told, capsys.readouterr().out)


def test_what_either_side_drops_is_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program shows from 0.6 on, the bundle from 0.3: what lies between is no loss."""
    content = written(monkeypatch, tmp_path / "r.json")
    for image in content["images"]:
        keep = [i for i, score in enumerate(image["scores"]) if score >= 0.6]
        image |= {name: [image[name][i] for i in keep] for name in ("boxes", "scores", "labels")}
    content["settings"]["box_score_thresh"] = 0.6
    (tmp_path / "r.json").write_text(json.dumps(content))
    report = tmp_path / "report.json"
    check(tmp_path / "r.json", "--json", str(report))
    assert json.loads(report.read_text())["comparisons"][0]["failures"] == []


def test_boxes_of_a_resized_input_are_brought_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = written(monkeypatch, tmp_path / "r.json")
    for image in content["images"]:
        image["input"] = [2 * WIDTH, 2 * HEIGHT]
        image["boxes"] = (2 * np.array(image["boxes"])).tolist()
    (tmp_path / "r.json").write_text(json.dumps(content))
    report = tmp_path / "report.json"
    check(tmp_path / "r.json", "--json", str(report))
    assert json.loads(report.read_text())["comparisons"][0]["failures"] == []


def some(content: dict[str, Any], **values: Any) -> dict[str, Any]:
    return content | {"images": [content["images"][0] | values]}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: some(c, sha256="0" * 64), "not the file that the reference was made of"),
        (lambda c: some(c, file="gone.png"), "gone.png cannot be read"),
        (lambda c: some(c, file="../w.pth"), "expected a name in the folder"),
        (
            lambda c: some(c, size=[640, 512], input=[640, 512]),
            "is read as 96x64, the program of the reference saw 640x512",
        ),
        (lambda c: some(c, input=[96, 96]), "which is no even scale"),
        (lambda c: some(c, scores=[]), "as many scores and labels as boxes"),
        (lambda c: some(c, boxes=[[0, 0, 1, float("nan")]], scores=[0.5], labels=[1]), "holds no reference detections"),
        (lambda c: some(c, boxes=[[0, 0, 1, 2e9]], scores=[0.5], labels=[1]), "holds no reference detections"),
        (lambda c: some(c, input=[1, 10**7]), "holds no reference detections"),
        (lambda c: some(c, boxes=[[0, 0, 1]], scores=[0.5], labels=[1]), "holds no reference detections"),
        (lambda c: c | {"images": []}, "holds no reference detections"),
        (lambda c: c | {"format": 2}, "holds no reference detections"),
        (lambda c: [], "holds no reference detections"),
    ],
)
def test_what_is_no_reference_for_these_frames(
    change: Any, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps(change(written(monkeypatch, path))))
    capsys.readouterr()
    assert check(path) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_other_files(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"\x00{")
    for name in ("x.json", "none.json"):
        with pytest.raises(InputError, match="edge-export reference"):
            read_reference(tmp_path / name)


# ---- the user's own model, here ----


def test_his_model_is_compared_here(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = ["check", "deer", "--images", "frames", "--weights", "w.pth", "--json", str(tmp_path / "r.json")]
    main([*command, "--model", "mine:make"])
    same = json.loads((tmp_path / "r.json").read_text())["comparisons"][0]
    assert (same["reference"], same["failures"]) == ("eager", [])
    assert main([*command, "--model", "mine:other_size"]) == 1
    other = json.loads((tmp_path / "r.json").read_text())["comparisons"][0]
    assert other["failures"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--weights", "w.pth"], "--weights needs --model"),
        (["--weights-of", "ema"], "--weights-of chooses among the weights"),
        (["--model", "mine:nothing"], "mine has no nothing"),
    ],
)
def test_options_that_need_each_other(more: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "deer", "--images", "frames", *more]) == 2
    assert told in capsys.readouterr().err
