"""Calibration: what numbers a detector's layers give in frames such as it will fly over."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from edge.camera import open_camera
from edge.camera.decode.grey import NOT_HEAT
from edge.engine.onnx_runtime import load
from edge.errors import EngineError, InputError
from edge.model.bundle import Bundle
from edge.model.graph_io import INPUT
from edge.model.transform import Preprocessor
from export.graph.int8.layers import Plan
from export.graph.int8.ranges import Grid, Histogram

FRAMES = 32  # looked at, spread over the source
FEWEST = 24
_LEAST_CONTRAST = 0.1  # of the training frames' standard deviation

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Frames:
    """Model inputs, (H, W) uint8 each, in the order of the source."""

    images: Sequence[Grey]

    @property
    def sha256(self) -> str:
        """Hex digest of all, one after the other."""
        return hashlib.sha256(b"".join(image.tobytes() for image in self.images)).hexdigest()


def calibration_frames(bundle: Bundle, source: str) -> Frames:
    """`FRAMES` frames of ``source``, evenly spread, read and normalised as in flight, each as the first of one.

    ``source``: a folder of stills, or anything with an end that `edge.open_camera` opens.

    Raises InputError where it has no end, gives fewer than `FEWEST` frames, or pictures that are no heat; SourceError
    or CameraError where it cannot be read.
    """
    with open_camera(source) as camera:
        if camera.live:
            raise InputError(f"{source} is live: expected a folder of stills or a video file, the same every time")
        count = camera.frames
        chosen = None if count is None else {(2 * i + 1) * count // (2 * FRAMES) for i in range(FRAMES)}
        images: list[Grey] = []
        for frame in iter(camera.read, None):
            if (chosen is None or frame.seq in chosen) and not frame.shutter_closed and len(images) < FRAMES:
                images.append(Preprocessor(bundle).forward(frame)[1].copy())
        said = camera.description
    if NOT_HEAT in said:
        raise InputError(f"{said}: brightness is not heat there: calibrate on frames such as the detector flies on")
    if len(images) < FEWEST:
        raise InputError(
            f"{source} gives {len(images)} frames: expected {FEWEST} or more, of the kind that the detector flies on"
        )
    contrast = float(np.mean([image.std() for image in images])) / 255
    if contrast < _LEAST_CONTRAST * bundle.trained_std:
        raise InputError(
            f"{source}: grey levels of its frames differ by {contrast:.4f} (standard deviation of 0..1), of the "
            f"training frames by {bundle.trained_std:.4f}: expected frames with something in them"
        )
    return Frames(images)


def calibrated(
    model: onnx.ModelProto, plan: Plan, frames: Frames, progress: Callable[[int, int], None] = lambda _done, _of: None
) -> dict[str, Grid]:
    """The grid of each value that is rounded, by its name. ``progress``: told frames done, of how many.

    Raises InputError where the detector's numbers overflow, EngineError where ONNX Runtime fails.
    """
    names = [name for name in plan.rounded if name not in plan.same_scale]
    session = _session(model, names)
    histograms = {name: Histogram() for name in names}
    for done, image in enumerate(frames.images):
        progress(done, len(frames.images))
        for name, values in _values(session, names, image).items():
            histograms[name].add(values)
    progress(len(frames.images), len(frames.images))
    return {name: histogram.grid() for name, histogram in histograms.items()}


def _session(model: onnx.ModelProto, names: Sequence[str]) -> Any:
    """ONNX Runtime with the float graph, which gives the values ``names``."""
    onnxruntime = load()
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    try:
        return onnxruntime.InferenceSession(watched.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own classes derive from Exception only
        raise EngineError(f"ONNX Runtime cannot load the float graph to calibrate ({error})") from None


def _values(session: Any, names: Sequence[str], image: Grey) -> Mapping[str, npt.NDArray[np.float32]]:
    try:
        answers = session.run(list(names), {INPUT: image[None, :, :, None]})
    except Exception as error:
        raise EngineError(f"ONNX Runtime failed on a calibration frame ({error})") from None
    return dict(zip(names, answers, strict=True))
