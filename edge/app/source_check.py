"""What a camera really delivers, measured over some seconds: what it says of itself is often something else."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edge.camera import Camera
from edge.camera.decode.misread import misread
from edge.camera.devices.profiles import PROFILES
from edge.data import Frame, Pixels, Scale
from edge.errors import CameraError
from edge.measure.meter import percentiles
from edge.thermal.byteorder import looks_swapped
from edge.thermal.normalise import DEFAULT_8BIT, DEFAULT_16BIT, Normaliser

MOST_FRAMES = 2000  # of a file
UNEVEN = 0.01  # part of the intervals
ARRIVAL_MS = 1.0  # a time this close to when the frame was handed over is when it arrived


@dataclass
class Examination:
    """What came. Times in milliseconds.

    ``duplicates``: frames that only repeat the one before. ``low``, ``high``: coldest and hottest count of all;
    ``usual``: percentiles 1 and 99 of the last frame. ``bits``: the highest bit that was ever set; ``unused``: how many
    of the lowest never were. ``jitter_ms``: how far intervals are from their median; ``uneven``: how many are further
    from it than half of it. Percentiles that too few frames carry are left out. ``latency_ms``: from the driver's
    time of a frame to its hand-over; empty where there is no such time. ``picture``: (H, W) uint8, the last frame
    normalised. ``misread``: what its counts seem to be instead, or "". ``broke``: why it ended early.
    """

    description: str = ""
    live: bool = True
    nominal_fps: float | None = None
    frames: int = 0
    lost: int = 0
    duplicates: int = 0
    shutter: int = 0
    size: tuple[int, int] = (0, 0)
    bits_a_pixel: int = 0
    low: int = 0
    high: int = 0
    usual: tuple[int, int] = (0, 0)
    bits: int = 0
    unused: int = 0
    saturated: float = 0.0
    std: float = 0.0
    swapped: bool = False
    misread: str = ""
    first_ms: float = 0.0
    fps: float | None = None
    interval_ms: dict[str, float] = field(default_factory=dict)
    jitter_ms: dict[str, float] = field(default_factory=dict)
    uneven: int = 0
    latency_ms: dict[str, float] = field(default_factory=dict)
    temperature: Scale | None = None
    picture: npt.NDArray[np.uint8] | None = None
    broke: str = ""


def examine(
    camera: Camera,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    look: Callable[[Frame, npt.NDArray[np.uint8]], None] | None = None,
) -> Examination:
    """Read ``camera`` for so long, two frames at least, and say what came.

    Never raises what the camera raises: see ``broke``.

    ``look``: is given each frame, and its pixels normalised, (H, W) uint8; it must not take long.
    """
    found = Examination(live=camera.live, nominal_fps=camera.fps)
    taken, handed = array("d"), array("d")
    before: Pixels | None = None
    first_seq, set_bits = 0, 0
    normaliser: Normaliser | None = None
    start = clock()
    frame: Frame | None = None
    while len(handed) < 2 or (handed[-1] - start < seconds and (camera.live or found.frames < MOST_FRAMES)):
        try:
            came = camera.read()
        except CameraError as error:
            found.broke = str(error)
            break
        if came is None:
            break
        frame = came
        handed.append(clock())
        taken.append(frame.t_capture)
        pixels = frame.pixels
        if before is None:
            first_seq, found.low = frame.seq, int(pixels.min())
            normaliser = Normaliser(DEFAULT_16BIT if pixels.itemsize == 2 else DEFAULT_8BIT)
        else:
            found.duplicates += bool(np.array_equal(pixels, before))
        before = pixels
        found.frames += 1
        found.shutter += "ffc" in frame.flags
        found.low, found.high = min(found.low, int(pixels.min())), max(found.high, int(pixels.max()))
        set_bits |= int(np.bitwise_or.reduce(pixels, axis=None))
        if normaliser:
            found.picture = normaliser(pixels, frame.temperature)
            if look:
                look(frame, found.picture)
    found.description = camera.description
    if frame is not None:
        found.lost = frame.seq - first_seq + 1 - found.frames
        found.bits = set_bits.bit_length()
        found.unused = (set_bits & -set_bits).bit_length() - 1 if set_bits else 0
        _look_at(frame, found)
        _time(taken, handed, start, found)
    return found


def _look_at(frame: Frame, found: Examination) -> None:
    pixels = frame.pixels
    found.size, found.bits_a_pixel = (frame.width, frame.height), 8 * pixels.itemsize
    found.temperature, found.std = frame.temperature, float(pixels.std())
    cold, hot = np.percentile(pixels, (1, 99))
    found.usual = int(cold), int(hot)
    found.saturated = float((pixels == np.iinfo(pixels.dtype).max).mean())
    found.swapped, found.misread = looks_swapped(pixels), misread(pixels)


def _time(taken: array[float], handed: array[float], start: float, found: Examination) -> None:
    found.first_ms = (handed[0] - start) * 1e3
    if not found.live:  # a file waits to be read: how fast that goes says nothing about its camera
        return
    times, arrived = np.array(taken), np.array(handed)
    intervals = np.diff(times) * 1e3
    if times[-1] > times[0]:
        found.fps = (len(times) - 1) / float(times[-1] - times[0])
        found.interval_ms = percentiles(intervals)
        jitter, usual = np.abs(intervals - np.median(intervals)), float(np.median(intervals))
        found.jitter_ms, found.uneven = percentiles(jitter), int((jitter > usual / 2).sum())
    latency = (arrived - times) * 1e3
    if np.median(latency) > ARRIVAL_MS:
        found.latency_ms = percentiles(latency)


def problems(found: Examination) -> list[str]:
    """What is wrong with what came, one line each: what was seen, and what to do about it."""
    if not found.frames:
        return [] if found.broke else ["no frame came: the source is empty"]
    said: list[str] = []
    deep = found.bits_a_pixel == 16
    width, height = found.size
    for profile in PROFILES.values():
        if extra := profile.beside_the_picture(width, height):
            said.append(
                f"{width}x{height} is what {profile.name} delivers, with {extra}: add camera={profile.name} to the "
                "source, or these are searched as if they were picture"
            )
    if deep and (instead := _instead_of_counts(found)):
        said.append(instead)
    if found.low == found.high:
        said.append("every pixel has the same value: is the shutter closed, or a lens cap on?")
    elif not deep and found.saturated > 0.05:
        said.append(f"{found.saturated:.0%} of the pixels are white: lower the camera's gain or change its AGC")
    elif not deep and found.std < 8:
        said.append(f"hardly any contrast (std {found.std:.1f} of 255): change the camera's AGC, or use raw counts")
    if found.duplicates:
        share = found.duplicates / max(found.frames - 1, 1)
        new = f", {found.fps * (1 - share):.1f} new ones a second" if found.fps else ""
        said.append(
            f"{found.duplicates} of {found.frames} frames repeat the one before{new}: the sensor is slower than the "
            "stream (export versions: 9 Hz), or it froze; set fps to the sensor's rate"
        )
    if found.lost:
        said.append(f"{found.lost} frames were lost or damaged on the way: another cable or port, fewer on one hub")
    if found.fps and found.nominal_fps and not 0.9 < found.fps / found.nominal_fps < 1.1:
        said.append(
            f"{found.fps:.1f} frames a second come, {found.nominal_fps:.4g} were announced: ask for a rate it has "
            "(v4l2-ctl --list-formats-ext), or give it a USB 3 port of its own"
        )
    period = found.interval_ms.get("p50", 0)
    if period > 0 and found.uneven > UNEVEN * (found.frames - 1):
        said.append(
            f"uneven: {found.uneven} of {found.frames - 1} frames come more than {period / 2:.0f} ms early or late, "
            f"where one comes each {period:.0f} ms: is this machine busy, or the link?"
        )
    if found.latency_ms.get("p50", 0) > 100:
        said.append(
            f"frames are {found.latency_ms['p50']:.0f} ms old when they come, so some queue holds them: in a gst: "
            "pipeline write appsink drop=true max-buffers=1"
        )
    return said


def _instead_of_counts(found: Examination) -> str:
    """What came in pixels of 16 bits, where these are no counts; "" where they are."""
    if found.misread:
        return found.misread
    if found.swapped:
        return "each count's two bytes are the wrong way round: add endian=big to the source"
    if found.unused >= 8:
        return (
            f"the lowest {found.unused} bits are never set: this is 8-bit video in 16-bit pixels; ask the camera for "
            "its raw format"
        )
    if found.bits <= 8:
        return "16-bit pixels that hold 8 bits: the camera sends processed video; ask it for its raw format"
    return ""
