"""From the numbers in a TIFF or NPY to pixels: counts stay counts, floats that are temperatures become 0.01 K counts.

A float says nothing of its unit, so plausible scenes decide: a median of -60 .. 150 is Celsius, one of 213.15 .. 423.15
kelvin (the same temperatures); what could be neither, or a picture scaled to 0 .. 1, is asked for (``unit=``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.camera.decode.grey import COLOUR_PART
from edge.data import KELVIN_AT_0_C, Pixels, Scale, TemperatureScale

Array = npt.NDArray[Any]
CENTIKELVIN = TemperatureScale(0.01)  # reading rounds to the nearest count: at most 0.005 K away
COLDEST, HOTTEST = -60.0, 150.0  # deg C, of the median of a scene
COLDEST_PIXEL = -123.0  # deg C: a clear night sky; below is no kelvin scene but a Celsius one with a fire in it
UNITS = {"celsius": KELVIN_AT_0_C, "kelvin": 0.0}
"""Units of float values, and what makes them kelvin."""
COLOUR = "in colour, reduced to brightness, which in a colour palette is not heat"
BLOCK = 1 << 20  # pixels that are worked on at once
ASK = "add ?unit=celsius or ?unit=kelvin"


@dataclass(frozen=True)
class How:
    """How the user wants images read. ``raw``: raw counts of radiometric JPEGs instead of their picture. ``unit``: of
    float values, one of `UNITS`, None = told by the values. ``usual``: what the images before were told to be.
    """

    raw: bool = True
    unit: str | None = None
    usual: str | None = None


@dataclass(frozen=True)
class Picture:
    """One image as read. ``pixels``: (H, W) uint8 grey or uint16 counts. ``note``: what a person should know of it.
    ``temperature``: scale of the counts, or None. ``unit``: of the float values it came from, or None. ``empty``:
    pixels without a value (NaN, nodata), 0 in ``pixels``, which a normaliser leaves out; ``clipped``: hotter than the
    counts reach. ``coloured``: its grey is the brightness of a colour palette.
    """

    pixels: Pixels
    note: str = ""
    temperature: Scale | None = None
    unit: str | None = None
    empty: int = 0
    clipped: int = 0
    coloured: bool = False


def grey_picture(grey: Pixels, colour: float) -> Picture:
    """What `edge.camera.decode.grey.to_grey` gave, as a picture."""
    return Picture(grey, COLOUR if colour else "", coloured=colour > COLOUR_PART)


def to_picture(values: Array, how: How, note: str = "", nodata: float | None = None) -> Picture:
    """``values``: (H, W) of any real type. ``nodata``: the value that stands for none, beside NaN.

    Unsigned counts are kept; signed or wider whole numbers are, where all fit into 16 bits.

    Raises ValueError where they are neither counts nor temperatures of a known unit.
    """
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind == "f":
        return _temperatures(values, how, note, nodata)
    if values.dtype.kind not in "iu":
        raise ValueError(f"values of type {values.dtype}; expected whole numbers, or float temperatures")
    none = None if nodata is None or np.isnan(nodata) else values == nodata
    empty = 0 if none is None else int(none.sum())
    if none is not None and empty:
        values = np.where(none, values.dtype.type(0), values)
    if values.dtype not in (np.uint8, np.uint16):
        low, high = int(values.min()), int(values.max())
        if low < 0 or high > 65535:
            raise ValueError(
                f"{values.dtype} values {low} .. {high}; expected 0 .. 65535: store them as uint16 with an offset, or "
                "as float degrees Celsius, which are read as temperatures"
            )
        values = values.astype(np.uint16)
    return Picture(np.ascontiguousarray(values), note, empty=empty)


def _temperatures(values: Array, how: How, note: str, nodata: float | None) -> Picture:
    good = np.isfinite(values) & (values > -KELVIN_AT_0_C)  # -9999 and the like are no temperatures
    if nodata is not None and not np.isnan(nodata):
        good &= values != values.dtype.type(nodata)
    if how.unit == "kelvin" or (how.unit is None and how.usual == "kelvin"):
        good &= values > 0
    some = values.reshape(-1) if good.all() else values[good]  # of a large picture a copy is many megabytes
    if some.size == 0:
        raise ValueError(f"{values.dtype} values, none of which is a temperature")
    told = told_unit(some)
    if how.unit is None and told and how.usual and told != how.usual:
        raise ValueError(f"values that look like {told}, those before like {how.usual}; {ASK}, or read them apart")
    unit = how.unit or told or how.usual
    if unit is None:
        raise ValueError(
            f"{values.dtype} values {some.min():g} .. {some.max():g}, median {np.median(_sample(some)):g}:"
            " degrees Celsius or "
            f"kelvin, or none? {ASK}, or store counts as uint16"
        )
    if unit == "kelvin":
        good &= values > 0
    pixels, clipped = np.zeros(values.shape, np.uint16), 0
    rows = max(1, BLOCK // values.shape[1])
    for begin in range(0, len(values), rows):  # as float64 the whole would take four times as much
        part = slice(begin, begin + rows)
        counts = np.rint((values[part][good[part]].astype(np.float64) + UNITS[unit]) / CENTIKELVIN.gain)
        clipped += int((counts > 65535).sum())
        pixels[part][good[part]] = np.clip(counts, 1, 65535).astype(np.uint16)
    said = f"{values.dtype} {unit if unit == 'kelvin' else 'degrees Celsius'} as counts of 0.01 K"
    if how.unit is None:
        said += ", a unit told by the values (?unit= says it)"
    return Picture(
        pixels,
        "; ".join(filter(None, (note, said))),
        CENTIKELVIN,
        unit,
        int(values.size - good.sum()),
        clipped,
    )


def told_unit(some: Array) -> str | None:
    """What finite values, (N,), of a scene are in, ``celsius`` or ``kelvin``; None where they do not tell."""
    sample = _sample(some)
    if (sample == np.rint(sample)).all():  # no radiometric camera's output: counts or grey levels, kept as floats
        return None
    median, low, high = float(np.median(sample)), float(some.min()), float(some.max())
    if COLDEST <= median <= HOTTEST and not (low >= 0 and high <= 1):
        return "celsius"
    if COLDEST <= median - KELVIN_AT_0_C <= HOTTEST and np.percentile(sample, 1) >= COLDEST_PIXEL + KELVIN_AT_0_C:
        return "kelvin"
    return None


def _sample(some: Array) -> npt.NDArray[np.float64]:
    """Some 65536 of values, (N,), evenly."""
    return some[:: max(1, some.size // 65536)].astype(np.float64)
