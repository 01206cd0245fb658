"""A calibrated camera from a file: as OpenCV's calibration programs write it (YAML, JSON) and as ROS does (YAML).

OpenCV counts pixels from the middle of the first one, this package from its corner: cx and cy are half a pixel more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import cv2
import msgspec

from edge.errors import InputError
from edge.geo.camera import NARROWEST_DEG, WIDEST_DEG, CameraModel
from edge.system.declared import MOST, declared, read_json
from edge.system.files import open_regular, reason_of

MOST_BYTES = 1 << 20
MOST_DEEP = 16  # of tables in tables: OpenCV's parser calls itself for each, and crashes after some ten thousand
HALF = 0.5  # pixel
_MODELS = ("plumb_bob", "brown", "brown_conrady", "")
_NAMES = {"dist_coeffs": "distortion_coefficients", "dist_coeff": "distortion_coefficients", "k": "camera_matrix"}
_NAMES |= {"width": "image_width", "height": "image_height", "d": "distortion_coefficients"}

_Number = Annotated[float, msgspec.Meta(ge=-MOST, le=MOST)]
_Size = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class _Matrix(msgspec.Struct):
    rows: Annotated[int, msgspec.Meta(ge=1, le=14)]
    cols: Annotated[int, msgspec.Meta(ge=1, le=14)]
    data: Annotated[list[_Number], msgspec.Meta(max_length=14)]

    def __post_init__(self) -> None:
        if len(self.data) != self.rows * self.cols:
            raise ValueError(f"{self.rows}x{self.cols} and {len(self.data)} values: expected as many as rows x cols")


class _Calibration(msgspec.Struct):
    image_width: _Size
    image_height: _Size
    camera_matrix: _Matrix
    distortion_coefficients: _Matrix
    distortion_model: str = ""


def read_calibration(path: Path | str) -> CameraModel:
    """The camera of a calibration file. It has ``image_width``, ``image_height``, ``camera_matrix`` (3x3) and
    ``distortion_coefficients`` (k1, k2, p1, p2, k3; more only where they are 0).

    Raises InputError where it cannot be read, lacks one of them, or is of another model of distortion.
    """
    path = Path(path)
    try:
        with open_regular(path) as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ValueError("it is over 1 MiB; expected the few lines of a calibration")
        text = data.decode()
        value = read_json(data) if text.lstrip()[:1] in ("{", "[") else _yaml(text)
        return _camera(declared(_renamed(value), _Calibration), path.name)
    except OSError as error:
        raise InputError(f"calibration {path}: {reason_of(error)}") from None
    except (ValueError, InputError) as error:
        raise InputError(f"calibration {path}: {error}") from None


def _camera(found: _Calibration, name: str) -> CameraModel:
    matrix, distortion = found.camera_matrix, found.distortion_coefficients
    if (matrix.rows, matrix.cols) != (3, 3):
        raise ValueError(f"camera_matrix is {matrix.rows}x{matrix.cols}: expected 3x3")
    fx, skew, cx, zero, fy, cy, *last = matrix.data
    if skew or zero or last != [0, 0, 1]:
        raise ValueError(f"camera_matrix is {matrix.data}: expected fx 0 cx, 0 fy cy, 0 0 1")
    if found.distortion_model.lower() not in _MODELS:
        raise ValueError(
            f"its distortion model is {found.distortion_model!r}: expected plumb_bob; calibrate without the fisheye "
            "and rational models"
        )
    if min(distortion.rows, distortion.cols) != 1:
        raise ValueError(f"distortion_coefficients are {distortion.rows}x{distortion.cols}: expected one row")
    first, more = distortion.data[:5], distortion.data[5:]
    if any(more):
        raise ValueError(
            f"it has {len(distortion.data)} distortion coefficients: expected k1, k2, p1, p2, k3; calibrate without "
            "the rational, thin-prism and tilted models"
        )
    camera = CameraModel(found.image_width, found.image_height, fx, fy, cx + HALF, cy + HALF, tuple(first), name)
    if not (0 < camera.cx < camera.width and 0 < camera.cy < camera.height):
        raise ValueError(
            f"the optical axis is at {cx:g}, {cy:g}, outside of {camera.width}x{camera.height}: expected it in the "
            "picture that was calibrated; give a crop to the source instead"
        )
    across, _ = camera.fov_deg
    if not NARROWEST_DEG <= across < WIDEST_DEG:
        raise ValueError(
            f"its focal length of {fx:g} px makes {across:.3g} deg of {camera.width} columns: expected "
            f"{NARROWEST_DEG:g} to {WIDEST_DEG:g} deg; camera_matrix is in pixels"
        )
    return camera


def _renamed(value: Any) -> Any:
    """Its keys in lower case by the usual names; matrices that are nested lists as rows, cols and data."""
    if not isinstance(value, dict):
        raise ValueError("expected a table with image_width, image_height, camera_matrix, distortion_coefficients")
    found: dict[str, Any] = {}
    for key, entry in value.items():
        name = str(key).lower()
        name = _NAMES.get(name, name)
        if name in ("camera_matrix", "distortion_coefficients") and isinstance(entry, list):
            rows = entry if entry and all(isinstance(row, list) for row in entry) else [entry]
            entry = {"rows": len(rows), "cols": len(rows[0]), "data": [number for row in rows for number in row]}
        found[name] = entry
    return found


def _yaml(text: str) -> dict[str, Any]:
    """What OpenCV reads of its own YAML and, with its first line put before it, of others'."""
    _check_depth(text)
    head = "" if text.startswith("%YAML") else "%YAML:1.0\n---\n"
    try:
        file = cv2.FileStorage(head + text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        root = file.root()
        return {key: _node(root.getNode(key)) for key in root.keys()}  # noqa: SIM118
    except (cv2.error, SystemError) as error:
        said = " ".join(str(error).split())[-120:]
        raise ValueError(f"OpenCV cannot read it as YAML ({said})") from None


def _check_depth(text: str) -> None:
    """Raises ValueError where brackets or indented lines stand in each other deeper than in any calibration."""
    depth, indents = 0, [0]
    for line in text.splitlines():
        dashes = len(line) - len(line.lstrip(" -\t?:"))  # each of them may begin a table in a table
        while len(indents) > 1 and dashes <= indents[-1]:
            indents.pop()
        if line.strip() and dashes > indents[-1]:
            indents.append(dashes)
        for mark in line:
            depth = max(0, depth + (mark in "[{") - (mark in "]}"))
            if depth + len(indents) > MOST_DEEP:
                raise ValueError("it is nested too deeply")
        if line.lstrip(" ").count("- ", 0, dashes) > MOST_DEEP:
            raise ValueError("it is nested too deeply")


def _node(node: Any) -> Any:
    if node.isMap():
        return {key: _node(node.getNode(key)) for key in node.keys() if key in ("rows", "cols", "data")}  # noqa: SIM118
    if node.isSeq():
        return [_node(node.at(i)) for i in range(min(node.size(), 20))]
    if node.isInt():
        return int(node.real())
    return float(node.real()) if node.isReal() else node.string()
