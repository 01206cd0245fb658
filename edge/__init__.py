"""thermal-edge: small warm objects seen from a drone.

import edge
with edge.open_camera("/dev/video0?format=Y16") as camera, edge.open_engine("models/deer") as engine:
    for result in edge.stream(camera, engine):
        print(result.frame.seq, result.detections.labels, result.latency_ms)
"""

from edge.bundle import Bundle
from edge.camera import Camera, open_camera
from edge.engine import Engine, open_engine
from edge.records import (
    BundleError,
    CameraError,
    Detections,
    EdgeError,
    EngineError,
    Frame,
    InputError,
    Pose,
    ReplayError,
    Result,
    SinkError,
    SourceError,
    TemperatureScale,
)
from edge.stream import stream

__all__ = [
    "Bundle",
    "BundleError",
    "Camera",
    "CameraError",
    "Detections",
    "EdgeError",
    "Engine",
    "EngineError",
    "Frame",
    "InputError",
    "Pose",
    "ReplayError",
    "Result",
    "SinkError",
    "SourceError",
    "TemperatureScale",
    "open_camera",
    "open_engine",
    "stream",
]
