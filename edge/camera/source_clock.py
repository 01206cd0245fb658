"""Seconds by the source's own time: what happens in a film takes as long as it took, however fast the film is read."""

from __future__ import annotations

from edge.data import Frame
from edge.seams import Camera


class SourceClock:
    """When each frame of one source was taken, in seconds that suit only each other.

    Of a live camera, and of a replay of one, ``t_capture``; else the media time of a video, the frames' wall clock, or
    their number where the rate is known. ``t_capture`` where nothing else is there: when the frame was read.
    """

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._first: Frame | None = None

    def __call__(self, frame: Frame) -> float:
        """Seconds of this frame; frames are given in their order."""
        first = self._first = self._first or frame
        if self._camera.once_live:
            return frame.t_capture
        if isinstance(frame.origin, float):
            return frame.origin
        if frame.utc is not None and first.utc is not None:
            return (frame.utc - first.utc).total_seconds()
        return (frame.seq - first.seq) / self._camera.fps if self._camera.fps else frame.t_capture
