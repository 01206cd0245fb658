"""What is seen of a body: its box as people draw boxes, how much of it shows, how it stands out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.data import Float32
from edge.sim.wild.layers import Visible
from edge.sim.wild.scene import HEIGHT, WIDTH

# people label with room: beyond where brightness has fallen to half, 2 px on each side of persons (HIT-UAV), 5.5 px on
# each side of larger deer (benchmarks/accuracy/simulated_animals.py prints both); tighter boxes miss IoU 0.5 against
# such labels
LABEL_MARGIN_PX, ANIMAL_ROOM = 1.5, 0.06  # px; and for animals so much of the longer side
LEAST_VISIBLE, LEAST_PIXELS, LEAST_CONTRAST = 0.25, 12.0, 1.2
_RING_PX = 6


@dataclass(frozen=True)
class Body:
    """``name``: animal, person or car. ``box``: xyxy px around what is seen, clipped to the frame. ``visible``: part of
    the body, 0..1. ``pixels``: area that is seen. ``contrast``: root mean square difference to the ground around, in
    spreads of that ground. ``kelvin``: mean difference to it, negative where the body is colder.
    """

    name: str
    species: str
    pose: str
    box: tuple[float, ...]
    visible: float
    pixels: float
    contrast: float
    kelvin: float

    @property
    def found_by_eye(self) -> bool:
        """Whether it is to be found: enough shows, and it stands out. What does not is neither object nor ground."""
        shown = self.visible >= LEAST_VISIBLE and self.pixels >= LEAST_PIXELS
        return shown and self.contrast >= LEAST_CONTRAST


def body_of(name: str, species: str, pose: str, part: Visible, picture: Float32, blur: float) -> Body | None:
    """A body of what is visible of it in ``picture``, (H, W) float32; None where nothing is."""
    tight = part.box(0.0)
    if tight is None:
        return None
    longer = max(tight[2] - tight[0], tight[3] - tight[1])
    box = part.box(LABEL_MARGIN_PX + blur + (ANIMAL_ROOM * longer if name == "animal" else 0.0)) or tight
    rows, columns = part.window
    top, left = max(rows.start - _RING_PX, 0), max(columns.start - _RING_PX, 0)
    around = picture[top : min(rows.stop + _RING_PX, HEIGHT), left : min(columns.stop + _RING_PX, WIDTH)]
    clear = np.ones(around.shape, bool)
    inner = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    clear[inner] = part.mask < 0.02
    core = part.mask > 0.5
    if not core.any():
        core = part.mask > 0.5 * part.mask.max()
    ring = around[clear]
    if ring.size < 12:
        ring = around.ravel()
    middle = float(np.median(ring))
    spread = 1.4826 * float(np.median(np.abs(ring - middle))) + 1e-3
    off = picture[part.window][core] - middle
    contrast = float(np.sqrt(np.mean(off**2))) / spread
    area = float(part.mask.sum())
    return Body(name, species, pose, box, part.fraction, area, contrast, float(off.mean()))
