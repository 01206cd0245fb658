"""Models of the ground from files: SRTM's .hgt, and GeoTIFF in WGS84 degrees or UTM (OGC 19-008r4).

What is in another datum or projection is refused by its number and name: reprojecting is a matter for gdalwarp.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.errors import InputError
from edge.geo.dem import Dem
from edge.system.files import open_regular, reason_of
from edge.system.host import install_line

MOST_POSTS = 64 << 20  # 256 MB of heights in memory; a tile of an arc second has 13 million
VOID = -32768  # SRTM's; others write it too
LOWEST_M, HIGHEST_M = -600.0, 9000.0  # of land
SRTM_SIGMA_M, OTHER_SIGMA_M = 4.0, 4.0  # chosen: SRTM promises 10 m of relative error at 90 %, and is usually better
SIZES = {1201: 3, 3601: 1}  # posts a side of a .hgt: arc seconds
_TILE = re.compile(r"([NS])(\d\d)([EW])(\d\d\d)", re.IGNORECASE)
_VERTICAL = {5773: "EGM96", 5171: "EGM96", 3855: "EGM2008", 5030: "ellipsoid", 4979: "ellipsoid", 4326: "ellipsoid"}
_KNOWN = {
    4258: "ETRS89", 4269: "NAD83", 4267: "NAD27", 4230: "ED50", 4314: "DHDN", 4283: "GDA94", 7844: "GDA2020",
    4149: "CH1903", 4150: "CH1903+", 3857: "Web Mercator", 2056: "CH1903+ / LV95", 21781: "CH1903 / LV03",
    27700: "British National Grid", 2154: "RGF93 / Lambert-93", 28992: "Amersfoort / RD New", 3035: "ETRS89 / LAEA",
    31287: "MGI / Austria Lambert", 3006: "SWEREF99 TM", 32661: "UPS North", 32761: "UPS South",
}  # fmt: skip
EXPECTED = "expected WGS84 degrees (EPSG:4326) or UTM on WGS84 (EPSG:326zz, 327zz)"
REPROJECT = "gdalwarp -t_srs EPSG:4326 FILE out.tif"


def read_dem(path: Path | str, sigma_m: float | None = None) -> Dem:
    """The ground model in a file, SRTM .hgt or GeoTIFF by its ending. ``sigma_m``: see `Dem`; None: 4 m.

    Raises InputError where it cannot be read, or not rightly.
    """
    path = Path(path)
    try:
        if path.suffix.lower() == ".hgt":
            return _hgt(path, SRTM_SIGMA_M if sigma_m is None else sigma_m)
        if path.suffix.lower() in (".tif", ".tiff"):
            return _geotiff(path, OTHER_SIGMA_M if sigma_m is None else sigma_m)
    except OSError as error:
        raise InputError(f"ground model {path}: {reason_of(error)}") from None
    except ValueError as error:
        raise InputError(f"ground model {path}: {error}") from None
    raise InputError(f"ground model {path}: expected SRTM's .hgt (unpacked) or a GeoTIFF, .tif")


def _hgt(path: Path, sigma_m: float) -> Dem:
    tile = _TILE.match(path.name)
    if tile is None:
        raise ValueError("its name does not say where it lies; expected one as N47E008.hgt: its south-west corner")
    posts = {2 * side * side: side for side in SIZES}
    size = path.stat().st_size
    if size not in posts:
        raise ValueError(f"it has {size} bytes; expected {' or '.join(map(str, posts))}: 1201 or 3601 posts a side")
    side = posts[size]
    stored = np.fromfile(path, ">i2").reshape(side, side)
    heights = stored.astype(np.float32)
    heights[stored == VOID] = np.nan
    _check(heights, "its bytes may be the wrong way round: SRTM's are big-endian")
    south = float(tile[2]) * (1 if tile[1].upper() == "N" else -1)
    west = float(tile[4]) * (1 if tile[3].upper() == "E" else -1)
    step = 1 / (side - 1)
    return Dem(heights, west, south + 1, step, step, None, "EGM96", sigma_m, path.name)


def _geotiff(path: Path, sigma_m: float) -> Dem:
    from tifffile import TiffFile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # a line for each damaged tag, and there may be 65535
    open_regular(path).close()
    try:
        with TiffFile(path) as file:
            page: Any = file.pages[0]
            tags = page.geotiff_tags if page.is_geotiff else None
            if not tags:
                raise ValueError(f"it has no GeoTIFF tags; {EXPECTED}: gdal_translate -a_srs says what it is")
            zone = _zone(tags)
            x0, y0, dx, dy = _corner(tags)
            vertical = _vertical(tags)
            _check_shape(page)
            values, nodata = page.asarray(), page.tags.valueof(42113)
    except OSError:
        raise
    except Exception as error:  # whatever tifffile raises of a damaged file
        if type(error) is ValueError and "imagecodecs" not in str(error):
            raise  # ours
        raise ValueError(
            f"a damaged TIFF, or of a compression that needs imagecodecs, {install_line('tiff')}: {_line(error)}"
        ) from None
    heights = np.asarray(values).reshape(page.imagelength, page.imagewidth).astype(np.float32, copy=False)
    del values
    heights[~np.isfinite(heights)] = np.nan
    try:
        empty = None if nodata is None else float(str(nodata).strip("\0 "))
    except ValueError:
        raise ValueError(f"its value for holes (GDAL_NODATA) is {str(nodata)[:20]!r}; expected a number") from None
    for hole in (VOID, empty):
        if hole is not None:
            heights[heights == np.float32(hole)] = np.nan
    _check(heights, "expected metres, and GDAL_NODATA set to what marks a hole")
    if dy < 0:  # row 0 in the south
        heights, y0, dy = heights[::-1], y0 + (page.imagelength - 1) * -dy, -dy
    return Dem(np.ascontiguousarray(heights), x0, y0, dx, dy, zone, vertical, sigma_m, path.name)


def _check_shape(page: Any) -> None:
    if page.imagelength * page.imagewidth > MOST_POSTS:
        raise ValueError(
            f"{page.imagewidth}x{page.imagelength} posts; expected at most {MOST_POSTS >> 20} million: cut out what is "
            "flown over, gdal_translate -projwin"
        )
    if page.is_tiled and page.tilelength * page.tilewidth > MOST_POSTS:
        raise ValueError(
            f"tiles of {page.tilewidth}x{page.tilelength} posts; expected at most {MOST_POSTS >> 20} million"
        )
    if page.samplesperpixel != 1 or page.dtype is None or page.dtype.kind not in "iuf":
        raise ValueError(
            f"{page.samplesperpixel} bands of {page.dtype}; expected one band of numbers: heights in metres"
        )


def _check(heights: npt.NDArray[np.float32], hint: str) -> None:
    known = ~np.isnan(heights)
    if not known.any():
        raise ValueError("it holds no height at all, only holes")
    low, high = heights.min(where=known, initial=np.inf), heights.max(where=known, initial=-np.inf)
    if low < LOWEST_M or high > HIGHEST_M:
        raise ValueError(f"heights from {low:.0f} to {high:.0f}; expected {LOWEST_M:g} to {HIGHEST_M:g} m: {hint}")


def _number(tags: dict[str, Any], key: str) -> int | None:
    value = tags.get(key)
    return None if value is None else int(value)


def _zone(tags: dict[str, Any]) -> tuple[int, bool] | None:
    """The UTM zone, None for degrees. Raises ValueError for all else."""
    kind, projected = _number(tags, "GTModelTypeGeoKey"), _number(tags, "ProjectedCSTypeGeoKey")
    if kind == 1 or (kind is None and projected is not None):
        if (_number(tags, "ProjLinearUnitsGeoKey") or 9001) != 9001:
            raise ValueError(f"its grid is not in metres; {EXPECTED}: {REPROJECT}")
        if projected and (32601 <= projected <= 32660 or 32701 <= projected <= 32760):
            return projected % 100, projected > 32700
        raise ValueError(f"it is projected as {_named(projected)}; {EXPECTED}: {REPROJECT}")
    geographic = _number(tags, "GeographicTypeGeoKey")
    if kind == 2 and geographic in (4326, 4979):
        if (_number(tags, "GeogAngularUnitsGeoKey") or 9102) != 9102:
            raise ValueError(f"its grid is not in degrees; {EXPECTED}: {REPROJECT}")
        return None
    raise ValueError(f"its datum is {_named(geographic)}; {EXPECTED}: {REPROJECT}")


def _named(code: int | None) -> str:
    if code in (None, 0, 32767):
        return "not named by a number (EPSG)"
    name = _KNOWN.get(code) or ("ETRS89 / UTM" if 25828 <= code <= 25838 else "")
    name = name or ("NAD83 / UTM" if 26901 <= code <= 26923 else "")
    return f"EPSG:{code}" + (f" ({name})" if name else "")


def _vertical(tags: dict[str, Any]) -> str:
    units = _number(tags, "VerticalUnitsGeoKey")
    if units not in (None, 0, 9001):
        feet = " (feet)" if units in (9002, 9003) else ""
        raise ValueError(f"its heights are in units {units}{feet}; expected metres, 9001: gdal_calc converts")
    code = _number(tags, "VerticalCSTypeGeoKey")
    if code is None:
        return "ellipsoid" if _number(tags, "GeographicTypeGeoKey") == 4979 else "unknown"
    return _VERTICAL.get(code, f"EPSG:{code}")


def _corner(tags: dict[str, Any]) -> tuple[float, float, float, float]:
    """x and y of the first post, and the steps eastwards and southwards (negative: row 0 is in the south)."""
    matrix, scale, tie = (tags.get(f"Model{name}") for name in ("Transformation", "PixelScale", "Tiepoint"))
    if matrix is not None:
        m = np.asarray(matrix, np.float64)
        if m.shape != (4, 4) or m[0, 1] or m[1, 0]:
            raise ValueError(f"its grid is turned against north; {EXPECTED}, rows from west to east: {REPROJECT}")
        x, y, dx, dy = m[0, 3], m[1, 3], m[0, 0], -m[1, 1]
    elif scale is not None and tie is not None and np.size(tie) == 6:
        i, j, _, x, y, _ = np.asarray(tie, np.float64)
        dx, dy = scale[0], scale[1]
        x, y = x - i * dx, y + j * dy
    else:
        raise ValueError(f"it does not say where its grid lies by one corner and a step: {REPROJECT}")
    if _number(tags, "GTRasterTypeGeoKey") != 2:  # a value is of its cell's middle
        x, y = x + dx / 2, y - dy / 2
    if not dx > 0 or not dy:
        raise ValueError(f"its grid runs in steps of {dx:g}, {dy:g}; expected columns from west to east: {REPROJECT}")
    return float(x), float(y), float(dx), float(dy)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
