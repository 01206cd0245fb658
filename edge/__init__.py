"""thermal-edge: small warm objects seen from a drone.

import edge
with edge.open_camera("/dev/video0?format=Y16") as camera, edge.open_engine("models/deer") as engine:
    for result in edge.stream(camera, engine):
        print(result.frame.seq, result.detections.labels, result.latency_ms)
"""

import logging
import os

from edge.app.run import run
from edge.app.settings import RunSettings
from edge.camera import open_camera
from edge.data import (
    Detections,
    Frame,
    Pose,
    RawDetections,
    Result,
    TemperatureScale,
    monotonic_of,
)
from edge.engine import open_engine
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
from edge.model.thresholds import Filter
from edge.pipeline import Stream, stream
from edge.seams import Camera, Engine, Sink
from edge.sinks.background import Background
from edge.sinks.spec import SinkSpec

# ONNX Runtime asks its maker's telemetry host and writes below HOME unless this is said before it is imported
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
logging.getLogger(__name__).addHandler(logging.NullHandler())  # silent, until a program wants to hear what we log

__all__ = [
    "Background",
    "Bundle",
    "BundleError",
    "Camera",
    "CameraError",
    "Detections",
    "EdgeError",
    "Engine",
    "EngineError",
    "Filter",
    "Frame",
    "InputError",
    "Pose",
    "RawDetections",
    "ReplayError",
    "Result",
    "RunSettings",
    "Sink",
    "SinkError",
    "SinkSpec",
    "SourceError",
    "Stream",
    "TemperatureScale",
    "monotonic_of",
    "open_camera",
    "open_engine",
    "run",
    "stream",
]
