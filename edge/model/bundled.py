"""The models that come with the package, by their names."""

from __future__ import annotations

import os
from pathlib import Path

MODELS = Path(__file__).parents[1] / "models"


def bundled_models() -> tuple[Path, ...]:
    """The folder of each, by name."""
    return tuple(sorted(path.parent for path in MODELS.glob("*/model.json")))


def called(text: str | os.PathLike[str], here: Path | None = None) -> Path:
    """The folder that a user calls ``text``: that path or, where nothing is there, the bundled model of that name.

    ``here``: folder that a path counts from, None = the current one.
    """
    name, path = os.fspath(text), Path(here or "", os.path.expanduser(text))
    of_that_name = [folder for folder in bundled_models() if folder.name == name]
    return of_that_name[0] if of_that_name and not path.exists() else path


def instead_of(path: Path) -> str:
    """For a message about a ``path`` that is no bundle, behind its words: what was probably meant, or nothing."""
    if path.is_file() and (path.parent / "model.json").is_file():
        return f": give its folder, {path.parent}"
    if path.is_file() and path.suffix in (".pth", ".pt", ".ckpt", ".safetensors"):
        return f"; of a checkpoint: edge-export onnx --checkpoint {path} --out BUNDLE"
    if len(path.parts) == 1:
        return f", or the name of a bundled model: {', '.join(folder.name for folder in bundled_models())}"
    return ""
