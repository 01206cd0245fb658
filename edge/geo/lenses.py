"""Lenses of the cameras that have a profile: what their data sheets fix, so that a lens is all there is to say.

None of these cameras is sold with one lens only, so the focal length is always asked for.
"""

from __future__ import annotations

from edge.camera.devices.profiles import PROFILES
from edge.errors import InputError
from edge.geo.camera import CameraModel

# pixel pitch, micrometres, by profile and columns of the picture; of data sheets, not measured
PITCH_UM: dict[tuple[str, int], float] = {
    ("boson", 640): 12.0,
    ("boson", 320): 12.0,
    ("infiray", 256): 12.0,
    ("lepton", 160): 12.0,
    ("lepton", 80): 17.0,
}


def camera_of_profile(name: str, width: int, height: int, focal_mm: float) -> CameraModel:
    """The camera of a profile, as ``camera=NAME`` of a source names it, by the size of its picture, pixels, and its
    lens. The axis in the middle, no distortion.

    Raises InputError where there is no such profile, or it has no such picture or no pitch that is known.
    """
    pictures = pictures_of_profile(name)
    if (width, height) not in pictures:
        sizes = ", ".join(f"{w}x{h}" for w, h in pictures)
        raise InputError(
            f"camera {name}: picture {width}x{height}: expected {sizes}, whole; then CameraModel.cropped for a crop"
        )
    return CameraModel.from_lens(width, height, focal_mm, PITCH_UM[name, width], name)


def pictures_of_profile(name: str) -> list[tuple[int, int]]:
    """Width and height, pixels, of the pictures that a camera with this profile delivers, the smallest first.

    Raises InputError where there is no such profile.
    """
    if name not in PROFILES or name == "generic":
        names = ", ".join(key for key in PROFILES if key != "generic")
        raise InputError(
            f"camera {name!r} has no profile with a lens: expected {names}; or give a pitch or a calibration"
        )
    layouts = PROFILES[name].layouts.items()
    return sorted({(columns, rows - layout.unused - layout.telemetry) for (columns, rows), layout in layouts})
