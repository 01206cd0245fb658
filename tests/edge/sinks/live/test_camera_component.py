"""The run as a MAVLink camera: what it says by itself, what it answers, and what a bad link does to it."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.data import Detections, Frame, Result, TemperatureScale
from tests.support.track_lines import tracked

mav = pytest.importorskip("pymavlink.dialects.v20.common", reason="needs the extra mavlink")
from edge.sinks.live.camera_component import CameraComponent  # noqa: E402 - it needs pymavlink
from tests.support.ground_station import THERMAL, TRACKING, Station, texts  # noqa: E402

INFORMATION, SETTINGS = 259, 260
ACCEPTED, NOT_NOW, DENIED, UNSUPPORTED, FAILED = 0, 1, 2, 3, 4

# ---- what it says by itself ----


def test_a_heartbeat_a_second() -> None:
    component = CameraComponent(("Person",), "tiny")
    reader = mav.MAVLink(None)
    beats = [m for n in range(100) for d in component.due(n / 20) for m in reader.parse_buffer(d)]
    assert [m.get_type() for m in beats] == ["HEARTBEAT"] * 5
    assert (beats[0].type, beats[0].autopilot) == (30, 8)
    assert (beats[0].get_srcSystem(), beats[0].get_srcComponent()) == (1, 100)
    assert [m.get_seq() for m in beats] == [0, 1, 2, 3, 4]


def test_it_is_a_part_of_its_vehicle() -> None:
    station = Station(system=7)
    station.out.srcComponent = 1
    station.say(station.pack(mav.MAVLink_heartbeat_message(2, 3, 0, 0, 4, 3)))
    station.out.srcSystem, station.out.srcComponent = 255, 190
    assert station.say(station.command(522, 1)) == []  # of system 1: another's
    (answer, _) = station.say(station.command(522, 1, system=7))
    assert answer.get_srcSystem() == 7


def test_a_text_for_each_new_track_and_few_of_them() -> None:
    station = Station()
    said = []
    for n in range(200):
        station.see(tracked(n, n / 20, [4] if n < 50 else [4, 9, 11, 12]), n / 20)
        said += [(n / 20, text) for text in texts(station.heard())]
    assert said == [(0.0, "Person 4 found, score 0.50"), (2.5, "3 found: 3 Person")]
    flood = Station()
    count = 0
    for n in range(600):  # 500 new ones a frame
        flood.see(tracked(n, n / 60, list(range(1 + 20 * n, 21 + 20 * n))), n / 60)
        new = texts(flood.heard())
        count += len(new)
        assert all(len(text) <= 50 for text in new)
    assert count == 5  # in ten seconds


def test_a_text_has_at_most_fifty_plain_characters() -> None:
    station = Station(CameraComponent(("Rehü" * 30,), "tiny"))
    station.see(tracked(0, 0.0, [4]))
    (text,) = texts(station.heard())
    assert text == ("Reh?" * 30)[:50]


def test_what_a_run_gives_up_is_a_warning_at_once() -> None:
    station = Station()
    for text in ("lower rate because of heat", "x" * 60):
        station.component.say(text)
    said = station.heard(0.5)
    assert texts(said) == ["lower rate because of heat", "x" * 50]
    assert {m.severity for m in said} == {mav.MAV_SEVERITY_WARNING}
    assert station.heard(9.0) == []


# ---- what it answers ----


def test_who_it_is() -> None:
    station = Station()
    assert station.ask(521, 1) == ACCEPTED
    answer, information = station.say(station.command(512, INFORMATION))
    assert (answer.result, information.get_type()) == (ACCEPTED, "CAMERA_INFORMATION")
    assert bytes(information.vendor_name).rstrip(b"\0") == b"thermal-edge"
    assert bytes(information.model_name).rstrip(b"\0") == b"tiny"
    assert (information.resolution_h, information.flags) == (0, 512 | 1024)
    station.see(thermal())
    information = station.say(station.command(512, INFORMATION))[1]
    assert (information.resolution_h, information.resolution_v) == (64, 48)
    assert information.flags == 512 | 1024 | 4096  # no picture and no film can be taken
    settings = station.say(station.command(522, 1))[1]
    assert settings.get_type() == "CAMERA_SETTINGS"
    assert math.isnan(settings.zoomLevel)


@pytest.mark.parametrize(
    ("command", "values", "result"),
    [
        (400, [1], UNSUPPORTED),  # arm
        (2000, [0, 0, 1], UNSUPPORTED),  # take a picture
        (2500, [], UNSUPPORTED),
        (527, [1], UNSUPPORTED),
        (512, [0], UNSUPPORTED),
        (512, [math.nan], DENIED),
        (521, [0], DENIED),
        (511, [0, 1e6], UNSUPPORTED),
        (511, [TRACKING, 1e6], ACCEPTED),
        (511, [TRACKING, 0], ACCEPTED),
        (511, [TRACKING, -1], ACCEPTED),
        (511, [TRACKING, 1000], DENIED),
        (511, [TRACKING, -2], DENIED),
        (511, [TRACKING, math.nan], DENIED),
        (511, [THERMAL, 1e6], ACCEPTED),
        (512, [THERMAL], NOT_NOW),  # no frame yet
        (512, [TRACKING], ACCEPTED),
        (2004, [0.5, 0.5], FAILED),  # nothing is there
        (2004, [1.5, 0.5], DENIED),
        (2005, [0.1, 0.1, math.nan, 1], DENIED),
        (2010, [], ACCEPTED),
    ],
)
def test_every_command_is_answered_truly(command: int, values: list[float], result: int) -> None:
    assert Station().ask(command, *values) == result


def test_what_is_not_for_it_it_leaves() -> None:
    station = Station()
    assert station.say(station.command(522, 1, to=1)) == []
    assert station.say(station.command(522, 1, to=101)) == []
    assert station.say(station.command(522, 1, system=2)) == []
    assert station.say(station.command(400, 1, to=0)) == []  # to all: others may know it
    assert len(station.say(station.command(522, 1, to=0))) == 2
    assert len(station.say(station.command(522, 1, to=0, system=0))) == 2


@pytest.mark.parametrize("v1", [False, True])
def test_both_versions_are_understood(v1: bool) -> None:
    assert Station().ask(522, 1, v1=v1) == ACCEPTED
    station = Station()
    message = mav.MAVLink_command_int_message(1, 100, 0, 522, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    assert len(station.say(station.pack(message, v1))) == 2


def test_the_box_that_is_followed() -> None:
    station = Station()
    station.see(tracked(0, 0.0, [4, 9]))
    station.heard()
    idle = station.say(station.command(512, TRACKING))[1]
    assert (idle.tracking_status, idle.tracking_mode) == (0, 0)  # nobody asked for one
    assert station.ask(511, TRACKING, 500_000) == ACCEPTED
    station.now = 0.5
    station.see(tracked(1, 0.5, [4, 9]), 0.5)
    (status,) = station.heard()
    assert (status.tracking_status, status.tracking_mode, status.target_data) == (1, 2, 4)
    box = [status.rec_top_x, status.rec_top_y, status.rec_bottom_x, status.rec_bottom_y]
    assert box == pytest.approx([5 / 64, 6 / 48, 15 / 64, 18 / 48])
    assert math.isnan(status.point_x)
    assert station.heard(0.7) == []  # twice a second
    assert len(station.heard(1.0)) == 1
    assert station.heard(1.6)[0].tracking_status == 0  # a second later nobody knows where it is
    assert station.ask(511, TRACKING, -1) == ACCEPTED
    assert station.heard(9.0) == []


def frame_of(boxes: list[list[float]], ids: list[int]) -> Result:
    n, pixels = len(boxes), np.zeros((100, 200), np.uint8)
    scores = np.linspace(0.9, 0.5, n).astype(np.float32)
    found = Detections(
        np.array(boxes, np.float32).reshape(n, 4), scores, np.zeros(n, np.int32), 200, 100, np.array(ids, np.int32)
    )
    return Result(frame=Frame(pixels, 0, 0.0), detections=found, t_result=0.1, picture=pixels)


def test_a_track_is_chosen_by_a_point_or_a_rectangle() -> None:
    station = Station()
    boxes = [[0, 0, 20, 20], [100, 50, 110, 60], [150, 80, 160, 90]]
    station.see(frame_of(boxes, [1, 2, -1]))

    def followed() -> float | None:
        status = station.say(station.command(512, TRACKING))[1]
        return status.rec_top_x if status.tracking_status else None

    assert station.ask(2004, 0.58, 0.55) == ACCEPTED  # beside it, but near
    assert followed() == pytest.approx(0.5)
    assert station.ask(2005, 0.0, 0.0, 0.4, 0.4) == ACCEPTED
    assert followed() == 0.0
    assert station.ask(2004, 0.775, 0.85) == FAILED  # a detection, but no track
    assert station.ask(2005, 0.3, 0.3, 0.4, 0.4) == FAILED
    assert followed() == 0.0  # the one of before
    station.see(frame_of(boxes[1:], [2, -1]))
    assert followed() is None  # it is away: another one is not taken for it
    assert station.ask(2010) == ACCEPTED
    assert followed() is None
    assert station.ask(511, TRACKING, 1e6) == ACCEPTED
    station.heard()
    assert followed() == pytest.approx(0.5)  # the best


def thermal(mask: bool = False) -> Result:
    counts = np.full((48, 64), 29315, np.uint16)
    counts[0, 0], counts[47, 63], counts[5, 5] = 27315, 31315, 65000
    hidden = np.zeros((48, 64), bool)
    hidden[5, 5] = True
    frame = Frame(counts, 0, 0.0, temperature=TemperatureScale(0.01), mask=hidden if mask else None)
    return Result(frame=frame, detections=Detections.none(64, 48), t_result=0.1, picture=np.zeros((48, 64), np.uint8))


def test_the_coldest_and_the_hottest_pixel() -> None:
    station = Station()
    station.see(thermal(mask=True))
    assert station.ask(511, THERMAL, 1e6) == ACCEPTED
    (said,) = station.heard(1.0)
    assert (said.max, said.min) == pytest.approx((40.0, 0.0))
    assert (said.max_point_x, said.max_point_y) == pytest.approx((63.5 / 64, 47.5 / 48))
    assert (said.min_point_x, said.min_point_y) == pytest.approx((0.5 / 64, 0.5 / 48))
    station.see(thermal())
    assert station.say(station.command(512, THERMAL))[1].max == pytest.approx(65000 * 0.01 - 273.15, abs=0.01)
    assert station.heard(3.0) == []  # the frame is old
    station.see(tracked(1, 1.0, []))
    assert station.ask(512, THERMAL) == NOT_NOW  # counts without a scale


def test_a_dot_for_each_track_only_if_asked_for() -> None:
    for dots, expected in ((False, 0), (True, 2)):
        station = Station(CameraComponent(("Person",), "tiny", dots=dots))
        for n in range(300):
            station.see(tracked(n, n / 10, [4, 9]), n / 10)
            station.heard() if n == 0 and not dots else None
            if n == 0 and dots:
                found = [m for m in station.heard() if m.get_type() == "CAMERA_IMAGE_CAPTURED"]
                assert len(found) == expected
                assert (found[0].lat, found[0].lon, found[0].capture_result) == (515040000, -2500000, 1)
                assert [m.image_index for m in found] == [4, 9]
        assert [m for m in station.heard() if m.get_type() == "CAMERA_IMAGE_CAPTURED"] == []


def test_nothing_of_it_steers() -> None:
    source = Path("edge/sinks/live/camera_component.py").read_text()
    assert "landing_target_" not in source
    assert "set_position" not in source


def test_a_frame_that_was_not_searched_takes_no_box_away() -> None:
    station = Station()
    station.see(tracked(0, 0.0, [4]))
    before = station.component._result
    station.see(replace(tracked(1, 0.1, []), inferred=False))
    assert station.component._result is before
    station.see(tracked(2, 0.2, []))
    assert station.component._result is not before


# ---- what comes over a bad link ----


def test_noise_cut_and_reordered_messages_do_no_harm() -> None:
    station, chance = Station(), random.Random(7)
    good = [station.command(522, 1) for _ in range(60)]
    chance.shuffle(good)
    stream = b"".join(
        chance.randbytes(chance.randrange(40)) + one + (one[:9] if chance.random() < 0.3 else b"") for one in good
    )
    acks = 0
    while stream:
        size = chance.randrange(1, 50)
        part, stream = stream[:size], stream[size:]
        acks += sum(m.get_type() == "COMMAND_ACK" for m in station.say(part))
    assert acks >= 20
    for _ in range(10):  # a mark in the noise takes what follows with it: a station asks again
        last = [m for m in station.say(station.command(2010)) if m.get_type() == "COMMAND_ACK"]
    assert [m.result for m in last] == [ACCEPTED]


def test_answers_that_wait_have_a_limit() -> None:
    station = Station()
    station.component.hear(b"".join(station.command(522, 1) for _ in range(1000)), 0.0)
    assert len(station.heard()) == 20
