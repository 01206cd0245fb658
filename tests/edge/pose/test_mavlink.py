"""A scripted autopilot over UDP on this machine: heard, lost, started anew, signed, and out-shouted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("pymavlink", reason="pip install 'thermal-edge[mavlink]'")

from edge.data import Pose
from edge.errors import InputError
from edge.pose import Moment, open_pose
from edge.pose import mavlink as module
from edge.pose.link import Udp
from edge.pose.mavlink import BROKEN, FLOOD, LINK_LOST, OTHERS, WAITING, Mavlink, read_key
from edge.pose.rotation import of_angles, wrap_180
from edge.pose.vehicle import Mounting
from tests.support.autopilot import Autopilot, FlyingAutopilot, key_of, truth, wait_for
from tests.support.scripted_camera import World, picture

KEY = key_of("a passphrase")


@contextmanager
def listening(mounting: Mounting | None = None, key: bytes | None = None) -> Iterator[tuple[Mavlink, int]]:
    link = Udp("127.0.0.1", 0)
    with Mavlink(link, mounting or Mounting(), key=key) as poses:
        yield poses, link.port


def has_pose(poses: Mavlink) -> bool:
    return poses.at(Moment(time.monotonic() - 0.1))[0] is not None


@pytest.mark.parametrize("version", [1, 2])
def test_poses_are_those_of_the_capture_though_messages_are_lost_and_late(version: int) -> None:
    mounting = Mounting(of_angles(0, -90, 0)) if version == 1 else Mounting()  # version 1 has no gimbal's message
    with (
        listening(mounting) as (poses, port),
        FlyingAutopilot(port, Autopilot(version), loss=0.1, reorder=0.1) as flying,
    ):
        wait_for(lambda: poses.counts["TIMESYNC"] >= 5 and has_pose(poses))
        found: list[tuple[float, Pose]] = []

        def timed() -> bool:
            t = time.monotonic() - 0.3
            pose = poses.at(Moment(t))[0]
            if pose is not None and pose.sigma_time_s:
                found.append((t, pose))
            return bool(found)

        wait_for(timed)
        ((t, pose),) = found
        latitude, longitude, height, yaw = truth(t - flying.started)
        slack = 10 * (pose.sigma_time_s + 0.002) / 111_195 * 2  # degrees: what 10 m/s make of the time's uncertainty
        assert pose.latitude == pytest.approx(latitude, abs=slack)
        assert pose.longitude == pytest.approx(longitude, abs=2 * slack)
        assert wrap_180(pose.yaw - yaw) == pytest.approx(0, abs=0.5)
        assert (pose.height, pose.pitch) == (pytest.approx(height), pytest.approx(-90))
        wait_for(lambda: flying.autopilot.heartbeats >= 1 and len(flying.autopilot.asked) >= 5)
        assert flying.autopilot.asked[30] == pytest.approx(1e6 / 30, rel=1e-3)
        assert (285 in flying.autopilot.asked) == (version == 2)  # a fixed camera needs no gimbal
        assert poses.counts[f"MAVLink {version} messages"] > 20


def test_gps_time_is_that_of_the_autopilot_that_is_followed() -> None:
    with listening() as (poses, port):
        assert poses.utc_offset() is None
        mine, other = Autopilot(), Autopilot(system=2)
        mine.utc_at_start, other.utc_at_start = 1_800_000_000.0, 1_900_000_000.0
        with FlyingAutopilot(port, mine) as flying:
            wait_for(lambda: poses.utc_offset() is not None)
            late_s = 1_800_000_000.0 - flying.started - (poses.utc_offset() or 0.0)
            assert -0.001 < late_s < 5
            before = poses.counts["SYSTEM_TIME"]
            poses._take(other.heartbeat() + 5 * other.system_time(0.0))
            assert abs((poses.utc_offset() or 0.0) - 1_800_000_000.0 + flying.started) < 5
            wait_for(lambda: poses.counts["SYSTEM_TIME"] > before and 2 in flying.autopilot.asked)
            assert flying.autopilot.asked[2] == pytest.approx(1e6)


def test_an_autopilot_that_is_away_is_waited_for(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOST_S", 0.4)
    with listening() as (poses, port):
        assert poses.at(Moment(time.monotonic())) == (None, WAITING)
        with FlyingAutopilot(port) as flying:
            wait_for(lambda: has_pose(poses))
            flying.silent.set()
            wait_for(lambda: poses.counts[LINK_LOST] == 1)
            assert poses.at(Moment(time.monotonic()))[1] == "the newest position is more than 0.25 s old"
            flying.silent.clear()
            wait_for(lambda: has_pose(poses))
    said = [record.message.partition(" on ")[0] for record in caplog.records if record.message.startswith("pose: ")]
    assert said == [f"pose: {WAITING}", "pose: nothing came from the autopilot for 0.4 s; it is waited for"]


def test_another_of_the_same_number_is_not_taken_for_it_until_it_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOST_S", 0.4)
    with listening() as (poses, port), FlyingAutopilot(port) as flying:
        wait_for(lambda: has_pose(poses))
        with FlyingAutopilot(port) as other:
            other.leap(1000)  # 10 km away
            wait_for(lambda: poses.counts[OTHERS] > 20)
            pose, _ = poses.at(Moment(time.monotonic() - 0.1))
            assert pose is not None
            assert pose.latitude < truth(500)[0]
            assert other.autopilot.heartbeats == 0  # it is not spoken to
            flying.silent.set()
            wait_for(lambda: (found := poses.at(Moment(time.monotonic() - 0.1))[0]) is not None
                     and found.latitude > truth(900)[0])  # fmt: skip
            assert poses.counts[LINK_LOST] == 1


def test_an_autopilot_that_starts_anew_is_followed() -> None:
    with listening() as (poses, port), FlyingAutopilot(port) as flying:
        flying.started -= 100
        wait_for(lambda: has_pose(poses))
        flying.reboot()
        wait_for(lambda: poses.counts["restarts of the autopilot's clock"] == 1 and has_pose(poses))
        wait_for(
            lambda: (pose := poses.at(Moment(time.monotonic() - 0.1))[0]) is not None and pose.latitude < truth(50)[0]
        )


def test_only_what_is_signed_with_the_key_is_heard() -> None:
    with listening(key=KEY) as (poses, port), FlyingAutopilot(port, Autopilot(key=key_of("another"))):
        wait_for(lambda: poses.counts["not signed with the key, or old"] > 20)
        assert poses.at(Moment(time.monotonic())) == (None, WAITING)
        with FlyingAutopilot(port):
            wait_for(lambda: poses.counts["not signed with the key, or old"] > 60)
            assert poses.at(Moment(time.monotonic())) == (None, WAITING)
        with FlyingAutopilot(port, Autopilot(key=KEY)):
            wait_for(lambda: has_pose(poses))
        assert poses.description.endswith("signed messages only")


def test_a_flood_is_cut_off_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MESSAGES", 20)  # a busy machine sends no more of them
    with listening(Mounting(of_angles(0, -90, 0))) as (poses, port), FlyingAutopilot(port, flood=200):
        wait_for(lambda: poses.counts[FLOOD] > 3)
        before, t = poses.counts["ATTITUDE: the same time twice"] + poses.counts["ATTITUDE"], time.monotonic()
        time.sleep(0.5)
        heard = poses.counts["ATTITUDE: the same time twice"] + poses.counts["ATTITUDE"] - before
        assert heard <= 2 * module.MOST_MESSAGES * (2 + (time.monotonic() - t) / module.SLICE_S)


def test_noise_is_no_message() -> None:
    import socket

    with listening() as (poses, port), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
        for n in range(200):
            noise.sendto(bytes((n * k * 31 + 0xFD) % 256 for k in range(300)), ("127.0.0.1", port))
        with FlyingAutopilot(port):
            wait_for(lambda: has_pose(poses))


def test_closing_ends_the_thread() -> None:
    with listening() as (poses, _):
        assert [thread for thread in threading.enumerate() if thread.name == "mavlink"]
    assert not [thread for thread in threading.enumerate() if thread.name == "mavlink"]
    poses.close()


def test_a_fault_in_the_thread_is_told(caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(Udp):
        def read(self, wait_s: float) -> bytes:
            raise ValueError("a fault of ours")

    with Mavlink(Faulty("127.0.0.1", 0), Mounting()) as poses:
        wait_for(lambda: poses.at(Moment(time.monotonic())) == (None, BROKEN))
    assert "reading the link has failed: ValueError('a fault of ours')" in caplog.text


# ---- what is refused before anything starts ----


def test_frames_of_another_day_have_no_pose_of_now() -> None:
    with listening() as (poses, _):
        camera = World([picture()]).camera()
        poses.check(camera)
        camera.live = False
        with pytest.raises(InputError, match="no live camera.*tlog:FILE"):
            poses.check(camera)
        assert poses.at(Moment(0.0, replayed=True)) == (None, "the frame is of a replay, not of now")


def test_an_address_that_is_taken_is_refused() -> None:
    with (
        listening() as (_, port),
        pytest.raises(InputError, match=f"udp 127.0.0.1:{port} cannot be listened at: Address"),
    ):
        open_pose(f"mavlink:udp:127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (bytes(range(32)), bytes(range(32))),
        (bytes(range(32)).hex().encode() + b"\n", bytes(range(32))),
        (b"a passphrase\n", KEY),
    ],
)
def test_a_key_is_bytes_digits_or_a_passphrase(tmp_path: Path, data: bytes, key: bytes) -> None:
    (tmp_path / "key").write_bytes(data)
    assert read_key(tmp_path / "key") == key


@pytest.mark.parametrize("data", [b"", b" \n", b"x" * 1025])
def test_a_file_that_holds_no_key(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "key").write_bytes(data)
    with pytest.raises(InputError, match="expected a file of 32 bytes"):
        read_key(tmp_path / "key")
    with pytest.raises(InputError, match="No such file"):
        read_key(tmp_path / "none")
