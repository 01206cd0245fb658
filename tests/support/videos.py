"""Small video files made by hand: what OpenCV's writer cannot write, and what happens to files on their way."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

FPS, WIDTH, HEIGHT = 10.0, 64, 48
TS_PACKET, VIDEO_PID = 188, 0x100


def pictures(n: int, width: int = WIDTH, height: int = HEIGHT) -> list[npt.NDArray[np.uint8]]:
    """Smooth noise that moves: every frame another, and none that compresses to nothing."""
    noise = np.random.default_rng(7).integers(0, 256, (height, width), np.uint8)
    base = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)  # type: ignore[call-overload]
    return [np.roll(base, 3 * i, axis=1) for i in range(n)]


def counts(n: int) -> list[npt.NDArray[np.uint16]]:
    """The same as raw counts of a thermal camera."""
    return [p.astype(np.uint16) * 7 + 7003 for p in pictures(n)]


def write(path: Path, codec: str, n: int = 20, fps: float = FPS) -> bytes:
    """A video by OpenCV's writer; its bytes."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), fps, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for picture in pictures(n):
        writer.write(cv2.merge([picture] * 3))
    writer.release()
    return path.read_bytes()


# ---- MP4 ----


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + size]
        at += size


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def with_boxes(data: bytes, new: dict[tuple[bytes, ...], bytes], path: tuple[bytes, ...] = ()) -> bytes:
    """``data`` with the bodies of the boxes at these paths replaced."""
    out = b""
    for kind, body in boxes(data):
        here = (*path, kind)
        if here in new:
            body = new[here]
        elif any(there[: len(here)] == here for there in new):
            body = with_boxes(body, new, here)
        out += box(kind, body)
    return out


def body_at(data: bytes, *path: bytes) -> bytes:
    for kind in path:
        data = dict(boxes(data))[kind]
    return data


def ticks_of(mp4: bytes) -> tuple[int, int]:
    """Ticks a second of the movie and of its track."""
    headers = body_at(mp4, b"moov", b"mvhd"), body_at(mp4, b"moov", b"trak", b"mdia", b"mdhd")
    movie, track = (struct.unpack_from(">I", header, 12)[0] for header in headers)
    return movie, track


def with_edits(mp4: bytes, edits: Sequence[tuple[float, float | None]]) -> bytes:
    """``(length, start)`` of each edit, seconds; a start of None: nothing is shown so long."""
    movie, track = ticks_of(mp4)
    entries = [
        struct.pack(">IiI", round(length * movie), -1 if start is None else round(start * track), 1 << 16)
        for length, start in edits
    ]
    elst = box(b"elst", struct.pack(">II", 0, len(edits)) + b"".join(entries))
    return with_boxes(mp4, {(b"moov", b"trak", b"edts"): elst})


def with_steps(mp4: bytes, steps: Sequence[float]) -> bytes:
    """Seconds from each frame to the next; the edit list lets all be seen."""
    movie, track = ticks_of(mp4)
    runs = b"".join(struct.pack(">II", 1, round(step * track)) for step in steps)
    stts = struct.pack(">II", 0, len(steps)) + runs
    elst = box(b"elst", struct.pack(">IIIiI", 0, 1, round(sum(steps) * movie), 0, 1 << 16))
    places = {(b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts"): stts, (b"moov", b"trak", b"edts"): elst}
    return with_boxes(mp4, places)


def annex_b(mp4: bytes) -> bytes:
    """The H.264 stream in an MP4 whose only track it is, as a camera sends it."""
    stsd = body_at(mp4, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    avcc = stsd[stsd.index(b"avcC") + 4 :]
    assert (avcc[4] & 3, avcc[5] & 31) == (3, 1)  # sizes of 4 bytes, one SPS
    at, sets = 6, []
    for _ in range(2):  # one SPS; behind the count of PPS, one of those
        size = struct.unpack_from(">H", avcc, at)[0]
        sets.append(avcc[at + 2 : at + 2 + size])
        at += 2 + size + 1
    tables = body_at(mp4, b"moov", b"trak", b"mdia", b"minf", b"stbl")
    (at,) = struct.unpack_from(">I", body_at(tables, b"stco"), 8)  # one chunk
    sizes = body_at(tables, b"stsz")
    end = at + sum(struct.unpack_from(f">{(len(sizes) - 12) // 4}I", sizes, 12))
    out = b"".join(b"\0\0\0\1" + unit for unit in sets)
    while at < end:
        size = struct.unpack_from(">I", mp4, at)[0]
        out += b"\0\0\0\1" + mp4[at + 4 : at + 4 + size]
        at += 4 + size
    return out


# ---- AVI ----


def raw_avi(frames: Sequence[npt.NDArray[Any]], bits: int, fourcc: bytes = bytes(4), fps: int = 10) -> bytes:
    """An uncompressed AVI. ``frames``: (H, W, ...) of any type, as the bytes lie in memory, rows from the top."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    height, width = frames[0].shape[:2]
    size = frames[0].nbytes
    avih = struct.pack("<14I", 1_000_000 // fps, 0, 0, 0x10, len(frames), 0, 1, size, width, height, 0, 0, 0, 0)
    strh = struct.pack("<4s4sI2HI6I2iI", b"vids", bytes(4), 0, 0, 0, 0, 1, fps, 0, len(frames), size, 0, 0, 0, 0)[:56]
    strf = struct.pack("<IiiHH4s5I", 40, width, -height, 1, bits, fourcc, size, 0, 0, 0, 0)
    strl = chunk(b"LIST", b"strl" + chunk(b"strh", strh.ljust(56, b"\0")) + chunk(b"strf", strf))
    hdrl = chunk(b"LIST", b"hdrl" + chunk(b"avih", avih) + strl)
    movi, index, at = b"movi", b"", 4
    for frame in frames:
        piece = chunk(b"00db", frame.tobytes())
        index += struct.pack("<4s3I", b"00db", 0x10, at, size)
        movi, at = movi + piece, at + len(piece)
    body = b"AVI " + hdrl + chunk(b"LIST", movi) + chunk(b"idx1", index)
    return chunk(b"RIFF", body)


# ---- MPEG-TS ----


def shown_at(packet: bytes) -> int:
    """When the picture is shown that begins in this packet, ticks of 90 kHz (ISO/IEC 13818-1, PES header)."""
    pes = packet[5 + packet[4] :] if packet[3] & 0x20 else packet[4:]
    stamp = pes[9:14]
    return (stamp[0] >> 1 & 7) << 30 | stamp[1] << 22 | stamp[2] >> 1 << 15 | stamp[3] << 7 | stamp[4] >> 1


def pictures_of(ts: bytes) -> tuple[list[bytes], list[list[bytes]]]:
    """The packets before the first picture, and those of each picture with what stands between them."""
    packets = [ts[i : i + TS_PACKET] for i in range(0, len(ts), TS_PACKET)]
    before: list[bytes] = []
    groups: list[list[bytes]] = []
    for packet in packets:
        pid, starts = (packet[1] & 0x1F) << 8 | packet[2], packet[1] & 0x40
        if pid == VIDEO_PID and starts:
            groups.append([packet])
        else:
            (groups[-1] if groups else before).append(packet)
    return before, groups
