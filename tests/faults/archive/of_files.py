"""Rows: files of the archive, the job, clocks, and two workers at one unit. The worker is this process."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from unittest import mock

from msgspec.structs import replace

from edge.archive import work
from edge.archive.claims import LEASE_S
from edge.archive.job import Job, folder_of
from edge.archive.manifest import Manifest
from edge.archive.plan import plan
from edge.archive.work import Places
from edge.errors import InputError
from tests.edge.archive.flights import null_job, still
from tests.faults.archive.here import named, run_here, then
from tests.faults.archive.row import UNITS, Row, Seen, begun, flight, job_folder, kept, planned, tidy


def vanishes(root: Path) -> Seen:
    archive = planned(root)
    data, stamp = flight(root, 2).read_bytes(), flight(root, 2).stat().st_mtime_ns
    flight(root, 2).unlink()
    tally = run_here(archive)
    assert (tally.done, begun(archive)) == (UNITS - 1, [1, 1, 2, 1, 1, 1])
    seen = "1", named(tally), kept(archive)
    flight(root, 2).write_bytes(data)
    os.utime(flight(root, 2), ns=(stamp, stamp))
    return Seen(*seen, f"file back, `--retry`: {then(archive, retry=True)}")


def changes(root: Path) -> Seen:
    archive = planned(root)
    still(flight(root, 2), 99)
    os.utime(flight(root, 2), ns=(1, 1))
    tally = run_here(archive)
    assert tally.done == UNITS - 1
    seen = "1", named(tally), kept(archive)
    again = plan([], archive)
    assert (again.new, again.gone) == (1, 1)
    return Seen(*seen, f"planned again: {then(archive)}")


def changes_while_planned(root: Path) -> Seen:
    """It grows between its digest and the look into it."""
    archive = root / "archive"
    from edge.archive import plan as planning

    real = planning.open_camera

    def growing(source: object) -> object:
        opened = real(source)  # type: ignore[arg-type]
        if str(flight(root, 2)) in str(source):
            still(flight(root, 2), 99)
            os.utime(flight(root, 2), ns=(1, 1))
        return opened

    with mock.patch.object(planning, "open_camera", growing):
        assert planned(root) == archive
    tally = run_here(archive)
    assert tally.done == UNITS - 1
    seen = "1", named(tally), kept(archive)
    assert plan([], archive).new == 1
    return Seen(*seen, f"planned again: {then(archive)}")


def changes_while_read(root: Path) -> Seen:
    archive = planned(root)
    real = work.run  # type: ignore[attr-defined]

    def growing(settings: object, **more: object) -> object:
        told = real(settings, **more)
        if str(flight(root, 2)) in settings.source:  # type: ignore[attr-defined]
            with flight(root, 2).open("ab") as file:
                file.write(b"more")
        return told

    with mock.patch.object(work, "run", growing):
        tally = run_here(archive)
    assert tally.done == UNITS - 1
    seen = "1", named(tally), kept(archive)
    plan([], archive)
    return Seen(*seen, f"planned again: {then(archive)}")


def half_copied(root: Path) -> Seen:
    archive = planned(root)
    whole = flight(root, 2).read_bytes()
    flight(root, 2).write_bytes(whole[:-200])
    half = plan([], archive)
    (unread,) = Manifest(archive).unread()
    assert (half.units, half.unread) == (UNITS - 1, 1)
    tally = run_here(archive)
    assert (tally.done, tally.given_up) == (UNITS - 1, 0)
    seen = "0", f"`plan`: ! {unread.path}: {unread.why}", kept(archive)
    flight(root, 2).write_bytes(whole)
    plan([], archive)
    return Seen(*seen, f"copied whole, planned again: {then(archive)}")


def other_bundle(root: Path) -> Seen:
    return _refused(planned(root), replace(null_job(), model_sha256="ab" * 32))


def other_version(root: Path) -> Seen:
    return _refused(planned(root), replace(null_job(), code_sha256="cd" * 32))


def _refused(archive: Path, job: Job) -> Seen:
    said = ""
    with mock.patch.object(work, "_session", work._Session()):
        try:
            run_here(archive, job)
        except InputError as error:
            said = str(error)
    assert said
    assert begun(archive) == [0] * UNITS
    seen = "2", said, f"{kept(archive)}, no try is counted"
    shutil.rmtree(job_folder(archive))
    run = run_here(archive)
    return Seen(*seen, f"with the right one: {run.done} done, {run.there} before")


def clocks(root: Path) -> Seen:
    archive = planned(root)
    folder = folder_of(archive, null_job())
    for unit, year in zip(Manifest(archive).units(), (1971, 2099), strict=False):
        claim = Places.of(folder, unit.sha256).claim
        claim.write_bytes(b'{"host": "another", "boot": "another", "pid": 1, "begun": "1"}')
        os.utime(claim, (year * 31_556_952 - 62_167_219_200, year * 31_556_952 - 62_167_219_200))
    tally = run_here(archive)
    assert (tally.done, tally.given_up) == (UNITS, 0)
    return Seen("0", f"2 at other runs, for {LEASE_S:g} s; then they are done here", kept(archive), then(archive))


def held_up(root: Path) -> Seen:
    archive = planned(root)
    folder = folder_of(archive, null_job())
    real, second = work.run, []  # type: ignore[attr-defined]

    def late(settings: object, **more: object) -> object:
        """Another one takes the claim away and is first."""
        told = real(settings, **more)
        if str(flight(root, 2)) in settings.source and not second:  # type: ignore[attr-defined]
            (unit,) = (one for one in Manifest(archive).units() if one.source[0] in settings.source)  # type: ignore[attr-defined]
            second.append(Places.of(folder, unit.sha256))
            with suppress(FileNotFoundError):
                second[0].claim.unlink()
            shutil.copytree(settings.out, second[0].result)  # type: ignore[attr-defined]
            (second[0].result / "first").touch()
        return told

    with mock.patch.object(work, "run", late):
        tally = run_here(archive)
    assert (second[0].result / "first").exists()
    assert (tally.done, tally.there, tally.given_up) == (UNITS - 1, 1, 0)
    tidy(archive)
    return Seen("0", "nothing: it counts as done before", f"{kept(archive)}, the first one's", then(archive))


FILES = [
    Row("a file is gone since it was planned", vanishes),
    Row("a file was changed since it was planned", changes),
    Row("a file changes while it is planned", changes_while_planned),
    Row("a file changes while it is detected in", changes_while_read),
    Row("a file is copied half when it is planned", half_copied),
    Row("a worker has another bundle at the same path", other_bundle),
    Row("a worker has another version of thermal-edge", other_version),
    Row("a machine died at two units, its clock 50 years behind or 70 ahead", clocks),
    Row("a worker was held up, and another took its unit over and was first", held_up),
]
