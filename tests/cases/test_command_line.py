"""Mistakes on the command line: one or two lines that say what came, what was expected and a way that works; exit code
2; never a traceback.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.commands.main import main as edge
from export.commands.main import main as export
from tests.conftest import write_bundle

RUN = "edge run --source pics --model b --out out"

# what was typed, and words that the answer holds
MISTAKES = [
    # commands and options
    ("edge", ["required: COMMAND", "edge --help"]),
    ("edge rnu", ["'rnu'", "expected one of run, demo", "is run meant?"]),
    ("edge --verison", ["--verison is no option", "is --version meant?"]),
    ("edge run", ["required: --source, --out", "edge run --help"]),
    ("edge run --source pics", ["required: --out"]),
    ("edge run pics --out out", ["required: --source", "is --source pics meant?"]),
    (f"{RUN} --treshold 0.5", ["--treshold is no option", "is --threshold meant?"]),
    ("edge run -source pics --out out", ["-source is no option", "is --source meant?"]),
    (f"{RUN} --policy lates", ["'lates'", "latest, every", "is latest meant?"]),
    (f"{RUN} --backend cuda", ["'cuda'", "auto, ort, ort-float, ort-int8, openvino, trt, null"]),
    (f"{RUN} --record out/recording", ["'out/recording' is too much", "--record takes no value"]),
    ("edge info --model b", ["--model is no option", "BUNDLE stands alone"]),
    ("edge info b b", ["'b' is too much"]),
    ("edge doctor pics", ["'pics' is too much", "is --source pics meant?"]),
    ("edge-export", ["required: COMMAND"]),
    ("edge-export onx", ["'onx'", "is onnx meant?"]),
    ("edge-export data chek", ["'chek'", "is check meant?"]),
    ("edge-export eval --model b --anotations x", ["--anotations is no option", "is --annotations meant?"]),
    ("edge-export eval", ["--model --checkpoint is required"]),
    ("edge-export eval --model b --checkpoint c.pth", ["not allowed with argument --model"]),
    # sources
    ("edge run --source 0 --model b --out out", ["'0'", "a camera is /dev/video0"]),
    ("edge run --source video2 --model b --out out", ["'video2'", "a camera is /dev/video2"]),
    ("edge run --source sim --model b --out out", ["'sim'", "with a colon it is sim:"]),
    ("edge run --source rstp://host/x --model b --out out", ["'rstp:'", "rtsp:", "meant?"]),
    ("edge run --source rtsp:/host/x --model b --out out", ["'rtsp:/host/x'", "rtsp://HOST/PATH"]),
    (r"edge run --source 'pics\a.png' --model b --out out", ["no such file", "folders have / between them"]),
    ("edge run --source 'pics?pallete=black-hot' --model b --out out", ["pallete", "is palette meant?"]),
    ("edge run --source b --model b --out out", ["a model, and no folder of images", "--model"]),
    ("edge-export data simulate --out s --frames 1 --classes ''", ["--classes ''", "one or more names"]),
    # numbers
    (f"{RUN} --threshold 64", ["'64'", "from 0 to 1", "0.64 for 64 per cent"]),
    (f"{RUN} --threshold nan", ["'nan'", "from 0 to 1"]),
    (f"{RUN} --frames -1", ["'-1'", "whole number of 1 or more"]),
    (f"{RUN} --frames ''", ["''", "whole number of 1 or more"]),
    (f"{RUN} --seconds 0", ["'0'", "0.001"]),
    (f"{RUN} --record --record-budget 20", ["'20'", "20GB"]),
    (f"{RUN} --record-budget 20GB", ["give --record too"]),
    ("edge demo --seed x", ["'x'", "expected a whole number"]),
    ("edge bench --seconds inf", ["'inf'", "a number"]),
    ("edge-export data check pics --out o --hold-back 15", ["--hold-back 15", "below 1"]),
    ("edge-export data check pics --out o --hold-back nan", ["'nan'", "finite number"]),
    ("edge-export eval --model b --data pics --every 0", ["--every 0", "1 or more"]),
    ("edge-export train --data pics --out r --learning-rate nan", ["'nan'", "finite number"]),
    ("edge-export train --data pics --out r --learning-rate 1e-4x", ["'1e-4x'", "expected a number"]),
    ("edge-export train --data pics --out r --seed -1", ["--seed -1", "0 or more"]),
    ("edge-export train --data pics --out r --mosaic 20", ["--mosaic 20", "from 0 to 1"]),
    ("edge-export train --data pics --out r --crop 100", ["--crop 100", "multiple of 64"]),
    ("edge-export train --data pics --out r --device gpu", ["--device gpu", "expected cpu, or cuda"]),
    ("edge-export onnx --checkpoint c.pth --out o --mean a,b", ["--mean", "'a,b'", "expected"]),
    ("edge-export onnx --checkpoint c.pth --out o --roi-size 7", ["--roi-size", "'7'", "expected"]),
    # paths
    ("edge run --source nope.mp4 --model b --out out", ["'nope.mp4'", "no such file or folder"]),
    ("edge run --source 0 --model b --out out", ["'0'", "/dev/video0"]),
    ("edge run --source empty --model b --out out", ["empty", "no image in this folder"]),
    ("edge run --source rec:pics --model b --out out", ["pics", "--record wrote"]),
    ("edge run --source sim:sed=1 --model b --out out", ["'sed'", "seed"]),
    ("edge run --source pics?pallete=x --model b --out out", ["pallete"]),
    (
        "edge run --source /dev/video0?format=Y16 width=640 --model b --out out",
        ["2 sources were given", "one video or camera at a time", "needs quotes"],
    ),
    ("edge run --source pics --model nope --out out", ["nope does not exist", "folder with model.json"]),
    ("edge run --source pics --model '' --out out", ["--model", "is empty"]),
    ("edge run --source pics --model b/model.onnx --out out", ["is a file", "give its folder, b"]),
    ("edge run --source pics --model c.pth --out out", ["is a file", "edge-export onnx --checkpoint c.pth"]),
    ("edge run --source pics --model pics --out out", ["pics holds no model.json"]),
    ("edge run --source b --model pics --out out", ["pics holds no model.json"]),
    ("edge run --source pics --model v9 --out out", ["format 9", "export the bundle again"]),
    ("edge run --source pics --model b --out f.txt", ["f.txt", "give another --out"]),
    ("edge run --source pics --model b --out ''", ["--out", "is empty"]),
    ("edge run --source pics --model b --out /proc/x", ["/proc/x", "give another --out"]),
    (f"{RUN} --policy latest", ["'latest'", "use 'every'", "?live=1"]),
    (f"{RUN} --verify nope", ["--verify", "rec:FOLDER"]),
    (f"{RUN} --normalise blur", ["'blur'", "anchored"]),
    ("edge info f.txt", ["is a file", "folder with model.json"]),
    ("edge bench --json pics", ["pics cannot be written", "another file"]),
    ("edge doctor --source nope", ["'nope'", "no such file or folder"]),
    ("edge-export engine c.pth", ["is a file", "edge-export onnx --checkpoint c.pth"]),
    ("edge-export onnx --checkpoint nope.pth --out o", ["nope.pth"]),
    ("edge-export onnx --checkpoint b --out o", ["bundle b cannot be read back", " shared"]),
    ("edge-export data check nope --out o", ["nope", "give a folder"]),
    ("edge-export data check pics --out o", ["pics holds no labels"]),
    ("edge-export eval --model b --data nope", ["nope"]),
    ("edge-export eval --model b", ["expected --data DIR", "--annotations JSON"]),
    ("edge-export eval --model b --annotations f.txt --images pics", ["f.txt is not JSON"]),
    ("edge-export eval --model b --data pics --json pics", ["pics cannot be written"]),
    ("edge-export eval --model b --data pics --coco", ["--coco", "--annotations"]),
    ("edge-export train --out r", ["expected --data DIR"]),
]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a bundle, pictures, and files that are none of these; the commands run in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write_bundle(tmp_path / "b")
    (tmp_path / "v9").mkdir()
    text = (tmp_path / "b/model.json").read_text()
    (tmp_path / "v9/model.json").write_text(text.replace('"format": 1', '"format": 9'))
    for folder in ("pics", "empty", "home"):
        (tmp_path / folder).mkdir()
    for name in ("a.png", "b c.png", "ü.png"):
        assert cv2.imwrite(str(tmp_path / "pics" / name), np.full((64, 80), 30, np.uint8))
    (tmp_path / "f.txt").write_text("x")
    (tmp_path / "c.pth").write_bytes(b"x")
    return tmp_path


def run(line: str) -> int:
    program, *words = shlex.split(line)
    try:
        return {"edge": edge, "edge-export": export}[program](words)
    except SystemExit as end:
        return int(str(end.code))


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(("line", "told"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_answered(line: str, told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line) == 2
    out, err = capsys.readouterr()
    assert err.startswith(line.split(maxsplit=1)[0])
    assert 1 <= err.count("\n") <= 2
    assert "Traceback" not in err
    assert [word for word in told if word not in err] == []
    assert out == ""


@pytest.mark.parametrize(
    "line",
    [
        "edge run --source pics/ --model b/ --out out/ --quiet",
        "edge run --source pics/ü.png --model b --out 'out ü' --quiet",
        "edge run --source 'pics/b c.png' --model b --out ~/out --quiet",
        "edge run --source pics --model b --out=~/out --quiet",
    ],
)
def test_slashes_spaces_umlauts_and_the_home_folder_are_no_mistakes(line: str, desk: Path) -> None:
    assert run(line) == 0
    assert not (desk / "~").exists()
    folder = desk / "home/out" if "~" in line else desk / ("out ü" if "ü" in line else "out")
    assert (folder / "detections.jsonl").is_file()


def test_both_commands_say_their_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("edge --version") == run("edge-export --version") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert first.startswith("thermal-edge ")
