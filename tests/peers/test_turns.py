"""What is compared is the same, and is asked by turns, each detector in a process of its own."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.peers import detectors, turns
from benchmarks.peers.agreement import SAME, agreement
from benchmarks.peers.detectors import AbsentError, Detector, Loaded
from benchmarks.peers.turns import Turn
from edge.data import RawDetections
from edge.model.bundle import Bundle
from tests.support.peers import FRAMES, Clock, found

# ---- the same objects ----


def test_the_same_objects_are_found() -> None:
    same = agreement([found((10, 10), (50, 50))] * 2, [found((10, 10), (50, 50.5))] * 2, 0.5, SAME)
    assert (same.objects, same.found, same.added, same.refused) == (4, 4, 0, None)
    assert same.least_iou == pytest.approx(19.5 / 20.5, abs=1e-4)
    assert same.most_score == 0


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (found((10, 10)), "finds 1 of the 2 objects"),
        (found((10, 10), (50, 52)), "finds 1 of the 2 objects"),  # IoU 18 / 22
        (found((10, 10), (50, 50), score=0.88), "finds 0 of the 2 objects"),
        (found((10, 10), (50, 50), (100, 10)), "and 1 others"),
    ],
)
def test_one_that_finds_other_things_is_refused(other: RawDetections, said: str) -> None:
    same = agreement([found((10, 10), (50, 50))], [other], 0.5, SAME)
    assert same.refused is not None
    assert said in same.refused


def test_frames_without_objects_compare_nothing() -> None:
    refused = agreement([found((10, 10), score=0.4)], [found((10, 10), score=0.4)], 0.5, SAME).refused
    assert refused == "the frames hold no object, so that nothing could be compared"


# ---- turns ----


@dataclasses.dataclass(frozen=True)
class Recorded:
    name: str
    log: list[tuple[str, int]]
    clock: Clock

    def look(self, frame: int) -> RawDetections:
        raise NotImplementedError

    def turn(self, frame: int) -> Turn:
        self.log.append((self.name, frame))
        self.clock.wait(1.0)
        return Turn(len(self.log), 0.0)


def test_all_see_the_same_frame_and_each_begins_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LEAST_ROUNDS", 3)
    clock, log = Clock(), list[tuple[str, int]]()
    three = [Recorded(name, log, clock) for name in "abc"]
    counted = turns.take_turns(three, 2, 0.0, clock, clock.wait)
    assert log == [(name, i % 2) for i, names in enumerate(("abc", "bca", "cab", "abc")) for name in names]
    # the first round is not counted; three are
    assert {name: [t.wall for t in times] for name, times in counted.items()} == {
        "a": [6, 8, 10], "b": [4, 9, 11], "c": [5, 7, 12],
    }  # fmt: skip


def test_turns_go_on_until_the_time_is_over() -> None:
    clock, log = Clock(), list[tuple[str, int]]()
    counted = turns.take_turns([Recorded("a", log, clock)], 2, 12.3, clock, clock.wait)
    assert [len(times) for times in counted.values()] == [11]  # a round is 1.03 s, the first is not counted
    counted = turns.take_turns([Recorded("a", log, clock)], 2, 0.0, clock, clock.wait)
    assert [len(times) for times in counted.values()] == [turns.LEAST_ROUNDS]


class Line:
    """One end of a pipe: what comes is given, what is answered is kept."""

    def __init__(self, *asked: tuple[str, int]) -> None:
        self.asked, self.said = list(asked), list[tuple[bool, Any]]()

    def recv(self) -> tuple[str, int]:
        if not self.asked:
            raise EOFError
        return self.asked.pop(0)

    def send(self, answer: tuple[bool, Any]) -> None:
        self.said.append(answer)


def served(monkeypatch: pytest.MonkeyPatch, detect: Callable[[Any], RawDetections], *asked: tuple[str, int]) -> Any:
    one = Detector("one", "one", "one", lambda _bundle, _threads: Loaded(detect, {"maker": "1"}))
    monkeypatch.setattr(turns, "DETECTORS", [one])
    line: Any = Line(*asked)
    turns.serve("one", None, FRAMES, 1, line)  # type: ignore[arg-type]
    return line.said


def test_a_worker_answers_what_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def detect(image: np.ndarray) -> RawDetections:
        seen.append(int(image[0, 0]))
        return found((1, 1))

    first, look, turn, cpu = served(monkeypatch, detect, ("look", 1), ("turn", 0), ("cpu", 0))
    assert first == (True, {"maker": "1"})
    assert seen == [120, 90]
    assert look[1].boxes.tolist() == [[1, 1, 21, 21]]
    assert isinstance(turn[1], Turn)
    assert cpu[1] > 0


def test_what_a_library_raises_is_the_reason_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_image: np.ndarray) -> RawDetections:
        raise RuntimeError("no such operator\nat line 3")

    assert served(monkeypatch, fails, ("look", 0))[1:] == [(False, "no such operator")]


class InThreads:
    """`multiprocessing`, whose processes are threads with an end of the pipe of their own."""

    Pipe = staticmethod(multiprocessing.Pipe)

    class Process(threading.Thread):
        def __init__(self, target: Callable[..., None], args: tuple[Any, ...], daemon: bool) -> None:
            *first, line = args
            super().__init__(target=target, args=(*first, Connection(os.dup(line.fileno()))), daemon=daemon)


def test_a_worker_is_asked_through_a_pipe(monkeypatch: pytest.MonkeyPatch, tiny_bundle: Path) -> None:
    monkeypatch.setattr("multiprocessing.get_context", lambda _kind: InThreads)
    bundle = Bundle.load(tiny_bundle)
    worker = turns.Worker("ours", bundle, FRAMES, 1)
    assert list(worker.versions) == ["onnxruntime"]
    assert worker.look(1).scores[0] == pytest.approx(120 / 255)
    assert worker.turn(0).wall > 0
    assert worker.cpu_s() > 0
    with pytest.raises(AbsentError, match="list index out of range"):
        worker.look(2)
    with pytest.raises(AbsentError, match="the process of ours has ended"):
        worker.look(0)
    worker.close()
    worker.close()
    with pytest.raises(AbsentError, match="the bundle holds no"):
        turns.Worker("int8", bundle, FRAMES, 1)


def test_detectors_that_cannot_be_measured_say_why(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = Bundle.load(tiny_bundle)
    with pytest.raises(AbsentError, match=r"^the bundle holds no model\.int8\.onnx$"):
        detectors.ours_int8(bundle, 1)
    with pytest.raises(AbsentError, match=r"^the bundle holds no model\.int8\.onnx$"):
        detectors.openvino_int8(bundle, 1)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(AbsentError, match="^OpenVINO is not installed: run: pip install --no-deps"):
        detectors.openvino(bundle, 1)


def test_the_others_get_the_same_pixels() -> None:
    image = np.array([[0, 51], [255, 102]], np.uint8)
    as_float = detectors.as_float(image, 3)
    assert as_float.dtype == np.float32
    assert np.allclose(as_float, np.stack([image / 255] * 3))
