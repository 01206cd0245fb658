"""Ground models: the ray on a plane, a slope, a ridge and over holes; files of SRTM and GeoTIFF, right ones and
others.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from tifffile import imwrite

from edge.data import Pose
from edge.errors import InputError
from edge.geo import CameraModel, Dem, locate, located, read_dem
from edge.geo.wgs84 import metres_a_degree, utm

CAMERA = CameraModel.from_lens(640, 512, 9.0, 12.0)
MIDDLE = [[320, 256]]
UV = np.random.default_rng(1).uniform(0, (640, 512), (30, 2))
SECOND = 1 / 3600
A_LATITUDE, A_LONGITUDE = metres_a_degree(47.5)


def model(height: object, step: float = SECOND, side: int = 101, **more: object) -> Dem:
    """Around 47.5 N, 8.5 E; ``height`` of metres east and north of there."""
    half = (side - 1) / 2 * step
    east, north = np.meshgrid(np.linspace(-half, half, side) * A_LONGITUDE, np.linspace(half, -half, side) * A_LATITUDE)
    heights = np.asarray(height(east, north), np.float32) + np.zeros((side, side), np.float32)  # type: ignore[operator]
    return Dem(heights, 8.5 - half, 47.5 + half, step, step, **more)  # type: ignore[arg-type]


def metres(positions: np.ndarray) -> np.ndarray:
    return (positions[:, [1, 0]] - (8.5, 47.5)) * (A_LONGITUDE, A_LATITUDE)


@pytest.mark.parametrize("altitude", [0.0, 2400.0])
@pytest.mark.parametrize(("yaw", "pitch"), [(0, -90), (37, -50), (250, -30)])
def test_level_ground_is_level_ground(altitude: float, yaw: float, pitch: float) -> None:
    pose = Pose(47.5, 8.5, 80.0, yaw, pitch, 4.0)
    flat = locate(UV, CAMERA, pose)
    found = locate(UV, CAMERA, pose, model(lambda e, n: altitude, sigma_m=0.0))
    off = np.abs(metres(found) - metres(flat)).max(axis=1)
    # 2400 m up a metre is a smaller part of a degree
    assert (off[np.isfinite(off)] <= 0.01 + np.hypot(*metres(flat).T)[np.isfinite(off)] * altitude / 6.36e6).all()
    assert (np.isnan(found) == np.isnan(flat)).all()
    assert found[:, 2] == pytest.approx(flat[:, 2], rel=1e-3, nan_ok=True)


@pytest.mark.parametrize("yaw", [0.0, 90.0, 200.0])
def test_a_slope_by_hand(yaw: float) -> None:
    """The ray down at 45 degrees meets a plane that rises to it by g, seen on the heading, after h / (1 + g)."""
    rise = (0.30, -0.20)
    ground = model(lambda e, n: 500 + rise[0] * e + rise[1] * n)
    ahead = np.array([math.sin(math.radians(yaw)), math.cos(math.radians(yaw))])
    expected = 100 / (1 + ahead @ rise)
    pose = Pose(47.5, 8.5, 100.0, yaw, -45.0)
    found = located(MIDDLE, CAMERA, pose, ground)
    assert metres(found.positions)[0] == pytest.approx(ahead * expected, abs=0.02)
    # an error of the height is shortened alike
    sure = Pose(47.5, 8.5, 100.0, yaw, -45.0, 0.0, 0.0, 6.0, 0.0, 0.0, 0.0)
    a, b, heading = located(MIDDLE, CAMERA, sure, model(lambda e, n: rise[0] * e + rise[1] * n, sigma_m=0.0)).ellipses[
        0
    ]
    assert a == pytest.approx(6 / (1 + ahead @ rise), rel=0.01)
    assert b < 0.5
    assert abs((heading - yaw + 90) % 180 - 90) < 1


def test_no_ridge_is_stepped_over() -> None:
    """One post wide, 25 m high, anywhere in the way: the ray that would pass 10 m under its top ends on it."""
    pose = Pose(47.5, 8.5, 60.0, 90.0, -20.0)
    for post in range(1, 5):
        east = post * SECOND * A_LONGITUDE
        ground = model(lambda e, n, at=east: np.where(np.abs(e - at) < 1, 60 - 0.364 * at + 10, 0.0))
        found = metres(locate(MIDDLE, CAMERA, pose, ground))[0]
        assert east - SECOND * A_LONGITUDE < found[0] < east
        behind = metres(locate(MIDDLE, CAMERA, pose, model(lambda e, n: 0.0)))[0]
        assert behind[0] == pytest.approx(60 / math.tan(math.radians(20)), rel=1e-3)


def test_the_surface_is_met_exactly() -> None:
    """Rough ground: where each ray ends, the bilinear surface is as high as the ray, and lower all the way before."""
    rough = np.random.default_rng(3).uniform(0, 20, (101, 101))
    ground = model(lambda e, n: rough)
    pose = Pose(47.5003, 8.5002, 60.0, 123.0, -40.0)
    found = locate(UV, CAMERA, pose, ground)
    eye = ground.altitude(pose.latitude, pose.longitude) + 60
    flat = metres(locate(UV, CAMERA, pose, 0.0)) - metres(np.array([[pose.latitude, pose.longitude]]))
    start = metres(np.array([[pose.latitude, pose.longitude]]))[0]
    for i in np.flatnonzero(np.isfinite(found[:, 0])):
        end = metres(found[i : i + 1])[0] - start
        part = np.hypot(*end) / np.hypot(*flat[i])
        assert ground.altitude(*found[i, :2]) == pytest.approx(eye - 60 * part, abs=0.02)
        for s in np.linspace(0, part * 0.998, 60):
            east, north = start + flat[i] * s
            assert ground.altitude(47.5 + north / A_LATITUDE, 8.5 + east / A_LONGITUDE) < eye - 60 * s + 0.01


def test_holes_and_edges_are_refused_with_a_word() -> None:
    holed = model(lambda e, n: np.where((e > 100) & (n > 0), np.nan, 10.0))
    assert holed.holes > 500
    assert f"{holed.holes} of its posts" in str(holed)
    pose = Pose(47.5, 8.5, 100.0, 45.0, -25.0)
    found = located([[320, 256], [320, 500]], CAMERA, pose, holed)
    assert found.refused == ("the ray passes a hole of the ground model before it meets the ground", "")
    near_edge = Pose(47.5 + 49 * SECOND, 8.5, 100.0, 0.0, -40.0)
    assert located(MIDDLE, CAMERA, near_edge, holed).refused == (
        "the ray leaves the ground model before it meets the ground",
    )
    outside = Pose(47.6, 8.5, 100.0, 0.0, -40.0)
    assert "has no height below the camera" in located(MIDDLE, CAMERA, outside, holed).refused[0]
    low = Pose(47.5, 8.5, 0.0, 0.0, -90.0)
    assert located(MIDDLE, CAMERA, low, holed).refused == ("the camera is 0 m above the ground: expected more than 0",)


def test_over_the_antimeridian() -> None:
    ground = Dem(np.zeros((101, 101), np.float32), 179.99, 0.01, 2e-4, 2e-4)
    found = locate(MIDDLE, CAMERA, Pose(0.0, 179.9999, 50.0, 90.0, -45.0), ground)[0]
    assert found[1] == pytest.approx(179.9999 + 50 / 111319.5 - 360, abs=1e-7)


def test_utm_and_degrees_agree() -> None:
    zone = 32
    east, north = utm(np.array([47.5]), np.array([8.5]), zone, False)
    e, n = np.meshgrid(np.arange(-400, 401, 10.0), np.arange(400, -401, -10.0))
    heights = (300 + 0.2 * e + 0.1 * n).astype(np.float32)
    ground = Dem(heights, float(east[0]) - 400, float(north[0]) + 400, 10.0, 10.0, (zone, False))
    turned = math.radians(-0.3687)  # of the grid against north, there: (8.5 - 9) sin(47.5)
    same = model(
        lambda e, n: 300 + 0.2 * (e * math.cos(turned) + n * math.sin(turned))
        + 0.1 * (n * math.cos(turned) - e * math.sin(turned))
    )  # fmt: skip
    pose = Pose(47.5, 8.5, 60.0, 70.0, -45.0)
    off = metres(locate(UV, CAMERA, pose, ground)) - metres(locate(UV, CAMERA, pose, same))
    assert np.nanmax(np.abs(off)) < 0.2  # of up to 100 m; a wrong sign of the turn would be 0.7


def test_altitudes_of_another_datum_are_not_mixed_in() -> None:
    ground = model(lambda e, n: 400.0, vertical="EGM96")
    assert ground.height_above_ground(47.5, 8.5, 460.0, "EGM96") == pytest.approx(60)
    with pytest.raises(InputError, match="heights are above EGM96, the altitude is above ellipsoid: expected the same"):
        ground.height_above_ground(47.5, 8.5, 460.0, "ellipsoid")
    with pytest.raises(InputError, match="above unknown"):
        model(lambda e, n: 0.0).height_above_ground(47.5, 8.5, 460.0, "unknown")


# ---- files ----


def hgt(path: Path, side: int = 1201, **changes: object) -> Path:
    rows, columns = np.mgrid[0:side, 0:side]
    heights = (rows // 2 + columns // 3).astype(">i2")
    heights[5, 7] = -32768
    path.write_bytes(heights.tobytes())
    return path


@pytest.mark.parametrize(("name", "south", "west"), [("N47E008.hgt", 47, 8), ("S01W073.hgt", -1, -73)])
def test_a_tile_of_srtm(tmp_path: Path, name: str, south: int, west: int) -> None:
    ground = read_dem(hgt(tmp_path / name))
    assert (ground.vertical, ground.holes, ground.heights.shape) == ("EGM96", 1, (1201, 1201))
    assert ground.altitude(south + 1, west) == 0
    assert ground.altitude(south + 1, west + 1) == 400
    assert ground.altitude(south + 1e-9, west + 1e-9) == pytest.approx(600, abs=1e-2)
    assert ground.altitude(south + 1 - 6 / 1200, west + 7 / 1200) == pytest.approx(5)
    assert math.isnan(ground.altitude(south + 1 - 5 / 1200, west + 7 / 1200))
    assert math.isnan(ground.altitude(south - 0.01, west))
    assert "1201x1201 posts, WGS84 degrees, 0 to 1000 m above EGM96" in str(ground)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("N47E008.hgt", b"", "it has 0 bytes; expected 2884802 or 25934402"),
        ("N47E008.hgt", b"\0" * 2884801, "it has 2884801 bytes"),
        ("tile.hgt", b"\0" * 2884802, "its name does not say where it lies"),
        ("N47E008.hgt", np.full(1201 * 1201, 500, "<i2").tobytes(), "may be the wrong way round"),
        ("N47E008.hgt", np.full(1201 * 1201, -32768, ">i2").tobytes(), "no height at all, only holes"),
        ("a.asc", b"ncols 3", "expected SRTM's .hgt"),
        ("a.tif", b"ncols 3", "a damaged TIFF"),
    ],
)
def test_what_is_no_ground_model(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=words) as told:
        read_dem(tmp_path / name)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_dem(tmp_path / "N47E008.hgt")


KEYS = {"GTModelType": 1024, "GTRasterType": 1025, "Geographic": 2048, "Projected": 3072}
KEYS |= {"Vertical": 4096, "VerticalUnits": 4099, "LinearUnits": 3076}


def geotiff(path: Path, heights: np.ndarray, scale: tuple[float, float], tie: tuple[float, float], **keys: int) -> Path:
    nodata = keys.pop("nodata", None)
    matrix = keys.pop("matrix", None)
    directory = [1, 1, 0, len(keys)]
    for name, value in sorted(keys.items(), key=lambda item: KEYS[item[0]]):
        directory += [KEYS[name], 0, 1, value]
    tags: list[tuple[int, str, int, object]] = [(34735, "H", len(directory), directory)]
    if matrix:
        tags.append((34264, "d", 16, matrix))
    else:
        tags += [(33550, "d", 3, (*scale, 0.0)), (33922, "d", 6, (0.0, 0.0, 0.0, *tie, 0.0))]
    if nodata is not None:
        tags.append((42113, "s", 0, str(nodata)))
    imwrite(path, heights, extratags=[(*tag, True) for tag in tags], metadata=None)  # type: ignore[misc]
    return path


DEGREES = {"GTModelType": 2, "Geographic": 4326}
METRES = {"GTModelType": 1, "Projected": 32632}
HILL = np.arange(12, dtype=np.float32).reshape(3, 4) * 10


def test_a_geotiff_in_degrees(tmp_path: Path) -> None:
    """Of areas: a height is of the middle of its cell; of points: of the place itself."""
    heights = HILL.copy()
    heights[2, 3] = -9999
    path = geotiff(tmp_path / "a.tif", heights, (0.1, 0.2), (8.0, 48.0), **DEGREES, nodata=-9999)  # type: ignore[arg-type]
    ground = read_dem(path, sigma_m=1.5)
    assert (ground.x0, ground.y0, ground.dx, ground.dy) == pytest.approx((8.05, 47.9, 0.1, 0.2))
    assert (ground.zone, ground.vertical, ground.holes, ground.sigma_m) == (None, "unknown", 1, 1.5)
    assert ground.altitude(47.9, 8.15) == pytest.approx(10)
    assert ground.altitude(47.7, 8.05) == pytest.approx(40)
    points = read_dem(geotiff(tmp_path / "p.tif", HILL, (0.1, 0.2), (8.0, 48.0), GTRasterType=2, **DEGREES))
    assert (points.x0, points.y0) == (8.0, 48.0)


def test_a_geotiff_in_utm(tmp_path: Path) -> None:
    path = geotiff(tmp_path / "a.tif", HILL.astype(np.int16), (30, 30), (460000, 5260000), Vertical=3855, **METRES)
    ground = read_dem(path)
    assert (ground.zone, ground.vertical, ground.x0, ground.y0) == ((32, False), "EGM2008", 460015, 5259985)
    south = geotiff(tmp_path / "s.tif", HILL, (30, 30), (460000, 5260000), GTModelType=1, Projected=32733)
    assert read_dem(south).zone == (33, True)


def test_rows_that_begin_in_the_south(tmp_path: Path) -> None:
    matrix = (0.1, 0, 0, 8.0, 0, 0.2, 0, 47.0, 0, 0, 0, 0, 0, 0, 0, 1)
    path = geotiff(tmp_path / "a.tif", HILL, (0, 0), (0, 0), matrix=matrix, GTRasterType=2, **DEGREES)  # type: ignore[arg-type]
    ground = read_dem(path)
    assert (ground.y0, ground.dy) == pytest.approx((47.4, 0.2))
    assert ground.altitude(47.0, 8.1) == pytest.approx(10)
    assert ground.altitude(47.4, 8.0) == pytest.approx(80)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "its datum is not named by a number"),
        ({"GTModelType": 2, "Geographic": 4269}, r"its datum is EPSG:4269 \(NAD83\); expected WGS84 degrees"),
        ({"GTModelType": 1, "Projected": 2056}, r"it is projected as EPSG:2056 \(CH1903\+ / LV95\)"),
        ({"GTModelType": 1, "Projected": 25832}, r"EPSG:25832 \(ETRS89 / UTM\)"),
        ({"GTModelType": 1, "Projected": 32767}, "it is projected as not named by a number"),
        ({**METRES, "LinearUnits": 9002}, "its grid is not in metres"),
        ({**DEGREES, "VerticalUnits": 9002}, r"its heights are in units 9002 \(feet\)"),
        ({**DEGREES, "matrix": (0.1, 0.01, 0, 8, 0.01, -0.1, 0, 47, *(0,) * 7, 1)}, "its grid is turned against north"),
    ],
)
def test_another_datum_is_refused_by_its_name(tmp_path: Path, keys: dict[str, int], words: str) -> None:
    path = geotiff(tmp_path / "a.tif", HILL, (0.1, 0.1), (8.0, 48.0), **keys)
    with pytest.raises(InputError, match=words):
        read_dem(path)


def test_tiffs_that_are_no_heights(tmp_path: Path) -> None:
    imwrite(tmp_path / "plain.tif", HILL)
    with pytest.raises(InputError, match="it has no GeoTIFF tags"):
        read_dem(tmp_path / "plain.tif")
    colours = np.zeros((4, 5, 3), np.uint8)
    with pytest.raises(InputError, match="3 bands of uint8; expected one band"):
        read_dem(geotiff(tmp_path / "rgb.tif", colours, (0.1, 0.1), (8.0, 48.0), **DEGREES))
    with pytest.raises(InputError, match="heights from 0 to 110000"):
        read_dem(geotiff(tmp_path / "mm.tif", HILL * 1000, (0.1, 0.1), (8.0, 48.0), **DEGREES))


def test_a_large_one_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.geo.dem_files.MOST_POSTS", 11)
    path = geotiff(tmp_path / "a.tif", HILL, (0.1, 0.1), (8.0, 48.0), **DEGREES)
    with pytest.raises(InputError, match="4x3 posts; expected at most 0 million: cut out what is flown over"):
        read_dem(path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Dem(np.zeros((3, 3)), 0, 0, 1, 1), "heights are float64"),  # type: ignore[arg-type]
        (lambda: Dem(np.zeros((1, 3), np.float32), 0, 0, 1, 1), "two or more of each"),
        (lambda: Dem(np.zeros((3, 3), np.float32), 0, 0, -1, 1), "steps of more than 0"),
        (lambda: Dem(np.full((3, 3), np.nan, np.float32), 0, 0, 1, 1), "only holes"),
    ],
)
def test_what_cannot_be_a_grid(make: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()  # type: ignore[operator]
