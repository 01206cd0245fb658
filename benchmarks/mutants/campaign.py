"""One run: how many changes each area has, what became of them, and the figures."""

from __future__ import annotations

import argparse
import datetime
import gc
import json
import resource
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.mutants.areas import Area, chosen
from benchmarks.mutants.copies import Copy, import_libraries
from benchmarks.mutants.running import Covered, covered, each, start
from benchmarks.mutants.sites import Mutant, diff, mutated, places_in, sample

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "mutants"
LAST = KEPT / "last.json"
TARGET = 0.85


@dataclass(frozen=True)
class Job:
    """One change and the file that it makes."""

    area: Area
    mutant: Mutant
    text: str
    diff: str


@dataclass
class Outcome:
    """``fate``: killed, hung (ended at its limit: killed as well), survived. ``by``: the test that failed."""

    area: str
    where: str
    operator: str
    occurrence: int
    diff: str
    fate: str
    by: str
    tests: int
    seconds: float


def shares(sizes: dict[str, int], count: int, least: int) -> dict[str, int]:
    """``count`` over the areas in proportion to their sizes, at least ``least`` each."""
    whole = sum(sizes.values())
    return {name: max(least, round(count * size / whole)) for name, size in sizes.items()}


def run(arguments: argparse.Namespace) -> int:
    """As the arguments say. Returns the exit code; raises ValueError and NotGreen."""
    since = time.monotonic()
    areas = chosen(arguments.area)
    import_libraries(torch=any(area.source.startswith("export") for area, _ in areas))
    gc.freeze()
    jobs = [] if arguments.coverage else _drawn(areas, arguments)
    copies = [Copy(ROOT) for _ in range(max(1, min(arguments.jobs, len(jobs))))]
    try:
        known = {area.source: covered(area, ROOT, copies[0], KEPT) for area, _ in areas}
        outcomes = _judged(jobs, copies, known)
    finally:
        for copy in copies:
            copy.close()
    _print(outcomes, known, TARGET if not arguments.again else 0.0)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = (used.ru_utime + used.ru_stime) / 60
    print(f"{(time.monotonic() - since) / 60:.1f} minutes, {processor:.1f} of processor time")
    if not arguments.coverage:
        _write(outcomes, known, arguments)
    return 0


def _sources(area: Area, part: str) -> dict[str, str]:
    files = [name for name in area.files(ROOT) if name == part or name.startswith(f"{part}/")]
    if not files:
        raise ValueError(f"{part}: no such file or folder in {area.source}")
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in files}


def _drawn(areas: list[tuple[Area, str]], arguments: argparse.Namespace) -> list[Job]:
    sources = {area.source: _sources(area, part) for area, part in areas}
    if arguments.again:
        return _again(areas, sources)
    counts = shares({name: places_in(of) for name, of in sources.items()}, arguments.sample, arguments.least)
    jobs = []
    for area, _ in areas:
        for mutant, text in sample(sources[area.source], counts[area.source], f"{arguments.seed}:{area.source}"):
            jobs.append(Job(area, mutant, text, diff(mutant.path, sources[area.source][mutant.path], text)))
    return jobs


def _again(areas: list[tuple[Area, str]], sources: dict[str, dict[str, str]]) -> list[Job]:
    """The survivors of the last run, where their line is still what it was."""
    from benchmarks.mutants.sites import mutants_of

    if not LAST.is_file():
        raise ValueError(f"{LAST.relative_to(ROOT)} is not there: run it once without --again")
    expected = Counter(
        (o["where"].rpartition(":")[0], o["operator"], o["diff"])
        for o in json.loads(LAST.read_text())["changes"]
        if o["fate"] == "survived"
    )
    jobs = []
    for area, _ in areas:
        for path, source in sources[area.source].items():
            operators = {operator for name, operator, _ in expected if name == path}
            for mutant in mutants_of(path, source) if operators else ():
                text = mutated(source, mutant) if mutant.operator in operators else None
                if text is None:
                    continue
                change = diff(path, source, text)
                if expected[path, mutant.operator, change] > 0:
                    expected[path, mutant.operator, change] -= 1
                    jobs.append(Job(area, mutant, text, change))
    gone = sum(expected.values())
    if gone:
        print(f"{gone} survivors of the last run stand in other areas or in lines that were changed since")
    return jobs


def _judged(jobs: list[Job], copies: list[Copy], known: dict[str, Covered]) -> list[Outcome]:
    counts: dict[int, int] = {}

    def begin(copy: Copy, job: Job) -> tuple[int, float]:
        of = known[job.area.source]
        tests = of.tests_for(job.mutant, (ROOT / job.mutant.path).read_text(encoding="utf-8"))
        counts[id(job)] = len(tests)
        (copy.tree / job.mutant.path).write_text(job.text, encoding="utf-8")
        killer = copy.folder / "killer"
        killer.unlink(missing_ok=True)
        return start(copy, job.area, tests, of.seconds, killer)

    outcomes = []
    for number, (job, copy, code, seconds) in enumerate(each(copies, jobs, begin), 1):
        (copy.tree / job.mutant.path).write_text((ROOT / job.mutant.path).read_text(encoding="utf-8"), encoding="utf-8")
        killer = copy.folder / "killer"
        if code in (5, 70):  # 4: what the tests share could not be imported
            raise RuntimeError(f"{job.mutant}: its tests could not be run\n{copy.output.read_text()[-3000:]}")
        fate = "hung" if code is None else "survived" if code == 0 else "killed"
        by = killer.read_text() if killer.exists() else "while its tests are imported" if fate == "killed" else ""
        mutant = job.mutant
        where = f"{mutant.path}:{mutant.start[0]}"
        outcomes.append(
            Outcome(
                job.area.source, where, mutant.operator, mutant.occurrence, job.diff, fate, by, counts[id(job)],
                round(seconds, 1),
            )
        )  # fmt: skip
        print(f"{number}/{len(jobs)} {fate} {mutant} ({counts[id(job)]} tests, {seconds:.1f} s) {by}", flush=True)
    return outcomes


def _print(outcomes: list[Outcome], known: dict[str, Covered], target: float) -> None:
    for outcome in outcomes:
        if outcome.fate == "survived":
            print(f"\nsurvived: {outcome.where} {outcome.operator} ({outcome.tests} tests)\n{outcome.diff}")
    print(f"\n{'area':20}{'changes':>9}{'killed':>8}{'survived':>10}{'share':>9}{'lines':>9}{'branches':>10}")
    for area, of in known.items():
        fates = Counter(outcome.fate for outcome in outcomes if outcome.area == area)
        noticed, count = fates["killed"] + fates["hung"], sum(fates.values())
        lines, branches = (
            _percent(of.figures[run], of.figures[all_])
            for run, all_ in (("covered", "statements"), ("taken", "branches"))
        )
        low = "  below the target" if count and noticed / count < target else ""
        share = _percent(noticed, count)
        print(f"{area:20}{count:9}{noticed:8}{fates['survived']:10}{share:>9}{lines:>9}{branches:>10}{low}")


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _write(outcomes: list[Outcome], known: dict[str, Covered], arguments: argparse.Namespace) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    made = {
        "utc": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "area": arguments.area,
        "sample": arguments.sample,
        "seed": arguments.seed,
        "coverage": {area: of.figures for area, of in known.items()},
        "changes": [asdict(outcome) for outcome in outcomes],
    }
    LAST.write_text(json.dumps(made, indent=1))
    print(f"written: {LAST.relative_to(ROOT)}")
