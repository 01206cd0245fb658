"""How much a grey picture differs in itself, and how sharp it is: whether it is like those a model was measured on.

    sharpness = spread of detail of about 1 pixel / spread of detail of about 2 pixels

Detail is what a blur takes away (difference of two Gaussians; Marr and Hildreth, Proc. R. Soc. Lond. B 207 (1980) 187).
Haze and fog make differences smaller, and the sharpness stays; out of focus or in motion it falls; noise raises it.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge.thermal.windows import Grey

DARK, BRIGHT = 1, 99  # percentiles
FINE, MIDDLE, COARSE = 1.0, 2.0, 4.0  # standard deviations of the blurs, pixels of the model's input

Mask = npt.NDArray[np.bool_]


def grey_range(picture: Grey, mask: Mask | None = None) -> float:
    """Grey levels between the `DARK` and `BRIGHT` percentiles of ``picture``, (H, W) uint8. ``mask``: (H, W), True
    where nobody looks; 0.0 where that is everywhere.
    """
    shown = picture if mask is None else picture[~mask]
    return float(np.subtract(*np.percentile(shown, [BRIGHT, DARK]))) if shown.size else 0.0


def sharpness(picture: Grey, scale: float, mask: Mask | None = None) -> float:
    """Of ``picture``, (H, W) uint8, enlarged ``scale`` times as for the model; ``mask`` as of `grey_range`. NaN where
    there is no detail to tell by.
    """
    pixels = picture.astype(np.float32)
    if scale != 1:
        size = max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1)
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.float32)
        if mask is not None:
            mask = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
    fine, middle, coarse = (cv2.GaussianBlur(pixels, (0, 0), sigma) for sigma in (FINE, MIDDLE, COARSE))
    details = [one if mask is None else one[~mask] for one in (fine - middle, middle - coarse)]
    small, large = (float(one.std()) if one.size else 0.0 for one in details)
    return small / large if large > 1e-3 else float("nan")
