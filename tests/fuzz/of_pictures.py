"""Pictures: stills of every format, radiometric JPEGs, masks, videos, CPTV."""

from __future__ import annotations

import functools
import gzip
import io
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from tests.fuzz import repair
from tests.fuzz.folder import put
from tests.fuzz.target import READING, SHARED, Target

GREY = (np.add.outer(np.arange(12), np.arange(16)) * 9).astype(np.uint8)
COUNTS = GREY.astype(np.uint16) * 11 + 7000
MOST_FRAMES = 20


def _coded(suffix: str, *pictures: np.ndarray) -> dict[str, bytes]:
    return {str(i): cv2.imencode(suffix, picture)[1].tobytes() for i, picture in enumerate(pictures)}


def _file(name: str) -> Callable[[Path, bytes], None]:
    """Reads it by this name, as a still and, where it is one, as a film."""

    def act(folder: Path, data: bytes) -> None:
        from edge.camera.open import open_camera

        put(folder / name, data)
        with open_camera(str(folder / name)) as camera:
            for _ in islice(iter(camera.read, None), MOST_FRAMES):
                pass

    return act


def pngs() -> dict[str, bytes]:
    return _coded(".png", GREY, COUNTS, cv2.merge([GREY] * 3), cv2.merge([COUNTS] * 4))


def jpegs() -> dict[str, bytes]:
    return _coded(".jpg", GREY, cv2.merge([GREY] * 3))


def bmps() -> dict[str, bytes]:
    return _coded(".bmp", GREY, cv2.merge([GREY] * 3))


def others() -> dict[str, bytes]:
    """Formats that are named, and not read."""
    return _coded(".pgm", GREY, COUNTS) | {"webp": _coded(".webp", GREY)["0"], "gif": b"GIF89a" + bytes(40)}


@functools.cache
def tiffs() -> dict[str, bytes]:
    from tifffile import imwrite

    def written(data: np.ndarray, **more: object) -> bytes:
        out = io.BytesIO()
        imwrite(out, data, **more)  # type: ignore[arg-type]
        return out.getvalue()

    found = {
        "grey": written(GREY), "counts": written(COUNTS), "big": written(COUNTS, bigtiff=True),
        "pages": written(np.stack([COUNTS + i for i in range(5)]), photometric="minisblack"),
        "float": written(COUNTS.astype(np.float32) / 100 - 60),
        "zlib": written(COUNTS, compression="zlib", predictor=True), "tiles": written(COUNTS, tile=(16, 16)),
        "order": written(COUNTS, byteorder=">"), "rgb": written(cv2.merge([GREY] * 3), photometric="rgb"),
        "signed": written(COUNTS.astype(np.int16)), "strips": written(COUNTS, rowsperstrip=1),
    }  # fmt: skip
    for codec in ("lzw", "zstd", "lerc", "packbits"):
        try:
            found[codec] = written(COUNTS, compression=codec)
        except (ImportError, ValueError, KeyError):  # without imagecodecs
            continue
    return found


def npys() -> dict[str, bytes]:
    found = {}
    arrays = {"grey": GREY, "counts": COUNTS, "float": COUNTS / 100, "stack": np.stack([COUNTS] * 3), "order": COUNTS.T}
    for name, array in (arrays | {"swapped": COUNTS.astype(">u2")}).items():
        out = io.BytesIO()
        np.save(out, array)
        found[name] = out.getvalue()
    return found


def dji() -> dict[str, bytes]:
    from tests.edge.camera.test_stills import r_jpeg

    return {"m3t": r_jpeg(bytes(np.arange(640 * 512, dtype="<u2").tobytes()))}


def flir() -> dict[str, bytes]:
    from tests.edge.camera.images.test_flir import r_jpeg

    real = [path.read_bytes() for path in sorted((SHARED / "data/flir_rjpeg").glob("*.jpg"))]
    made = {"raw": r_jpeg(), "png": r_jpeg(png=True), "big": r_jpeg(order=">", step=60000)}
    return made | {f"real{i}": data for i, data in enumerate(real)}


def read_mask(folder: Path, data: bytes) -> None:
    from edge.camera.view.mask import read_mask as read

    put(folder / "mask.png", data)
    read(folder / "mask.png", (0, 0, 16, 12), (16, 12))


@functools.cache
def videos() -> dict[str, bytes]:
    found = {}
    for suffix, codec in ((".avi", "MJPG"), (".mp4", "mp4v"), (".mkv", "FFV1"), (".avi", "FFV1")):
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / f"v{suffix}"
            out = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 9.0, (64, 48), False)
            if not out.isOpened():
                continue
            for i in range(6):
                out.write(np.full((48, 64), 30 * i, np.uint8))
            out.release()
            found[codec + suffix] = path.read_bytes()
    return found


def look_at_video(folder: Path, data: bytes) -> None:
    """What this package reads of a container itself, before FFmpeg sees it."""
    from edge.camera.decode.pictures import look_at
    from edge.camera.images.filetype import kind_of_file
    from edge.camera.images.jpeg import more_jpegs_follow

    put(folder / "v.mp4", data)
    look_at(folder / "v.mp4")
    kind_of_file(folder / "v.mp4")
    more_jpegs_follow(folder / "v.mp4")


@functools.cache
def cptvs() -> dict[str, bytes]:
    """One of two frames, written by hand from the format's description; and a real one, cut short."""

    def fields(*pairs: tuple[bytes, bytes]) -> bytes:
        return bytes([len(pairs)]) + b"".join(bytes([len(value)]) + name + value for name, value in pairs)

    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, "little")

    head = b"CPTV\x02H" + fields(
        (b"T", number(1_700_000_000_000_000, 8)), (b"X", number(16, 4)), (b"Y", number(12, 4)), (b"C", b"\1"),
        (b"Z", b"\x09"), (b"E", b"lepton3"), (b"D", b"d"), (b"P", b"\0"),
    )  # fmt: skip
    frames = b""
    for i in range(2):
        packed = number(7000 if i == 0 else 1, 4) + bytes(16 * 12 - 1)
        frames += b"F" + fields((b"t", number(1000 + 111 * i, 4)), (b"w", b"\x08"), (b"f", number(len(packed), 4)))
        frames += packed
    return {"made": gzip.compress(head + frames, mtime=0)}


ROWS = (
    Target("png", pngs, _file("a.png"), raises=READING, repair=repair.png),
    Target("jpeg", jpegs, _file("a.jpg"), raises=READING),
    Target("bmp", bmps, _file("a.bmp"), raises=READING),
    Target("tiff", tiffs, _file("a.tif"), raises=READING),
    Target("npy", npys, _file("a.npy"), raises=READING),
    Target("other-stills", others, _file("a.pgm"), raises=READING),
    Target("dji", dji, _file("a.jpg"), raises=READING),
    Target("flir", flir, _file("a.jpg"), raises=READING),
    Target("mask", pngs, read_mask, repair=repair.png),
    Target("container", videos, look_at_video),
    Target("video", videos, _file("v.mp4"), raises=READING),
    Target("cptv", cptvs, _file("a.cptv"), "gzip", raises=READING, needs=("cptv",)),
)
