"""Telemetry logs: a real flight of 23 minutes, and logs that a script wrote, damaged on purpose."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

pytest.importorskip("pymavlink", reason="pip install 'thermal-edge[mavlink]'")

from edge.errors import InputError
from edge.pose import Moment, open_pose
from edge.pose import tlog as module
from edge.pose.tlog import GARBAGE, Tlog
from tests.conftest import shared
from tests.support.autopilot import Autopilot, truth

BEGIN = 1_780_000_000.0  # UTC of the autopilot's start in logs of here


def record(t: float, message: bytes, delay: float = 0.1) -> bytes:
    return round((BEGIN + t + delay) * 1e6).to_bytes(8, "big") + message


def log(seconds: float = 5.0, version: int = 2) -> list[bytes]:
    autopilot = Autopilot(version)
    return [
        record(tick / 50, message)
        for tick in range(round(seconds * 50))
        for message in (autopilot.heartbeat(), *autopilot.burst(tick / 50))
    ]


def at(t: float, origin: float | None = None) -> Moment:
    return Moment(0.0, datetime.fromtimestamp(BEGIN + t, timezone.utc), origin)


def opened(tmp_path: Path, data: bytes, options: str = "") -> Tlog:
    (tmp_path / "flight.tlog").write_bytes(data)
    source = open_pose(f"tlog:{tmp_path}/flight.tlog{options}")
    assert isinstance(source, Tlog)
    return source


@pytest.mark.parametrize("version", [1, 2])
def test_poses_by_utc(tmp_path: Path, version: int) -> None:
    source = opened(tmp_path, b"".join(log(version=version)), "" if version == 2 else "?mount=0,-90,0")
    pose, why = source.at(at(2.35))
    assert pose is not None, why
    assert pose.latitude == pytest.approx(truth(2.25)[0], abs=2e-7)  # the link's delay is not known
    assert source.assumed[-2:] == [
        "times are those of the computer that received the link: its delay is not known",
        "height: above take-off, the ground taken as flat",
    ]
    assert source.at(Moment(0.0)) == (None, "the frame has no UTC: ?start=UTC names that of a video's first picture")
    assert source.at(at(-1)) == (None, "before the first position")


def test_a_video_begins_at_start_and_offset_moves_it(tmp_path: Path) -> None:
    start = datetime.fromtimestamp(BEGIN + 1.1, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    moved = BEGIN + 1.1 - datetime.fromisoformat(start[:-1] + "+00:00").timestamp()
    source = opened(tmp_path, b"".join(log()), f"?start={start}&offset={moved:.3f}")
    assert source.at(Moment(0.0, None, 2.0))[0].latitude == pytest.approx(truth(3.0)[0], abs=2e-7)
    assert source.at(Moment(0.0, datetime.fromtimestamp(5, timezone.utc), 2.0))[0] is not None  # start is meant
    assert not any("start=" in line for line in source.assumed)
    assert source.at(at(2.35))[0] is not None
    assert "start= is not used: the frames have a UTC of their own, and no time in a video" in source.assumed


def test_damage_is_passed_over_and_counted(tmp_path: Path) -> None:
    records = log()
    records[100] = records[100][:-1] + bytes((records[100][-1] ^ 1,))  # a wrong checksum
    records[200] = records[200][:15]  # cut off
    records.insert(300, b"\xfd\x00garbage\xfe\xff")
    source = opened(tmp_path, b"".join(records)[:-5])
    assert (source.counts["bad checksum"], source.counts["unknown message"], source.counts[GARBAGE]) == (1, 1, 2)
    assert (source.counts["ATTITUDE"], source.counts["GIMBAL_DEVICE_ATTITUDE_STATUS"]) == (250, 248)  # of 250
    assert source.at(at(4.5))[0] is not None


@pytest.mark.parametrize("data", [b"", b"\x00" * 1000, b"no log at all, but a text" * 20, log()[0]])
def test_a_file_without_a_position_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError, match=r"flight.tlog: no position is in it \(.*\); expected a file with positions"):
        opened(tmp_path, data)


def test_a_file_that_is_too_large_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="No such file or directory; expected a tlog"):
        open_pose(f"tlog:{tmp_path}/none.tlog")
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match="1001 bytes; expected a tlog of at most"):
        opened(tmp_path, bytes(1001))


def test_the_other_system_can_be_chosen(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="of another system"):
        opened(tmp_path, b"".join(log()), "?system=7")


def test_a_real_flight() -> None:
    """As pymavlink's own reader counts it: 2833 positions, 149 of them before the first fix, 2829 attitudes, 2825 of
    the gimbal, 1314 with a wrong checksum; the autopilot was started anew once.
    """
    source = open_pose(f"tlog:{shared('data', 'telemetry', 'dronekit_flight.tlog')}")
    counts = source.counts
    positions = {key: n for key, n in counts.items() if key.startswith("GLOBAL_POSITION_INT")}
    assert positions == {
        "GLOBAL_POSITION_INT": 2683,
        "GLOBAL_POSITION_INT: no GPS fix": 149,
        "GLOBAL_POSITION_INT: the autopilot's clock jumped": 1,
    }
    assert (counts["bad checksum"], counts["ATTITUDE"], counts["MOUNT_STATUS"]) == (1314, 2828, 2823)
    assert counts["restarts of the autopilot's clock"] == 1
    assert any(line.startswith("gimbal: MOUNT_STATUS, angles in the vehicle frame") for line in source.assumed)
    before = datetime(2015, 7, 5, 0, 20, tzinfo=timezone.utc)
    assert source.at(Moment(0.0, before)) == (None, "before the first position")
    pose, _ = source.at(Moment(0.0, datetime(2015, 7, 5, 0, 35, tzinfo=timezone.utc)))
    assert (pose.latitude, pose.longitude) == (pytest.approx(-35.362, abs=1e-3), pytest.approx(149.166, abs=1e-3))
    assert pose.height_source == "terrain of the autopilot"
