"""How long an outage is too long, on both sides of each limit, and every count of one under its name."""

from __future__ import annotations

import pytest

from edge.camera.live.reconnect import Gap, Reconnecting, keep_open
from edge.camera.live.timeout import TimeLimited
from edge.errors import CameraError, SourceError
from edge.seams import Camera
from tests.edge.camera.live.test_live_limits import Clock, One
from tests.support.scripted_camera import PERIOD_S, World, picture


def read_on(camera: Camera) -> None:
    while camera.read():
        pass


def test_every_figure_of_two_outages() -> None:
    away = SourceError("not there")
    world = World([picture(), picture(), picture()], away, [picture()], away, away, away)
    camera = world.camera(limit_s=6.0)
    with pytest.raises(CameraError, match="camera not back after 6 s: not there"):
        read_on(camera)
    assert camera.outages() == {
        "outages": 2,
        "lost_seconds": pytest.approx(1.75 + 6.0),  # the failing read, pauses of 0.5 and 1 s, the read; then the limit
        "away": True,
        "gaps": [
            {
                "after_seq": 2,
                "t": 1000 + 3 * PERIOD_S,
                "seconds": pytest.approx(1.75),
                "why": "unplugged",
                "back": True,
            },
            {
                "after_seq": 4,
                "t": pytest.approx(1000 + 3 * PERIOD_S + 1.75),
                "seconds": pytest.approx(6.0),
                "why": "unplugged",
                "back": False,
            },
        ],
    }
    assert camera.lost_s == pytest.approx(7.75)


def test_the_newest_hundred_gaps_are_kept_and_all_are_counted() -> None:
    world = World(*[[picture()]] * 103, [picture(), None])
    camera = world.camera()
    while camera.read():
        pass
    told = camera.outages()
    assert told["outages"] == 103
    assert len(told["gaps"]) == 100
    assert told["gaps"][-1]["after_seq"] == 204  # one number is left out for each
    assert told["gaps"][0]["after_seq"] == 6


@pytest.mark.parametrize(("frames", "pause"), [(79, 1.0), (80, 0.5)])
def test_from_ten_steady_seconds_on_it_is_hurried_again(frames: int, pause: float) -> None:
    """Back with the first of its frames, one each 1/8 s; lost at the failing read after the last."""
    world = World([picture()], [picture() for _ in range(frames)], [picture(), None])
    camera = world.camera()
    while camera.read():
        pass
    assert world.pauses == [0.5, pause]


@pytest.mark.parametrize(("frames", "told"), [(25, False), (26, True)])
def test_a_person_is_told_after_three_seconds(frames: int, told: bool, caplog: pytest.LogCaptureFixture) -> None:
    with World([*[picture(7)] * frames, None]).camera() as camera:
        while camera.read():
            pass
    assert bool(caplog.messages) is told


@pytest.mark.parametrize(("frames", "outages"), [(81, 0), (82, 1)])
def test_counts_that_stand_still_for_over_ten_seconds_are_a_loss(frames: int, outages: int) -> None:
    with World([*[picture(7)] * frames, None], [picture(8), None]).camera() as camera:
        while camera.read():
            pass
    assert camera.outages()["outages"] == outages


def test_it_must_be_away_for_its_whole_time() -> None:
    world = World([picture()], *[SourceError("away")] * 9, [picture(), None])
    camera = world.camera(limit_s=1.0)
    camera.read()
    with pytest.raises(CameraError, match="not back after 1 s"):
        camera.read()
    assert world.pauses == [0.5, pytest.approx(0.375)]  # the failing read was an eighth


def test_other_frames_three_times_in_a_row_and_not_two() -> None:
    other = picture(shape=(2, 6))
    world = World([picture()], [other], [other], [picture(), None])
    camera = world.camera()
    camera.read()
    back = camera.read()
    assert back is not None
    assert (back.seq, back.flags) == (2, {"resumed"})


def test_a_camera_that_is_lost_before_its_first_frame() -> None:
    world = World([CameraError("no signal")], [picture(), picture(), None])
    camera = world.camera()
    frames = [camera.read(), camera.read()]
    assert [found and found.seq for found in frames] == [1, 2]
    assert camera.outages()["gaps"][0]["after_seq"] == -1
    assert [found and found.flags for found in frames] == [{"resumed"}, frozenset()]


def test_what_is_kept_open() -> None:
    """A file, or a camera that is not looked for, is only limited in time; a live one is looked for."""

    class File(One):
        live = False

    assert isinstance(keep_open(File, "file", None), TimeLimited)
    assert isinstance(keep_open(One, "camera", 0), TimeLimited)
    camera = keep_open(One, "camera", 3.0)
    assert isinstance(camera, Reconnecting)
    assert (camera.live, camera.waits_for_return, camera._limit_s) == (True, True, 3.0)
    camera.close()


def test_a_gap_s_words_are_in_their_order() -> None:
    assert [*Gap.__dataclass_fields__] == ["after_seq", "t", "seconds", "why", "back"]


def test_digits_of_an_outage_and_nobody_waits_less_than_nothing() -> None:
    camera = World([picture()]).camera()
    camera._lost_before_s = 1.23456
    assert camera.outages()["lost_seconds"] == 1.235
    clock = Clock()
    pacer = clock.pacer()
    pacer.wait(0.0)
    clock.now += 5.0
    pacer.wait(1.0)
    assert clock.waited == [0.0, 0.0, 0.0]
    assert clock.now == 505.0
