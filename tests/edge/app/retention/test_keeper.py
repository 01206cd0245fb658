"""Room on the disk: which files of earlier runs go, in which order, and what never does."""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

import edge
from edge.app.retention.earlier import earlier_runs, room_of
from edge.app.retention.keep_free import KeepFree
from edge.app.retention.keeper import AGAIN_S, Keeper, check_keep_free
from edge.app.retention.report_json import KeepFreeReport
from edge.errors import InputError
from edge.health.strain import Limits

BLOCK = 8192  # bytes of each file: a whole number of any file system's blocks
KEPT = ("detections.jsonl", "tracks.jsonl", "counts.json", "report.json", "run.json", "map.png", "trace.jsonl")
BULKY = (
    *("video.mkv", "pictures/frame-000001.png", "pictures/frame-000002.png"),
    *(
        "recording/segment-000000.rec",
        "recording/segment-000001.rec",
        "crops/000001-1.png",
        "crops/000001-1-counts.png",
    ),
)
OURS = json.dumps({"format": 1, "versions": {"thermal-edge": "0.1"}})


def a_run(folder: Path, files: tuple[str, ...] = (*KEPT, *BULKY)) -> Path:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x" * BLOCK)
    for name in ("run.json", "report.json"):
        (folder / name).write_text(OURS)
    return folder


def left(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


class Disk:
    """It holds what is below ``folder``, and has so many blocks in all."""

    def __init__(self, folder: Path, blocks: int) -> None:
        self.folder, self.total, self.now = folder, blocks * BLOCK, 0.0

    def usage(self, _: Path) -> SimpleNamespace:
        used = sum(p.stat().st_blocks * 512 for p in self.folder.rglob("*.*") if p.is_file() and not p.is_symlink())
        return SimpleNamespace(total=self.total, free=self.total - used)

    def keeper(self, out: Path, blocks: int, **more: object) -> Keeper:
        """One that wants so many blocks more than are free now."""
        least = self.usage(out).free + blocks * BLOCK
        keep = KeepFree("5GB", least, None)
        return Keeper(keep, least, out, usage=self.usage, clock=lambda: self.now, **more)  # type: ignore[arg-type]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with two earlier runs, and the files of the present one."""
    a_run(tmp_path / "out/earlier-2")
    a_run(tmp_path / "out/earlier-10")
    return a_run(tmp_path / "out")


ORDER = [
    *("earlier-2/video.mkv", "earlier-10/video.mkv"),
    *(f"earlier-{n}/pictures/frame-00000{k}.png" for n in (2, 10) for k in (1, 2)),
    *(f"earlier-{n}/recording/segment-00000{k}.rec" for n in (2, 10) for k in (0, 1)),
    *(f"earlier-{n}/crops/000001-1{end}.png" for n in (2, 10) for end in ("", "-counts")),
]


@pytest.mark.parametrize("blocks", range(len(ORDER) + 1))
def test_files_go_one_by_one_in_their_order_and_no_more_than_is_needed(out: Path, blocks: int) -> None:
    before = left(out)
    keeper = Disk(out, 1000).keeper(out, blocks)
    assert keeper.look() == blocks * BLOCK
    assert before - left(out) == set(ORDER[:blocks])
    assert keeper.look() == 0


def test_what_cannot_be_made_anew_stays_whatever_happens(out: Path, caplog: pytest.LogCaptureFixture) -> None:
    mine = left(out)
    keeper = Disk(out, 1000).keeper(out, 999)
    with caplog.at_level(logging.WARNING):
        assert keeper.look() == len(ORDER) * BLOCK
        assert keeper.look() == 0
    assert left(out) == mine - set(ORDER)
    assert {name for name in left(out) if "/" not in name} == set(KEPT) | {"video.mkv"}
    assert not (out / "earlier-2/recording").exists()  # nothing is in it any more
    *_, last = caplog.messages
    assert last.startswith("keep free: ")
    assert last.endswith("and nothing is left of earlier runs that may be removed")
    assert len([line for line in caplog.messages if "nothing is left" in line]) == 1


def test_each_removal_is_told_and_counted(out: Path, caplog: pytest.LogCaptureFixture) -> None:
    keeper = Disk(out, 1000).keeper(out, 4)
    with caplog.at_level(logging.WARNING):
        keeper.look()
    one = caplog.messages[2]
    assert one.startswith(f"keep free: {out}/earlier-2: pictures, 2 files, 0.0 MB removed: 0.0 GB are free, ")
    assert len(caplog.messages) == 3
    report = keeper.report()
    assert [(r["run"], r["what"], r["files"], r["bytes"]) for r in report["removed"]] == [
        ("earlier-2", "video", 1, BLOCK),
        ("earlier-10", "video", 1, BLOCK),
        ("earlier-2", "pictures", 2, 2 * BLOCK),
    ]
    assert (report["files"], report["bytes"], report["more"], report["exhausted"]) == (4, 4 * BLOCK, 0, False)
    assert set(report) == set(KeepFreeReport.__struct_fields__)


# ---- what is nobody's business


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def everything(out: Path, flights: str | None = None, sources: tuple[str, ...] = ()) -> set[str]:
    """What goes where all that may go does, from ``out``'s parent on."""
    before, disk = left(out.parent), Disk(out.parent, 10_000)
    keeper = disk.keeper(out, 9999, flights=flights, sources=sources)
    while keeper.look():
        pass
    return before - left(out.parent)


def test_a_folder_that_this_program_did_not_write(out: Path) -> None:
    for name in ("run.json", "report.json"):
        (out / "earlier-2" / name).write_text('{"frames": 3, "versions": {"other": "1"}}')
    (out / "earlier-10/run.json").unlink()  # one of an older version has a report alone
    a_run(out / "earlier-x")
    a_run(out / "earlier-0")
    assert {name.split("/")[1] for name in everything(out)} == {"earlier-10"}


@pytest.mark.parametrize("text", ["", "[]", "null", '{"versions": []}', "[" * 100_000, "\xff"])
def test_a_folder_whose_files_say_nothing(out: Path, text: str) -> None:
    for folder in ("earlier-2", "earlier-10"):
        for name in ("run.json", "report.json"):
            (out / folder / name).write_text(text)
    assert everything(out) == set()


def test_files_by_other_names_stay(out: Path) -> None:
    others = (
        "notes.txt",
        "pictures/DJI_0001.png",
        "crops/best.png",
        "recording/notes.rec",
        "pictures/a/frame-000001.png",
    )
    for name in others:
        (out / "earlier-2" / name).parent.mkdir(exist_ok=True)
        (out / "earlier-2" / name).write_bytes(b"x" * BLOCK)
    assert everything(out) == {f"out/{name}" for name in ORDER}
    assert all((out / "earlier-2" / name).exists() for name in others)


def test_nothing_behind_a_link_and_no_file_with_two_names(tmp_path: Path, out: Path) -> None:
    a_run(tmp_path / "elsewhere/run")
    (out / "earlier-3").symlink_to(tmp_path / "elsewhere/run")
    for name in ("video.mkv", "crops/000001-1.png"):
        (out / "earlier-2" / name).unlink()
    (out / "earlier-2/video.mkv").symlink_to(tmp_path / "elsewhere/run/video.mkv")
    os.link(tmp_path / "elsewhere/run/video.mkv", out / "earlier-2/crops/000001-1.png")
    for path in (out / "earlier-2/recording").iterdir():
        path.unlink()
    (out / "earlier-2/recording").rmdir()
    (out / "earlier-2/recording").symlink_to(tmp_path / "elsewhere/run/recording")
    gone = everything(out)
    spared = {"video.mkv", "crops/000001-1.png", "recording/segment-000000.rec", "recording/segment-000001.rec"}
    assert gone == {f"out/{name}" for name in ORDER} - {f"out/earlier-2/{name}" for name in spared}
    assert left(tmp_path / "elsewhere/run") == {*KEPT, *BULKY}


def test_a_run_json_that_is_a_link_makes_no_run(tmp_path: Path, out: Path) -> None:
    for name in ("run.json", "report.json"):
        (out / "earlier-2" / name).unlink()
        (out / "earlier-2" / name).symlink_to(out / name)
    assert not any("earlier-2" in name for name in everything(out))


def test_a_folder_that_another_process_has(out: Path) -> None:
    disk = Disk(out, 1000)
    keeper = disk.keeper(out, 999)
    with locked(out / "earlier-2"), locked(out):  # the second is our own
        assert keeper.look() == 7 * BLOCK
        assert left(out / "earlier-2") == {*KEPT, *BULKY}
    assert keeper.look() == 0
    disk.now += AGAIN_S
    assert keeper.look() == 7 * BLOCK
    assert left(out / "earlier-2") == set(KEPT)


def test_what_the_run_itself_reads(out: Path) -> None:
    gone = everything(out, sources=(f"rec:{out}/earlier-10/recording?live=1", "sim:", "rtsp://host/x"))
    assert {name.split("/")[1] for name in gone} == {"earlier-2"}


def test_a_file_that_cannot_be_removed_is_told_and_left(
    out: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plain = os.unlink

    def unlink(name: str, dir_fd: int | None = None) -> None:
        if name == "video.mkv":
            raise PermissionError(13, "Permission denied")
        plain(name, dir_fd=dir_fd)

    keeper = Disk(out, 1000).keeper(out, 3)
    monkeypatch.setattr(os, "unlink", unlink)
    assert keeper.look() == 3 * BLOCK
    assert f"keep free: {out}/earlier-2: video.mkv cannot be removed: Permission denied" in caplog.messages


# ---- the flights of a mission


def test_flights_of_a_mission_go_with_their_earlier_runs(tmp_path: Path) -> None:
    flights = tmp_path / "flights"
    names = ("2026-05-01-08-00-00", "2026-05-01-08-00-00-2", "2026-04-30-23-59-59", "notes", "2026-05-01-08-00-00-x")
    for name in names:
        a_run(flights / name, ("video.mkv",))
    a_run(flights / "2026-05-01-08-00-00/earlier-1", ("video.mkv",))
    now = a_run(flights / "2026-05-02-10-00-00", ("video.mkv",))
    a_run(now / "earlier-1", ("video.mkv",))
    pattern = str(flights / "{date}-{time}")
    order = [str(one.path.relative_to(flights)) for one in earlier_runs(now, pattern)]
    assert order == [
        "2026-04-30-23-59-59",
        "2026-05-01-08-00-00/earlier-1",
        "2026-05-01-08-00-00",
        "2026-05-01-08-00-00-2",
        "2026-05-02-10-00-00/earlier-1",
    ]
    assert [one.path for one in earlier_runs(now, str(flights / "{n}"))] == [now / "earlier-1"]  # it is none of these
    assert [one.path for one in earlier_runs(now, None)] == [now / "earlier-1"]
    with locked(flights / "2026-05-01-08-00-00"):  # its run goes on: its earlier ones are let alone, too
        gone = everything(now, pattern)
    assert gone == {f"{name}/video.mkv" for name in (order[0], order[3], order[4])}


def test_flights_below_days_and_names(tmp_path: Path) -> None:
    for name in ("north/2026-05-01/0001", "north/2026-05-01/0010", "south/2026-05-01/0002", "north/day/0001"):
        a_run(tmp_path / name, ("video.mkv",))
    (tmp_path / "north/2026-05-03").symlink_to(tmp_path / "north/day")
    now = a_run(tmp_path / "north/2026-05-02/0001", ("video.mkv",))
    found = earlier_runs(now, str(tmp_path / "north/{date}/{n}"))
    assert [one.below for one in found] == [("2026-05-01", "0001"), ("2026-05-01", "0010")]
    assert room_of(found) == 2 * BLOCK


# ---- how much


@pytest.mark.parametrize(
    ("text", "least"), [("5GB", 5_000_000_000), ("1MB", 1_000_000), ("10%", 10_000_000_000), ("0.5 %", 500_000_000)]
)
def test_how_much_stays_free(text: str, least: int) -> None:
    assert KeepFree.parse(text).least(100_000_000_000) == least


@pytest.mark.parametrize("text", ["", "5", "0%", "100%", "-1%", "10 GB free", "1kB", "nan%", "1e1%"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(InputError, match="expected a size of 1MB or more, such as 500MB.*or a part of the disk"):
        KeepFree.parse(text)
    with pytest.raises(InputError, match="keep_free"):
        edge.RunSettings(out="o", keep_free=text)


def test_what_cannot_be_kept_free(tmp_path: Path) -> None:
    def usage(folder: Path) -> SimpleNamespace:
        assert folder == tmp_path
        return SimpleNamespace(total=64_000_000_000, free=1)

    def check(text: str, **limits: object) -> int:
        return check_keep_free(KeepFree.parse(text), tmp_path / "new/out", Limits(**limits), usage)  # type: ignore[arg-type]

    assert check("5GB") == 5_000_000_000
    with pytest.raises(InputError, match=r"64GB: the disk has 64.0 GB in all: give less"):
        check("64GB")
    with pytest.raises(InputError, match=r"1GB are 1.0 GB: expected more than limits.disk_left, 1.0 GB"):
        check("1GB")
    assert check("1GB", degrade=False) == check("1GB", disk=999_999_999) == 1_000_000_000


def test_in_a_run(tiny_bundle: Path, tmp_path: Path) -> None:
    """Nothing goes without the option; with it what the two runs before have left, and nothing of the present one."""
    out, words = (
        tmp_path / "out",
        {"source": "sim:width=80,height=64,pitch=-90,people=0,deer=0,cars=0,live=0,frames=3", "backend": "null"},
    )
    for _ in range(2):
        report = edge.run(edge.RunSettings(out=out, model=tiny_bundle, record=True, outputs=("video",), **words))
    assert report["keep_free"] is None
    assert (out / "earlier-1/video.mkv").exists()
    settings = edge.RunSettings(
        out=out, model=tiny_bundle, record=True, outputs=("video",), keep_free="99.9%", seconds=60, **words
    )

    def wait(_: edge.Result) -> None:
        while (out / "earlier-1/recording").exists() or (out / "earlier-2/recording").exists():
            os.sched_yield()

    report = edge.run(settings, watch=wait)
    assert [(one["run"], one["what"]) for one in report["keep_free"]["removed"]] == [
        ("earlier-1", "video"),
        ("earlier-2", "video"),
        ("earlier-1", "recording"),
        ("earlier-2", "recording"),
    ]
    assert report["keep_free"]["asked"] == "99.9%"
    assert (out / "video.mkv").exists()
    assert report["recording"]["frames"] == 3
    assert {"detections.jsonl", "report.json", "counts.json"} <= {path.name for path in (out / "earlier-1").iterdir()}
