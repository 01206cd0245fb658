"""Codecs and pixel formats that come out as they were recorded; the others are refused, with a way out."""

from __future__ import annotations

import numpy as np
import pytest

from edge.camera.decode.codecs import SCALED, bits_of, counts_as_yuv
from tests.support.videos import counts


@pytest.mark.parametrize(
    ("codec", "tag", "bits", "note"),
    [
        ("h264", b"I420", 8, ""),
        ("avc1", b"I420", 8, ""),
        ("hevc", b"Y3\x0b\x0a", 8, "; 10-bit video reduced to 8 bits"),
        ("MJPG", b"Y42B", 8, ""),
        ("\x1b", b"I420", 8, ""),
        ("", b"Y800", 8, ""),
        ("", b"UYVY", 8, ""),
        ("YUY2", b"YUY2", 8, ""),
        ("raw", b"RGB\x18", 8, ""),
        ("FFV1", b"Y1\0\x10", 16, ""),
        ("", b"Y1\0\x10", 16, ""),
        ("mjp2", b"Y1\0\x10", 16, SCALED),
        ("FFV1", b"Y800", 8, ""),
        ("MPNG", b"0RGB", 8, "; 16-bit video reduced to 8 bits"),
        ("FFV1", b"G3\0\x10", 8, "; 16-bit video reduced to 8 bits"),
        ("vp09", bytes(4), 8, ""),
        ("cvid", b"RGB\x18", None, "codec 'cvid'"),
        ("H264", b"\xff\xff\xff\xff", 8, ""),  # a reader that names no pixel format
        ("", b"RGB\x0f", None, "raw 16-bit video that does not say"),
        ("", b"\x0fBGR", None, "raw 16-bit video that does not say"),
        ("", b"RGB\x10", None, "gray16le OUT.nut"),
        ("", b"BGR\x0c", None, "-c:v ffv1"),
        ("FFV1", b"Y1\0\x0a", None, "10-bit grey"),
        ("FFV1", b"Y1\0\x0e", None, "14-bit grey"),
        ("MPNG", b"\x10\x001Y", None, "16-bit grey"),
        ("", b"B1W0", None, "pixel format 'B1W0'"),  # OpenCV crashes on it
        ("", b"????", None, "pixel format"),
        ("ANSI", b"PAL\x08", None, "codec 'ANSI'"),
        ("cram", b"RGB\x0f", None, "codec 'cram'"),
    ],
)
def test_bits(codec: str, tag: bytes, bits: int | None, note: str) -> None:
    if bits is not None:
        assert bits_of(codec, tag) == (bits, note)
        return
    with pytest.raises(ValueError, match=note):
        bits_of(codec, tag)


def as_yuyv(frame: np.ndarray) -> np.ndarray:
    """(H, W, 3) BGR of counts whose low bytes are taken for brightness and whose high bytes for colour (BT.601)."""
    low, high = (frame & 255).astype(float), (frame >> 8).astype(float)
    y, u, v = (low - 16) * 1.164, np.repeat(high[:, ::2], 2, 1) - 128, np.repeat(high[:, 1::2], 2, 1) - 128
    return np.clip(np.stack([y + 2.018 * u, y - 0.391 * u - 0.813 * v, y + 1.596 * v], -1), 0, 255).astype(np.uint8)


def test_counts_that_are_labelled_as_a_picture() -> None:
    frame = counts(1)[0]
    assert counts_as_yuv(as_yuyv(frame))
    assert counts_as_yuv(as_yuyv(frame + 50000))  # pink
    grey = np.repeat((frame & 255).astype(np.uint8)[..., None], 3, -1)
    assert not counts_as_yuv(grey)
    half = as_yuyv(frame)
    half[: len(half) // 2] = grey[: len(half) // 2]
    assert not counts_as_yuv(half)
    assert not counts_as_yuv(grey[..., 0])
