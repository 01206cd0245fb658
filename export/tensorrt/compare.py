"""The same frames through a new engine and through ONNX Runtime: what one of them finds and the other does not.

Runs on the board, in a process of its own: imports neither torch nor onnx.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edge.camera import open_camera
from edge.data import RawDetections
from edge.engine import Engine, open_engine
from edge.engine.ort import OrtEngine
from edge.errors import InputError
from edge.measure.matching import iou, match
from edge.model.bundle import ONNX_CPU, ONNX_FP16, Bundle
from edge.model.comparison import MARGIN, Comparison
from edge.model.transform import Preprocessor
from edge.seams import Camera

Grey = npt.NDArray[np.uint8]
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

FRAMES = 8  # compared
TRIED = 24  # looked at, to have enough in which something is found
LEAST_OVERLAP = 0.5  # of a pair
TIE = 0.05  # of suppression's threshold: rounding decides which of two boxes it takes
# a picture each 10 m of a flight over people and cars, which needs no file; the same pictures every time
_SIMULATED = "sim:live=0,fps=0.5,ffc_interval=0,frames={frames},width={width},height={height}"
_SIDES = (32, 2048)  # that the simulated camera has


@dataclass(frozen=True)
class Seen:
    """Model inputs, (H, W) uint8 each, and what ONNX Runtime finds in them by ``graph``; ``origin``: their source."""

    origin: str
    images: list[Grey]
    found: list[RawDetections]
    graph: str = ONNX_CPU


def compare_engine(
    bundle: Bundle, candidate: Bundle, source: str, looked: Callable[[], object] = lambda: None
) -> Comparison:
    """Compare the engine in the folder of ``candidate`` with ``bundle``'s ``model.onnx`` in ONNX Runtime; where they do
    not agree, with ``model.fp16.onnx``, from which the engine was built.

    ``source``: a folder of stills, or another source with an end. ``looked``: called after each frame that an engine
    has seen.

    Raises BundleError where there is no ``model.onnx`` or the passport refuses the engine, InputError for a source
    without frames, EngineError where one of the engines fails.
    """
    with OrtEngine(bundle) as reference:  # one after the other: on a board they share the memory
        seen = look(bundle, reference, source, looked)
        versions = dict(reference.versions)
    with open_engine(candidate, "trt") as engine:
        found = []
        for image in seen.images:
            found.append(engine.infer(image))
            looked()
        versions |= engine.versions
    compared = judge(bundle, seen, found, versions)
    if not compared.refusals or compared.overflowed or ONNX_FP16 not in bundle.files:
        return compared
    # whose fault is it? the graph for TensorRT may sample regions otherwise than the one for the CPU
    with OrtEngine(bundle, graph=ONNX_FP16) as graph:
        of_graph = replace(seen, graph=ONNX_FP16, found=[graph.infer(image) for image in seen.images])
    by_graph = judge(bundle, of_graph, found, versions)
    return compared if by_graph.refusals else by_graph


def simulated(bundle: Bundle) -> str:
    """A source of frames that needs no file, of the model's own size."""
    width, height = (min(max(side, _SIDES[0]), _SIDES[1]) for side in (bundle.width, bundle.height))
    return _SIMULATED.format(frames=TRIED, width=width, height=height)


def open_frames(source: str) -> Camera:
    """``source`` as a camera. Raises InputError where it cannot be opened, or has no end."""
    camera = open_camera(source)
    if camera.live:
        camera.close()
        raise InputError(f"{source} is live: expected a folder of stills or a video file, the same every time")
    return camera


def look(bundle: Bundle, reference: Engine, source: str, looked: Callable[[], object]) -> Seen:
    """The `FRAMES` of ``source`` in which ``reference`` finds most, of `TRIED` that are spread over it."""
    tried: list[tuple[Grey, RawDetections]] = []
    with open_frames(source) as camera:
        every = max(1, -(-(camera.frames or 0) // TRIED))
        while len(tried) < TRIED and (frame := camera.read()) is not None:
            if frame.seq % every or frame.shutter_closed:
                continue
            image = Preprocessor(bundle).forward(frame)[1].copy()  # each as the first of a flight
            tried.append((image, reference.infer(image)))
            looked()
            if sum(_shown(found, bundle) > 0 for _, found in tried) == FRAMES:
                break
    if not tried:
        raise InputError(f"{source} holds no frames: expected images to compare the engine on")
    rank = [(_shown(found, bundle), float(found.scores.sum())) for _, found in tried]
    best = sorted(sorted(range(len(tried)), key=rank.__getitem__, reverse=True)[:FRAMES])
    return Seen(source, [tried[i][0] for i in best], [tried[i][1] for i in best])


def judge(bundle: Bundle, seen: Seen, found: Sequence[RawDetections], versions: dict[str, str]) -> Comparison:
    """What the engine ``found`` in the images of ``seen``, against what ONNX Runtime found."""
    shown: list[Float64] = []  # of pairs: difference of box and score, IoU
    weaker: list[Float64] = []
    both = lost = added = below = below_both = 0
    for a, b in zip(seen.found, found, strict=True):
        there, back = _Side(bundle, a, b), _Side(bundle, b, a)
        both += int((there.shown & there.kept).sum())
        lost += int(there.gone.sum())
        added += int(back.gone.sum())
        below += int(there.weak.sum())
        below_both += int((there.weak & there.paired).sum())
        shown.append(there.differences(there.shown & there.kept))
        weaker.append(there.differences(there.weak & there.paired))
    pairs = np.concatenate(shown if both else weaker)
    return Comparison(
        graph=seen.graph,
        origin=seen.origin,
        frames=len(seen.images),
        frames_sha256=hashlib.sha256(b"".join(image.tobytes() for image in seen.images)).hexdigest(),
        threshold=bundle.thresholds.least,
        thresholds=bundle.thresholds.to_json() if bundle.score_thresholds else {},
        both=both,
        lost=lost,
        added=added,
        below=below,
        below_both=below_both,
        most_box_px=_rounded(pairs[:, 0].max()) if len(pairs) else None,
        most_score=_rounded(pairs[:, 1].max()) if len(pairs) else None,
        least_iou=_rounded(pairs[:, 2].min()) if len(pairs) else None,
        overflowed=sum(a.finite and not b.finite for a, b in zip(seen.found, found, strict=True)),
        unsettled=sum(a.converged and not b.converged for a, b in zip(seen.found, found, strict=True)),
        versions=versions,
    )


class _Side:
    """One engine's rows of a frame, (K,) bool each, and whether the other engine has them.

    ``shown``: of the threshold or more. ``weak``: below it, and far enough above the score at which the graph ends.
    ``paired``: the other gives a row of the same class in the same place. ``kept``: paired, and the other shows it too
    or misses the threshold by rounding. ``gone``: shown, not kept, and more than rounding.
    """

    def __init__(self, bundle: Bundle, mine: RawDetections, other: RawDetections) -> None:
        self._mine, self._other = mine, other
        self._overlap = _overlaps(mine, other)
        allowed = (mine.scores[:, None] > 0) & (other.scores > 0)
        # those that fit best first: else a box whose own partner is lost takes its neighbour's
        order = np.argsort(-np.where(allowed, self._overlap, 0).max(1, initial=0), kind="stable")
        self._partner = match(self._overlap, LEAST_OVERLAP, order.tolist(), allowed)
        self.paired: Bool = self._partner >= 0
        score, end = mine.scores, bundle.graph_score_threshold
        high = bundle.thresholds.shown(score, mine.labels)
        self.shown: Bool = high & (score > 0)
        self.weak: Bool = ~high & (score >= end + MARGIN)
        # what the other has to give: it is shown, or rounding alone took it below the threshold
        needed = np.minimum(score - MARGIN, bundle.thresholds.of_each(mine.labels))
        self.kept: Bool = self.paired & (other.scores[self._partner] >= needed)
        told = self.paired | (needed > end)  # below the graph's own threshold nobody is told of it
        self.gone: Bool = self.shown & ~self.kept & told & ~self._tied(bundle)

    def differences(self, rows: Bool) -> Float64:
        """(M, 3): of the pairs of ``rows``: how far a side moved at most, pixels; how far the score; the IoU."""
        partner = self._partner[rows]
        box = np.abs(self._other.boxes[partner].astype(np.float64) - self._mine.boxes[rows]).max(1, initial=0)
        score = np.abs(self._other.scores[partner].astype(np.float64) - self._mine.scores[rows])
        return np.stack([box, score, self._overlap[rows, partner]], 1)

    def _tied(self, bundle: Bundle) -> Bool:
        """Rows that the other may have suppressed for a better one of its own class: the overlap is at the limit."""
        limit = bundle.nms_thresholds.get("nms", LEAST_OVERLAP) - TIE
        better = self._mine.scores[None] > self._mine.scores[:, None]
        return np.asarray(((_overlaps(self._mine, self._mine) >= limit) & better).any(1))


def _overlaps(a: RawDetections, b: RawDetections) -> Float64:
    """(N, M) IoU, 0 between different classes and for rows without a detection."""
    with np.errstate(invalid="ignore", divide="ignore"):
        overlap = np.nan_to_num(iou(a.boxes, b.boxes))
    return np.where(a.labels[:, None] == b.labels[None], overlap, 0.0)


def _shown(found: RawDetections, bundle: Bundle) -> int:
    return int((bundle.thresholds.shown(found.scores, found.labels) & (found.scores > 0)).sum())


def _rounded(value: float) -> float:
    return round(float(value), 6)
