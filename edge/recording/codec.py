"""Pixels <-> bytes, lossless: difference to the pixel before, zigzag, byte planes, Zstandard level 1.

Neighbours in a thermal frame differ by little more than the sensor's noise, so the differences are small
numbers of both signs; zigzag (0, -1, 1, -2, ... -> 0, 1, 2, 3, ...) makes them small numbers without a
sign, whose high bytes are nearly all zero, and the planes put those together. ``benchmarks/speed/recording.py``
measures time and ratio.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import zstandard

from edge.data import Pixels

NAME = "delta-zigzag-planes-zstd"
LEVEL = 1  # level 3 takes twice the time and makes these data no smaller


class Encoder:
    """Compresses frames, one after the other; not for two threads at a time."""

    def __init__(self) -> None:
        self._zstd = zstandard.ZstdCompressor(level=LEVEL)

    def __call__(self, pixels: Pixels) -> bytes:
        """``pixels``: (H, W) uint8 or uint16, any strides; not written to."""
        return self._zstd.compress(to_planes(pixels).data)


def decode(data: bytes, height: int, width: int, bits: int) -> Pixels:
    """``(height, width)`` uint8 (``bits`` 8) or uint16 (16) pixels of what `Encoder` made.

    Raises ValueError where ``data`` is anything else; never takes more memory than the frame asked for.
    """
    size = height * width * bits // 8
    try:
        # the size that the data claim is what the decompressor would allocate
        if (claimed := zstandard.frame_content_size(data)) != size:
            raise ValueError(f"pixels of {claimed} bytes; expected {size}")
        planes = zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
    except zstandard.ZstdError as error:
        raise ValueError(f"pixels that cannot be decompressed ({error})") from None
    return from_planes(np.frombuffer(planes, np.uint8).reshape(bits // 8, -1)).reshape(height, width)


def to_planes(pixels: Pixels) -> npt.NDArray[np.uint8]:
    """``(bytes a pixel, H * W)`` uint8: the low bytes of all zigzagged differences, then the high ones."""
    little = pixels.dtype.newbyteorder("<")
    flat = np.ascontiguousarray(pixels, little).reshape(-1)
    delta = flat.copy()
    np.subtract(flat[1:], flat[:-1], out=delta[1:])  # wraps around, and so does its inverse
    signed = delta.view(f"<i{flat.itemsize}")
    zigzag = (signed << 1) ^ (signed >> (8 * flat.itemsize - 1))
    return np.ascontiguousarray(zigzag.view(np.uint8).reshape(-1, flat.itemsize).T)


def from_planes(planes: npt.NDArray[np.uint8]) -> Pixels:
    """``(H * W,)`` pixels of ``(bytes a pixel, H * W)`` uint8: the inverse of `to_planes`."""
    native: npt.DTypeLike = np.uint8 if len(planes) == 1 else np.uint16
    little = np.dtype(native).newbyteorder("<")
    zigzag = np.ascontiguousarray(planes.T).reshape(-1).view(little)
    delta = (zigzag >> 1) ^ np.negative(zigzag & 1)
    return np.cumsum(delta, dtype=native)
