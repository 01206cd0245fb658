"""What an autopilot says, as pymavlink packs it: position, heights in their order, the frames of a gimbal."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("pymavlink", reason="pip install 'thermal-edge[mavlink]'")

from edge.pose.clock import BootClock
from edge.pose.dialect import Decoder
from edge.pose.rotation import GimbalFrame, of_angles
from edge.pose.series import FROZEN, NO_FIX, NOT_A_NUMBER
from edge.pose.vehicle import ABOVE_HOME, RANGEFINDER, TERRAIN, Mounting, Vehicle
from tests.support.autopilot import Autopilot, mavlink, truth

DOWN = Mounting(of_angles(0, -90, 0))
START = 1000.0  # when the autopilot was started, by our clock
EARTH, IN_VEHICLE, LOCK = 64, 32, 16


class Heard:
    """An autopilot, and what is made of its messages."""

    def __init__(self, mounting: Mounting = DOWN, version: int = 2, system: int | None = None) -> None:
        self.autopilot, self.decoder = Autopilot(version), Decoder()
        self.vehicle = Vehicle(mounting, BootClock(), system)
        self.say(self.autopilot.heartbeat(), 0.0)

    def say(self, data: bytes, t: float, delay: float = 0.0) -> None:
        for message in self.decoder.feed(data):
            self.vehicle.take(message, START + t + delay)

    def fly(self, until: float, begin: float = 0.0, **more: float) -> Heard:
        for tick in range(round(begin * 10), round(until * 10) + 1):
            t = tick / 10
            self.say(self.autopilot.attitude(t, **more), t)
            self.say(self.autopilot.position(t), t)
        return self

    def fly_late(self, until: float, begin: float = 0.0) -> Heard:
        for tick in range(round(begin * 10), round(until * 10) + 1):
            self.say(self.autopilot.attitude(tick / 10) + self.autopilot.position(tick / 10), tick / 10, delay=0.2)
        return self


@pytest.mark.parametrize("version", [1, 2])
def test_a_fixed_camera_is_where_the_aircraft_was(version: int) -> None:
    heard = Heard(version=version).fly(5.0)
    for t in (0.0, 1.234, 4.99, 5.2):
        pose, why = heard.vehicle.at(START + t)
        assert (pose is not None, why) == (True, "")
        latitude, longitude, height, yaw = truth(t)
        assert (pose.latitude, pose.longitude) == (
            pytest.approx(latitude, abs=2e-7),
            pytest.approx(longitude, abs=2e-7),
        )
        assert (pose.height, pose.height_source) == (pytest.approx(height), ABOVE_HOME)
        assert (pose.yaw, pose.pitch, pose.roll) == (pytest.approx(yaw, abs=1e-3), pytest.approx(-90), 0)
        assert pose.speed_m_s == pytest.approx(10, abs=0.01)
        assert (pose.sigma_position_m, pose.sigma_time_s, pose.sigma_height_m) == (None, None, None)
    assert heard.decoder.versions == {version: 103}


def test_a_fixed_camera_turns_with_the_aircraft() -> None:
    pose, _ = Heard(Mounting(of_angles(0, -45, 0))).fly(1.0, roll=20.0, pitch=5.0).vehicle.at(START + 1)
    expected = of_angles(truth(1)[3], 5, 20) @ of_angles(0, -45, 0)
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx(expected.angles, abs=1e-3)


def test_nothing_is_said_before_the_first_and_after_the_newest() -> None:
    vehicle = Heard().fly(2.0, begin=1.0).vehicle
    assert vehicle.at(START + 0.9) == (None, "before the first position")
    assert vehicle.at(START + 2.3) == (None, "the newest position is more than 0.25 s old")


def test_only_the_first_autopilot_is_listened_to() -> None:
    heard = Heard()
    other = Autopilot(system=7)
    heard.say(other.heartbeat() + other.position(0.0), 0.0)
    assert heard.vehicle.system == 1
    assert heard.vehicle.counts["of another system"] == 1
    assert Heard(system=7).vehicle.system == 7


def test_a_ground_station_is_no_autopilot() -> None:
    heard = Heard()
    heard.vehicle.system = None
    heard.say(heard.autopilot.pack(mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3)), 0.0)
    heard.say(heard.autopilot.pack(mavlink.MAVLink_heartbeat_message(18, 8, 0, 0, 4, 3)), 0.0)
    assert heard.vehicle.system is None
    heard.say(heard.autopilot.position(0.0), 0.0)
    assert len(heard.vehicle.position) == 0


# ---- position ----


def test_a_position_that_is_frozen_is_refused_and_told() -> None:
    heard = Heard().fly(5.0)
    still = {"lat": round(truth(5.0)[0] * 1e7), "lon": round(truth(5.0)[1] * 1e7)}
    for tick in range(51, 100):
        heard.say(heard.autopilot.attitude(tick / 10) + heard.autopilot.position(tick / 10, **still), tick / 10)
    assert heard.vehicle.counts[f"GLOBAL_POSITION_INT: {FROZEN}"] == 29  # from 7.1 on
    assert heard.vehicle.at(START + 6.95)[1] == ""
    assert heard.vehicle.at(START + 9.0) == (None, f"the position is {FROZEN}")
    heard.fly(12.0, begin=10.0)
    assert heard.vehicle.at(START + 8.5)[0] is None  # nothing is mixed across
    pose, why = heard.vehicle.at(START + 11.0)
    assert pose is not None, why
    assert pose.latitude == pytest.approx(truth(11.0)[0], abs=2e-7)


def test_who_hovers_or_moves_by_the_last_digit_is_not_frozen() -> None:
    for changes in ({"vx": 0, "vy": 0}, {"vx": 50, "vy": 50}, None):
        heard = Heard()
        for tick in range(60):
            more = {"lon": 80_000_000 + tick % 2} if changes is None else {"lon": 80_000_000, **changes}
            heard.say(heard.autopilot.position(tick / 10, lat=470_000_000, **more), tick / 10)
        assert heard.vehicle.counts["GLOBAL_POSITION_INT"] == 60


def test_an_autopilot_that_starts_anew_is_not_frozen() -> None:
    heard = Heard()
    for tick in range(30):
        heard.say(heard.autopilot.position(100 + tick / 10, lat=470_000_000, lon=80_000_000), tick / 10)
    assert heard.vehicle._still.why
    for tick in range(5):
        heard.say(heard.autopilot.position(1 + tick / 10, lat=470_000_000, lon=80_000_000), 4 + tick / 10)
    assert heard.vehicle._still.why == ""


def test_positions_without_a_fix_are_refused() -> None:
    heard = Heard()
    heard.say(heard.autopilot.attitude(0.0), 0.0)
    heard.say(heard.autopilot.gps(0.0, fix=2), 0.0)
    heard.say(heard.autopilot.position(0.0), 0.0)
    heard.say(heard.autopilot.gps(0.1, fix=3), 0.1)
    heard.say(heard.autopilot.position(0.1, lat=0, lon=0), 0.1)
    heard.say(heard.autopilot.position(0.2), 0.2)
    assert heard.vehicle.counts[f"GLOBAL_POSITION_INT: {NO_FIX}"] == 2
    assert len(heard.vehicle.position) == 1


def test_accuracy_is_the_gps_own() -> None:
    heard = Heard()
    heard.say(heard.autopilot.attitude(0.0), 0.0)
    heard.say(heard.autopilot.gps(0.0, accuracy_mm=1500), 0.0)
    heard.fly(1.0)
    pose, _ = heard.vehicle.at(START + 0.5)
    assert pose.sigma_position_m == 1.5


def test_attitude_that_is_no_number_is_refused() -> None:
    heard = Heard()
    heard.say(heard.autopilot.attitude(0.0, roll=math.nan), 0.0)
    assert heard.vehicle.counts[f"ATTITUDE: {NOT_A_NUMBER}"] == 1


# ---- heights ----


def test_heights_in_their_order() -> None:
    heard = Heard().fly(1.0)
    said: list[tuple[float, str]] = []

    def note(t: float) -> None:
        pose, _ = heard.vehicle.at(START + t)
        said.append((round(pose.height, 2), pose.height_source))

    note(1.0)
    heard.say(heard.autopilot.terrain(57.5), 1.0)
    note(1.0)
    heard.say(heard.autopilot.rangefinder(1.0, 5550), 1.0)
    note(1.0)
    heard.fly(2.0, begin=1.1)
    heard.say(heard.autopilot.terrain(58.5), 2.0)
    note(2.0)
    assert said == [(60.0, ABOVE_HOME), (57.5, TERRAIN), (55.5, RANGEFINDER), (58.5, TERRAIN)]


def test_a_rangefinder_measures_along_its_own_axis() -> None:
    heard = Heard().fly(1.0, roll=20.0)
    heard.say(heard.autopilot.rangefinder(1.0, 5000), 1.0)
    assert heard.vehicle.at(START + 1)[0].height == pytest.approx(50 * math.cos(math.radians(20)), abs=1e-3)
    tilted = Heard().fly(1.0, roll=31.0)
    tilted.say(tilted.autopilot.rangefinder(1.0, 5000), 1.0)
    assert tilted.vehicle.at(START + 1)[0].height_source == ABOVE_HOME


@pytest.mark.parametrize(
    ("cm", "more", "why"),
    [
        (20, {}, "out of range"),
        (10_000, {}, "out of range"),
        (5000, {"orientation": 0}, "does not look down"),
        (5000, {"quality": 1}, "no signal"),
    ],
)
def test_a_rangefinder_that_tells_nothing(cm: int, more: dict[str, int], why: str) -> None:
    heard = Heard().fly(1.0)
    heard.say(heard.autopilot.rangefinder(1.0, cm, **more), 1.0)
    assert heard.vehicle.at(START + 1)[0].height_source == ABOVE_HOME
    assert heard.vehicle.counts[f"DISTANCE_SENSOR: {why}"] == 1


def test_terrain_that_is_not_loaded() -> None:
    heard = Heard().fly(1.0)
    heard.say(heard.autopilot.terrain(0.0, spacing=0), 1.0)
    assert heard.vehicle.counts["TERRAIN_REPORT: no terrain data"] == 1


# ---- the gimbal ----


def gimballed(flags: int, frame: GimbalFrame | None = None) -> Heard:
    """Yaw 30, pitch -40 as the gimbal says; the aircraft heads 355 and rolls by 10."""
    heard = Heard(Mounting(None, frame)).fly(1.0, roll=10.0)
    heard.say(heard.autopilot.gimbal(1.0, 30, -40, flags), 1.0)
    return heard


@pytest.mark.parametrize(
    ("flags", "yaw", "said"),
    [
        (EARTH, 30, "earth frame by its flags"),
        (IN_VEHICLE, 25, "vehicle frame by its flags"),
        (IN_VEHICLE | LOCK, 25, "vehicle frame by its flags"),  # ArduPilot's, which is meant
        (EARTH | LOCK, 30, "earth frame by its flags"),
        (LOCK, 30, "earth frame by the flag YAW_LOCK"),
        (0, 25, "vehicle frame by the flag YAW_LOCK"),
    ],
)
def test_flags_say_what_yaw_is_from(flags: int, yaw: float, said: str) -> None:
    vehicle = gimballed(flags).vehicle
    pose, _ = vehicle.at(START + 1)
    assert (pose.yaw, pose.pitch) == (pytest.approx(yaw, abs=1e-3), pytest.approx(-40, abs=1e-3))
    assert pose.roll == pytest.approx(0, abs=1e-3)  # pitch and roll are from the horizon
    assert [line for line in vehicle.assumed if said in line]


def test_flags_that_contradict_each_other_are_refused() -> None:
    vehicle = gimballed(EARTH | IN_VEHICLE).vehicle
    assert vehicle.at(START + 1) == (None, "no gimbal attitude came: mount=YAW,PITCH,ROLL says how the camera is fixed")
    assert vehicle.counts["GIMBAL_DEVICE_ATTITUDE_STATUS: says that its yaw is in two frames"] == 1


@pytest.mark.parametrize("frame", ["earth", "vehicle", "body"])
def test_the_user_knows_better(frame: GimbalFrame) -> None:
    pose, _ = gimballed(EARTH if frame != "earth" else IN_VEHICLE, frame).vehicle.at(START + 1)
    expected = {
        "earth": of_angles(30, -40, 0),
        "vehicle": of_angles(25, -40, 0),
        "body": of_angles(355, 0, 10) @ of_angles(30, -40, 0),
    }[frame]
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx(expected.angles, abs=1e-3)


def test_a_gimbal_that_changes_its_frame_is_followed() -> None:
    heard = gimballed(EARTH)
    heard.fly(3.0, begin=1.1)
    heard.say(heard.autopilot.gimbal(3.0, 30, -40, IN_VEHICLE), 3.0)
    assert heard.vehicle.at(START + 3)[0].yaw == pytest.approx(truth(3)[3] + 30, abs=1e-3)
    assert heard.vehicle.at(START + 1)[0].yaw == pytest.approx(30, abs=1e-3)


def test_another_gimbal_and_numbers_that_are_none_are_refused() -> None:
    heard = gimballed(EARTH)
    heard.say(heard.autopilot.gimbal(1.1, 90, 0, EARTH, device=2), 1.1)
    heard.say(heard.autopilot.gimbal(1.1, math.nan, 0, EARTH), 1.1)
    kind = "GIMBAL_DEVICE_ATTITUDE_STATUS"
    assert (heard.vehicle.counts[f"{kind}: of another gimbal"], heard.vehicle.counts[f"{kind}: {NOT_A_NUMBER}"]) == (
        1,
        1,
    )


def test_a_gimbal_with_a_clock_of_its_own() -> None:
    """It was started 500 s before the autopilot, and says so three times between two words of the autopilot."""
    gimbal, heard = Autopilot(component=154), Heard(Mounting())
    for tick in range(30):
        t = tick / 10
        heard.say(heard.autopilot.attitude(t) + heard.autopilot.position(t), t)
        for n in range(3):
            t = tick / 10 + n / 30
            heard.say(gimbal.gimbal(500 + t, 30, -40, EARTH), t)
    pose, why = heard.vehicle.at(START + 2.5)
    assert pose is not None, why
    assert (pose.yaw, pose.pitch) == (pytest.approx(30, abs=1e-3), pytest.approx(-40, abs=1e-3))
    assert heard.vehicle.counts["restarts of the autopilot's clock"] == 0
    for n in range(4):  # it is started again: the aircraft's position goes on
        heard.say(gimbal.gimbal(1 + n / 30, 30, -40, EARTH), 3.0 + n / 30)
    assert heard.vehicle.at(START + 2.85)[0] is not None
    assert heard.vehicle._gimbals["earth"].last_t == pytest.approx(START + 3.1)


def test_only_the_autopilot_says_where_the_aircraft_is() -> None:
    heard, other = Heard().fly(1.0), Autopilot(component=191)
    heard.say(other.position(1.1) + other.attitude(1.1), 1.1)
    assert heard.vehicle.counts["ATTITUDE: of another component"] == 1
    assert heard.vehicle.position.last_t == START + 1


def test_mount_status_is_taken_as_usual_and_said() -> None:
    heard = Heard(Mounting()).fly(1.0, roll=10.0)
    heard.say(heard.autopilot.mount_status(-40, 2, 30), 1.0)
    pose, _ = heard.vehicle.at(START + 1)
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((25, -40, 2), abs=1e-3)
    assert "MOUNT_STATUS, angles in the vehicle frame by the usual way" in next(iter(heard.vehicle.assumed))
    heard.say(heard.autopilot.gimbal(1.0, 0, -90, EARTH), 1.0)
    heard.say(heard.autopilot.mount_status(-10, 0, 0), 1.1)
    assert heard.vehicle.counts["MOUNT_STATUS: the gimbal speaks for itself"] == 1


def test_a_message_without_a_time_took_as_long_as_the_one_before() -> None:
    heard = Heard(Mounting()).fly(1.0)
    heard.say(heard.autopilot.attitude(2.0), 2.0, delay=0.5)
    heard.say(heard.autopilot.mount_status(-40, 0, 0), 2.0, delay=0.6)
    assert heard.vehicle._gimbals["vehicle"].last_t == pytest.approx(START + 2.1)
    heard.say(heard.autopilot.mount_status(-40, 0, 0), 9.0)
    assert heard.vehicle.counts["MOUNT_STATUS: no message with a time came just before"] == 1


# ---- the clock ----


def test_over_a_reboot_nothing_is_mixed() -> None:
    heard = Heard().fly(3.0)
    rebooted = Heard().autopilot
    for tick in range(20):
        t = tick / 10
        for data in (rebooted.attitude(t), rebooted.position(t)):
            heard.say(data, 3.5 + t)
    vehicle = heard.vehicle
    assert vehicle.counts["restarts of the autopilot's clock"] == 1
    assert vehicle.at(START + 3.4)[1] in ("the position jumped", "the newest position is more than 0.25 s old")
    assert vehicle.at(START + 2.95)[0].latitude == pytest.approx(truth(2.95)[0], abs=2e-7)
    assert vehicle.at(START + 4.55)[0].latitude == pytest.approx(truth(1.05)[0], abs=2e-7)


def test_times_that_were_wrong_are_forgotten() -> None:
    heard = Heard()
    for t in (0.0, 0.1):
        heard.say(heard.autopilot.attitude(t) + heard.autopilot.position(t), t, delay=1.0)
    assert heard.vehicle.at(START + 1.05)[0] is not None  # nobody could know it
    heard.fly(1.0, begin=0.5)
    assert heard.vehicle.at(START + 1.0)[0].latitude == pytest.approx(truth(1.0)[0], abs=2e-7)
    assert heard.vehicle.position.first_t == pytest.approx(START + 0.5)


def answered(heard: Heard, t: float, trip: float, off: float) -> None:
    """TIMESYNC, asked and answered at ``t``; the offset that it tells is ``off`` seconds too late."""
    sync = heard.vehicle.clock.sync
    asked = sync.ask(START + t)
    sync.answer(asked, round((t + trip / 2 - off) * 1e9), START + t + trip)


def seconds_off(heard: Heard, t: float) -> tuple[float, float | None]:
    """By how much the position at ``t`` is of another moment, and what the pose says of that."""
    pose, why = heard.vehicle.at(START + t)
    assert pose is not None, why
    return abs((pose.latitude - truth(t)[0]) / (truth(1.0)[0] - truth(0.0)[0])), pose.sigma_time_s


def test_a_pose_says_the_worst_time_of_the_samples_that_it_mixes() -> None:
    """All messages take 0.2 s. The first answer is off by 0.1 s, within its 0.25 s; the second, at 4 s, by 1 ms."""
    heard = Heard().fly_late(2.0)
    answered(heard, 2.01, trip=0.5, off=0.1)
    heard.fly_late(4.0, begin=2.1)
    answered(heard, 4.01, trip=0.002, off=0.001)
    heard.fly_late(6.0, begin=4.1)
    assert seconds_off(heard, 1.5) == (pytest.approx(0.2, abs=2e-3), None)
    assert seconds_off(heard, 2.195)[1] is None  # one sample placed by its arrival, one by the clock
    assert seconds_off(heard, 3.0) == (pytest.approx(0.1, abs=2e-3), pytest.approx(0.25))
    assert seconds_off(heard, 4.1005)[1] == pytest.approx(0.25 + 0.099, abs=1e-3)  # of two offsets
    assert seconds_off(heard, 5.0) == (pytest.approx(0.001, abs=2e-3), pytest.approx(0.001))
    for t in range(2310, 6100, 7):
        off, told = seconds_off(heard, t / 1000)
        assert told is not None
        assert off <= told + 0.002, t


@pytest.mark.parametrize("own_clock", [False, True])
def test_the_time_of_a_gimbal_is_known_by_its_own_clock(own_clock: bool) -> None:
    heard = Heard(Mounting())
    gimbal = Autopilot(component=154) if own_clock else heard.autopilot
    answered(heard, 0.0, trip=0.01, off=0.0)
    heard.fly(0.0)
    answered(heard, 0.01, trip=0.01, off=0.0)
    heard.fly(1.0, begin=0.1)
    for t in (0.5, 0.7):
        heard.say(gimbal.gimbal(t, 30, -40, EARTH), t)
    assert heard.vehicle.at(START + 0.6)[0].sigma_time_s == pytest.approx(0.105 if own_clock else 0.005)
    line = "time: that of the gimbal attitude is not told: 0.1 s more than the other times are off"
    assert (line in heard.vehicle.assumed) == own_clock


def test_the_time_of_a_message_without_one_is_not_known() -> None:
    heard = Heard(Mounting()).fly(0.0)
    answered(heard, 0.01, trip=0.01, off=0.0)
    heard.fly(1.0, begin=0.1)
    heard.say(heard.autopilot.mount_status(-40, 2, 30), 1.0)
    assert heard.vehicle.at(START + 1.0)[0].sigma_time_s == pytest.approx(0.105)
