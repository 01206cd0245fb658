"""``edge service install | status | uninstall``: the mission flies by itself from power-on."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from edge.app.mission.read import MissionError
from edge.app.service.install import Plan, install, plan, require_root, uninstall
from edge.app.service.status import Flight, Status, look
from edge.app.service.unit import NAME
from edge.commands.mission.take import told
from edge.commands.options import Commands, Screens, add_command, add_verbose
from edge.errors import EdgeError
from edge.system.text import printable, without_passwords


def add(commands: Commands) -> None:
    """The command and its options."""
    help = "fly a mission as a service of systemd, from power-on: see docs/service.md"
    parser = commands.add_parser("service", help=help, description=help)
    add_verbose(parser, argparse.SUPPRESS)
    whats = parser.add_subparsers(required=True, metavar="WHAT")
    sub = add_command(whats, "install", put_in, "check the mission, write the unit, enable and start it; needs root")
    sub.add_argument("--mission", required=True, type=Path, metavar="FILE", help="what it flies; used where it is")
    sub.add_argument("--user", default=NAME, metavar="NAME", help=f"who runs it (default: {NAME}, made if needed)")
    sub.add_argument("--dry-run", action="store_true", help="say what would be done and print the unit; do nothing")
    sub = add_command(whats, "status", say_status, "how it is, and its last flight; exit code 0 if it runs, else 1")
    sub.add_argument("--json", action="store_true", help="for programs, one JSON object")
    add_command(whats, "uninstall", take_out, "stop it and remove the unit; flights stay; needs root")


def put_in(arguments: argparse.Namespace, screens: Screens) -> None:
    """Install it, or say how. Raises EdgeError."""
    planned = _planned(arguments)
    if arguments.dry_run:
        for step in planned.steps:
            screens.out.say(f"would: {step}")
        screens.out.say("")
        for line in planned.text.splitlines():
            screens.out.say(line)
        return
    require_root("install")
    for step in planned.steps:
        screens.out.say(step)
    screens.out.say(install(planned))
    screens.out.say("next: edge service status; its lines: journalctl -u thermal-edge -f")


def say_status(arguments: argparse.Namespace, screens: Screens) -> None:
    """Say how it is. Raises EdgeError where it does not run: exit code 1."""
    status = look()
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(without_passwords(_fields(status)))).decode())
    else:
        for line in in_words(status):
            screens.out.say(printable(line))
    if not status.running:
        raise EdgeError(f"{status.unit} does not run: {status.state}")


def _fields(status: Status) -> dict[str, Any]:
    """What the page says of ``--json``: what may not be looked into is told on the terminal."""
    return {name: value for name, value in asdict(status).items() if name != "unread"}


def take_out(_: argparse.Namespace, screens: Screens) -> None:
    """Uninstall it. Raises EdgeError."""
    for line in uninstall():
        screens.out.say(line)


def in_words(status: Status) -> list[str]:
    """A line for each thing."""
    since = "" if status.since_s is None else f" for {duration(status.since_s)}"
    often = {0: "never restarted", 1: "restarted once"}
    restarts = often.get(status.restarts, f"restarted {status.restarts} times")
    enabled = "starts at power-on" if status.enabled else "does not start at power-on: systemctl enable thermal-edge"
    lines = [f"{status.unit}: {status.state}{since}; {restarts}; {enabled}"]
    if status.status:
        lines.append(f"it says: {status.status}")
    if status.last_exit:
        lines.append(f"last exit: {status.last_exit}")
    lines.append(f"mission: {status.mission or 'unknown'}")
    if status.mission_error:
        lines.append(f"! the mission cannot be read: {status.mission_error}")
    if status.unread:
        lines.append(f"! you may not look into {status.unread}: be of its group, or ask with sudo")
    none = [] if status.unread else ["no flight yet"]
    return [*lines, *(_flight(status.flight) if status.flight else none)]


def duration(seconds: float) -> str:
    """``37 s``, ``12 min``, ``3 h 05 min``, ``2 days 4 h``."""
    whole = int(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes, hours = whole // 60, whole // 3600
    if minutes < 120:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60:02d} min" if hours < 48 else f"{hours // 24} days {hours % 24} h"


def _flight(flight: Flight) -> list[str]:
    ended = f"; ended: {flight.ended}" if flight.ended else "; no report: it goes on, or was cut off"
    lines = [f"last flight: {flight.folder}, written {duration(flight.written_s)} ago{ended}"]
    if flight.error:
        lines.append(f"! {flight.error}")
    for line in flight.lines:
        boxes = line.get("detections")
        when = line.get("utc") or "no UTC"
        found = [one for one in boxes if isinstance(one, dict)] if isinstance(boxes, list) else []
        labels = ", ".join(f"{one.get('label')} {one.get('score')}" for one in found[:5]) or "nothing"
        lines.append(f"  frame {line['seq']}, {when}: {labels}{f' and {len(found) - 5} more' if found[5:] else ''}")
    return lines


def _planned(arguments: argparse.Namespace) -> Plan:
    try:
        return plan(arguments.mission, arguments.user)
    except MissionError as error:
        raise told(error) from None
