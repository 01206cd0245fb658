"""What checkpoint files hold, as plain values: torch's formats, Lightning's and safetensors. No code of theirs is run.

torch.load with ``weights_only`` builds tensors and plain values and refuses every other class. Trainers leave a few
harmless ones beside the weights (settings, scores, paths, times); those of `_LEFT`, `_DICTS` and `_LISTS` are let in by
name only, and a stand-in of ours takes their place: their own code is neither imported nor called. What was in them is
lost, and nothing here wants it.
"""

from __future__ import annotations

import json
import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any

import torch

from edge.errors import InputError
from edge.system.files import reason_of
from export.detector.recognise import refuse_foreign

MOST_BYTES = 8 << 30  # of a file: the largest detector here with its optimiser has less than 2 GB
_MOST_PICKLE = 64 << 20  # bytes of the pickle that is searched for the names of classes

WAY = (
    "in the program that made it, save the weights alone: torch.save(model.state_dict(), 'weights.pth'); or give "
    "--model package.module:function"
)


class Left:
    """In place of what a checkpoint holds beside weights: takes anything, keeps nothing."""

    def __new__(cls, *_: Any, **__: Any) -> Any:
        return object.__new__(cls)

    def __setstate__(self, _: Any) -> None:
        pass


class _Dict:
    def __new__(cls, *_: Any) -> Any:
        return {}  # torch's reader fills plain dicts only


class _List:
    def __new__(cls, *_: Any) -> Any:
        return []


class NumpyArray(Left):
    """In place of a numpy array."""


_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")  # numpy 1, numpy 2
_PATHS = ("", "Posix", "Windows", "Pure", "PurePosix", "PureWindows")
_LEFT = (
    "argparse.Namespace",
    "types.SimpleNamespace",
    *(f"{module}.scalar" for module in _NUMPY),
    "numpy.dtype",
    *(f"numpy.{kind}" for kind in ("float16", "float32", "float64", "int32", "int64", "uint8", "bool", "bool_")),
    *(f"pathlib{part}.{kind}Path" for part in ("", "._local") for kind in _PATHS),
    *(f"datetime.{kind}" for kind in ("datetime", "date", "time", "timedelta", "timezone")),
    "torch.torch_version.TorchVersion",
    "mmengine.logging.history_buffer.HistoryBuffer",
    "typing.Any",
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    "omegaconf.base.Metadata",
    "omegaconf.base.ContainerMetadata",
    *(f"omegaconf.nodes.{kind}Node" for kind in ("Any", "String", "Integer", "Float", "Boolean")),
    # factories of defaultdict, types of omegaconf
    *(f"builtins.{kind}" for kind in ("dict", "list", "tuple", "int", "float", "str", "bool")),
)
_DICTS = (
    "collections.defaultdict",
    "lightning_fabric.utilities.data.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict",
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict",
    "mmengine.config.config.ConfigDict",
)
_STAND_INS = [
    *((Left, name) for name in _LEFT),
    *((NumpyArray, name) for name in ("numpy.ndarray", *(f"{module}._reconstruct" for module in _NUMPY))),
    *((_Dict, name) for name in _DICTS),
    (_List, "collections.deque"),
]


def contents(path: Path) -> dict[str, Any]:
    """What a checkpoint file holds, as dicts, lists, numbers, texts, CPU tensors and `Left`.

    Of a safetensors file the tensors, and its metadata's texts under "classes" and "class_names" as lists.

    Raises InputError where there is no file, it is another kind of file (told by its content), is damaged, holds a
    whole model, or a class that is none of the harmless ones.
    """
    try:
        if path.is_dir():
            raise InputError(f"checkpoint {path} is a directory: expected a file of torch.save, or a bundle's folder")
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise InputError(f"checkpoint {path} is no file: expected one of torch.save")
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(1 << 16)
    except OSError as error:
        raise InputError(f"checkpoint {path}: {reason_of(error)}: expected a file of torch.save") from None
    if size > MOST_BYTES:
        raise InputError(
            f"checkpoint {path} has {size / 1e9:.1f} GB, expected at most {MOST_BYTES / 1e9:.1f}: save the weights "
            "alone, without the optimiser: torch.save(model.state_dict(), 'weights.pth')"
        )
    refuse_foreign(path, head, size)
    content = _safetensors(path) if head[8:9] == b"{" else _unpickled(path)
    if isinstance(content, Left) or not isinstance(content, Mapping):
        kind = "value of another program" if isinstance(content, Left) else type(content).__name__
        raise InputError(f"checkpoint {path} holds a {kind}: expected a state dict, or a dict with one")
    return dict(content)


def _safetensors(path: Path) -> dict[str, Any]:
    try:
        from safetensors import SafetensorError, safe_open
    except ModuleNotFoundError:
        raise InputError(
            f"checkpoint {path} is a safetensors file: pip install safetensors to read it, or save the weights with "
            "torch.save"
        ) from None
    found: dict[str, Any] = {}
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            said = file.metadata() or {}
            for name in ("classes", "class_names"):
                if name in said:
                    found[name] = _list_in(said[name])
            for name in file.keys():  # noqa: SIM118 - the library's own method
                found[name] = file.get_tensor(name)
    except (SafetensorError, OSError, ValueError, TypeError, RuntimeError, MemoryError) as error:
        what = " ".join(str(error).split())[:100]
        raise InputError(f"checkpoint {path} is a damaged safetensors file ({what}): copy it again") from None
    return found


def _list_in(text: str) -> object:
    """A list written in a metadata text as JSON; the text where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _unpickled(path: Path) -> Any:
    # names of stand-ins are understood from torch 2.6 on; the older ones refuse those classes
    by_name = hasattr(torch.serialization, "get_unsafe_globals_in_checkpoint")
    let_in = torch.serialization.safe_globals(_STAND_INS) if by_name else nullcontext()  # type: ignore[arg-type]
    try:
        with warnings.catch_warnings(), let_in:
            warnings.simplefilter("ignore")  # what is wrong becomes an error of ours
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"checkpoint {path}: {reason_of(error)}: expected a file of torch.save") from None
    except pickle.UnpicklingError as error:
        raise _not_plain(path, str(error)) from None
    except Exception as error:  # a broken archive raises half a dozen different classes
        what = str(error).split(". ")[0] if isinstance(error, RuntimeError) else type(error).__name__
        raise InputError(
            f"checkpoint {path} is broken or none of torch's ({' '.join(what.split())[:120]}): expected a file of "
            "torch.save; copy it again"
        ) from None


def _not_plain(path: Path, said: str) -> InputError:
    code = re.search(r"GLOBAL ([\w.]+)", said)
    if code is None and "Unsupported operand" in said:
        return InputError(
            f"checkpoint {path} was pickled in a way that torch's safe reader does not take: {WAY} (without "
            "pickle_protocol)"
        )
    if code is None:
        return InputError(f"checkpoint {path} is none of torch's, or damaged: expected a file of torch.save")
    module = next((name for name in _classes_in(path) if name.startswith(("torch.nn.modules.", "torchvision."))), "")
    if module:
        return InputError(
            f"checkpoint {path} holds a whole pickled model ({code[1]}), which only its own program can load: {WAY}"
        )
    return InputError(
        f"checkpoint {path} holds more than tensors and would run code when loaded ({code[1]}): expected a state dict; "
        f"{WAY}"
    )


def _classes_in(path: Path) -> list[str]:
    """Names of the classes and functions that the pickle in a file of torch asks for; nothing is loaded."""
    try:
        if not zipfile.is_zipfile(path):
            with path.open("rb") as file:
                return [name for _ in range(4) for name in _named(file)]  # the fourth holds the values
        with zipfile.ZipFile(path) as archive:
            entry = next(name for name in archive.namelist() if name.endswith("data.pkl"))
            with archive.open(entry) as file:
                return _named(file)
    except Exception:  # of a hostile file; it has been refused already
        return []


def _named(file: IO[bytes]) -> list[str]:
    names = []
    for opcode, argument, at in pickletools.genops(file):
        if opcode.name == "GLOBAL":
            names.append(str(argument).replace(" ", "."))
        if (at or 0) > _MOST_PICKLE:
            break
    return names
