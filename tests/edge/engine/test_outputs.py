"""What is no number never reaches a user as "nothing found"."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edge.commands.main import main
from edge.data import Frame, RawDetections
from edge.model.bundle import Bundle
from edge.model.graph_io import raw_detections
from edge.seams import Engine
from edge.sinks.jsonl import to_json
from tests.conftest import hottest_cells_model, made, write_bundle

BOXES = np.array([[0, 0, 8, 8], [8, 8, 16, 16]], np.float16)
SCORES = np.array([0.9, 0.6], np.float16)
LABELS = np.array([0, 1], np.int64)
FINE = np.array([1], np.int32)


def checked(boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, converged: np.ndarray) -> RawDetections:
    return raw_detections(
        {"boxes": boxes[None], "scores": scores[None], "labels": labels[None], "converged": converged}
    )


def test_numbers_pass_as_copies_of_the_wanted_types() -> None:
    raw = checked(BOXES, SCORES, LABELS, FINE)
    assert raw.finite
    assert raw.converged
    assert (raw.boxes.dtype, raw.scores.dtype, raw.labels.dtype) == (np.float32, np.float32, np.int32)
    assert not np.shares_memory(raw.boxes, BOXES)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["box", "score"])
def test_a_row_that_is_no_number_is_zeroed_and_told(bad: float, where: str) -> None:
    boxes, scores = BOXES.copy(), SCORES.copy()
    if where == "box":
        boxes[0, 2] = bad
    else:
        scores[0] = bad
    raw = checked(boxes, scores, LABELS, FINE)
    assert not raw.finite
    assert raw.converged
    assert raw.scores.tolist() == [0, pytest.approx(0.6, abs=1e-3)]
    assert raw.boxes[0].tolist() == [0, 0, 0, 0]
    assert raw.boxes[1].tolist() == [8, 8, 16, 16]


@pytest.mark.parametrize(
    ("state", "converged", "finite"),
    [
        (np.array([1], np.int32), True, True),
        (np.array([0], np.int32), False, True),
        (np.array([-1], np.int32), True, False),
        (np.array([True]), True, True),
        (np.array([False]), False, True),
    ],
)
def test_what_the_graph_says_of_itself(state: np.ndarray, converged: bool, finite: bool) -> None:
    raw = checked(BOXES, SCORES, LABELS, state)
    assert (raw.converged, raw.finite) == (converged, finite)


def overflowing_model() -> bytes:
    """The tiny detector, whose numbers overflow where the hottest cell is over 200/255: half precision's way."""
    model = hottest_cells_model()
    graph = model.graph
    last = graph.node[-1]
    assert list(last.output) == ["converged"]
    graph.node.remove(last)
    graph.initializer.append(helper.make_tensor("first", TensorProto.INT64, [1], [0]))
    graph.initializer.append(helper.make_tensor("limit", TensorProto.FLOAT, [], [200 / 255]))
    graph.initializer.append(helper.make_tensor("bad", TensorProto.INT32, [], [-1]))
    graph.initializer.append(helper.make_tensor("good", TensorProto.INT32, [], [1]))
    graph.node.extend(
        [
            helper.make_node("Gather", ["scores", "first"], ["hottest"], axis=1),
            helper.make_node("Squeeze", ["hottest", "first"], ["hot"]),
            helper.make_node("Greater", ["hot", "limit"], ["over"]),
            helper.make_node("Where", ["over", "bad", "good"], ["converged"]),
        ]
    )
    output = next(value for value in graph.output if value.name == "converged")
    output.type.tensor_type.elem_type = TensorProto.INT32
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def test_overflowed_frames_are_counted_marked_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for i, value in enumerate((150, 250, 150)):
        image = np.full((64, 80), 40, np.uint8)
        image[16:24, 8:16] = value
        np.save(frames / f"{i}.npy", image)
    bundle, out = write_bundle(tmp_path / "bundle", data=overflowing_model()), tmp_path / "out"
    assert main(["run", "--source", str(frames), "--model", str(bundle), "--out", str(out)]) == 0
    lines = [json.loads(line) for line in (out / "detections.jsonl").read_text().splitlines()[1:]]
    assert [line.get("overflowed", False) for line in lines] == [False, True, False]
    assert json.loads((out / "report.json").read_text())["overflowed"] == 1
    assert "WARNING: in 1 frame(s) numbers inside the network became too large" in capsys.readouterr().out


def test_a_result_is_finite_unless_told_otherwise() -> None:
    from edge.data import Detections

    frame = Frame(np.zeros((4, 4), np.uint8), 0, 0.0)
    result = made(frame, Detections.none(4, 4), 0.0, frame.pixels)  # type: ignore[arg-type]
    assert "overflowed" not in to_json(result, ["Person"])


class Unsure(Engine):
    """An engine of one's own that gives a number in its first row and none in its second."""

    backend = description = "of one's own"

    def _infer(self, image: np.ndarray) -> RawDetections:
        boxes, scores = np.ones((3, 4), np.float32), np.array([0.9, np.nan, 0.0], np.float32)
        return RawDetections(boxes, scores, np.zeros(3, np.int32))

    def _release(self) -> None: ...


def test_numbers_that_are_none_are_told_of_an_engine_of_ones_own(tiny_bundle: Path) -> None:
    with Unsure(Bundle.load(tiny_bundle)) as engine:
        found = engine.infer(np.zeros((64, 80), np.uint8))
    assert not found.finite
    np.testing.assert_array_equal(found.scores, np.array([0.9, 0, 0], np.float32))
    np.testing.assert_array_equal(found.boxes[:, 0], [1, 0, 1])
