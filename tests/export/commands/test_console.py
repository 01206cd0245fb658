from __future__ import annotations

import ast
import io
from pathlib import Path

import pytest
from rich.console import Console

from export.commands.console import bars_on, console_of, say

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
