"""review.jsonl: what counts after any sequence of words and undos, two writers, power cuts, files that are none."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.app.review import line as limits
from edge.app.review import store
from edge.app.review.line import ReviewLine
from edge.app.review.store import FILE, Review
from edge.errors import InputError, SinkError
from edge.system.budget import REVIEW_LOCK_S
from tests.support.loaded import popen_loaded

NOW = 1_790_000_000.0  # 2026


def review(folder: Path, **settings: Any) -> Review:
    return Review(folder, wall=lambda: NOW, **settings)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(one) for one in (folder / FILE).read_text().splitlines()]


def text(**changes: Any) -> bytes:
    good = {"n": 1, "utc": None, "by": None, "verdict": "right", "tracks": [1]}
    return json.dumps({**good, **changes}).encode()


# ---- what counts ----


def test_the_file_says_what_was_said(tmp_path: Path) -> None:
    r = review(tmp_path)
    r.add("wrong", [12, 13], by="Ada")
    r.add_missed(7, (1, 2, 3.5, 4), label=1)
    r.undo(1)
    nothing = {"tracks": [], "label": None, "frame": None, "box": None, "undoes": None}
    utc = "2026-09-21T14:13:20.000+00:00"
    assert lines(tmp_path) == [
        {**nothing, "n": 1, "utc": utc, "by": "Ada", "verdict": "wrong", "tracks": [12, 13]},
        {**nothing, "n": 2, "utc": utc, "by": None, "verdict": "missed", "label": 1, "frame": 7, "box": [1, 2, 3.5, 4]},
        {**nothing, "n": 3, "utc": utc, "by": None, "verdict": "undo", "undoes": 1},
    ]
    assert (r.of_track(12), r.last, r.torn) == (None, 3, 0)
    assert r.counts == {"right": 0, "wrong": 0, "unsure": 0, "missed": 1}
    assert [(m.frame, m.label) for m in r.missed] == [(7, 1)]


def test_a_clock_that_was_never_set_says_no_time(tmp_path: Path) -> None:
    Review(tmp_path, wall=lambda: 1000.0).add("right", [1])
    assert lines(tmp_path)[0]["utc"] is None


def test_the_newest_word_counts_and_undo_brings_back_the_one_before(tmp_path: Path) -> None:
    r = review(tmp_path)
    r.add("right", [1, 2], label=3)
    r.add("wrong", [2])
    assert (r.of_track(1), r.of_track(2), r.of_track(3)) == ("right", "wrong", None)
    assert (r.opinions[1].label, r.opinions[2].label) == (3, None)
    assert r.undo() is not None
    assert (r.of_track(2), r.opinions[2].n) == ("right", 1)
    assert r.undo() is not None
    assert (r.of_track(1), r.counts["right"]) == (None, 0)
    assert r.undo() is None
    assert r.last == 4


def test_what_was_taken_back_is_not_taken_back_twice(tmp_path: Path) -> None:
    r = review(tmp_path)
    r.add("right", [1])
    r.undo(1)
    for n, said in ((1, "it undoes line 1, which"), (2, "it undoes line 2, which"), (9, "line 3 undoes 9: expected")):
        with pytest.raises(ValueError, match=said):
            r.undo(n)
    assert len(lines(tmp_path)) == 2


STEP = st.one_of(
    st.tuples(st.sampled_from(limits.OF_TRACKS), st.lists(st.integers(1, 6), min_size=1, max_size=4)),
    st.tuples(st.just("missed"), st.integers(0, 9)),
    st.tuples(st.just("undo"), st.integers(0, 12)),
)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEP, max_size=14), again=st.integers(0, 3))
def test_any_sequence(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Any]], again: int) -> None:
    """Against the plainest model: a list of what was said, from which an undo takes an entry out."""
    with patch("os.fsync"):  # the time that it takes
        compare(tmp_path_factory.mktemp("flight"), steps, again)


def compare(folder: Path, steps: list[tuple[str, Any]], again: int) -> None:
    r, said = review(folder), dict[int, tuple[str, Any]]()
    number = 0
    for i, (verdict, about) in enumerate(steps):
        if i % 4 == again:
            r = review(folder)  # as another program would see it
        if verdict == "undo":
            n = about or next(reversed(said), 0)
            if n not in said:
                if about:
                    with pytest.raises(ValueError, match="undo"):
                        r.undo(n)
                else:
                    assert r.undo() is None
                continue
            assert r.undo(about or None)
            del said[n]
        elif verdict == "missed":
            r.add_missed(about)
        else:
            r.add(verdict, about)  # type: ignore[arg-type]
        number += 1
        if verdict != "undo":
            said[number] = verdict, about
    for seen in (r, Review.read(folder)):
        of = {track: v for v, about in said.values() if v != "missed" for track in about}
        assert {track: seen.of_track(track) for track in range(1, 7)} == {t: of.get(t) for t in range(1, 7)}
        assert [m.frame for m in seen.missed] == [about for v, about in said.values() if v == "missed"]
        assert seen.counts == {
            **{v: list(of.values()).count(v) for v in limits.OF_TRACKS},
            "missed": len(seen.missed),
        }
        assert seen.last == number


# ---- power cuts and several writers ----


@given(cut=st.integers(1, 200), by=st.text("aé\U0001f98c", max_size=3))
@settings(max_examples=40, deadline=None)
def test_a_torn_last_line(tmp_path_factory: pytest.TempPathFactory, cut: int, by: str) -> None:
    with patch("os.fsync"):
        tear(tmp_path_factory.mktemp("flight"), cut, by)


def tear(folder: Path, cut: int, by: str) -> None:
    r = review(folder)
    r.add("right", [1], by=by or None)
    first = (folder / FILE).stat().st_size
    r.add("wrong", [2], by=by or None)
    whole = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(whole[: max(first + 1, len(whole) - cut)])
    r = review(folder)
    lacks_its_end_only = cut == 1
    assert (r.of_track(1), r.of_track(2)) == ("right", "wrong" if lacks_its_end_only else None)
    assert (r.torn, r.last) == ((0, 2) if lacks_its_end_only else (1, 1))
    r.add("unsure", [3])
    for seen in (r, Review.read(folder)):
        assert (seen.of_track(1), seen.of_track(3)) == ("right", "unsure")
        assert seen.torn == (0 if lacks_its_end_only else 1)
        assert seen.last == (3 if lacks_its_end_only else 2)


def test_zeros_that_a_file_system_left_are_a_torn_line(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(text() + b"\n" + b"\0" * 50)
    r = review(tmp_path)
    assert (r.torn, r.of_track(1)) == (1, "right")
    r.add("wrong", [1])
    assert (Review.read(tmp_path).torn, Review.read(tmp_path).of_track(1)) == (1, "wrong")


def test_a_full_disk_is_told_and_what_was_half_written_counts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    r, write = review(tmp_path), os.write
    r.add("right", [1])
    written: list[int] = []

    def full(handle: int, data: bytes) -> int:
        if written:
            raise OSError(28, "No space left on device")
        written.append(write(handle, data[:20]))
        return written[0]

    with monkeypatch.context() as patch:
        patch.setattr("edge.app.review.store.os.write", full)
        with pytest.raises(SinkError, match=r"review.jsonl: No space left on device: free some space"):
            r.add("wrong", [1])
    r.refresh()
    assert (r.of_track(1), r.torn) == ("right", 1)
    r.add("unsure", [1])
    assert (r.of_track(1), r.last) == ("unsure", 2)


def test_it_is_on_the_disk_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    r, synced = review(tmp_path), list[tuple[bool, int]]()

    def sync(handle: int) -> None:
        found = os.fstat(handle)
        synced.append((stat.S_ISREG(found.st_mode), found.st_size))

    monkeypatch.setattr("os.fsync", sync)
    r.add("right", [1])
    size = (tmp_path / FILE).stat().st_size
    assert [regular for regular, _ in synced] == [True, False]  # the file, then its name in the folder
    r.add("right", [2])
    assert [size for regular, size in synced if regular] == [size, 2 * size]


def test_threads_and_processes_lose_nothing(tmp_path: Path) -> None:
    """Two of each: forty lines, each with a number of its own, in their order."""
    code = (
        "import sys; from pathlib import Path; from edge.app.review.store import Review\n"
        "r = Review(Path(sys.argv[1]))\nfor i in range(10): r.add('right', [int(sys.argv[2]) + i])"
    )
    root = Path(__file__).resolve().parents[4]
    programs = [popen_loaded([sys.executable, "-c", code, str(tmp_path), start], cwd=root) for start in ("1", "11")]
    r, other = review(tmp_path), review(tmp_path)
    with ThreadPoolExecutor(2) as threads:
        for i in range(10):
            threads.submit(r.add, "right", [21 + i])
            threads.submit(other.add, "right", [31 + i])
    assert [program.wait(30) for program in programs] == [0, 0]
    assert [one["n"] for one in lines(tmp_path)] == list(range(1, 41))
    r.refresh()
    assert sorted(r.opinions) == list(range(1, 41))


def test_who_holds_the_file_for_long_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    now = [0.0]

    def pause(seconds: float) -> None:
        now[0] += seconds

    r = review(tmp_path, clock=lambda: now[0], pause=pause)
    r.add("right", [1])
    with (tmp_path / FILE).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(SinkError, match="another program holds .*review.jsonl: nothing was written"):
            r.add("wrong", [1])
        assert REVIEW_LOCK_S <= now[0] < REVIEW_LOCK_S + 0.1
    assert r.add("wrong", [1]).n == 2


def test_a_folder_that_was_taken_for_another_flight_begins_anew(tmp_path: Path) -> None:
    r = review(tmp_path)
    r.add("right", [1])
    (tmp_path / FILE).rename(tmp_path / "earlier")
    r.refresh()
    assert (r.of_track(1), r.last) == (None, 0)
    assert r.add("wrong", [2]).n == 1
    assert r.of_track(1) is None


# ---- what is no review ----


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n": 0}, "n is 0: expected a whole number, 1 or more"),
        ({"n": 2**31}, "n is 2147483648"),
        ({"n": "1"}, "n is '1': expected a whole number"),
        ({"verdict": "maybe"}, "verdict is 'maybe', which is none of the values that are known"),
        ({"tracks": []}, "right has no tracks: expected some"),
        ({"tracks": [0]}, "tracks[0] is 0: expected a whole number, 1 or more"),
        ({"tracks": [1] * (limits.MOST_TRACKS + 1)}, f"length {limits.MOST_TRACKS} or less"),
        ({"verdict": "wrong", "label": 1}, "wrong has a label"),
        ({"label": -1}, "label is -1"),
        ({"frame": 3}, "right has frame: expected none"),
        ({"box": [0, 0, 1, 1]}, "right has a box"),
        ({"undoes": 1}, "right has undoes: expected none"),
        ({"by": ""}, "by is ''"),
        ({"by": "a" * 81}, "by is "),
        ({"by": "a\nb"}, "by is 'a"),
        ({"utc": "yesterday"}, "yesterday"),
        ({"utc": "2026-01-01T00:00:00"}, "no time of a flight with its zone"),
        ({"verdict": "missed", "tracks": []}, "missed has no frame"),
        ({"verdict": "missed", "frame": 1}, "missed has tracks: expected none"),
        ({"verdict": "missed", "tracks": [], "frame": 1, "box": [0, 0, 0, 1]}, "box 0, 0, 0, 1: expected 0 <= x1 < x2"),
        ({"verdict": "missed", "tracks": [], "frame": 1, "box": [0, 2, 1, 2]}, "box 0, 2, 1, 2"),
        ({"verdict": "missed", "tracks": [], "frame": 1, "box": [-1, 0, 1, 1]}, "box -1, 0, 1, 1"),
        ({"verdict": "missed", "tracks": [], "frame": 1, "box": [0, -1, 1, 1]}, "box 0, -1, 1, 1"),
        ({"verdict": "missed", "tracks": [], "frame": 1, "box": [0, 0, 1e7, 1]}, "expected up to 1e"),
        ({"verdict": "undo", "tracks": []}, "undo has no undoes"),
        ({"verdict": "undo", "tracks": [], "undoes": 1}, "line 1 undoes 1: expected a line before it"),
        ({"verdict": "undo", "tracks": [], "n": 2, "undoes": 1}, "undoes line 1, which says nothing"),
    ],
)
def test_a_line_that_is_none_is_refused_with_its_number(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    (tmp_path / FILE).write_bytes(b"\n" + text(**changes) + b"\n")
    with pytest.raises(InputError, match="review.jsonl, line 2: ") as caught:
        Review.read(tmp_path)
    assert said in str(caught.value)
    assert str(caught.value).endswith("expected a line of a review")


def test_numbers_grow(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(text(n=5) + b"\n" + text(n=5) + b"\n")
    with pytest.raises(InputError, match="line 2: n is 5 after 5: expected numbers that grow"):
        Review.read(tmp_path)


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(text(mood="good") + b"\n")
    assert Review.read(tmp_path).of_track(1) == "right"


def test_what_cannot_be_said_is_not_written(tmp_path: Path) -> None:
    r = review(tmp_path)
    with pytest.raises(ValueError, match="right has no tracks"):
        r.add("right", [])
    with pytest.raises(ValueError, match="frame is -1"):
        r.add_missed(-1)
    with pytest.raises(ValueError, match="verdict is 'good'"):
        r.add("good", [1])  # type: ignore[arg-type]
    assert (tmp_path / FILE).read_bytes() == b""


def test_limits_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    r = review(tmp_path)
    r.add("right", range(limits.MOST_NUMBER - limits.MOST_TRACKS + 1, limits.MOST_NUMBER + 1))
    assert limits.MOST_LINE // 2 < (tmp_path / FILE).stat().st_size < limits.MOST_LINE
    monkeypatch.setattr(store, "MOST_LINES", 1)
    with pytest.raises(InputError, match="is full"):
        r.add("right", [1])
    with pytest.raises(InputError, match="more than 1 lines"):
        Review.read(tmp_path)
    monkeypatch.setattr(store, "MOST_LINES", 9)
    size = (tmp_path / FILE).stat().st_size
    monkeypatch.setattr(store, "MOST_BYTES", size)
    with pytest.raises(InputError, match="is full"):
        r.add("right", [1])
    Review.read(tmp_path)
    monkeypatch.setattr(store, "MOST_BYTES", size - 1)
    with pytest.raises(InputError, match=f"cannot read .*review.jsonl: {size} bytes, expected at most"):
        Review.read(tmp_path)


@pytest.mark.timeout(20)
def test_what_is_no_file_is_neither_read_nor_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder: expected that of a flight"):
        Review.read(tmp_path / "nowhere")
    r = review(tmp_path)
    os.mkfifo(tmp_path / FILE)
    with pytest.raises(InputError, match="no regular file"):
        Review.read(tmp_path)
    with pytest.raises(InputError, match="is no regular file"):
        r.add("right", [1])


def test_the_schema_takes_a_line_and_nothing_else() -> None:
    module = pytest.importorskip("jsonschema", reason="needs the package jsonschema, of the extra test")
    check = module.Draft202012Validator(limits.schema())
    good = msgspec.to_builtins(ReviewLine(n=1, utc=None, by=None, verdict="right", tracks=[1]))
    assert list(check.iter_errors(good)) == []
    for wrong in ({"tracks": [0]}, {"n": 0}, {"by": ""}, {"verdict": "good"}, {"frame": -1}):
        assert list(check.iter_errors({**good, **wrong}))
