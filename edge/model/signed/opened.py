"""A graph for a library that opens files by their names: of a signed bundle, the very bytes that were checked."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import BundleError
from edge.model.bundle import Bundle, altered
from edge.model.onnx_weights import weight_files
from edge.system.files import reason_of


@contextmanager
def opened(bundle: Bundle, graph: str) -> Iterator[Path]:
    """Where the file ``graph`` of ``bundle`` lies, with its weights beside it, to be read in this block.

    Of a bundle whose signature was checked: copies in a folder that other users can neither read nor change, hashed
    while they were made, and removed with the block; what was mapped of them stays. So what runs is what was signed,
    whatever becomes of the bundle's folder meanwhile.

    Raises BundleError where the bundle has no such graph, a file is not what ``model.json`` says, or there is no room
    for the copies.
    """
    path = bundle.file(graph)
    if bundle.trusted is None:
        yield path
        return
    try:
        folder = tempfile.TemporaryDirectory(prefix="thermal-edge-")
    except OSError as error:
        raise _no_copy(bundle, graph, tempfile.gettempdir(), error) from None
    with folder as name:
        copy = _copied(bundle, graph, Path(name))
        for weights in sorted(weight_files(copy) & set(bundle.files)):
            _copied(bundle, weights, copy.parent)
        yield copy


def _copied(bundle: Bundle, name: str, folder: Path) -> Path:
    digest, copy = hashlib.sha256(), folder / name
    try:
        with bundle.file(name).open("rb") as file, copy.open("xb") as out:
            while block := file.read(1 << 20):
                digest.update(block)
                out.write(block)
    except OSError as error:
        raise _no_copy(bundle, name, folder.parent, error) from None
    if digest.hexdigest() != bundle.files[name]:
        raise altered(bundle.path, name, digest.hexdigest(), bundle.files[name])
    return copy


def _no_copy(bundle: Bundle, name: str, folder: Path | str, error: OSError) -> BundleError:
    return BundleError(
        f"bundle {bundle.path}: {name} cannot be copied into {folder}, from where a signed model is loaded "
        f"({reason_of(error)}): make room there, or name another folder in TMPDIR"
    )
