"""Taking frames from a camera: the newest one (live), or every one (files).

    camera --read()--> [capture thread] --> [slot for one frame] --get()--> the loop

`LatestFrames` drains the camera as fast as it delivers, so that no driver queue grows old while the detector
works (V4L2's default of 4 buffers is 444 ms at 9 Hz). A frame that nobody took is replaced and counted.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Protocol, TypeVar

from edge.camera.live.frozen import Repeats, as_resumed
from edge.data import Frame
from edge.errors import InputError
from edge.seams import Camera

JOIN_S = 1.0
Self = TypeVar("Self", bound="FrameSource")


class FrameSource(Protocol):
    """One way of taking frames, whatever the policy.

    ``dropped``: frames that had come and gone unseen when the last `get` returned. ``duplicates``: frames of
    a live source that only repeated the picture before and were left out; they are not in ``dropped``.
    ``frozen_s``: seconds in which it gave nothing else, of each time that this lasted for over a second.
    """

    dropped: int
    duplicates: int
    frozen_s: float

    def get(self) -> Frame | None:
        """The next frame to look at; None at the end of the source. Blocks until there is one.

        Raises what the camera raised, after the last good frame was given.
        """
        ...

    def close(self) -> None:
        """Stop taking frames; the camera stays the caller's to close. May be called twice."""
        ...

    def __enter__(self: Self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


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
            "play the file at its own speed with ?live=1 behind its name"
        )
    return policy


def open_frames(camera: Camera, policy: str | None = None) -> FrameSource:
    """`LatestFrames` for ``latest``, `EveryFrame` for ``every``; see `choose_policy`, also for what it raises."""
    return LatestFrames(camera) if choose_policy(camera, policy) == "latest" else EveryFrame(camera)


class LatestFrames:
    """The newest unseen frame of a camera, read by a thread of its own into a slot for one."""

    def __init__(self, camera: Camera) -> None:
        """Starts reading. Nobody else may read the camera until `close`."""
        self.dropped = self.duplicates = 0
        self.frozen_s = 0.0
        self._camera = camera
        self._repeats = Repeats(camera.live)
        self._changed = threading.Condition()
        self._slot: Frame | None = None
        self._overwritten = self._repeated = 0
        self._frozen_s = 0.0
        self._error: BaseException | None = None
        self._over = False
        self._thread = threading.Thread(target=self._capture, name="capture", daemon=True)
        self._thread.start()

    def get(self) -> Frame | None:
        """See `FrameSource.get`. After `close` it returns None."""
        with self._changed:
            self._changed.wait_for(lambda: self._slot is not None or self._over)
            frame, self._slot = self._slot, None
            self.dropped, self.duplicates = self._overwritten, self._repeated
            self.frozen_s = self._frozen_s
            if frame is None and self._error is not None:
                raise self._error
            return frame

    def close(self) -> None:
        """Stop the thread and wait for it, at most a second: one that hangs in a driver is left behind.

        It takes nothing more from the camera then, and ends with the read it is in.
        """
        with self._changed:
            self._over, self._slot, self._error = True, None, None
            self._changed.notify_all()
        self._thread.join(JOIN_S)

    def __enter__(self) -> LatestFrames:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _capture(self) -> None:
        frame: Frame | None = None
        error: BaseException | None = None
        while True:
            try:
                frame = self._camera.read()
                new = frame and self._repeats.sift(frame)
            except BaseException as caught:  # whatever it is, it belongs to the loop, not to this thread
                frame, new, error = None, None, caught
            with self._changed:
                if self._over:
                    return
                self._frozen_s = self._repeats.frozen_s
                if frame is None:
                    self._over, self._error = True, error
                elif new is None:
                    self._repeated += 1
                else:
                    if self._slot is not None:
                        self._overwritten += 1
                        new = as_resumed(new) if "resumed" in self._slot.flags else new
                    self._slot = new
                self._changed.notify_all()
                if self._over:
                    return


class EveryFrame:
    """Each frame of a camera in turn, read when asked for: nothing is dropped."""

    def __init__(self, camera: Camera) -> None:
        self.dropped = self.duplicates = 0
        self.frozen_s = 0.0
        self._camera = camera
        self._repeats = Repeats(camera.live)

    def get(self) -> Frame | None:
        """See `FrameSource.get`."""
        while (frame := self._camera.read()) is not None:
            new = self._repeats.sift(frame)
            self.frozen_s = self._repeats.frozen_s
            if new is not None:
                return new
            self.duplicates += 1
        return None

    def close(self) -> None:
        """Nothing to stop."""

    def __enter__(self) -> EveryFrame:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
