"""Where frames come from: `open_camera` opens a source, `open_frames` takes frames from it."""

from edge.camera.base import Camera, once_live
from edge.camera.latest import EveryFrame, FrameSource, LatestFrames, choose_policy, open_frames
from edge.camera.source import open_camera

__all__ = [
    "Camera",
    "EveryFrame",
    "FrameSource",
    "LatestFrames",
    "choose_policy",
    "once_live",
    "open_camera",
    "open_frames",
]
