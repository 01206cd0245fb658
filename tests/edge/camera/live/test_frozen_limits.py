"""A picture that stands still: from when on, how long it counts, and what starts the clock anew."""

from __future__ import annotations

import numpy as np
import pytest

from edge.camera.live.frozen import FrozenPicture, RepeatedFrames, as_resumed
from tests.edge.camera.live.test_live_limits import frame

SHUT = frozenset({"ffc"})


@pytest.mark.parametrize(
    ("still_s", "resumed", "frozen_s"), [(0.29, False, 0), (0.3, True, 0), (1.0, True, 0), (1.01, True, 1.01)]
)
def test_from_when_on_a_picture_has_resumed_and_was_frozen(still_s: float, resumed: bool, frozen_s: float) -> None:
    sift = RepeatedFrames(live=True)
    assert sift.sift(frame(0, 0.0, 7)) is not None
    assert sift.sift(frame(1, 0.1, 7)) is None
    assert sift.frozen_s == 0
    assert sift.sift(frame(2, still_s, 7)) is None
    assert sift.frozen_s == pytest.approx(frozen_s)
    new = sift.sift(frame(3, 5.0, 8))
    assert new is not None
    assert ("resumed" in new.flags) is resumed
    assert sift.frozen_s == pytest.approx(frozen_s)
    after = sift.sift(frame(4, 5.1, 9))
    assert after is not None
    assert after.flags == frozenset()


def test_seconds_frozen_add_up() -> None:
    sift = RepeatedFrames(live=True)
    for seq, (t, value) in enumerate([(0, 1), (2, 1), (3, 2), (4.5, 2), (9, 2), (10, 3), (10.5, 3), (11, 4)]):
        sift.sift(frame(seq, t, value))
    assert sift.frozen_s == pytest.approx(2 + 6)


def test_a_resumed_frame_that_repeats_marks_the_next() -> None:
    sift = RepeatedFrames(live=True)
    sift.sift(frame(0, 0.0, 1))
    assert sift.sift(frame(1, 0.1, 1, frozenset({"resumed"}))) is None
    new = sift.sift(frame(2, 0.2, 2, frozenset({"repaired"})))
    assert new is not None
    assert new.flags == {"resumed", "repaired"}


def test_a_flagged_shutter_starts_the_clock_anew() -> None:
    sift = RepeatedFrames(live=True)
    sift.sift(frame(0, 0.0, 1))
    shut = sift.sift(frame(1, 5.0, 1, SHUT))
    assert shut is not None
    assert shut.flags == {"ffc", "frozen"}
    assert sift.sift(frame(2, 5.9, 1)) is None
    assert sift.frozen_s == 0
    assert sift.sift(frame(3, 6.1, 1)) is None
    assert sift.frozen_s == pytest.approx(1.1)


def test_a_file_may_repeat_itself() -> None:
    sift = RepeatedFrames(live=False)
    frames = [frame(seq, 2.0 * seq, 7) for seq in range(3)]
    assert [sift.sift(each) for each in frames] == frames
    assert sift.frozen_s == 0


def test_another_shape_is_another_picture() -> None:
    still = FrozenPicture()
    assert not still.again(np.zeros((3, 5), np.uint16), 1.0)
    assert not still.again(np.zeros((5, 3), np.uint16), 2.0)
    assert still.again(np.zeros((5, 3), np.uint16), 3.0)
    assert still.since == 2.0


def test_what_is_resumed_stays_resumed() -> None:
    once = as_resumed(frame(0, 0, 1, frozenset({"ffc"})))
    assert as_resumed(once).flags == once.flags == {"ffc", "resumed"}
