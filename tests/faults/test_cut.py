"""What a disk forgets when the power is cut, by hand: data without a sync, names without that of their folder."""

from __future__ import annotations

import random

from tests.faults.calls import Call
from tests.faults.cut import Disk


def call(kind: str, path: str = "", other: str = "", file: int = 0, at: int = 0, data: bytes = b"") -> Call:
    return Call(kind, f"/d{path}", f"/d{other}", file, at, data, 0.0)


def after(*calls: Call, chance: random.Random | None = None) -> dict[str, bytes]:
    disk = Disk("/d")
    for one in calls:
        disk.do(one)
    return disk.cut(chance)


NEW, WRITTEN, SYNCED, NAMED = call("o", "/a", file=1), call("w", file=1, data=b"one"), call("s", file=1), call("S")


def test_what_was_not_synced_is_gone() -> None:
    assert after(NEW, WRITTEN) == {}
    assert after(NEW, WRITTEN, SYNCED) == {}  # its name was not
    assert after(NEW, WRITTEN, NAMED) == {"a": b""}  # its data were not
    assert after(NEW, WRITTEN, SYNCED, NAMED) == {"a": b"one"}
    more = call("w", file=1, at=3, data=b"two")
    assert after(NEW, WRITTEN, SYNCED, NAMED, more) == {"a": b"one"}


def test_a_renamed_file_is_the_old_one_or_the_new_one() -> None:
    calls = [NEW, WRITTEN, SYNCED, NAMED, call("o", "/b", file=2), call("w", file=2, data=b"new"), call("s", file=2)]
    calls.append(call("r", "/b", "/a"))
    assert after(*calls) == {"a": b"one"}
    assert after(*calls, NAMED) == {"a": b"new"}
    left = [after(*calls, chance=random.Random(seed)) for seed in range(30)]
    assert {one["a"] for one in left} == {b"one", b"new"}


def test_a_folder_whose_name_is_lost_takes_its_files_with_it() -> None:
    calls = [call("m", "/x"), call("o", "/x/a", file=1), WRITTEN, SYNCED, call("S", "/x")]
    assert after(*calls) == {}
    assert after(*calls, NAMED) == {"x/a": b"one"}


def test_by_chance_a_part_of_a_write_is_there_or_is_zeros() -> None:
    write = call("w", file=1, data=b"abcdefgh")
    left = {after(NEW, NAMED, write, chance=random.Random(seed))["a"] for seed in range(200)}
    assert {b"", b"abcdefgh", b"abc", b"abcde\0\0\0"} <= left
    assert all(b"abcdefgh".startswith(one.rstrip(b"\0")) for one in left)


def test_a_cut_changes_nothing_for_the_next_one() -> None:
    disk = Disk("/d")
    for one in (NEW, WRITTEN, SYNCED):
        disk.do(one)
    assert {tuple(disk.cut(random.Random(seed))) for seed in range(20)} == {(), ("a",)}
    assert disk.cut(None) == {}


def test_removed_cut_off_and_reserved() -> None:
    assert after(NEW, WRITTEN, SYNCED, NAMED, call("u", "/a")) == {"a": b"one"}
    assert after(NEW, WRITTEN, SYNCED, NAMED, call("u", "/a"), NAMED) == {}
    assert after(NEW, WRITTEN, call("t", file=1, at=1), SYNCED, NAMED) == {"a": b"o"}
    assert after(NEW, WRITTEN, call("a", file=1, at=5), SYNCED, NAMED) == {"a": b"one\0\0"}
    nameless = [call("n", file=1), WRITTEN, SYNCED, call("l", "", "/a", file=1)]
    assert after(*nameless) == {}
    assert after(*nameless, NAMED) == {"a": b"one"}
