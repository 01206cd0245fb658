"""Times by hand, and the figures that they are made from."""

from __future__ import annotations

import pytest

from edge.errors import InputError
from export.tensorrt.estimate.boards import BOARDS, Board, board_named
from export.tensorrt.estimate.published import NETWORKS, PUBLISHED, Check, Published, checks, median_error, worst
from export.tensorrt.estimate.roofline import FAST, LIKELY, SLOW, Assumptions, Span, milliseconds, span
from export.tensorrt.estimate.work import Work

BOARD = Board("b", "m", tflops=10.0, gbytes_s=100.0, source="s")
HALF = Assumptions(compute=0.5, bandwidth=0.25, kernel_us=3.0, walk_ns=2.0)


def test_what_takes_longer_counts_and_each_kernel_has_a_start() -> None:
    assert milliseconds(Work(10.0, 1.0), BOARD, HALF) == pytest.approx(2.0 + 0.003)  # 10e9 / 5e12 s
    assert milliseconds(Work(1.0, 100.0, 7), BOARD, HALF) == pytest.approx(4.0 + 0.021)  # 100e6 / 25e9 s
    assert milliseconds(Work(0.0, 0.0, 0, 500_000), BOARD, HALF) == pytest.approx(1.0)


def test_the_range_is_that_of_the_assumptions_and_kernels_follow_each_other() -> None:
    work = [Work(7.0, 1.0, 10), Work(0.0, 60.0)]
    assert span(iter(work), BOARD) == Span(
        likely=pytest.approx(2.0 + 0.8 + 11 * 0.004),
        least=pytest.approx(1.4 + 60 / 85 + 11 * 0.0025),
        most=pytest.approx(2.8 + 1.2 + 11 * 0.006),
    )
    assert Span(10.0, 5.0, 20.0).fps == (50.0, 100.0, 200.0)


def test_what_is_assumed() -> None:
    assert Assumptions(0.35, 0.75, 4.0, 2.1) == LIKELY
    assert Assumptions(0.25, 0.50, 6.0, 4.0) == SLOW
    assert Assumptions(0.50, 0.85, 2.5, 1.0) == FAST


def test_boards_have_a_name_of_their_own_and_a_source() -> None:
    assert len({board.name for board in BOARDS}) == len(BOARDS)
    assert all(len(board.source) > 20 and board.mode for board in BOARDS)
    figures = {board.name: (board.tflops, board.gbytes_s) for board in BOARDS}
    assert figures == {
        "orin-nano-super": (16.7, 102.0),
        "orin-nano-super-25w": (15.0, 102.0),
        "orin-nano-15w": (10.2, 68.0),
        "orin-nx-16": (15.0, 102.4),
        "orin-nx-16-super": (19.2, 102.4),
        "agx-orin-32": (26.7, 204.8),
        "agx-orin-64": (42.6, 204.8),
        "agx-orin-64-50w": (27.2, 204.8),
        "agx-orin-64-30w": (10.2, 204.8),
        "thor-t5000": (258.5, 273.0),
    }


@pytest.mark.parametrize(
    ("name", "cores", "mhz"),
    [("orin-nano-super", 32, 1020), ("orin-nano-super-25w", 32, 918), ("orin-nano-15w", 32, 625),
     ("orin-nx-16", 32, 918), ("orin-nx-16-super", 32, 1173), ("agx-orin-32", 56, 930), ("agx-orin-64", 64, 1300)],
)  # fmt: skip
def test_what_is_derived_from_cores_and_clock(name: str, cores: int, mhz: int) -> None:
    board = board_named(name)
    assert f"{mhz} MHz" in board.mode
    assert f"{cores} cores" in board.source
    assert board.tflops == pytest.approx(cores * 256 * 2 * mhz / 1e6, abs=0.06)


def test_another_board_is_told_with_the_list() -> None:
    with pytest.raises(InputError, match=r"--board nano: not known; expected one of orin-nano-super, .*, thor-t5000$"):
        board_named("nano")


@pytest.mark.parametrize(
    ("network", "gflop"),
    [("yolov8n", 8.7), ("yolo11n", 6.5), ("yolo11s", 21.5), ("yolo11m", 68.0), ("yolo11l", 86.9), ("yolo11x", 194.9)],
)
def test_networks_have_the_operations_that_their_authors_give(network: str, gflop: float) -> None:
    assert sum(w[0] for w in NETWORKS[network]) == pytest.approx(gflop, rel=0.012)


def test_every_published_time_is_checked() -> None:
    found = checks()
    assert [check.published for check in found] == list(PUBLISHED)
    assert {p.network for p in PUBLISHED} == set(NETWORKS)
    assert all("https://" in p.source for p in PUBLISHED)
    assert all(0 < check.estimate.least < check.estimate.likely < check.estimate.most for check in found)


def test_errors_have_a_sign_and_the_worst_is_the_furthest() -> None:
    found = [Check(Published("n", "b", 10.0, "s"), Span(likely, likely - 1, likely + 1)) for likely in (9.5, 12.0, 7.0)]
    assert [check.error for check in found] == pytest.approx([-0.05, 0.2, -0.3])
    assert [check.inside for check in found] == [True, False, False]
    assert worst(found) is found[2]
    assert median_error(found) == pytest.approx(0.2)
