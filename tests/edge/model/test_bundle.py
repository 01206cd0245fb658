from __future__ import annotations

import copy
import functools
import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper

from edge.errors import BundleError
from edge.model.bundle import Bundle
from edge.model.model_json import schema
from edge.model.transform import Preprocessor
from tests.conftest import ROOT, write_bundle


def edit(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = bundle / "model.json"
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw))


BODIES = (("Person", "Animal"),)


def test_a_bundle_keeps_which_classes_are_mistaken_for_each_other(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path, ("Person", "Car", "Animal")))
    assert bundle.one_body == ()
    assert "one_body" not in (tmp_path / "model.json").read_text()
    replace(bundle, one_body=BODIES).write_json()
    assert json.loads((tmp_path / "model.json").read_text())["one_body"] == [["Person", "Animal"]]
    assert Bundle.load(tmp_path).one_body == BODIES


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            [["Person", "Deer"]],
            "one_body is 'Person,Deer': expected two or more of the classes, each once: Person",
        ),
        ([["Person"]], "one_body is 'Person'"),
        ([["Person", "Car"], ["Car", "Animal"]], "one_body is 'Person,Car; Car,Animal'"),
        ([["Person", "Person"]], "each once"),
        (["Person"], r"one_body\[0\] is"),
    ],
)
def test_a_bundle_that_says_it_wrong(tmp_path: Path, wrong: list[Any], said: str) -> None:
    path = write_bundle(tmp_path, ("Person", "Car", "Animal")) / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "one_body": wrong}))
    with pytest.raises(BundleError, match=said):
        Bundle.load(tmp_path)


def test_round_trip(tiny_bundle: Path, tmp_path: Path) -> None:
    first = Bundle.load(tiny_bundle)
    before = (tiny_bundle / "model.json").read_bytes()
    first.write_json()
    assert (tiny_bundle / "model.json").read_bytes() == before
    assert first == Bundle.load(tiny_bundle)


def test_bits_of_weights(tiny_bundle: Path) -> None:
    assert Bundle.load(tiny_bundle).weight_bits == 8  # an older bundle does not say
    for bits in (2, 7, 8):
        edit(tiny_bundle, lambda raw, bits=bits: raw.update(int8={"weight_bits": bits}))
        assert Bundle.load(tiny_bundle).weight_bits == bits
    for bits in (1, 9, "7", 7.0, True, None):
        edit(tiny_bundle, lambda raw, bits=bits: raw.update(int8={"weight_bits": bits}))
        with pytest.raises(BundleError, match=rf"int8\.weight_bits is {bits!r}: expected a whole number, 2 to 8"):
            Bundle.load(tiny_bundle)


def test_altered_file_is_refused(tiny_bundle: Path) -> None:
    path = tiny_bundle / "model.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BundleError, match="model.onnx was altered"):
        Bundle.load(tiny_bundle)


def test_missing_file_is_named(tiny_bundle: Path) -> None:
    (tiny_bundle / "model.onnx").unlink()
    with pytest.raises(BundleError, match="model.onnx cannot be read"):
        Bundle.load(tiny_bundle)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="does not exist"):
        Bundle.load(tmp_path / "nowhere")
    with pytest.raises(BundleError, match="holds no model.json"):
        Bundle.load(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(BundleError, match="is a file"):
        Bundle.load(tmp_path / "file")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.update(format=2), "format 2, this version of thermal-edge reads 1"),
        (lambda raw: raw.pop("format"), "format None"),
        (lambda raw: raw.pop("classes"), "no 'classes'"),
        (lambda raw: raw.update(classes=[]), r"classes is \[\]: expected a list of length 1 or more"),
        (lambda raw: raw["input"].update(height="tall"), "input.height is 'tall': expected a whole number"),
        (lambda raw: raw["input"].update(height=0), "input.height is 0: expected a whole number, 1 or more"),
        (lambda raw: raw["thresholds"].update(score=1.5), "thresholds.score is 1.5: expected a number, 1 or less"),
        (lambda raw: raw["normalise"]["8bit"].update(method="guess"), "guess"),
        (lambda raw: raw["normalise"]["16bit"].update(version=99), "99"),
        (lambda raw: raw.update(files={"../secrets": "0"}), "plain names inside the folder"),
        (lambda raw: raw.update(files=[]), r"files is \[\]: expected an object"),
        (lambda raw: raw["input"].update(width=True), "input.width is True: expected a whole number"),
        (lambda raw: raw["input"].update(height=64.5), "input.height is 64.5: expected a whole number"),
        (lambda raw: raw["input"].update(width=-80), "input.width is -80: expected a whole number, 1 or more"),
        (lambda raw: raw["input"].update(width=8193), "input.width is 8193: expected a whole number, 8192 or less"),
        (lambda raw: raw["input"].update(height=10**400), "a whole number of 401 digits"),
        (lambda raw: raw.update(max_detections=100_001), "max_detections is 100001: .*, 100000 or less"),
        (lambda raw: raw["thresholds"].update(graph_score=math.nan), "thresholds.graph_score is nan: expected"),
        (lambda raw: raw["thresholds"].update(nms=[1]), r"thresholds.nms is \[1\]: expected a number"),
        (lambda raw: raw["normalise"]["trained"].update(mean=math.nan), "normalise.trained.mean is nan: expected"),
        (lambda raw: raw["normalise"]["trained"].update(std=math.inf), "normalise.trained.std is inf: expected"),
        (lambda raw: raw["normalise"]["trained"].update(std=10**400), "a whole number of 401 digits"),
        (lambda raw: raw["normalise"].pop("16bit"), "normalise has no '16bit'"),
        (lambda raw: raw["normalise"]["16bit"]["params"].update(below=[]), r"below is \[\]: expected a number"),
        (lambda raw: raw.update(classes=["deer", "deer"]), r"classes\[1\] is 'deer' again"),
        (lambda raw: raw.update(classes=["deer", ""]), r"classes\[1\] is ''"),
        (lambda raw: raw.update(classes=["deer", " "]), r"classes\[1\] is ' '"),
        (lambda raw: raw.update(classes=["de\x1b[2Jer"]), r"classes\[0\] is 'de\\x1b"),
        (lambda raw: raw.update(classes=["\ud800"]), "surrogates not allowed"),
        (lambda raw: raw.update(classes=["deer", 3]), r"classes\[1\] is 3: expected a text"),
        (lambda raw: raw.update(classes={"0": "deer"}), "classes is {'0': 'deer'}: expected a list"),
        (lambda raw: raw.update(files={"": "0"}), "files lists ''"),
        (lambda raw: raw.update(files={"..": "0"}), r"files lists '\.\.'"),
        (lambda raw: raw.update(files={"a\x00b": "0"}), r"files lists 'a\\x00b'"),
        (lambda raw: raw.update(files={"a\\b": "0"}), "plain names inside the folder"),
        (lambda raw: raw.update(files={"a" * 999: "0"}), "cannot be read"),
        (lambda raw: raw.update(files={"model.onnx": 3}), "an entry of files is wrong: expected a text"),
        (lambda raw: raw.update(name=None), "name is None: expected a text"),
        (lambda raw: raw.update(format=True), "format is True: expected a whole number"),
    ],
)
def test_bad_model_json_is_one_clear_line(
    tiny_bundle: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    edit(tiny_bundle, change)
    with pytest.raises(BundleError, match=message) as caught:
        Bundle.load(tiny_bundle)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "null", "\x00", "[" * 100_000, '{"format": 1, "a":' + "9" * 5000 + "}"]
)
def test_model_json_that_is_no_object(tiny_bundle: Path, text: str) -> None:
    (tiny_bundle / "model.json").write_text(text)
    with pytest.raises(BundleError, match=r"model\.json") as caught:
        Bundle.load(tiny_bundle)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


ANYTHING = [None, True, 0, -1, 1e400, math.nan, 10**400, 10**30, "", "x", [], [[]], {}, {"a": {}}]


@pytest.mark.parametrize("value", ANYTHING, ids=lambda value: str(value)[:9])
def test_any_value_at_any_place_is_read_or_refused_in_one_line(tiny_bundle: Path, value: object) -> None:
    whole = json.loads((tiny_bundle / "model.json").read_text())

    def places(node: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        yield path
        if isinstance(node, dict):
            for key in node:
                yield from places(node[key], (*path, key))

    for path in list(places(whole)):
        raw = copy.deepcopy(whole)
        if path:
            functools.reduce(dict.__getitem__, path[:-1], raw)[path[-1]] = value
        (tiny_bundle / "model.json").write_text(json.dumps(raw if path else value))
        said = ""
        try:
            Preprocessor(Bundle.load(tiny_bundle))
        except BundleError as error:
            said = str(error)
        assert "\n" not in said, path


def test_what_a_later_version_adds_is_left_alone(tiny_bundle: Path) -> None:
    before = Bundle.load(tiny_bundle)
    edit(tiny_bundle, lambda raw: raw.update(calibration={"nested": [1, None]}))
    edit(tiny_bundle, lambda raw: raw["input"].update(channels=1))
    assert Bundle.load(tiny_bundle) == before


def test_a_pipe_is_no_file(tiny_bundle: Path) -> None:
    (tiny_bundle / "model.onnx").unlink()
    os.mkfifo(tiny_bundle / "model.onnx")
    with pytest.raises(BundleError, match="model.onnx is no file"):
        Bundle.load(tiny_bundle)


def graph_with_weights_in(location: str) -> bytes:
    """A detector no engine takes: only where its weights lie matters. The word "location" stands elsewhere too."""
    weights = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", "16")):
        weights.external_data.add(key=key, value=value)
    node = helper.make_node("Identity", ["weights"], ["location"])
    output = helper.make_tensor_value_info("location", TensorProto.FLOAT, [4])
    model = helper.make_model(helper.make_graph([node], "location", [], [output], [weights]))
    model.metadata_props.add(key="location", value="Helsinki")
    return model.SerializeToString()


@pytest.mark.parametrize("location", ["w.bin", "../w.bin", "/w.bin", "w" * 200])
def test_weights_that_model_json_does_not_list_are_refused(tiny_bundle: Path, location: str) -> None:
    data = graph_with_weights_in(location)
    (tiny_bundle / "model.onnx").write_bytes(data)
    edit(tiny_bundle, lambda raw: raw["files"].update({"model.onnx": hashlib.sha256(data).hexdigest()}))
    with pytest.raises(BundleError, match=f"model.onnx takes weights from '{location}', which is not among the files"):
        Bundle.load(tiny_bundle)
    if "/" not in location:
        (tiny_bundle / location).write_bytes(bytes(16))
        edit(tiny_bundle, lambda raw: raw["files"].update({location: hashlib.sha256(bytes(16)).hexdigest()}))
        Bundle.load(tiny_bundle)


def test_the_schema_has_what_the_bundled_model_has() -> None:
    raw = json.loads((ROOT / "edge" / "models" / "hituav-r18" / "model.json").read_text())
    whole = schema()

    def fits(node: object, form: dict[str, Any]) -> None:
        form = {**whole["$defs"][form["$ref"].rpartition("/")[2]], **form} if "$ref" in form else form
        if "properties" in form:
            assert isinstance(node, dict)
            assert set(form["required"]) <= set(node) <= set(form["properties"])
            for key, value in node.items():
                fits(value, form["properties"][key])

    fits(raw, whole)
    assert whole["$defs"]["Input"]["properties"]["height"] == {"type": "integer", "minimum": 1, "maximum": 8192}


def test_file_not_listed(tiny_bundle: Path) -> None:
    with pytest.raises(BundleError, match=r"has no model\.engine"):
        Bundle.load(tiny_bundle).file("model.engine")
