"""The step of the main path that gives detections their positions, and what it says of those without."""

from __future__ import annotations

import json
import logging
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.commands.main import main
from edge.data import Detections, Frame, Pose
from edge.errors import InputError
from edge.geo import CameraModel, Mounting, locate, located_of
from edge.geo.lens import LensSpec
from edge.geo.placing import NO_LENS, OTHER_SHAPE, Placing, PlacingSettings
from edge.geo.positions import NO_POSE
from edge.seams import Camera
from tests.edge.pose.test_exif import gps, jpeg

POSE = Pose(47.0, 8.0, 60.0, 90.0, -90.0, sigma_position_m=1.0, sigma_height_m=1.0, sigma_attitude_deg=1.0)
LENS = LensSpec.parse("focal=9,pitch=12")
MODEL = CameraModel.from_lens(640, 512, 9.0, 12.0)


class Source(Camera):
    def __init__(
        self,
        intrinsics: tuple[float, float, float, float] | None = None,
        crop: tuple[int, int, int, int] | None = None,
        whole: tuple[int, int] | None = None,
    ) -> None:
        self.intrinsics, self.crop, self.whole = intrinsics, crop, whole

    def read(self) -> None:
        return None


def frame(pose: Pose | None = POSE, width: int = 640, height: int = 512) -> Frame:
    return Frame(np.zeros((height, width), np.uint8), 0, 0.0, pose=pose)


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
        "mounting": str(mounting),
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


def test_where_the_whole_picture_is_known_the_lens_needs_no_size_and_a_wrong_one_is_refused() -> None:
    source = Source(crop=(100, 0, 320, 512), whole=(640, 512))
    for lens in ("focal=9,pitch=12", "focal=9,pitch=12,size=640x512"):
        assert Placing(source, PlacingSettings.parse(lens)).model(frame(width=320)) == replace(
            MODEL.cropped((100, 0, 320, 512)), name=f"lens {lens}"
        )
    wrong = Placing(source, PlacingSettings.parse("focal=9,pitch=12,size=720x512"))
    with pytest.raises(InputError, match="is of a picture of 720x512, the frames are 640x512: expected the same shape"):
        wrong.model(frame(width=320))
    double = Placing(source, PlacingSettings.parse("focal=9,pitch=6,size=1280x1024")).model(frame(width=320))
    assert double is not None
    assert (double.fx, double.cx, double.width) == (750, 220, 320)


@pytest.mark.parametrize("own", [None, (750.0, 750.0, 320.0, 256.0)])
def test_frames_that_change_their_size_do_not_change_the_lens(
    own: tuple[float, float, float, float] | None, caplog: pytest.LogCaptureFixture
) -> None:
    placing = Placing(Source(own), PlacingSettings(None if own else LENS))
    assert placing(found(), frame()).positions is not None
    smaller = placing.model(frame(width=320, height=256))  # the same picture: not a part of it
    assert smaller is not None
    assert (smaller.fx, smaller.cx, smaller.cy) == (375, 160, 128)
    boxes = Detections(found().boxes, found().scores, found().labels, 600, 512)
    for _ in range(3):
        assert placing(boxes, frame(width=600)) is boxes
        assert placing.model(frame(width=320, height=256)) == smaller
    assert placing.model(frame()) == placing._first
    report = placing.report()
    assert report["refused"] == {OTHER_SHAPE: 2 * 3}
    assert report["intrinsics"] == [750, 750, 320, 256]
    assert caplog.messages == [
        "position: frame 0 is 320x256, the lens is of 640x512: it is scaled",
        "position: frame 0 is 600x512, the lens is of 640x512: detections get no positions while that is so",
    ]


# ---- footprint ----


def test_a_footprint_goes_round_the_picture_from_its_top_left() -> None:
    mounting = Mounting(height_offset_m=5)
    placing = Placing(Source(), PlacingSettings(LENS, 1.0, mounting))
    found = placing.footprint(frame(Pose(47.0, 8.0, 60.0, 0.0, -90.0)))
    assert found is not None
    corners = found.corners
    assert found.part == (0, 0, 640, 512)
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


def test_there_is_none_without_a_pose_and_where_too_little_of_the_picture_is_near_enough() -> None:
    placing = Placing(Source(), PlacingSettings(LENS))
    assert placing.footprint(frame(None)) is None
    oblique = Pose(47.0, 8.0, 60.0, 0.0, -20.0)
    assert np.isfinite(locate([(320, 500)], MODEL, oblique)).all()
    found = placing.footprint(frame(oblique))
    assert found is not None
    assert found.part[1] > 0
    assert np.isfinite(found.corners).all()
    assert placing.footprint(frame(Pose(47.0, 8.0, 60.0, 0.0, 1.0))) is None  # only its lowest rows


# ---- with edge run ----


def test_a_wrong_size_beside_a_crop_ends_the_run_before_it_misleads(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "run",
        "--source",
        "sim:width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames=2,live=0?crop=8,8,64,48",
        "--model",
        str(tiny_bundle),
    ]
    assert main([*words, "--out", str(tmp_path), "--lens", "hfov=45,size=90x64"]) == 2
    assert "is of a picture of 90x64, the frames are 80x64: expected the same shape" in capsys.readouterr().err
    assert main([*words, "--out", str(tmp_path), "--lens", "hfov=45", "--quiet"]) == 0


def test_a_ground_model_gives_stills_without_another_height_theirs(tiny_bundle: Path, tmp_path: Path) -> None:
    np.full((1201, 1201), 400, ">i2").tofile(tmp_path / "S48W009.hgt")
    (tmp_path / "stills").mkdir()
    (tmp_path / "stills/a.jpg").write_bytes(jpeg(b"Exif\0\0" + gps(south=True)))
    words = ["run", "--source", str(tmp_path / "stills"), "--model", str(tiny_bundle), "--quiet"]
    more = ["--pose", "exif?camera=0,-90,0", "--ground", str(tmp_path / "S48W009.hgt"), "--lens", "hfov=45"]
    assert main([*words, *more, "--out", str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["pose"]["heights"] == {"altitude less ground model": 1}
    assert any("less S48W009.hgt" in line for line in report["pose"]["assumed"])
