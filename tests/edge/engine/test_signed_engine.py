"""With a trusted key an engine flies only if that key signed its passport: it is code, and it is in no list."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edge.engine.passport_check import check_passport, engine_bytes, raise_refusals
from edge.errors import BundleError, EngineError
from edge.model.bundle import MODEL_JSON, ONNX_FP16, Bundle, sha256
from edge.model.passport import ENGINE, PASSPORT, Passport, Target
from tests.support.minisign import Keys
from tests.trt_sim.plan import AGREES

pytest.importorskip("nacl", reason="needs PyNaCl: pip install 'thermal-edge[signed]'")

MAKER = Keys("maker")
HERE = Target(tensorrt="10.3.0", compute_capability="8.7")


def build(folder: Path, code: bytes = b"machine code") -> None:
    """An engine and its passport, as a builder leaves them: on this board, or anywhere else."""
    (folder / ENGINE).write_bytes(code)
    bundle = Bundle.load(folder)
    Passport(
        engine_sha256=sha256(folder / ENGINE),
        onnx_sha256=bundle.files[ONNX_FP16],
        model_json_sha256=sha256(folder / MODEL_JSON),
        target=HERE,
        comparison=AGREES,
    ).write(folder)


@pytest.fixture
def signed(tiny_bundle: Path) -> Bundle:
    (tiny_bundle / ONNX_FP16).write_bytes(b"a graph for TensorRT")
    bundle = Bundle.load(tiny_bundle)
    files = {**bundle.files, ONNX_FP16: sha256(tiny_bundle / ONNX_FP16)}
    dataclasses.replace(bundle, files=files).write_json()
    MAKER.sign(tiny_bundle / MODEL_JSON)
    build(tiny_bundle)
    return Bundle.load(tiny_bundle, MAKER.public)


def test_an_engine_that_was_built_elsewhere_is_refused(signed: Bundle) -> None:
    """Its passport fits in every word: whoever puts an engine into the folder can write that too."""
    assert check_passport(Bundle.load(signed.path), HERE) == []
    (found,) = check_passport(signed, HERE)
    assert found.severity == "refuse"
    with pytest.raises(
        BundleError, match=f"{PASSPORT} is not signed, .*: an engine is code, .*: run: edge-export sign"
    ):
        raise_refusals(signed, [found])
    Keys("other").sign(signed.path / PASSPORT)
    (found,) = check_passport(signed, HERE)
    assert f"is signed by key {Keys('other').id}: expected key {MAKER.id}" in found.what


def test_a_signed_passport_flies_its_engine_alone(signed: Bundle) -> None:
    MAKER.sign(signed.path / PASSPORT)
    assert check_passport(signed, HERE) == []
    assert engine_bytes(signed) == b"machine code"
    (signed.path / ENGINE).write_bytes(b"other code")
    (found,) = check_passport(signed, HERE)
    assert "is not the file that" in found.what
    build(signed.path, b"other code")  # the signature is that of the passport before
    (found,) = check_passport(signed, HERE)
    assert f"is not the file that key {MAKER.id} signed" in found.what


def test_trusting_an_engine_without_a_passport_is_not_possible_then(signed: Bundle) -> None:
    (signed.path / PASSPORT).unlink()
    for trust_engine in (False, True):
        (found,) = check_passport(signed, HERE, trust_engine)
        assert (found.severity, "has no passport" in found.what) == ("refuse", True)
        assert "--trust-engine" not in found.why


def test_an_engine_that_was_swapped_after_the_check_is_not_loaded(signed: Bundle) -> None:
    MAKER.sign(signed.path / PASSPORT)
    assert check_passport(signed, HERE) == []
    (signed.path / ENGINE).write_bytes(b"other code")
    with pytest.raises(EngineError, match=f"{ENGINE} or its passport was changed after it was checked"):
        engine_bytes(signed)
    build(signed.path, b"other code")
    with pytest.raises(EngineError, match="changed after it was checked"):
        engine_bytes(signed)
    assert engine_bytes(Bundle.load(signed.path)) == b"other code"  # nobody asked


def test_a_signed_engine_of_another_model_is_not_loaded(signed: Bundle) -> None:
    MAKER.sign(signed.path / PASSPORT)
    of_another = dataclasses.replace(signed, files={**signed.files, ONNX_FP16: "0" * 64})
    with pytest.raises(EngineError, match="changed after it was checked"):
        engine_bytes(of_another)
