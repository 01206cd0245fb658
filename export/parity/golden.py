"""The stored frame of a bundle: what the trained detector finds in one picture, for the board to find again."""

from __future__ import annotations

import json

import cv2
import numpy as np
import torch
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from edge.model.bundle import ONNX_CPU, Bundle
from edge.model.golden import FILE, PICTURE
from edge.system.files import reason_of, write_whole
from export.parity.compare import eager_detector, frames_of

MOST = 6  # frames that are looked at, evenly spread: torch takes a second and more for each
LEAST_SCORE = 0.05  # lower ones are kept by nobody
SIMULATED = "sim:frames={most},seed=31,altitude=40,fps=1,live=0,width={width},height={height}"


def store_golden(bundle: Bundle, model: FasterRCNN, images: str | None = None) -> str:
    """Write ``golden.png`` and ``golden.json`` into the bundle; returns in words what they are, or why there are none.

    The picture is the one of ``images`` (as `compare` takes them, by default a simulated flight) in which the most is
    found that the bundle shows. ``model``: what the bundle was made from. Raises InputError where there are no frames,
    or the files cannot be written.
    """
    source = images or SIMULATED.format(most=MOST, width=bundle.width, height=bundle.height)
    detect, best, most = eager_detector(model), None, 0.0
    for image in frames_of(bundle, source, MOST):
        found = detect(image)
        shown = float(found.scores[bundle.thresholds.shown(found.scores, found.labels)].sum())
        if shown > most:
            best, most = (image, found), shown
    if best is None:
        where = images or "a simulated flight"
        return f"no stored frame: nothing is found in {where}; --calibrate or --images with something in it makes one"
    image, found = best
    keep = found.scores >= LEAST_SCORE
    origin = "a frame of the user's" if images else f"{source}, the frame with the most in it"
    content = {
        "format": 1,
        "model_onnx": bundle.files[ONNX_CPU],
        "origin": f"{origin}; detections of torchvision, torch {torch.__version__}",
        "boxes": np.round(found.boxes[keep].astype(np.float64), 3).tolist(),
        "scores": np.round(found.scores[keep].astype(np.float64), 5).tolist(),
        "labels": found.labels[keep].tolist(),
    }
    try:
        write_whole(bundle.path / PICTURE, cv2.imencode(".png", image)[1].tobytes())
        write_whole(bundle.path / FILE, (json.dumps(content, indent=1) + "\n").encode())
    except OSError as error:
        raise InputError(f"{bundle.path}: the stored frame cannot be written: {reason_of(error)}") from None
    return f"{bundle.path / FILE}  {int(keep.sum())} detections in {PICTURE}, for edge doctor --mission to find again"
