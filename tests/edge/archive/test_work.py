"""One unit: the same result as `edge run`, once, and what is left of one that cannot be done."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from edge.app.run import run
from edge.app.settings import RunSettings
from edge.archive import claims, work
from edge.archive.claims import claimed
from edge.archive.job import Job, folder_of, jobs_of, read_job
from edge.archive.manifest import Manifest
from edge.archive.plan import plan
from edge.archive.tries import Tries
from edge.archive.work import Places, detect
from edge.errors import InputError, SinkError
from tests.edge.archive.flights import null_job, record, still, unit_of


@pytest.fixture(scope="module")
def job() -> Job:
    return null_job()


@pytest.fixture
def folder(job: Job, tmp_path: Path) -> Path:
    return folder_of(tmp_path / "archive", job)


def test_a_unit_gives_the_bytes_that_edge_run_gives(job: Job, tmp_path: Path) -> None:
    record(tmp_path / "recording", segments=2)
    plan([tmp_path], tmp_path / "archive")
    (unit,) = Manifest(tmp_path / "archive").units()
    folder = folder_of(tmp_path / "archive", job)
    outcome = detect(job, folder, unit)
    assert (outcome.state, outcome.frames) == ("done", 8)
    run(RunSettings(out=tmp_path / "out", source=unit.source, backend="null", policy="every"))
    result = Places.of(folder, unit.sha256).result
    for name in ("detections.jsonl", "tracks.jsonl", "counts.json"):
        assert (result / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    assert detect(job, folder, unit).state == "there"
    assert [list((folder / name).iterdir()) for name in ("claims", "work")] == [[], []]


def test_segments_are_a_part_of_a_recording(job: Job, tmp_path: Path) -> None:
    record(tmp_path / "recording", segments=3)
    report = run(
        RunSettings(
            out=tmp_path / "out", source=f"rec:{tmp_path}/recording?segments=1-2", backend="null", policy="every"
        )
    )
    lines = (tmp_path / "out" / "detections.jsonl").read_text().splitlines()[1:]
    assert [line.partition(",")[0] for line in lines] == [f'{{"seq":{seq}' for seq in range(4, 12)]
    assert report["error"] is None


@pytest.mark.parametrize("text", ["3", "2-1", "a-b", "1-2-3", "-", ""])
def test_segments_that_cannot_be(tmp_path: Path, text: str) -> None:
    record(tmp_path / "recording", segments=1)
    with pytest.raises(InputError, match="expected two numbers of segments, such as 4-7"):
        run(RunSettings(out=tmp_path / "out", source=f"rec:{tmp_path}/recording?segments={text}", backend="null"))


def test_a_file_that_is_another_one_now_is_not_detected_in(job: Job, folder: Path, tmp_path: Path) -> None:
    unit = unit_of(still(tmp_path / "a.png"))
    os.utime(tmp_path / "a.png", ns=(1, 1))
    first, second, third = (detect(job, folder, unit) for _ in range(3))
    assert (first.state, second.state, third.state) == ("failed", "left", "left")
    assert "has changed since it was planned: plan again" in third.why
    Tries(Places.of(folder, unit.sha256).tries).again()
    assert detect(job, folder, unit).state == "failed"


def test_a_file_that_is_gone_is_named(job: Job, folder: Path, tmp_path: Path) -> None:
    unit = unit_of(still(tmp_path / "a.png"))
    (tmp_path / "a.png").unlink()
    assert "a.png: No such file or directory: it was there when it was planned" in detect(job, folder, unit).why


def test_a_unit_that_killed_two_workers_is_left_without_a_third(job: Job, folder: Path, tmp_path: Path) -> None:
    unit = unit_of(still(tmp_path / "a.png"))
    tries = Tries(Places.of(folder, unit.sha256).tries)
    tries.begin()
    tries.begin()
    outcome = detect(job, folder, unit)
    assert (outcome.state, outcome.why) == ("left", "its worker died at it, twice")


def test_a_try_counts_behind_a_line_that_a_power_cut_left_unfinished(tmp_path: Path) -> None:
    tries = Tries(tmp_path / "t")
    tries.begin()
    (tmp_path / "t").write_bytes((tmp_path / "t").read_bytes() + b'{"what":"beg')
    Tries(tmp_path / "t").begin()
    assert (tmp_path / "t").read_bytes().count(b"\n") == 3
    assert Tries(tmp_path / "t").over


def test_a_reason_may_name_a_file_whose_name_is_no_utf_8(tmp_path: Path) -> None:
    tries = Tries(tmp_path / "t")
    tries.begin()
    tries.fail(f"{os.fsdecode(bytes([255]))}.png is cut off")
    assert Tries(tmp_path / "t").reason == r"\udcff.png is cut off"


def test_who_has_it_has_it(job: Job, folder: Path, tmp_path: Path) -> None:
    unit = unit_of(still(tmp_path / "a.png"))
    with claimed(Places.of(folder, unit.sha256).claim):
        assert detect(job, folder, unit).state == "taken"
    assert detect(job, folder, unit).state == "done"


def test_of_two_results_the_first_stays(
    job: Job, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = unit_of(still(tmp_path / "a.png"))
    places = Places.of(folder, unit.sha256)

    def slow(*words: object, **more: object) -> dict[str, object]:
        """While it works, another that was taken for dead comes with the same."""
        report = run(*words, **more)  # type: ignore[arg-type]
        places.result.mkdir(parents=True)
        (places.result / "first").write_text("")
        return report

    monkeypatch.setattr(work, "run", slow)
    assert detect(job, folder, unit).state == "there"
    assert [path.name for path in places.result.iterdir()] == ["first"]
    assert list((folder / "work").iterdir()) == []


def test_another_version_of_the_package_is_refused(job: Job, folder: Path, tmp_path: Path) -> None:
    from msgspec.structs import replace

    unit = unit_of(still(tmp_path / "a.png"))
    with pytest.raises(InputError, match="this worker has another version of thermal-edge"):
        detect(replace(job, code_sha256="0" * 64), folder, unit)
    with pytest.raises(InputError, match="is another bundle here"):
        detect(replace(job, model_sha256="0" * 64), folder, unit)


def test_a_jobs_name_tells_what_decides_its_results(job: Job, tmp_path: Path) -> None:
    from msgspec.structs import replace

    others = [
        replace(job, model_sha256="0" * 64),
        replace(job, code_sha256="0" * 64),
        replace(job, options=replace(job.options, threshold="0.3")),
        replace(job, options=replace(job.options, lens="fov=40")),
    ]
    assert len({one.name for one in (job, *others)}) == 5
    assert replace(job, model="/elsewhere/hituav-r18").name == job.name
    folder = folder_of(tmp_path, job)
    assert (read_job(folder), jobs_of(tmp_path)) == (job, [folder])
    with pytest.raises(InputError, match="expected a job of edge archive run"):
        read_job(tmp_path)


def test_what_a_killed_worker_left_is_removed_by_the_next(job: Job, folder: Path, tmp_path: Path) -> None:
    unit = unit_of(still(tmp_path / "a.png"))
    left = folder / "work" / f"{unit.sha256}.elsewhere.1"
    left.mkdir()
    (left / "detections.jsonl").write_text("")
    assert detect(job, folder, unit).state == "done"
    assert list((folder / "work").iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_without_room_is_no_try_of_the_unit(
    job: Job, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(*_words: object, **_more: object) -> None:
        try:
            raise OSError(number, os.strerror(number))
        except OSError as error:
            raise SinkError("cannot be written") from error

    unit = unit_of(still(tmp_path / "a.png"))
    places = Places.of(folder, unit.sha256)
    monkeypatch.setattr(work, "run", full)
    for _ in range(3):
        with pytest.raises(OSError, match=os.strerror(number)) as told:
            detect(job, folder, unit)
        assert told.value.errno == number
    assert (Tries(places.tries).begun, places.claim.exists(), list(places.work.iterdir())) == (0, False, [])
    monkeypatch.undo()
    assert detect(job, folder, unit).state == "done"


def test_a_claim_that_cannot_be_written_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_claim: object) -> bytes:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(claims.msgspec.json, "encode", full)
    with pytest.raises(OSError, match="full"), claims.claimed(tmp_path / "claim"):
        pass
    assert list(tmp_path.iterdir()) == []
