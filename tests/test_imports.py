"""That the aircraft's side never needs torch or the export side, and what is public. See test_house for the rooms."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

from tests.support.children import run_child
from tests.support.house import modules

ROOT = Path(__file__).resolve().parents[1]
WEB = ("starlette", "uvicorn")
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
