"""A driver whose call does not return holds up nobody."""

from __future__ import annotations

import logging
import threading

import cv2
import pytest

import edge.camera.live.timeout as timeout
from edge.camera.live.timeout import HungError, TimeLimited
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


def test_read_that_never_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeout, "CLOSE_S", 0.05)
    hanging = Hanging()
    camera = TimeLimited(lambda: hanging, "hanging", stall_s=0.05)
    with pytest.raises(CameraError, match="hanging: nothing for 0.05 s, the call does not return"):
        camera.read()
    with pytest.raises(CameraError, match="was closed"):
        camera.read()
    hanging.finish()


def test_opening_that_never_returns() -> None:
    hanging = Hanging()
    with pytest.raises(SourceError, match="hanging: not open after 0.05 s"):
        TimeLimited(hanging.opened, "hanging", open_s=0.05)
    hanging.finish()


def test_close_while_a_read_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeout, "CLOSE_S", 0.05)
    hanging = Hanging()
    camera = TimeLimited(lambda: hanging, "hanging")
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
    reader.join(WAIT_S)  # it does not wait for the driver, which hangs still
    assert [str(error) for error in errors] == ["hanging was closed: open it again to read it"]
    hanging.finish()


def test_an_opening_is_left_as_soon_as_nobody_wants_it_any_more() -> None:
    hanging, stop, errors = Hanging(), threading.Event(), []

    def open_it() -> None:
        try:
            TimeLimited(hanging.opened, "hanging", stop=stop)
        except CameraError as error:
            errors.append(str(error))

    opening = threading.Thread(target=open_it)
    opening.start()
    assert hanging.inside.wait(WAIT_S)
    stop.set()
    opening.join(WAIT_S)
    assert errors == ["hanging was closed: open it again to read it"]
    hanging.finish()


def test_a_process_with_too_many_hanging_calls_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeout, "MAX_HUNG", 2)
    both = [Hanging(), Hanging()]
    for hanging in both:
        with pytest.raises(SourceError, match="not open"):
            TimeLimited(hanging.opened, "hanging", open_s=0.01)
    with pytest.raises(HungError, match="2 calls into its driver never returned.*start the program again"):
        TimeLimited(both[0].opened, "hanging")
    for hanging in both:
        hanging.let_go.set()
    for hanging in both:
        hanging.finish()


DRIVER_ERRORS = [
    (cv2.error("OpenCV(4.12)\n  bad format"), "error: OpenCV(4.12) bad format"),
    (OSError(19, "No such device"), "OSError: [Errno 19] No such device"),
    (TimeoutError("of its own"), "TimeoutError: of its own"),
    (KeyError("bug"), "KeyError: 'bug'"),
    (MemoryError(), "MemoryError"),
]


@pytest.mark.parametrize(("error", "words"), [*DRIVER_ERRORS, (SourceError("gone"), "SourceError: gone")])
def test_whatever_the_driver_raises_in_a_read_is_the_cameras_failure(
    error: Exception, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "edge")
    world = World([picture(), error])
    with TimeLimited(world.open, "x") as camera:
        assert camera.read() is not None
        with pytest.raises(CameraError) as caught:
            camera.read()
    assert str(caught.value) == f"scripted camera: {words}"
    assert caught.value.__cause__ is error
    assert [(record.levelname, record.exc_info and record.exc_info[1]) for record in caplog.records] == [
        ("DEBUG", error)
    ]
    assert world.cameras[0].closed


@pytest.mark.parametrize(("error", "words"), DRIVER_ERRORS)
def test_whatever_the_driver_raises_while_it_is_opened_is_a_source_that_cannot_be_opened(
    error: Exception, words: str
) -> None:
    with pytest.raises(SourceError) as caught:
        TimeLimited(World(error).open, "x")
    assert str(caught.value) == f"x: {words}"
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [SourceError("no such camera"), CameraError("unplugged")])
def test_what_the_camera_says_itself_comes_through(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        TimeLimited(World(error).open, "x")
    assert caught.value is error


def test_a_driver_that_fails_to_close() -> None:
    world = World([picture()])
    camera = TimeLimited(world.open, "x")
    world.cameras[0].close = lambda: 1 / 0  # type: ignore[assignment, method-assign]
    camera.close()
    camera.close()
    with pytest.raises(CameraError, match="was closed"):
        camera.read()
