"""--lens: each form of it, the part of the picture that it is of, and what is refused."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from edge.errors import InputError
from edge.geo import CameraModel
from edge.geo.lens import LensSpec


def made(text: str, width: int = 640, height: int = 512, crop: tuple[int, int, int, int] | None = None) -> CameraModel:
    return LensSpec.parse(text).model(width, height, crop)


def calibration(folder: Path) -> str:
    path = folder / "lens.json"
    matrix = {"rows": 3, "cols": 3, "data": [700.0, 0, 329.5, 0, 710.0, 249.5, 0, 0, 1]}
    coefficients = {"rows": 1, "cols": 5, "data": [-0.3, 0.1, 0, 0, 0]}
    value = {"image_width": 640, "image_height": 512, "camera_matrix": matrix, "distortion_coefficients": coefficients}
    path.write_text(json.dumps(value))
    return str(path)


@pytest.mark.parametrize(
    ("text", "fx", "fy"),
    [
        ("focal=9.1,pitch=12", 9100 / 12, 9100 / 12),
        (" pitch = 12 , focal = 9.1 ", 9100 / 12, 9100 / 12),
        ("focal=13.6,camera=boson", 13600 / 12, 13600 / 12),
        ("hfov=45", 320 / math.tan(math.radians(22.5)), 320 / math.tan(math.radians(22.5))),
        ("hfov=45,vfov=45", 320 / math.tan(math.radians(22.5)), 256 / math.tan(math.radians(22.5))),
        (
            "dfov=60",
            math.hypot(320, 256) / math.tan(math.radians(30)),
            math.hypot(320, 256) / math.tan(math.radians(30)),
        ),
    ],
)
def test_each_form(text: str, fx: float, fy: float) -> None:
    model = made(text)
    assert (model.fx, model.fy) == pytest.approx((fx, fy))
    assert (model.width, model.height, model.cx, model.cy) == (640, 512, 320, 256)
    assert not any(model.distortion)
    assert model.name == f"lens {text}"


def test_a_calibration(tmp_path: Path) -> None:
    model = made(calibration(tmp_path))
    assert (model.fx, model.fy, model.cx, model.cy) == (700, 710, 330, 250)
    assert model.distortion == (-0.3, 0.1, 0, 0, 0)
    half = made(calibration(tmp_path), 320, 256)
    assert (half.fx, half.fy, half.cx, half.cy) == (350, 355, 165, 125)


@pytest.mark.parametrize(
    ("camera", "width", "height", "pitch"),
    [("lepton", 160, 120, 12), ("lepton", 80, 60, 17), ("infiray", 256, 192, 12), ("boson", 320, 256, 12)],
)
def test_a_camera_by_its_name_whatever_the_size_of_its_picture(
    camera: str, width: int, height: int, pitch: float
) -> None:
    model = made(f"focal=2.2,camera={camera}", width, height)
    assert (model.width, model.height, model.fx) == pytest.approx((width, height, 2200 / pitch))


def test_a_part_of_the_picture_and_a_picture_of_another_size(tmp_path: Path) -> None:
    assert made("focal=12,pitch=12,size=640x512", 320, 256).fx == 500
    part = made("focal=12,pitch=12,size=640x512", 100, 80, (300, 200, 100, 80))
    assert (part.width, part.height, part.fx, part.cx, part.cy) == (100, 80, 1000, 20, 56)
    assert made(calibration(tmp_path), 100, 80, (300, 200, 100, 80)).cx == 30
    with pytest.raises(
        InputError, match="is of the whole picture, and only a part is looked at: add size=WIDTHxHEIGHT"
    ):
        made("focal=12,pitch=12", 100, 80, (300, 200, 100, 80))
    with pytest.raises(InputError, match="crop .* reaches out of the picture, which is 640x512"):
        made("focal=12,pitch=12,size=640x512", 100, 80, (600, 0, 100, 80))
    with pytest.raises(InputError, match="picture of 640x512, the frames are 640x480: expected the same shape"):
        made("hfov=45,size=640x512", 640, 480)
    with pytest.raises(InputError, match="camera boson: picture 640x480: expected 320x256, 640x512"):
        made("focal=12,camera=boson", 640, 480)


FORMS = "expected focal=MM,pitch=UM or focal=MM,camera=NAME or hfov=DEGREES"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("focal=9", FORMS),
        ("pitch=12", FORMS),
        ("focal=9,hfov=45", FORMS),
        ("hfov=45,dfov=60", FORMS),
        ("vfov=45", FORMS),
        ("hfov=45,camera=boson", FORMS),
        ("focal=9,pitch=12,camera=boson", FORMS),
        ("focal=9,camera=", FORMS),
        ("size=640x512", FORMS),
        ("focal=9,pitch=12,", f"''; {FORMS}"),
        ("focal=9,pitch", "pitch=''; expected a positive number"),
        ("focal=9,f=12", f"'f=12'; {FORMS}"),
        ("FOCAL=9,pitch=12", f"'FOCAL=9'; {FORMS}"),
        ("hfov=45,size=640", f"'size=640'; {FORMS}"),
        ("hfov=45,size=640x512x1", f"'size=640x512x1'; {FORMS}"),
        ("focal=9,focal=9,pitch=12", "focal is given twice"),
        ("hfov=45,size=640x512,size=640x512", "size is given twice"),
        ("focal=9,camera=boson,camera=boson", "camera is given twice"),
        ("focal=9mm,pitch=12", "focal='9mm'; expected a positive number"),
        ("focal=0,pitch=12", "focal='0'; expected a positive number"),
        ("focal=-9,pitch=12", "focal='-9'; expected a positive number"),
        ("focal=nan,pitch=12", "focal='nan'; expected a positive number"),
        ("focal=9,pitch=inf", "pitch='inf'; expected a positive number"),
        ("focal=9.1,pitch=0.012", "lens of 9.1 mm on pixels of 0.012 um: expected a pitch of 1 to 100 um"),
        ("focal=0.0091,camera=boson", "lens of 0.0091 mm on pixels of 12 um: expected a focal length of 1 to 2000 mm"),
        ("focal=9,camera=seek", "camera 'seek' has no profile with a lens: expected boson, infiray, lepton"),
        ("focal=9,camera=generic", "camera 'generic' has no profile with a lens"),
        ("focal=9,camera=lepton,size=640x512", "camera lepton: picture 640x512: expected 80x60, 160x120"),
        ("hfov=180", "horizontal field of view 180.0 deg"),
        ("hfov=45,size=0x512", "picture 0x512"),
        ("nothing.yml", "nothing.yml"),
        ("", FORMS),
        (" ", FORMS),
    ],
)
def test_what_is_refused_at_once(text: str, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        LensSpec.parse(text)
