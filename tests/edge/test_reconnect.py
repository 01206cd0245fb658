"""A camera that is lost, found and opened again: scripted cameras and a clock of our own; then real code paths."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from fake_v4l2 import FakeV4l2, counts
from hypothesis import given, settings
from hypothesis import strategies as st

import edge.camera.device as device
import edge.camera.reconnect as reconnect
import edge.camera.usb as usb
import edge.camera.watched as watched
from edge.camera import LatestFrames, open_camera
from edge.camera.capture import RefusedError
from edge.camera.reconnect import Reconnecting
from edge.camera.usb import Place
from edge.camera.watched import HungError, Watched
from edge.records import CameraError, Frame, SourceError

WAIT_S = 10.0  # far more than any of it takes: a hang becomes a failure
PERIOD_S = 0.125
numbers = itertools.count(1)


def picture(value: int | None = None, shape: tuple[int, int] = (4, 6), dtype: Any = np.uint16) -> npt.NDArray[Any]:
    return np.full(shape, next(numbers) % 200 if value is None else value, dtype)


Item = npt.NDArray[Any] | Exception | None


class Scripted:
    """A camera that gives ``items``, one each 1/8 s of the test's clock, and then fails."""

    live, fps, frames, description = True, 8.0, None, "scripted camera"

    def __init__(self, items: list[Item], world: World) -> None:
        self.items, self.world, self.seq, self.closed = list(items), world, 0, False

    def read(self) -> Frame | None:
        assert not self.closed
        self.world.now += PERIOD_S
        item = self.items.pop(0) if self.items else CameraError("unplugged")
        if isinstance(item, Exception):
            raise item
        if item is None:
            return None
        self.seq += 1
        return Frame(item, self.seq - 1, self.world.now)

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Scripted:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class World:
    """A clock, and what each opening brings: a camera's items, or an error."""

    def __init__(self, *openings: list[Item] | Exception) -> None:
        self.now, self.openings = 1000.0, list(openings)
        self.pauses: list[float] = []
        self.lines: list[str] = []
        self.cameras: list[Scripted] = []

    def open(self) -> Scripted:
        opening = self.openings.pop(0)
        if isinstance(opening, Exception):
            raise opening
        assert all(camera.closed for camera in self.cameras)
        self.cameras.append(Scripted(opening, self))
        return self.cameras[-1]

    def pause(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        self.now += seconds
        return False

    def camera(self, limit_s: float | None = None) -> Reconnecting:
        return Reconnecting(self.open, "cam", limit_s, self.lines.append, clock=lambda: self.now, pause=self.pause)


ABSENT = SourceError("cam: not plugged in")


def read_all(camera: Reconnecting) -> list[Frame]:
    """Until it says that the script is over."""
    frames = []
    while (frame := camera.read()) is not None:
        frames.append(frame)
    return frames


def test_lost_and_back() -> None:
    a, b, c = picture(), picture(), picture()
    world = World([a, b], ABSENT, ABSENT, [c, None])
    with world.camera() as camera:
        assert (camera.live, camera.fps, camera.frames, camera.description) == (True, 8, None, "scripted camera")
        frames = read_all(camera)
    assert [frame.seq for frame in frames] == [0, 1, 3]  # one number is left out: something is missing
    assert [frame.pixels is wanted for frame, wanted in zip(frames, (a, b, c), strict=True)] == [True] * 3
    # the failing read, the pauses 0.5 + 1 + 2, the read of c
    assert camera.lost_s == pytest.approx(PERIOD_S + 3.5 + PERIOD_S)
    assert (camera.outages, camera.away) == (1, False)
    assert world.lines == [
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
    assert camera.outages == 4


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
    assert camera.outages == 1


def test_a_raw_sensor_that_repeats_itself_for_ten_seconds_hangs() -> None:
    shutter = [picture(7)] * 72  # 9 s
    hang = [picture(8)] * 200
    world = World([*shutter, *hang], [picture(9), None])
    camera = world.camera()
    assert len(read_all(camera)) == 72 + 81 + 1
    still = "camera stands still: the same picture for 3 s, nothing new is seen in it"
    lost = "camera lost: cam: bit by bit the same picture for 10 s; looking for it"
    assert world.lines[:4] == [still, "camera gives new pictures again, after 9.0 s", still, lost]


def test_8_bit_pictures_may_repeat_themselves() -> None:
    world = World([picture(7, dtype=np.uint8)] * 300 + [None])  # type: ignore[list-item]
    camera = world.camera()
    assert len(read_all(camera)) == 300
    assert camera.outages == 0
    # or the encoder hangs: nothing else would tell, as no repeat reaches the detector
    assert world.lines == ["camera stands still: the same picture for 3 s, nothing new is seen in it"]


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
    assert camera.outages == sum(1 for pictures in [start, *good[1:-1]] if pictures) + (not start)
    assert not camera.away


def test_closed_while_it_is_away() -> None:
    world = World([picture()], *[ABSENT] * 1000)
    camera = Reconnecting(world.open, "cam", tell=world.lines.append)
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


# ---- a driver that does not return


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


# ---- which camera is which


@pytest.fixture
def sysfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A sysfs to plug cameras into. Nodes are called as devices that exist here: null (1:3), zero (1:5)."""
    monkeypatch.setattr(usb, "SYSFS", tmp_path / "class")
    (tmp_path / "class").mkdir()

    def plug(node: str, port: str = "1-2", serial: str = "S1", product: str = "0100", index: str = "0") -> None:
        device_folder = tmp_path / "devices" / port
        entry = device_folder / f"{port}:1.0" / "video4linux" / node
        entry.mkdir(parents=True)
        for name, text in {"idVendor": "1e4e", "idProduct": product, "serial": serial}.items():
            if text:
                (device_folder / name).write_text(f"{text}\n")
        (entry.parents[1] / "bInterfaceNumber").write_text("00\n")
        number = os.stat(f"/dev/{node}").st_rdev
        (entry / "dev").write_text(f"{os.major(number)}:{os.minor(number)}\n")
        (entry / "index").write_text(f"{index}\n")
        (entry / "name").write_text("PureThermal: Lepton\n")
        (entry / "device").symlink_to(entry.parents[1])
        (tmp_path / "class" / node).symlink_to(entry)

    return plug


def unplug(node: str) -> None:
    (usb.SYSFS / node).unlink()


Plug = Callable[..., None]


def test_found_again_under_another_number(sysfs: Plug, tmp_path: Path) -> None:
    sysfs("null")
    by_id = tmp_path / "usb-PureThermal-video-index0"
    by_id.symlink_to("/dev/null")
    place = Place(str(by_id))
    assert place.find() == str(by_id)
    unplug("null")
    with pytest.raises(SourceError, match=r"Lepton \(1e4e:0100, serial S1, USB port 1-2\) is not plugged in.*none"):
        place.find()
    sysfs("zero", port="1-3")
    assert place.find() == "/dev/zero"
    by_id.unlink()
    by_id.symlink_to("/dev/zero")  # udev is slower than we
    assert place.find() == str(by_id)


@pytest.mark.parametrize("other", [{"serial": "S2"}, {"product": "0200"}, {"serial": ""}, {"index": "1"}], ids=str)
def test_another_camera_in_its_place_is_not_taken(sysfs: Plug, other: dict[str, str]) -> None:
    sysfs("null")
    place = Place("/dev/null")
    assert place.find() == "/dev/null"
    unplug("null")
    sysfs("zero", port="1-7", **other)
    with pytest.raises(SourceError, match="is not plugged in; USB cameras here: /dev/zero PureThermal"):
        place.find()


def test_the_twin_that_stayed_is_not_taken(sysfs: Plug) -> None:
    sysfs("null", serial="")
    sysfs("zero", serial="", port="1-7")
    place = Place("/dev/null")
    assert place.find() == "/dev/null"
    unplug("null")
    with pytest.raises(SourceError, match="not plugged in"):
        place.find()
    sysfs("full", serial="", port="1-2")
    assert place.find() == "/dev/full"  # same port, other number


def test_twins_that_both_moved_cannot_be_told_apart(sysfs: Plug) -> None:
    sysfs("null", serial="")
    place = Place("/dev/null")
    place.find()
    unplug("null")
    sysfs("zero", serial="", port="1-7")
    sysfs("full", serial="", port="1-8")
    with pytest.raises(SourceError, match="cannot be told from its twin"):
        place.find()


def test_what_is_not_usb_has_only_its_path(sysfs: Plug) -> None:
    assert Place("/dev/video97").find() == "/dev/video97"
    assert Place("/dev/null").find() == "/dev/null"


# ---- V4L2, from open_camera down to cv2.VideoCapture


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "STALL_S", 0.05)
    monkeypatch.setattr(device, "FIRST_FRAME_S", 0.05)
    monkeypatch.setattr(device, "RETRY_S", 0.001)
    monkeypatch.setattr(reconnect, "FIRST_DELAY_S", 0.002)
    monkeypatch.setattr(reconnect, "LONGEST_DELAY_S", 0.01)


def frame_of(camera: Any) -> Frame:
    frame = camera.read()
    assert frame is not None
    return frame


@pytest.mark.usefixtures("quick")
def test_replugged_as_another_device_number(sysfs: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    sysfs("null")
    fake = FakeV4l2()
    monkeypatch.setattr(cv2, "VideoCapture", fake)
    lines: list[str] = []

    def replug(line: str) -> None:
        lines.append(line)
        if "not plugged in" in line:  # someone plugs it in again, elsewhere
            sysfs("zero", port="1-3")
            fake.path = "/dev/zero"

    with open_camera("/dev/null?format=Y16&width=80&height=60", tell=replug) as camera:
        before = frame_of(camera)
        unplug("null")
        fake.path = None
        after = frame_of(camera)
        assert np.array_equal(after.pixels, counts(fake.made))
        assert (before.seq, after.seq) == (0, 2)
        assert fake.asked_path == "/dev/zero"
        assert fake.calls[-4:-1] == fake.calls[:3]  # size, format and conversion were asked for again
        assert camera.description.startswith("/dev/zero: V4L2 camera, 80x60 16-bit Y16")
        assert [line[:11] for line in lines] == ["camera lost", "camera stil", "camera back"]
    assert fake.released


@pytest.mark.usefixtures("quick")
def test_camera_that_comes_back_with_8_bits_only(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeV4l2()
    monkeypatch.setattr(cv2, "VideoCapture", fake)
    with open_camera("/dev/null?format=Y16", tell=lambda _: None) as camera:
        frame_of(camera)
        fake.moods, fake.formats = "s" * 1000, ("YUYV",)
        with pytest.raises(CameraError, match="came back different.*driver refused format.*gives YUYV"):
            camera.read()


@pytest.mark.usefixtures("quick")
def test_camera_that_comes_back_in_another_size(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeV4l2()
    monkeypatch.setattr(cv2, "VideoCapture", fake)

    def grow(_line: str) -> None:
        fake.moods, fake.size = "", (160, 120)

    with open_camera("/dev/null?format=Y16", tell=grow) as camera:
        frame_of(camera)
        fake.moods = "s" * 1000
        with pytest.raises(CameraError, match="it gives 160x120 16-bit, before it was 80x60 16-bit"):
            camera.read()


@pytest.mark.usefixtures("quick")
def test_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeV4l2()
    monkeypatch.setattr(cv2, "VideoCapture", fake)
    with open_camera("/dev/null?format=Y16", reconnect_s=0) as camera:
        frame_of(camera)
        fake.moods = "s" * 1000
        with pytest.raises(CameraError, match="no new frame for 0.05 s"):
            camera.read()


@pytest.mark.usefixtures("quick")
@settings(max_examples=25, deadline=None)
@given(st.text("....tscphg", max_size=30), st.sampled_from(["4.11", "4.12"]))
def test_bad_buffers_never_come_through(moods: str, handover: str) -> None:
    """Cut, padded, half-height, damaged and old buffers are left out; each that was a frame leaves a gap."""
    fake = FakeV4l2(handover=handover)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cv2, "VideoCapture", fake)
        patch.setattr(device, "STALL_S", WAIT_S)
        with open_camera("/dev/null?format=Y16", tell=lambda _: None) as camera:
            made, seq = fake.made, -1
            fake.moods = moods + "."
            while fake.moods:
                frame = frame_of(camera)
                assert np.array_equal(frame.pixels, counts(fake.made))
                seq += fake.made - made
                made = fake.made
                assert frame.seq == seq
            assert camera.outages == 0  # type: ignore[attr-defined]


@pytest.mark.usefixtures("quick")
def test_capture_goes_on_behind_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeV4l2()
    monkeypatch.setattr(cv2, "VideoCapture", fake)
    lines: list[str] = []
    with open_camera("/dev/null?format=Y16", tell=lines.append) as camera, LatestFrames(camera) as frames:
        before = frames.get()
        fake.moods = "t" * 60
        while camera.outages == 0 or camera.away:  # type: ignore[attr-defined]
            frames.get()
        after = frames.get()
    assert before is not None
    assert after is not None
    assert after.seq > before.seq
    assert [line[:11] for line in lines if "still" not in line] == ["camera lost", "camera back"]


# ---- clocks


@pytest.fixture
def driver_time(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The device's monotonic clock in the test's hand."""
    clock = SimpleNamespace(now=500.0)

    def sleep(seconds: float) -> None:
        clock.now += seconds

    clock.monotonic, clock.sleep = lambda: clock.now, sleep
    monkeypatch.setattr(device, "time", clock)
    return clock


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch, driver_time: SimpleNamespace) -> Callable[..., FakeV4l2]:
    """A camera of so many hertz: a grab waits until the next frame is there, 2 ms after it was taken."""

    def make(hertz: float, stamp: Callable[[float], float] = lambda now: now) -> FakeV4l2:
        fake = FakeV4l2(free=True, clock=lambda: stamp(driver_time.now - 0.002))
        grab = fake.grab

        def next_frame() -> bool:
            driver_time.now += 1 / hertz
            return grab()

        monkeypatch.setattr(fake, "grab", next_frame)
        monkeypatch.setattr(cv2, "VideoCapture", fake)
        return fake

    return make


Ticking = Callable[..., FakeV4l2]


def stamps(n: int) -> Iterator[float]:
    with open_camera("/dev/null?format=Y16", reconnect_s=0) as camera:
        for i in range(n):
            frame = frame_of(camera)
            assert frame.seq == i
            yield frame.t_capture


@pytest.mark.parametrize("hertz", [9, 30, 60, 120])
def test_rates(ticking: Ticking, hertz: int) -> None:
    ticking(hertz)
    times = list(stamps(20))
    assert np.diff(times) == pytest.approx(1 / hertz)
    assert times[0] == pytest.approx(500.0 + 2 / hertz - 0.002)  # the driver's time, not the arrival


@pytest.mark.parametrize(
    "stamp",
    [
        lambda now: now if now < 500.2 else 500.2,  # stops
        lambda now: now if now < 500.2 else now - 3,  # jumps back, less than a buffer may be old
        lambda now: now if now < 500.2 else now + 60,  # jumps ahead
        lambda now: now if now < 500.2 else now - 60,
        lambda now: now if now < 500.2 else 0.0,  # is no more said
    ],
    ids=["stops", "back", "ahead", "far back", "none"],
)
def test_a_clock_that_goes_wrong_loses_no_frame(
    ticking: Ticking, driver_time: SimpleNamespace, stamp: Callable[[float], float]
) -> None:
    ticking(30, stamp)
    with open_camera("/dev/null?format=Y16", reconnect_s=0) as camera:
        times = []
        for i in range(60):
            frame = frame_of(camera)
            assert frame.seq == i
            assert 0 <= driver_time.now - frame.t_capture < 1 / 30 + 0.003
            times.append(frame.t_capture)
        assert np.diff(times).min() > 0
        assert "times are of arrival, the driver's do not fit" in camera.description
