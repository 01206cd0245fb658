"""What a bench measures, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.app.settings import MODEL
from edge.errors import InputError
from edge.measure.percentiles import LEAST_RESULTS
from edge.model.tiling import Tiling
from edge.system.text import repr_without_passwords

DEFAULT_SOURCE = "sim:live=0"
SECONDS, PUBLISHED_SECONDS, PUBLISHED_RUNS = 60.0, 600.0, 5
WARM_UP_S = 5.0
RESULTS = LEAST_RESULTS[99]  # a run goes on until so many results carry its p99
MOST_TIMES = 1.5  # but no longer than so many times the seconds that were asked for
RATES = (10.0, 30.0, 60.0)  # of a published bench: frames a second


@dataclass(frozen=True)
class Limits:
    """When one run ends: after ``seconds`` and ``results`` of them, at the latest after ``most_s``; the warm-up is not
    in it.
    """

    warm_up_s: float
    seconds: float
    results: int
    most_s: float

    @classmethod
    def of(cls, seconds: float, warm_up_s: float, percentile: float = 99) -> Limits:
        """For a run that is to carry this percentile."""
        return cls(warm_up_s, seconds, LEAST_RESULTS[percentile], seconds * MOST_TIMES)


@dataclass(frozen=True)
class BenchSettings:
    """What to measure.

    ``seconds``: of a run, after ``warm_up_s``. ``runs``: how many, one after the other. ``publish``: as a published
    figure needs it: five runs of 600 s, the rates 10, 30 and 60, the highest rate; it decides ``seconds`` and ``runs``.
    ``rate``: also at these rates of a camera, frames a second, a third of ``seconds`` each. ``peak``: also look for the
    highest rate at which at most 5 % of the frames are lost. ``cold_start``: also how long a fresh process takes to its
    first detections. ``layers``: also how long each layer takes, TensorRT only. ``frames``, ``annotations``: a folder
    of labelled frames and its COCO file: also how much is found there. ``json``: where the report will be written;
    ``trace``: a file for a line a result; ``png``: a picture of the figures.
    ``tiles``, ``threads`` .. ``spin``: see `edge.engine.open_engine`.

    Raises InputError for what contradicts itself.
    """

    model: str = str(MODEL)
    source: str = DEFAULT_SOURCE
    seconds: float | None = None
    runs: int | None = None
    publish: bool = False
    warm_up_s: float = WARM_UP_S
    rate: tuple[float, ...] = ()
    peak: bool = False
    cold_start: bool = True
    layers: bool = False
    frames: Path | None = None
    annotations: Path | None = None
    json: Path | None = None
    trace: Path | None = None
    png: Path | None = None
    backend: str = "auto"
    tiles: str | None = None
    threads: int = 0
    trust_engine: bool = False
    zero_copy: bool = False
    spin: bool = False

    __repr__ = repr_without_passwords

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", tuple(self.rate))
        if self.publish and (self.seconds is not None or self.runs is not None):
            raise InputError(
                f"--publish is {PUBLISHED_RUNS} runs of {PUBLISHED_SECONDS:.0f} s: leave --seconds and --runs out, or "
                "leave --publish out for a shorter bench, which is named as not for publishing"
            )
        if self.publish and self.json is None:
            raise InputError("--publish needs a file for the report: give --json FILE")
        if self.tiles is not None:
            Tiling.parse(self.tiles)
            if self.layers:
                raise InputError("--layers times one call of the engine, and --tiles makes several a frame: give one")
        if (self.frames is None) != (self.annotations is None):
            raise InputError("--frames DIR and --annotations FILE belong together: give both or none")

    @property
    def run_seconds(self) -> float:
        return PUBLISHED_SECONDS if self.publish else SECONDS if self.seconds is None else self.seconds

    @property
    def run_count(self) -> int:
        return PUBLISHED_RUNS if self.publish else self.runs or 1

    @property
    def rates(self) -> tuple[float, ...]:
        return self.rate or (RATES if self.publish else ())

    @property
    def asks_peak(self) -> bool:
        return self.peak or self.publish

    @property
    def limits(self) -> Limits:
        """Of each of the runs."""
        return Limits.of(self.run_seconds, self.warm_up_s)
