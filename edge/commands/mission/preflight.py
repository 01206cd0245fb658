"""``edge doctor --mission``: is all ready? A line for each thing, in a word and a colour."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter

import msgspec
from rich.text import Text

from edge.app.preflight.preflight import PreflightJson, preflight
from edge.commands.console import Screen
from edge.commands.mission.take import read
from edge.commands.options import Screens
from edge.errors import EdgeError
from edge.system.text import printable, without_passwords

COLOURS = {"green": "green", "yellow": "yellow", "red": "bold red"}


def look_at_mission(arguments: argparse.Namespace, screens: Screens) -> None:
    """Look at all that the mission needs, and say it. Raises EdgeError where something is red."""
    mission = read(arguments.mission)
    found = preflight(mission, arguments.height, arguments.size)
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(without_passwords(msgspec.to_builtins(found)))).decode())
    else:
        show(found, screens.out)
    red = Counter(line.state for line in found.lines)["red"]
    error = f"not ready: {red} of {len(found.lines)} lines {'is' if red == 1 else 'are'} red" if red else ""
    if found.cut_off:  # a call that hangs would hold the end of the process, too
        if error:
            screens.err.say(f"edge: {error}")
        _give_up(int(bool(red)))
    if error:
        raise EdgeError(error)


def show(found: PreflightJson, screen: Screen) -> None:
    """Print it for a person; what is to be done stands below its line."""
    screen.say(f"mission {found.mission.name}, {found.mission.file}, sha256 {found.mission.sha256[:16]}..")
    width = max((len(line.name) for line in found.lines), default=0) + 2
    for line in found.lines:
        state = (line.state.ljust(8), COLOURS[line.state])
        screen.print(Text.assemble(state, (line.name.ljust(width), "bold"), printable(line.value)), soft_wrap=True)
        if line.todo:
            screen.print(Text.assemble(" " * (8 + width), (f"! {printable(line.todo)}", "yellow")), soft_wrap=True)
    counts = Counter[str](line.state for line in found.lines)
    told = ", ".join(f"{counts[state]} {state}" for state in COLOURS)
    screen.say(f"{found.state}: {told}; {found.seconds:.1f} s")


def _give_up(code: int) -> None:
    sys.stdout.flush()
    os._exit(code)
