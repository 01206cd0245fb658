"""Files of every kind: what is read as plain values, and what is named and refused; nothing in them is run."""

from __future__ import annotations

import argparse
import collections
import datetime
import json
import os
import pathlib
import pickle
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper
from safetensors.torch import save_file
from torch import nn

from edge.errors import InputError
from export.detector import containers
from export.detector.containers import Left, NumpyArray, contents
from tests.support import no_compiler

W = {"a.weight": torch.arange(3.0)}


def saved(tmp_path: Path, content: object, **how: Any) -> Path:
    path = tmp_path / "w.pth"
    torch.save(content, path, **how)
    return path


BESIDE = {
    "namespace": argparse.Namespace(lr=0.1, out=pathlib.Path("x")),
    "simple": types.SimpleNamespace(a=1),
    "scalar": np.float64(0.3),
    "scalars": [np.float32(1), np.int64(2), np.bool_(True)],
    "dtype": np.dtype("f4"),
    "kind": np.float32,
    "path": pathlib.PurePosixPath("a/b"),
    "time": datetime.datetime(2026, 11, 25, tzinfo=datetime.timezone.utc),
    "delta": datetime.timedelta(1),
    "rng": np.random.get_state(),  # noqa: NPY002 - as trainers save it
    "torch": torch.__version__,
    "size": torch.Size([1, 2]),
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", BESIDE)
def test_what_trainers_leave_beside_the_weights(name: str, zipped: bool, tmp_path: Path) -> None:
    path = saved(tmp_path, {"model": W, name: BESIDE[name]}, _use_new_zipfile_serialization=zipped)
    found = contents(path)
    assert torch.equal(found["model"]["a.weight"], W["a.weight"])
    assert set(found) == {"model", name}


def test_nothing_of_theirs_is_kept_but_dicts_and_lists(tmp_path: Path) -> None:
    given = {
        "args": argparse.Namespace(lr=0.1),
        "score": np.float64(0.3),
        "array": np.arange(3),
        "dict": collections.defaultdict(list, model=W),
        "deque": collections.deque([1, 2]),
    }
    found = contents(saved(tmp_path, given))
    assert type(found["args"]) is type(found["score"]) is Left
    assert vars(found["args"]) == {}
    assert type(found["array"]) is NumpyArray
    assert torch.equal(found["dict"]["model"]["a.weight"], W["a.weight"])
    assert found["deque"] == [1, 2]


def renamed(path: Path, old: bytes, new: bytes) -> Path:
    """The same file with another name in its pickle."""
    out = path.with_name("renamed.pth")
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(out, "w") as after:
        for entry in before.infolist():
            data = before.read(entry)
            after.writestr(entry.filename, data.replace(old, new) if entry.filename.endswith("data.pkl") else data)
    return out


@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_names_of_both_numpys(module: bytes, tmp_path: Path) -> None:
    path = saved(tmp_path, {"model": W, "map": np.float64(0.3), "history": np.arange(2.0)})
    here = (
        b"numpy._core.multiarray"
        if b"numpy._core" in zipfile.ZipFile(path).read("w/data.pkl")
        else b"numpy.core.multiarray"
    )
    assert set(contents(renamed(path, here, module))) == {"model", "map", "history"}


def test_settings_of_lightning_and_omegaconf_by_name_alone(tmp_path: Path) -> None:
    """Their packages are not installed here: the classes are never looked for."""
    path = saved(tmp_path, {"state_dict": W, "hyper_parameters": argparse.Namespace(lr=0.1)})
    for name in (b"omegaconf.dictconfig\nDictConfig", b"mmengine.logging.history_buffer\nHistoryBuffer"):
        assert set(contents(renamed(path, b"argparse\nNamespace", name))) == {"state_dict", "hyper_parameters"}


class _Runs:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.what = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.what


@pytest.mark.parametrize("function", [os.system, eval, exec, print, getattr])
@pytest.mark.parametrize("zipped", [True, False])
def test_any_other_function_is_refused_by_name(
    function: Any, zipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = saved(tmp_path, {"model": W, "x": _Runs(function, "touch pwned")}, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match=rf"would run code when loaded \([\w.]*{function.__name__}\)|none of torch's"):
        contents(path)
    assert not (tmp_path / "pwned").exists()


def test_a_stand_in_called_with_anything_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile file can only call what is on the list, and that takes anything and keeps nothing."""
    monkeypatch.chdir(tmp_path)
    found = contents(saved(tmp_path, {"model": W, "x": _Runs(pathlib.PosixPath, "a", {"b": 1}, [2])}))
    assert type(found["x"]) is Left
    assert Left(1, a=2).__dict__ == {}
    assert all(issubclass(kind, Left) or not kind.__mro__[1:-1] for kind, _ in containers._STAND_INS)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: {"model": m, "epoch": 3}, lambda m: {"ema": [m]}])
def test_a_whole_model_is_refused_with_the_way(wrap: Any, zipped: bool, tmp_path: Path) -> None:
    path = saved(tmp_path, wrap(nn.Sequential(nn.Linear(2, 2))), _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match=r"whole pickled model .*torch\.save\(model\.state_dict\(\).*--model package"):
        contents(path)


def test_a_pickle_protocol_that_torch_does_not_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pickled in a way.*without pickle_protocol"):
        contents(saved(tmp_path, W, pickle_protocol=4))


# ---- safetensors ----


def test_safetensors_and_the_names_in_it(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file(W, path, metadata={"format": "pt", "classes": '["deer", "person"]', "class_names": "no list"})
    found = contents(path)
    assert torch.equal(found["a.weight"], W["a.weight"])
    assert found["classes"] == ["deer", "person"]
    assert found["class_names"] == "no list"
    assert set(contents(path.rename(tmp_path / "model.bin"))) == set(found)


@pytest.mark.parametrize(
    "change", [lambda b: b[:-1], lambda b: b[:9], lambda b: b"\xff" * 8 + b[8:], lambda b: b + b"x"]
)
def test_damaged_safetensors(change: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file(W, path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match="damaged safetensors"):
        contents(path)


# ---- other kinds, told by their content ----


def onnx_bytes() -> bytes:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    return bytes(
        helper.make_model(
            helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
        ).SerializeToString()
    )


def script(path: Path) -> None:
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)


def exported(path: Path) -> None:
    no_compiler.put_back()
    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.ones(1, 2),)), path)


def zip_of(*names: str) -> Any:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, b"x")

    return make


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w/data.pkl", bytes(10_000_000))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize(
    ("make", "told"),
    [
        (script, r"is a TorchScript program.*torch\.jit\.load\('x'.*\.state_dict\(\)"),
        (exported, r"is a program of torch\.export.*torch\.export\.load\('x'\)\.state_dict"),
        (onnx_bytes(), "is an ONNX graph"),
        (b"\x08\x01\x12\x04abcd", "is a SavedModel of TensorFlow"),
        (b"\x1c\x00\x00\x00TFL3" + bytes(30), "is a TensorFlow Lite model"),
        (b"\x89HDF\r\n\x1a\n" + bytes(30), "is an HDF5 file, as Keras"),
        (zip_of("config.json", "model.weights.h5"), "is a Keras model"),
        (zip_of("a.npy", "b.npy"), "is a numpy archive"),
        (zip_of("run/best.pth"), r"is a zip archive with run/best\.pth in it: unpack"),
        (bomb, "unpacks to more than its own size"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "pointer of Git LFS.*git lfs pull"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (
            b'{"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}',
            "index of a checkpoint in several",
        ),
        (json.dumps({"lr": 1}).encode(), "is a JSON file"),
        (pickle.dumps({"a": 1}), "is a plain pickle"),
        (pickle.dumps({"a": 1}, 2), "is a plain pickle"),
        (b"ftrt" + bytes(40), "is a TensorRT engine"),
        (b"\x1f\x8b\x08" + bytes(40), r"is compressed \(gzip\)"),
        (b"\xff\xd8\xff\xe0" + bytes(40), "is a picture"),
        (b"", "is empty"),
        (b"PK\x03\x04 cut", "broken or cut off"),
        (bytes(1000), "broken or none of torch's|none of torch's"),
    ],
)
def test_other_files_are_named(make: Any, told: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    if isinstance(make, bytes):
        path.write_bytes(make)
    else:
        make(path)
    with pytest.raises(InputError, match=told) as error:
        contents(path)
    assert "\n" not in str(error.value)


def test_too_large_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match="without the optimiser"):
        contents(saved(tmp_path, {"a": torch.zeros(1000)}))


@pytest.mark.parametrize("content", [[1], 3, argparse.Namespace(a=1), torch.zeros(2), "text"])
def test_what_is_no_dict(content: object, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a state dict, or a dict with one"):
        contents(saved(tmp_path, content))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is no file"):
        contents(tmp_path / "pipe")
