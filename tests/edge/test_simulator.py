"""The simulated flight is a measuring instrument: its sizes, temperatures and repeats are held here."""

from __future__ import annotations

import numpy as np
import pytest

from edge.camera import open_camera
from edge.records import Frame, SourceError


def fly(parameters: str, frames: int = 1) -> list[Frame]:
    with open_camera(f"sim:live=0,frames={frames},{parameters}") as camera:
        taken = [camera.read() for _ in range(frames)]
        assert camera.read() is None
    return [frame for frame in taken if frame is not None]


def test_same_source_same_bytes_and_another_seed_another_flight() -> None:
    first, again, other = (fly(f"seed={seed}", 3) for seed in (4, 4, 5))
    assert all((a.pixels == b.pixels).all() for a, b in zip(first, again, strict=True))
    assert (first[0].pixels != other[0].pixels).any()


def test_people_are_as_large_as_altitude_says() -> None:
    sizes = {}
    for altitude in (60, 120):
        boxes, names, visible = [], [], []
        for seed in range(3):
            truth = fly(f"seed={seed},altitude={altitude}")[0].truth
            assert truth is not None
            boxes.append(truth.boxes)
            names += truth.names
            visible.append(truth.visible)
        whole = (np.array(names) == "car") & (np.concatenate(visible) > 0.99)
        corners = np.concatenate(boxes)[whole]
        assert len(corners) > 5
        sizes[altitude] = float(np.median(np.sqrt((corners[:, 2:] - corners[:, :2]).prod(1))))
    assert sizes[60] / sizes[120] == pytest.approx(2.0, rel=0.2)


def test_bodies_are_warmer_than_the_ground_in_degrees() -> None:
    frame = fly("seed=2")[0]
    assert frame.truth is not None
    assert frame.temperature is not None
    celsius = frame.temperature.celsius(frame.pixels)
    ground = float(np.median(celsius))
    people = [
        float(celsius[int(y1) : int(y2), int(x1) : int(x2)].max())
        for (x1, y1, x2, y2), name, seen in zip(frame.truth.boxes, frame.truth.names, frame.truth.visible, strict=True)
        if name == "person" and seen > 0.9
    ]
    assert len(people) > 2
    assert min(people) > ground + 2
    assert max(people) < 45


def test_frames_carry_what_a_flight_carries() -> None:
    frames = fly("seed=1", 5)
    assert [f.seq for f in frames] == list(range(5))
    assert all(f.pixels.dtype == np.uint16 and f.pixels.shape == (512, 640) for f in frames)
    assert all(f.pose is not None and f.utc is not None for f in frames)
    first, last = frames[0].pose, frames[-1].pose
    assert first is not None
    assert last is not None
    assert (first.latitude, first.longitude) != (last.latitude, last.longitude)


@pytest.mark.parametrize("parameters", ["altitude=high", "altitude=-5", "wings=2", "fps=0"])
def test_bad_parameter_is_named(parameters: str) -> None:
    with pytest.raises(SourceError, match=parameters.partition("=")[0]):
        open_camera(f"sim:{parameters}")
