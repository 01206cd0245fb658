"""Where frames come from: `open_camera` opens a source, `open_frames` takes frames from it."""

from edge.camera.live.latest import EveryFrame, FrameSource, LatestFrames, choose_policy, open_frames
from edge.camera.open import open_camera
from edge.seams import Camera

__all__ = [
    "Camera",
    "EveryFrame",
    "FrameSource",
    "LatestFrames",
    "choose_policy",
    "open_camera",
    "open_frames",
]
