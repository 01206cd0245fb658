"""thermal-edge: small warm objects seen from a drone.

import edge
with edge.open_camera("/dev/video0?format=Y16") as camera, edge.open_engine("models/deer") as engine:
    for result in edge.stream(camera, engine):
        print(result.frame.seq, result.detections.labels, result.latency_ms)
"""

from edge.camera import Camera, open_camera
from edge.data import Detections, Frame, Pose, Result, TemperatureScale
from edge.engine import Engine, open_engine
from edge.errors import (
    BundleError,
    CameraError,
    EdgeError,
    EngineError,
    InputError,
    ReplayError,
    SinkError,
    SourceError,
)
from edge.model.bundle import Bundle
from edge.pipeline import stream

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
