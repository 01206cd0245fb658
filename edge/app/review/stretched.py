"""A picture of a track for the eye: its own darkest and brightest grey become black and white."""

from __future__ import annotations

import cv2
import numpy as np

LOW, HIGH = 0.5, 99.5  # percent of the pixels that are darker than black, and than white
LEAST_RANGE = 8  # greys; less is noise, which would look like an object
LARGEST_PX = 1024  # of a side: a crop is far smaller


def stretched(data: bytes) -> bytes:
    """A PNG anew; the same bytes where it is none of 8 bit grey, or far too large."""
    try:
        grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return data
    if grey is None or grey.dtype != np.uint8 or grey.ndim != 2 or max(grey.shape) > LARGEST_PX:
        return data
    low, high = np.percentile(grey, (LOW, HIGH)).tolist()
    middle, wide = (low + high) / 2, max(high - low, LEAST_RANGE)
    shown = np.clip((grey - (middle - wide / 2)) * (255 / wide), 0, 255).round().astype(np.uint8)
    done, made = cv2.imencode(".png", shown)
    return made.tobytes() if done else data
