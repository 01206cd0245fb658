"""``edge``: the command on the aircraft."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from edge.app.bench import DEFAULT_SOURCE, BenchSettings, bench, show_bench
from edge.app.demo import FRAMES, MODEL, DemoSettings, demo
from edge.app.output import check_file
from edge.app.report import summary, write_report
from edge.app.run import RunSettings, run
from edge.commands.console import Screen, prepare_standard_files
from edge.commands.doctor import SECONDS, doctor
from edge.commands.info import show_info
from edge.errors import EdgeError, InputError
from edge.model.bundle import Bundle
from edge.system.host import versions
from edge.system.log import to_stderr
from edge.system.signals import terminate_as_interrupt
from edge.thermal.normalise import NormaliseSpec

SOURCES = """sources:
  /dev/video0?format=Y16&width=640&height=512&fps=30   thermal camera, raw 16-bit counts (V4L2)
  /dev/video0?camera=boson (or lepton, infiray)        the same, as that camera delivers it
  rtsp://HOST/PATH      network camera        gst:PIPELINE   GStreamer, ends in appsink
  FILE.mp4, FILE.avi    video file            FOLDER         stills: PNG, TIFF, JPEG, NPY, DJI R-JPEG
  FILE.cptv             wildlife camera, raw counts (pip install 'thermal-edge[cptv]')
  sim:seed=1,altitude=60                      simulated flight
  rec:DIR/recording     flight that --record wrote, at full speed; with ?live=1 at its own"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 done, 1 failed while running, 2 bad arguments or bad input."""
    prepare_standard_files()
    arguments = _parser().parse_args(argv)
    terminate_as_interrupt()
    try:
        command: Callable[[argparse.Namespace, Screen], None] = arguments.command
        command(arguments, Screen())
    except EdgeError as error:
        to_stderr(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        to_stderr("interrupted")
        return 1
    except BrokenPipeError:  # every command prints last: it is done, and nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edge",
        description="See small warm objects from a drone.",
        epilog="edge COMMAND --help tells a command's options",
    )
    parser.add_argument("--version", action="version", version=f"thermal-edge {versions({})['thermal-edge']}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, command: Callable[[argparse.Namespace, Screen], None], help: str, epilog: str = ""
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name,
            help=help,
            description=help,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(command=command)
        return sub

    sub = add("run", _run, "detect in a camera, a stream or files", SOURCES)
    sub.add_argument("--source", required=True, metavar="S", help="where frames come from, see below")
    sub.add_argument("--model", default=str(MODEL), metavar="BUNDLE", help="model folder (default: the bundled one)")
    sub.add_argument("--out", required=True, type=Path, metavar="DIR", help="where results go")
    sub.add_argument("--frames", type=_count, metavar="N", help="stop after N results")
    sub.add_argument("--seconds", type=_positive, metavar="S", help="stop after S seconds")
    sub.add_argument(
        "--policy",
        choices=("latest", "every"),
        help="newest frame only (default of live sources), or every frame (of files)",
    )
    sub.add_argument("--threshold", type=_score, metavar="T", help="lowest score shown (default: the bundle's)")
    sub.add_argument(
        "--normalise",
        type=_normalise,
        metavar="N",
        help="how raw counts become grey, as window:low=5,high=25,unit=celsius; refused if not the bundle's, ...",
    )
    sub.add_argument("--override-normalise", action="store_true", help="... unless this is given, too")
    sub.add_argument("--video", action="store_true", help="also write video.mkv with the boxes drawn")
    sub.add_argument("--record", action="store_true", help="also keep every raw frame, in DIR/recording")
    sub.add_argument(
        "--record-budget", type=_bytes, metavar="SIZE", help="most disk for it, as 20GB: then the oldest goes first"
    )
    sub.add_argument("--verify", type=Path, metavar="FILE", help="compare a replay with its flight's detections.jsonl")
    sub.add_argument(
        "--reconnect-seconds",
        dest="reconnect_s",
        type=_wait,
        metavar="S",
        help="how long to look for a camera that is lost, 0 = give up at once (default: until it is back)",
    )
    _engine_options(sub)
    _gpu_options(sub)
    sub.add_argument("--quiet", action="store_true", help="print nothing but errors")

    sub = add("demo", _demo, "fly a simulated 16-bit thermal camera through the bundled model")
    sub.add_argument(
        "--out",
        type=Path,
        default=Path("out/demo"),
        metavar="DIR",
        help="where results go (default: out/demo)",
    )
    sub.add_argument("--model", default=str(MODEL), metavar="BUNDLE", help="model folder (default: the bundled one)")
    sub.add_argument("--frames", type=_count, default=FRAMES, metavar="N", help=f"how long to fly (default: {FRAMES})")
    sub.add_argument("--seed", type=int, default=DemoSettings.seed, metavar="N", help="which flight")
    _engine_options(sub)
    sub.add_argument("--quiet", action="store_true", help="print nothing but errors")

    sub = add("bench", _bench, "measure every stage of the pipeline on this machine", SOURCES)
    sub.add_argument("--model", default=str(MODEL), metavar="BUNDLE", help="model folder (default: the bundled one)")
    sub.add_argument("--source", default=DEFAULT_SOURCE, metavar="S", help=f"default: {DEFAULT_SOURCE}")
    sub.add_argument("--seconds", type=_positive, default=20.0, metavar="S", help="how long (default: 20)")
    sub.add_argument(
        "--rate", type=_positive, metavar="HZ", help="take frames at this rate instead of as fast as it goes"
    )
    sub.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    _engine_options(sub)
    _gpu_options(sub)

    sub = add("info", _info, "what a model folder holds, and what this machine can run of it")
    sub.add_argument("bundle", nargs="?", default=str(MODEL), metavar="BUNDLE", help="default: the bundled one")

    sub = add("doctor", _doctor, "what a camera really delivers; without --source, what this machine can do", SOURCES)
    sub.add_argument("--source", metavar="S", help="the camera to look at, see below")
    sub.add_argument("--seconds", type=_positive, default=SECONDS, metavar="S", help=f"how long (default: {SECONDS:g})")
    sub.add_argument(
        "--out",
        type=Path,
        default=Path("out/doctor"),
        metavar="DIR",
        help="where its picture goes (default: out/doctor)",
    )
    return parser


def _engine_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--backend",
        choices=("auto", "ort", "trt", "null"),
        default="auto",
        help="ort = ONNX Runtime on the CPU, trt = TensorRT, null = all but the engine; auto (default) = TensorRT "
        "where it can run, else ONNX Runtime",
    )


def _gpu_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--trust-engine", action="store_true", help="TensorRT: fly an engine that has no passport")
    sub.add_argument("--zero-copy", action="store_true", help="TensorRT: CPU and GPU share buffers; measure first")
    sub.add_argument("--spin", action="store_true", help="TensorRT: wait for the GPU by burning a CPU core")


def _run(arguments: argparse.Namespace, screen: Screen) -> None:
    options = {k: v for k, v in vars(arguments).items() if k != "command"}
    if arguments.record_budget and not arguments.record:
        raise InputError("--record-budget says how much --record may keep: give --record too")
    if arguments.override_normalise and not arguments.normalise:
        raise InputError("--override-normalise says that --normalise is meant: give --normalise too")
    report = run(RunSettings(**options))
    if not arguments.quiet:
        _say(summary(report, arguments.out), screen)


def _demo(arguments: argparse.Namespace, screen: Screen) -> None:
    options = {k: v for k, v in vars(arguments).items() if k != "command"}
    report = demo(DemoSettings(**options))
    if arguments.quiet:
        return
    _say(summary(report, arguments.out), screen)
    table = Table(title="against the simulator's truth, IoU 0.5", title_justify="left")
    for column in ("class", "found", "missed", "false", "recall", "precision"):
        table.add_column(column, justify="left" if column == "class" else "right")
    for name, row in report["score"].items():
        rates = ("-" if row[key] is None else f"{row[key]:.2f}" for key in ("recall", "precision"))
        table.add_row(Text(name), str(row["found"]), str(row["missed"]), str(row["false"]), *rates)
    screen.print(table)


def _bench(arguments: argparse.Namespace, screen: Screen) -> None:
    options = {k: v for k, v in vars(arguments).items() if k not in ("command", "json")}
    if arguments.json:
        check_file(arguments.json)  # before the minutes that it takes
    report = bench(BenchSettings(**options))
    show_bench(report, screen)
    if arguments.json:
        write_report(arguments.json, report)


def _info(arguments: argparse.Namespace, screen: Screen) -> None:
    show_info(Bundle.load(arguments.bundle), screen)


def _doctor(arguments: argparse.Namespace, screen: Screen) -> None:
    doctor(screen, arguments.source, arguments.out, arguments.seconds)


def _say(lines: Iterable[str], screen: Screen) -> None:
    for line in lines:
        screen.say(line)


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of 1 or more")
    return int(text)


def _bytes(text: str) -> int:
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([kMGT])(i?)B?", text)
    size = float(found[1]) * (1024 if found[3] else 1000) ** (" kMGT".index(found[2])) if found else 0.0
    if not 1e6 <= size < 1e18:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a size of 1MB or more, such as 500MB, 20GB, 20GiB")
    return int(size)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1e-3 <= value <= 1e9:  # which also keeps its inverse within what a clock can wait
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number from 0.001 to 1e9")
    return value


def _wait(text: str) -> float:
    return 0.0 if text == "0" else _positive(text)


def _normalise(text: str) -> NormaliseSpec:
    try:
        return NormaliseSpec.parse(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _score(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a score from 0 to 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
