"""The report of ``edge bench --json``, declared: its fields, their types and units, and the JSON Schema of it.

What writes it is `edge.app.bench.bench`. A version of ``format`` may get fields; none goes, none changes its meaning.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from edge.app.report_json import Count, Host, Ms, Normalise, Part, Power, Seconds, TilingReport
from edge.errors import InputError
from edge.system.declared import declared, json_file
from edge.system.files import reason_of

Rate = Annotated[float, Meta(ge=0, description="frames a second")]
Celsius = Annotated[float, Meta(description="degrees C")]
Watts = Annotated[float, Meta(description="W")]


class Spread(Struct, rename={"p99_9": "p99.9"}):
    """Of many times. A percentile that too few results carry is left out; all are, where there is no result."""

    mean: Ms | UnsetType = UNSET
    p50: Ms | UnsetType = UNSET
    p90: Ms | UnsetType = UNSET
    p95: Ms | UnsetType = UNSET
    p99: Ms | UnsetType = UNSET
    p99_9: Ms | UnsetType = UNSET
    max: Ms | UnsetType = UNSET


class WarmUp(Struct):
    """Before a run; not counted in it."""

    seconds: Seconds
    results: Count


class RunFigures(Struct):
    """One run."""

    results: Count
    seconds: Seconds
    ended: Literal["enough results", "time limit", "end of source"]
    warm_up: WarmUp
    fps: Rate | None
    latency_ms: Spread
    interval_ms: Annotated[Spread, Meta(description="between two results")]
    jitter_ms: Annotated[Spread, Meta(description="how far intervals are from their median")]
    stages_ms: dict[str, Spread]
    dropped: Count
    duplicates: Count
    lost: Count
    shutter_frames: Count
    unconverged: Count
    overflowed: Count


class RateFigures(Struct):
    """Frames that came at a rate, whether they were taken or not."""

    rate: Rate
    results: Count
    seconds: Seconds
    fps: Rate | None
    loss: Annotated[Part, Meta(description="of the frames, those without a result: 1 - fps / rate")]
    dropped: Count
    age_ms: Annotated[Spread, Meta(description="of a frame when its detections are there")]


class Peak(Struct):
    """The highest rate with at most ``most_loss``, by binary search; null: none that was tried."""

    rate: Rate | None
    most_loss: Part
    tries: list[RateFigures]


class ColdStartFigures(Struct):
    """Seconds since a fresh process was started; ``error``: why there are none."""

    imported_s: Seconds | None
    engine_s: Seconds | None
    first_detections_s: Seconds | None
    error: str | None


class HeldFrames(Struct):
    """The frames that were given again and again; ``sha256`` is of their sizes, types and pixels."""

    count: Count
    width: Count
    height: Count
    type: Literal["uint8", "uint16"]
    sha256: str


class Between(Struct):
    """Lowest and highest of the runs."""

    fps: tuple[Rate, Rate]
    latency_p50_ms: tuple[Ms, Ms]


class ClassAccuracy(Struct):
    """Of one class, IoU 0.5; recall and precision at the bundle's threshold of it. null: nothing to find, nothing
    found.
    """

    boxes: Annotated[int, Meta(ge=0, description="true ones")]
    ap50: Part | None
    recall: Part | None
    precision: Part | None
    threshold: Annotated[Part, Meta(description="reports of before have none")] | UnsetType = UNSET


class Accuracy(Struct):
    """What the same engine finds in labelled frames."""

    frames: Count
    frames_sha256: Annotated[str, Meta(description="of the frames' sizes, types and pixels, in the file's order")]
    annotations_sha256: str
    threshold: Annotated[Part, Meta(description="the lowest of these classes")]
    classes: dict[str, ClassAccuracy]


class Layer(Struct):
    """One layer of TensorRT's engine. null: `edge-export engine` wrote nothing of it, or TensorRT does not tell."""

    name: str
    mean_ms: Ms
    kind: str | None
    output: Annotated[str | None, Meta(description="type and order in memory of its first output")]
    tactic: Annotated[str | None, Meta(description="its kernel")]


class Layers(Struct):
    """Measured without CUDA graph, after everything else."""

    frames: Count
    layers: list[Layer]


class Memory(Struct):
    """Of the process in RAM, MiB."""

    first: float
    last: float
    max: float


class Clock(Struct):
    """MHz. ``allowed``: the highest of the power mode; ``hardware``: the highest there is."""

    min: float
    mean: float
    max: float
    allowed: Count | None
    hardware: Count | None


class Zone(Struct):
    """``first``: before the first run; ``trip``: from here on clocks are lowered."""

    first: Celsius | None
    max: Celsius
    trip: Celsius | None


class PowerFigures(Struct):
    """As measured. ``total_of``: the rails whose sum ``total_w`` is; ``above_idle_w``: less ``idle_w``."""

    rails_w: dict[str, Watts]
    total_w: Watts
    total_of: list[str]
    idle_w: Watts | None
    above_idle_w: Watts | None
    joules_a_frame: float | None


class Machine(Struct):
    """What the machine did during the runs, from a sample a second; null where it does not tell."""

    samples: Count
    cpu_percent: Annotated[float | None, Meta(description="of one core, by this process")]
    machine_percent: Annotated[float | None, Meta(description="of all cores, by all programs")]
    rss_mib: Memory | None
    rss_slope_mib_per_min: float | None
    cpu_mhz: Annotated[Clock | None, Meta(description="of the fastest core")]
    gpu_mhz: Clock | None
    celsius: dict[str, Zone]
    fan_rpm: float | None
    power: PowerFigures | None
    events: Annotated[dict[str, int], Meta(description="by how much counters rose, such as over-current events")]
    throttling: Annotated[list[str], Meta(description="what slowed the machine down, in words")]


class BeforeAndAfter(Struct):
    """The state of the machine before the first run and after everything."""

    before: Power
    after: Power


class ResultsFile(Struct):
    """Every result, a row each, in a file beside this one."""

    name: str
    sha256: str


class BenchReport(Struct, kw_only=True):
    """The whole file."""

    format: Literal[1]
    published: Annotated[bool, Meta(description="whether it was five runs of 600 s: --publish")]
    interrupted: Annotated[str | None, Meta(description="what is whole, where Ctrl-C ended it; null: all of it")]
    frames: Annotated[int, Meta(ge=0, description="results of all runs")]
    fps: Annotated[float, Meta(gt=0, description="the middle one of the runs: (N - 1) / (t_last - t_first)")]
    latency_ms: Annotated[Spread, Meta(description="from capture to detections, all runs together")]
    stages_ms: dict[str, Spread]
    percentiles: Annotated[str, Meta(description="the method and the rule")]
    spread: Between
    dropped: Count
    duplicates: Count
    lost: Count
    shutter_frames: Count
    unconverged: Count
    overflowed: Count
    detections: dict[str, Count]
    runs: Annotated[list[RunFigures], Meta(min_length=1)]
    rates: list[RateFigures]
    peak: Peak | None
    cold_start: ColdStartFigures | None
    backend: str
    engine: str
    engine_chosen: str
    engine_notes: list[str]
    tiling: Annotated[TilingReport | None, Meta(description="null: without --tiles")]
    model: str
    model_files: Annotated[dict[str, str], Meta(description="sha256 by file")]
    normalise: Normalise
    source: str
    camera: str
    held_frames: Annotated[HeldFrames | None, Meta(description="null: a live camera")]
    accuracy: Accuracy | None
    layers: Layers | None
    machine: Machine
    peak_memory_mib: Count
    host: Host
    power: BeforeAndAfter
    versions: dict[str, str]
    method: str
    results_file: ResultsFile | UnsetType = UNSET


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the report."""
    return msgspec.json.schema(BenchReport)


def read_report(path: Path) -> BenchReport:
    """A report from its file. Raises InputError where it is none, or of another version."""
    try:
        value = json_file(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({reason_of(error)}): give a report of edge bench --json") from None
    except ValueError as error:
        raise InputError(f"{path} is no JSON ({error}): give a report of edge bench --json") from None
    found = value.get("format") if isinstance(value, dict) else None
    if found != 1 or not isinstance(value, dict):
        raise InputError(
            f"{path} has format {json.dumps(found)}: expected 1, as edge bench --json of this version writes it: "
            "measure again"
        )
    try:
        return declared({"tiling": None, **value}, BenchReport)  # before there were tiles a report said nothing of them
    except ValueError as error:
        raise InputError(f"{path}: {error}: give a report as edge bench --json wrote it") from None
