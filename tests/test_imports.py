"""What may import what: the aircraft's side never needs torch or the export side."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "edge").rglob("*.py"))
FORBIDDEN = {"torch", "torchvision", "export", "onnx"}
ONLY_IN = {
    "tensorrt": {"edge/engine/trt.py"},
    "pycuda": {"edge/engine/cuda.py"},
    "onnxruntime": {"edge/engine/ort.py"},
}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):  # at any depth, also inside functions
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_edge_imports_nothing_heavy(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imported(path)}
    assert not tops & FORBIDDEN
    for package, allowed in ONLY_IN.items():
        if package in tops:
            assert str(path.relative_to(ROOT)) in allowed


def test_data_and_errors_are_leaves() -> None:
    assert {name for name in imported(ROOT / "edge/data.py") if name.startswith("edge")} == {"edge.errors"}
    assert not {name for name in imported(ROOT / "edge/errors.py") if name.startswith("edge")}


def test_edge_runs_with_the_heavy_packages_blocked() -> None:
    script = (
        "import sys\n"
        "for name in ('torch', 'torchvision', 'onnx', 'export', 'tensorrt', 'pycuda'):\n"
        "    sys.modules[name] = None\n"
        "import edge, edge.commands.main\n"
        "edge.commands.main._parser()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


PUBLIC = {
    *("Background", "Bundle", "BundleError", "Camera", "CameraError", "Detections", "EdgeError", "Engine"),
    *("EngineError", "Filter", "Frame", "InputError", "Pose", "RawDetections", "ReplayError", "Result"),
    *("RunSettings", "Sink", "SinkError", "SinkSpec", "SourceError", "Stream", "TemperatureScale", "monotonic_of"),
    *("open_camera", "open_engine", "run", "stream"),
}


def test_public_names() -> None:
    """What others build on: a name goes, comes or changes here only together with this list."""
    import edge

    assert set(edge.__all__) == PUBLIC
    assert edge.__all__ == sorted(edge.__all__)
    found = {name: value for name, value in vars(edge).items() if not name.startswith("_")}
    assert {name for name, value in found.items() if not isinstance(value, ModuleType)} == PUBLIC
    assert all(callable(getattr(edge, name)) for name in PUBLIC)
