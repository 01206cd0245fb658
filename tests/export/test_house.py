"""The public names of ``export``, and which room may import which."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import export

ROOT = Path(__file__).resolve().parents[2]
# imports point down this list, never up; within a room they may not run in a circle
ROOMS = ("commands", "training", "evaluate", "parity", "tensorrt", "graph", "data", "detector")
FILES = sorted((ROOT / "export").rglob("*.py"))


def test_public_names() -> None:
    assert export.__all__ == ["StaticDetector", "export_bundle", "frc_resnet_fpn"]
    assert all(callable(getattr(export, name)) for name in export.__all__)
    with pytest.raises(AttributeError, match="no attribute 'train'"):
        export.train  # noqa: B018


def test_public_names_come_without_torch_until_they_are_used() -> None:
    script = "import sys, export; assert not {'torch', 'onnx'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def imported(path: Path) -> set[str]:
    """Modules of ``export`` that a file imports, at any depth."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name for name in names if name.startswith("export.")}


def test_every_folder_is_a_room() -> None:
    assert {path.parent.name for path in FILES} == {"export", *ROOMS}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    room = path.parent.name
    if room == "export":
        return  # the public names
    for name in imported(path):
        assert ROOMS.index(name.split(".")[1]) >= ROOMS.index(room), f"{path.relative_to(ROOT)} imports {name}"


def test_no_circle() -> None:
    arrows = {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): imported(path)
        for path in FILES
        if path.name != "__init__.py"
    }
    while arrows:
        leaves = {name for name, to in arrows.items() if not to & set(arrows)}
        assert leaves, f"a circle among {sorted(arrows)}"
        arrows = {name: to for name, to in arrows.items() if name not in leaves}
