"""Every captured frame to a recording, in a thread of its own: capture never waits for the disk."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from edge.data import Frame
from edge.errors import EdgeError, SinkError
from edge.recording import Origin, RecordingWriter
from edge.seams import Camera, Closing
from edge.system.text import without_password

FULL_S = 0.005  # how often a source that waits for the disk looks whether there is room
DEPTH = 64  # frames that may wait: 2 s at 30 Hz, 42 MB at 640x512 in 16 bit


class Recorder(Closing):
    """Hands frames to a `RecordingWriter`; put it behind the camera: ``Tee(camera, recorder.write)``.

    ``lossless``: when ``depth`` frames wait, wait too, which is right for files; otherwise leave the frame
    out and count it in ``skipped``, which is right for a camera. ``error``: why recording stopped, or None;
    all frames after it are skipped, and the flight goes on.
    """

    def __init__(self, writer: RecordingWriter, lossless: bool = False, depth: int = DEPTH) -> None:
        """Takes over ``writer`` and closes it."""
        self.writer = writer
        self.error: EdgeError | None = None
        self._lossless = lossless
        self._refused = self._unwritten = 0  # one for each thread that counts
        # no queue.Queue: an interrupt in the middle of its put may leave the reader asleep for ever, on every Python
        self._queue: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        self._depth = depth
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    @classmethod
    def behind(cls, camera: Camera, folder: Path, budget: int | None = None) -> Recorder:
        """One for the frames of this camera, into a new recording. ``budget``: bytes, see `RecordingWriter`.

        Raises SinkError where ``folder`` cannot take a recording.
        """
        source = without_password(camera.description)
        origin = Origin(
            source, camera.once_live, camera.fps, camera.independent, camera.crop, camera.mask, camera.intrinsics
        )
        return cls(RecordingWriter(folder, origin, budget), lossless=not camera.live)

    @property
    def status(self) -> str:
        """A few words for a person, while it records."""
        if self.error is not None:
            return f"stopped: {self.error}"
        left_out = f", {self.skipped} frames left out" if self.skipped else ""
        return f"{self.writer.frames} frames, {self.writer.bytes / 1e6:.0f} MB{left_out}"

    def report(self) -> dict[str, object]:
        """What became of all frames. ``dropped``: came, but were never written; ``bytes``: written."""
        writer = self.writer
        return {
            "folder": writer.folder.name,
            "frames": writer.frames,
            "dropped": self.skipped,
            "bytes": writer.bytes,
            "segments": writer.segments,
            "segments_removed": writer.removed_segments,
            "frames_removed": writer.removed_frames,
            "error": None if self.error is None else str(self.error),
        }

    @property
    def skipped(self) -> int:
        """Frames that came and are not in the recording."""
        return self._refused + self._unwritten

    def write(self, frame: Frame) -> None:
        """Take one frame, which must not change any more. After `close`, when the flight is over, none."""
        if self._closed:
            return
        while self._queue.qsize() >= self._depth:
            if not self._lossless:
                self._refused += 1
                return
            time.sleep(FULL_S)
        self._queue.put(frame)

    def close(self) -> None:
        """Wait until all that was taken is on the disk. May be called twice."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            try:
                frame = self._queue.get(timeout=self.writer.sync_s / 4)
            except queue.Empty:  # the camera stands still, but what it gave must reach the disk in time
                self._try(self.writer.sync_if_due)
                continue
            if frame is None:
                break
            before = self.writer.frames
            if self.error is None:
                self._try(partial(self.writer.write, frame))
            self._unwritten += self.writer.frames == before
        self._try(self.writer.close)

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except EdgeError as error:
            self.error = self.error or error
        except Exception as error:  # a thread that dies quietly would look like a good recording
            self.error = self.error or SinkError(f"recording failed: {error!r}")
