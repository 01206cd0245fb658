"""When a run ends, what is counted in it, and the search for the highest rate; with a clock of the test's own."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge.app.bench import timed_run as module
from edge.app.bench.held import Held, hash_of, hold
from edge.app.bench.rates import AtRate, find_peak, peak_limits
from edge.app.bench.settings import Limits
from edge.app.bench.timed_run import Records, Run, figures, stages_of, timed_run
from edge.data import Detections, Frame, Result
from edge.errors import InputError
from edge.geo.placing import Placing, PlacingSettings
from edge.model.thresholds import Thresholds
from edge.seams import Camera
from edge.track.follower import Follower
from tests.conftest import made

PIXELS = np.zeros((4, 6), np.uint8)


def results(count: int, step: float, **more: Any) -> list[Result]:
    """Result i is ready at i * step seconds, 5 ms after its frame."""
    return [
        made(
            Frame(PIXELS, i, i * step - 0.005), Detections.none(6, 4), i * step, PIXELS,
            stages_ms={"infer": 3.0 + i % 2}, dropped=2 * i, duplicates=i, lost=3 * i, **more,
        )
        for i in range(count)
    ]  # fmt: skip


def run(
    monkeypatch: pytest.MonkeyPatch, given: list[Result], limits: Limits, independent: bool = False, **more: Any
) -> Run:
    """The clock stands where the newest result was ready."""
    now = [0.0]

    class Stream:
        def __enter__(self) -> Any:
            for result in given:
                now[0] = result.t_result
                yield result

        def __exit__(self, *_: object) -> None:
            pass

    def stream(camera: Any, engine: Any, *, stop: Any, follow: Any, locate: Any) -> Stream:
        assert isinstance(follow, Follower) is not independent
        assert locate is placing
        return Stream()

    monkeypatch.setattr(module, "stream", stream)
    engine: Any = type(
        "E", (), {"bundle": type("B", (), {"classes": ("deer",), "thresholds": Thresholds.alike(0.5), "one_body": ()})}
    )
    camera: Any = type("C", (), {"independent": independent})
    placing = Placing(camera, PlacingSettings())
    return timed_run(camera, engine, limits, placing, clock=lambda: now[0], **more)


@pytest.mark.parametrize(
    ("limits", "ended", "count"),
    [
        (Limits(1.0, 2.0, 10, 9.0), "enough results", 20),  # the time was the longer wait
        (Limits(1.0, 2.0, 50, 9.0), "enough results", 50),  # the results were
        (Limits(1.0, 2.0, 50, 3.0), "time limit", 30),
        (Limits(1.0, 2.0, 500, 300.0), "end of source", 189),
        (Limits(0.0, 0.0, 2, 9.0), "enough results", 2),
    ],
)
def test_a_run_ends(monkeypatch: pytest.MonkeyPatch, limits: Limits, ended: str, count: int) -> None:
    begun = []
    done = run(monkeypatch, results(200, 0.1), limits, begun=lambda: begun.append(1))
    assert (done.ended, len(done.records), begun) == (ended, count, [1])
    warm = 1 + round(limits.warm_up_s / 0.1)  # the first, and those up to its end
    assert done.warm_up == (pytest.approx(limits.warm_up_s), warm)
    assert done.records.seq[0] == warm
    assert done.counts == {
        "dropped": 2 * count, "duplicates": count, "lost": 3 * count, "shutter_frames": 0, "unconverged": 0,
        "overflowed": 0,
    }  # fmt: skip


def test_frames_of_a_closed_shutter_are_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    given = [replace(r, inferred=r.frame.seq % 2 == 0) for r in results(41, 0.1)]
    watched: list[Result] = []
    done = run(monkeypatch, given, Limits(1.0, 2.0, 5, 9.0), watch=watched.append)
    assert (len(done.records), done.counts["shutter_frames"], len(watched)) == (10, 10, 10)


def test_stills_that_do_not_follow_each_other_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(run(monkeypatch, results(5, 0.1), Limits(0.0, 0.1, 2, 9.0), independent=True).records) == 2


def test_a_source_that_ends_in_the_warm_up_gives_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(monkeypatch, results(5, 0.1), Limits(1.0, 2.0, 5, 9.0))
    assert (done.fps, len(done.records), done.warm_up[1]) == (None, 0, 5)


def test_figures_by_hand() -> None:
    records = Records()
    for i, ready in enumerate((10.0, 10.1, 10.2, 10.5)):
        stages = {"infer": 10.0 * i, **({"extra": 2.0} if i > 1 else {})}
        frame = Frame(PIXELS, i, ready - 0.02 * (i + 1))
        records.add(made(frame, Detections.none(6, 4), ready, PIXELS, stages_ms=stages))
    told = figures(Run(records, "enough results", 9.9, 10.6, (1.0, 3), {"dropped": 7}))
    assert (told["fps"], told["results"], told["seconds"], told["dropped"]) == (6.0, 4, 0.7, 7)
    assert told["latency_ms"] == {"mean": 50.0, "p50": 50.0, "max": 80.0}
    assert told["interval_ms"] == {"mean": 166.667, "p50": 100.0, "max": 300.0}
    assert told["jitter_ms"] == {"mean": 66.667, "p50": 0.0, "max": 200.0}
    assert told["stages_ms"] == {
        "infer": {"mean": 15.0, "p50": 15.0, "max": 30.0},
        "extra": {"mean": 2.0, "p50": 2.0, "max": 2.0},
    }
    assert stages_of([records, records])["infer"] == told["stages_ms"]["infer"]


# ---- frames from memory ----


class Few(Camera):
    """Frames of these values, then the end."""

    def __init__(self, *values: int, **more: Any) -> None:
        self._left = [Frame(np.full((4, 6), v, np.uint16), i, 0.0, origin=f"{i}", **more) for i, v in enumerate(values)]
        self.description, self.fps = "few", 9.0

    def read(self) -> Frame | None:
        return self._left.pop(0) if self._left else None


def test_frames_come_again_with_new_numbers_and_times() -> None:
    camera = Few(1, 2, 2, 3, 1)
    kept = hold(camera, "few")
    assert [int(frame.pixels[0, 0]) for frame in kept] == [
        1,
        2,
        3,
    ]  # none repeats the one before, nor the last the first
    held = Held(kept, camera)
    taken = [held.read() for _ in range(7)]
    assert [int(frame.pixels[0, 0]) for frame in taken] == [1, 2, 3, 1, 2, 3, 1]
    assert [frame.seq for frame in taken] == list(range(7))
    assert all(a.t_capture <= b.t_capture and b.origin is None for a, b in itertools.pairwise(taken))
    assert held.description == "few; the first 3 frames from memory"
    assert (held.live, held.at(30.0).live, held.at(30.0).fps) == (False, True, 30.0)


def test_at_a_rate_each_frame_is_as_old_as_it_came_late() -> None:
    camera = Few(1, 2)
    waits: list[float] = []

    def pause(seconds: float) -> bool:
        waits.append(seconds)
        return False

    paced = Held(hold(camera, "few"), camera).at(2.0, pause)
    taken = [paced.read() for _ in range(4)]
    times = [frame.t_capture for frame in taken if frame]
    assert np.diff(times) == pytest.approx([0.5] * 3)
    assert waits[0] == 0.0
    assert 0.4 < waits[1] <= 0.5
    assert paced.description == "few; the first 2 frames from memory; at 2 frames a second"


@pytest.mark.parametrize("values", [(), (5,), (5, 5, 5)])
def test_frames_that_do_not_differ_are_refused(values: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=f"ended after {len(values)} frames?, and no two differ"):
        hold(Few(*values), "few")


def test_a_closed_shutter_all_the_time_is_refused() -> None:
    with pytest.raises(InputError, match="the shutter is closed in its first 2 frames"):
        hold(Few(1, 2, flags=frozenset({"ffc"})), "few")


def test_no_more_than_so_many_are_kept() -> None:
    camera = Few(*range(50))
    assert len(hold(camera, "few")) == 32
    assert camera.read() is not None


def test_the_hash_tells_order_size_and_type() -> None:
    one, two = (Frame(np.full((2, 3), v, np.uint8), 0, 0.0) for v in (1, 2))
    wide = Frame(np.full((3, 2), 1, np.uint8), 0, 0.0)
    deep = Frame(np.full((2, 3), 1, np.uint16), 0, 0.0)
    assert len({hash_of(frames) for frames in ([one, two], [two, one], [one], [wide], [deep])}) == 5
    assert hash_of([one]) == hash_of([Frame(one.pixels.copy(), 9, 7.0)])


# ---- the highest rate ----


def machine(can: float) -> Any:
    """Gives ``can`` results a second at most."""

    def attempt(rate: float) -> AtRate:
        records = Records()
        fps = min(rate, can)
        for i in range(11):
            records.add(made(Frame(PIXELS, i, 0.0), Detections.none(6, 4), i / fps, PIXELS))
        return AtRate(rate, Run(records, "enough results", 0.0, 1.0, (0.0, 1), {"dropped": 0}))

    return attempt


@pytest.mark.parametrize(("fps", "can"), [(30.0, 30.0), (30.0, 24.0), (30.0, 40.0)])
def test_the_search_finds_the_rate_at_which_a_twentieth_is_lost(fps: float, can: float) -> None:
    best, tries = find_peak(machine(can), fps)
    assert best is not None
    assert best.loss <= 0.05
    assert best.rate == pytest.approx(can / 0.95, rel=0.03)
    assert tries[0].rate == fps
    assert len(tries) <= 7


def test_a_machine_that_loses_at_every_rate_has_no_peak() -> None:
    best, tries = find_peak(machine(1.0), 30.0)
    assert best is None
    assert len(tries) >= 5


def test_loss_is_what_did_not_come() -> None:
    at = machine(24.0)(30.0)
    assert at.loss == pytest.approx(0.2)
    assert machine(99.0)(30.0).loss == 0.0
    assert at.to_json()["loss"] == 0.2
    assert AtRate(5.0, Run(Records(), "time limit", 0.0, 1.0, (0.0, 1), {"dropped": 0})).loss == 1.0


def test_a_try_is_short_and_slow_rates_get_more_time_but_never_over_a_third() -> None:
    assert peak_limits(100.0, 60.0) == Limits(0.5, 5.0, 2, 6.0)
    assert peak_limits(6.0, 60.0).seconds == 10.0
    assert peak_limits(0.2, 60.0).seconds == 20.0
