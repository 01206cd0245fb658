"""Does the camera give frames, at which rate and size; are things large enough, and does the scene have contrast?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from edge.app.preflight.drawn import MOST_KEPT, picture_bytes, video_bytes
from edge.app.preflight.plan import Measured, Plan
from edge.app.preflight.side_by_side import Line
from edge.app.scale_check import Target, larger, on_target
from edge.app.source_check import Examination, examine, problems
from edge.camera import open_camera
from edge.data import Frame
from edge.errors import BundleError, InputError
from edge.geo.lens import LensSpec
from edge.health.conditions import CONDITIONS
from edge.health.scene import Health
from edge.model.bundle import Bundle
from edge.model.recall import Pictures, RecallCurve, read_recall
from edge.model.tiling import Tiling, whole
from edge.model.transform import Preprocessor
from edge.recording.codec import Encoder
from edge.seams import Camera
from edge.thermal.contrast import clutter
from edge.thermal.sharpness import grey_range, sharpness

GOOD = 0.8  # part of the measured recall: less is worth a word
WAIT = "wait for a cooler ground (night, before dawn), or fly lower"
FOCUS = "focus and clean the lens; from the air it may look otherwise: of such pictures no probability is said"
READ_S = 2.0
SCENE = ("low_contrast", "warm_ground", "saturated", "drift", "shutter", "frozen")  # of the scene, and of its picture
USUAL_PX = 20.0  # side of a body where nobody says how large it is; the middle of HIT-UAV's persons


def camera_lines(plan: Plan) -> Iterator[Line]:
    """Open the mission's source, read it for two seconds and say what came."""
    measured = None
    try:
        with open_camera(plan.options["source"], reconnect_s=0) as camera:
            scene = Scene(plan.bundle, camera)
            found = examine(camera, READ_S, look=scene)
            if found.frames:
                drawn = video_bytes(scene.kept), picture_bytes(scene.kept)
                measured = Measured(found.fps if found.live else camera.fps, scene.frame_bytes, *drawn)
            plan.tell(measured)
            yield from _frames(found, camera)
            if found.frames:
                yield from _lens(plan, found, camera)
                yield from _scale(plan, found, camera)
                yield from scene.lines(plan)
    finally:
        plan.tell(measured)


def _frames(found: Examination, camera: Camera) -> Iterator[Line]:
    where = "edge doctor --source SOURCE tells more; plug it in, or name another camera.source"
    if found.broke or not found.frames:
        yield Line("camera", "red", found.broke or f"no frame came: {camera.description}", where)
        return
    width, height = found.size
    rate = f"{found.fps:.1f} frames a second" if found.fps else f"{found.frames} frames read"
    wrong = problems(found)
    value = f"{found.description}: {rate}, {width}x{height}, {found.bits_a_pixel} bit"
    yield Line("camera", "yellow" if wrong else "green", value, "; ".join(wrong))


def _lens(plan: Plan, found: Examination, camera: Camera) -> Iterator[Line]:
    text = plan.options.get("lens")
    if text is not None:
        try:
            yield Line("lens", "green", str(LensSpec.parse(text).model(*found.size, camera.crop, camera.whole)))
        except InputError as error:  # the run ends at its first frame with a pose
            yield Line("lens", "red", str(error), "correct [lens]")
    elif "pose" in plan.options and not camera.intrinsics:
        yield Line("lens", "yellow", "poses come, but no lens: no positions", "add [lens] to the mission")


def _scale(plan: Plan, found: Examination, camera: Camera) -> Iterator[Line]:
    width, height = found.size
    large = [] if plan.options.get("tiles") else larger(width, height, plan.bundle)
    size = f"the model takes {plan.bundle.width}x{plan.bundle.height}"
    yield Line("frame size", "yellow" if large else "green", f"{width}x{height}; {size}", "; ".join(large))
    if plan.height is None:
        yield Line("scale", "green", "not looked at: --height METRES says from where, [lens] with what")
        return
    try:
        target = Target(plan.size or plan.search.size_m, plan.height, plan.options.get("lens", ""))
        value, small = on_target(target, target.pixels(camera, width, height), width, height, plan.bundle)
    except InputError as error:
        yield Line("scale", "yellow", f"not known: {error}", "add [lens] to the mission")
        return
    small = [] if plan.options.get("tiles") else small
    yield Line("scale", "yellow" if small else "green", value, "; ".join(small))


class Scene:
    """Given each frame of the camera: what the model will make of them."""

    def __init__(self, bundle: Bundle, camera: Camera) -> None:
        self._health, self._preprocess = Health(bundle, camera), Preprocessor(bundle)
        self._warnings: frozenset[str] = frozenset()
        self._picture: npt.NDArray[np.uint8] | None = None
        self.kept: list[npt.NDArray[np.uint8]] = []
        """Some pictures, one after the other."""
        self._encode, self._bytes, self._taken, self._frames = Encoder(), 0, 0, 0

    def __call__(self, frame: Frame, _picture: npt.NDArray[np.uint8]) -> None:
        """One frame; normalised as in flight."""
        picture, _, _ = self._preprocess.forward(frame)
        self._warnings, self._picture = self._health.judge(frame, picture), picture
        if len(self.kept) < MOST_KEPT:
            self.kept.append(picture)
        if self._frames < 3 or self._frames % 16 == 0:
            self._bytes, self._taken = self._bytes + len(self._encode(frame.pixels)), self._taken + 1
        self._frames += 1

    @property
    def frame_bytes(self) -> float:
        """Of one frame in a recording, the mean."""
        return self._bytes / max(self._taken, 1)

    def lines(self, plan: Plan) -> Iterator[Line]:
        """Conditions that hold, and the contrast against what the model was measured at."""
        for name in sorted(self._warnings & set(SCENE)):
            seen = self._health.seen.get(name, "")
            yield Line(
                "scene", "yellow", name.replace("_", " ") + (f" ({seen})" if seen else ""), CONDITIONS[name].meaning
            )
        name = plan.search.name
        try:
            curve = read_recall(plan.bundle, name, plan.lowest[name])
        except BundleError as error:
            yield Line("contrast", "yellow", str(error), "edge-export eval --set-recall measures it")
            return
        yield self._contrast(name, curve)
        if curve and curve.pictures and self._picture is not None:
            yield _like(self._picture, curve.pictures, plan)

    def _contrast(self, name: str, curve: RecallCurve | None) -> Line:
        if curve is None or curve.grey is None or not len(curve.contrasts) or self._picture is None:
            why = f"not compared: recall of {name} by contrast was not measured"
            return Line("contrast", "yellow", why, "edge-export eval --set-recall measures it")
        around = clutter(self._picture, USUAL_PX)
        if not len(around):
            return Line("contrast", "yellow", "not compared: the picture is too small", "")
        here = curve.grey / around
        value = f"{float(np.median(here)):.1f} for a {name} as warm as the labelled ones"
        recall = curve.row(here)
        both = ~np.isnan(recall) & (np.nan_to_num(curve.recall) > 0)
        if not both.any():
            return Line("contrast", "yellow", f"{value}: nothing was measured at that", WAIT)
        part = float(np.median(recall[both] / curve.recall[both]))
        value += f": {part:.0%} of what the model finds in the labelled frames, {curve.source}"
        return Line("contrast", "green" if part >= GOOD else "yellow", value, "" if part >= GOOD else WAIT)


def _like(picture: npt.NDArray[np.uint8], labelled: Pictures, plan: Plan) -> Line:
    """Whether the last picture is like those that recall was measured on, as the model will see it."""
    height, width = picture.shape
    cut = Tiling.parse(tiles).plan if (tiles := plan.options.get("tiles")) else whole
    levels = grey_range(picture)
    sharp = sharpness(picture, cut(width, height, plan.bundle.width, plan.bundle.height).scale)
    value = f"{levels:.0f} grey levels, sharpness {sharp:.2f}"
    if unlike := labelled.unlike(levels, sharp):
        return Line("picture", "yellow", f"{value}: {unlike}", FOCUS)
    return Line("picture", "green", f"{value}: like the labelled frames", "")
