"""`preflight`: every check of a mission within one time, and its answer for people and programs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from edge.app.machine import system_facts
from edge.app.mission.mission import Mission
from edge.app.preflight.camera import camera_lines
from edge.app.preflight.clocks import clock_lines
from edge.app.preflight.disk import disk_lines
from edge.app.preflight.engine import engine_lines
from edge.app.preflight.links import link_checks
from edge.app.preflight.plan import Plan
from edge.app.preflight.pose import pose_lines
from edge.app.preflight.side_by_side import Check, Line, Looked, State, side_by_side, worst
from edge.app.settings import MODEL
from edge.model.bundle import Bundle
from edge.system.budget import PREFLIGHT_MODEL_S as BUNDLE_S
from edge.system.budget import PREFLIGHT_S as BUDGET_S
from edge.system.host import host_facts

BUSY = 1.5  # programs a core


class PreflightLine(Struct, kw_only=True):
    """One thing that was looked at. ``state``: green: ready; yellow: it flies, with less than was asked for; red: it
    does not. ``todo``: what changes that, "" = nothing is to be done.
    """

    check: str
    name: str
    state: State
    value: str
    todo: str


class PreflightMission(Struct, kw_only=True):
    """``sha256``: of its file."""

    name: str
    file: str
    sha256: str


class PreflightJson(Struct, kw_only=True):
    """What ``edge doctor --mission FILE --json`` prints."""

    format: Literal[1]
    mission: PreflightMission
    state: Annotated[State, Meta(description="the worst of all lines; red: exit code 1")]
    lines: list[PreflightLine]
    cut_off: Annotated[list[str], Meta(description="checks that did not end in time")]
    check_seconds: Annotated[dict[str, float], Meta(description="how long each check took")]
    seconds: float


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of that."""
    return msgspec.json.schema(PreflightJson)


def preflight(mission: Mission, height: float | None = None, size: float | None = None) -> PreflightJson:
    """Look at everything that ``mission`` needs, for 8 s at most; writes nothing but a probe that is removed again.

    ``height``: metres above the ground that are planned; ``size``: of what is sought, metres. Raises InputError where
    a file with a secret cannot be read.
    """
    start, options = time.monotonic(), mission.options()
    bundle: list[Bundle] = []
    looked = side_by_side([Check("model", lambda: _bundle(options, bundle), "edge info BUNDLE tells more")], BUNDLE_S)
    if bundle:
        plan = Plan(mission, options, bundle[0], height, size)
        left = BUDGET_S - (time.monotonic() - start)
        others = side_by_side(_checks(plan, left), left)
    else:
        left = BUDGET_S - (time.monotonic() - start)
        others = side_by_side([_host(), _clocks(), *link_checks(options)], left)
    looked = Looked(looked.lines + others.lines, looked.cut_off + others.cut_off, looked.seconds | others.seconds)
    stamp = mission.stamp
    return PreflightJson(
        format=1,
        mission=PreflightMission(name=stamp.name, file=stamp.file, sha256=stamp.sha256),
        state=worst(looked.lines),
        lines=[
            PreflightLine(check=one.check, name=one.name, state=one.state, value=one.value, todo=one.todo)
            for one in looked.lines
        ],
        cut_off=list(looked.cut_off),
        check_seconds=looked.seconds,
        seconds=round(time.monotonic() - start, 3),
    )


def _checks(plan: Plan, left_s: float) -> list[Check]:
    return [
        Check(
            "camera",
            lambda: camera_lines(plan),
            "close other programs; a device: unplug it and plug it in again; edge doctor --source tells more",
        ),
        Check("engine", lambda: engine_lines(plan, left_s / 2), "close other programs, or restart the board"),
        Check("disk", lambda: disk_lines(plan, left_s - 1.0), "the disk does not answer: another one"),
        Check("pose", lambda: pose_lines(plan), "restart the autopilot's link"),
        *link_checks(plan.options),
        _clocks(),
        _host(),
    ]


def _clocks() -> Check:
    return Check("clocks", clock_lines)


def _host() -> Check:
    return Check("machine", _machine)


def _machine() -> Iterator[Line]:
    """Load, power mode, clocks and heat."""
    load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    busy = load > BUSY * cores
    told = f"{load:.1f} programs at once in the last minute, on {cores} cores"
    yield Line("load", "yellow" if busy else "green", told, "close other programs" if busy else "")
    for fact in system_facts(host_facts()["l4t"] is not None):
        yield Line(fact.name, "yellow" if fact.todo else "green", fact.value, fact.todo)


def _bundle(options: dict[str, Any], found: list[Bundle]) -> Iterator[Line]:
    """Read the model with the mission's normaliser; it is told with the engine."""
    bundle = Bundle.load(options.get("model", MODEL), options.get("trusted_key"))
    if normalise := options.get("normalise"):
        bundle = bundle.with_normaliser(normalise, bool(options.get("override_normalise")))
    found.append(bundle)
    yield from ()
