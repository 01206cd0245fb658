"""coverage.geojson and coverage.png: written while it flies, whole, and what they show."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import SinkError
from edge.geo.coverage.coverage import Coverage
from edge.geo.coverage.search import Search
from edge.model.recall import RecallCurve
from edge.sinks.coverage.geojson import coverage_geojson
from edge.sinks.coverage.picture import GAP, INK, LEGEND_PX, MARGIN_PX, PAPER, SIDE_PX, UNKNOWN, draw_coverage
from edge.sinks.coverage.sink import EVERY_S, FILE, PICTURE, CoverageSink, spec_of
from edge.sinks.spec import SinkContext
from tests.support.flown import HEIGHT, WIDTH, lines, result

RECALL = RecallCurve(np.array([0.0, 8.0, 20.0]), np.array([0.3, 0.8]), "made up")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def coverage(recall: RecallCurve | None = None) -> Coverage:
    return Coverage(Search("Person", 5.0, 8.0, 3), recall, (WIDTH, HEIGHT))


def flown(home: tuple[float, float] = (51.5, -0.25), recall: RecallCurve | None = None) -> Coverage:
    """Two lines of 60 m, 50 m apart: 18 m between them were not seen."""
    found = coverage(recall)
    for seq, (t, pose) in enumerate(lines([0, 50], length=60, home=home)):
        found.add(result(seq, t, pose))
    found.look_through()
    return found


def ring_area(ring: list[list[float]]) -> float:
    points = np.array(ring)
    x, y = points[:, 0], points[:, 1]
    return float(x[:-1] @ y[1:] - x[1:] @ y[:-1]) / 2


@pytest.mark.parametrize("home", [(51.5, -0.25), (-17.0, 179.9997)])
def test_polygons_as_rfc_7946_says(home: tuple[float, float]) -> None:
    state = flown(home).state
    whole = json.loads(coverage_geojson(state.findings, "for persons", "much"))
    assert (whole["type"], whole["search"], whole["left_out"]) == ("FeatureCollection", "for persons", 0)
    assert (whole["contrast"], whole["assumed"]) == (None, "much")
    features = whole["features"]
    assert [feature["id"] for feature in features] == ["gap-1", "searched-1", "searched-2"]
    for feature in features:
        shapes = feature["geometry"]["coordinates"]
        for polygon in shapes if feature["geometry"]["type"] == "MultiPolygon" else [shapes]:
            for i, ring in enumerate(polygon):
                assert ring[0] == ring[-1]
                assert len(ring) >= 5
                assert (ring_area(ring) > 0) == (i == 0)  # the outer one against the clock
                assert np.ptp(np.array(ring)[:, 0]) < 1
    gap, *searched = (feature["properties"] for feature in features)
    assert gap["title"] == f"Gap 1: not seen, {gap['area_m2']:.0f} m2"
    assert gap["reasons_m2"] == {"not seen": gap["area_m2"]}
    assert sum(one["area_m2"] for one in searched) == pytest.approx(whole["searched_m2"], abs=0.2)
    assert {one["probability_median"] for one in searched} == {None}


def test_a_probability_is_said_where_there_is_one() -> None:
    whole = json.loads(coverage_geojson(flown(recall=RECALL).state.findings, "", ""))
    said = whole["features"][-1]["properties"]
    assert (said["probability_least"], said["probability_median"], said["probability_part"]) == (0.8, 0.8, 1.0)
    assert said["description"] == "probability of detection 0.80 (median), 0.80 (least), of 100 % of it"


def test_the_picture_shows_where_the_gap_is() -> None:
    found = flown()
    picture = draw_coverage(found, found.state.findings)
    assert picture is not None
    assert max(picture.shape[1], picture.shape[0] - LEGEND_PX) == SIDE_PX
    inside = picture.shape[1] - 2 * MARGIN_PX
    row = picture[MARGIN_PX + 300, MARGIN_PX : MARGIN_PX + inside]
    green = np.flatnonzero((row == UNKNOWN).all(axis=1))
    scale = inside / 82  # 50 m and a picture
    bare = np.flatnonzero(np.diff(green) > scale)
    assert len(bare) == 1
    assert green[bare[0]] == pytest.approx(32 * scale, abs=scale)
    assert green[bare[0] + 1] == pytest.approx(50 * scale, abs=scale)
    between = picture[MARGIN_PX + 200 : MARGIN_PX + 400, MARGIN_PX + round(34 * scale) : MARGIN_PX + round(48 * scale)]
    kinds = {tuple(pixel) for pixel in between.reshape(-1, 3).tolist()}
    assert {GAP, PAPER} <= kinds
    assert (picture[-12] == INK).all(axis=1).any()


def test_the_legend_names_the_colour_of_ground_without_a_probability() -> None:
    found = flown(recall=RECALL)
    picture = draw_coverage(found, found.state.findings)
    assert picture is not None
    assert (picture[-LEGEND_PX:] == UNKNOWN).all(axis=2).any()
    assert not (picture[:-LEGEND_PX] == UNKNOWN).all(axis=2).any()  # here all of it has one


def test_of_nothing_there_is_no_file(tmp_path: Path) -> None:
    with CoverageSink(tmp_path / FILE, coverage()) as sink:
        sink.write(result(0, 0.0, None))
    assert list(tmp_path.iterdir()) == []
    assert draw_coverage(coverage(), coverage().state.findings) is None


def test_it_is_written_while_it_flies(tmp_path: Path) -> None:
    clock, found = Clock(), coverage()
    sink = CoverageSink(tmp_path / FILE, found, clock)
    flight = [result(seq, t, pose) for seq, (t, pose) in enumerate(lines([0], length=40))]
    for one in flight[:10]:
        sink.write(one)
    assert not (tmp_path / FILE).exists()
    assert found.state.looks == 0
    clock.now += EVERY_S
    sink.write(flight[10])
    first = json.loads((tmp_path / FILE).read_text())
    assert first["searched_m2"] > 0
    assert found.state.looks == 11
    clock.now += EVERY_S - 0.1
    sink.write(flight[11])
    assert json.loads((tmp_path / FILE).read_text()) == first
    clock.now += 0.1
    sink.idle()
    assert json.loads((tmp_path / FILE).read_text())["searched_m2"] > first["searched_m2"]
    (tmp_path / FILE).unlink()
    clock.now += EVERY_S
    sink.idle()  # nothing new
    assert list(tmp_path.iterdir()) == []
    sink.close()
    assert {path.name for path in tmp_path.iterdir()} == {FILE, PICTURE}
    assert cv2.imread(str(tmp_path / PICTURE)) is not None
    (tmp_path / FILE).unlink()
    sink.close()
    assert not (tmp_path / FILE).exists()


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    spec = spec_of(coverage())
    assert (spec.name, spec.file, spec.beside, spec.lossless, spec.essential) == (
        "coverage",
        FILE,
        (PICTURE,),
        None,
        False,
    )
    sink = spec.make(SinkContext(tmp_path / "no" / FILE, ("Person",)))
    sink.write(result(0, 0.0, next(lines([0]))[1]))
    with pytest.raises(SinkError, match="cannot write .*/no/coverage.geojson: .*: free some space"):
        sink.close()
