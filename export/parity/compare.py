"""Is the exported thing still the same detector, and will TensorRT take it.

Up to four forms see the same frames, prepared as in flight: torchvision's eager model (if the checkpoint is at hand),
and in ONNX Runtime the float32 graph, the float16 graph and, where there is one, the INT8 graph. Each detection must
find its partner.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torchvision.models.detection import FasterRCNN

from edge.camera import open_camera
from edge.data import RawDetections
from edge.engine.onnx_runtime import load
from edge.engine.ort import OrtEngine
from edge.errors import EngineError, InputError
from edge.model.bundle import ONNX_FP16, ONNX_INT8, Bundle, sha256
from edge.model.graph_io import INPUT, OUTPUTS, raw_detections
from edge.model.transform import Preprocessor
from edge.system.files import reason_of
from export.detector.checkpoint import load_detector
from export.parity.pairs import SIZES, Pairs, join, pair

Grey = npt.NDArray[np.uint8]
Detector = Callable[[Grey], RawDetections]


@dataclass(frozen=True)
class Tolerance:
    """What counts as the same. ``iou``: least of any pair. ``score``: largest change of any pair. ``unpaired``: part
    of the detections, on either side, that may lack a partner: two boxes whose overlap is within rounding of the NMS
    threshold can go either way.
    """

    iou: float
    score: float
    unpaired: float


FLOAT32 = Tolerance(iou=0.99, score=1e-3, unpaired=0.005)
FLOAT16 = Tolerance(iou=0.9, score=0.03, unpaired=0.01)
# INT8 is another detector, if a near one: single scores move by tenths, and a few objects come and go
INT8 = Tolerance(iou=0.5, score=0.5, unpaired=0.05)
_TOLERANCES = {"float32": FLOAT32, "float16": FLOAT16, "int8": INT8}


@dataclass(frozen=True)
class Comparison:
    """``reference``, ``other``: which forms. ``pairs``: of all frames. ``unsettled``: frames whose suppression had
    not converged in the other form.
    """

    reference: str
    other: str
    pairs: Pairs
    tolerance: Tolerance
    frames: int
    unsettled: int

    @property
    def unpaired(self) -> int:
        return int(self.pairs.lost.sum() + self.pairs.new.sum())

    @property
    def failures(self) -> list[str]:
        """What is beyond tolerance, in words; empty = the same detector."""
        p, t = self.pairs, self.tolerance
        found = []
        if p.iou.min(initial=1.0) < t.iou:
            found.append(f"least IoU {p.iou.min():.4f}, expected {t.iou} or more")
        change = float(np.abs(p.score_change).max(initial=0.0))
        if not change <= t.score:
            found.append(f"score changed by {change:.4f}, expected {t.score} or less")
        everything = len(p.iou) + self.unpaired
        if self.unpaired > t.unpaired * everything:
            found.append(
                f"{self.unpaired} of {everything} detections lack a partner, expected {t.unpaired:.1%} or less"
            )
        if self.unsettled:
            found.append(f"suppression did not settle in {self.unsettled} frames, expected none")
        return [f"{self.other} against {self.reference}: {words}" for words in found]

    def to_json(self) -> dict[str, Any]:
        """Plain values, by object size and for all."""
        p = self.pairs
        return {
            "reference": self.reference,
            "other": self.other,
            "frames": self.frames,
            "unsettled_frames": self.unsettled,
            "failures": self.failures,
            "sizes": {name: _figures(p, p.size == i, int(p.lost[i]), int(p.new[i])) for i, name in enumerate(SIZES)},
            "all": _figures(p, np.ones(len(p.iou), bool), int(p.lost.sum()), int(p.new.sum())),
        }


def compare(
    bundle: Bundle,
    source: str,
    checkpoint: Path | None = None,
    most: int = 20,
    min_score: float | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
    model: FasterRCNN | None = None,
    which: str | None = None,
) -> list[Comparison]:
    """Run every form on the frames of ``source`` and compare them in a chain: eager, float32, float16; and INT8, where
    the bundle has it, with float32.

    ``source``: a folder of stills or anything `edge.open_camera` opens. ``checkpoint``: what the bundle was made from.
    ``most``: frames, spread over the source. ``min_score``: detections from there on are compared, by default those
    that are shown. ``progress``: told frames done, of how many. ``model``: a detector of the user's own, in place of
    ``checkpoint``. ``which``: weights of the checkpoint, as `read_checkpoint` takes it.

    Raises InputError where there are no frames, or the checkpoint is another one.
    """
    frames = frames_of(bundle, source, most)
    forms: dict[str, Detector] = {}
    if checkpoint is not None:
        model = _rebuilt(bundle, checkpoint, which)
    if model is not None:
        forms["eager"] = eager_detector(model)
    engine = OrtEngine(bundle)
    forms["float32"] = engine.infer
    forms["float16"] = float16_detector(bundle)
    engines = [engine]
    references = {other: reference for reference, other in itertools.pairwise(forms)}
    if ONNX_INT8 in bundle.files:
        engines.append(OrtEngine(bundle, graph=ONNX_INT8))
        forms["int8"], references["int8"] = engines[-1].infer, "float32"
    least = bundle.thresholds if min_score is None else min_score
    found: dict[str, list[Pairs]] = {name: [] for name in references}
    unsettled = dict.fromkeys(references, 0)
    for done, image in enumerate(frames):
        progress(done, len(frames))
        answers = {name: detect(image) for name, detect in forms.items()}
        for other, reference in references.items():
            found[other].append(pair(answers[reference], answers[other], least))
            unsettled[other] += not answers[other].converged
    progress(len(frames), len(frames))
    for engine in engines:
        engine.close()
    return [
        Comparison(reference, other, join(found[other]), _TOLERANCES[other], len(frames), unsettled[other])
        for other, reference in references.items()
    ]


def frames_of(bundle: Bundle, source: str, most: int) -> list[Grey]:
    """Model inputs of at most ``most`` frames, evenly spread; each normalised as the first of a flight."""
    with open_camera(source) as camera:
        if camera.live:
            raise InputError(f"{source} is live: expected a folder of stills or a video file, the same every time")
        every = 1 if camera.frames is None else max(1, -(-camera.frames // most))
        frames: list[Grey] = []
        for frame in iter(camera.read, None):
            if frame.seq % every == 0 and len(frames) < most:
                frames.append(Preprocessor(bundle).forward(frame)[1].copy())
    if not frames:
        raise InputError(f"{source} holds no frames: expected images to compare the detectors on")
    return frames


def _rebuilt(bundle: Bundle, checkpoint: Path, which: str | None) -> FasterRCNN:
    try:
        digest = sha256(checkpoint)
    except OSError as error:
        raise InputError(
            f"{checkpoint} cannot be read ({reason_of(error)}): expected what the bundle was made from"
        ) from None
    if bundle.checkpoint_sha256 and digest != bundle.checkpoint_sha256:
        raise InputError(f"{checkpoint} is not the checkpoint that {bundle.path} was made from: its sha256 differs")
    if not bundle.architecture:
        raise InputError(
            f"{bundle.path} does not say its architecture, so the checkpoint cannot be rebuilt: leave it out"
        )
    return load_detector(checkpoint, which=which, **bundle.architecture)


def eager_detector(model: FasterRCNN) -> Detector:
    """What torchvision itself finds in a grey frame (H, W) uint8; ``model`` is in evaluation mode."""

    def detect(image: Grey) -> RawDetections:
        channels = len(model.transform.image_mean)
        x = torch.from_numpy(image).to(torch.float32).div(255)[None].repeat(channels, 1, 1)
        with torch.no_grad():
            found = model([x])[0]
        labels = (found["labels"] - 1).to(torch.int32)
        return RawDetections(found["boxes"].numpy(), found["scores"].numpy(), labels.numpy())

    return detect


def float16_detector(bundle: Bundle) -> Detector:
    """What the graph typed for TensorRT finds in ONNX Runtime. Raises EngineError where it cannot be loaded."""
    onnxruntime = load()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    path = bundle.file(ONNX_FP16)
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own classes derive from Exception only
        raise EngineError(f"ONNX Runtime cannot load {path} ({error}): export the bundle again") from None

    def detect(image: Grey) -> RawDetections:
        answers = session.run(OUTPUTS, {INPUT: image[None, :, :, None]})
        return raw_detections(dict(zip(OUTPUTS, answers, strict=True)))

    return detect


def _figures(pairs: Pairs, chosen: npt.NDArray[np.bool_], lost: int, new: int) -> dict[str, Any]:
    iou, change = pairs.iou[chosen], np.abs(pairs.score_change[chosen])
    return {
        "paired": int(chosen.sum()),
        "lost": lost,
        "new": new,
        "least_iou": float(iou.min()) if len(iou) else None,
        "median_iou": float(np.median(iou)) if len(iou) else None,
        "largest_score_change": float(change.max()) if len(change) else None,
        "median_score_change": float(np.median(change)) if len(change) else None,
    }
