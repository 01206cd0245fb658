"""Rows: the engine raises, gives numbers that are none, loses the GPU; the memory is used up."""

from __future__ import annotations

from pathlib import Path

from tests.cuda_sim.build import Unavailable, simulator
from tests.cuda_sim.process import fly_each
from tests.faults.flights import Ended
from tests.faults.inside import AT
from tests.faults.row import Field, Row, Seen
from tests.faults.words import of_file, run
from tests.trt_sim.plan import add_engine

FRAMES = 20


def _flown(field: Field, fault: str, number: float = 1.0) -> tuple[Ended, Path]:
    out = Path(field.hangar.place("engine"), "out")
    return field.hangar.fly(run(field, of_file(FRAMES), out, "--record"), out, 60, inside=(fault, number)), out


def _failed(seen: Seen, out: Path, says: str) -> None:
    """All before it is kept, and the report knows."""
    found = seen.left(out)
    seen.require(len(found.lines) == AT - 1, f"{len(found.lines)} lines, expected {AT - 1}")
    error = (found.report or {}).get("error") or ""
    seen.require(says in error, f"the report says {error!r}")


def raises(field: Field) -> Seen:
    seen = Seen()
    ended, out = _flown(field, "engine raises")
    seen.ended(ended, (1,), "cuGraphLaunch failed: unknown error")
    _failed(seen, out, "cuGraphLaunch failed")
    return seen


def fault_of_its_own(field: Field) -> Seen:
    """Of this program: the traceback is for who repairs it, and comes last."""
    seen = Seen()
    ended, out = _flown(field, "engine has a fault of its own")
    seen.require("Traceback" in ended.err, "no traceback of a fault of the program's own")
    seen.ended(Ended(**{**vars(ended), "err": ended.err.replace("Traceback", "")}), (1,), "ZeroDivisionError: .*")
    _failed(seen, out, "division by zero")
    return seen


def no_memory(field: Field) -> Seen:
    seen = Seen()
    ended, out = _flown(field, "no memory")
    seen.ended(ended, (1,), "memory")
    _failed(seen, out, "memory")
    return seen


def little_memory(field: Field) -> Seen:
    """RLIMIT_AS, from none more than there is to more than a flight needs: each ends in order, or flies."""
    seen = Seen()
    for more in (0, 4, 16, 64, 256, 4096):
        out = Path(field.hangar.place("memory"), "out")
        ended = field.hangar.fly(run(field, of_file(FRAMES), out, "--record"), out, 60, limits={"AS": more << 20})
        begin = len(seen.wrong)
        seen.ended(ended, (0, 1), "memory|thread" if ended.code else "")
        if out.exists():
            found = seen.left(out)
            if ended.code == 0:
                seen.require(len(found.lines) == FRAMES, f"{len(found.lines)} lines, and exit code 0")
        seen.wrong[begin:] = [f"{more} MiB: {wrong}" for wrong in seen.wrong[begin:]]
    seen.require(0 in seen.exits, "none flew")
    seen.require(1 in seen.exits, "none lacked memory")
    return seen


def no_numbers(field: Field) -> Seen:
    """NaN in boxes and scores of three frames."""
    seen = Seen()
    ended, out = _flown(field, "engine gives NaN", 3.0)
    seen.ended(ended, (0,), "WARNING: in 3 frame.* numbers inside the network")
    found = seen.left(out)
    seen.require(len(found.lines) == FRAMES, f"{len(found.lines)} lines, expected {FRAMES}")
    seen.require((found.report or {}).get("overflowed") == 3, "the report does not count them")
    return seen


def sticky(field: Field) -> Seen:
    """TensorRT's stand-in on the simulated driver; no GPU."""
    try:
        sim = simulator()
    except Unavailable as reason:
        return Seen(skipped=str(reason))
    seen = Seen()
    place = field.hangar.place("sticky")
    bundle = add_engine(_bundle(place / "deer"))
    out = place / "out"
    words = ["run", "--backend", "trt", "--source", of_file(FRAMES), "--model", str(bundle), "--out", str(out)]
    (ended,) = fly_each(sim, [(words, {"CUDA_SIM_FAIL": "run:launch:12=700"})], "edge")
    one = Ended(ended.code, ended.out, ended.err, 0.0, 0.0, 0)
    seen.ended(one, (1,), "an illegal memory access was encountered")
    found = seen.left(out)
    seen.require(0 < len(found.lines) < FRAMES, f"{len(found.lines)} lines")
    seen.require("illegal memory access" in ((found.report or {}).get("error") or ""), "the report does not say it")
    return seen


def _bundle(folder: Path) -> Path:
    from tests.conftest import write_bundle

    return write_bundle(folder)


BUDGET_S = 30.0
OF_MEMORY = "failed: a traceback; one line says that the memory is used up"
OF_NAN = "failed for an engine of one's own: taken for nothing found; every engine's rows are looked at, and counted"
ENGINES = [
    Row("engine raises an error", raises, BUDGET_S, quick=True),
    Row(
        "engine: a fault of this program",
        fault_of_its_own,
        BUDGET_S,
        "failed: no report; it is written before the error is raised again",
    ),
    Row("engine gives NaN in three frames", no_numbers, BUDGET_S, OF_NAN),
    Row("GPU lost (sticky error of CUDA, simulated)", sticky, 120.0),
    Row("memory used up in a frame", no_memory, BUDGET_S, OF_MEMORY, quick=True),
    Row("little memory (RLIMIT_AS)", little_memory, BUDGET_S, OF_MEMORY),
]
