"""Poses in stills: DJI's XMP, EXIF positions of others, and images that say nothing, or nonsense."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import InputError
from edge.pose import Moment, open_pose
from edge.pose.exif import NO_FILE, NO_POSITION, read
from tests.conftest import shared

DJI = {
    "GpsLatitude": "+47.123456789", "GpsLongitude": "-8.5", "RelativeAltitude": "+60.30", "AbsoluteAltitude": "+512.10",
    "GimbalYawDegree": "-10.50", "GimbalPitchDegree": "-89.90", "GimbalRollDegree": "+0.00",
    "FlightYawDegree": "+20.00", "FlightPitchDegree": "+1.00", "FlightRollDegree": "+2.00",
    "FlightXSpeed": "+3.0", "FlightYSpeed": "-4.0",
}  # fmt: skip
NO_ANGLES = "the image does not say where the camera looks: add ?camera=YAW,PITCH,ROLL to --pose"


def xmp(fields: dict[str, str], elements: bool = False) -> bytes:
    if elements:
        body = ">" + "".join(f"<drone-dji:{name}>{value}</drone-dji:{name}>" for name, value in fields.items())
    else:
        body = "".join(f'\n   drone-dji:{name}="{value}"' for name, value in fields.items()) + ">"
    text = (
        f'<x:xmpmeta><rdf:RDF><rdf:Description rdf:about="DJI Meta Data"{body}</rdf:Description></rdf:RDF></x:xmpmeta>'
    )
    return b"http://ns.adobe.com/xap/1.0/\0" + text.encode()


def gps(order: str = "<", south: bool = False, error: float | None = None, above: int = 0) -> bytes:
    """A TIFF directory with a GPS directory: 47 deg 7' 30", 8 deg 30' 0", 512.5 m, perhaps an error."""
    tags = [(1, 2, b"S\0\0\0" if south else b"N\0\0\0"), (2, 5, (47, 1, 7, 1, 30, 1)), (3, 2, b"W\0\0\0"),
            (4, 5, (8, 1, 30, 1, 0, 1)), (5, 1, bytes((above, 0, 0, 0))), (6, 5, (1025, 2))]  # fmt: skip
    if error is not None:
        tags.append((31, 5, (round(error * 100), 100)))
    at = 26 + 2 + 12 * len(tags) + 4
    entries, behind = b"", b""
    for tag, kind, value in tags:
        if isinstance(value, bytes):
            count, here = (2 if kind == 2 else 1), value
        else:
            count, here = len(value) // 2, struct.pack(order + "I", at + len(behind))
            behind += struct.pack(f"{order}{len(value)}I", *value)
        entries += struct.pack(order + "HHI", tag, kind, count) + here
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    first = struct.pack(order + "HHHIII", 1, 0x8825, 4, 1, 26, 0)
    return head + first + struct.pack(order + "H", len(tags)) + entries + bytes(4) + behind


def jpeg(*segments: bytes) -> bytes:
    """A grey JPEG with these APP1 segments."""
    picture = cv2.imencode(".jpg", np.full((64, 80), 90, np.uint8))[1].tobytes()
    more = b"".join(b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body for body in segments)
    return picture[:2] + more + picture[2:]


def asked(tmp_path: Path, data: bytes, options: str = "", name: str = "DJI_1_T.JPG") -> tuple[object, str]:
    (tmp_path / name).write_bytes(data)
    source = open_pose(f"exif{options}", [str(tmp_path)])
    return source.at(Moment(0.0, None, name))


@pytest.mark.parametrize("elements", [False, True])
def test_dji_says_it_all(tmp_path: Path, elements: bool) -> None:
    pose, why = asked(tmp_path, jpeg(b"Exif\0\0" + gps(), xmp(DJI, elements)))
    assert why == ""
    assert (pose.latitude, pose.longitude, pose.height) == (47.123456789, -8.5, 60.3)
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((349.5, -89.9, 0))
    assert (pose.speed_m_s, pose.sigma_position_m, pose.height_source) == (5.0, None, "above take-off")


def test_rtk_says_how_good_it_is_and_the_ground_may_be_given(tmp_path: Path) -> None:
    fields = {**DJI, "RtkFlag": "50", "RtkStdLon": "0.011", "RtkStdLat": "0.013", "RtkStdHgt": "0.03"}
    pose, _ = asked(tmp_path, jpeg(xmp(fields)), "?ground=450")
    assert (pose.sigma_position_m, pose.height, pose.height_source) == (
        0.013,
        pytest.approx(62.1),
        "altitude less ground=",
    )


class Plain:
    vertical, name = "EGM96", "plain"

    def altitude(self, latitude: float, longitude: float) -> float:
        return 400.0 if latitude < 0 else float("nan")


@pytest.mark.parametrize(
    ("above", "expected"),
    [(0, 112.5), (1, -912.5), (2, "no height is in it"), (3, "no height is in it")],  # 2, 3: of the ellipsoid
)
def test_an_altitude_above_the_sea_stands_over_a_ground_model(
    tmp_path: Path, above: int, expected: float | str
) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(b"Exif\0\0" + gps(south=True, above=above)))
    source = open_pose("exif?camera=0,-90,0", [str(tmp_path)], Plain())
    pose, why = source.at(Moment(0.0, None, "a.jpg"))
    assert (why if pose is None else pose.height) == expected
    if pose is not None:
        assert (pose.height_source, pose.sigma_height_m) == ("altitude less ground model", 10.0)
    (tmp_path / "a.jpg").write_bytes(jpeg(b"Exif\0\0" + gps()))
    assert source.at(Moment(0.0, None, "a.jpg"))[1] == "the ground model does not know the ground below it"


def test_the_word_that_dji_misspells(tmp_path: Path) -> None:
    fields = {("GpsLongtitude" if name == "GpsLongitude" else name): value for name, value in DJI.items()}
    assert asked(tmp_path, jpeg(xmp(fields)))[0].longitude == -8.5


def test_without_a_gimbal_the_mount_turns_with_the_aircraft(tmp_path: Path) -> None:
    fields = {name: value for name, value in DJI.items() if "Gimbal" not in name}
    assert asked(tmp_path, jpeg(xmp(fields))) == (None, NO_ANGLES)
    pose, _ = asked(tmp_path, jpeg(xmp(fields)), "?mount=0,0,0")
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((20, 1, 2))


def test_mount_is_used_whatever_the_gimbal_says(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(xmp(DJI)))
    source = open_pose("exif?mount=0,0,0&camera=0,-45,0&altitude=relative", [str(tmp_path)])
    pose, _ = source.at(Moment(0.0, None, "a.jpg"))
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((20, 1, 2))
    assert source.assumed[:3] == [
        "mount= is used, not the gimbal's angles in the images",
        "camera= is not used in images to which mount= applies",
        "altitude= is not used where an altitude says what it is from",
    ]


def test_mount_needs_the_aircraft_s_attitude_of_each_image(tmp_path: Path) -> None:
    fields = {name: value for name, value in DJI.items() if "Flight" not in name}
    why = "mount= turns with the aircraft, whose attitude the image does not say: "
    for options in ("?mount=0,0,0", "?mount=0,0,0&camera=0,-45,0"):
        assert asked(tmp_path, jpeg(xmp(fields)), options) == (None, why + "leave it out")
    bare = jpeg(xmp({name: value for name, value in fields.items() if "Gimbal" not in name}))
    assert asked(tmp_path, bare, "?mount=0,0,0") == (None, f"{why}camera=YAW,PITCH,ROLL says where the camera looks")
    assert asked(tmp_path, bare, "?mount=0,0,0&camera=0,-45,0")[0].pitch == pytest.approx(-45)


def test_camera_is_told_where_the_image_says_it(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(xmp(DJI)))
    source = open_pose("exif?camera=0,-45,0", [str(tmp_path)])
    assert source.at(Moment(0.0, None, "a.jpg"))[0].pitch == pytest.approx(-89.9)
    assert source.assumed[0] == "camera= is not used in images that say where the camera looks"


def zoomed(kind: int, value: bytes, order: str = "<", count: int = 1) -> bytes:
    """EXIF with DigitalZoomRatio alone; values of over 4 bytes stand at its end."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    first = struct.pack(order + "HHHIII", 1, 0x8769, 4, 1, 26, 0)
    here = struct.pack(order + "I", 44) if len(value) > 4 else value.ljust(4, b"\0")
    return b"Exif\0\0" + head + first + struct.pack(order + "HHHI", 1, 0xA404, kind, count) + here + bytes(4) + value


UNDERSTOOD_NOT = "a digital zoom that is not understood: the lens is for 1"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("kind", "form", "numbers", "why"),
    [
        (5, "2I", (100, 100), ""),  # as M3T and H20N write it
        (5, "2I", (0, 1), ""),  # not used, by the standard
        (5, "2I", (0, 0), ""),
        (5, "2I", (200, 100), "digital zoom 2: the lens is for 1"),
        (5, "2I", (28, 10), "digital zoom 2.8: the lens is for 1"),
        (12, "d", (1.0,), ""),  # as Pillow writes it
        (12, "d", (2.0,), "digital zoom 2: the lens is for 1"),
        (3, "H", (4,), "digital zoom 4: the lens is for 1"),
        (5, "2I", (2, 0), UNDERSTOOD_NOT),
        (5, "2I", (1, 2), UNDERSTOOD_NOT),
        (12, "d", (float("nan"),), UNDERSTOOD_NOT),
        (7, "2I", (1, 1), UNDERSTOOD_NOT),
    ],
)
def test_the_digital_zoom_of_exif(
    tmp_path: Path, order: str, kind: int, form: str, numbers: tuple[float, ...], why: str
) -> None:
    exif = zoomed(kind, struct.pack(order + form, *numbers), order)
    for segments in ((exif, xmp(DJI)), (xmp(DJI), exif)):
        pose, said = asked(tmp_path, jpeg(*segments))
        assert (pose is None, said) == (why != "", why)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("1.0", ""),
        ("100/100", ""),
        ("2.0", "digital zoom 2: the lens is for 1"),
        ("3/2", "digital zoom 1.5: the lens is for 1"),
        ("2,0", UNDERSTOOD_NOT),
    ],
)
@pytest.mark.parametrize("elements", [False, True])
def test_the_digital_zoom_of_xmp(tmp_path: Path, value: str, why: str, elements: bool) -> None:
    pose, said = asked(tmp_path, jpeg(xmp({**DJI, "DigitalZoomRatio": value}, elements)))
    assert (pose is None, said) == (why != "", why)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tiff", [False, True])
def test_an_exif_position_needs_the_user_for_height_and_angles(tmp_path: Path, order: str, tiff: bool) -> None:
    def ask(options: str, **more: object) -> tuple[object, str]:
        exif = gps(order, **more)
        return asked(
            tmp_path, exif + bytes(99) if tiff else jpeg(b"Exif\0\0" + exif), options, "a.tif" if tiff else "a.jpg"
        )

    assert ask("") == (None, "it has absolute altitudes only: ground=METRES says how high the ground is")
    assert ask("?ground=450") == (None, NO_ANGLES)
    pose, _ = ask("?ground=450&camera=90,-90,0", south=True, error=2.5)
    assert (pose.latitude, pose.longitude, pose.height) == (-47.125, -8.5, 62.5)
    assert (pose.yaw, pose.pitch, pose.sigma_position_m) == (pytest.approx(90), pytest.approx(-90), 2.5)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"GpsLatitude": "0.0", "GpsLongitude": "0.0"}, "no GPS fix"),
        ({"GpsLatitude": "97.0"}, "no latitude and longitude"),
        ({"GpsLatitude": "NaN"}, NO_POSITION),
        ({"RelativeAltitude": "", "AbsoluteAltitude": ""}, "no height is in it"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, changed: dict[str, str], why: str) -> None:
    assert asked(tmp_path, jpeg(xmp({**DJI, **changed}))) == (None, why)


def test_images_without_a_pose_and_frames_of_other_files_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    (tmp_path / "b.jpg").write_bytes(jpeg(xmp(DJI)))
    source = open_pose("exif", [f"{tmp_path}?match=*.jpg"])
    assert source.at(Moment(0.0, None, "a.jpg")) == (None, NO_POSITION)
    assert source.at(Moment(0.0, None, "b.jpg"))[1] == ""
    assert source.at(Moment(0.0, None, "c.jpg")) == (None, NO_FILE)
    assert source.at(Moment(0.0, None, 1.5)) == (None, NO_FILE)
    (tmp_path / "b.jpg").unlink()
    assert source.at(Moment(0.0, None, "b.jpg")) == (None, "the image cannot be read (No such file or directory)")
    assert source.counts == {f"image: {NO_POSITION}": 1, "image": 1}


def test_several_images_and_their_options(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(jpeg(xmp(DJI)))
    source = open_pose("exif", [str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg"), "?fps=5"])
    assert [source.at(Moment(0.0, None, name))[1] for name in ("a.jpg", "b.jpg")] == ["", ""]


@pytest.mark.parametrize("source", ["flight.txt", "/dev/video9", "sim:seed=1"])
def test_sources_that_are_no_stills(tmp_path: Path, source: str) -> None:
    (tmp_path / "flight.txt").write_text("hello")
    with pytest.raises(InputError, match="pose exif: "):
        open_pose("exif", [str(tmp_path / source) if source.endswith("txt") else source])


@settings(max_examples=60)
@given(st.integers(0, 400), st.integers(0, 255), st.booleans())
def test_a_damaged_image_raises_nothing(at: int, byte: int, big: bool) -> None:
    data = bytearray(jpeg(b"Exif\0\0" + gps(">" if big else "<"), xmp(DJI)))
    data[at % len(data)] = byte
    read(bytes(data))
    read(bytes(data[: at + 30]))
    tiff = bytearray(gps(">" if big else "<"))
    tiff[at % len(tiff)] = byte
    read(bytes(tiff))


@pytest.mark.parametrize("model", ["H20N", "M2EA", "M3T"])
def test_real_images_state_no_digital_zoom(tmp_path: Path, model: str) -> None:
    real = shared("data", "raw16", f"{model}_DJI_0001_R.JPG").read_bytes()
    segment = xmp(DJI)
    said = real[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + real[2:]
    assert read(said).zoom == 1.0
    (at,) = (i for i in range(len(said)) if said.startswith(b"\x04\xa4\x05\0\x01\0\0\0", i))  # its directory entry
    damaged = said[: at + 2] + b"\x07" + said[at + 3 :]
    assert np.isnan(read(damaged).zoom)


@pytest.mark.parametrize("parts", [("raw16", "M3T_DJI_0001_R.JPG"), ("flir_rjpeg", "four_ducks_png16.jpg")])
def test_real_images_whose_metadata_were_taken_out(parts: tuple[str, str]) -> None:
    assert read(shared("data", *parts).read_bytes()) is None
