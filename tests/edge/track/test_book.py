"""What is kept of a track: its frames, its best looks, its places."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest

from edge.data import Detections, Frame, Result
from edge.geo import track_position
from edge.measure.track_lines import GroundPosition
from edge.track import book as book_module
from edge.track.book import Book, Places, View, line_of
from tests.support.track_lines import place, tracked

UTC = datetime(2026, 5, 1, 4, 30, 0, 250_000, timezone.utc)


def result(
    seq: int,
    found: list[tuple[int, float, int, tuple[float, float, float, float]]],
    *,
    t_source: float | None = None,
    eight: bool = False,
    ended: tuple[int, ...] = (),
    **more: Any,
) -> Result:
    """``found``: track, score, label, box of each, in a frame of 160 x 120 px whose pixels say where they are."""
    n = len(found)
    grid = np.arange(120 * 160).reshape(120, 160)
    pixels = (grid % 251).astype(np.uint8) if eight else grid.astype(np.uint16)
    detections = Detections(
        np.array([box for *_, box in found], np.float32).reshape(n, 4),
        np.array([score for _, score, *_ in found], np.float32),
        np.array([label for _, _, label, _ in found], np.int32),
        160,
        120,
        track_ids=np.array([track for track, *_ in found], np.int32),
        **more,
    )
    frame = Frame(pixels, seq, 100 + seq / 10, utc=UTC, origin=seq / 10)
    return Result(
        frame=frame,
        detections=detections,
        t_result=0.0,
        picture=(grid % 256).astype(np.uint8),
        t_source=seq / 10 if t_source is None else t_source,
        ended_tracks=ended,
    )


BOX = (40.0, 30.0, 60.0, 40.0)


def looks(*scores_at: tuple[float, float]) -> list[tuple[float, float]]:
    """Score and time of the views that are kept of these."""
    book = Book()
    for seq, (t, score) in enumerate(scores_at):
        book.add(result(seq, [(1, score, 0, BOX)], t_source=t))
    (track,) = book.end()
    return [(round(view.score, 2), view.t) for view in track.views]


def test_a_line_says_all_of_a_track() -> None:
    book = Book()
    celsius = np.array([[10.004, 12.5, 14.126]], np.float32)
    assert book.add(result(3, [(7, 0.5, 1, BOX)])) == []
    assert book.add(result(4, [(7, 0.87654, 0, (41.126, 30, 60, 40))], celsius=celsius)) == []
    assert book.add(result(6, [(-1, 0.9, 0, BOX), (0, 0.9, 0, BOX)])) == []
    (track,) = book.add(result(9, [], ended=(5, 7)))
    assert book.open() == []
    line = line_of(track, ("Person", "Car"), ["crops/a.png"])
    assert line.track == 7
    assert (line.first_seq, line.last_seq, line.best_seq, line.frames) == (3, 4, 4, 2)
    assert (line.first_t, line.last_t) == (100.3, 100.4)
    assert line.first_utc == line.last_utc == "2026-05-01T04:30:00.250+00:00"
    assert (line.label, line.name, line.score) == (0, "Person", 0.8765)
    assert (line.box, line.origin) == ((41.13, 30.0, 60.0, 40.0), 0.4)
    assert line.celsius == (10.0, 12.5, 14.13)
    assert line.position is None
    assert line.crops == ["crops/a.png"]
    assert (track.began, track.ended) == (0.3, 0.4)


def test_a_track_is_over_in_the_frame_that_says_so_and_the_others_at_the_end() -> None:
    book = Book()
    book.add(tracked(0, 0.0, [9, 2, 5]))
    assert [track.number for track in book.open()] == [2, 5, 9]
    assert [track.number for track in book.add(tracked(1, 0.1, [2, 9], ended=(5,)))] == [5]
    assert book.add(tracked(2, 0.2, [9], ended=(5,))) == []  # said twice
    assert [(track.number, track.frames) for track in book.end()] == [(2, 2), (9, 3)]
    assert list(book.end()) == []


def test_a_track_that_is_not_seen_for_a_minute_is_over_though_nothing_said_so() -> None:
    book = Book()
    book.add(tracked(0, 0.0, [1, 2]))
    assert book.add(tracked(1, 29.0, [2])) == []
    assert book.add(tracked(2, 60.0, [2])) == []
    assert [track.number for track in book.add(tracked(3, 90.1, [2]))] == [1]
    assert [track.number for track in book.open()] == [2]
    assert [track.number for track in book.add(tracked(4, -500.0, []))] == [2]  # a source that began anew


def test_the_class_is_that_of_most_score_and_of_two_alike_the_first() -> None:
    for votes, label in (([(0, 0.5), (1, 0.4), (1, 0.4)], 1), ([(2, 0.5), (1, 0.5)], 1), ([(0, 0.9), (1, 0.5)], 0)):
        book = Book()
        for seq, (vote, score) in enumerate(votes):
            book.add(result(seq, [(1, score, vote, BOX)]))
        (track,) = book.end()
        assert track.label == label
        assert line_of(track, ("a",), []).name == ("a" if label == 0 else str(label))


def test_the_best_three_looks_that_are_half_a_second_apart() -> None:
    assert looks((0, 0.5)) == [(0.5, 0)]
    assert looks((0, 0.5), (0.4, 0.6)) == [(0.6, 0.4)]  # its neighbour is better
    assert looks((0, 0.6), (0.4, 0.6)) == [(0.6, 0)]
    assert looks((0, 0.5), (0.5, 0.6)) == [(0.6, 0.5), (0.5, 0)]
    assert looks((0, 0.5), (1, 0.9), (2, 0.7), (3, 0.5)) == [(0.9, 1), (0.7, 2), (0.5, 0)]
    assert looks((0, 0.5), (1, 0.9), (2, 0.7), (3, 0.6)) == [(0.9, 1), (0.7, 2), (0.6, 3)]
    assert looks((0, 0.5), (0.5, 0.6), (0.25, 0.9)) == [(0.9, 0.25)]  # better than both beside it


@pytest.mark.parametrize(
    ("box", "left", "top", "side"),
    [
        ((70, 50, 90, 60), 56, 31, 48),  # two boxes' sides are less than 48 px
        ((60, 40, 100, 60), 40, 10, 80),
        ((0, 0, 10, 10), 0, 0, 48),
        ((150, 110, 160, 120), 112, 72, 48),
    ],
)
def test_a_picture_shows_the_box_and_what_is_around_it(
    box: tuple[float, float, float, float], left: int, top: int, side: int
) -> None:
    book = Book()
    given = result(0, [(1, 0.5, 0, box)])
    book.add(given)
    (track,) = book.end()
    view = track.views[0]
    assert isinstance(view, View)
    assert view.counts is not None
    assert np.array_equal(view.counts, given.frame.pixels[top : top + side, left : left + side])
    assert view.picture is not None
    assert np.array_equal(view.picture, given.picture[top : top + side, left : left + side])
    assert view.picture.base is None  # a copy: the frame is not kept for it


def test_a_picture_is_no_larger_than_the_frame() -> None:
    book = Book()
    book.add(result(0, [(1, 0.5, 0, (0, 0, 160, 120))], eight=True))
    (track,) = book.end()
    assert track.views[0].picture is not None
    assert track.views[0].picture.shape == (120, 160)
    assert track.views[0].counts is None


def test_a_book_without_pictures_says_the_same() -> None:
    lines = []
    for pictures in (True, False):
        book = Book(pictures)
        for seq in range(12):
            book.add(result(seq, [(1, seq / 12, 0, BOX), (2, 0.5, 0, BOX)]))
        tracks = list(book.end())
        assert all(
            (view.picture is None) == (view.counts is None) == (not pictures) for t in tracks for view in t.views
        )
        lines.append([line_of(track, ("a",), []) for track in tracks])
    assert lines[0] == lines[1]


def test_the_place_is_the_weighted_mean() -> None:
    book = Book()
    book.add(tracked(0, 0.0, [1, 2], sigma=4.0))
    book.add(tracked(1, 0.1, [2, 1], sigma=2.0))
    book.add(tracked(2, 0.2, [1], sigma=float("nan")))  # refused there
    book.add(tracked(3, 0.3, [1], where=False))
    first, second = book.end()
    assert (first.frames, len(first.where)) == (4, 2)
    rows = [place(51.501, -0.25, 4.0), place(51.501, -0.25, 2.0)]
    mean = track_position(*(np.array(part) for part in zip(*rows, strict=True)))
    assert mean is not None
    assert line_of(first, ("a",), []).position == GroundPosition(51.501, -0.25, round(mean.sigma_m, 2))
    there = line_of(second, ("a",), []).position
    assert there is not None
    assert there.lat == pytest.approx(51.502)


def test_of_very_many_positions_every_second_is_kept_and_they_stay_even(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "MOST_POSITIONS", 8)
    places = Places()
    for k in range(40):
        places.note(place(10 + k / 1e5, 20.0, 1.0))
        assert len(places) <= 8
    kept = [round((latitude - 10) * 1e5) for latitude, *_ in places.parts()[0]]
    assert kept == [0, 8, 16, 24, 32]
    assert places.told == 40
    assert Places().mean() is None


def test_what_is_kept_of_positions_does_not_hold_the_frame_s() -> None:
    book, given = Book(), tracked(0, 0.0, [-1, 3, -1])
    assert given.detections.positions is not None
    book.add(given)
    (track,) = book.end()
    found, kept = given.detections, track.where.parts()
    for part, of_frame in zip(kept, (found.positions, found.position_covariances, found.position_factors), strict=True):
        assert of_frame is not None
        assert not np.shares_memory(part, of_frame)
        assert part.tolist() == [of_frame[1].tolist()]


def test_a_thousand_positions_of_a_track_are_a_block_of_numbers_and_no_object_each() -> None:
    places, one = Places(), place(51.5, -0.25, 3.0)
    places.note(one)
    gc.collect()
    before = len(gc.get_objects())
    tracemalloc.start()
    for _ in range(book_module.MOST_POSITIONS - 1):
        places.note(one)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    gc.collect()
    assert len(places) == book_module.MOST_POSITIONS
    assert grown <= 1.15 * 8 * sum(part.size for part in one) * book_module.MOST_POSITIONS
    assert len(gc.get_objects()) - before < 10
