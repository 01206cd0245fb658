"""What ``edge archive`` keeps between its commands, and reads on machines that share a folder; runs compared."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.errors import EdgeError, InputError
from tests.fuzz.folder import put
from tests.fuzz.target import Target

UNITS = ("ab" * 32, "cd" * 32)


def _units() -> list[Any]:
    """Two parts of a recording, and a flight of one."""
    from edge.archive.unit import FileStamp, Unit

    def unit(flight: str, number: int, of: int, sha256: str) -> Any:
        stamp = FileStamp(f"{flight}/segment-{number:06d}.rec", 1000, 1_750_000_000_000_000_000, "00" * 32)
        said = {"flight": flight, "number": number, "of": of, "kind": "recording", "source": (f"rec:{stamp.path}",)}
        more = {"pose": None, "frames": 40, "bytes": 1000, "sha256": sha256, "files": (stamp,)}
        return Unit(**said, **more)  # type: ignore[arg-type]

    flown = [unit("/data/flown", number, 2, sha256) for number, sha256 in enumerate(UNITS)]
    return [*flown, unit("/data/other", 0, 1, "ef" * 32)]


@functools.cache
def manifests() -> dict[str, bytes]:
    from edge.archive.manifest import NAME, write_manifest
    from edge.archive.unit import Unread

    with tempfile.TemporaryDirectory() as name:
        unread = [Unread("/data/a.txt", "no recording"), Unread("/data/b.bin", "no picture")]
        write_manifest(Path(name), ["/data"], _units(), unread)
        return {"whole": (Path(name) / NAME).read_bytes()}


def read_manifest(folder: Path, data: bytes) -> None:
    """Its units, what is none, and what each flight of it has in a job: each by itself, as commands read them."""
    from edge.archive.manifest import NAME, Manifest
    from edge.archive.merge.parts import flights_of

    put(folder / NAME, data)
    manifest = Manifest(folder)
    errors = []
    for read in (manifest.unread, manifest.units, lambda: flights_of(manifest, folder / "job")):
        try:
            for one in read():
                str(one.name if hasattr(one, "name") else one)
        except InputError as error:
            errors.append(error)
    if errors:
        raise errors[-1]


@functools.cache
def jobs() -> dict[str, bytes]:
    import msgspec

    from edge.archive.job import Job, Options

    said = {"model": "/models/tiny", "model_sha256": "12" * 32, "code_sha256": "34" * 32}
    options = {"backend": "null", "threshold": "deer=0.5", "lens": "hfov=45", "ground": "400", "mounting": "0,-90,0"}
    found = {"short": Job(**said, options=Options()), "long": Job(**said, options=Options(**options))}
    return {name: msgspec.json.encode(job) for name, job in found.items()}


def read_job(folder: Path, data: bytes) -> None:
    """A job is read, named and gone on with: the settings of a run over a unit."""
    from edge.archive.job import NAME, jobs_of
    from edge.archive.job import read_job as read

    (folder / "jobs" / "one").mkdir(parents=True)
    put(folder / "jobs" / "one" / NAME, data)
    (found,) = jobs_of(folder)
    job = read(found)
    assert "/" not in job.name
    job.settings(_units()[0], folder / "out")


def tries() -> dict[str, bytes]:
    from edge.archive.tries import Tries

    with tempfile.TemporaryDirectory() as name:
        made = Tries(Path(name) / "t")
        made.begin()
        made.fail("/data/flown: it is cut off")
        made.again()
        made.begin()
        return {"few": (Path(name) / "t").read_bytes()}


def go_on_trying(folder: Path, data: bytes) -> None:
    """What was tried before is read as far as it can be; what is tried now counts, whatever stands before it."""
    from edge.archive.tries import Tries

    put(folder / "t", data)
    made = Tries(folder / "t")
    str(made.reason)
    begun, failed = made.begun, made.failed
    made.begin()
    made.fail("why\n\0\ud800")
    again = Tries(folder / "t")
    assert (again.begun, again.failed, again.over) == (begun + 1, failed + 1, made.over), (begun, failed, again.begun)
    if not begun:
        raise InputError("nothing was tried, as far as is known")


def claims() -> dict[str, bytes]:
    import msgspec

    from edge.archive.claims import Claim

    return {"own": msgspec.json.encode(Claim.own())}


def look_at_claim(folder: Path, data: bytes) -> None:
    """That of a process of this machine that lives is none to be taken; any other is, once it is old."""
    from edge.archive.claims import LEASE_S, Looks, take_away

    put(folder / "claim", data)
    now = [0.0]
    looks = Looks(lambda: now[0])
    dead = looks.abandoned(folder / "claim")
    now[0] = LEASE_S
    assert looks.abandoned(folder / "claim"), "it is never given up"
    take_away(folder / "claim")
    assert os.listdir(folder) == []
    if dead:
        raise InputError("its process is gone")


@functools.cache
def unit_results() -> dict[str, bytes]:
    """The results of two units of one flight."""
    from tests.edge.archive.merge.test_facts import units

    with tempfile.TemporaryDirectory() as name:
        both = units(Path(name))
        return {
            f"{place}/{path.relative_to(unit).as_posix()}": path.read_bytes()
            for place, unit in zip(("one", "two"), both, strict=True)
            for path in unit.rglob("*")
            if path.is_file()
        }


def of_a_unit(file: str) -> Callable[[], dict[str, bytes]]:
    return lambda: {place: unit_results()[f"{place}/{file}"] for place in ("one", "two")}


def join_with(file: str) -> Callable[[Path, bytes], None]:
    def act(folder: Path, data: bytes) -> None:
        """The second unit has this file; the flight of both is put together."""
        from edge.archive.merge.folders import flight_folder
        from edge.archive.merge.parts import Parts

        put(folder / "two" / file, data)
        both = tuple(_units()[:2])
        there = tuple(zip(both, (folder / "one", folder / "two"), strict=True))
        flight_folder(Parts("/data/flown", both, there, ()), "job", folder / "flights")

    return act


@functools.cache
def runs() -> dict[str, bytes]:
    """Two runs over the same frames."""
    from tests.support.two_runs import box, run

    found = {}
    with tempfile.TemporaryDirectory() as name:
        for letter, x in (("a", 10.0), ("b", 12.0)):
            frames = {
                seq: [box(x + seq, 20.0, track=1, position=[47.0, 8.0, 2.0]), box(90.0, x, name="deer")]
                for seq in range(4)
            }
            report = {"source": "x", "backend": "ort", "fps": 9.0, "latency_ms": {"p50": 3.0}, "versions": {"a": "1"}}
            counts = {
                "Person": {
                    "tracks": 1, "count": 1, "low": 1, "high": 2, "level": 0.9, "method": "m", "animals": [[1]],
                }
            }  # fmt: skip
            folder = run(Path(name) / letter, frames, tracks=[{"track": 1}], counts=counts, report=report, without=[3])
            files = [path for path in folder.rglob("*") if path.is_file()]
            found |= {f"{letter}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in files}
    return found


def of_a_run(file: str) -> Callable[[], dict[str, bytes]]:
    return lambda: {"b": runs()[f"b/{file}"]}


def compare_with(file: str) -> Callable[[Path, bytes], None]:
    def act(folder: Path, data: bytes) -> None:
        from edge.app.compare.compare import compare

        put(folder / "b" / file, data)
        compare(folder / "a", folder / "b")

    return act


FILES = {"detections.jsonl": "lines", "tracks.jsonl": "lines", "report.json": "json", "counts.json": "json"}
ROWS = (
    Target("manifest", manifests, read_manifest, "lines"),
    Target("archive-job", jobs, read_job, "json"),
    Target("tries", tries, go_on_trying, "lines"),
    Target("claims", claims, look_at_claim, "json"),
    *(
        Target(
            f"unit-{file.partition('.')[0]}", of_a_unit(file), join_with(file), kind, (EdgeError,), beside=unit_results
        )
        for file, kind in FILES.items()
    ),
    *(
        Target(f"compare-{file.partition('.')[0]}", of_a_run(file), compare_with(file), kind, beside=runs)
        for file, kind in FILES.items()
    ),
)
