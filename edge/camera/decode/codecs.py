"""Which codecs and pixel formats are read, and how many bits of each pixel come out.

OpenCV converts whatever FFmpeg decodes to 8-bit BGR; only ``gray16le`` is handed over as it is. So what would come out
as another picture than was recorded is refused here: raw 16-bit video in a container that cannot say what its bits mean
(FFmpeg takes it for RGB555), greys of 9 to 16 bits, and codecs that no camera records with.
"""

from __future__ import annotations

import numpy as np

from edge.data import Pixels

# Four letters of the codecs, in small letters, as containers and as FFmpeg name them; the last are numbers of streams
CODECS = frozenset(
    """
    h264 avc1 avc2 avc3 x264 davc vssh xavc | hevc hev1 hvc1 h265 x265 dvh1 dvhe | vp80 vp8 vp08 vp90 vp9 vp09 av01 av1
    mjpg mjpa mjpb jpeg avrn dmb1 ijpg mjls jpgl ljpg | mjp2 j2k jp2k mj2k | png mpng | tiff | gif
    mp4v fmp4 xvid divx dx50 mp4s m4s2 xvix 3iv2 div3 div4 mp43 mp42 mpg4 | mpg1 mpg2 mpeg mp1v mp2v m2v1 em2v
    h263 s263 u263 flv1 | theo | wmv1 wmv2 wmv3 wvc1 vc-1 wmva
    ffv1 hfyu ffvh magy m8rg m8ra m8g0 m8y0 m8y2 m8y4 m8ya | ulrg ulra uly0 uly2 uly4 ulh0 ulh2 ulh4 | lags
    apch apcn apcs apco ap4h ap4x | avdn avdh | cfhd | dvsd dvcp dv50 dvc dvhd
    \x01 \x02 \x07 \x1b $ \x10
    """.replace("|", " ").split()
)
RAW = frozenset(
    [
        "raw",
        "dib",
        "rgb",
        "none",
        "y800",
        "y8",
        "grey",
        "yuy2",
        "yuyv",
        "yuv2",
        "2vuy",
        "uyvy",
        "yvyu",
        "i420",
        "iyuv",
        "yv12",
        "nv12",
        "nv21",
        "v422",
        "b16g",
    ]
)
# FFmpeg's tags of pixel formats of 8 bits a sample (libavcodec/raw.c); I420 and its like, packed YUV, RGB and palettes
EIGHT_BITS = frozenset(
    [
        tag.encode()
        for tag in [
            "Y800",
            "GREY",
            "I420",
            "IYUV",
            "YV12",
            "Y42B",
            "422P",
            "444P",
            "440P",
            "411P",
            "410P",
            "YUY2",
            "UYVY",
            "YVYU",
            "NV12",
            "NV21",
            "NV24",
        ]
    ]
    + [b"PAL\x08", b"BGR\x18", b"RGB\x18", b"BGRA", b"RGBA", b"ABGR", b"ARGB", b"BGR\x00", b"RGB\x00", b"\x00BGR"]
    + [b"\x00RGB", b"G3\x00\x08", b"Y2\x00\x08", b"Y1\x00\x08", b"Y4\x0b\x08", b"Y4\x0a\x08", b"Y4\x00\x08", b"Y8  "]
)
PACKED_YUV = frozenset([b"YUY2", b"UYVY", b"YVYU"])
FILLED_UP = frozenset(["mjp2", "j2k", "jp2k", "mj2k", "mjls", "jpgl"])
SCALED = "; where it holds fewer than 16 bits a count, FFmpeg multiplies them to fill 16"
UNKNOWN = (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff")
WAYS = (
    "convert the original with ffmpeg to FFV1 (-c:v ffv1 -pix_fmt gray16le OUT.mkv) or to NUT (-c:v rawvideo -pix_fmt "
    "gray16le OUT.nut); of this file, ffmpeg -i IN -c copy -f rawvideo OUT.raw makes "
    "'OUT.raw?width=W&height=H&format=Y16'"
)
NO_FORMAT = f"raw 16-bit video that does not say what its bits are: counts, or RGB555? Expected a format: {WAYS}"


def bits_of(codec: str, pixel_format: bytes) -> tuple[int, str]:
    """``(bits, note)``: bits a pixel that OpenCV can hand over without a loss, 8 or 16, and a note for the description.

    ``codec``: its four letters, or ""; ``pixel_format``: FFmpeg's tag of it, 4 bytes; `UNKNOWN` where there is none.

    Raises ValueError, with a way out, where the video would come out as another picture.
    """
    name, tag = codec.lower(), pixel_format
    if name not in CODECS and name not in RAW and name and tag != codec.ljust(4).encode("latin-1", "replace"):
        raise ValueError(
            f"a video in the codec {codec!r}, which no camera known here records with; expected H.264, H.265, MJPEG, "
            "MPEG-4, VP9, FFV1 or raw: ffmpeg -i IN -c:v ffv1 OUT.mkv"
        )
    if tag == b"Y1\x00\x10":
        return 16, SCALED if name in FILLED_UP else ""
    if tag[:3] == b"Y1\x00" or tag[1:] == b"\x001Y":
        bits = max(tag[0] if tag[3:] == b"Y" else tag[3], 9)
        raise ValueError(
            f"{bits}-bit grey video, of which OpenCV would keep 8 bits; expected 8-bit or gray16le: "
            "ffmpeg -i IN -c:v ffv1 -pix_fmt gray16le OUT.mkv"
        )
    if (tag[:3] in (b"RGB", b"BGR") and tag[3] in (12, 15, 16)) or (
        tag[1:] in (b"RGB", b"BGR") and tag[0] in (12, 15, 16)
    ):
        raise ValueError(NO_FORMAT)
    deep = _deep(tag)
    if deep:
        return 8, f"; {deep}-bit video reduced to 8 bits"
    if tag not in EIGHT_BITS and tag not in UNKNOWN and (not name or name in RAW):
        raise ValueError(
            f"raw video in the pixel format {_words(tag)}, which is not read; expected 8-bit grey, YUV or RGB, or "
            "gray16le"
        )
    return 8, ""


def _deep(tag: bytes) -> int:
    """Bits a sample of YUV and RGB formats of more than 8; 0 for others."""
    if tag[:1] in (b"Y", b"G") and tag[1:2] in (b"2", b"3", b"4") and 9 <= tag[3] <= 16:
        return tag[3]
    if tag[3:] in (b"Y", b"G") and tag[2:3] in (b"2", b"3", b"4") and 9 <= tag[0] <= 16:
        return tag[0]
    return 16 if tag in (b"RGB0", b"BGR0", b"0RGB", b"0BGR", b"RBA@", b"BRA@", b"@ABR", b"@ARB") else 0


def _words(tag: bytes) -> str:
    return repr(tag.decode("ascii", "backslashreplace"))


def counts_as_yuv(picture: Pixels) -> bool:
    """Whether a raw picture, (H, W, 3) uint8 BGR of packed YUV, is 16-bit counts under another name (Optris RAVI).

    The high byte of each count stands where colour is expected, and is nearly the same all over the picture: all of it
    is then green, or all of it is pink. No palette is.
    """
    if picture.ndim != 3 or picture.shape[2] < 3:
        return False
    blue, green, red = (picture[::3, ::3, i].astype(np.int16) for i in range(3))
    tint = 60
    all_green = (green - np.maximum(blue, red) > tint).mean()
    all_pink = (np.minimum(blue, red) - green > tint).mean()
    return bool(max(all_green, all_pink) > 0.95)
