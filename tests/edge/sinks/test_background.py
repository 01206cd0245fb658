"""A thread of a sink survives an interrupt, wherever in `write` it comes."""

from __future__ import annotations

import sys
import threading
import time
from types import FrameType
from typing import Any

import numpy as np
import pytest

from edge.data import Detections, Frame, Result
from edge.sinks import Background
from edge.system.activity import State, here
from tests.conftest import made


class Kept:
    def __init__(self) -> None:
        self.seqs: list[int] = []

    def write(self, result: Result) -> None:
        self.seqs.append(result.frame.seq)

    def close(self) -> None:
        self.seqs.append(-1)


def result(seq: int) -> Result:
    pixels = np.zeros((2, 2), np.uint8)
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32), 2, 2)
    return made(Frame(pixels, seq, 0.0), nothing, 0.0, pixels)


def interrupted(step: Any, at: int) -> bool:
    """Call ``step`` and raise KeyboardInterrupt at its ``at``-th line of Python; returns whether it is that long."""
    lines = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal lines
        lines += event == "line"
        if event == "line" and lines == at:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        step()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("lossless", [True, False])
def test_an_interrupt_in_write_leaves_nobody_asleep(lossless: bool) -> None:
    for at in range(1, 100):
        kept, second = Kept(), result(1)
        sink = Background(kept, depth=2, lossless=lossless)
        sink.write(result(0))
        time.sleep(0.01)  # the thread waits again
        reached = interrupted(lambda: sink.write(second), at)  # noqa: B023
        time.sleep(0.01)
        closing = threading.Thread(target=sink.close, daemon=True)
        closing.start()
        closing.join(20)
        assert not closing.is_alive(), f"interrupted at line {at} of write, it never ends"
        assert kept.seqs[0] == 0
        assert kept.seqs[-1] == -1
        if not reached:
            break
    assert at > 3
    assert not reached


def test_what_a_sink_says_it_is_at_is_heard_by_whoever_watches_its_thread() -> None:
    """Thousands of tracks take longer to count than a sink may be silent: it says that it comes on."""
    counting, heard = State("counting", "the count has not ended"), []

    class Counts(Kept):
        def write(self, result: Result) -> None:
            here().goes_on(counting)
            heard.append(background.activity.now)
            super().write(result)

        def close(self) -> None:
            here().goes_on(counting)
            heard.append(background.activity.now)

    background = Background(Counts(), depth=4, lossless=True)  # type: ignore[arg-type]
    background.write(result(0))
    background.close()
    assert [now and now.state for now in heard] == [counting, counting]
    assert here() is not background.activity
