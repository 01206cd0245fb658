"""Two runs over the same frames: what both found, what one alone did, and which two are compared at all."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.app.compare.boxes import BoxPair, apart, pairs_of
from edge.app.compare.compare import Comparison, compare
from edge.app.compare.same_frames import BY_CLOCK, BY_FILM, BY_NAME, BY_SIMULATION
from edge.app.compare.tally import size_group
from edge.errors import InputError
from tests.support.two_runs import Box, box, counted, mirrored, run


def group(found: Comparison, by: str = "all", value: str = "all", what: str = "boxes") -> list[dict[str, int]]:
    """A's and B's figures of one group, without zeros."""
    groups = found.figures.boxes if what == "boxes" else found.figures.tracks and found.figures.tracks.groups
    one = next(one for one in groups or [] if (one.by, one.value) == (by, value))
    return [{k: v for k, v in msgspec.to_builtins(side).items() if v} for side in (one.a, one.b)]


def of_one_frame(tmp_path: Path, a: list[Box], b: list[Box]) -> tuple[Comparison, list[BoxPair]]:
    noted: list[BoxPair] = []
    return compare(run(tmp_path / "a", {0: a}), run(tmp_path / "b", {0: b}), noted.append), noted


# ---- boxes ----


def test_each_box_is_found_by_both_by_one_or_as_another_class(tmp_path: Path) -> None:
    a = [box(10, 10), box(50, 10), box(90, 10)]
    b = [box(11, 10), box(91, 10, name="deer"), box(150, 50, score=0.2)]
    found, noted = of_one_frame(tmp_path, a, b)
    assert group(found) == [
        {"boxes": 3, "both": 1, "other_class": 1, "only": 1},
        {"boxes": 3, "both": 1, "other_class": 1, "only": 1, "only_below": 1},
    ]
    assert group(found, "class", "deer") == [{}, {"boxes": 1, "other_class": 1}]
    assert group(found, "score", "0.2 to 0.3") == [{}, {"boxes": 1, "only": 1, "only_below": 1}]
    assert [(one.a, one.b, one.boxes) for one in found.figures.class_changes] == [("Person", "deer", 1)]
    assert [bool(one.a) + 2 * bool(one.b) for one in noted] == [3, 3, 1, 2]


@pytest.mark.parametrize(("shift", "pairs", "moved"), [(3.3, 1, 0), (3.4, 1, 1), (5.3, 1, 1), (5.5, 0, 0)])
def test_from_which_overlap_on(tmp_path: Path, shift: float, pairs: int, moved: int) -> None:
    """Two squares of 10 px that are s px apart overlap by (10 - s) / (10 + s): 0.5 at 3.33, 0.3 at 5.38."""
    found, _ = of_one_frame(tmp_path, [box(10, 10)], [box(10 + shift, 10)])
    assert (found.figures.pairs.pairs, found.figures.pairs.moved) == (pairs, moved)


def test_the_pair_that_overlaps_most_goes_first_and_its_own_class_before_others(tmp_path: Path) -> None:
    _, noted = of_one_frame(tmp_path, [box(10, 10, score=0.9), box(14, 10)], [box(14, 10), box(8, 10)])
    both = [(one.a.box[0], one.b.box[0]) for one in noted if one.a and one.b]
    assert both == [(10.0, 8.0), (14.0, 14.0)]
    frames = [msgspec.convert({"seq": 0, "t": 0, "utc": None, "flags": [], "detections": d}, _frame()) for d in (
        [box(10, 10)], [box(10, 10, name="deer"), box(14, 10)])]  # fmt: skip
    first = next(pairs_of(*frames))
    assert first.b
    assert (first.b.name, round(first.overlap, 2)) == ("Person", 0.43)


def _frame() -> Any:
    from edge.measure.detections_lines import FrameLine

    return FrameLine


def test_positions_are_apart_where_both_errors_do_not_reach(tmp_path: Path) -> None:
    for name, metres, beyond in (("near", 4.9, 0), ("far", 5.1, 1)):
        there = [51.5 + metres / 111_260, -0.25, 4.0]
        found, noted = of_one_frame(
            tmp_path / name, [box(10, 10, position=[51.5, -0.25, 3.0])], [box(10, 10, position=there)]
        )
        assert (found.figures.pairs.placed, found.figures.pairs.apart) == (1, beyond)
        assert noted[0].apart_m == pytest.approx(metres, abs=0.01)
    assert apart((0.0, 179.99999, 1.0), (0.0, -179.99999, 1.0))[0] == pytest.approx(2.2, abs=0.05)
    assert apart(None, (0.0, 0.0, 1.0)) == (None, False)


def test_sizes() -> None:
    assert [size_group(px) for px in (7.9, 8, 15.9, 64, 1e5)] == [
        "below 8 px", "8 to 16 px", "8 to 16 px", "64 px and more", "64 px and more"
    ]  # fmt: skip


def test_classes_are_compared_by_name_and_the_others_are_named(tmp_path: Path) -> None:
    a = run(tmp_path / "a", {0: [box(10, 10), box(50, 50, name="fox")]}, classes=("Person", "fox"))
    b = run(tmp_path / "b", {0: [box(10, 10, name="person")]}, classes=("hare", "person"))
    figures = compare(a, b).figures
    assert (figures.classes.both, figures.classes.only_a, figures.classes.only_b) == (["Person"], ["fox"], ["hare"])
    assert figures.unknown_a == {"fox": 1}
    assert group(compare(a, b)) == [{"boxes": 1, "both": 1}] * 2
    with pytest.raises(InputError, match="has the classes Person, fox, .* has cow: expected one or more"):
        compare(a, run(tmp_path / "c", {0: []}, classes=("cow",)))


# ---- frames ----


def test_only_frames_that_both_searched_are_compared(tmp_path: Path) -> None:
    one = {seq: [box(10, 10)] for seq in range(8)}
    a = run(tmp_path / "a", {seq: boxes for seq, boxes in one.items() if seq != 2}, without=[4])
    b = run(tmp_path / "b", {seq: boxes for seq, boxes in one.items() if seq not in (3, 7)}, without=[5])
    frames = compare(a, b).figures.frames
    assert msgspec.to_builtins(frames) == {
        "compared": 3, "only_a": 2, "only_b": 1, "not_searched": 2, "overflowed": 0
    }  # fmt: skip
    assert group(compare(a, b)) == [{"boxes": 3, "both": 3}] * 2


STILL = {"t": 5.0, "origin": lambda seq: f"{seq}.tif"}


@pytest.mark.parametrize(
    ("a", "b", "how"),
    [
        (({}, None), ({}, None), BY_CLOCK),
        ((STILL, "x"), ({**STILL, "t": 9.0}, "x"), BY_NAME),
        (({"t": 5.0, "origin": lambda seq: seq / 9}, "x/a.mp4"), ({"origin": lambda seq: seq / 9}, "y/a.mp4"), BY_FILM),
        (({"t": 5.0, "utc": "2026-05-01T04:30:00.250+00:00"}, "sim:seed=1"),
         ({"t": 6.0, "utc": "2026-05-01T04:30:00.250+00:00"}, "sim:seed=1"), BY_SIMULATION),
    ],
)  # fmt: skip
def test_how_frames_are_known_to_be_the_same(tmp_path: Path, a: Any, b: Any, how: str) -> None:
    sides = [
        run(tmp_path / name, {0: [], 1: []}, of_frame=more, report={"source": source})
        for name, (more, source) in (("a", a), ("b", b))
    ]
    figures = compare(*sides).figures
    assert figures.same_frames == how
    assert bool(figures.assumed) == (how in (BY_NAME, BY_FILM))


FILM = {"origin": lambda seq: seq / 9}


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        ({}, {"of_frame": {"t": lambda seq: 100.0 + seq}}, "frame 1 is of 100.125000 s in the first and of 101.000000"),
        ({"of_frame": STILL}, {"of_frame": {"t": 6.0, "origin": "x.tif"}}, "frame 0 is 0.tif in the first and x.tif"),
        ({"of_frame": {**FILM, "t": 1.0}, "report": {"source": "a.mp4"}},
         {"of_frame": FILM, "report": {"source": "b.mp4"}}, "the first is of a.mp4, the second of b.mp4"),
        ({"of_frame": STILL}, {"of_frame": {"t": 5.0, "origin": "x.tif"}}, "frame 0 is 0.tif in the first and x.tif"),
        ({"of_frame": {"t": lambda seq: 5.0 + seq, "origin": "a.tif"}}, {"of_frame": {"t": 5.0, "origin": "a.tif"}},
         "frame 1 is a.tif in the first and a.tif in the second"),
        ({"of_frame": {"t": 1.0, "utc": "2026-05-01T04:30:00.250+00:00"}, "report": {"source": "sim:seed=1"}},
         {"of_frame": {"utc": "2026-05-01T04:30:00.251+00:00"}, "report": {"source": "sim:seed=1"}}, "frame 0 is of"),
        ({}, {"first": {"frame": {"width": 200, "height": 101}}}, "frames of 200x100 pixels, the second of 200x101"),
        ({"first": {"crop": [0, 0, 200, 100]}}, {"first": {"crop": [1, 0, 200, 100]}}, "looked at the part"),
        ({}, {"of_frame": {"frame": {"width": 9, "height": 9}}}, "frame 0 has another size"),
    ],
)  # fmt: skip
def test_other_frames_are_refused_in_a_line(tmp_path: Path, a: Any, b: Any, why: str) -> None:
    one, other = run(tmp_path / "a", {0: [], 1: []}, **a), run(tmp_path / "b", {0: [], 1: []}, **b)
    with pytest.raises(InputError, match="are not of the same frames") as error:
        compare(one, other)
    assert why in str(error.value)
    assert str(error.value).endswith("(edge run --source ...)")


def test_frames_that_do_not_meet_and_frames_in_no_order(tmp_path: Path) -> None:
    a, b = run(tmp_path / "a", {0: []}), run(tmp_path / "b", {1: []})
    with pytest.raises(InputError, match="no frame is in both"):
        compare(a, b)
    text = (a / "detections.jsonl").read_text()
    (a / "detections.jsonl").write_text(text + text.splitlines()[1] + "\n")
    with pytest.raises(InputError, match="frame 0 stands behind frame 0: expected the detections of one run"):
        compare(a, a)


# ---- tracks ----


def walk(track: int, frames: range, x: float, **more: Any) -> dict[int, Box]:
    return {seq: box(x + seq, 10, track=track, **more) for seq in frames}


def together(*walks: dict[int, Box], frames: int = 10) -> dict[int, list[Box]]:
    return {seq: [one[seq] for one in walks if seq in one] for seq in range(frames)}


def test_what_became_of_each_track(tmp_path: Path) -> None:
    """Of A: 1 both, 2 alone, 3 not followed by B, 4 cut in two by B, 5 as another class."""
    a = together(walk(1, range(10), 10), walk(2, range(10), 30), walk(3, range(10), 50), walk(4, range(10), 70),
                 walk(5, range(10), 90))  # fmt: skip
    b = together(walk(7, range(2, 10), 11), {2: box(52, 10)}, walk(8, range(6), 70), walk(9, range(6, 10), 70),
                 walk(6, range(10), 90, name="deer"))  # fmt: skip
    found = compare(run(tmp_path / "a", a), run(tmp_path / "b", b))
    assert group(found, what="tracks") == [
        {"tracks": 5, "both": 2, "other_class": 1, "not_followed": 1, "only": 1},
        {"tracks": 4, "both": 2, "other_class": 1, "in_parts": 1},
    ]
    told = [(one.a and one.a.number, one.b and one.b.number, one.what, one.frames) for one in found.tracks]
    assert told == [
        (1, 7, "both", 8), (4, 8, "both", 6), (5, 6, "both", 10),
        (2, None, "only", 0), (3, None, "not followed", 1), (None, 9, "in parts", 4),
    ]  # fmt: skip
    assert group(found)[0] == {"boxes": 50, "both": 19, "other_class": 10, "only": 21, "only_in_followed": 2}


def test_a_short_track_of_the_same_object_needs_half_of_its_frames(tmp_path: Path) -> None:
    a = together(walk(1, range(10), 10))
    for name, near, what in (("half", range(6, 8), "both"), ("less", range(7, 8), "not followed")):
        far = {seq: box(150, 80, track=2) for seq in range(4, 8) if seq not in near}
        b = together({**walk(2, near, 10), **far})
        assert compare(run(tmp_path / name / "a", a), run(tmp_path / name / "b", b)).tracks[0].what == what


def test_the_track_that_is_most_alike_is_the_same(tmp_path: Path) -> None:
    """B's longer one has more of A's frames, and most of its own elsewhere."""
    a = together(walk(1, range(8), 10), frames=20)
    b = together(walk(1, range(3), 10), {**walk(2, range(3, 8), 10), **walk(2, range(8, 20), 150)}, frames=20)
    found = compare(run(tmp_path / "a", a), run(tmp_path / "b", b))
    assert [(one.b and one.b.number, one.what) for one in found.tracks] == [(1, "both"), (2, "in parts")]


def test_scores_below_the_threshold_of_the_other_run_are_told(tmp_path: Path) -> None:
    limits = {"thresholds": {"Person": 0.6, "deer": 0.25}}
    a = run(tmp_path / "a", {0: [box(10, 10, score=0.5), box(30, 10, score=0.6)]})
    b = run(tmp_path / "b", {0: [box(60, 10, score=0.61)]}, first=limits)
    assert group(compare(a, b)) == [{"boxes": 2, "only": 2, "only_below": 1}, {"boxes": 1, "only": 1}]


def test_tracks_in_no_common_frame_are_counted(tmp_path: Path) -> None:
    a = run(tmp_path / "a", together(walk(1, range(7), 10), walk(2, range(6, 10), 40)))
    b = run(tmp_path / "b", together(walk(1, range(3), 10), frames=5))
    tracks = compare(a, b).figures.tracks
    assert tracks
    assert (tracks.not_compared_a, tracks.not_compared_b, tracks.groups[0].a.tracks) == (1, 0, 1)


# ---- properties, and folders that are torn ----


def some_run(folder: Path, rng: random.Random) -> Path:
    frames = {}
    for seq in range(12):
        if rng.random() < 0.85:
            frames[seq] = [
                box(
                    rng.choice([10, 12, 30, 33, 60]) + rng.choice([0, 0.5]),
                    rng.choice([10, 40]),
                    rng.choice([4, 10, 20]),
                    rng.choice(["Person", "deer"]),
                    rng.choice([0.3, 0.5, 0.9]),
                    **({"track": rng.randrange(1, 5)} if rng.random() < 0.7 else {}),
                    **({"position": [51.5 + rng.random() / 1e4, -0.25, 3.0]} if rng.random() < 0.5 else {}),
                )
                for _ in range(rng.randrange(5))
            ]
    frames[20] = []
    return run(folder, frames, counts={"Person": counted(rng.randrange(3))}, without=[rng.randrange(12)])


@pytest.mark.parametrize("seed", range(8))
def test_nothing_differs_from_itself_and_both_directions_say_the_same(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    a, b = some_run(tmp_path / "a", rng), some_run(tmp_path / "b", rng)
    noted: list[BoxPair] = []
    alone = compare(a, a, noted.append)
    assert not [one for one in noted if one.differs]
    assert not [one for one in alone.tracks if one.differs]
    assert alone.figures.class_changes == [] == alone.figures.differs
    there, back = (msgspec.to_builtins(compare(*pair).figures) for pair in ((a, b), (b, a)))
    for one in (there, back):
        for name in ("differs", "missing"):
            del one[name]
        for name in ("boxes", "class_changes"):
            one[name].sort(key=str)
    there = mirrored(there)
    for name in ("boxes", "class_changes"):
        there[name].sort(key=str)
    assert there == back


def test_a_torn_run_is_compared_as_far_as_it_was_written(tmp_path: Path) -> None:
    frames = {seq: [box(10, 10, track=1)] for seq in range(4)}
    a = run(tmp_path / "a", frames, report={"fps": 8.5, "latency_ms": {"p50": 40.0}, "source": "rec:x"}, counts={})
    b = run(tmp_path / "b", frames)
    with (b / "detections.jsonl").open("a") as file:
        file.write('{"seq": 4, "t"')
    (b / "tracks.jsonl").write_text('{"track": 1, "lab')
    (b / "run.json").write_text('{"source": "rec:x", "backend": "ort"}')
    figures = compare(a, b).figures
    assert figures.frames.compared == 4
    assert (figures.a.fps, figures.b.fps, figures.b.backend) == (8.5, None, "ort")
    assert figures.missing == [
        "B has no report.json: it was cut off, and its speed is not known",
        "B has no counts.json: nothing was counted",
    ]
    (b / "report.json").write_text("{")
    with pytest.raises(InputError, match=r"report.json: .*: expected it as edge run writes it"):
        compare(a, b)


def test_what_else_differs_is_told(tmp_path: Path) -> None:
    a = run(tmp_path / "a", {0: []}, report={"engine": "ort", "spare": {"file": "/x/d.jsonl"}})
    b = run(tmp_path / "b", {0: []}, report={"engine": "trt", "tiling": {"asked": "2x2"}})
    figures = compare(a, b).figures
    assert figures.differs == [
        "model: a in A, b in B",
        "engine: ort in A, trt in B",
        "tiles: none in A, 2x2 in B",
    ]
    assert "A went on in /x/d.jsonl: what is there is not compared" in figures.missing


def test_counts_stand_side_by_side(tmp_path: Path) -> None:
    a = run(tmp_path / "a", {0: []}, counts={"Person": counted(2, 1, 3)})
    b = run(tmp_path / "b", {0: []}, counts={"deer": counted(None, None, None)})
    counts = compare(a, b).figures.counts
    assert counts["Person"].a
    assert (counts["Person"].a.low, counts["Person"].b, counts["deer"].a) == (1, None, None)
