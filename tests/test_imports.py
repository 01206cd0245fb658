"""What may import what: the aircraft's side never needs torch or the export side. See test_house for the rooms."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.children import run_child
from tests.support.house import Arrow, arrows, modules

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {"torch", "torchvision", "export", "onnx"}
ONLY_IN = {
    "dask": {"edge/archive/cluster.py"},
    "distributed": {"edge/archive/cluster.py"},
    "pyarrow": {"edge/archive/merge/parquet.py"},
    "tensorrt": {"edge/engine/trt.py"},
    "pycuda": {"edge/engine/cuda.py"},
    "onnxruntime": {"edge/engine/onnx_runtime.py"},
    "openvino": {"edge/engine/openvino.py"},
    "foxglove": {"edge/sinks/robotics/foxglove_server.py"},
    "paho": {"edge/sinks/live/mqtt_link.py"},
    "rclpy": {"edge/sinks/robotics/ros2_node.py"},
    "pymavlink": {"edge/pose/dialect.py"},
    "nacl": {"edge/model/signed/signature.py"},
    "starlette": {"edge/app/review/routes.py", "edge/sinks/web/app.py", "edge/sinks/web/live.py"},
    "uvicorn": {"edge/sinks/web/connection.py", "edge/sinks/web/server.py"},
}
WEB = ("starlette", "uvicorn")
ASKS = "edge/engine/readiness.py"  # whether they are installed: by name, with importlib
# each says which package it needs where that is missing
NEED_MORE = {
    *("edge.archive.cluster", "edge.archive.merge.parquet"),
    *("edge.camera.cptv", "edge.engine.by_ctypes", "edge.engine.cuda", "edge.engine.layers", "edge.engine.trt"),
    *("edge.pose.dialect", "edge.pose.mavlink", "edge.pose.tlog"),
    *("edge.sinks.live.camera_component", "edge.sinks.live.mqtt_link"),
    *("edge.sinks.robotics.foxglove_server", "edge.sinks.robotics.ros2_node"),
    *("edge.app.review.routes", "edge.app.review.serve"),
    *("edge.sinks.web.app", "edge.sinks.web.connection", "edge.sinks.web.live", "edge.sinks.web.server"),
}


def heavy(arrow: Arrow) -> str | None:
    """What is wrong with one import, if anything."""
    package, path = arrow.imported.partition(".")[0], str(arrow.path)
    if package in FORBIDDEN:
        return str(arrow)
    if package in ONLY_IN and path not in ONLY_IN[package] and not (arrow.loaded and path == ASKS):
        return str(arrow)
    return None


def test_edge_imports_nothing_heavy() -> None:
    assert [wrong for arrow in arrows(ROOT, ("edge",)) if (wrong := heavy(arrow))] == []


@pytest.mark.parametrize(
    "text",
    [
        "import torch",
        "def f():\n    from torchvision.ops import nms",
        "import importlib\nimportlib.import_module('torch.nn')",
        "from importlib import import_module as i\nTABLE = {'a': 'export.graph.static:StaticDetector'}",
        "import onnxruntime as ort",
        "__import__('tensorrt')",
    ],
)
def test_a_heavy_import_is_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "edge").mkdir()
    (tmp_path / "edge" / "data.py").write_text(text)
    assert [wrong for arrow in arrows(tmp_path, ("edge",)) if (wrong := heavy(arrow))]


def test_every_module_of_edge_is_imported_with_the_heavy_packages_blocked() -> None:
    script = """
import importlib, json, sys
heavy = ("torch", "torchvision", "onnx", "export", "tensorrt", "pycuda", "cptv", "openvino", "pymavlink", "paho")
for name in (*heavy, "foxglove", "rclpy", "starlette", "uvicorn", "dask", "distributed", "pyarrow"):
    sys.modules[name] = None
failed = {}
for name in json.loads(sys.argv[1]):
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = f"{type(error).__name__}: {error}"
importlib.import_module("edge.commands.main")._parser()
print(json.dumps(failed))
"""
    command = [sys.executable, "-c", script, json.dumps(sorted(modules(ROOT, "edge")))]
    done = run_child(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    failed = json.loads(done.stdout)
    assert {name: why for name, why in failed.items() if name not in NEED_MORE} == {}
    for why in failed.values():
        assert any(
            package in why
            for package in (
                *(
                    "NVIDIA driver",
                    "tensorrt",
                    "cptv",
                    "pymavlink",
                    "paho",
                    "foxglove",
                    "ROS 2",
                    "dask",
                    "pyarrow",
                    *WEB,
                ),
            )
        )


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
