"""The detector: noise, stripes of columns and rows, uneven housing, dead pixels; and counts of 16 bit."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import KELVIN_AT_0_C, Float32
from edge.sim.wild.scene import HEIGHT, WIDTH, Scene


def expose(celsius: Float32, scene: Scene, rng: np.random.Generator) -> Float32:
    """(H, W) deg C as the detector has it: `celsius` plus everything that is its own."""
    noise = rng.standard_normal((HEIGHT, WIDTH), np.float32) * np.float32(scene.netd)
    if rng.random() < 0.4:  # the core smooths in space or time, which leaves soft noise
        noise = 1.8 * np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.7), np.float32)
    columns, rows = (rng.standard_normal(n, np.float32) * np.float32(scene.stripes) for n in (WIDTH, HEIGHT))
    part = np.float32(rng.uniform(0, 1))
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in (HEIGHT, WIDTH))
    shift = rng.uniform(-0.3, 0.3, 2).astype(np.float32)
    glow = ((x - shift[0]) ** 2)[None] + ((y - shift[1]) ** 2)[:, None]
    seen: Float32 = (
        celsius + noise + part * columns + (1 - part) * rows[:, None] + glow * np.float32(scene.vignette / 2)
    )
    dead = rng.integers(0, HEIGHT * WIDTH, rng.poisson(3) if rng.random() < 0.2 else 0)
    seen.ravel()[dead] += rng.normal(0, 20, len(dead)).astype(np.float32)
    return seen


def counts(celsius: Float32, gain: float) -> npt.NDArray[np.uint16]:
    """Raw counts of ``gain`` K each."""
    raw = np.rint((celsius + np.float32(KELVIN_AT_0_C)) / np.float32(gain))
    return np.asarray(np.clip(raw, 0, 65535), np.uint16)
