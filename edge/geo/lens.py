"""What ``--lens`` says: the camera model of a source's picture, from a data sheet, a field of view or a calibration."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

from edge.errors import InputError
from edge.geo.calibration import read_calibration
from edge.geo.camera import CameraModel
from edge.geo.lenses import camera_of_profile, pictures_of_profile

KEYS = ("focal", "pitch", "camera", "hfov", "vfov", "dfov")
EXPECTED = (
    "expected focal=MM,pitch=UM or focal=MM,camera=NAME or hfov=DEGREES (or dfov=), perhaps with size=WIDTHxHEIGHT of "
    "the whole picture, or a calibration file"
)
Crop = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class LensSpec:
    """One ``--lens``, read and checked: ``model`` needs the size of the picture besides.

    ``calibration``: of a file; else ``values``: by `KEYS`. ``size``: of the whole picture, None = that of the frames.
    """

    text: str
    values: dict[str, float]
    camera: str = ""
    size: tuple[int, int] | None = None
    calibration: CameraModel | None = None

    @classmethod
    def parse(cls, text: str) -> LensSpec:
        """``focal=9.1,pitch=12``, ``focal=13.6,camera=boson``, ``hfov=45,size=640x512``, ``lens.yml``.

        Raises InputError.
        """
        if not text.strip():
            raise InputError(f"lens {text!r}: {EXPECTED}")
        if "=" not in text:
            return cls(text, {}, calibration=read_calibration(Path(text)))
        values: dict[str, float] = {}
        camera, size = "", None
        for part in text.split(","):
            key, _, value = (word.strip() for word in part.partition("="))
            if key in values or (key == "camera" and camera) or (key == "size" and size):
                raise InputError(f"lens {text!r}: {key} is given twice")
            if key == "camera":
                camera = value
            elif key == "size" and (found := re.fullmatch(r"(\d{1,5})x(\d{1,5})", value)):
                size = int(found[1]), int(found[2])
            elif key in KEYS:
                values[key] = _number(text, key, value)
            else:
                raise InputError(f"lens {text!r}: {part!r}; {EXPECTED}")
        spec = cls(text, values, camera, size)
        usual = pictures_of_profile(camera)[0] if camera else (640, 512)
        spec._made(*(size or usual))  # what cannot be is said now, not at the first frame
        return spec

    def model(
        self, width: int, height: int, crop: Crop | None, delivered: tuple[int, int] | None = None
    ) -> CameraModel:
        """Of frames of this size, pixels. ``crop``: where they lie in the picture that the camera delivers, whose size
        is ``delivered``, None = not known.

        Raises InputError where they cannot be of this lens.
        """
        whole = self.calibration or (self._made(*self.size) if self.size else None)
        if crop is not None and delivered is not None:
            whole = self._made(*delivered) if whole is None else self._of(whole, *delivered)
        if whole is None:
            if crop is not None:
                raise InputError(
                    f"lens {self.text!r} is of the whole picture, and only a part is looked at: add "
                    "size=WIDTHxHEIGHT, the size of the whole one"
                )
            whole = self._made(width, height)
        if crop is not None:
            whole = whole.cropped(crop)
        return self._of(whole, width, height)

    def _of(self, whole: CameraModel, width: int, height: int) -> CameraModel:
        if (whole.width, whole.height) == (width, height):
            return whole
        if whole.width * height != whole.height * width:
            raise InputError(
                f"lens {self.text!r} is of a picture of {whole.width}x{whole.height}, the frames are "
                f"{width}x{height}: expected the same shape"
            )
        return whole.scaled(width, height)

    def _made(self, width: int, height: int) -> CameraModel:
        values, name = self.values, f"lens {self.text}"
        given = set(values)
        if given == {"focal", "pitch"} and not self.camera:
            return CameraModel.from_lens(width, height, values["focal"], values["pitch"], name)
        if given == {"focal"} and self.camera:
            return replace(camera_of_profile(self.camera, width, height, values["focal"]), name=name)
        if not self.camera and given in ({"hfov"}, {"hfov", "vfov"}, {"dfov"}):
            return CameraModel.from_fov(
                width,
                height,
                values.get("hfov"),
                vertical_deg=values.get("vfov"),
                diagonal_deg=values.get("dfov"),
                name=name,
            )
        raise InputError(f"lens {self.text!r}: {EXPECTED}")


def _number(text: str, key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise InputError(f"lens {text!r}: {key}={value!r}; expected a positive number")
    return number
