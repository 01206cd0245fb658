"""Every time-out is below half of the watchdog's, none stands elsewhere, and a stop is answered within 2 s."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.system import budget

ROOT = Path(__file__).resolve().parents[3]
TIMES = {name: value for name, value in vars(budget).items() if name.endswith("_S")}
OUTER = {"WATCHDOG_S", "LOAD_S"}  # LOAD_S: before READY no watchdog of a manager runs
WAITS = {"timeout", "timeout_s", "connect_timeout"}  # what a time-out is called
ELSEWHERE = {"edge/app/bench/cold_start.py"}  # of a measurement, no part of a run


def test_all_are_below_half_of_the_watchdogs() -> None:
    assert len(TIMES) > 15
    assert {name for name, value in TIMES.items() if not 0 < value < budget.WATCHDOG_S / 2} == OUTER


def test_a_stop_is_answered_within_2_s() -> None:
    assert budget.LOOK_S + budget.STOP_S + budget.KEEP_STOP_S < 2  # the loop hangs
    assert budget.LOOK_S + budget.CAMERA_STOP_S < 2  # a read that its closed camera still holds
    assert budget.UNHEARD_S + 2 * budget.LOOK_S < 2  # a call holds the interpreter
    assert budget.LOOK_S + budget.CAPTURE_JOIN_S + 2 * budget.CAMERA_CLOSE_S < 2  # a driver hangs
    assert budget.LOOK_S + max(budget.COURIER_S, budget.MAVLINK_OUT_S, budget.POSE_JOIN_S) < 2  # a link is away


def test_who_knows_most_speaks_first() -> None:
    order = (budget.CAMERA_STALL_S, budget.CAMERA_OPEN_S, budget.HUNG_S, budget.HELD_S, budget.WATCHDOG_S / 2)
    assert list(order) == sorted(set(order))
    assert budget.HUNG_S + budget.KEEP_S < budget.WATCHDOG_S / 2  # the report is written before a manager ends it


JOINS = ("join", "settimeout", "create_connection")


def literal_waits(tree: ast.AST) -> Iterator[ast.AST]:
    """Calls that wait for a number of seconds that stands there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (word.value for word in node.keywords if word.arg in WAITS and _number(word.value))
            joins = isinstance(node.func, ast.Attribute) and node.func.attr in JOINS
            yield from (word for word in node.args if joins and _number(word))


def _number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and node.value > 0.5


def test_no_time_out_stands_anywhere_else() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "edge").rglob("*.py")
        if str(path.relative_to(ROOT)) not in ELSEWHERE
        if any(word in (text := path.read_text()) for word in (*WAITS, *JOINS))  # else there is nothing to parse
        for node in literal_waits(ast.parse(text))
        if isinstance(node, ast.expr)
    }
    assert found == set(), "name it in edge/system/budget.py"


@pytest.mark.parametrize("text", ["t.join(2)", "run(x, timeout=5)", "s.settimeout(3.0)"])
def test_the_test_sees_one(text: str) -> None:
    assert list(literal_waits(ast.parse(text)))
