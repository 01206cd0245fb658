from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.errors import BundleError
from edge.model.bundle import Bundle


def edit(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = bundle / "model.json"
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw))


def test_round_trip(tiny_bundle: Path, tmp_path: Path) -> None:
    first = Bundle.load(tiny_bundle)
    before = (tiny_bundle / "model.json").read_bytes()
    first.write_json()
    assert (tiny_bundle / "model.json").read_bytes() == before
    assert first == Bundle.load(tiny_bundle)


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
        (lambda raw: raw.update(classes=[]), "names no classes"),
        (lambda raw: raw["input"].update(height="tall"), "cannot be used"),
        (lambda raw: raw["input"].update(height=0), "must be 1 or more"),
        (lambda raw: raw["thresholds"].update(score=1.5), "expected 0..1"),
        (lambda raw: raw["normalise"]["8bit"].update(method="guess"), "guess"),
        (lambda raw: raw["normalise"]["16bit"].update(version=99), "99"),
        (lambda raw: raw.update(files={"../secrets": "0"}), "plain names inside the folder"),
        (lambda raw: raw.update(files=[]), "cannot be used"),
    ],
)
def test_bad_model_json_is_one_clear_line(
    tiny_bundle: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    edit(tiny_bundle, change)
    with pytest.raises(BundleError, match=message) as caught:
        Bundle.load(tiny_bundle)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "\x00"])
def test_model_json_that_is_no_object(tiny_bundle: Path, text: str) -> None:
    (tiny_bundle / "model.json").write_text(text)
    with pytest.raises(BundleError, match=r"model\.json"):
        Bundle.load(tiny_bundle)


def test_file_not_listed(tiny_bundle: Path) -> None:
    with pytest.raises(BundleError, match=r"has no model\.engine"):
        Bundle.load(tiny_bundle).file("model.engine")
