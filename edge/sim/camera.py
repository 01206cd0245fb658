"""The simulated camera ``sim:``: a survey flight over a warm evening landscape, as raw 16-bit counts.

    with Simulator(SimulatorSettings(seed=7, altitude=80, frames=300)) as camera:
        for frame in iter(camera.read, None):
            frame.pixels, frame.pose, frame.truth

`edge.camera.simulated` opens it as ``sim:seed=7,altitude=80`` and paces it.

What it stands on (every setting with its unit: `SimulatorSettings`):

- Counts are 0.01 K, ``TemperatureScale(0.01)``, so ``celsius = counts / 100 - 273.15``.
- A pinhole camera over flat ground, its axis through (width / 2, height / 2); in the middle of the frame a
  pixel is ``slant * pixel / focal`` metres. A static body is where `Pose` and lens put it.
- Bodies are solids and stand up from the ground; crowns of trees lie flat on it and hide what stands there.
- Ground, trees and bodies have surface temperatures typical of a clear evening (ground.py,
  shapes.py); the ground cools steadily, living bodies and cars do not. No atmosphere, no reflections, no
  emissivity but what the typical temperatures hold already, no motion blur.
- The optics blur with a Gaussian; the detector adds fixed column offsets, a drift that the shutter resets,
  white noise and stuck pixels (sensor.py).
- While the shutter is closed (FFC, every ``ffc_interval`` seconds) the last picture is delivered again, bit
  by bit, and flagged ``ffc`` unless ``ffc_flag=0``; its truth comes with it. The pose goes on, as an
  autopilot's does.
- Everything follows from the source string: the same string gives the same frames, byte for byte (with the
  same versions of numpy and OpenCV). ``utc`` is the flight's own clock; only ``t_capture`` is this machine's.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import cv2
import numpy as np

from edge.data import Float32, Pixels, TemperatureScale
from edge.seams import Camera
from edge.sim.bodies import Bodies
from edge.sim.flight import Flight, View
from edge.sim.ground import KELVIN_PER_COUNT, build_ground
from edge.sim.paint import paint_bodies
from edge.sim.placement import place_bodies
from edge.sim.sensor import Sensor
from edge.sim.settings import SimulatorSettings
from edge.sim.truth import SimulatedFrame, Truth

__all__ = ["Simulator", "SimulatorSettings"]

TAKE_OFF = datetime(2026, 10, 1, 20, 0, tzinfo=timezone.utc)
BODY_BLUR_SIGMAS = 1.0  # how far a body's warmth is seen beyond its outline


class Simulator(Camera):
    """A `Camera` that makes frames as fast as they are read; see the module's docstring."""

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        self.settings = s = settings or SimulatorSettings()
        self.description = (
            f"simulated flight at {s.altitude:g} m, {s.width}x{s.height}, 16 bit of 0.01 K, "
            f"{s.fps:g} frames/s, seed {s.seed}"
        )
        self.fps, self.frames = s.fps, s.frames or None
        self.intrinsics = s.focal_px, s.focal_px, s.width / 2, s.height / 2
        # a stream of random numbers each: more people do not change the ground
        flight, ground, bodies, sensor = (np.random.default_rng(r) for r in np.random.SeedSequence(s.seed).spawn(4))
        self._flight = Flight(s, flight)
        self._ground = build_ground(s, self._flight.world_size, self._flight.first_look, ground)
        self._bodies = Bodies(place_bodies(s, self._ground, bodies), self._ground.layout.road, s.air)
        self._sensor = Sensor(s, sensor)
        self._seq = 0
        self._shutters = 0  # closed so far
        self._picture: tuple[Pixels, Truth] | None = None
        self._closed = False

    def read(self) -> SimulatedFrame | None:
        """The next frame; None after ``frames`` of them, and once the camera is closed."""
        s, seq = self.settings, self._seq
        if self._closed or (s.frames and seq >= s.frames):
            return None
        t = seq / s.fps
        view = self._flight.view(t)
        pixels, truth, shut = self._look(view, t)
        if self._closed:
            return None
        self._seq += 1
        return SimulatedFrame(
            pixels=pixels,
            seq=seq,
            t_capture=time.monotonic(),
            utc=TAKE_OFF + timedelta(seconds=t),
            flags=frozenset({"ffc"} if shut and s.ffc_flag else ()),
            temperature=TemperatureScale(KELVIN_PER_COUNT, 0.0),
            pose=view.pose,
            truth=truth,
        )

    def close(self) -> None:
        """End the source, also while another thread reads. May be called twice."""
        self._closed = True

    def _look(self, view: View, t: float) -> tuple[Pixels, Truth, bool]:
        """Counts, truth, and whether the shutter was closed."""
        s = self.settings
        if s.ffc_interval and self._picture is not None:
            shutters = int(t / s.ffc_interval)
            if shutters and t < shutters * s.ffc_interval + s.ffc_duration:
                pixels, truth = self._picture
                return pixels.copy(), truth, True
            if shutters > self._shutters:
                self._shutters = shutters
                self._sensor.flat_field(shutters * s.ffc_interval)
        scene = self._ground_in_view(view, t)
        truth = paint_bodies(scene, view, self._bodies, self._ground, t, BODY_BLUR_SIGMAS * s.blur)
        pixels = self._sensor.expose(scene, t)
        self._picture = (pixels, truth)
        return pixels, truth, False

    def _ground_in_view(self, view: View, t: float) -> Float32:
        """The ground as the lens sees it, (H, W) float32 counts."""
        to_centres = np.array([[1.0, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
        image_to_map = self._ground.to_map() @ np.linalg.inv(to_centres @ view.ground_to_image())
        counts = cv2.warpPerspective(
            self._ground.counts,
            image_to_map,
            (view.width, view.height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,  # the land goes on beyond what the survey covers
        )
        scene = counts.astype(np.float32)
        scene -= np.float32(self.settings.cooling * t / 60 / KELVIN_PER_COUNT)
        return scene
