"""A camera that is lost, found and opened again: scripted cameras and a clock of our own."""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.camera.capture import RefusedError
from edge.camera.live.intake import ImpossibleError
from edge.camera.live.reconnect import Reconnecting
from edge.camera.live.timeout import HungError
from edge.data import Frame
from edge.errors import CameraError, SourceError
from tests.conftest import ROOT
from tests.support.loaded import run_loaded
from tests.support.scripted_camera import PERIOD_S, WAIT_S, Item, Scripted, World, picture

ABSENT = SourceError("cam: not plugged in")


def read_all(camera: Reconnecting) -> list[Frame]:
    """Until it says that the script is over."""
    frames = []
    while (frame := camera.read()) is not None:
        frames.append(frame)
    return frames


def test_lost_and_back(caplog: pytest.LogCaptureFixture) -> None:
    a, b, c = picture(), picture(), picture()
    world = World([a, b], ABSENT, ABSENT, [c, None])
    with world.camera() as camera:
        assert (camera.live, camera.fps, camera.frames, camera.description) == (True, 8, None, "scripted camera")
        frames = read_all(camera)
    assert [frame.seq for frame in frames] == [0, 1, 3]  # one number is left out: something is missing
    assert [frame.pixels is expected for frame, expected in zip(frames, (a, b, c), strict=True)] == [True] * 3
    # the failing read, the pauses 0.5 + 1 + 2, the read of c
    assert camera.lost_s == pytest.approx(PERIOD_S + 3.5 + PERIOD_S)
    assert (camera.outages()["outages"], camera.away) == (1, False)
    assert caplog.messages == [
        "camera lost: unplugged; looking for it",
        "camera still away: cam: not plugged in",  # once, not at every look
        "camera back after 3.8 s (lost 1x, 3.8 s in all): scripted camera",
    ]
    assert camera.description == "scripted camera; lost 1x, 3.8 s in all"


def test_back_off_doubles_up_to_ten_seconds_and_has_no_end() -> None:
    world = World([picture()], *[ABSENT] * 200, [picture(), None])
    camera = world.camera()
    assert len(read_all(camera)) == 2
    assert world.pauses == [0.5, 1, 2, 4, 8] + [10] * 196
    assert camera.lost_s == pytest.approx(sum(world.pauses) + 2 * PERIOD_S)


def test_a_camera_that_is_lost_again_at_once_is_not_hurried() -> None:
    long = [picture() for _ in range(81)]  # 10.1 s
    world = World([picture()], [picture()], [picture()], long, [picture(), None])
    camera = world.camera()
    read_all(camera)
    assert world.pauses == [0.5, 1, 2, 0.5]
    assert camera.outages()["outages"] == 4


def test_the_present_outage_counts_and_shows() -> None:
    world = World([picture()], HungError("hung"))
    camera = world.camera()
    camera.read()
    with pytest.raises(HungError):
        camera.read()
    assert camera.away
    assert camera.lost_s == pytest.approx(PERIOD_S + 0.5)
    assert camera.description == "scripted camera; lost 1x, away now"


def test_longest_outage() -> None:
    world = World([picture()], *[ABSENT] * 100)
    camera = world.camera(limit_s=5.0)
    camera.read()
    with pytest.raises(CameraError, match="camera not back after 5 s: cam: not plugged in"):
        camera.read()
    assert world.now == pytest.approx(1000 + PERIOD_S + 5.0)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (picture(shape=(2, 6)), "it gives 6x2 16-bit, before it was 6x4 16-bit"),
        (picture(dtype=np.uint8), "it gives 6x4 8-bit, before it was 6x4 16-bit"),
    ],
)
def test_another_camera_is_refused(other: npt.NDArray[Any], said: str) -> None:
    world = World([picture()], [other], [other], [other])
    camera = world.camera()
    assert camera.read() is not None
    with pytest.raises(CameraError, match=f"came back different, 3 times in a row: cam: {said}.*start again"):
        camera.read()
    assert all(scripted.closed for scripted in world.cameras)


def test_a_driver_that_refuses_is_refused_in_the_end() -> None:
    refused = RefusedError("the driver refused format")
    world = World([picture()], refused, ABSENT, refused, [picture()], refused, refused, refused)
    camera = world.camera()
    assert camera.read() is not None
    assert camera.read() is not None  # it did so twice while it was starting
    with pytest.raises(CameraError, match="came back different, 3 times in a row: the driver refused format"):
        camera.read()


def test_one_frame_of_another_size_is_not_the_end() -> None:
    world = World([picture(), picture(shape=(2, 6)), picture()], [picture(), None])
    camera = world.camera()
    assert [frame.pixels.shape for frame in read_all(camera)] == [(4, 6)] * 2
    assert camera.outages()["outages"] == 1


def test_a_raw_sensor_that_repeats_itself_for_ten_seconds_hangs(caplog: pytest.LogCaptureFixture) -> None:
    shutter = [picture(7)] * 72  # 9 s
    hang = [picture(8)] * 200
    world = World([*shutter, *hang], [picture(9), None])
    camera = world.camera()
    assert len(read_all(camera)) == 72 + 81 + 1
    still = "camera stands still: the same picture for 3 s; nothing new can be found meanwhile"
    lost = "camera lost: cam: bit by bit the same picture for 10 s; looking for it"
    assert caplog.messages[:4] == [still, "camera gives new pictures again, after 9.0 s", still, lost]


def test_8_bit_pictures_may_repeat_themselves(caplog: pytest.LogCaptureFixture) -> None:
    world = World([picture(7, dtype=np.uint8)] * 300 + [None])  # type: ignore[list-item]
    camera = world.camera()
    assert len(read_all(camera)) == 300
    assert camera.outages()["outages"] == 0
    # or the encoder hangs: nothing else would tell, as no repeat reaches the detector
    assert caplog.messages == ["camera stands still: the same picture for 3 s; nothing new can be found meanwhile"]


DRIVER_ERRORS = [
    (cv2.error("OpenCV(4.12)\n  bad format"), "error: OpenCV(4.12) bad format"),
    (OSError(19, "No such device"), "OSError: [Errno 19] No such device"),
    (ValueError("no such size"), "ValueError: no such size"),
    (MemoryError(), "MemoryError"),
]


@pytest.mark.parametrize(("error", "words"), [*DRIVER_ERRORS, (SourceError("gone"), "SourceError: gone")])
def test_whatever_a_driver_raises_is_a_loss(error: Exception, words: str, caplog: pytest.LogCaptureFixture) -> None:
    world = World([picture(), error], [picture(), None])
    with world.camera() as camera:
        assert [frame.seq for frame in read_all(camera)] == [0, 2]
    assert camera.outages()["outages"] == 1
    assert caplog.messages[0] == f"camera lost: scripted camera: {words}; looking for it"
    assert camera.outages()["gaps"][0]["why"] == f"scripted camera: {words}"


@pytest.mark.parametrize(("error", "words"), DRIVER_ERRORS)
def test_whatever_a_driver_raises_while_it_is_looked_for_is_waited_out(
    error: Exception, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = World([picture()], error, error, [picture(), None])
    with world.camera() as camera:
        assert len(read_all(camera)) == 2
    assert [line for line in caplog.messages if "away" in line] == [f"camera still away: cam: {words}"]


def test_its_traceback_is_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "edge")
    error = ValueError("bug")
    with World([error], [picture(), None]).camera() as camera:
        read_all(camera)
    assert [record.exc_info[1] for record in caplog.records if record.exc_info] == [error]
    assert [record.levelname for record in caplog.records if record.exc_info] == ["DEBUG"]


def test_a_driver_that_fails_to_close_is_opened_again_all_the_same() -> None:
    class Sticky(Scripted):
        def close(self) -> None:
            super().close()
            raise OSError("busy")

    world = World()
    scripts: list[list[Item]] = [[picture()], [picture(), None]]
    camera = Reconnecting(lambda: Sticky(scripts.pop(0), world), "cam", clock=lambda: world.now, pause=world.pause)
    assert len(read_all(camera)) == 2
    camera.close()


def test_the_library_prints_nothing_by_itself() -> None:
    """In a process of its own: pytest listens to everything that is logged."""
    script = (
        "import edge\n"
        "from tests.support.scripted_camera import World, picture\n"
        "with World([picture()], ValueError('bug'), [picture(), None]).camera() as camera:\n"
        "    while camera.read(): pass\n"
        "assert camera.outages()['outages'] == 1\n"
    )
    done = run_loaded([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=WAIT_S * 6)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.integers(0, 4)), max_size=12),
    st.integers(0, 4),
)
def test_any_sequence_of_losses(openings: list[int | None], first: int) -> None:
    """Every good frame of every camera comes through once, unchanged, and each gap in seq is an outage."""
    cameras = [[picture() for _ in range(n)] if n is not None else ABSENT for n in openings]
    start = [picture() for _ in range(first)]
    last = picture()
    world = World(start, *cameras, [last, None])  # type: ignore[arg-type]
    camera = world.camera()
    frames = read_all(camera)
    good = [start, *(c for c in cameras if not isinstance(c, Exception)), [last]]
    assert [id(frame.pixels) for frame in frames] == [id(p) for pictures in good for p in pictures]
    seqs = iter(frame.seq for frame in frames)
    before = -1
    for pictures in (pictures for pictures in good if pictures):
        got = [next(seqs) for _ in pictures]
        start_seq = before + 1 if pictures is start else before + 2
        assert got == list(range(start_seq, start_seq + len(pictures)))
        before = got[-1]
    # an outage ends with a frame: cameras that opened and gave none are one outage with the next
    assert camera.outages()["outages"] == sum(1 for pictures in [start, *good[1:-1]] if pictures) + (not start)
    assert not camera.away


def test_closed_while_it_is_away() -> None:
    world = World([picture()], *[ABSENT] * 1000)
    camera = Reconnecting(world.open, "cam")
    camera.read()
    errors: list[Exception] = []

    def read() -> None:
        try:
            camera.read()
        except CameraError as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    camera.close()
    camera.close()
    reader.join(WAIT_S)
    assert not reader.is_alive()
    assert len(errors) == 1


class Numbered(Scripted):
    """Its frames have these numbers; anything else it gives as it is."""

    def __init__(self, given: list[Any], world: World) -> None:
        super().__init__([], world)
        self.given = list(given)

    def read(self) -> Any:
        self.world.now += PERIOD_S
        item = self.given.pop(0)
        return Frame(picture(), item, self.world.now) if type(item) is int else item


def numbered(*openings: list[Any]) -> Reconnecting:
    world, left = World(), list(openings)
    return Reconnecting(lambda: Numbered(left.pop(0), world), "cam", clock=lambda: world.now, pause=world.pause)


def test_a_sender_that_counts_anew_is_lost_and_found_again(caplog: pytest.LogCaptureFixture) -> None:
    camera = numbered([4, 5, 6, 0], [1, 2, None])
    frames = read_all(camera)
    assert [frame.seq for frame in frames] == [4, 5, 6, 8, 9]
    assert [sorted(frame.flags) for frame in frames] == [[], [], [], ["resumed"], []]
    assert camera.outages()["outages"] == 1
    assert caplog.messages[0].startswith("camera lost: the camera gave frame 0 after frame 6: expected Frame.seq to")


def test_what_is_no_frame_is_a_loss_after_good_ones() -> None:
    camera = numbered([0, 1, False], [0, None])
    assert [frame.seq for frame in read_all(camera)] == [0, 1, 3]


@pytest.mark.parametrize("given", [[False], [0, 0], [0, False], [5, 4]])
def test_a_camera_that_is_wrong_from_its_start_on_is_not_opened_again(given: list[Any]) -> None:
    camera = numbered(given)
    with pytest.raises(ImpossibleError):
        read_all(camera)
    assert camera.outages()["outages"] == 0
