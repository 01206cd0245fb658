"""What was given for a bundle and is none: the way to one is named where it can be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import BundleError
from edge.model.bundle import Bundle, sha256

EXPECTED = "expected a folder with model.json, as edge-export writes it"


def refused(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        Bundle.load(path)
    return str(caught.value)


@pytest.mark.parametrize("name", ["deer.pth", "deer.pt", "deer.ckpt", "deer.safetensors"])
def test_a_checkpoint_is_to_be_exported(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.touch()
    assert refused(path) == (
        f"model bundle {path} is a file: {EXPECTED}; of a checkpoint: edge-export onnx --checkpoint {path} --out BUNDLE"
    )
    path.unlink()
    assert refused(path) == f"model bundle {path} does not exist: {EXPECTED}"


def test_of_a_file_in_a_bundle_the_folder_is_meant(tiny_bundle: Path) -> None:
    for name in ("model.onnx", "model.json"):
        path = tiny_bundle / name
        assert refused(path) == f"model bundle {path} is a file: {EXPECTED}: give its folder, {tiny_bundle}"
    assert (
        refused(tiny_bundle / "model.engine") == f"model bundle {tiny_bundle}/model.engine does not exist: {EXPECTED}"
    )


def test_any_other_file_is_only_no_bundle(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    path.touch()
    assert refused(path) == f"model bundle {path} is a file: {EXPECTED}"


def test_a_file_of_more_than_a_block_is_hashed_whole(tmp_path: Path) -> None:
    path = tmp_path / "zeros"
    path.write_bytes(bytes((1 << 20) + 1))
    # of 1 048 577 zero bytes, by coreutils' sha256sum
    assert sha256(path) == "2cb74edba754a81d121c9db6833704a8e7d417e5b13d1a19f4a52f007d644264"
