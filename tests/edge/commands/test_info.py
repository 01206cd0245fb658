"""edge info: for a person, and for a program."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from edge.app.settings import MODEL
from edge.commands.main import main
from edge.model.bundle import Bundle
from edge.thermal.normalise import NormaliseSpec


def info(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["info", *map(str, words)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


def test_the_bundled_model_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    said = info(capsys)
    lines = dict(line.split("  ", 1) for line in said.splitlines() if "  " in line.lstrip())
    lines = {name: value.strip() for name, value in lines.items() if name}
    assert lines["model"] == f"hituav-r18, in {MODEL}"
    assert lines["detects"] == "Person, Car, Bicycle, OtherVehicle, Animal"
    assert lines["trained on"].startswith(
        "HIT-UAV, simulated flights and simulated animals, 6821 frames; licence: CC BY 4.0; Suo et al."
    )
    assert lines["input"].startswith("640 x 512 grey pixels, white = hot; ")
    assert lines["8-bit frames"] == "the camera's grey levels are used as they are (method identity)"
    assert (
        "black lies 3 times the spread of the values below their median, white 6 times above it and at least 10 K"
        in lines["16-bit frames"]
    )
    assert lines["scores"] == (
        "a detection is shown if its score is 0.5 (Animal 0.4) or more; edge run --threshold takes another, from 0.02 "
        "to 1"
    )
    digest = hashlib.sha256((MODEL / "model.weights").read_bytes()).hexdigest()
    assert lines["model.weights"] == f"28.9 MB, the weights of these graphs; unchanged (sha256 {digest[:16]}..)"
    assert "{" not in said
    assert "--backend ort   can run" in said


@pytest.mark.parametrize(
    ("method", "sentence"),
    [
        ("window:low=5,high=25,unit=celsius", "black is 5 deg C, white is 25 deg C, always"),
        ("window:low=29000,high=30000", "black is 29000 counts, white is 30000 counts, always"),
        ("percentile", "in each frame the coldest 1 % of the pixels become black, all above 99 % white"),
        ("minmax", "in each frame the coldest pixel becomes black, the hottest white"),
        ("plateau", "plateau equalisation"),
        ("clahe", "CLAHE"),
    ],
)
def test_every_normaliser_is_a_sentence(
    method: str, sentence: str, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = dataclasses.replace(Bundle.load(tiny_bundle), normalise_16bit=NormaliseSpec.parse(method))
    bundle.write_json()
    assert sentence in info(capsys, tiny_bundle)


def test_a_bundle_that_says_little(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = info(capsys, tiny_bundle)
    assert "trained on     not said; licence: not said\n" in said
    assert "exported with  not said\n" in said
    assert "network        hottest_cells\n" in said


def test_what_nobody_said_of_the_network(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "assumed" not in info(capsys, tiny_bundle)
    dataclasses.replace(Bundle.load(tiny_bundle), assumed={"min_size": "800", "conv1_stride": "2"}).write_json()
    assert "as usual for its architecture: min_size 800, conv1_stride 2\n" in info(capsys, tiny_bundle)


def test_for_programs(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(info(capsys, tiny_bundle, "--json"))
    assert set(facts) == {
        *("name", "path", "classes", "architecture", "input", "max_detections", "normalise", "trained"),
        *("thresholds", "data", "tools", "files", "machine", "assumed", "signature", "one_body"),
    }
    bundle = Bundle.load(tiny_bundle)
    assert (facts["name"], facts["classes"], facts["input"]) == ("tiny", ["Person"], {"width": 80, "height": 64})
    assert facts["thresholds"] == {"score": 0.5, "score_by_class": {"Person": 0.5}, "graph_score": 0.0}
    assert facts["normalise"]["16bit"] == bundle.normalise_16bit.to_json()
    size = (tiny_bundle / "model.onnx").stat().st_size
    assert facts["files"] == {"model.onnx": {"bytes": size, "sha256": bundle.files["model.onnx"]}}
    assert set(facts["machine"]) == {"board", "l4t", "auto", "backends"}
    assert set(facts["machine"]["backends"]) - {"openvino"} == {"ort", "trt"}  # that only where it is installed
    for backend in facts["machine"]["backends"].values():
        assert set(backend) == {"runs", "needs"}
        assert all(set(need) == {"name", "state", "text", "fix"} for need in backend["needs"])
    assert facts["machine"]["backends"]["ort"]["runs"] is True


def test_which_classes_are_one_body(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "one body" not in info(capsys, tiny_bundle)
    assert json.loads(info(capsys, tiny_bundle, "--json"))["one_body"] == []
    said = " ".join(info(capsys).split())
    assert "Person and Animal: where boxes of these lie on each other, the surer one is followed and counted" in said
    assert json.loads(info(capsys, "--json"))["one_body"] == [["Person", "Animal"]]


def test_json_has_every_threshold(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(info(capsys, "--json"))["thresholds"] == {
        "score": 0.5,
        "score_by_class": {"Person": 0.5, "Car": 0.5, "Bicycle": 0.5, "OtherVehicle": 0.5, "Animal": 0.4},
        "graph_score": 0.02,
        "nms": 0.6,
        "rpn_nms": 0.7,
    }
