"""Are things large enough in the model's input, and would tiles help? From sizes alone, before a flight."""

from __future__ import annotations

from dataclasses import dataclass

from edge.errors import InputError
from edge.geo.lens import LensSpec
from edge.model.bundle import Bundle
from edge.model.tiling import TilePlan, Tiling, whole
from edge.seams import Camera

LEAST_PX = 13.0  # of the model: of the persons in HIT-UAV's validation part, 95 of 100 labels are this long or longer
MOST_ENLARGED = 2.0  # tiles that enlarge more show a blur
TILES = ("auto", "2x2", "3x3", "4x4")


@dataclass(frozen=True)
class Target:
    """What is to be found: ``size``, its length in metres, from ``height`` metres above it, straight down. ``lens``: as
    ``--lens``; "" = what the source says of its own.

    Raises InputError where one of the two numbers is missing, or the lens cannot be one.
    """

    size: float
    height: float
    lens: str = ""

    @classmethod
    def of(cls, size: float | None, height: float | None, lens: str | None) -> Target | None:
        """None where nothing was asked."""
        if size is None and height is None and lens is None:
            return None
        if size is None or height is None:
            raise InputError("--height and --size say together how large things are in the picture: give both")
        if lens is not None:
            LensSpec.parse(lens)
        return cls(size, height, lens or "")

    def pixels(self, camera: Camera, width: int, height: int) -> float:
        """How many pixels of a frame of this size it is long.

        Raises InputError where nobody says the lens, or it is that of another picture.
        """
        if self.lens:
            focal = LensSpec.parse(self.lens).model(width, height, camera.crop, camera.whole).fx
        elif camera.intrinsics:
            focal = camera.intrinsics[0]
        else:
            raise InputError("--size and --height need the lens, which the source does not say: give --lens")
        return self.size * focal / self.height


def larger(width: int, height: int, bundle: Bundle) -> list[str]:
    """What to do about frames of this size that are larger than the model's input; [] = they are not."""
    plan = _plan("auto", width, height, bundle)
    if plan is None or len(plan.looks) == 1:
        return []
    shrunk = whole(width, height, bundle.width, bundle.height).scale
    return [
        f"the picture of {width}x{height} is larger than the model's input of {bundle.width}x{bundle.height}: without "
        f"tiles everything is {shrunk:.2g} times as large for the model. --tiles auto shows it at {plan.scale:.2g} "
        f"times its size, for {len(plan.looks)} calls of the engine a frame, so about {len(plan.looks)} times the time"
    ]


def on_target(target: Target, pixels: float, width: int, height: int, bundle: Bundle) -> tuple[str, list[str]]:
    """How long it is in pixels, in words; and what to do where these are too few, or more than there are.

    ``pixels``: in frames of this size.
    """
    straight = whole(width, height, bundle.width, bundle.height)
    seen = pixels * straight.scale
    row = (
        f"{target.size:g} m at {target.height:g} m: {pixels:.1f} px in the picture, {seen:.1f} px in the model's input"
    )
    if pixels > max(width, height):
        return row, [f"{row}: larger than the picture of {width}x{height}; look at the lens, the height and the size"]
    if seen >= LEAST_PX:
        return row, []
    said = f"{row}, expected {LEAST_PX:g} px or more"
    for text in TILES:
        plan = _plan(text, width, height, bundle)
        if plan is None or plan.scale > MOST_ENLARGED or pixels * plan.scale < LEAST_PX:
            continue
        enlarged = "; enlarged pixels hold no more detail: flying lower is better" if plan.scale > 1 else ""
        calls = len(plan.looks)
        return row, [f"{said}: --tiles {text} makes it {pixels * plan.scale:.1f} px, for {calls} calls{enlarged}"]
    lower = target.height * pixels * min(1.0, straight.scale) / LEAST_PX
    return row, [f"{said}, and tiles do not make it enough: fly at {lower:.0f} m, or take a longer lens"]


def _plan(text: str, width: int, height: int, bundle: Bundle) -> TilePlan | None:
    try:
        return Tiling.parse(text).plan(width, height, bundle.width, bundle.height)
    except InputError:
        return None
