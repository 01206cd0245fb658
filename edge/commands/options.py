"""What several commands' options have in common."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import SplitResult

from edge.app.retention.keep_free import KeepFree
from edge.app.settings import MODEL
from edge.commands.console import Screen
from edge.engine.select import BACKENDS
from edge.errors import InputError
from edge.model.thresholds import Filter
from edge.model.tiling import Tiling
from edge.sinks.live import cot
from edge.sinks.live.broker import MqttAddress
from edge.sinks.live.link import Address
from edge.sinks.live.tls import TlsAddress
from edge.sinks.live.webhook import parse_url
from edge.sinks.live.wire import Peer
from edge.sinks.robotics import foxglove, ros2
from edge.sinks.web.address import WebAddress
from edge.system.listening import ListenAddress
from edge.system.text import bytes_of
from edge.thermal.normalise import NormaliseSpec

MODEL_HELP = f"model folder, or the name of a bundled model (default: {MODEL.name})"
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

SOURCES = """sources:
  '/dev/video0?format=Y16&width=640&height=512&fps=30'
                            thermal camera, raw 16-bit counts (V4L2)
  rtsp://HOST/PATH          network camera
  gst:PIPELINE              GStreamer pipeline that ends in appsink
  FILE.mp4, FILE.avi        video file
  FOLDER, *.jpg             stills: PNG, TIFF, JPEG, NPY, R-JPEG of DJI and FLIR
  FILE.cptv                 wildlife camera (pip install 'thermal-edge[cptv]')
  sim:seed=1,altitude=60    simulated flight
  rec:DIR/recording         what --record wrote; ?live=1: at the flight's speed

options of the picture, after a ?, as in 'FOLDER?crop=0,0,640,512&kelvin=0.01';
of a URL and a gst: pipeline after a # at the end. They are done in this order:
  camera=boson|lepton|infiray   cut off its telemetry rows, know its scale
  endian=big, kelvin=0.01       raw counts: high byte first; kelvin of a count
  crop=X,Y,WIDTH,HEIGHT         this part alone, px; boxes are in its pixels
  palette=black-hot             the picture is 8-bit, and hot is black in it
  mask=FILE.png                 black in it: not searched"""


@dataclass(frozen=True)
class Screens:
    """``out``: for what was asked for. ``err``: for what happens meanwhile."""

    out: Screen
    err: Screen


Command = Callable[[argparse.Namespace, Screens], None]


def add_command(
    commands: Commands, name: str, command: Command, help: str, epilog: str = ""
) -> argparse.ArgumentParser:
    """A parser for the options of ``edge name``; `main` calls ``command`` with what they were."""
    parser = commands.add_parser(
        name, help=help, description=help, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(command=command)
    # also accepted behind the command; where it is not given it must not undo what stood before the command
    add_verbose(parser, argparse.SUPPRESS)
    return parser


def add_verbose(parser: argparse.ArgumentParser, default: Any = False) -> None:
    """``--verbose``, of every command."""
    parser.add_argument(
        "--verbose", action="store_true", default=default, help="say more on stderr, and where an error came from"
    )


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """``--quiet``, of the commands that show how they get on."""
    what = "print errors only, and warnings of what was asked for or can be fixed at the source"
    parser.add_argument("--quiet", action="store_true", help=what)


def add_out(parser: argparse.ArgumentParser, default: str, help: str) -> None:
    """``--out`` with a default."""
    parser.add_argument("--out", type=Path, default=Path(default), metavar="DIR", help=f"{help} (default: {default})")


def add_model(parser: argparse.ArgumentParser) -> None:
    """``--model``."""
    parser.add_argument("--model", default=str(MODEL), metavar="BUNDLE", help=MODEL_HELP)


def add_trusted_key(parser: argparse.ArgumentParser) -> None:
    """``--trusted-key``."""
    parser.add_argument(
        "--trusted-key",
        metavar="KEY",
        help="take the model only if this key signed it: a file FILE.pub of minisign, or the key in it, RW... (pip "
        "install 'thermal-edge[signed]')",
    )


def add_source(parser: argparse.ArgumentParser, help: str, required: bool = False) -> None:
    """``--source``: one, or several images and folders of them, as a shell makes them of ``*.jpg``."""
    parser.add_argument(
        "--source",
        required=required,
        nargs="+",
        metavar="S",
        help=f"{help}; several images are read in the order given",
    )


def add_backend(parser: argparse.ArgumentParser) -> None:
    """``--backend``."""
    parser.add_argument(
        "--backend",
        choices=("auto", *BACKENDS),
        default="auto",
        help="ort: ONNX Runtime on the CPU, with the faster graph of the bundle (ort-float, ort-int8: with that one); "
        "openvino: OpenVINO on the CPU, which is to be installed first; trt: TensorRT; null: none, nothing is found "
        "(to test a camera); auto (default): TensorRT if it can run here, else ort",
    )


def add_tiles(parser: argparse.ArgumentParser) -> None:
    """``--tiles``."""
    parser.add_argument(
        "--tiles",
        type=tiles,
        metavar="T",
        help="look at each frame in overlapping tiles, and at the whole of it: for a camera larger than the model's "
        "input, and for small targets. auto: as many as keep the size of things, none for a smaller camera; 2x2: "
        "columns x rows, 16 at most. Each tile is a call of the engine",
    )


def add_gpu_options(parser: argparse.ArgumentParser) -> None:
    """What only TensorRT takes."""
    parser.add_argument(
        "--trust-engine", action="store_true", help="TensorRT: run an engine although it has no passport"
    )
    parser.add_argument(
        "--zero-copy",
        action="store_true",
        help="TensorRT: CPU and GPU share buffers; see with edge bench if it is faster",
    )
    parser.add_argument(
        "--spin", action="store_true", help="TensorRT: keep a CPU core busy while the GPU works, to answer sooner"
    )


def settings_of(arguments: argparse.Namespace, names: set[str]) -> dict[str, Any]:
    """Those arguments as keywords for the settings of a command."""
    return {name: getattr(arguments, name) for name in names}


def size_in_bytes(text: str) -> int:
    """Bytes of a size such as ``20GB``."""
    try:
        return bytes_of(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected a size of 1MB or more, such as 500MB, 20GB, 20GiB"
        ) from None


def keep_free(text: str) -> str:
    """How much of the disk stays free, as `KeepFree.parse` reads it."""
    try:
        return KeepFree.parse(text).text
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def count(text: str) -> int:
    """A whole number of 1 or more."""
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of 1 or more")
    return int(text)


def positive(text: str) -> float:
    """A number that a clock can wait, and its inverse too."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1e-3 <= value <= 1e9:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number from 0.001 to 1e9")
    return value


def positive_or_zero(text: str) -> float:
    """The same, or 0."""
    return 0.0 if text == "0" else positive(text)


@contextmanager
def _told() -> Iterator[None]:
    """What is wrong with a value, as argparse takes it."""
    try:
        yield
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def address(text: str) -> Address | TlsAddress:
    """Where marks are sent."""
    with _told():
        return cot.parse(text)


def peer(text: str) -> Peer:
    """Who is spoken to over MAVLink."""
    with _told():
        return Peer.parse(text)


def status(text: str) -> str:
    """Where a run answers how it goes."""
    with _told():
        return str(ListenAddress.parse(text))


def page(text: str) -> str:
    """Where the page of a run is."""
    with _told():
        return str(WebAddress.parse(text))


def broker(text: str) -> MqttAddress:
    """Where messages are published."""
    with _told():
        return MqttAddress.parse(text)


def viewer(text: str) -> Address:
    """Where a run can be watched."""
    with _told():
        return foxglove.parse(text)


def topic(text: str) -> str:
    """Where ROS 2 gets detections."""
    with _told():
        return ros2.parse(text)


def url(text: str) -> SplitResult:
    """Where something is posted."""
    try:
        return parse_url(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def threshold(text: str) -> float | str:
    """Scores from which detections are shown, as `Filter.of` reads them; which classes there are the model says."""
    try:
        asked = Filter.of(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text if asked.threshold is None or asked.by_class else asked.threshold


def tiles(text: str) -> str:
    """How frames are cut, as `Tiling.parse` reads it."""
    try:
        return Tiling.parse(text).text
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def normalise_spec(text: str) -> NormaliseSpec:
    """A normaliser as `NormaliseSpec.parse` reads it."""
    with _told():
        return NormaliseSpec.parse(text)


def score(text: str) -> float:
    """A score, 0..1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a score from 0 to 1, such as 0.64 for 64 per cent")
    return value
