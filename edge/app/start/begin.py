"""The begin of a run: what is known of it is on the disk, and from now on the clocks are watched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edge.app.clock.watch import FILE, ClockWatch
from edge.app.settings import RunSettings
from edge.app.start.start import write_start
from edge.pose.source import PoseSource
from edge.seams import Camera, Engine
from edge.system.wall_clock import WallClock


@contextmanager
def begun(
    out: Path,
    settings: RunSettings,
    engine: Engine,
    camera: Camera,
    poses: PoseSource | None,
    thresholds: Mapping[str, float],
) -> Iterator[ClockWatch | None]:
    """Writes run.json; of a live camera the clocks are watched as long as the block runs, else None."""
    wall = WallClock(poses.utc_offset) if poses else WallClock()
    first = wall.look()
    assert first is not None
    write_start(out, engine, settings.source_text, camera, thresholds, settings.mission, first)
    if not camera.live:
        yield None
        return
    with ClockWatch(out / FILE, wall, first) as watch:
        yield watch
