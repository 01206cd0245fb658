"""A camera that is not there when a service starts is waited for: a start before the camera's is no fault."""

from __future__ import annotations

import logging
import time

from edge.app.settings import RunSettings
from edge.camera import open_camera
from edge.camera.live.reconnect import FIRST_DELAY_S, LONGEST_DELAY_S, AwayError
from edge.errors import InputError
from edge.seams import Camera
from edge.system.activity import State, here
from edge.system.budget import LOAD_S

OPENING = State("opening the source", "the source has not opened", limit_s=LOAD_S, start=True)
WAITING = State("waiting for the camera", "the camera is not there")
TICK_S = 0.1

log = logging.getLogger(__name__)


class StoppedWaiting(KeyboardInterrupt):
    """A stop came while the camera was waited for: nothing was looked at."""


def camera_of(settings: RunSettings, waits: bool) -> Camera:
    """Open the source of a run. ``waits``: until it is there, with every reason said once, where it is a device or a
    stream; a source that cannot be is refused at once.

    Raises InputError where there is none, StoppedWaiting, and as `edge.open_camera` does.
    """
    if settings.source is None:
        raise InputError("nothing to look at: give a source, or a camera of your own")
    here().works(OPENING)
    try:
        return open_camera(settings.source, settings.reconnect_s)
    except AwayError as error:
        if not waits:
            raise
        why = str(error)
    log.warning("waiting for the camera: %s", why)
    try:
        return _once_it_is_there(settings, why)
    except KeyboardInterrupt:
        raise StoppedWaiting from None


def _once_it_is_there(settings: RunSettings, why: str) -> Camera:
    assert settings.source is not None
    delay_s = FIRST_DELAY_S
    while True:
        again = time.monotonic() + delay_s
        delay_s = min(2 * delay_s, LONGEST_DELAY_S)
        while time.monotonic() < again:
            here().waits(WAITING)
            time.sleep(TICK_S)
        try:
            camera = open_camera(settings.source, settings.reconnect_s)
        except AwayError as error:
            if str(error) != why:
                why = str(error)
                log.warning("waiting for the camera: %s", why)
        else:
            log.warning("the camera is there: %s", camera.description)
            return camera
