"""What the camera is mounted off by, suggested while a run goes on: from made sightings, and from a rendered flight."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edge
from benchmarks.ground.alignment import ERRORS
from benchmarks.ground.flights import CAMERA, Flown, fly
from edge.app import mounting
from edge.app.after.alignment import alignment_of
from edge.app.mounting import MountingWatch
from edge.data import Detections, Frame, Pose, RawDetections, Result
from edge.geo.attitude import Mounting, angles, camera_axes
from edge.geo.placing import Placing, PlacingSettings
from edge.model.bundle import Bundle
from edge.seams import Camera, Engine
from edge.sim.bodies import Body
from edge.sim.camera import Simulator
from edge.sim.settings import SimulatorSettings
from edge.sim.truth import SimulatedFrame

PIXELS = np.zeros((CAMERA.height, CAMERA.width), np.uint8)
OFF = Mounting(pitch_deg=1.5, roll_deg=-1.0, height_offset_m=3.0)


class Source(Camera):
    intrinsics = CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy

    def read(self) -> None:
        return None


def results(flight: Flown) -> list[Result]:
    """A frame for each sighting: a box around it, with a track of its own on each pass."""
    seen = flight.sightings
    found = []
    for seq, (number, (u, v), t, pose) in enumerate(zip(seen.objects, seen.uv, seen.t, seen.poses, strict=True)):
        box = np.array([[max(u - 0.01, 0), max(v - 0.01, 0), u + 0.01, v + 0.01]], np.float32)
        track = 1 + int(number) * 100 + int(flight.passes[seq])
        size = CAMERA.width, CAMERA.height
        one = Detections(
            box, np.ones(1, np.float32), np.zeros(1, np.int32), *size, track_ids=np.array([track], np.int32)
        )
        frame = Frame(PIXELS, seq, float(t), pose=pose)
        found.append(Result(frame=frame, detections=one, t_result=float(t), picture=PIXELS, t_source=float(t)))
    return found


def counted(path: Path, flight: Flown) -> Path:
    """counts.json: which tracks are of one object."""
    pairs = {(int(j), int(p)) for j, p in zip(flight.sightings.objects, flight.passes, strict=True)}
    animals = [[1 + j * 100 + p for i, p in sorted(pairs) if i == j] for j in sorted({j for j, _ in pairs})]
    one = {"tracks": 1, "count": 1, "low": 1, "high": 1, "level": 0.9, "method": "", "animals": animals}
    path.write_text(json.dumps({"Person": one}))
    return path


def angle_off(one: Mounting, other: Mounting) -> float:
    """Largest difference of an angle or of the height, degrees or metres."""
    names = "pitch_deg", "roll_deg", "height_offset_m"
    return max(abs(getattr(one, name) - getattr(other, name)) for name in names)


def read(text: str) -> Mounting:
    return PlacingSettings.parse(mounting=text).mounting


@pytest.fixture(scope="module")
def flight() -> Flown:
    return fly(np.random.default_rng(0), ERRORS, -90.0, objects=25, fps=2.0)


def test_it_is_told_once_in_flight_and_not_applied(
    flight: Flown, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "edge.app.mounting")
    now, path = [0.0], tmp_path / "counts.json"
    watch = MountingWatch(path, Placing(Source(), PlacingSettings()), clock=lambda: now[0])
    first, *others = results(flight)
    watch.note(first)
    assert watch.report() is None
    for result in others:
        watch.note(result)
    now[0] = mounting.EVERY_S + 1  # time for it, but nothing was counted
    watch.note(first)
    assert watch._thread is None
    counted(path, flight)
    watch.note(first)
    assert watch._thread is not None
    watch._thread.join(30)
    assert not caplog.messages
    watch.note(first)
    (said,) = caplog.messages
    report = watch.report()
    assert report is not None
    assert report["suggested"] in said
    assert "nothing was changed" in said
    assert report["said"].startswith("the camera is off by yaw ")
    assert angle_off(read(report["suggested"]), flight.mounting) < 0.7
    watch.note(first)
    watch.finish()
    assert len(caplog.messages) == 1
    assert watch.report() == report


@pytest.mark.parametrize("given", [Mounting(pitch_deg=1.5, roll_deg=1, height_offset_m=2), Mounting(yaw_offset_deg=3)])
def test_what_was_given_is_in_what_is_suggested(given: Mounting, flight: Flown, tmp_path: Path) -> None:
    if given.yaw_offset_deg:  # the poses' headings are so much off, too
        poses = [replace(pose, yaw=pose.yaw - given.yaw_offset_deg) for pose in flight.sightings.poses]
        flight = replace(flight, sightings=replace(flight.sightings, poses=poses))
    watch = MountingWatch(counted(tmp_path / "c", flight), Placing(Source(), PlacingSettings(mounting=given)))
    for result in results(flight):
        watch.note(result)
    watch.finish()
    report = watch.report()
    assert report is not None
    found = read(report["suggested"])
    assert angle_off(found, flight.mounting) < 0.7
    assert found.yaw_offset_deg == given.yaw_offset_deg


def test_without_a_good_flight_it_says_at_the_end_why(
    flight: Flown, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "edge.app.mounting")
    path = counted(tmp_path / "c", flight)

    def told(settings: PlacingSettings, path: Path, of: list[Result]) -> Any:
        watch = MountingWatch(path, Placing(Source(), settings))
        for result in of:
            watch.note(result)
        watch.finish()
        return watch.report()

    one_way = [result for result in results(flight) if int(result.detections.track_ids[0] - 1) % 100 == 0]  # type: ignore[index]
    said = told(PlacingSettings(), path, one_way)
    assert said["suggested"] is None
    assert said["said"].startswith("0 of ")
    assert "on headings 60 degrees apart" in said["said"]
    assert told(PlacingSettings(), tmp_path / "none", one_way)["said"].startswith("cannot read ")
    right = told(PlacingSettings(mounting=flight.mounting), path, results(flight))
    assert (right["suggested"], right["said"][:30]) == (None, "nothing to correct: the camera")
    monkeypatch.setattr(mounting, "LEAST_OBJECTS", 26)
    few = told(PlacingSettings(), path, results(flight))
    assert (few["suggested"], few["said"][:28]) == (None, "not sure enough: the camera ")
    monkeypatch.setattr(mounting, "LEAST_OBJECTS", 10)
    monkeypatch.setattr(mounting, "MOST_MOVING", -1.0)
    assert told(PlacingSettings(), path, results(flight))["said"][:15] == "not sure enough"
    monkeypatch.setattr(mounting, "align", lambda *_: 1 / 0)
    assert told(PlacingSettings(), path, one_way)["said"] == "it failed: ZeroDivisionError('division by zero')"
    unposed = [replace(result, frame=replace(result.frame, pose=None)) for result in one_way]
    assert told(PlacingSettings(), path, unposed) is None
    assert "mounting" not in " ".join(caplog.messages)


def test_what_it_keeps_is_bounded(flight: Flown, tmp_path: Path) -> None:
    watch = MountingWatch(tmp_path / "c", Placing(Source(), PlacingSettings()))
    one = results(flight)[0]
    for track in range(1, 2 * mounting.MOST_TRACKS):
        ids = np.array([track], np.int32)
        for _ in range(40 if track == 2 * mounting.MOST_TRACKS - 1 else 1):
            watch.note(replace(one, detections=replace(one.detections, track_ids=ids)))
    kept = watch._kept()
    assert list(kept) == list(range(mounting.MOST_TRACKS, 2 * mounting.MOST_TRACKS))
    assert 3 <= len(kept[2 * mounting.MOST_TRACKS - 1]) <= mounting.MOST_SIGHTINGS


def test_two_mountings_as_one() -> None:
    first, more = Mounting(10, -80, 5, 3, 2), Mounting(-2, 1.5, 3, 0, 0.5)
    pose = Pose(47.0, 8.0, 60.0, 200.0, 4.0, -3.0)
    stepwise, at_once = more.apply(first.apply(pose)), more.after(first).apply(pose)
    for name in ("yaw", "pitch", "roll", "height"):
        assert getattr(at_once, name) == pytest.approx(getattr(stepwise, name), abs=1e-9)
    assert Mounting(1.5, -2, 0.25).after(Mounting()) == pytest.approx(Mounting(1.5, -2, 0.25))
    assert read(str(first)) == first


# ---- a rendered flight ----


class Tilted(Camera):
    """The simulated flight, with the poses of a camera that is mounted otherwise than they say."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._flown = Simulator(settings)
        self.fps, self.frames, self.intrinsics = self._flown.fps, self._flown.frames, self._flown.intrinsics
        self.last: SimulatedFrame | None = None

    def read(self) -> Frame | None:
        self.last = frame = self._flown.read()
        if frame is None or frame.pose is None:
            return frame
        p = frame.pose
        yaw, pitch, roll = angles(OFF.turn().T @ camera_axes(p.yaw, p.pitch, p.roll))
        told = Pose(p.latitude, p.longitude, p.height - OFF.height_offset_m, yaw, pitch, roll)
        return Frame(frame.pixels, frame.seq, frame.t_capture, pose=told, utc=frame.utc)


class Knows(Engine):
    """Finds who is whole in the newest frame."""

    backend, description = "knows", "knows what is there"

    def __init__(self, bundle: Bundle, camera: Tilted) -> None:
        super().__init__(bundle)
        self._camera = camera

    def _infer(self, image: np.ndarray) -> RawDetections:
        assert self._camera.last is not None
        truth = self._camera.last.truth
        boxes = truth.boxes[truth.visible > 0.999]
        assert all(image[int(y1 + y2) // 2, int(x1 + x2) // 2] > np.median(image) for x1, y1, x2, y2 in boxes)
        return RawDetections(boxes, np.full(len(boxes), 0.9, np.float32), np.zeros(len(boxes), np.int32))

    def _release(self) -> None:
        pass


def test_a_rendered_flight_with_a_tilted_camera(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There and back at 60 m over people who lie about 13 m apart: 34 m of ground, two thirds of it seen again."""
    rng = np.random.default_rng(1)
    grid = np.stack(np.meshgrid(np.arange(-58.5, 60, 13), np.arange(-26, 27, 13)), -1).reshape(-1, 2)
    lying = [Body("person", "lying", *at, 90.0, core=31.0) for at in (grid + rng.uniform(-2, 2, grid.shape)).tolist()]
    monkeypatch.setattr("edge.sim.camera.place_bodies", lambda *_: lying)
    monkeypatch.setattr("edge.sim.flight.SIDELAP", 2 / 3)
    settings = SimulatorSettings(width=160, height=128, focal=4.75, pitch=-90, speed=20, fps=3, frames=74)
    bundle = replace(Bundle.load(tiny_bundle), width=160, height=128, classes=("Car",))  # what stands still
    camera = Tilted(settings)
    report = edge.run(edge.RunSettings(out=tmp_path / "o"), camera=camera, engine=Knows(bundle, camera))
    found = alignment_of(tmp_path / "o").left
    assert found.objects > 10
    assert found.before_m > 3 * found.after_m
    for told in (found.mounting, read(report["position"]["alignment"]["suggested"])):
        assert (told.pitch_deg, told.roll_deg) == pytest.approx((OFF.pitch_deg, OFF.roll_deg), abs=0.15)
        assert told.yaw_deg == pytest.approx(0, abs=0.3)
        assert told.height_offset_m == pytest.approx(OFF.height_offset_m, abs=1)  # a pixel is 0.2 m, a body 0.3 m high
