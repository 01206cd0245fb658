"""Detections of one object are linked, back to the first of them and over the camera's motion."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from edge.data import Detections, Frame, Result
from edge.track.motion import Measured
from export.data.assist.links import REACH, Links, carried, carried_back
from tests.conftest import made

H, W = 64, 80
SHIFT = np.array([[1.0, 0.0, 5.0], [0.0, 1.0, -3.0]])
TURN = np.array([[0.8, -0.6, 7.0], [0.6, 0.8, 1.0]])


def result(seq: int, boxes: list[list[float]], scores: list[float], t: float | None = None) -> Result:
    picture = np.zeros((H, W), np.uint8)
    found = Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.zeros(len(scores), np.int32),
        W,
        H,
    )
    return made(Frame(picture, seq, float(seq)), found, 0.0, picture, t_source=seq / 10 if t is None else t)


def moved(links: Links, motion: npt.NDArray[np.float64] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links._camera, "between", lambda *_: Measured(motion))


def test_the_first_detections_get_the_number_that_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    links = Links(0.5)
    moved(links, np.eye(2, 3), monkeypatch)
    for seq in range(4):
        x = 10 + seq
        links.add(
            result(
                seq,
                [[60, 50, 68, 58], [x, 10, x + 8, 18]] if seq == 0 else [[x, 10, x + 8, 18]],
                [0.6] * (1 + (seq == 0)),
            )
        )
    assert [step.ids.tolist() for step in links.steps] == [[-1, 1], [1], [1], [1]]


def test_what_is_too_far_away_is_another_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """The camera's motion is taken out: the same place in the picture is another one on the ground."""
    near, far = Links(0.5), Links(0.5)
    for links, motion in ((near, SHIFT), (far, 10 * SHIFT)):
        moved(links, np.eye(2, 3), monkeypatch)
        links.add(result(0, [[10, 30, 18, 38]], [0.6]))
        moved(links, motion if links is near else np.eye(2, 3), monkeypatch)
        links.add(result(1, [[15, 27, 23, 35]], [0.6]))
    assert [s.ids.tolist() for s in near.steps] == [[1], [1]]
    assert REACH == 2.0


def test_faint_ones_begin_nothing_and_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    links = Links(0.5)
    moved(links, np.eye(2, 3), monkeypatch)
    for seq, scores in enumerate(([0.9, 0.3], [0.9, 0.3], [0.3, 0.3], [0.19, 0.3])):
        links.add(result(seq, [[10, 10, 18, 18], [50, 50, 58, 58]], scores))
    assert [step.ids.tolist() for step in links.steps] == [[1, -1], [1, -1], [1, -1], [-1, -1]]


@pytest.mark.parametrize("motion", [SHIFT, TURN, 1.2 * TURN])
def test_there_and_back(motion: npt.NDArray[np.float64]) -> None:
    box = np.array([10.0, 20.0, 18.0, 32.0])
    there = carried(box, motion)
    assert there[2:] - there[:2] == pytest.approx([8, 12])
    assert (there[:2] + there[2:]) / 2 == pytest.approx(motion[:, :2] @ [14, 26] + motion[:, 2])
    assert carried_back(there, motion) == pytest.approx(box)


def test_without_a_motion_a_box_stays() -> None:
    box = np.array([1.0, 2.0, 3.0, 4.0])
    for move in (carried, carried_back):
        assert move(box, None) is box
    assert carried_back(box, np.zeros((2, 3))) is box
