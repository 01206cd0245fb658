"""What benchmarks/results/peers.json holds: figures of one run, each with its spread and how it was made."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers.agreement import Agreement
from benchmarks.peers.detectors import OURS
from benchmarks.peers.loops import PLAIN, SETTLED, STREAM, Look
from benchmarks.peers.turns import Turn
from edge.errors import InputError
from edge.system.declared import declared, read_json
from edge.system.files import reason_of

FORMAT = 1
WORTH = 0.9  # of ONNX Runtime's processor time: from here down OpenVINO is worth a backend
MULTIPLIES = "byte_products"  # in ``host``: what the processor multiplies bytes with, which decides about INT8
BUSY = 10.0  # per cent of the machine that others take: from here on the pages show ratios only


@dataclass(frozen=True)
class Spread:
    """Least, middle and greatest of many."""

    min: float
    median: float
    max: float


@dataclass(frozen=True)
class Ratio:
    """Times as long as ours: the middle of all rounds, and the middle half of them, ``low`` to ``high``. ``cpu``: the
    same middle of processor time.
    """

    median: float
    low: float
    high: float
    cpu: float


@dataclass(frozen=True)
class DetectorResult:
    """``ms``: a frame, from grey pixels to boxes. ``cpu_ms``: processor time for it, all threads. ``ratio``: to ours,
    None where it does not find the same. ``same``: None where it is ours, or absent. ``absent``: why it was not
    measured.
    """

    name: str
    short: str
    what: str
    rounds: int = 0
    ms: Spread | None = None
    cpu_ms: Spread | None = None
    ratio: Ratio | None = None
    same: Agreement | None = None
    absent: str | None = None


@dataclass(frozen=True)
class LoopResult:
    """``fps``: frames detected in a second. ``work_ms``: from taking a frame to its detections. ``age_ms``: from the
    moment when the camera made it. ``left_out``: part of the camera's frames that were never looked at.
    """

    name: str
    what: str
    results: int
    fps: float
    work_ms: Spread
    age_ms: Spread
    left_out: float


@dataclass(frozen=True)
class Load:
    """Per cent of the machine's processors that were busy, and that other programs took; None where it does not
    tell.
    """

    machine_percent: float | None
    others_percent: float | None

    @property
    def busy(self) -> bool:
        """Whether others took so much that times mean nothing."""
        return self.others_percent is None or self.others_percent >= BUSY

    def __str__(self) -> str:
        """In a line."""
        if self.others_percent is None:
            return "the machine does not tell what other programs took"
        return f"other programs took {self.others_percent:.0f} % of the machine"


@dataclass(frozen=True, kw_only=True)
class Peers:
    """One run. ``host``, ``versions``, ``model_files``: what was measured, with which libraries. ``frames``: where they
    are from. ``threads``: of each detector.
    """

    format: int
    command: str
    date: str
    host: dict[str, Any]
    versions: dict[str, str]
    model: str
    model_files: dict[str, str]
    frames: str
    threads: int
    method: list[str]
    load: Load
    loops_load: Load
    detectors: list[DetectorResult]
    rate: float
    buffers: int
    loops: list[LoopResult]
    left_out: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @property
    def processor(self) -> str:
        """Its name, and what it multiplies bytes with."""
        able = ", ".join(self.host.get(MULTIPLIES, ()))
        return f"{self.host['cpu']}{f' with {able}' if able else ''}"

    def verdict(self) -> str | None:
        """Of ONNX Runtime's time, what OpenVINO takes for the same graph; None where it was not compared."""
        ratios = {d.name: d.ratio for d in self.detectors if d.ratio is not None}
        pairs = {"float": (OURS, "openvino"), "INT8": ("int8", "openvino-int8")}
        both = {graph: (ratios[a], ratios[b]) for graph, (a, b) in pairs.items() if {a, b} <= set(ratios)}
        if not both:
            return None
        said = "; ".join(
            f"{graph} {b.median / a.median:.2f}, by processor time {b.cpu / a.cpu:.2f}"
            for graph, (a, b) in both.items()
        )
        line = f"Of ONNX Runtime's time for the same graph OpenVINO takes: {said}."
        if "INT8" in both:
            a, b = both["INT8"]
            held = "as" if b.cpu / a.cpu <= WORTH else "but not"
            line += (
                f" `--backend openvino` is offered because INT8 took at most {WORTH:.2f} of the processor time "
                f"before, {held} in this run."
            )
        return line

    def staleness(self) -> float | None:
        """Times as old as in ours a frame of the plain loop is when its detections are there, medians."""
        ages = {loop.name: loop.age_ms.median for loop in self.loops}
        return ages[PLAIN] / ages[STREAM] if {PLAIN, STREAM} <= set(ages) else None


def spread(values: Sequence[float]) -> Spread:
    """Of one value or more, rounded to 0.1."""
    return Spread(*(round(v, 1) for v in (min(values), statistics.median(values), max(values))))


def ratio(turns: Sequence[Turn], ours: Sequence[Turn]) -> Ratio:
    """Round by round: both had the same frame a moment apart, so that what disturbed the machine disturbed both."""
    by_round = sorted(a.wall / b.wall for a, b in zip(turns, ours, strict=True))
    cpu = statistics.median(a.cpu / b.cpu for a, b in zip(turns, ours, strict=True))
    middle = len(by_round) // 4
    shown = (statistics.median(by_round), by_round[middle], by_round[-1 - middle], cpu)
    return Ratio(*(round(v, 3) for v in shown))


def loop_result(name: str, what: str, parts: Sequence[Sequence[Look]]) -> LoopResult:
    """Of the parts of one loop; the first results of each are left out, while the queue fills."""
    settled = [part[SETTLED:] for part in parts]
    looks = [look for part in settled for look in part]
    steps, passed = len(looks) - len(settled), sum(part[-1].done - part[0].done for part in settled)
    made = sum(part[-1].seq - part[0].seq for part in settled)
    return LoopResult(
        name,
        what,
        len(looks),
        round(steps / passed, 2),
        spread([(look.done - look.taken) * 1e3 for look in looks]),
        spread([(look.done - look.captured) * 1e3 for look in looks]),
        round(1 - steps / made, 3),
    )


def read(path: Path) -> Peers:
    """What a run wrote. Raises InputError where it is none."""
    try:
        found = declared(read_json(path.read_bytes()), Peers)
    except (OSError, ValueError) as error:
        why = reason_of(error) if isinstance(error, OSError) else error
        raise InputError(f"{path}: {why}: expected what make bench-peers writes") from None
    if found.format != FORMAT:
        raise InputError(f"{path} has format {found.format}: expected {FORMAT}, make bench-peers writes it")
    return found
