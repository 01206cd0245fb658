"""Every captured frame to a recording, in a thread of its own: capture never waits for the disk."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from edge.data import Frame
from edge.errors import EdgeError, SinkError, without_password
from edge.recording import Origin, RecordingWriter
from edge.seams import Camera, Closing
from edge.system.activity import Activity, State, here
from edge.system.budget import LOOK_S

FULL_S = 0.005  # how often a source that waits for the disk looks whether there is room
WRITING = State("writing the recording", "the recording has not been written")
ENDING = State("closing the recording", "the recording has not been closed")
FULL = State("waiting for the recording", "the recording has not been written")
DEPTH = 64  # frames that may wait: 2 s at 30 Hz, 42 MB at 640x512 in 16 bit


class Recorder(Closing):
    """Hands frames to a `RecordingWriter`; put it behind the camera: ``Tee(camera, recorder.write)``.

    ``lossless``: when ``depth`` frames wait, wait too, which is right for files; otherwise leave the frame
    out and count it in ``skipped``, which is right for a camera. ``error``: why recording stopped, or None;
    all frames after it are skipped, and the flight goes on. ``activity``: of its thread, for whoever watches it.
    ``rests``: may be set, from any thread: frames are left out meanwhile, and counted.
    """

    def __init__(self, writer: RecordingWriter, lossless: bool = False, depth: int = DEPTH) -> None:
        """Takes over ``writer`` and closes it."""
        self.writer = writer
        self.error: EdgeError | None = None
        self.rests = False
        self._lossless = lossless
        self._refused = self._unwritten = self._given = 0  # one for each thread that counts
        # no queue.Queue: an interrupt in the middle of its put may leave the reader asleep for ever, on every Python
        self._queue: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        self._depth = depth
        self._closed = False
        self._over = threading.Event()
        self._left = False  # its thread hangs
        self.activity = Activity("the recording")
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    @classmethod
    def behind(cls, camera: Camera, folder: Path, budget: int | None = None) -> Recorder:
        """One for the frames of this camera, into a new recording. ``budget``: bytes, see `RecordingWriter`.

        Raises SinkError where ``folder`` cannot take a recording.
        """
        source = without_password(camera.description)
        kept = camera.crop, camera.mask, camera.intrinsics, camera.whole
        origin = Origin(source, camera.once_live, camera.fps, camera.independent, *kept)
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
        return self._refused + (self._given - self.writer.frames if self._left else self._unwritten)

    def write(self, frame: Frame) -> None:
        """Take one frame, which must not change any more. After `close`, when the flight is over, none."""
        if self._closed:
            return
        if self._left or self.rests:
            self._refused += 1
            return
        while self._queue.qsize() >= self._depth:
            if not self._lossless:
                self._refused += 1
                return
            here().waits(FULL)
            time.sleep(FULL_S)
            if self._left:
                self._refused += 1
                return
        self._given += 1
        self._queue.put(frame)

    def leave(self, why: str) -> None:
        """Its thread hangs: it has stopped, and nobody waits for it any more."""
        self.error = self.error or SinkError(why)
        self._left = True
        self._over.set()

    def end(self) -> None:
        """Take no more: it writes what it has, and closes. Returns at once."""
        self._closed = True
        self._queue.put(None)

    def close(self, within_s: float | None = None) -> None:
        """Wait until all that was taken is on the disk. May be called twice.

        ``within_s``: it is left behind where that takes longer, seconds; None: only where somebody calls `leave`.
        """
        self.end()
        end = math.inf if within_s is None else time.monotonic() + within_s
        while not self._over.wait(min(LOOK_S, max(end - time.monotonic(), 0.0))):
            here().waits(ENDING)
            if time.monotonic() >= end:
                self.leave(f"{ENDING.hung} for {within_s:g} s")

    def _work(self) -> None:
        while True:
            self.activity.rests()
            try:
                frame = self._queue.get(timeout=self.writer.sync_s / 4)
            except queue.Empty:  # the camera stands still, but what it gave must reach the disk in time
                self.activity.works(WRITING)
                self._try(self.writer.sync_if_due)
                continue
            if frame is None:
                break
            before = self.writer.frames
            self.activity.works(WRITING)
            if self.error is None:
                self._try(partial(self.writer.write, frame))
            self._unwritten += self.writer.frames == before
        self.activity.works(ENDING)
        self._try(self.writer.close)
        self.activity.rests()
        self._over.set()

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except EdgeError as error:
            self.error = self.error or error
        except Exception as error:  # a thread that dies quietly would look like a good recording
            self.error = self.error or SinkError(f"recording failed: {error!r}")
