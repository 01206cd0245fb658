"""The step of the main path that gives detections their positions, and what it says of those without."""

from __future__ import annotations

import logging
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.data import Detections, Frame, Pose
from edge.errors import InputError
from edge.geo import CameraModel, Mounting, locate, located_of
from edge.geo.lens import LensSpec
from edge.geo.placing import NO_LENS, Placing, PlacingSettings
from edge.geo.positions import NO_POSE
from edge.seams import Camera

POSE = Pose(47.0, 8.0, 60.0, 90.0, -90.0, sigma_position_m=1.0, sigma_height_m=1.0, sigma_attitude_deg=1.0)
LENS = LensSpec.parse("focal=9,pitch=12")
MODEL = CameraModel.from_lens(640, 512, 9.0, 12.0)


class Source(Camera):
    def __init__(
        self,
        intrinsics: tuple[float, float, float, float] | None = None,
        crop: tuple[int, int, int, int] | None = None,
    ) -> None:
        self.intrinsics, self.crop = intrinsics, crop

    def read(self) -> None:
        return None


def frame(pose: Pose | None = POSE, width: int = 640) -> Frame:
    return Frame(np.zeros((512, width), np.uint8), 0, 0.0, pose=pose)


def found(n: int = 2) -> Detections:
    boxes = np.array([[300, 200, 340, 260], [10, 20, 30, 40]], np.float32)[:n]
    return Detections(boxes, np.ones(n, np.float32), np.zeros(n, np.int32), 640, 512)


# ---- settings ----


def test_the_texts_of_the_options(tmp_path: Path) -> None:
    assert PlacingSettings.parse() == PlacingSettings(None, 0.0, Mounting())
    said = PlacingSettings.parse("focal=9,pitch=12", "-2.5", " yaw_offset_deg = 3 ,height_offset_m=-2,pitch_deg=-90")
    assert said.lens == LENS
    assert said.ground == -2.5
    assert said.mounting == Mounting(yaw_offset_deg=3, height_offset_m=-2, pitch_deg=-90)
    tile = np.full((1201, 1201), 321, ">i2")
    tile.tofile(tmp_path / "N47E008.hgt")
    ground = PlacingSettings.parse(ground=str(tmp_path / "N47E008.hgt")).ground
    assert not isinstance(ground, float)
    report = Placing(Source(), PlacingSettings(LENS, ground)).report()
    assert report["ground"] == str(ground)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"lens": "focal=9"}, "lens 'focal=9': expected"),
        ({"ground": "nan"}, "ground 'nan': expected metres above the ground below the camera, or a file .hgt or .tif"),
        ({"ground": "inf"}, "ground 'inf': expected metres"),
        ({"ground": "no.tif"}, "no.tif"),
        ({"mounting": ""}, "mounting '': ''; expected yaw_deg=, pitch_deg=, roll_deg=, yaw_offset_deg=, height_offset"),
        ({"mounting": "yaw=3"}, "mounting 'yaw=3': 'yaw=3'; expected yaw_deg="),
        ({"mounting": "yaw_deg=3,yaw_deg=3"}, "'yaw_deg=3'; expected yaw_deg=, pitch_deg=, roll_deg="),
        ({"mounting": "yaw_deg=left"}, "yaw_deg='left'; expected a number"),
        ({"mounting": "yaw_deg"}, "yaw_deg=''; expected a number"),
        ({"mounting": "yaw_deg=nan"}, "mounting: yaw_deg is nan: expected a finite number"),
    ],
)
def test_what_is_refused(given: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        PlacingSettings.parse(**given)


# ---- detections ----


def test_positions_are_those_of_the_lens_the_ground_and_the_mounting() -> None:
    mounting = Mounting(yaw_offset_deg=10, height_offset_m=5)
    placing = Placing(Source(), PlacingSettings(LENS, 2.0, mounting))
    given = found()
    placed = placing(given, frame())
    expected = located_of(given, frame(), MODEL, 2.0, mounting)
    assert placed.positions is not None
    assert np.isfinite(placed.positions).all()
    assert np.array_equal(placed.positions, expected.positions)
    assert placed.position_covariances is not None
    assert np.array_equal(placed.position_covariances, expected.covariance)
    assert placed.position_factors is not None
    assert np.array_equal(placed.position_factors, expected.factors)
    assert np.array_equal(placed.boxes, given.boxes)
    assert placing.report() == {
        "placed": 2,
        "refused": {},
        "camera": str(LENS.model(640, 512, None)),
        "intrinsics": [750.0, 750.0, 320.0, 256.0],
        "ground": "level, 2 m above that below the camera",
        "assumed": sorted(expected.assumed),
    }


def test_what_has_no_position_is_counted_with_the_reason() -> None:
    placing = Placing(Source(), PlacingSettings(LENS))
    given = found()
    assert placing(given, frame(None)) is given
    assert placing(found(0), frame(None)).positions is None
    assert placing(given, frame(None)) is given
    far = placing(given, frame(Pose(47.0, 8.0, 60.0, 90.0, 0.0)))  # to the horizon and above
    assert far.positions is not None
    assert np.isnan(far.positions).all()
    placing(found(1), frame())
    report = placing.report()
    assert report["placed"] == 1
    refused = report["refused"]
    assert next(iter(refused)) == NO_POSE
    assert refused.pop(NO_POSE) == 4
    assert sum(refused.values()) == 2


def test_a_lens_without_poses_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    given = PlacingSettings.parse(lens="hfov=45")
    bare = replace(frame(), pose=None)
    for settings, lines in ((given, 1), (PlacingSettings(), 0)):
        placing = Placing(Source(), settings)
        caplog.clear()
        for _ in range(3):
            assert placing(found(), bare).positions is None
        assert [record.levelname for record in caplog.records] == ["WARNING"] * lines
    assert placing.report()["refused"] == {NO_POSE: 6}


def test_without_a_lens_nothing_is_guessed_and_that_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    placing = Placing(Source(), PlacingSettings())
    given = found()
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert placing(given, frame()) is given
            assert placing.footprint(frame()) is None
    assert [record.message for record in caplog.records] == [
        "frames have poses, but the lens is not known: give --lens: detections get no positions"
    ]
    assert placing.report()["refused"] == {NO_LENS: 6}
    assert placing.report()["camera"] is None


def test_the_source_s_own_lens_is_used_where_none_is_given_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    own = Source((700.0, 710.0, 300.0, 250.0))
    placing = Placing(own, PlacingSettings())
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            placing(found(), frame())
    assert placing.report()["intrinsics"] == [700.0, 710.0, 300.0, 250.0]
    assert sum("of the source" in record.message for record in caplog.records) == 1
    assert Placing(own, PlacingSettings(LENS)).model(frame()) == LENS.model(640, 512, None)


def test_the_lens_is_that_of_the_part_that_is_looked_at() -> None:
    placing = Placing(Source(crop=(100, 0, 320, 512)), PlacingSettings(LensSpec.parse("focal=9,pitch=12,size=640x512")))
    model = placing.model(frame(width=320))
    assert model is not None
    assert (model.width, model.cx) == (320, 220)
    with pytest.raises(InputError, match="add size=WIDTHxHEIGHT"):
        Placing(Source(crop=(100, 0, 320, 512)), PlacingSettings(LENS)).model(frame(width=320))


def test_a_lens_of_another_shape_is_refused_for_every_frame() -> None:
    placing = Placing(Source(), PlacingSettings(LensSpec.parse("hfov=45,size=640x512")))
    for _ in range(2):
        with pytest.raises(InputError, match="expected the same shape"):
            placing.model(frame(width=600))


# ---- footprint ----


def test_a_footprint_goes_round_the_picture_from_its_top_left() -> None:
    mounting = Mounting(height_offset_m=5)
    placing = Placing(Source(), PlacingSettings(LENS, 1.0, mounting))
    corners = placing.footprint(frame(Pose(47.0, 8.0, 60.0, 0.0, -90.0)))
    assert corners is not None
    assert corners.shape == (4, 2)
    west, east = sorted({round(lon, 6) for lon in corners[:, 1].tolist()})
    south, north = sorted({round(lat, 6) for lat in corners[:, 0].tolist()})
    assert [(round(lat, 6), round(lon, 6)) for lat, lon in corners.tolist()] == [
        (north, west),
        (north, east),
        (south, east),
        (south, west),
    ]
    height = 60 + 5 - 1
    assert (north - south) * 111_170 == pytest.approx(512 / 750 * height, abs=0.3)
    assert (east - west) * 111_320 * math.cos(math.radians(47)) == pytest.approx(640 / 750 * height, abs=0.3)


def test_there_is_none_without_a_pose_and_where_a_corner_sees_no_ground() -> None:
    placing = Placing(Source(), PlacingSettings(LENS))
    assert placing.footprint(frame(None)) is None
    oblique = Pose(47.0, 8.0, 60.0, 0.0, -20.0)
    assert np.isfinite(locate([(320, 500)], MODEL, oblique)).all()
    assert placing.footprint(frame(oblique)) is None
