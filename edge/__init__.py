"""thermal-edge: small warm objects seen from a drone.

import edge
with edge.open_camera("/dev/video0?format=Y16") as camera, edge.open_engine("models/deer") as engine:
    for result in edge.stream(camera, engine):
        print(result.frame.seq, result.detections.labels, result.latency_ms)
"""

import logging

from edge.camera import open_camera
from edge.data import (
    Detections,
    Filter,
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
from edge.pipeline import Stream, stream
from edge.seams import Camera, Engine, Sink

logging.getLogger("edge").addHandler(logging.NullHandler())  # silent, unless the program that uses it listens

__all__ = [
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
    "Sink",
    "SinkError",
    "SourceError",
    "Stream",
    "TemperatureScale",
    "monotonic_of",
    "open_camera",
    "open_engine",
    "stream",
]
