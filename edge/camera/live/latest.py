"""Taking frames from a camera: the newest one (live), or every one (files).

    camera --read()--> [capture thread] --> [slot for one frame] --get()--> the loop

`LatestFrames` drains the camera as fast as it delivers, so that no driver queue grows old while the detector
works (V4L2's default of 4 buffers is 444 ms at 9 Hz). A frame that nobody took is replaced and counted.
"""

from __future__ import annotations

import threading
from abc import abstractmethod

from edge.camera.live.frozen import as_resumed
from edge.camera.live.intake import Intake
from edge.data import Frame
from edge.errors import InputError
from edge.seams import Camera, Closing
from edge.system.activity import READING, WAITING_FOR_A_FRAME, here
from edge.system.budget import CAPTURE_JOIN_S as JOIN_S

LOOK_S = 0.1  # how often a waiting loop looks whether it shall stop


class FrameSource(Closing):
    """One way of taking frames, whatever the policy.

    ``dropped``: frames that had come and gone unseen when the last `get` returned. ``duplicates``: frames of
    a live source that only repeated the picture before and were left out; they are not in ``dropped``. ``lost``:
    frames that never came, by the gaps in ``Frame.seq``. ``frozen_s``: seconds in which nothing but repeats came, of
    each time that this lasted for over a second.
    """

    dropped: int = 0
    duplicates: int = 0
    lost: int = 0
    frozen_s: float = 0.0

    @abstractmethod
    def get(self) -> Frame | None:
        """The next frame to look at; None at the end of the source, and once ``stop`` is set. Blocks until then.

        Raises CameraError, whatever the camera raised, after the last good frame was given.
        """

    def close(self) -> None:
        """Stop taking frames; the camera stays the caller's to close. May be called twice."""


def choose_policy(camera: Camera, policy: str | None = None) -> str:
    """``policy``, or where that is None ``latest`` for a live camera and ``every`` for a file.

    Raises InputError for another policy, and for ``latest`` on a file: it would be over at once, nearly
    unseen.
    """
    policy = policy or ("latest" if camera.live else "every")
    if policy not in ("latest", "every"):
        raise InputError(f"policy {policy!r}: expected 'latest' or 'every'")
    if policy == "latest" and not camera.live:
        raise InputError(
            "policy 'latest' on a source that waits to be read would drop nearly all of it: use 'every', or "
            "play the file at its own speed with ?live=1 after its name"
        )
    return policy


def open_frames(camera: Camera, policy: str | None = None, stop: threading.Event | None = None) -> FrameSource:
    """`LatestFrames` for ``latest``, `EveryFrame` for ``every``; see `choose_policy`, also for what it raises.

    ``stop``: once it is set, from whatever thread, no more frames are given.
    """
    kind = LatestFrames if choose_policy(camera, policy) == "latest" else EveryFrame
    return kind(camera, stop or threading.Event())


class LatestFrames(FrameSource):
    """The newest unseen frame of a camera, read by a thread of its own into a slot for one."""

    def __init__(self, camera: Camera, stop: threading.Event | None = None) -> None:
        """Starts reading. Nobody else may read the camera until `close`."""
        self._intake = Intake(camera)
        self._stop = stop or threading.Event()
        self._changed = threading.Condition()
        self._slot: Frame | None = None
        self._counts = (0, 0, 0, 0.0)  # overwritten, repeated, lost, seconds frozen
        self._error: BaseException | None = None
        self._over = False
        self._thread = threading.Thread(target=self._capture, name="capture", daemon=True)
        self._thread.start()

    def get(self) -> Frame | None:
        """See `FrameSource.get`. After `close` it returns None."""
        activity = here()
        with self._changed:
            activity.waits(WAITING_FOR_A_FRAME)
            while not self._changed.wait_for(lambda: self._slot is not None or self._over, LOOK_S):
                if self._stop.is_set():
                    return None
                activity.waits(WAITING_FOR_A_FRAME)
            frame, self._slot = self._slot, None
            self.dropped, self.duplicates, self.lost, self.frozen_s = self._counts
            if self._stop.is_set():
                return None
            if frame is None and self._error is not None:
                raise self._error
            return frame

    def close(self) -> None:
        """Stop the thread and wait for it, at most 0.3 s: one that hangs in a driver is left behind.

        It takes nothing more from the camera then, and ends with the read it is in.
        """
        with self._changed:
            self._over, self._slot, self._error = True, None, None
            self._changed.notify_all()
        self._thread.join(JOIN_S)

    def _capture(self) -> None:
        came, new = True, None
        error: BaseException | None = None
        overwritten = repeated = 0
        while not self._over:
            try:
                came, new = self._intake.take()
            except BaseException as caught:  # whatever it is, it belongs to the loop, not to this thread
                came, new, error = False, None, caught
            with self._changed:
                if self._over:
                    return
                if not came:
                    self._over, self._error = True, error
                elif new is None:
                    repeated += 1
                else:
                    if self._slot is not None:
                        overwritten += 1
                        new = as_resumed(new) if "resumed" in self._slot.flags else new
                    self._slot = new
                self._counts = (overwritten, repeated, self._intake.lost, self._intake.frozen_s)
                self._changed.notify_all()


class EveryFrame(FrameSource):
    """Each frame of a camera in turn, read when asked for: nothing is dropped."""

    def __init__(self, camera: Camera, stop: threading.Event | None = None) -> None:
        self._camera, self._intake = camera, Intake(camera)
        self._stop, self._ended = stop or threading.Event(), threading.Event()
        if camera.live and stop is not None:  # only closing the camera wakes a read that waits
            threading.Thread(target=self._wake, name="stop", daemon=True).start()

    def get(self) -> Frame | None:
        """See `FrameSource.get`."""
        activity = here()
        try:
            while not self._stop.is_set():
                if self._camera.live:  # silent or hung: a camera without a time limit of its own does not tell
                    activity.waits(WAITING_FOR_A_FRAME, renews=False)
                else:
                    activity.works(READING)
                came, new = self._intake.take()
                self.lost, self.frozen_s = self._intake.lost, self._intake.frozen_s
                if not came or new is not None:
                    return None if self._stop.is_set() else new
                self.duplicates += 1
        except Exception:
            if not self._stop.is_set():  # else it is the closed camera that complains
                raise
        return None

    def close(self) -> None:
        """See `FrameSource.close`."""
        self._ended.set()

    def _wake(self) -> None:
        while not self._ended.wait(LOOK_S):
            if self._stop.is_set():
                if not self._ended.is_set():  # asked second: a stop that comes after `close` is nobody's here
                    self._camera.close()
                return
