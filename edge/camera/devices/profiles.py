"""What is known of some cameras: which rows are the picture, which are telemetry, what a count is worth.

Chosen with ``camera=NAME`` behind a source: a camera, or files that were recorded from one. None of it was
verified on hardware here; it is read from data sheets and from the code of others:

- ``boson`` (FLIR Boson, Boson+): 2 telemetry rows make 640x514 of 640x512. Their place (first or last rows) is a
  setting and is found by their looks. What they say is not decoded: public decoders agree that the status begins at
  word 38 and the frame counter at word 42 of the first row, but only one says what the status' bits mean and which
  of its four words holds them; misread, it would blind a whole flight. Counts have no scale unless the camera was set
  to TLinear: then give ``kelvin=0.01``. The shutter is found by `edge.thermal.correct.shutter`.
- ``lepton`` (FLIR Lepton on a PureThermal board): Y16, 160x122 with telemetry. Row A, words 3 and 4 are the status;
  its bits 4 and 5 say whether the shutter is closed (FLIR 500-0659-00-09, telemetry). Which of the two words comes
  first is not certain, so a closed shutter in either counts. Radiometric Leptons give 0.01 K a count.
- ``infiray`` (InfiRay P2 Pro, Topdon TC001 and their like): YUYV of 256x384: a picture above, and below it 256x192
  raw counts of 1/64 K, little-endian (leswright1977/PyThermalCamera).
- ``generic``: everything is picture, without a scale. Used where no camera is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from edge.camera.capture import RefusedError
from edge.data import Frame, Pixels, TemperatureScale
from edge.thermal.byteorder import looks_swapped

Counts16 = npt.NDArray[np.uint16]

PLAUSIBLE_C = (-60.0, 400.0)  # the median of a scene


@dataclass(frozen=True)
class Layout:
    """Rows of a delivered frame: ``unused`` above the picture, ``telemetry`` at one of its ends."""

    unused: int = 0
    telemetry: int = 0


@dataclass(frozen=True)
class Profile:
    """``pixel_format``: V4L2 FOURCC to ask for, "" = as the user says. ``layouts``: by delivered (width, height);
    empty: any size, all of it picture. ``status``: whether the first telemetry row tells of the shutter.

    ``temperature``: scale of the counts. ``sure``: False where only some models have it: then a scene must come out
    at a possible temperature. ``big_endian``: bytes of a count as delivered; None: little, and checked.
    """

    name: str
    pixel_format: str = ""
    layouts: Mapping[tuple[int, int], Layout] = field(default_factory=dict)
    status: bool = False
    temperature: TemperatureScale | None = None
    sure: bool = True
    big_endian: bool | None = None

    def fit(self, where: str, delivered: Pixels) -> View:
        """How to read frames like this first one, (H, W) uint8 or uint16 as delivered, of the source ``where``.

        Raises RefusedError where it is not what such a camera delivers, or its bytes are the wrong way round.
        """
        height, width = delivered.shape
        if delivered.dtype != np.uint16:
            if self.big_endian is not None or self.temperature is not None or self.layouts:
                raise RefusedError(
                    f"{where}: 8-bit grey came; camera=, endian= and kelvin= need raw counts: format=Y16"
                )
            return View(slice(0, height))
        layout = self._layout(where, delivered)
        counts = np.asarray(delivered, np.uint16)
        counts = counts.byteswap() if self.big_endian else counts
        rows, telemetry = _find(counts, layout)
        picture = counts[rows]
        if self.big_endian is None and looks_swapped(picture):
            raise RefusedError(
                f"{where}: the two bytes of each count come the wrong way round (big-endian): add endian=big; if the "
                "picture is right as it is, endian=little"
            )
        scale = self.temperature
        if scale and not self.sure and not PLAUSIBLE_C[0] < scale.celsius(np.median(picture)) < PLAUSIBLE_C[1]:
            scale = None
        words = self._words(layout, rows, width, scale)
        return View(rows, telemetry if self.status else None, scale, bool(self.big_endian), words)

    def fit_grey(self, where: str, delivered: Pixels) -> View:
        """The same of a video or a still that such a camera's frames were made into: (H, W) uint8, picture and rest.

        Raises RefusedError where it is not what such a camera delivers, or counts are needed.
        """
        if self.big_endian is not None:
            raise RefusedError(f"{where}: it is 8-bit grey; endian= and kelvin= are of raw counts of 16 bit")
        layout = self._layout(where, delivered)
        if layout.unused:  # what lies above the counts is the picture
            rows, beside = slice(0, layout.unused), "; the counts below it are lost in 8 bit"
        else:
            rows, beside = _find(delivered, layout)[0], ""
        words = self._words(layout, rows, delivered.shape[1], None, scaled=False)
        plain = f"8-bit picture: no counts, no temperatures{beside}"
        return View(rows, words=f"{words}, {plain}" if words else plain)

    def _layout(self, where: str, delivered: Pixels) -> Layout:
        height, width = delivered.shape
        if self.layouts and (width, height) not in self.layouts:
            sizes = ", ".join(f"{w}x{h}" for w, h in self.layouts)
            raise RefusedError(
                f"{where}: {width}x{height} came, and camera={self.name} has {sizes}: ask a device for one with width= "
                "and height=, or leave camera= out"
            )
        return self.layouts.get((width, height), Layout())

    def beside_the_picture(self, width: int, height: int) -> str:
        """What a frame of this delivered size holds besides its picture, in words; "" = nothing, or no such size."""
        layout = self.layouts.get((width, height), Layout())
        telemetry = f"{layout.telemetry} telemetry rows" if layout.telemetry else ""
        return telemetry or (f"{layout.unused} rows above the counts" if layout.unused else "")

    def _words(
        self, layout: Layout, rows: slice, width: int, scale: TemperatureScale | None, scaled: bool = True
    ) -> str:
        words = [] if self.name == "generic" else [f"read as {self.name} (not verified on hardware)"]
        if layout != Layout():
            words.append(f"picture {width}x{rows.stop - rows.start}")
        if layout.telemetry:
            words.append(f"{layout.telemetry} telemetry rows at the {'top' if rows.start else 'bottom'} cut off")
        if self.big_endian:
            words.append("big-endian")
        if scale:
            words.append(f"{scale.gain:g} K a count")
        elif self.temperature and scaled:
            words.append("counts are no temperatures: TLinear is off, or the model has none")
        return ", ".join(words)


@dataclass(frozen=True)
class View:
    """How the delivered frames of one opened camera are read.

    ``rows``: of the picture. ``telemetry``: row with the shutter's state, or None. ``words``: for the description.
    """

    rows: slice
    telemetry: int | None = None
    temperature: TemperatureScale | None = None
    big_endian: bool = False
    words: str = ""

    def frame(self, delivered: Pixels, seq: int, t_capture: float) -> Frame:
        """The frame in a delivered picture, of the shape that `Profile.fit` saw; it may share its memory."""
        return self.of(Frame(delivered, seq, t_capture))

    def of(self, frame: Frame) -> Frame:
        """The same of a frame as delivered; a scale of its own stays."""
        pixels = frame.pixels.byteswap() if self.big_endian else frame.pixels
        shut = self.telemetry is not None and lepton_shutter_closed(np.asarray(pixels[self.telemetry], np.uint16))
        return replace(
            frame,
            pixels=pixels[self.rows],
            flags=frame.flags | {"ffc"} if shut else frame.flags,
            temperature=frame.temperature or self.temperature,
        )


def lepton_shutter_closed(row: Counts16) -> bool:
    """Whether telemetry row A, (W,) uint16, says that a flat-field correction is running."""
    return any((int(word) >> 4) & 3 == 2 for word in row[3:5])


def _find(counts: Pixels, layout: Layout) -> tuple[slice, int | None]:
    """Rows of the picture, and the first telemetry row: at that end whose rows are less like the picture."""
    height, n = len(counts), layout.telemetry
    if not n:
        return slice(layout.unused, height), None
    wide = counts.astype(np.int32)
    top = np.abs(wide[layout.unused + n - 1] - wide[layout.unused + n]).mean()
    bottom = np.abs(wide[height - n] - wide[height - n - 1]).mean()
    if top > bottom:
        return slice(layout.unused + n, height), layout.unused
    return slice(layout.unused, height - n), height - n


GENERIC = Profile("generic")
PROFILES = {
    "boson": Profile(
        "boson",
        "Y16",
        {(640, 512): Layout(), (640, 514): Layout(telemetry=2), (320, 256): Layout(), (320, 258): Layout(telemetry=2)},
    ),
    "generic": GENERIC,
    "infiray": Profile("infiray", "YUYV", {(256, 384): Layout(unused=192)}, temperature=TemperatureScale(1 / 64)),
    "lepton": Profile(
        "lepton",
        "Y16",
        {(160, 120): Layout(), (160, 122): Layout(telemetry=2), (80, 60): Layout(), (80, 63): Layout(telemetry=3)},
        status=True,
        temperature=TemperatureScale(0.01),
        sure=False,
    ),
}


def profile_of(name: str | None, endian: str | None, kelvin: float | None) -> Profile:
    """The profile of this name (None: generic) with what the user said of his camera: ``endian`` "big" or "little",
    ``kelvin`` a count. Raises KeyError for an unknown name.
    """
    profile = PROFILES[name or "generic"]
    if endian:
        profile = replace(profile, big_endian=endian == "big")
    if kelvin:
        profile = replace(profile, temperature=TemperatureScale(kelvin), sure=True)
    return profile
