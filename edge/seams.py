"""The camera seam: one method, `read`, and a few words about what is delivered."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, TypeVar

from edge.data import Frame

Self = TypeVar("Self", bound="Camera")


class Camera(Protocol):
    """A source of thermal frames.

    ``description``: one line for a person: what was opened and what it delivers. ``live``: frames
    come at their own pace and are lost if nobody reads them (a camera, a stream, a paced
    simulation); False for files, which wait. ``fps``: nominal frames a second, or None if unknown.
    ``frames``: how many frames the source holds, or None if unknown or endless.
    """

    description: str
    live: bool
    fps: float | None
    frames: int | None

    def read(self) -> Frame | None:
        """The next frame; None when the source has ended. Blocks until there is one.

        Raises CameraError where the source breaks (a failed read is never a None).
        """
        ...

    def close(self) -> None:
        """Release the device or file. May be called twice."""
        ...

    def __enter__(self: Self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def once_live(camera: Camera) -> bool:
    """Whether its frames come, or once came, from a live camera: a replay is looked at as its flight was."""
    return bool(getattr(camera, "once_live", camera.live))
