"""Units are given out until none is left; claims, and tries on the disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.archive import claims, drive
from edge.archive.claims import LEASE_S, Claim, Looks, claimed, take_away
from edge.archive.drive import WAIT_S, Drive
from edge.archive.run import Share
from edge.archive.tries import Tries
from edge.archive.unit import Unit
from edge.archive.work import Outcome, Places
from edge.errors import InputError
from tests.edge.archive.flights import still, unit_of


class Fake:
    """A pool that answers as ``answer`` says, the unit given out first first; time passes while it is waited for."""

    def __init__(self, answer: Callable[[Unit, int], str], slots: int = 3) -> None:
        self.answer, self.slots_now, self.now = answer, slots, 0.0
        self.waiting: list[Unit] = []
        self.most = 0
        self.given = Counter[str]()

    def submit(self, unit: Unit) -> None:
        self.given[unit.sha256] += 1
        self.waiting.append(unit)
        self.most = max(self.most, len(self.waiting))

    def next(self, wait_s: float) -> tuple[Unit, Outcome] | None:
        if not self.waiting:
            assert wait_s
            self.now += wait_s
            return None
        unit = self.waiting.pop(0)
        state = self.answer(unit, self.given[unit.sha256])
        return unit, Outcome(unit.sha256, state, "why", 5)  # type: ignore[arg-type]

    def slots(self) -> int:
        return self.slots_now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("units", "tries", "claims", "work"):
        (tmp_path / "job" / name).mkdir(parents=True)
    return tmp_path / "job"


def units(tmp_path: Path, count: int) -> list[Unit]:
    path = still(tmp_path / "a.png")
    return [unit_of(path, sha256=f"{number:064x}") for number in range(count)]


def test_each_is_given_out_once_and_never_more_than_there_are_slots(folder: Path, tmp_path: Path) -> None:
    pool, told = Fake(lambda _unit, _try: "done"), []
    tally = Drive(iter(units(tmp_path, 10)), folder, pool, lambda tally: told.append(tally.done)).run()
    assert (tally.units, tally.done, tally.there, tally.frames, tally.left) == (10, 10, 0, 50, [])
    assert set(pool.given.values()) == {1}
    assert pool.most == 3
    assert told == list(range(1, 11))


def test_what_failed_comes_again_behind_the_others_and_what_is_left_is_named(folder: Path, tmp_path: Path) -> None:
    all_units = units(tmp_path, 4)
    order: list[str] = []

    def answer(unit: Unit, tries: int) -> str:
        order.append(unit.sha256[-1])
        return "done" if unit.sha256[-1] in "02" else ("failed" if tries == 1 else "left")

    tally = Drive(iter(all_units), folder, Fake(answer), lambda _: None).run()
    assert order == ["0", "1", "2", "3", "1", "3"]
    assert (tally.done, tally.left) == (2, [(all_units[1], "why"), (all_units[3], "why")])


def test_few_units_that_failed_are_in_memory(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "NAMED", 3)
    monkeypatch.setattr(drive, "MOST_AGAIN", 4)
    waiting, all_units = [0], units(tmp_path, 50)
    pool = Fake(lambda _unit, time: "failed" if time == 1 else "left", slots=1)
    one = Drive(iter(all_units), folder, pool, lambda _tally: waiting.append(len(one._again)))
    tally = one.run()
    assert (tally.given_up, tally.over, tally.left) == (50, 50, [(unit, "why") for unit in all_units[:3]])
    assert max(waiting) == 4
    assert set(pool.given.values()) == {2}


def test_what_is_there_or_left_already_is_not_given_out(folder: Path, tmp_path: Path) -> None:
    there, left, new = units(tmp_path, 3)
    Places.of(folder, there.sha256).result.mkdir(parents=True)
    tries = Tries(Places.of(folder, left.sha256).tries)
    for _ in range(2):
        tries.begin()
        tries.fail("no frame")
    pool = Fake(lambda _unit, _try: "done")
    tally = Drive(iter([there, left, new]), folder, pool).run()
    assert pool.given == {new.sha256: 1}
    assert (tally.units, tally.there, tally.done, tally.over) == (3, 1, 1, 3)
    assert tally.left == [(left, "no frame")]


def test_a_unit_of_another_run_is_waited_for_and_taken_over_when_its_claim_grows_old(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (unit,) = units(tmp_path, 1)
    monkeypatch.setattr(Claim, "dead", lambda _self: False)
    claim = Places.of(folder, unit.sha256).claim
    with claimed(claim):
        pool = Fake(lambda _unit, _try: "taken" if claim.exists() else "done")
        told = []
        tally = Drive(iter([unit]), folder, pool, lambda tally: told.append(tally.elsewhere), lambda: pool.now).run()
    assert (tally.done, pool.given[unit.sha256]) == (1, 2)
    assert LEASE_S <= pool.now <= LEASE_S + 3 * WAIT_S
    assert told[0] == 1
    assert told[-1] == 0


def test_a_claim_is_one_persons_renewed_and_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, now = tmp_path / "claim", [0.0]
    looks = Looks(lambda: now[0])
    monkeypatch.setattr(claims, "RENEW_S", 0.001)
    with claimed(path) as mine, claimed(path) as other:
        assert (mine, other) == (True, False)
        before = path.stat().st_mtime_ns
        while path.stat().st_mtime_ns == before:  # the test's own limit ends it
            pass
        now[0] += LEASE_S
        assert not looks.abandoned(path)
    assert not path.exists()
    assert looks.abandoned(path)


def test_a_claim_of_a_dead_process_is_abandoned_at_once(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    own = Claim.own()
    path.write_bytes(f'{{"host": "{own.host}", "boot": "{own.boot}", "pid": {own.pid}, "begun": "1"}}'.encode())
    assert Looks().abandoned(path)  # the number was given to another process since
    path.write_bytes(f'{{"host": "x", "boot": "another", "pid": {own.pid}, "begun": "1"}}'.encode())
    assert not Looks().abandoned(path)
    take_away(path)
    take_away(path)
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.sampled_from(["begin", "fail", "again"]), max_size=8))
@settings(max_examples=25)
def test_tries_are_counted_on_the_disk(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    path = tmp_path_factory.mktemp("tries") / "unit.jsonl"
    tries = Tries(path)
    for step in steps:
        tries.fail("why") if step == "fail" else getattr(tries, step)()
    since = steps[len(steps) - steps[::-1].index("again") :] if "again" in steps else steps
    read = Tries(path)
    assert (read.begun, read.failed) == (tries.begun, tries.failed) == (since.count("begin"), since.count("fail"))
    assert read.over == (since.count("begin") >= 2)


def test_why_a_unit_is_left() -> None:
    for begun, failed, why, said in (
        (2, 2, "no frame", "no frame"),
        (2, 0, "", "its worker died at it, twice"),
        (2, 1, "no frame", "its worker died at it; before that: no frame"),
        (3, 0, "", "its worker died at it, 3 times"),
    ):
        tries = Tries(Path("none"))
        tries.begun, tries.failed, tries.why = begun, failed, why
        assert tries.reason == said


def test_shards_have_each_unit_once(tmp_path: Path) -> None:
    path = still(tmp_path / "a.png")
    digests = [f"{number * 977:012x}{'0' * 52}" for number in range(40)]
    shares = [Share.parse(f"{number}/3") for number in (1, 2, 3)]
    which = [[share.has(unit_of(path, sha256=digest)) for share in shares].index(True) for digest in digests]
    assert set(which) == {0, 1, 2}
    assert all(sum(share.has(unit_of(path, sha256=digest)) for share in shares) == 1 for digest in digests)
    for text in ("0/3", "4/3", "1", "a/b", "1/0", "-1/2"):
        with pytest.raises(InputError, match=r"expected I/N, such as 2/8"):
            Share.parse(text)
