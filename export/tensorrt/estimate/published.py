"""Times that others published of other networks, and how far the estimate is from them."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from export.tensorrt.estimate.boards import board_named
from export.tensorrt.estimate.roofline import Span, span
from export.tensorrt.estimate.work import Work

_GUIDE = "https://github.com/ultralytics/ultralytics/blob/main/docs/en/guides/nvidia-jetson.md"
_ULTRALYTICS = f"its authors' benchmark, power mode not stated: {_GUIDE}"
_TRTEXEC = (
    "trtexec, GPU compute time, MAXN_SUPER: https://github.com/hokwangchoi/jetson-orin-nano-benchmarks, "
    "vision-benchmarks/assets/results/yolov8_20260414_223810.json"
)

# of each network at 640x640: GFLOP, MB and number of its kernels. Those that do about as many operations for a byte
# stand together: the estimate differs from that of the single kernels by less than 0.1 %. Ultralytics 8.4.190,
# networks made from its yaml files without weights, exported in float16 and compiled by TensorRT-RTX 1.7.1 for SM86
NETWORKS: dict[str, tuple[tuple[float, float, int], ...]] = {
    "yolov8n": ((0.001, 47.64, 32), (0.22, 13.93, 3), (0.003, 0.11, 1), (0.304, 8.5, 7), (0.616, 13.16, 4),
        (0.052, 0.85, 1), (0.38, 5.24, 5), (0.105, 1.29, 1), (0.682, 7.27, 5), (0.459, 4.1, 5), (0.619, 4.33, 6),
        (0.872, 4.8, 6), (2.573, 10.12, 15), (1.858, 5.71, 4)),
    "yolo11n": ((0.027, 58.66, 45), (0.141, 9.83, 2), (0.253, 9.27, 6), (0.53, 14.52, 17), (0.369, 7.69, 4),
        (0.554, 10.35, 8), (0.052, 0.85, 1), (0.393, 5.41, 7), (0.492, 5.26, 8), (1.049, 9.37, 8), (0.177, 1.36, 6),
        (0.265, 1.69, 6), (0.354, 1.89, 3), (1.652, 6.8, 5), (0.236, 0.76, 1)),
    "yolo11s": ((0.048, 112.03, 50), (0.221, 8.15, 3), (0.275, 8.63, 3), (0.306, 6.51, 6), (0.878, 15.84, 3),
        (0.734, 11.63, 5), (0.472, 6.38, 6), (0.157, 1.94, 2), (1.389, 14.5, 5), (2.464, 22.73, 8),
        (1.917, 13.19, 8), (3.172, 17.7, 13), (5.78, 25.18, 15), (3.775, 10.72, 5)),
    "yolo11m": ((0.09, 194.58, 53), (0.254, 11.43, 4), (0.275, 8.63, 3), (0.501, 11.59, 5), (0.436, 7.98, 3),
        (1.52, 24.1, 4), (0.157, 2.24, 5), (0.629, 7.77, 6), (1.206, 12.57, 6), (3.775, 33.62, 9), (2.517, 20.06, 3),
        (3.28, 21.91, 8), (10.958, 57.43, 14), (17.026, 66.79, 20), (25.48, 58.41, 17)),
    "yolo11l": ((0.091, 227.61, 63), (0.505, 22.76, 7), (0.485, 15.19, 4), (1.003, 23.17, 10), (0.436, 7.98, 3),
        (1.94, 30.72, 6), (0.315, 4.48, 10), (1.258, 15.54, 12), (2.359, 24.6, 11), (2.097, 17.65, 13),
        (5.872, 46.4, 4), (4.643, 30.2, 10), (13.527, 70.9, 22), (21.483, 80.66, 28), (31.143, 74.24, 29)),
    "yolo11x": ((0.137, 336.64, 63), (0.123, 4.45, 2), (1.047, 32.25, 7), (1.189, 24.77, 4), (0.025, 0.43, 1),
        (2.379, 37.33, 10), (0.531, 6.55, 1), (4.483, 47.0, 15), (2.831, 23.89, 12), (1.062, 8.19, 7),
        (5.662, 38.73, 10), (17.931, 96.5, 14), (42.121, 161.76, 38), (115.753, 248.2, 48)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Published:
    """``ms``: float16, batch 1, as published. ``source``: where, and how it was measured."""

    network: str
    board: str
    ms: float
    source: str


PUBLISHED = (
    Published("yolov8n", "orin-nano-super", 4.43, _TRTEXEC),
    *(
        Published(network, board, ms, _ULTRALYTICS)
        for board, times in {
            "orin-nano-super": {"yolo11n": 4.91, "yolo11s": 7.30, "yolo11m": 13.99, "yolo11l": 17.57, "yolo11x": 32.94},
            "orin-nx-16": {"yolo11n": 4.85, "yolo11s": 7.55, "yolo11m": 14.45, "yolo11l": 18.53, "yolo11x": 35.99},
            "agx-orin-64": {"yolo11n": 2.60, "yolo11s": 3.68, "yolo11m": 6.79, "yolo11l": 8.11, "yolo11x": 13.66},
        }.items()
        for network, ms in times.items()
    ),
)


@dataclass(frozen=True, slots=True)
class Check:
    """One published time and the estimate of the same network on the same board."""

    published: Published
    estimate: Span

    @property
    def error(self) -> float:
        """Of the likely estimate, as a part of the published time: -0.2 is a fifth too fast."""
        return self.estimate.likely / self.published.ms - 1

    @property
    def inside(self) -> bool:
        """Whether the published time lies in the estimate's range."""
        return self.estimate.least <= self.published.ms <= self.estimate.most


def checks() -> list[Check]:
    """Every published time against its estimate, in the order of `PUBLISHED`."""
    return [Check(p, span((Work(*w) for w in NETWORKS[p.network]), board_named(p.board))) for p in PUBLISHED]


def worst(found: list[Check]) -> Check:
    """The one whose estimate is furthest from what was published."""
    return max(found, key=lambda check: abs(check.error))


def median_error(found: list[Check]) -> float:
    """Of the errors without their signs."""
    return statistics.median(abs(check.error) for check in found)
