"""``sim:``: a simulated flight, at its own pace unless ``live=0``."""

from __future__ import annotations

from edge.camera.live.pacer import Paced, Pacer
from edge.camera.options import Source
from edge.seams import Camera
from edge.sim.camera import Simulator
from edge.sim.settings import parse_settings


def open_source(source: Source) -> Camera:
    """``sim:``, ``sim:key=value,key=value`` or ``sim:?key=value&key=value``; all keys: `SimulatorSettings`.

    With ``live=1``, the default, each frame comes at its time. A reader who comes late by more than a frame gets the
    next one at once and the clock starts again from there: no frame is skipped.
    """
    settings = parse_settings(source.text)
    camera = Simulator(settings)
    return Paced(camera, settings.fps, Pacer(starts_again=True), note="") if settings.live else camera
