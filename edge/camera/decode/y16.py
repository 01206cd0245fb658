"""Raw 16-bit frames out of whatever shape this OpenCV hands them over in."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def decode_y16(handed: npt.NDArray[Any], height: int, width: int) -> npt.NDArray[np.uint16]:
    """(height, width) uint16 raw counts of one V4L2 'Y16 ' buffer (little-endian in memory).

    ``handed``: what VideoCapture returned with CONVERT_RGB 0: (H, W) uint16 up to OpenCV 4.10 and from 4.12
    on, (1, 2HW) uint8 from 4.11.0 (opencv/opencv#27166, fixed in #27193). So its shape and type are not
    looked at, only its bytes. The result may share memory with ``handed``.

    Raises ValueError where the bytes are not exactly height * width * 2.
    """
    expected = height * width * 2
    if handed.nbytes != expected:
        why = "; it is 8 bit: only the high byte of each count came" if handed.nbytes * 2 == expected else ""
        raise ValueError(
            f"{handed.nbytes} bytes ({handed.dtype} {handed.shape}) for {width}x{height} at 16 bit, "
            f"expected {expected}{why}"
        )
    counts = np.ascontiguousarray(handed).reshape(-1).view(np.uint8).view("<u2").reshape(height, width)
    return counts.astype(np.uint16, copy=False)
