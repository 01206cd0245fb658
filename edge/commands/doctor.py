"""``edge doctor``: what this machine can do, and what a camera really delivers, before anyone flies with it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.text import Text

from edge.app.machine import machine_facts
from edge.app.model_look import ModelLook
from edge.app.scale_check import Target, larger, on_target
from edge.app.settings import MODEL
from edge.app.source_check import Examination, examine, problems
from edge.camera import open_camera
from edge.commands.console import Screen
from edge.commands.mission.preflight import look_at_mission
from edge.commands.options import SOURCES, Commands, Screens, add_command, add_out, add_source, positive
from edge.engine import open_engine
from edge.errors import CameraError, EngineError, InputError, SinkError
from edge.model.bundle import Bundle
from edge.system.files import reason_of, write_private

SECONDS = 5.0
OUT = "out/doctor"
PICTURE = "doctor.png"


def add(commands: Commands) -> None:
    """The command and its options."""
    help = "look at what a camera really delivers; without --source, at what this machine can do, or at a mission"
    sub = add_command(commands, "doctor", execute, help, SOURCES)
    add_source(sub, "camera to look at, see below")
    sub.add_argument(
        "--seconds", type=positive, default=SECONDS, metavar="S", help=f"how long to read it (default: {SECONDS:g})"
    )
    sub.add_argument(
        "--size", type=positive, metavar="M", help="is it large enough in the picture? Length of what is sought, metres"
    )
    sub.add_argument("--height", type=positive, metavar="M", help="with --size: metres of the camera above the ground")
    sub.add_argument("--lens", metavar="L", help="with --size: as edge run takes it")
    add_out(sub, OUT, "folder for its picture")
    sub.add_argument(
        "--mission",
        type=Path,
        metavar="FILE",
        help="is all ready for this mission? In under 10 s: camera, scene, model, engine, disk, pose, links, clocks, "
        "heat; each line green, yellow or red, and what to do. Exit code 1 where one is red, else 0",
    )
    sub.add_argument("--json", action="store_true", help="with --mission: for programs, one JSON object")


def execute(arguments: argparse.Namespace, screens: Screens) -> None:
    """Look, and say it."""
    if arguments.mission:
        if arguments.source or arguments.lens:
            raise InputError("--mission names source and lens: leave --source and --lens out")
        if arguments.seconds != SECONDS or arguments.out != Path(OUT):
            raise InputError("--seconds and --out are of --source: leave them out beside --mission")
        look_at_mission(arguments, screens)
        return
    if arguments.json:
        raise InputError("--json is of a mission: give --mission too")
    target = Target.of(arguments.size, arguments.height, arguments.lens)
    if target and not arguments.source:
        raise InputError("--size, --height and --lens are about the pictures of a camera: give --source")
    doctor(screens.out, arguments.source, arguments.out, arguments.seconds, target)


def doctor(
    screen: Screen,
    source: str | Sequence[str] | None,
    out: Path,
    seconds: float = SECONDS,
    target: Target | None = None,
) -> None:
    """Print what there is; with a ``source`` read it for so long, and write one normalised frame to ``out``.

    ``target``: how large is that in the pictures, and would tiles help?

    Raises InputError for a lens that is not known, SourceError for a source that cannot be opened, SinkError for a
    picture that cannot be written, and CameraError, after all was said, for a source that broke.
    """
    if source is None:
        screen.rows((fact.name, fact.value, fact.todo) for fact in machine_facts(Path()))
        return
    start = time.monotonic()
    with open_camera(source, reconnect_s=0) as camera:
        opened_s = time.monotonic() - start
        if camera.live:
            screen.say(f"reading for {seconds:g} s ...")
        bundle = Bundle.load(MODEL)
        look = ModelLook(bundle, camera)
        found = examine(camera, seconds, look=look)
    told, small = rows(found, opened_s), list[str]()
    if target and found.frames:
        row, small = on_target(target, target.pixels(camera, *found.size), *found.size, bundle)
        told.append(("target", row))
    screen.rows((name, value, "") for name, value in told)
    if found.picture is not None:
        _write(out / PICTURE, found.picture)
        screen.say(f"picture: {out / PICTURE}")
    large = larger(*found.size, bundle) if found.frames else []
    said = problems(found) + _for_the_model(look, screen) + large + small
    for line in said:
        screen.print(Text.assemble(("! ", "bold yellow"), line), soft_wrap=True)
    if found.broke:
        raise CameraError(found.broke)
    if not said:
        screen.say("nothing wrong was seen")


def _for_the_model(look: ModelLook, screen: Screen) -> list[str]:
    """What the bundled model has against it."""
    if look.asks_the_model:
        try:
            with open_engine(MODEL, "ort") as engine:
                look.ask(engine)
        except EngineError as error:  # it may be another machine's camera that is looked at here
            screen.say(f"black-hot or white-hot was not looked at: {error}")
    return look.lines()


def rows(found: Examination, opened_s: float) -> list[tuple[str, str]]:
    """The examination in words: (what, value)."""
    if not found.frames:
        return [("source", found.description)]
    scale = found.temperature
    low, high = found.low, found.high
    least, most = found.usual
    celsius = "none: counts only"
    if scale:
        shown = " .. ".join(f"{float(scale.celsius(count)):.1f}" for count in found.usual)
        celsius = f"{scale.kelvin_per_count(float(least)):g} K a count, most {shown} deg C"
    elif found.bits_a_pixel == 16 and least > 25000 and most < 40000:
        shown = " .. ".join(f"{count / 100 - 273.15:.1f}" for count in found.usual)
        celsius = f"none given; if these are FLIR TLinear counts of 0.01 K, most are {shown} deg C"
    told = [
        ("source", found.description),
        ("opened in", f"{opened_s:.2f} s, first frame {found.first_ms:.0f} ms later"),
        ("pixels", f"{found.size[0]} x {found.size[1]}, {found.bits_a_pixel} bit"),
        ("values", f"{low} .. {high}, most {least} .. {most}, bits used {found.unused} .. {found.bits - 1}"),
        ("temperature", celsius),
        (
            "frames",
            f"{found.frames}, {found.duplicates} duplicates, {found.lost} lost, {found.shutter} with the shutter shut",
        ),
    ]
    if found.fps:
        announced = f", announced {found.nominal_fps:.4g}" if found.nominal_fps else ""
        told += [
            ("rate", f"{found.fps:.2f} frames a second{announced}"),
            ("interval", _percentiles(found.interval_ms)),
            ("jitter", _percentiles(found.jitter_ms)),
            ("age when it comes", _percentiles(found.latency_ms) or "under 1 ms, or not known: times are of arrival"),
        ]
    return told


def _percentiles(ms: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f} ms" for name, value in ms.items())


def _write(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    _, data = cv2.imencode(".png", picture)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, data.tobytes())
    except OSError as error:
        raise SinkError(f"cannot write {path}: {reason_of(error)}: give another --out") from None
