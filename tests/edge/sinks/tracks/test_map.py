"""map.png, by its pixels: where things lie."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.data import Pose
from edge.errors import SinkError
from edge.geo.wgs84 import metres_a_degree
from edge.measure.track_lines import GroundPosition
from edge.sinks.colours import ON_PAPER, on_paper_bgr
from edge.sinks.tracks import map as map_module
from edge.sinks.tracks.map import LEGEND_PX, MARGIN_PX, PAPER, SEEN, SIDE_PX, WAY, MapSink, draw_map
from tests.support.track_lines import line, tracked

LATITUDE, LONGITUDE = 51.5, -0.25
A_LATITUDE, A_LONGITUDE = metres_a_degree(LATITUDE)
INSIDE = SIDE_PX - 2 * MARGIN_PX


def at(east: float, north: float, longitude: float = LONGITUDE) -> tuple[float, float]:
    return LATITUDE + north / A_LATITUDE, (longitude + east / A_LONGITUDE + 180) % 360 - 180


def square(west: float, south: float, side: float) -> np.ndarray:
    return np.array(
        [
            at(west, south + side),
            at(west + side, south + side),
            at(west + side, south),
            at(west, south),
        ]
    )


def track(number: int, east: float, north: float, sigma: float, label: int = 0, longitude: float = LONGITUDE):  # type: ignore[no-untyped-def]
    return line(number, label=label, position=GroundPosition(*at(east, north, longitude), sigma))


def colour_at(picture: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    """The colour of the map that a pixel is of: lines are drawn smooth."""
    pixel = picture[round(y), round(x)].astype(int)
    return min(
        (PAPER, SEEN, WAY, *map(on_paper_bgr, range(len(ON_PAPER)))),
        key=lambda colour: int(np.abs(pixel - colour).sum()),
    )


def test_north_is_up_east_is_right_and_everything_is_inside() -> None:
    picture = draw_map([track(1, 25, 75, 10.0), track(2, 75, 50, 1.0, label=1)], [square(0, 0, 100)], [], ("a", "b"))
    assert picture is not None
    assert picture.shape == (SIDE_PX + LEGEND_PX, SIDE_PX, 3)
    scale = INSIDE / 100  # px a metre
    x, y = MARGIN_PX + 25 * scale, MARGIN_PX + 25 * scale
    assert colour_at(picture, x, y) == on_paper_bgr(0)
    assert colour_at(picture, MARGIN_PX + 75 * scale, MARGIN_PX + 50 * scale) == on_paper_bgr(1)
    for dx, dy in ((-1, 0), (0, -1), (0, 1)):  # the circle of its error, 10 m; to the right stands its number
        assert colour_at(picture, x + dx * 10 * scale, y + dy * 10 * scale) == on_paper_bgr(0)
        assert colour_at(picture, x + dx * 9 * scale, y + dy * 9 * scale) == SEEN
    corners = [(MARGIN_PX, MARGIN_PX), (MARGIN_PX + INSIDE, MARGIN_PX), (MARGIN_PX + INSIDE, MARGIN_PX + INSIDE)]
    for corner in corners:
        assert colour_at(picture, *corner) == SEEN
    for corner in ((MARGIN_PX - 2, MARGIN_PX + 300), (MARGIN_PX + INSIDE + 2, 300), (300, MARGIN_PX - 2)):
        assert colour_at(picture, *corner) == PAPER


def test_a_long_way_makes_a_flat_picture() -> None:
    picture = draw_map([], [], [at(0, 0), at(200, 0), at(200, 50)], ())
    assert picture is not None
    scale = INSIDE / 200
    assert picture.shape == (round(50 * scale) + 2 * MARGIN_PX + LEGEND_PX, SIDE_PX, 3)
    bottom, right = MARGIN_PX + 50 * scale, MARGIN_PX + INSIDE
    assert colour_at(picture, MARGIN_PX + INSIDE / 2, bottom) == WAY
    assert colour_at(picture, right, MARGIN_PX + 10) == WAY
    assert colour_at(picture, MARGIN_PX + INSIDE / 2, MARGIN_PX + 10) == PAPER


def test_across_the_date_line_it_is_no_wider() -> None:
    there, here = (
        draw_map([track(1, -20, 0, 3.0, 0, east), track(2, 20, 10, 3.0, 0, east)], [], [], ("a",))
        for east in (180.0, LONGITUDE)
    )
    assert there is not None
    assert here is not None
    assert np.array_equal(there, here)


def test_one_place_is_a_map_too_and_none_is_none() -> None:
    picture = draw_map([track(1, 0, 0, 0.0)], [], [], ("a",))
    assert picture is not None
    assert colour_at(picture, MARGIN_PX, MARGIN_PX) == on_paper_bgr(0)
    assert draw_map([line(1, position=None)], [], [], ("a",)) is None
    assert draw_map([], [], [], ()) is None


def test_the_scale_is_as_long_as_it_says() -> None:
    picture = draw_map([], [], [at(0, 0), at(200, 0), at(200, 50)], ())
    assert picture is not None
    row = picture[-12]
    dark = np.flatnonzero((row < 60).all(axis=1))
    length = round(50 * INSIDE / 200)  # 50 m: the longest that is a quarter of the picture at most
    assert dark[dark < MARGIN_PX + length + 4].min() == pytest.approx(MARGIN_PX, abs=1)
    assert dark[dark < MARGIN_PX + length + 4].max() == pytest.approx(MARGIN_PX + length, abs=1)


def test_the_sink_draws_at_the_end_what_it_was_told(tmp_path: Path) -> None:
    path = tmp_path / "map.png"
    with MapSink(path, ("Person",)) as sink:
        for seq in range(4):
            result = tracked(seq, seq / 10, [1, 2], ended=(2,) if seq == 3 else ())
            where = at(10.0 * seq, 0)
            frame = replace(result.frame, pose=Pose(*where, 50.0, 0.0, -90.0))
            sink.write(replace(result, frame=frame, footprint=square(10.0 * seq, 0, 50)))
        assert not path.exists()
        unknown = replace(tracked(9, 9.0, []).frame, pose=Pose(math.nan, -0.25, 50.0, 0.0, -90.0))
        sink.write(replace(tracked(9, 9.0, []), frame=unknown))
    seen = [square(0, 0, 50), square(20, 0, 50)]  # of 0.1 s apart every second
    places = [
        line(1, position=GroundPosition(51.501, -0.25, 4.0)),
        line(2, position=GroundPosition(51.502, -0.25, 4.0)),
    ]
    expected = draw_map(places, seen, [at(0, 0), at(20, 0)], ("Person",))
    assert expected is not None
    assert np.array_equal(cv2.imread(str(path)), expected)
    path.unlink()
    sink.close()
    assert not path.exists()


def test_without_places_there_is_no_file_and_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with MapSink(tmp_path / "map.png", ("Person",)) as sink:
        sink.write(tracked(0, 0.0, [1], where=False))
    assert list(tmp_path.iterdir()) == []
    sink = MapSink(tmp_path / "no" / "map.png", ("Person",))
    sink.write(tracked(0, 0.0, [1]))
    with pytest.raises(SinkError, match="cannot write .*/no/map.png"):
        sink.close()


def test_what_a_map_keeps_has_an_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_module, "MOST_SEEN", 30)
    monkeypatch.setattr(map_module, "MOST_TRACKS", 5)
    with MapSink(tmp_path / "map.png", ("a",)) as sink:
        for k in range(200):
            flown = tracked(k, k * 0.2, [k + 1], ended=(k,))
            frame = replace(flown.frame, pose=Pose(*at(k, 0), 50.0, 0.0, -90.0))
            sink.write(replace(flown, frame=frame, footprint=square(k, 0, 20)))
        assert 15 <= len(sink._seen.at) <= 30
        assert 15 <= len(sink._way.at) <= 30
        assert sink._way.at[-1] > 30
        assert len(sink._lines) == 5
    assert caplog.messages == ["map.png: 195 tracks more are not drawn"]
