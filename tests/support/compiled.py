"""What TensorRT-RTX made of a graph, kept between runs of the tests: seconds for each, and always the same answer."""

from __future__ import annotations

import hashlib
import os
import pickle
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from edge.model.bundle import Bundle, sha256
from export.commands import check as check_cli
from export.tensorrt.build import BuildSettings, BuiltEngine
from export.tensorrt.process import build_in_process

ROOT = Path(__file__).resolve().parents[2]
MOST = 8  # the newest are kept


def folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "thermal-edge" / "compiled"


def key(graph: Path, bundle: Bundle, settings: BuildSettings) -> str:
    """Of the graph and every other file of its bundle, the compiler, and all of ours that takes part."""
    sources = [*sorted((ROOT / "export/tensorrt").rglob("*.py")), ROOT / "edge/system/memory.py", Path(__file__)]
    content = [version("tensorrt-rtx"), settings, sha256(graph), sorted(bundle.files.items()), *map(sha256, sources)]
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


@pytest.fixture
def compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """`edge-export check` compiles a graph that was compiled before by reading what came of it."""

    def remembered(module: str, graph: Path, bundle: Bundle, settings: BuildSettings, *more: Any) -> BuiltEngine:
        path = folder() / f"{key(graph, bundle, settings)}.pickle"
        if not path.exists():
            built = build_in_process(module, graph, bundle, settings, *more)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{os.getpid()}")
            part.write_bytes(pickle.dumps(built))
            part.rename(path)
            for old in sorted(folder().glob("*.pickle"), key=os.path.getmtime)[:-MOST]:
                old.unlink(missing_ok=True)
        kept: BuiltEngine = pickle.loads(path.read_bytes())
        return kept

    monkeypatch.setattr(check_cli, "build_in_process", remembered)
