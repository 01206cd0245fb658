"""Milliseconds on a board: of each kernel what it computes or what it moves, whichever takes longer, and its start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from export.tensorrt.estimate.boards import Board
from export.tensorrt.estimate.work import Work


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What share of a board's figures a real engine reaches; assumed, not measured by us.

    ``compute``: of dense float16 products. ``bandwidth``: of the memory's. ``kernel_us``: to start one kernel, in
    microseconds. ``walk_ns``: of TopK for one element of its axis, in nanoseconds.
    """

    compute: float
    bandwidth: float
    kernel_us: float
    walk_ns: float


# 2.1 ns: 51 us for 24,000 elements (ultralytics/ultralytics#25666, its GPU is not named)
LIKELY = Assumptions(compute=0.35, bandwidth=0.75, kernel_us=4.0, walk_ns=2.1)
SLOW = Assumptions(compute=0.25, bandwidth=0.50, kernel_us=6.0, walk_ns=4.0)
FAST = Assumptions(compute=0.50, bandwidth=0.85, kernel_us=2.5, walk_ns=1.0)


@dataclass(frozen=True, slots=True)
class Span:
    """An estimate and its range, in milliseconds: ``least`` with `FAST`, ``most`` with `SLOW`."""

    likely: float
    least: float
    most: float

    @property
    def fps(self) -> tuple[float, float, float]:
        """Frames a second of the engine alone, one frame after the other: low, likely, high."""
        return 1e3 / self.most, 1e3 / self.likely, 1e3 / self.least


def milliseconds(work: Work, board: Board, assumed: Assumptions) -> float:
    """Of one kernel, or of several that do about as many operations for a byte, for one frame on ``board``."""
    computes = work.gflop / (board.tflops * assumed.compute)  # 1e9 / 1e12 is 1e-3: milliseconds
    moves = work.mbytes / (board.gbytes_s * assumed.bandwidth)
    return max(computes, moves) + work.kernels * assumed.kernel_us / 1e3 + work.walked * assumed.walk_ns / 1e6


def span(work: Iterable[Work], board: Board) -> Span:
    """Of kernels that run one after the other."""
    kernels = list(work)
    likely, least, most = (sum(milliseconds(k, board, a) for k in kernels) for a in (LIKELY, FAST, SLOW))
    return Span(likely, least, most)
