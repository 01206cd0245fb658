"""Training crops: cut, scaled and varied such that 10 to 40 px objects fill them, and no more than flight
varies.

All geometry is one affine warp from the frame, so that pixels are sampled once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from edge.data import Float32
from edge.thermal.normalise import NormaliseSpec
from export.data.dataset import Int64, LabelledFrame

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Augmentation:
    """How much is varied. Probabilities are 0..1, pairs are lowest and highest.

    ``crop``: side of a training crop, network input px. ``scale``: of the frame as the network sees it, log-uniform.
    ``window``: 16-bit frames: how far the ends of the normaliser's window move, part of its width.
    ``gain``, ``gamma``: factors, ``offset``: grey levels, as the camera's gain control varies. ``noise``:
    grey levels, 1 sigma. ``blur``: px, sigma. ``background``: crops drawn anywhere. ``hard_examples``:
    crops drawn where a detector erred, if that is known. ``min_visible``: part of a box that must be inside the crop; a
    box cut further is neither object nor background.
    """

    crop: int = 320
    scale: tuple[float, float] = (0.8, 1.3)
    hflip: float = 0.5
    vflip: float = 0.0
    quarter_turns: float = 0.0
    mosaic: float = 0.2
    background: float = 0.15
    hard_examples: float = 0.4
    window: float = 0.2
    gain: tuple[float, float] = (0.85, 1.2)
    offset: tuple[float, float] = (-10.0, 10.0)
    gamma: tuple[float, float] = (0.93, 1.07)
    noise: tuple[float, float] = (0.0, 1.5)
    blur: tuple[float, float] = (0.0, 0.4)
    min_visible: float = 0.4


@dataclass(frozen=True)
class Crop:
    """A training picture: ``pixels`` (S, S) uint8; boxes, labels and ignored regions as in
    `LabelledFrame`.
    """

    pixels: Grey
    boxes: Float32
    labels: Int64
    ignored: Float32


def jittered(spec: NormaliseSpec, part: float, rng: np.random.Generator) -> NormaliseSpec:
    """``spec`` with the ends of its window moved by up to ``part``; methods without a window stay."""
    moved = {
        name: spec.number(name) * rng.uniform(1 - part, 1 + part)
        for name in ("below", "above", "above_kelvin", "above_unscaled")
        if spec.method == "anchored"
    }
    return replace(spec, params={**spec.params, **moved})


def warp_of(
    frame: LabelledFrame,
    point: tuple[float, float],
    side: int,
    resized: float,
    settings: Augmentation,
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Affine map (2, 3) from frame pixels (x right, y down, edges at whole numbers) to crop pixels.

    ``resized``: network input pixels a frame pixel, which ``settings.scale`` varies. ``point`` lands in the middle
    half of the crop; the crop stays inside the frame where it fits.
    """
    low, high = np.log(settings.scale)
    s = resized * float(np.exp(rng.uniform(low, high)))
    corner = []
    for centre, length in zip(point, (frame.width, frame.height), strict=True):
        window = side / s
        start = centre - window * rng.uniform(0.25, 0.75)
        corner.append(np.clip(start, 0, length - window) if length > window else (length - window) / 2)
    a = np.array([[s, 0, -s * corner[0]], [0, s, -s * corner[1]], [0, 0, 1]])
    middle = np.array([[1, 0, -side / 2], [0, 1, -side / 2], [0, 0, 1]])
    turn = np.eye(3)
    if rng.random() < settings.hflip:
        turn = np.diag([-1.0, 1, 1]) @ turn
    if rng.random() < settings.vflip:
        turn = np.diag([1.0, -1, 1]) @ turn
    if rng.random() < settings.quarter_turns:
        quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
        turn = np.linalg.matrix_power(quarter, int(rng.integers(1, 4))) @ turn
    whole = np.linalg.inv(middle) @ turn @ middle @ a
    return np.asarray(whole[:2])


def cut(
    grey: Grey,
    frame: LabelledFrame,
    affine: npt.NDArray[np.float64],
    side: int,
    fill: float,
    min_visible: float,
) -> Crop:
    """The (side, side) crop of ``grey`` (the frame's picture) under ``affine``; outside the frame it is
    ``fill``.
    """
    # OpenCV puts whole numbers at pixel centres, boxes at pixel edges
    centred = affine.copy()
    centred[:, 2] += affine[:, :2] @ (0.5, 0.5) - 0.5
    pixels = cv2.warpAffine(
        grey,
        centred,
        (side, side),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(fill,),
    )
    boxes, part = _warp_boxes(frame.boxes, affine, side)
    regions, region_part = _warp_boxes(frame.ignored, affine, side)
    kept, lost = part >= min_visible, (part > 0) & (part < min_visible)
    ignored = np.concatenate([regions[region_part > 0], boxes[lost]])
    return Crop(np.asarray(pixels, np.uint8), boxes[kept], frame.labels[kept], ignored)


def _warp_boxes(boxes: Float32, affine: npt.NDArray[np.float64], side: int) -> tuple[Float32, npt.NDArray[np.float64]]:
    """Boxes (N, 4) in crop pixels, clipped to it, and the part of each (N,) that is inside."""
    corners = boxes.reshape(-1, 2, 2).astype(np.float64) @ affine[:, :2].T + affine[:, 2]
    low, high = corners.min(axis=1), corners.max(axis=1)
    inside_low, inside_high = low.clip(0, side), high.clip(0, side)
    part = (inside_high - inside_low).prod(axis=1) / np.maximum((high - low).prod(axis=1), 1e-9)
    return np.concatenate([inside_low, inside_high], axis=1).astype(np.float32), part


def vary_grey(pixels: Grey, settings: Augmentation, rng: np.random.Generator) -> Grey:
    """The same picture as another gain control, focus and sensor would have given it."""
    sigma = rng.uniform(*settings.blur)
    if sigma > 0.2:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)
    levels = np.arange(256) / 255
    levels = levels ** rng.uniform(*settings.gamma) * 255
    mean = float(levels[pixels].mean())
    levels = (levels - mean) * rng.uniform(*settings.gain) + mean + rng.uniform(*settings.offset)
    grey = levels[pixels].astype(np.float32)
    strength = rng.uniform(*settings.noise)
    if strength > 0.3:
        grey += rng.standard_normal(grey.shape, np.float32) * np.float32(strength)
    return np.asarray(grey.round().clip(0, 255), np.uint8)


def join(quarters: list[Crop]) -> Crop:
    """Four crops of side S as one of side 2 S: top left, top right, bottom left, bottom right."""
    s = quarters[0].pixels.shape[0]
    a, b, c, d = (q.pixels for q in quarters)
    shifts = [np.array([x, y, x, y], np.float32) for y in (0, s) for x in (0, s)]
    return Crop(
        np.block([[a, b], [c, d]]),
        np.concatenate([q.boxes + shift for q, shift in zip(quarters, shifts, strict=True)]),
        np.concatenate([q.labels for q in quarters]),
        np.concatenate([q.ignored + shift for q, shift in zip(quarters, shifts, strict=True)]),
    )
