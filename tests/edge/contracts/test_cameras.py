"""What every camera passes, whatever it is made of (`edge.seams.Camera`). A new kind is a function and a name here."""

from __future__ import annotations

import functools
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edge.camera.live.reconnect as reconnect
import edge.camera.streams as streams
from edge.camera import Camera, open_camera
from edge.camera.live import timeout
from edge.camera.live.reconnect import Reconnecting
from edge.camera.live.tee import Tee
from edge.camera.live.timeout import TimeLimited
from edge.camera.stills import Stills
from edge.camera.v4l2 import V4l2Camera
from edge.data import Frame
from edge.errors import CameraError, InputError, SourceError
from edge.recording import Origin, RecordingWriter
from tests.support.children import keep
from tests.support.examples import example, sending
from tests.support.fake_v4l2 import DEVICE, FakeV4l2
from tests.support.scripted_camera import Scripted, World, picture
from tests.support.streams import FakePipeline, RtspServer, clip, http_server, rtsp_missing

LONG_S = 30.0  # a test that waits so long has failed
WAKES_S = 2.0  # by the contract
FRAMES = 6


class Place:
    """Where one camera is made, and what is put away when its test is over. ``silent``: nothing comes from it after
    its first frame.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, stack: ExitStack, silent: bool) -> None:
        self.folder, self.patch, self.stack, self.silent = folder, patch, stack, silent


def pictures(place: Place) -> Path:
    for i in range(FRAMES):
        cv2.imwrite(str(place.folder / f"f{i}.png"), np.full((48, 64), 30 * i, np.uint8))
    return place.folder


def stills(place: Place) -> Camera:
    return open_camera(pictures(place))


def paced_stills(place: Place) -> Camera:
    return open_camera(f"{pictures(place)}?fps={0.01 if place.silent else 200}&live=1")


def video(place: Place) -> Camera:
    clip(place.folder / "a.avi", "MJPG", FRAMES)
    return open_camera(place.folder / "a.avi")


def cptv(place: Place) -> Camera:
    module = pytest.importorskip("cptv", reason="needs the package cptv: pip install 'thermal-edge[cptv]'")
    from datetime import timedelta

    path = place.folder / "a.cptv"
    with path.open("wb") as file:
        writer = module.CPTVWriter(file)
        for i in range(FRAMES):
            pixels = np.full((120, 160), 3000 + i, np.uint16)
            writer.write_frame(module.Frame(pixels, timedelta(milliseconds=60_000 + 111 * i), timedelta(0), 20.0, 20.0))
        writer.close()
    return open_camera(path)


def sim(place: Place) -> Camera:
    return open_camera(f"sim:live=0,width=64,height=48,pitch=-90,people=0,deer=0,cars=0,frames={FRAMES}")


def sim_live(place: Place) -> Camera:
    return open_camera(
        f"sim:width=64,height=48,pitch=-90,people=0,deer=0,cars=0,frames={FRAMES},fps={0.1 if place.silent else 200}"
    )


def recording(place: Place) -> Path:
    writer = RecordingWriter(place.folder / "r", Origin("a camera", True, 30.0), reserve=0)
    for seq in range(FRAMES):
        t = 5000.0 + seq * (3600 if place.silent else 0.005)
        writer.write(Frame(picture(), seq, t))
    writer.close()
    return place.folder / "r"


def rec(place: Place) -> Camera:
    return open_camera(f"rec:{recording(place)}")


def rec_live(place: Place) -> Camera:
    return open_camera(f"rec:{recording(place)}?live=1")


def fake_v4l2(place: Place) -> FakeV4l2:
    fake = FakeV4l2(moods=".." + "t" * 10_000 if place.silent else "")
    place.patch.setattr(cv2, "VideoCapture", fake)
    return fake


def v4l2(place: Place) -> Camera:
    fake_v4l2(place)
    return V4l2Camera(DEVICE, "Y16")


def v4l2_that_is_opened_again(place: Place) -> Camera:
    fake_v4l2(place)
    return open_camera(f"{DEVICE}?format=Y16")


def http(place: Place) -> Camera:
    address = place.stack.enter_context(http_server())(clip(place.folder / "a.ts", "MPEG"), False)
    return open_camera(f"http://{address}/a.ts", reconnect_s=0)  # it is silent when it has given all it has


def rtsp(place: Place) -> Camera:
    if why := rtsp_missing():
        pytest.skip(why)
    with pytest.MonkeyPatch.context() as patch:  # no picture within 4 s: so slow is the sender on a busy machine
        patch.setattr(streams, "READ_TIMEOUT_MS", 60_000)
        patch.setattr(streams, "OPEN_TIMEOUT_MS", 60_000)
        patch.setattr(timeout, "OPEN_S", 60.0)
        return open_camera(server_for_all().url, reconnect_s=0)


@functools.cache
def server_for_all() -> RtspServer:
    """Each camera has a connection of its own."""
    server = RtspServer()
    keep(server.process)
    return server


@pytest.fixture(scope="module", autouse=True)
def server_ends() -> Iterator[None]:
    yield
    if server_for_all.cache_info().currsize:
        server_for_all().kill()
        server_for_all.cache_clear()


def gst(place: Place) -> Camera:
    place.patch.setattr(cv2, "getBuildInformation", lambda: "    GStreamer:                   YES (1.20.3)\n")
    place.patch.setattr(cv2, "VideoCapture", FakePipeline([picture() for _ in range(FRAMES)]))
    return open_camera("gst:filesrc location=a.mkv ! decodebin ! appsink")


def reconnecting(place: Place) -> Camera:
    gone = [SourceError("not there")] * 10_000 if place.silent else []
    world = World([picture()], *gone, [picture(), picture(), None])
    return Reconnecting(world.open, "cam", clock=lambda: world.now, pause=None if place.silent else world.pause)


def reconnecting_to_a_driver_that_hangs(place: Place) -> Camera:
    """Its second opening does not return, or where it must not be silent, its third."""
    let_go, scripts = threading.Event(), [[picture()], [picture(), picture()]][: 1 if place.silent else 2]
    place.stack.callback(let_go.set)
    place.patch.setattr(reconnect, "FIRST_DELAY_S", 0.01)

    def opener() -> Camera:
        if not scripts:
            let_go.wait(LONG_S)
            raise SourceError("let go")
        return Timed(scripts.pop(0))

    return reconnect.keep_open(opener, "cam", None)


class Timed(Scripted):
    """With times of this machine's clock."""

    def __init__(self, items: list[Any]) -> None:
        super().__init__(items, World())

    def read(self) -> Frame | None:
        self.world.now = time.monotonic()
        frame = super().read()
        return frame and Frame(frame.pixels, frame.seq, time.monotonic())


def tee(place: Place) -> Camera:
    return Tee(paced_stills(place), lambda frame: None)


def time_limited(place: Place) -> Camera:
    def opener() -> Camera:
        fake_v4l2(place)
        return V4l2Camera(DEVICE, "Y16")

    return TimeLimited(opener, "cam")


def time_limited_driver_that_hangs(place: Place) -> Camera:
    """Its fourth read does not return, also when it is closed; where it must be silent, its second."""
    let_go = threading.Event()
    place.stack.callback(let_go.set)

    class Hanging(Timed):
        def read(self) -> Frame | None:
            if not self.items:
                let_go.wait(LONG_S)
            return super().read()

    return TimeLimited(lambda: Hanging([picture() for _ in range(1 if place.silent else 4)]), "cam")


class Own(Camera):
    """The least that a camera of one's own has to bring."""

    def __init__(self, folder: Path) -> None:
        self.seq = -1

    def read(self) -> Frame | None:
        self.seq += 1
        return Frame(picture(), self.seq, time.monotonic()) if self.seq < FRAMES else None


def own(place: Place) -> Camera:
    return Own(place.folder)


def counts_over_udp(place: Place) -> Camera:
    """The one that docs/extending.md shows."""
    camera: Camera = example("camera").CountsOverUdp(0, 6, 4)
    place.stack.enter_context(sending(camera, 1 if place.silent else 10_000))
    return camera


Maker = Callable[[Place], Camera]
ENDING = (stills, paced_stills, video, cptv, sim, sim_live, rec, rec_live, gst, tee, own)
WAITING = (
    *(paced_stills, sim_live, rec_live, v4l2, v4l2_that_is_opened_again, http, rtsp, reconnecting),
    *(reconnecting_to_a_driver_that_hangs, tee, time_limited, time_limited_driver_that_hangs, counts_over_udp),
)
ALL = tuple(dict.fromkeys((*ENDING, *WAITING)))


def name_of(maker: Maker) -> str:
    return maker.__name__


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Camera]]:
    with ExitStack() as stack:

        def make_one(maker: Maker, silent: bool = False) -> Camera:
            camera = maker(Place(tmp_path, monkeypatch, stack, silent))
            stack.callback(camera.close)
            return camera

        yield make_one


Make = Callable[..., Camera]


def is_over(camera: Camera) -> None:
    """Nothing is read after `close`: None, or CameraError, again and again."""
    for _ in range(3):
        with suppress(CameraError):
            assert camera.read() is None


@pytest.mark.parametrize("maker", ALL, ids=name_of)
def test_it_says_what_it_is(make: Make, maker: Maker) -> None:
    camera = make(maker)
    assert isinstance(camera, Camera)
    assert isinstance(camera.description, str)
    assert len(camera.description.splitlines()) == (maker is not own)
    assert type(camera.live) is type(camera.once_live) is bool
    assert camera.once_live or not camera.live
    assert camera.fps is None or (isinstance(camera.fps, float) and math.isfinite(camera.fps) and camera.fps > 0)
    assert camera.frames is None or (type(camera.frames) is int and camera.frames > 0)
    assert type(camera.waits_for_return) is type(camera.seq_tells_losses) is bool
    assert camera.outages() is None or isinstance(camera.outages(), dict)
    assert (camera.outages() is not None) == camera.waits_for_return


@pytest.mark.parametrize("maker", ALL, ids=name_of)
def test_a_with_block_gives_it_and_closes_it(make: Make, maker: Maker) -> None:
    camera = make(maker)
    with camera as same:
        assert same is camera
    if maker is not own:  # its author leaves that to who reads
        is_over(camera)


@pytest.mark.parametrize("maker", ALL, ids=name_of)
def test_it_is_closed_once_and_for_all(make: Make, maker: Maker) -> None:
    camera = make(maker)
    assert camera.read() is not None
    camera.close()
    camera.close()
    if maker is not own:
        is_over(camera)


@pytest.mark.parametrize("maker", ALL, ids=name_of)
def test_frames_come_in_order_with_times_of_now_and_keep_their_pixels(make: Make, maker: Maker) -> None:
    begun = time.monotonic()
    camera = make(maker)
    taken: list[tuple[Frame, np.ndarray]] = []
    for _ in range(3):
        frame = camera.read()
        assert isinstance(frame, Frame)
        taken.append((frame, frame.pixels.copy()))
        assert begun <= frame.t_arrival <= time.monotonic()
        if not (frame.replayed or maker is reconnecting):  # that one's clock is the test's
            assert begun - 60 <= frame.t_capture <= frame.t_arrival + 0.1
    camera.close()
    frames = [frame for frame, _ in taken]
    assert [frame.seq for frame in frames] == sorted({frame.seq for frame in frames})
    assert [frame.t_capture for frame in frames] == sorted(frame.t_capture for frame in frames)
    assert len({(frame.pixels.shape, frame.pixels.dtype) for frame in frames}) == 1
    for frame, pixels in taken:
        assert frame.pixels.ndim == 2
        assert frame.pixels.dtype in (np.uint8, np.uint16)
        assert np.array_equal(frame.pixels, pixels)


@pytest.mark.parametrize("maker", ENDING, ids=name_of)
def test_its_end_is_none_again_and_again(make: Make, maker: Maker) -> None:
    camera = make(maker)
    frames = list(iter(camera.read, None))
    assert len(frames) == FRAMES
    assert camera.frames in (None, FRAMES)
    assert [camera.read() for _ in range(3)] == [None] * 3


@pytest.mark.parametrize("maker", WAITING, ids=name_of)
def test_close_from_another_thread_wakes_a_waiting_read(make: Make, maker: Maker) -> None:
    camera = make(maker, silent=True)
    assert camera.read() is not None
    outcome: list[Exception | None] = []

    def read() -> None:
        try:
            while camera.read() is not None:
                pass
        except Exception as error:
            outcome.append(error)
        else:
            outcome.append(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(0.2)
    assert reader.is_alive()
    start = time.monotonic()
    threading.Thread(target=camera.close, daemon=True).start()
    reader.join(LONG_S)
    assert time.monotonic() - start < WAKES_S
    assert outcome == [None] or [type(error) for error in outcome] == [CameraError]


@pytest.mark.parametrize("maker", ALL, ids=name_of)
def test_only_a_replay_can_give_chosen_frames(make: Make, maker: Maker) -> None:
    camera = make(maker)
    if maker not in (rec, rec_live):
        with pytest.raises(InputError, match="is no replay: frames are chosen from a recording only"):
            camera.select({1})
        return
    camera.select({1, 4})
    assert [frame.seq for frame in iter(camera.read, None)] == [1, 4]


def test_a_wrapper_tells_what_the_camera_in_it_tells(tmp_path: Path) -> None:
    class Odd(Stills):
        waits_for_return, seq_tells_losses, once_live = True, False, True

        def outages(self) -> dict[str, Any]:
            return {"outages": 3}

    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4), np.uint8))
    for around in (Tee(Odd(tmp_path, fps=5.0), lambda frame: None), TimeLimited(lambda: Odd(tmp_path, fps=5.0), "x")):
        with around as camera:
            told = (camera.live, camera.fps, camera.frames, camera.waits_for_return, camera.seq_tells_losses)
            assert told == (False, 5.0, 1, True, False)
            assert (camera.once_live, camera.outages()) == (True, {"outages": 3})
            assert camera.description.startswith(str(tmp_path))
