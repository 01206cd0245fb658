"""What an engine and ONNX Runtime found in the same frames, and whether the engine may fly after that.

TensorRT can return wrong numbers without a word: boxes hundreds of pixels off (NVIDIA/TensorRT issue 4813), or other
results from one version to the next (4419, 4820). So the builder looks at frames with both before an engine is put
in place (`export.tensorrt.compare`), and the result stands in the passport.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

from edge.model.bundle import ONNX_CPU
from edge.model.thresholds import in_words
from edge.system.declared import MOST

# Half precision rounds: scores of 8 simulated frames of the bundled model move by 0.0005 at most. As much as
# `edge-export check` allows, which has other models in mind.
MARGIN = 0.03
LEAST_IOU = 0.9  # of a pair, as `edge-export check` says: less is more than rounding
# of what lies below the threshold, a wrong engine gives next to nothing; suppression decides about a few anew
LEAST_BELOW = 0.5
FEW = 2

Count = Annotated[int, Meta(ge=0)]
Number = Annotated[float, Meta(ge=0, le=MOST)]


@dataclass(frozen=True, slots=True)
class Comparison:
    """``graph``: what ONNX Runtime ran: ``model.onnx``; or ``model.fp16.onnx``, from which the engine is built, where
    the engine agrees with that one only: then it is the graph that differs, and TensorRT is right.

    ``origin``: the frames, as ``--source`` takes them. ``frames``: how many. ``frames_sha256``: of the model's
    inputs, one after the other. ``threshold``: the score from which detections are shown, the lowest of all classes;
    ``thresholds``: that of each class, where they are not all the same.

    Of detections that are shown: ``both``: found by both, in one class and with an IoU of 0.5 or more. ``lost``: by
    ONNX Runtime only. ``added``: by the engine only. A score that `MARGIN` or less carried across the threshold makes
    neither. Of those that are not shown, and lie more than `MARGIN` above the score at which the graph ends: ``below``:
    given by ONNX Runtime; ``below_both``: of these, given by the engine too.

    ``most_box_px``, ``most_score``, ``least_iou``: the largest difference of an edge, model pixels, and of a score, and
    the least overlap, of the pairs that are shown; where nothing is shown, of the others; None where there is no pair.

    ``overflowed``: frames in which the engine's numbers were not finite, and ONNX Runtime's were. ``unsettled``: frames
    in which its suppression had not settled. ``versions``: of the libraries that computed.
    """

    graph: str
    origin: str
    frames: Count
    frames_sha256: str
    threshold: Number
    both: Count
    lost: Count
    added: Count
    below: Count
    below_both: Count
    most_box_px: Number | None
    most_score: Number | None
    least_iou: Number | None
    overflowed: Count
    unsettled: Count
    versions: dict[str, str]
    thresholds: dict[str, Number] = field(default_factory=dict)

    @property
    def _shown_from(self) -> str:
        return in_words(self.thresholds or {"": self.threshold})

    @property
    def empty(self) -> bool:
        """Whether the frames hold nothing that is shown: then only what is below the threshold was compared."""
        return not self.both + self.lost + self.added

    @property
    def refusals(self) -> list[str]:
        """Why this engine must not fly, in words; empty: it may."""
        said = []
        if self.lost:
            said.append(f"it loses {self.lost} of the {self.both + self.lost} detections that ONNX Runtime finds")
        if self.overflowed:
            said.append(f"its numbers are not finite in {self.overflowed} of {self.frames} frames")
        if self.below - self.below_both > max(FEW, (1 - LEAST_BELOW) * self.below):
            said.append(
                f"of {self.below} weaker detections, below the score {self._shown_from}, it gives {self.below_both}"
            )
        return said

    @property
    def doubts(self) -> list[str]:
        """What is more than half precision explains, and does not keep the engine on the ground."""
        said = []
        if self.graph != ONNX_CPU:
            said.append(f"it agrees with {self.graph}, which finds other things than {ONNX_CPU}: see edge-export check")
        if self.added:
            said.append(f"detections that only the engine finds: {self.added}")
        if self.empty:
            said.append(f"the {self.frames} frames hold no detection with a score of {self._shown_from} or more")
        if self.most_score is not None and self.most_score > MARGIN:
            said.append(f"a score differs by {self.most_score:.3f}, expected {MARGIN:g} or less")
        if self.least_iou is not None and self.least_iou < LEAST_IOU:
            said.append(f"a box overlaps its partner by {self.least_iou:.2f}, expected {LEAST_IOU:g} or more")
        if self.unsettled:
            said.append(f"suppression of double boxes did not settle in {self.unsettled} of {self.frames} frames")
        return said

    def __str__(self) -> str:
        """What was compared and what came out, in a line."""
        runtime = f"ONNX Runtime {self.versions.get('onnxruntime', '')}".strip()
        runtime += "" if self.graph == ONNX_CPU else f" running {self.graph}"
        shown = f"{self.both} detections found by both, {self.lost} lost, {self.added} added"
        if self.empty:
            shown = f"no detection with a score of {self._shown_from} or more in them"
        said = f"compared with {runtime} on {self.frames} frames ({self.origin}): {shown}"
        said += f"; of {self.below} weaker ones {self.below_both} found by both"
        if self.most_box_px is not None and self.most_score is not None:
            said += f"; largest difference of a box {self.most_box_px:.2g} px, of a score {self.most_score:.2g}"
        return said
