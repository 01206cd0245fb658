"""A driver whose call does not return holds up nobody."""

from __future__ import annotations

import threading

import pytest

import edge.camera.live.timeout as watched
from edge.camera.live.timeout import HungError, Watched
from edge.data import Frame
from edge.errors import CameraError, SourceError
from tests.support.scripted_camera import WAIT_S, Scripted, World, picture


class Hanging(Scripted):
    """Hangs in the read, or in the opening, until it is let go."""

    def __init__(self) -> None:
        super().__init__([picture()], World())
        self.let_go, self.inside = threading.Event(), threading.Event()

    def opened(self) -> Hanging:
        self.inside.set()
        assert self.let_go.wait(WAIT_S)
        return self

    def read(self) -> Frame | None:
        self.opened()
        raise CameraError("late")

    def finish(self) -> None:
        """The driver comes back: its thread must end, and leave the camera closed."""
        self.let_go.set()
        for thread in threading.enumerate():
            if thread.name == "camera hanging":
                thread.join(WAIT_S)
                assert not thread.is_alive()
        assert self.closed


def test_read_that_never_returns() -> None:
    hanging = Hanging()
    camera = Watched(lambda: hanging, "hanging", stall_s=0.05)
    with pytest.raises(CameraError, match="hanging: nothing for 0.05 s, the call does not return"):
        camera.read()
    with pytest.raises(CameraError, match="was closed"):
        camera.read()
    hanging.finish()


def test_opening_that_never_returns() -> None:
    hanging = Hanging()
    with pytest.raises(SourceError, match="hanging: not open after 0.05 s"):
        Watched(hanging.opened, "hanging", open_s=0.05)
    hanging.finish()


def test_close_while_a_read_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "CLOSE_S", 0.05)
    hanging = Hanging()
    camera = Watched(lambda: hanging, "hanging")
    errors: list[Exception] = []

    def read() -> None:
        try:
            camera.read()
        except CameraError as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    assert hanging.inside.wait(WAIT_S)
    camera.close()
    camera.close()
    hanging.finish()
    reader.join(WAIT_S)
    assert str(errors[0]) == "late"


def test_a_process_with_too_many_hanging_calls_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "MAX_HUNG", 2)
    both = [Hanging(), Hanging()]
    for hanging in both:
        with pytest.raises(SourceError, match="not open"):
            Watched(hanging.opened, "hanging", open_s=0.01)
    with pytest.raises(HungError, match="2 calls into its driver never returned.*start the program again"):
        Watched(both[0].opened, "hanging")
    for hanging in both:
        hanging.let_go.set()
    for hanging in both:
        hanging.finish()


def test_whatever_the_camera_raises_comes_through() -> None:
    with pytest.raises(MemoryError):
        Watched(lambda: (_ for _ in ()).throw(MemoryError()), "x")
    world = World([picture(), KeyError("bug")])  # type: ignore[list-item]
    with Watched(world.open, "x") as camera:
        assert camera.read() is not None
        with pytest.raises(KeyError):
            camera.read()
    assert world.cameras[0].closed
