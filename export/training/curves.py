"""The run's average precision, losses and learning rate as a picture."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT, MARGIN = 900, 180, 34
INK, LINE = (40, 40, 40), (170, 80, 20)


def draw_curves(*logs: Path) -> bytes:
    """PNG bytes: one panel for each column of each of ``logs`` (CSV, first column: step), smoothed over a
    twentieth. Logs that are not there, and columns without a finite value, are left out.
    """
    panels: list[npt.NDArray[np.uint8]] = []
    for log in logs:
        if not log.exists():
            continue
        with log.open(newline="") as file:
            rows = list(csv.reader(file))
        values = np.array([[float(v) for v in row] for row in rows[1:]]).reshape(-1, len(rows[0]))
        for i, name in enumerate(rows[0]):
            known = np.isfinite(values[:, i])
            if name not in ("step", "seconds") and known.any():
                panels.append(_panel(name, values[known, 0], values[known, i]))
    done, data = cv2.imencode(".png", np.vstack(panels))
    assert done
    return bytes(data)


def _panel(name: str, steps: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    span = max(1, len(values) // 20)
    smooth = np.convolve(np.pad(values, (span // 2, span - 1 - span // 2), "edge"), np.ones(span) / span, "valid")
    low, high = float(smooth.min()), float(smooth.max())
    x = MARGIN + (steps - steps[0]) / max(steps[-1] - steps[0], 1) * (WIDTH - 2 * MARGIN)
    y = HEIGHT - MARGIN - (smooth - low) / max(high - low, 1e-12) * (HEIGHT - 2 * MARGIN)
    points = np.stack([x, y], axis=1).round().astype(np.int32)
    cv2.polylines(picture, [points], False, LINE, 1, cv2.LINE_AA)
    text = f"{name}: {low:.4g} .. {high:.4g}, last {smooth[-1]:.4g}; steps {steps[0]:.0f} .. {steps[-1]:.0f}"
    cv2.putText(picture, text, (MARGIN, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)
    return picture
