"""What runs of a signed bundle is what was checked, whatever is done to its folder meanwhile."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from pathlib import Path

import pytest

from edge.engine import open_engine
from edge.errors import BundleError
from edge.model.bundle import Bundle, sha256
from edge.model.signed.opened import opened
from edge.model.signed.signature import PublicKey


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    """As if its signature had been checked: nothing here looks at it again."""
    return dataclasses.replace(Bundle.load(tiny_bundle), trusted=PublicKey("0" * 16, bytes(32)))


def test_without_a_key_it_is_the_file_itself(tiny_bundle: Path) -> None:
    with opened(Bundle.load(tiny_bundle), "model.onnx") as path:
        assert path == tiny_bundle / "model.onnx"


def test_a_signed_one_is_a_copy_that_nobody_else_can_change(bundle: Bundle) -> None:
    with opened(bundle, "model.onnx") as path:
        assert path.parent != bundle.path
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert os.listdir(path.parent) == ["model.onnx"]
        (bundle.path / "model.onnx").write_bytes(b"swapped")
        assert sha256(path) == bundle.files["model.onnx"]
    assert not path.parent.exists()


def test_its_weights_lie_beside_it_and_nothing_else_does(bundle: Bundle) -> None:
    graph = b"\x6a\x19\x0a\x08location\x12\x0dmodel.weights" + b"\x6a\x11\x0a\x08location\x12\x05other"
    for name, data in {"model.onnx": graph, "model.weights": b"weights", "other": b"", "unused": b"u"}.items():
        (bundle.path / name).write_bytes(data)
    listed = {name: sha256(bundle.path / name) for name in ("model.onnx", "model.weights", "unused")}
    bundle = dataclasses.replace(bundle, files=listed)
    with opened(bundle, "model.onnx") as path:
        assert sorted(os.listdir(path.parent)) == ["model.onnx", "model.weights"]
        assert (path.parent / "model.weights").read_bytes() == b"weights"
    (bundle.path / "model.weights").write_bytes(b"swapped")
    with pytest.raises(BundleError, match="model.weights was altered"), opened(bundle, "model.onnx"):
        pass


def test_a_file_that_was_swapped_after_the_check_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"another graph")
    (bundle.path / "model.onnx").unlink()
    (bundle.path / "model.onnx").symlink_to(tmp_path / "other")
    with pytest.raises(BundleError, match="model.onnx was altered"), opened(bundle, "model.onnx"):
        pass
    with pytest.raises(BundleError, match="model.onnx was altered"):
        open_engine(bundle, "ort")
    (bundle.path / "model.onnx").unlink()
    with pytest.raises(BundleError, match=r"model.onnx cannot be copied into .* \(No such file or directory\)"):
        open_engine(bundle, "ort")


def test_no_room_for_the_copy_is_one_line(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(BundleError, match=r"cannot be copied into .*nowhere.*: make room there, or name .* TMPDIR"):
        open_engine(bundle, "ort")
