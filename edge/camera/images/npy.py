"""NPY arrays (numpy.lib.format, versions 1 to 3): one picture, or a stack of them, read one by one.

The header is Python text from outside: it is read here with limits, as literals only, and nothing is allocated before
the file is known to hold as much as it says.
"""

from __future__ import annotations

import ast
import re
import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from edge.camera.images.limits import check_axes, check_size
from edge.system.files import open_regular

MOST_HEADER = 4096  # bytes: numpy writes some 100
CHANNELS = (2, 3, 4)  # a last axis of so many is colour, not the width of a picture
STACK = "the axes of its array taken as (frames, height, width)"
EXPECTED = "expected (height, width) or (frames, height, width) counts or temperatures"

Read = Callable[[int], npt.NDArray[Any]]


def open_npy(path: Path) -> tuple[int, Read]:
    """``(pages, read)``: ``read(page)`` gives the (H, W) array of one page, in the byte order of the file.

    Raises ValueError where it is no whole array of a known kind, OSError where it cannot be read.
    """
    with open_regular(path) as file:
        dtype, fortran, shape = _header(file)
        at = file.tell()
        held = file.seek(0, 2) - at
    pages, height, width = _as_pages(dtype, shape)
    check_size(width, height, dtype.itemsize)
    check_axes(pages, height, width)
    expected = pages * height * width * dtype.itemsize
    if held < expected:
        raise ValueError(f"no whole NPY array: {held} bytes, its header says {expected}")
    if held > expected:
        raise ValueError(f"an NPY array of {expected} bytes and {held - expected} more after it; expected one array")

    def read(page: int) -> npt.NDArray[Any]:
        if fortran and pages > 1:  # a page lies all over the file
            order = np.memmap(path, dtype, "r", at, (width, height, pages))
            return np.array(order[:, :, page].T)
        with open_regular(path) as file:
            file.seek(at + page * height * width * dtype.itemsize)
            values = np.fromfile(file, dtype, height * width)
        if values.size < height * width:
            raise ValueError("the file is cut off")
        return values.reshape(width, height).T if fortran else values.reshape(height, width)

    return pages, read


def _as_pages(dtype: np.dtype[Any], shape: tuple[int, ...]) -> tuple[int, int, int]:
    pages, height, width = 1, 0, 0
    if len(shape) == 2:
        height, width = shape
    elif len(shape) == 3 and shape[2] == 1:
        height, width = shape[:2]
    elif len(shape) == 3 and shape[2] not in CHANNELS:
        pages, height, width = shape
    kind = dtype.kind in "iuf" and dtype.itemsize <= 8 and dtype.names is None
    if not (kind and pages > 0 and height > 0 and width > 0):
        raise ValueError(f"an NPY array {dtype} {shape}; {EXPECTED}")
    return pages, height, width


def _header(file: BinaryIO) -> tuple[np.dtype[Any], bool, tuple[int, ...]]:
    """``(dtype, Fortran order, shape)``; the file then stands at the data."""
    start = file.read(8)
    form = {1: "<H", 2: "<I", 3: "<I"}.get(start[6]) if len(start) == 8 else None
    if form is None:
        raise ValueError("no whole NPY array: no header of version 1, 2 or 3")
    length = file.read(struct.calcsize(form))
    size = struct.unpack(form, length)[0] if len(length) == struct.calcsize(form) else 0
    if not 0 < size <= MOST_HEADER:
        raise ValueError(f"no whole NPY array: a header of {size} bytes")
    text = file.read(size).decode("utf-8" if start[6] == 3 else "latin-1", "replace")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parser's, of odd literals
            said = ast.literal_eval(re.sub(r"(?<=\d)L\b", "", text).strip())  # Python 2 wrote 24L
        keys = sorted(said)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError("no whole NPY array: its header cannot be read") from None
    if not isinstance(said, dict) or keys != ["descr", "fortran_order", "shape"]:
        raise ValueError("no whole NPY array: its header does not say descr, fortran_order, shape")
    descr, fortran, shape = said["descr"], said["fortran_order"], said["shape"]
    if not isinstance(descr, str) or not re.fullmatch(r"[<>|=]?[a-zA-Z?][0-9]{0,2}", descr):
        raise ValueError(f"an NPY array of type {str(descr)[:40]!r}; {EXPECTED}")
    whole = isinstance(shape, tuple) and all(type(n) is int and 0 <= n < 1 << 32 for n in shape)
    if not whole or type(fortran) is not bool:
        raise ValueError(f"no whole NPY array: a shape {str(shape)[:40]}, Fortran order {str(fortran)[:10]}")
    try:
        dtype = np.dtype(descr)
    except TypeError:
        raise ValueError(f"an NPY array of type {descr!r}; {EXPECTED}") from None
    if dtype.hasobject:
        raise ValueError(f"an NPY array of Python objects; {EXPECTED}")
    return dtype, fortran, shape
