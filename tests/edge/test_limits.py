"""Times, rates, sizes and thresholds of `edge`, and the order that they keep.

The values, each with where it comes from, stand in limits/, a file a package.
Here stands what no cheap test can show by what happens; the others are shown where they act. A value that changes
changes here too, with its new reason; "chosen" says that nothing was measured for it.
Those of the normalisers and of the correction: tests/edge/thermal.
"""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edge.camera.images.exif import EXIF_IFD, FRACTION, TAKEN
from edge.geo.budget import ASSUMED
from edge.pose.vehicle import UNTOLD_S
from tests.edge.limits import (
    app,
    archive,
    camera,
    engine,
    geo,
    health,
    measure,
    model,
    pose,
    recording,
    sim,
    sinks,
    system,
    track,
)

PACKAGES = (app, archive, camera, engine, geo, health, measure, model, pose, recording, sim, sinks, system, track)
LIMITS = {module: names for package in PACKAGES for module, names in package.LIMITS.items()}
NEED_A_GPU = {"edge.engine.cuda", "edge.engine.trt"}  # they are read, not imported


def written(module: str, name: str) -> Any:
    """The value of a constant, as it stands in the file."""
    path = Path(__file__).resolve().parents[2] / f"{module.replace('.', '/')}.py"
    found = [
        node.value
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    return ast.literal_eval(found[0])


def value_of(module: str, name: str, expected: Any) -> Any:
    """The value of a constant; where its order is no matter the expected one is a set, and so is this."""
    found = written(module, name) if module in NEED_A_GPU else getattr(import_module(module), name)
    return set(found) if isinstance(expected, set) else found


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__.rpartition(".")[2])
def test_each_is_what_its_reason_says(package: ModuleType) -> None:
    """All of a package in one test: there are hundreds, and a test of its own costs more than a look at one."""
    wrong = [
        f"{module}.{name} is {found!r}, and not {value!r}: {why}"
        for module, names in package.LIMITS.items()
        for name, (value, why) in names.items()
        if (found := value_of(f"edge.{module}", name, value)) != value
    ]
    assert wrong == []


def test_each_module_stands_in_the_file_of_its_package_and_once() -> None:
    of = {"commands": "app"}
    for package in PACKAGES:
        assert {of.get(top := module.partition(".")[0], top) for module in package.LIMITS} == {
            package.__name__.rpartition(".")[2]
        }
    assert len(LIMITS) == sum(len(package.LIMITS) for package in PACKAGES)


def test_exif_tags_are_those_of_exif_2_32() -> None:
    assert (EXIF_IFD, TAKEN, FRACTION) == (34665, 36867, 37521)


# ---- the order that times keep, so that the one who knows most says why ----


def seconds(*names: str) -> list[float]:
    values = []
    for name in names:
        module, _, constant = name.rpartition(".")
        value = getattr(import_module(f"edge.{module}"), constant)
        values.append(value / 1000 if constant.endswith("_MS") else value)
    return values


@pytest.mark.parametrize(
    "order",
    [
        # a source's own time-out comes first: it says more than "the call does not return"
        ("camera.streams.OPEN_TIMEOUT_MS", "camera.live.timeout.OPEN_S"),
        ("camera.streams.READ_TIMEOUT_MS", "camera.live.timeout.STALL_S"),
        ("camera.v4l2.STALL_S", "camera.live.timeout.STALL_S"),
        ("camera.v4l2.FIRST_FRAME_S", "camera.live.timeout.OPEN_S"),
        # a picture that stands still: a flag, a count, a word to a person, then the camera is opened again
        (
            "camera.live.frozen.RESUMES_S",
            "camera.live.frozen.FROZEN_S",
            "camera.live.frozen.TOLD_S",
            "camera.live.frozen.HUNG_S",
            "system.budget.HUNG_S",
        ),
        # what waits for a slow writer looks more often than the writer is due
        ("recording.recorder.FULL_S", "recording.writer.SYNC_S"),
        ("sinks.background.FULL_S", "sinks.background.IDLE_S"),
        ("system.budget.LOOK_S", "system.budget.STOP_S", "system.budget.HUNG_S"),
        ("camera.live.reconnect.FIRST_DELAY_S", "camera.live.reconnect.LONGEST_DELAY_S"),
        ("camera.live.latest.LOOK_S", "camera.live.latest.JOIN_S", "camera.live.timeout.CLOSE_S"),
    ],
)
def test_times_keep_their_order(order: tuple[str, ...]) -> None:
    found = seconds(*order)
    assert found == sorted(set(found))


def test_what_the_pages_promise_in_seconds() -> None:
    stop, look = seconds("system.budget.STOP_S", "system.budget.LOOK_S")
    assert stop + look < 2  # who asks a run to stop is answered within 2 s
    sync, idle, lines = seconds("recording.writer.SYNC_S", "sinks.background.IDLE_S", "sinks.jsonl.SYNC_S")
    assert sync + sync / 4 < 0.8  # a power cut costs at most the last second of a recording: the sync takes its time
    assert lines + idle < 0.8  # and of the detections


def test_a_time_that_is_not_told_is_worth_the_same_wherever_it_is_taken() -> None:
    assert ASSUMED.time_s == UNTOLD_S
