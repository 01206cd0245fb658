"""``--mission`` and ``--write-mission`` of ``edge run``: a file that says what options would say, read and written."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.app.mission.check import every_key
from edge.app.mission.mission import Mission
from edge.app.mission.read import MissionError, read_mission
from edge.app.mission.write import mission_text
from edge.app.output import check_file
from edge.commands.console import Screen
from edge.errors import BundleError, InputError, SinkError, SourceError
from edge.system.files import reason_of, write_whole

log = logging.getLogger(__name__)


class _Instead(argparse.Action):
    """An option beside which no other one is required."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,  # noqa: ARG002  # of argparse
    ) -> None:
        setattr(namespace, self.dest, values)
        for action in parser._actions:
            action.required = False


def add_mission(parser: argparse.ArgumentParser, help: str) -> None:
    """``--mission``."""
    parser.add_argument("--mission", type=Path, action=_Instead, metavar="FILE", help=help)
    parser.set_defaults(parser=parser)


def add_write_mission(parser: argparse.ArgumentParser) -> None:
    """``--write-mission``."""
    parser.add_argument(
        "--write-mission",
        type=Path,
        action=_Instead,
        metavar="FILE",
        help="write the other options into a new mission file, and run nothing; without others a file to begin with",
    )


def read(path: Path) -> Mission:
    """The mission; every fault is logged, and the last one raised as InputError."""
    try:
        return read_mission(path)
    except MissionError as error:
        raise told(error) from None


def told(error: MissionError) -> InputError:
    """The last fault, to be raised; those before it are logged."""
    for fault in error.faults[:-1]:
        log.error("%s", fault)
    return InputError(error.faults[-1])


def take_mission(arguments: argparse.Namespace) -> Mission:
    """Set ``arguments`` to what the mission says, where the command line says nothing. What wins is logged.

    Raises InputError.
    """
    mission = read(arguments.mission)
    given, said = _given(arguments), mission.options()
    arguments.given = given.keys()
    keys = {one.key.option: path for path, one in reversed(list(every_key())) if one.key}
    for name, value in said.items():
        if name == "outputs":
            arguments.outputs = [*arguments.outputs, *(one for one in value if one not in arguments.outputs)]
        elif name not in given:
            setattr(arguments, name, value)
        elif getattr(arguments, name) != value:
            came = given[name]
            words = " ".join(came) if isinstance(came, list) else "" if came is True else str(came)
            option = f"--{_OPTIONS.get(name, name).replace('_', '-')}"
            log.info("%s wins over %s", f"{option} {words}".rstrip(), mission.where(*keys[name]))
    return mission


@contextmanager
def placed(mission: Mission | None, arguments: argparse.Namespace) -> Iterator[None]:
    """Inside, what is wrong with a source, a model or a folder of the mission's is told with its line in the file."""
    try:
        yield
    except InputError as error:
        said = "source" if isinstance(error, SourceError) else "model" if isinstance(error, BundleError) else str(error)
        option, *key = next((of for start, of in PLACES if said.startswith(start)), ("",))
        if mission is None or not key or option in arguments.given:
            raise
        raise type(error)(f"{mission.where(*key)}: {'.'.join(key)}: {error}") from None


def write_mission(arguments: argparse.Namespace, screen: Screen) -> None:
    """Write the options of the command line into a mission file. Raises InputError, SinkError."""
    path: Path = arguments.write_mission
    if arguments.mission:
        raise InputError("--write-mission writes options into a new file: leave --mission out")
    if path.exists():
        raise InputError(f"{path} is there already: give another file")
    check_file(path)
    given = {name: value for name, value in _given(arguments).items() if name not in _NO_KEY}
    text = mission_text(given, path.name, path.parent)
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise SinkError(f"cannot write {path}: {reason_of(error)}") from None
    try:
        read_mission(path)
    except MissionError as error:
        screen.say(f"{path} is written, and must be completed:")
        for fault in error.faults:
            screen.say(fault)
    else:
        screen.say(f"{path} is written; next: edge run --mission {path}")


PLACES = (  # how an error begins: of which option it is, and its key
    ("source", ("source", "camera", "source")),
    ("model", ("model", "model", "bundle")),
    ("threshold of ", ("threshold", "model", "thresholds")),
    ("pose ", ("pose", "pose", "source")),
    ("lens ", ("lens", "lens")),
    ("ground ", ("ground", "ground")),
    ("coverage ", ("coverage", "coverage")),
    ("output folder", ("out", "outputs", "folder")),
    ("--spare", ("spare", "outputs", "spare")),
    ("--cot", ("cot", "links", "cot")),
    ("--mqtt", ("mqtt", "links", "mqtt")),
    ("--foxglove", ("foxglove", "links", "foxglove")),
    ("--ros2", ("ros2", "links", "ros2")),
    ("status ", ("status", "links", "status", "at")),
    ("web ", ("web", "links", "web")),
    ("--web", ("web", "links", "web")),
    ("--mavlink-out", ("mavlink_out", "links", "mavlink")),
)
_OPTIONS = {"reconnect_s": "reconnect_seconds"}  # whose name is another one in the program
_NO_KEY = frozenset({"write_mission", "mission", "quiet", "verbose", "command", "parser"})


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was written behind each option that was really given: texts, lists of texts, True."""
    parser = arguments.parser
    before = [(action, action.default, action.type) for action in parser._actions]
    try:
        for action in parser._actions:
            action.default, action.type = argparse.SUPPRESS, None
        return dict(vars(parser.parse_args(parser.given)))
    finally:
        for action, default, kind in before:
            action.default, action.type = default, kind
