"""Tracks for tests of what is written of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge.data import Detections, Frame, Result
from edge.geo.budget import FACTORS, MINOR
from edge.measure.track_lines import GroundPosition, TrackLine

UTC = "2026-05-01T04:30:00.250+00:00"


def line(track: int = 3, **changes: Any) -> TrackLine:
    """A person who was found in ten frames, at a place in the west of London."""
    said: dict[str, Any] = {
        "track": track,
        "label": 0,
        "name": "Person",
        "first_seq": 5,
        "last_seq": 20,
        "first_t": 100.5,
        "last_t": 102.0,
        "first_utc": UTC,
        "last_utc": "2026-05-01T04:30:01.750+00:00",
        "frames": 10,
        "score": 0.91,
        "best_seq": 12,
        "box": (10.0, 20.0, 30.0, 44.0),
        "origin": None,
        "celsius": (11.5, 20.25, 31.0),
        "position": GroundPosition(51.5, -0.25, 3.2),
        "crops": [f"crops/{track:06d}-1.png"],
    }
    return TrackLine(**{**said, **changes})


def place(latitude: float, longitude: float, sigma: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What one frame tells of a position that is so sure, all of whose error the other frames of the pass share."""
    factors = np.zeros((2, FACTORS))
    factors[0, 0] = factors[1, 1] = sigma / (1 + MINOR) ** 0.5
    return np.array([latitude, longitude, sigma]), factors @ factors.T, factors


def tracked(
    seq: int,
    t: float,
    ids: list[int],
    *,
    where: bool = True,
    sigma: float = 4.0,
    utc: Any = None,
    ended: tuple[int, ...] = (),
) -> Result:
    """A frame of 64 x 48 px in which these tracks are found, each somewhere else; and which are over."""
    n = len(ids)
    pixels = np.full((48, 64), 100, np.uint8)
    boxes = np.array([[5 + i, 6, 15 + i, 18] for i in range(n)], np.float32).reshape(n, 4)
    rows = [place(51.5 + number / 1000, -0.25, sigma) for number in ids] if where else []
    positions, covariances, factors = (np.array(part) for part in zip(*rows, strict=True)) if rows else (None,) * 3
    found = Detections(
        boxes,
        np.full(n, 0.5, np.float32),
        np.zeros(n, np.int32),
        64,
        48,
        track_ids=np.array(ids, np.int32),
        positions=positions,
        position_covariances=covariances,
        position_factors=factors,
    )
    return Result(
        frame=Frame(pixels, seq, t, utc=utc),
        detections=found,
        t_result=t + 0.1,
        picture=pixels,
        t_source=t,
        ended_tracks=ended,
    )
