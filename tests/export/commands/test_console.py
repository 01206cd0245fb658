from __future__ import annotations

import ast
import io
from pathlib import Path

import pytest
from rich.console import Console

from edge.commands.console import Screen
from export.commands.console import bars_on, console_of, now_and_then, say

ROOT = Path(__file__).resolve().parents[3]


def shown(terminal: bool, quiet: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, quiet=quiet, width=100)
    with bars_on(console) as bars:
        bars.advance(bars.add_task("frames", total=7), 3)
        bars.refresh()
    return out.getvalue()


def test_a_bar_says_what_how_much_and_how_long() -> None:
    for words in ("frames", "3/7", "0:00:00"):
        assert words in shown(terminal=True, quiet=False)


@pytest.mark.parametrize(("terminal", "quiet"), [(False, False), (True, True), (False, True)])
def test_there_is_none_where_nobody_looks(terminal: bool, quiet: bool) -> None:
    assert shown(terminal, quiet) == ""


def test_a_line_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    line = f"models/[deer]/{'x' * 200} 1.5 MB"
    say(console_of(quiet=False), line)
    say(console_of(quiet=True), line)
    assert capsys.readouterr().out == f"{line}\n"


# the second is a script for another program's environment, where this package is not
PRINT = ("export/commands/main.py", "export/parity/reference_script.py")


def test_only_commands_print_and_one_file_makes_consoles() -> None:
    for file in sorted((ROOT / "export").rglob("*.py")):
        made = {
            node.func.id
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        path = file.relative_to(ROOT).as_posix()
        assert "print" not in made or path in PRINT, path
        assert not made & {"Console", "Progress"} or path == "export/commands/console.py", path


@pytest.mark.parametrize("terminal", [False, True])
def test_without_a_terminal_a_line_is_said_now_and_then(terminal: bool) -> None:
    out, times = io.StringIO(), iter([100.0, 100.0, 100.0, 159.9, 160.0, 160.0, 219.0])
    tell = now_and_then(Screen(file=out, force_terminal=terminal), 60.0, lambda: next(times))
    for line in ("step 1", "step 2", "no space", "step 3", "step 4"):
        tell(line)
    assert out.getvalue().split() == ["no", "space"] if terminal else ["step", "1", "no", "space", "step", "3"]
