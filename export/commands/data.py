"""``edge-export data``: what is wrong with labelled frames, and a cleaned list; simulated frames to add to them; frames
and boxes proposed for labelling.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from edge.errors import EdgeError, InputError
from edge.sim.wild.scene import SCENES
from edge.system.files import reason_of, write_whole
from export.commands.console import bars_on, console_of, say
from export.commands.labelling.propose import add_propose_command
from export.commands.labelling.review import add_review_command
from export.data.assist.corrected import corrected
from export.data.assist.write import IMAGES, JSON
from export.data.clean import KINDS, examples, inspect, leaves_out, summary
from export.data.coco import ACCEPT, LEAVE_OUT, read_coco, to_coco
from export.data.dataset import LabelledSet
from export.data.formats import read_folder
from export.data.report import report
from export.data.runs import BY, GAP, flights_of, leave_out, split_by_run, table_of
from export.data.simulate import simulate
from export.data.wild import ANIMAL, simulate_onto, simulate_wild

CLASSES = "Person,Car,Bicycle,OtherVehicle"  # of simulated frames; Animal where there are animals
EIGHT_BIT = 0.6
WILD = tuple(SCENES)  # scenes whose frames are each another ground


def add_data_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``data check``, ``simulate``, ``propose`` and ``review``; ``run`` of the first is `run_check`."""
    what = "find problems in labelled frames; make simulated ones; propose boxes for labelling; take reviewed flights"
    actions = commands.add_parser("data", help=what, description=what).add_subparsers(required=True)
    check = actions.add_parser("check", help="find problems; write a report and a cleaned list; change nothing")
    check.set_defaults(run=run_check)
    check.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="folder with frames and labels: COCO, HIT-UAV, Pascal VOC or YOLO, as Roboflow, CVAT, Label Studio and "
        "Ultralytics write them",
    )
    check.add_argument(
        "--split", help="which part of the folder: train, val, test, ... (default: train, or the only one)"
    )
    check.add_argument(
        "--annotations",
        type=Path,
        metavar="JSON",
        help="a COCO file instead of the folder's labels; DIR then holds its images. Of a DIR of data propose: the "
        "export of the labelling tool; the raw frames of DIR are listed with it",
    )
    check.add_argument(
        "--proposals",
        choices=(ACCEPT, LEAVE_OUT),
        help="pictures that hold proposals of data propose which nobody has checked: accept takes them as labels, "
        "leave-out leaves them out, and those that are exactly as proposed (default: refused)",
    )
    check.add_argument(
        "--voc-origin",
        type=int,
        choices=(0, 1),
        help="Pascal VOC: the number of the first pixel (default: as the files tell, which is printed)",
    )
    check.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for cleaned.json and report.html")
    check.add_argument(
        "--without", action="append", default=[], metavar="RUN:FIRST-LAST", help="leave out these frames of a flight"
    )
    check.add_argument(
        "--hold-back",
        type=float,
        default=0.0,
        metavar="PART",
        help="put whole flights, with about this part of the frames, into held_back.json, to evaluate on. A flight is "
        "told by file names: the same name up to the frame number (DJI_0001.jpg, DJI_0002.jpg, ...) without a gap",
    )
    check.add_argument(
        "--test",
        type=float,
        default=0.0,
        metavar="PART",
        help="with --hold-back: put other whole flights, with about this part of the frames, into held_back_test.json: "
        "choose on the one, report on the other",
    )
    check.add_argument(
        "--flights",
        choices=BY,
        default="name",
        help="what a flight is, for --hold-back: by file name, or each folder is one; end: the last frames by name are "
        "held back, for a set of one flight (default: %(default)s)",
    )
    check.add_argument(
        "--flight-gap",
        type=int,
        default=GAP,
        metavar="N",
        help="another flight begins after a gap of more than N frame numbers (default: %(default)s)",
    )
    check.add_argument(
        "--hot", default="person,deer", help="classes that are warmer than their surroundings (default: %(default)s)"
    )
    check.add_argument("--quiet", action="store_true", help="print nothing but errors")
    add_simulate_command(actions)
    add_propose_command(actions)
    add_review_command(actions)


def add_simulate_command(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``simulate``; its ``run`` default is `run_simulate`."""
    make = actions.add_parser(
        "simulate", help="write labelled frames: simulated flights, wild ground with animals, animals in real frames"
    )
    make.set_defaults(run=run_simulate)
    make.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder to write, which train --data reads"
    )
    make.add_argument("--frames", type=int, required=True, metavar="N", help="how many frames to write")
    make.add_argument("--seed", type=int, default=1, help="another seed makes other frames (default: %(default)s)")
    make.add_argument("--split", default="train", help="which part of the folder (default: %(default)s)")
    make.add_argument(
        "--scene",
        choices=("survey", *WILD),
        default="survey",
        help="survey: 16-bit flights over an evening landscape with people, cars and deer; wild: every frame another "
        "ground, weather and camera, with animals of eleven species, alone, in herds and under trees, and people; "
        "search: the same straight down on a wood, with people under its trees; landscape: the same looking ahead, "
        "with the horizon, houses, masts and bridges, mostly without bodies (default: %(default)s)",
    )
    make.add_argument(
        "--eight-bit",
        type=float,
        metavar="PART",
        help=f"with --scene {', '.join(WILD)}: about this part of the frames as the 8 bit of cameras, the others as "
        f"16-bit counts (default: {EIGHT_BIT})",
    )
    make.add_argument(
        "--onto",
        type=Path,
        metavar="DIR",
        help="instead of a scene: simulated animals in real 8-bit frames of 640x512 whose names tell altitude and "
        "angle as HIT-UAV's do; DIR is a labelled folder, and what is labelled stays and is kept free",
    )
    make.add_argument(
        "--annotations",
        type=Path,
        metavar="JSON",
        help="with --onto: a COCO file instead of the folder's labels, such as cleaned.json; DIR then holds its images",
    )
    make.add_argument(
        "--classes",
        metavar="NAME,...",
        help=f"classes of the labels (default: {CLASSES}; with --scene {', '.join(WILD)} {ANIMAL} too; with --onto "
        f"those of DIR and {ANIMAL}). The simulator shows person, car and deer, or animals: whichever is not named "
        "here is marked as ignored, neither object nor background. A species, such as fox, may be a class",
    )
    make.add_argument("--quiet", action="store_true", help="print nothing but errors")


def run_simulate(arguments: argparse.Namespace) -> int:
    """Write frames and labels; returns 0. Raises InputError for options that do not go together."""
    _check_simulate(arguments)
    out, frames, seed, split = arguments.out, arguments.frames, arguments.seed, arguments.split
    console = console_of(arguments.quiet)
    default = f"{CLASSES},{ANIMAL}" if arguments.scene in WILD else CLASSES
    text = default if arguments.classes is None else arguments.classes
    classes = [name.strip() for name in text.split(",") if name.strip()]
    if not classes:
        raise InputError(f"--classes {arguments.classes!r}: expected one or more names, such as Person,Car")
    real = None
    if arguments.onto:
        listed = arguments.annotations
        real = read_coco(listed, arguments.onto) if listed else read_folder(arguments.onto)
        for note in real.notes:
            say(console, note)
    with bars_on(console) as progress:
        task = progress.add_task("frames", total=frames)

        def tell(done: int) -> None:
            progress.update(task, completed=done)

        if real is not None:
            data = simulate_onto(out, frames, seed, split, real, tell)
        elif arguments.scene in WILD:
            part = EIGHT_BIT if arguments.eight_bit is None else arguments.eight_bit
            data = simulate_wild(out, frames, seed, split, classes, part, tell, arguments.scene)
        else:
            data = simulate(out, frames, seed, split, classes, tell)
    boxes = ", ".join(f"{n} {name}" for name, n in data.count().items())
    say(console, f"{len(data)} frames in {out / split}: {boxes}")
    return 0


def _check_simulate(arguments: argparse.Namespace) -> None:
    if arguments.frames < 1 or arguments.seed < 0:
        raise InputError(
            f"--frames {arguments.frames} --seed {arguments.seed}: expected 1 or more frames, a seed from 0"
        )
    if arguments.onto and (arguments.scene != "survey" or arguments.classes is not None):
        raise InputError("--onto takes ground and classes from real frames: leave --scene and --classes out")
    if arguments.annotations and not arguments.onto:
        raise InputError("--annotations lists the real frames of --onto: give --onto DIR too")
    if arguments.eight_bit is not None and (arguments.onto or arguments.scene not in WILD):
        raise InputError(
            f"--eight-bit is for --scene {', '.join(WILD)}: survey frames are of 16 bit, those of --onto of 8 bit"
        )
    if arguments.eight_bit is not None and not 0 <= arguments.eight_bit <= 1:
        raise InputError(f"--eight-bit {arguments.eight_bit:g}: expected a part of the frames, 0 to 1")


def run_check(arguments: argparse.Namespace) -> int:
    """Check, write ``cleaned.json`` (COCO) and ``report.html``, and what is held back; returns 0, or 1 where nothing is
    left to train on.
    """
    if not 0 <= arguments.hold_back < 1:
        raise InputError(f"--hold-back {arguments.hold_back:g}: expected a part of the frames, 0 or more and below 1")
    if arguments.test and not (0 < arguments.test < 1 - arguments.hold_back and arguments.hold_back):
        both = f"--test {arguments.test:g} --hold-back {arguments.hold_back:g}"
        raise InputError(f"{both}: expected two parts of the frames, each more than 0, below 1 together")
    if arguments.flight_gap < 1:
        raise InputError(f"--flight-gap {arguments.flight_gap}: expected 1 or more")
    console = console_of(arguments.quiet)
    data = _read(arguments)
    for note in data.notes:
        say(console, note)
    hot = [name.strip().lower() for name in arguments.hot.split(",")]
    with bars_on(console) as progress:
        task = progress.add_task("frames", total=len(data))
        cleaned, problems = inspect(data, hot, lambda done: progress.update(task, completed=done))
    lists = {"cleaned.json": cleaned}
    if arguments.hold_back and cleaned.frames:
        by, gap = arguments.flights, arguments.flight_gap
        rest, tested = split_by_run(cleaned, arguments.test, gap, by) if arguments.test else (cleaned, None)
        lists["cleaned.json"], held = split_by_run(rest, arguments.hold_back, gap, by, len(cleaned))
        lists |= {"held_back.json": held} | ({"held_back_test.json": tested} if tested else {})
        flights = flights_of(cleaned, "folder" if by == "folder" else "name", gap)
        say(console, f"{len(flights)} flights by {'folder' if by == 'folder' else 'file name'}:")
        for line in table_of(flights, held, tested):
            say(console, line)
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
        for name, part in lists.items():
            write_whole(arguments.out / name, json.dumps(to_coco(part)).encode())
        write_whole(arguments.out / "report.html", report(data, cleaned, problems).encode(errors="replace"))
    except OSError as error:
        raise InputError(f"{arguments.out} cannot be written ({reason_of(error)}): give another folder") from None
    first = examples(problems)
    for kind, count in summary(problems).items():
        say(console, f"{count:6} {kind}: {KINDS[kind]}; the first: {first[kind]}")
    say(console, f"{len(cleaned)} of {len(data)} frames are usable; look at {arguments.out / 'report.html'}")
    for name, part in lists.items():
        say(console, f"{len(part)} frames in {arguments.out / name}")
    if cleaned.frames and (any(cleaned.count().values()) or not any(data.count().values())):
        return 0
    what = "boxes" if cleaned.frames else "frames"
    why = next(text for kind, text in first.items() if leaves_out(kind) or (what == "boxes" and kind.startswith("box")))
    raise EdgeError(f"none of the {what} is usable, so there is nothing to train on: {why}")


def _read(arguments: argparse.Namespace) -> LabelledSet:
    """The set that is asked for. Raises InputError where it cannot be read, or ``--without`` leaves nothing of it."""
    folder, proposals = arguments.folder, arguments.proposals
    of_proposals = (folder / JSON).is_file() and (folder / IMAGES).is_dir()
    if arguments.annotations:
        images = folder / IMAGES if of_proposals else folder
        data = read_coco(arguments.annotations, images, proposals=proposals)
    else:
        data = read_folder(folder, arguments.split, voc_origin=arguments.voc_origin, proposals=proposals)
    if of_proposals:
        data = corrected(data, folder, proposals)
    data = leave_out(data, arguments.without)
    if not data.frames:
        raise InputError("no frame is left to look at: check --without and --proposals")
    return data
