"""Alignment on simulated flights: the error at least halved where it can be, refused with a word where it cannot."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.ground.alignment import ACROSS, ERRORS, ONE_WAY, one_frame_error
from benchmarks.ground.flights import CAMERA, Errors, Flown, fly
from edge.data import Pose
from edge.errors import InputError
from edge.geo import Mounting, Sightings, align

# off by 3.5 m and more with one frame, which is what there is to halve
POOR = replace(ERRORS, mounting_deg=0.0)


def flown(seed: int, pitch: float, errors: Errors = ERRORS, **more: object) -> Flown:
    more = {"objects": 25, "fps": 2.0} | more
    return fly(np.random.default_rng(seed), errors, pitch, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("pitch", [-90.0, -45.0])
def test_without_noise_the_mounting_comes_back(pitch: float) -> None:
    flight = flown(3, pitch, Errors(mounting_deg=2.0, height_m=3.0), objects=15, headings=ACROSS)
    found = align(flight.sightings, CAMERA)
    m, truth = found.mounting, flight.mounting
    assert (m.yaw_deg, m.pitch_deg, m.roll_deg) == pytest.approx(
        (truth.yaw_deg, truth.pitch_deg, truth.roll_deg), abs=0.02
    )
    assert m.height_offset_m == pytest.approx(truth.height_offset_m, abs=0.05)
    assert found.after_m < 0.02 < found.before_m
    assert found.moving == 0


@pytest.mark.parametrize(("pitch", "seed"), [(-90.0, 0), (-90.0, 7), (-45.0, 0), (-45.0, 7)])
def test_the_error_is_halved(pitch: float, seed: int) -> None:
    flight = flown(seed, pitch)
    before = one_frame_error(flight, Mounting())
    found = align(flight.sightings, CAMERA)
    assert one_frame_error(flight, found.mounting) < before / 2
    assert found.after_m < found.before_m
    assert found.objects >= 4
    assert f"{found.objects} objects, seen {found.before_m:.1f} m apart" in str(found)


def test_it_is_as_sure_as_it_says() -> None:
    """Each angle and the height against their own standard deviations, over flights."""
    off = []
    for seed in range(4):
        flight = flown(20 + seed, -60.0, objects=25, headings=ACROSS)
        found = align(flight.sightings, CAMERA)
        for name, sigma in zip(("yaw_deg", "pitch_deg", "roll_deg"), found.sigma_deg, strict=True):
            off.append((getattr(found.mounting, name) - getattr(flight.mounting, name)) / sigma)
        off.append((found.mounting.height_offset_m - flight.mounting.height_offset_m) / found.sigma_height_m)
    assert 0.4 < np.sqrt(np.mean(np.square(off))) < 1.6
    assert np.abs(off).max() < 4


def test_a_quarter_that_walks_is_left_out() -> None:
    flight = flown(1, -90.0, objects=40, walk_m_s=0.5, walkers=0.25)
    found = align(flight.sightings, CAMERA)
    assert found.moving >= 2
    assert one_frame_error(flight, found.mounting) < one_frame_error(flight, Mounting()) / 2


@pytest.mark.parametrize("pitch", [-90.0, -45.0])
@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"walk_m_s": 0.5}, "objects seem to move: expected most to stand still"),
        ({"walk_m_s": 0.5, "herd": True}, "the objects drift by 0.[45]|objects seem to move"),
        ({"walk_m_s": 0.2, "herd": True}, "the objects drift by 0.[12]|objects seem to move"),
        ({"headings": ONE_WAY}, "0 of [0-9]+ objects were seen on headings 60 degrees apart"),
    ],
)
def test_refused_with_a_word(pitch: float, more: dict[str, object], words: str) -> None:
    flight = flown(2, pitch, POOR, **more)
    with pytest.raises(InputError, match=words) as told:
        align(flight.sightings, CAMERA)
    assert "\n" not in str(told.value)


def test_too_few_objects_are_refused() -> None:
    flight = flown(2, -90.0, Errors(), objects=3)
    with pytest.raises(InputError, match="[0-3] of [0-3] objects were seen on headings"):
        align(flight.sightings, CAMERA)


def test_poses_that_cannot_be_worked_with_are_left_out() -> None:
    flight = flown(3, -60.0, Errors(mounting_deg=2.0), objects=15, headings=ACROSS)
    s = flight.sightings
    lost = replace(s.poses[0], yaw=math.nan)
    poses = [lost if i % 5 == 0 else pose for i, pose in enumerate(s.poses)]
    found = align(replace(s, poses=poses), CAMERA)
    assert found.mounting.pitch_deg == pytest.approx(flight.mounting.pitch_deg, abs=0.05)
    with pytest.raises(InputError, match="no sighting has a usable pose and pixel"):
        align(replace(s, poses=[lost] * len(poses)), CAMERA)
    level = Pose(47.0, 8.0, 50.0, 0.0, 0.0)
    with pytest.raises(InputError, match="no sighting is within 75 degrees of nadir"):
        align(replace(s, uv=np.full_like(s.uv, 300.0), poses=[level] * len(poses)), CAMERA)


def test_the_order_of_the_rows_does_not_matter() -> None:
    s = flown(4, -60.0, objects=15, headings=ACROSS).sightings
    order = np.random.default_rng(0).permutation(len(s.t))
    other = Sightings(s.objects[order] * 7 + 3, s.uv[order], s.t[order], [s.poses[i] for i in order])
    assert align(other, CAMERA).mounting.pitch_deg == pytest.approx(align(s, CAMERA).mounting.pitch_deg, abs=0.02)


def test_rows_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="2 objects, uv"):
        Sightings(np.array([1, 2]), np.zeros((1, 2)), np.zeros(2), [])
