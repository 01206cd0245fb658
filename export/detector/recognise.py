"""Files that are no checkpoint of torch: told by what they begin with, whatever their name, each with its way out."""

from __future__ import annotations

import zipfile
from pathlib import Path

from edge.errors import InputError

_TORCH = "expected a file of torch.save, or safetensors"
_TENSORFLOW = f"{_TORCH}: weights of a TensorFlow or Keras model do not fit a torchvision detector"
_UNPACK = "unpack it first"
# first bytes -> what it is, what to do
_BEGINS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes them", _TENSORFLOW),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself", "fetch it with git lfs pull"),
    (b"<", "a web page or XML, perhaps a download that asked for something", "download it again"),
    (b"ftrt", "a TensorRT engine", "expected the checkpoint that it was built from"),
    (b"GGUF", "a GGUF file", _TORCH),
    (b"\x1f\x8b", "compressed (gzip)", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "compressed (7z)", _UNPACK),
    (b"\xfd7zXZ\x00", "compressed (xz)", _UNPACK),
    (b"Rar!", "compressed (rar)", _UNPACK),
    (b"\x89PNG", "a picture", _TORCH),
    (b"\xff\xd8\xff", "a picture", _TORCH),
    (b"\x93NUMPY", "a numpy array", _TORCH),
)
_SCRIPT = (
    "expected the weights alone: in Python, torch.save(torch.jit.load({name!r}, map_location='cpu').state_dict(), "
    "'weights.pth')"
)
_EXPORTED = "expected the weights alone: in Python, torch.save(torch.export.load({name!r}).state_dict, 'weights.pth')"


def refuse_foreign(path: Path, head: bytes, size: int) -> None:
    """Raises InputError where the file is of another known kind, or a zip that torch did not write.

    ``head``: its first bytes, 64 kB at most. ``size``: bytes. What is not known here is left to torch.
    """
    if not size:
        raise InputError(f"checkpoint {path} is empty: copy it again")
    if head.startswith(b"PK"):
        _look_into_zip(path, size)
        return
    for start, what, way in _BEGINS:
        if head.startswith(start):
            raise InputError(f"checkpoint {path} is {what}: {way}")
    if head[4:8] == b"TFL3":
        raise InputError(f"checkpoint {path} is a TensorFlow Lite model: {_TENSORFLOW}")
    if head.startswith(b"\x08\x01\x12"):
        raise InputError(f"checkpoint {path} is a SavedModel of TensorFlow: {_TENSORFLOW}")
    # ModelProto: ir_version (3 and more), then a text or the graph itself
    if len(head) > 2 and head[0] == 8 and 3 <= head[1] < 32 and head[2] in b"\x12\x1a\x22\x3a\x42":
        raise InputError(
            f"checkpoint {path} is an ONNX graph: expected the checkpoint that it was exported from, or the folder of "
            "a bundle"
        )
    if head.lstrip()[:1] == b"{":
        if b'"weight_map"' in head:
            raise InputError(
                f"checkpoint {path} is the index of a checkpoint in several files: expected one file; load them in "
                "your own program and save the weights alone: torch.save(model.state_dict(), 'weights.pth')"
            )
        raise InputError(f"checkpoint {path} is a JSON file: {_TORCH}")
    if head[8:9] != b"{" and _is_plain_pickle(head):
        raise InputError(
            f"checkpoint {path} is a plain pickle, and no file of torch.save: reading one runs code; in the program "
            "that made it, torch.save(model.state_dict(), 'weights.pth')"
        )


def _is_plain_pickle(head: bytes) -> bool:
    """Of protocol 2 or later, and not the one that torch's older format begins with: a long number."""
    return head[:1] == b"\x80" and 2 <= head[1] <= 5 and not head[2:].startswith(b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")


def _look_into_zip(path: Path, size: int) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, UnicodeDecodeError):
        raise InputError(
            f"checkpoint {path} is broken or cut off: its end, which lists what is in it, is missing; copy it again"
        ) from None
    names = {entry.filename.split("/", 1)[-1] for entry in entries}
    if "constants.pkl" in names:
        way = _SCRIPT.format(name=path.name)
        raise InputError(f"checkpoint {path} is a TorchScript program, which carries code: {way}")
    if "archive_format" in names or "serialized_exported_program.json" in names:
        raise InputError(f"checkpoint {path} is a program of torch.export: {_EXPORTED.format(name=path.name)}")
    if "data.pkl" not in names:
        inside = sorted(entry.filename for entry in entries)
        if any(name.endswith(".h5") for name in inside):
            raise InputError(f"checkpoint {path} is a Keras model: {_TENSORFLOW}")
        if inside and all(name.endswith(".npy") for name in inside):
            raise InputError(f"checkpoint {path} is a numpy archive: {_TORCH}")
        shown = ", ".join(inside[:3]) or "nothing"
        raise InputError(f"checkpoint {path} is a zip archive with {shown} in it: {_UNPACK} and give the checkpoint")
    # torch stores without compression: what claims to be more than the file is a bomb
    if sum(entry.file_size for entry in entries) > size:
        raise InputError(
            f"checkpoint {path} unpacks to more than its own size, which files of torch.save never do: save the "
            "weights again with torch.save"
        )
