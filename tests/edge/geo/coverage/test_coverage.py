"""The map of a flight: what counts, and the gaps, beside what was really flown."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.data import Pose, TemperatureScale
from edge.engine import open_engine
from edge.errors import InputError
from edge.geo.coverage import coverage as coverage_module
from edge.geo.coverage.coverage import (
    ASSUMED,
    FROZEN,
    NO_CONTRAST,
    NO_GROUND,
    NO_POSE,
    NO_ROOM,
    OVERFLOWED,
    POOR,
    SHUTTER,
    SPARED,
    TOO_HIGH,
    Coverage,
    hectares,
    reasons,
)
from edge.geo.coverage.gaps import MOST_SHAPES, REASONS, SEARCHED, Shape, parts_of
from edge.geo.coverage.grid import BEST, FRAMES, SECONDS
from edge.geo.coverage.search import Search
from edge.health.conditions import CONDITIONS
from edge.model.bundle import Bundle
from edge.model.recall import Pictures, RecallCurve
from edge.model.tiling import Tiling
from edge.thermal.contrast import clutter
from edge.thermal.normalise import NormaliseSpec
from tests.support.flown import HEIGHT, HOME, WIDTH, at, lines, result

LENS_W, LENS_H = 32.0, 24.0  # metres of the ground from 50 m
SEARCH = Search("Person", 5.0, 8.0, 3)  # 10 px from 50 m
RECALL = RecallCurve(np.array([0.0, 8.0, 20.0]), np.array([0.3, 0.8]), "made up")


def covered(poses, search: Search = SEARCH, recall: RecallCurve | None = None, **odd) -> Coverage:  # type: ignore[no-untyped-def]
    """``odd``: numbers of frames, and what is other in them."""
    coverage = Coverage(search, recall, (WIDTH, HEIGHT))
    for seq, (t, pose) in enumerate(poses):
        more = {name: value for name, (which, value) in odd.items() if seq in which}
        coverage.add(result(seq, t, pose, **more))
    coverage.look_through()
    return coverage


@pytest.mark.parametrize("home", [HOME, (-35.3, 149.1), (-17.0, 179.9999), (64.0, -180.0)])
def test_searched_ground_is_the_union_of_what_was_looked_at(home: tuple[float, float]) -> None:
    found = covered(lines([0, 25], home=home)).state.findings
    # the last place of a line is 2 m before its end; the first and the last 4 m are in one or two frames only
    assert found.searched_m2 == pytest.approx((25 + LENS_W) * (98 + LENS_H - 8), rel=0.03)
    assert found.seen_m2 == pytest.approx((25 + LENS_W) * (98 + LENS_H), rel=0.03)
    assert found.gaps == ()
    assert sum(shape.area_m2 for shape in found.covered) == found.searched_m2


@pytest.mark.parametrize("home", [HOME, (-35.3, 149.1), (-17.0, 179.9995), (64.0, -180.0)])
def test_a_line_that_was_left_out_is_a_gap_of_its_width(home: tuple[float, float]) -> None:
    coverage = covered(lines([0, 50, 75], home=home))
    (gap,) = coverage.state.findings.gaps
    cell = coverage.grid.cell_m
    length, width = 98 + LENS_H - 8, 50 - LENS_W
    assert gap.area_m2 == pytest.approx(length * width, abs=cell * 2 * (length + width))
    assert gap.reason == "not seen"
    east, north = np.array(coverage.local.metres([gap.centre]))[0] - coverage.local.metres([home])[0]  # type: ignore[union-attr]
    assert east == pytest.approx(25, abs=cell)
    assert north == pytest.approx(50, abs=10)
    assert max(abs(ring[:, 1]).max() for polygon in gap.polygons for ring in polygon) <= 180


def test_lines_that_are_too_far_apart_are_two_searches() -> None:
    found = covered(lines([0, 50 + 2 * LENS_W])).state.findings
    assert found.gaps == ()
    assert len(found.covered) == 2


def test_ground_that_was_flown_around_is_a_gap_however_wide() -> None:
    poses, t = [], 0.0
    for along in np.arange(0, 4 * 100, 2.0):
        side, way = divmod(along, 100)
        east, north = [(0, way), (way, 100), (100, 100 - way), (100 - way, 0)][int(side)]
        poses.append((t, Pose(*at(east, north), 50.0, 0.0, -90.0)))
        t += 0.2
    coverage = covered(poses)
    (gap,) = coverage.state.findings.gaps
    inner = (100 - LENS_W) * (100 - LENS_H)
    assert gap.area_m2 == pytest.approx(inner, abs=coverage.grid.cell_m * 4 * 76)
    assert len(coverage.state.findings.covered[0].polygons[0]) == 2  # it has a hole


SOME = range(16, 36)  # 40 m in the middle of the first line
MIDDLE = range(66, 86)  # of the second


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        ({"inferred": (MIDDLE, False), "flags": (MIDDLE, frozenset({"ffc"}))}, SHUTTER),
        ({"inferred": (MIDDLE, False)}, SPARED),
        ({"flags": (MIDDLE, frozenset({"frozen"}))}, FROZEN),
        ({"finite": (MIDDLE, False)}, OVERFLOWED),
    ],
)
def test_frames_in_which_nothing_could_be_found_leave_a_gap(odd: dict, why: str) -> None:  # type: ignore[type-arg]
    coverage = covered(lines([0, 25, 50]), **odd)
    (gap,) = coverage.state.findings.gaps
    # 42 m between the last frame before and the first after; the lines beside see 7 m of the width each
    unseen = (42 - LENS_H) * 18
    assert gap.reasons["not seen"] == pytest.approx(unseen, abs=coverage.grid.cell_m * 2 * 50)
    assert gap.reasons["too short"] == pytest.approx(8 * 18, abs=coverage.grid.cell_m * 2 * 50)
    assert coverage.state.others == ((why, 20),)
    assert coverage.report()["frames_not_counted"] == {why: 20}
    assert coverage.report()["frames"] == 130


def test_a_poor_picture_is_no_search() -> None:
    coverage = covered(lines([0]), warnings=(SOME, frozenset({"low_contrast", "overlay"})))
    (gap,) = coverage.state.findings.gaps
    assert gap.reason == "poor picture"
    # ground that only 2 good frames saw, or none
    assert gap.area_m2 == pytest.approx((42 - LENS_H + 8) * LENS_W, abs=coverage.grid.cell_m * 2 * 60)
    assert coverage.report()["frames_poor"] == 20
    assert covered(lines([0]), warnings=(SOME, frozenset({"overlay"}))).state.findings.gaps == ()
    assert set(CONDITIONS) > POOR


def test_from_too_high_everything_is_too_coarse() -> None:
    found = covered(lines([0, 25]), Search("Person", 3.9, 8.0, 3)).state.findings
    assert found.searched_m2 == 0
    assert [gap.reason for gap in found.gaps] == ["too coarse"]
    assert found.gap_m2 == pytest.approx(found.seen_m2, rel=0.02)
    assert covered(lines([0, 25]), Search("Person", 4.1, 8.0, 3)).state.findings.searched_m2 > 0


def test_in_tiles_it_is_seen_as_large_as_the_tiles_are() -> None:
    found = []
    for tiling in (None, Tiling(2, 1)):
        coverage = Coverage(Search("Person", 4.0, 8.0, 3), None, (WIDTH // 2, HEIGHT), tiling=tiling)
        for seq, (t, pose) in enumerate(lines([0, 25])):  # 8 px of the frame, 4 in the whole, 7.5 in a tile
            coverage.add(result(seq, t, pose))
        tile = next(iter(coverage.grid.tiles.values()))
        found.append(float(tile[BEST].max()))
    assert found[1] / found[0] == pytest.approx(2 * (1 - 1 / 16), rel=0.03)  # less the rounding of tiles


def test_too_fast_is_too_short() -> None:
    found = covered(lines([0, 25], speed=45.0)).state.findings  # 9 m a frame, 24 m high: two or three frames
    assert {"too short"} == {gap.reason for gap in found.gaps}
    assert found.gap_m2 > 0.2 * found.seen_m2
    two = covered(lines([0, 25], speed=45.0), Search("Person", 5.0, 8.0, 2)).state.findings
    assert two.gaps == ()  # 9 m at the ends of the lines, which one frame saw, are a rim
    assert two.seen_m2 - two.searched_m2 == pytest.approx(4 * 9 * 25, rel=0.05)


def test_frames_without_ground_are_counted_and_say_why() -> None:
    coverage = Coverage(SEARCH, None, (WIDTH, HEIGHT))
    coverage.add(result(0, 0.0, None))
    coverage.add(result(1, 0.1, Pose(*HOME, 50.0, 0.0, -20.0)))  # its top looks over the horizon
    coverage.look_through()
    report = coverage.report()
    assert report["frames_not_counted"] == {NO_POSE: 1, NO_GROUND: 1}
    assert (report["frames"], report["searched_m2"], report["gaps"], report["probability"]) == (0, 0, 0, None)
    json.dumps(report, allow_nan=False)


def test_what_has_no_room_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.geo.coverage.grid.MOST_TILES", 4)
    coverage = covered((t, Pose(*at(20_000.0 * t, 0), 50.0, 0.0, -90.0)) for t in range(4))
    refused = dict(coverage.state.others)[NO_ROOM]
    assert (0 < refused < 4, coverage.state.looks + refused) == (True, 4)


def test_dwell_is_the_time_between_frames_but_no_outage() -> None:
    coverage = Coverage(SEARCH, None, (WIDTH, HEIGHT))
    pose = Pose(*HOME, 50.0, 0.0, -90.0)
    for seq, t in enumerate([10.0, 10.5, 11.0, 15.0, 14.0]):  # an outage, and time that runs backwards
        coverage.add(result(seq, t, pose))
    tile = max(coverage.grid.tiles.values(), key=lambda one: float(one[FRAMES].sum()))
    assert (tile[FRAMES].max(), tile[SECONDS].max()) == (5, 1.0)


def test_the_probability_is_that_of_the_table() -> None:
    coverage = covered(lines([0, 20]), recall=RECALL)
    report = coverage.report()
    assert report["recall"] == "made up"
    least, median, part = report["probability"]
    assert (least, median, part) == (0.8, 0.8, 1.0)
    (part_of,) = parts_of(coverage.grid, SEARCH)
    twice = part_of.probability[part_of.states == SEARCHED]
    assert np.count_nonzero(twice > 0.95) * coverage.grid.cell_m**2 == pytest.approx(12 * 114, rel=0.08)
    assert twice.max() == pytest.approx(1 - 0.2 * 0.2)
    assert covered(lines([0])).report()["probability"] is None


def test_shapes_are_limited_and_those_left_out_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.geo.coverage.gaps.MOST_SHAPES", 1)
    found = covered(lines([0, 200, 400])).state.findings
    assert (len(found.covered), found.left_out) == (1, 2)
    assert found.searched_m2 > 2.9 * found.covered[0].area_m2
    assert MOST_SHAPES == 200


def test_reasons_add_up_and_areas_are_said_in_hectares() -> None:
    found = covered(lines([0, 50, 75]), inferred=(SOME, False)).state.findings
    assert sum(reasons(found).values()) == pytest.approx(found.gap_m2)
    assert set(reasons(found)) <= set(REASONS.values())
    assert [hectares(m2) for m2 in (32_000, 500, 499.6)] == ["3.2 ha", "0.1 ha", "500 m2"]
    assert Shape(1.0, (0.0, 0.0), (), {}).reason == ""


def test_an_oblique_flight_is_searched_where_it_looks() -> None:
    coverage = covered(lines([0], pitch=-60.0), Search("Person", 20.0, 8.0, 3))
    found = coverage.state.findings
    near, far = (
        50 * math.tan(math.radians(30 + a)) for a in (-math.degrees(math.atan(0.24)), math.degrees(math.atan(0.24)))
    )
    assert found.seen_m2 > 32 * (98 + far - near)
    norths = coverage.local.metres(found.covered[0].polygons[0][0])[:, 1] + 0  # type: ignore[union-attr]
    assert np.ptp(norths) == pytest.approx(98 + far - near - 8, abs=3)


def test_what_is_still_in_view_is_no_gap_yet() -> None:
    coverage, flight = (
        Coverage(SEARCH, None, (WIDTH, HEIGHT)),
        [result(i, t, pose) for i, (t, pose) in enumerate(lines([0]))],
    )
    for one in flight[:2]:
        coverage.add(one)
    assert coverage.look_through(ended=False).findings.gaps == ()
    assert [gap.reason for gap in coverage.look_through().findings.gaps] == ["too short"]
    coverage.add(result(3, 20.0, Pose(*at(500, 0), 50.0, 0.0, -90.0)))  # far away, and later: now it is one
    (gap,) = coverage.look_through(ended=False).findings.gaps
    assert gap.area_m2 == pytest.approx(LENS_W * (LENS_H + 2), rel=0.05)


def pictured(picture: np.ndarray, kelvin: float = 0.0, recall: RecallCurve | None = None, scale=None) -> dict:  # type: ignore[no-untyped-def, type-arg]
    """The report of one line with such a picture in all frames, of counts that are its grey + 1000."""
    coverage = Coverage(Search("Person", 5.0, 8.0, 3, kelvin), recall, (WIDTH, HEIGHT))
    for seq, (t, pose) in enumerate(lines([0], length=20)):
        one = result(seq, t, pose)
        frame = replace(one.frame, pixels=picture.astype(np.uint16) + 1000, temperature=scale)
        coverage.add(replace(one, frame=frame, picture=picture))
    coverage.look_through()
    return coverage.report()


def noise(spread: float) -> np.ndarray:
    return np.random.default_rng(3).normal(100, spread, (HEIGHT, WIDTH)).clip(0, 255).astype(np.uint8)


ROWS = np.array([[np.nan, np.nan], [0.4, 0.5], [0.8, 0.9]])
BY_CONTRAST = RecallCurve(
    np.array([0.0, 8.0, 20.0]),
    np.array([0.85, 0.95]),
    "made up",
    np.array([0.0, 2.0, 8.0]),
    ROWS,
    40.0,
    Pictures(1.0, (0.0, 9.0)),
)


def test_more_clutter_is_less_contrast_and_less_probable() -> None:
    found = [pictured(noise(spread), recall=BY_CONTRAST) for spread in (4, 20, 60)]
    contrasts = [report["contrast"] for report in found]
    assert contrasts == sorted(contrasts, reverse=True)
    assert contrasts[0] > 8 > contrasts[1] > 2
    for spread, report in zip((4, 20), found, strict=False):  # 10 px, anywhere in the picture
        here = 40 / clutter(noise(spread), 10.0)
        assert report["contrast"] == pytest.approx(np.median(here), abs=0.06)
        assert report["probability"][0] == pytest.approx(BY_CONTRAST.row(here)[1], abs=0.01)
    assert found[0]["assumed"] == f"{ASSUMED}; a body stands out by 40 grey levels, as the labelled ones did (median)"
    dull = pictured(noise(60), recall=replace(BY_CONTRAST, grey=4.0))
    assert (dull["contrast"] < 2, dull["probability"], dull["searched_m2"] > 0) == (True, None, True)


def test_kelvins_are_the_contrast_of_this_scene() -> None:
    """A grey level is a count of 0.1 K here: 4 K are the 40 grey levels of the table's objects."""
    usual = pictured(noise(4), recall=BY_CONTRAST)["contrast"]
    scale = TemperatureScale(0.1)
    by_kelvin = pictured(noise(4), 4.0, BY_CONTRAST, scale)
    assert by_kelvin["contrast"] == pytest.approx(usual, rel=0.02)
    assert by_kelvin["assumed"] == f"{ASSUMED}; a body is 4 K warmer than the ground"
    half = pictured(noise(4), 2.0, BY_CONTRAST, scale)
    assert half["contrast"] == pytest.approx(usual / 2, rel=0.02)
    unscaled = pictured(noise(4), 2.0, BY_CONTRAST)
    assert unscaled["contrast"] == usual
    assert "in 10 frames whose kelvins are not known a body stands out by 40" in unscaled["assumed"]


def test_a_table_without_contrast_says_so() -> None:
    report = pictured(noise(4), recall=RECALL)
    assert (report["contrast"], report["assumed"]) == (None, f"{ASSUMED}; {TOO_HIGH}; {NO_CONTRAST}")
    assert pictured(noise(4))["assumed"] == ASSUMED


def test_of_pictures_unlike_the_labelled_ones_no_probability_is_said() -> None:
    """The ground counts as searched all the same."""
    calm = pictured(noise(4), recall=replace(BY_CONTRAST, pictures=Pictures(60.0, (0.0, 9.0))))
    assert (calm["probability"], calm["contrast"], calm["searched_m2"] > 0) == (None, None, True)
    assert calm["frames_unlike"] == {"flatter than nearly all labelled frames": 10}
    said = "10 frames of which nothing is said: flatter than nearly all labelled frames"
    assert calm["assumed"] == f"{ASSUMED}; {said}"
    usual = pictured(noise(20), recall=replace(BY_CONTRAST, pictures=Pictures(60.0, (0.0, 9.0))))
    assert (usual["frames_unlike"], usual["probability"] is None) == ({}, False)
    before = pictured(noise(4), recall=replace(BY_CONTRAST, pictures=None))
    assert f"{ASSUMED}; {TOO_HIGH}; a body stands out" in before["assumed"]


def test_the_recall_is_that_at_the_score_of_the_class(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float]] = []
    monkeypatch.setattr(coverage_module, "read_recall", lambda _, name, score: asked.append((name, score)))
    with open_engine(Bundle.load(tiny_bundle), "ort") as engine:
        engine.bundle = replace(engine.bundle, classes=("Car", "Deer"), score_thresholds={"Deer": 0.2})
        for name in ("Car", "Deer"):
            Coverage.of(Search(name), engine, engine.bundle.thresholds, False)
    assert asked == [("Car", 0.5), ("Deer", 0.2)]


def test_engine_null_has_no_contrast_and_a_curved_picture_no_kelvins(tiny_bundle: Path) -> None:
    with open_engine(Bundle.load(tiny_bundle), "null") as engine:
        assert Coverage.of(Search(kelvin=2.0), engine, 0.5, False).recall is None
        engine.bundle = replace(engine.bundle, normalise_16bit=NormaliseSpec.parse("clahe"))
        with pytest.raises(InputError, match="kelvin=2: the model normalises by clahe, .*: leave kelvin= out"):
            Coverage.of(Search(kelvin=2.0), engine, 0.5, False)


def test_stills_that_do_not_say_when_are_one_pass() -> None:
    """Read slowly, one in 10 s, they would else be as many passes, each with its probability."""
    chances = []
    for stills in (True, False):
        coverage = Coverage(Search("Person", 5.0, 8.0, 1), RECALL, (WIDTH, HEIGHT), stills)
        for seq in range(3):
            coverage.add(result(seq, 10.0 * seq, Pose(*HOME, 50.0, 0.0, -90.0)))
        coverage.look_through()
        chances.append(coverage.report()["probability"][0])
    assert chances == [0.8, pytest.approx(1 - 0.2**3, abs=1e-3)]
