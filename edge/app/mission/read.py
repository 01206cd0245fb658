"""Reading a mission: `read_mission`, and everything that is wrong with a file, each fault with its line."""

from __future__ import annotations

import hashlib
import os
import re
from functools import partial
from pathlib import Path
from typing import Any

from edge.app.mission import texts
from edge.app.mission.check import Checker, dotted, every_key, shown
from edge.app.mission.declared import CameraTable, LensTable, MissionTable, ModelTable
from edge.app.mission.folder import check_pattern
from edge.app.mission.lines import TomlError, TooDeep, key_lines, parse
from edge.app.mission.links_check import check_links
from edge.app.mission.mission import Mission
from edge.app.retention.keep_free import EXPECTED as OF_DISK
from edge.app.retention.keep_free import KeepFree
from edge.camera.options import VIEW_KEYS
from edge.camera.view.options import take_view
from edge.errors import InputError, without_password
from edge.geo.lens import LensSpec
from edge.model.tiling import Tiling
from edge.pose.open import KINDS as POSE_KINDS
from edge.system.files import reason_of
from edge.system.text import bytes_of
from edge.thermal.normalise import NormaliseSpec

MOST_BYTES = 1 << 16  # one with every key is 7 kB
MOST_SAID = 20  # faults that are told

POSES = tuple(kind.prefix for kind in POSE_KINDS)
KEY = ("model", "trusted_key")  # it may stand there itself
OPENED = (("camera", "source"), ("pose", "source"), ("outputs", "folder"), ("outputs", "spare"), ("model", "bundle"))
LENSES = ({"focal_mm", "pitch_um"}, {"focal_mm", "camera"}, {"hfov_deg"}, {"hfov_deg", "vfov_deg"}, {"dfov_deg"})
HINTS = (  # words of what the parser says, in one version of it or another, and what is meant by most who see it
    ("Invalid value", 'expected a value: texts stand in quotes, as in source = "/dev/video0"'),
    ("after a key in a key/value pair", "expected KEY = VALUE, or a [table]"),
    ("overwrite a value", "this key is there twice: expected it once"),
    (" declare (", "this table is there twice: expected all its keys below one [table]"),
    ("mutate immutable", "this table is there already: expected all its keys in one place"),
    ("Unescaped ", r"expected \\ for a backslash in a text"),
    ("Unterminated string", "expected the quotes at the end of the text"),
    ("Illegal character", "expected a text on one line, without control characters"),
    ("Expected newline or end of document", "expected nothing more on this line: one KEY = VALUE a line"),
)


class MissionError(InputError):
    """A file that is no mission. ``faults``: a line each."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(faults))


def read_mission(path: str | os.PathLike[str]) -> Mission:
    """The mission in this file, checked as far as that goes without opening what it names: whether it is there.

    Raises MissionError, an InputError, which holds every fault that was found, each with file, line and key.
    """
    file = Path(path)
    data = _data(file)
    value, lines = _toml(file, _text(file, data))
    checker = Checker()
    tables = checker.table(value, MissionTable)
    if tables is None:
        _check_parts(checker, value)
    else:
        _check(checker, tables)
        _files(checker, tables, file.parent)
    if tables is None or checker.said:
        raise MissionError(_told(file, checker.said, lines))
    return Mission(file, hashlib.sha256(data).hexdigest(), tables, lines)


def _data(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise MissionError([f"mission {file}: {reason_of(error)}: expected a TOML file"]) from None
    except ValueError:  # a NUL in its name
        raise MissionError([f"mission {str(file)!r}: expected the name of a TOML file"]) from None
    if len(data) > MOST_BYTES:
        raise MissionError([f"mission {file}: it is larger than {MOST_BYTES} bytes: expected a mission file"])
    return data


def _text(file: Path, data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
        wrong, at = ("it holds a NUL byte", data.index(b"\0")) if "\0" in text else ("", 0)
    except UnicodeDecodeError as error:
        text, wrong, at = "", "it is no UTF-8", error.start
    if wrong:
        line = data.count(b"\n", 0, at) + 1
        raise MissionError([f"{file}:{line}: {wrong}: expected a text file, saved as UTF-8"])
    return text.replace("\r\n", "\n")


def _toml(file: Path, text: str) -> tuple[dict[str, Any], Any]:
    """What TOML makes of the text, and the lines of its keys."""
    try:
        lines = key_lines(text)
        return parse(text), lines
    except TooDeep as error:
        raise MissionError([f"{file}: {error}: expected a mission file"]) from None
    except RecursionError:
        raise MissionError([f"{file}: it is nested too deeply: expected a mission file"]) from None
    except TomlError as error:
        said = str(error)
        place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", said)
        line = int(place[1]) if place and place[1] else text.rstrip().count("\n") + 1
        came = text.split("\n")[line - 1].strip() if line <= text.count("\n") + 1 else ""
        hint = next((hint for words, hint in HINTS if words in said), said[: place.start() if place else None])
        raise MissionError([f"{file}:{line}: {shown(without_password(came))}: {hint}"]) from None
    except ValueError as error:  # a number with thousands of digits, a day that is none
        raise MissionError([f"{file}: a value cannot be read: {error}"]) from None


def _told(file: Path, said: list[tuple[tuple[str | int, ...], str]], lines: Any) -> list[str]:
    """The faults in the order of their lines."""

    def line_of(path: tuple[str | int, ...]) -> int:
        while path and path not in lines:
            path = path[:-1]
        return int(lines[path]) if path else 0

    placed = sorted((line_of(path), what) for path, what in said)
    told = [f"{file}:{line}: {what}" if line else f"{file}: {what}" for line, what in placed]
    more = len(told) - MOST_SAID
    return [*told[:MOST_SAID], *([f"{file}: and {more} more faults"] if more > 0 else [])]


def _check_parts(checker: Checker, value: dict[str, Any]) -> None:
    """What can be said of the tables that are right by themselves, where another one is wrong."""
    for name, check in (("camera", _camera), ("lens", _lens), ("model", _model), ("links", check_links)):
        if name in value and not any(path[:1] == (name,) for path, _ in checker.said):
            kind = next(one.kind for path, one in every_key() if path == (name,))
            table = Checker().table(value[name], kind, (name,))
            if table is not None:
                check(checker, table)


def _check(checker: Checker, tables: MissionTable) -> None:
    """What types alone do not tell."""
    _camera(checker, tables.camera)
    _lens(checker, tables.lens)
    _model(checker, tables.model)
    check_links(checker, tables.links)
    if (ground := tables.ground) and (ground.model is None) == (ground.level_m is None):
        checker.say(("ground",), "[ground]: expected model or level_m, one of the two")
    if (pose := tables.pose) and not pose.source.startswith(POSES):
        expected = f"expected {', '.join(kind.written for kind in POSE_KINDS)}"
        checker.say(("pose", "source"), f"pose.source = {shown(pose.source)}: {expected}")
    elif pose and "?" in pose.source:
        checker.say(("pose", "source"), _stand_alone("pose.source", pose.source, "[pose]"))
    elif pose and pose.mount is not None and pose.gimbal is not None:
        checker.say(("pose", "gimbal"), "pose.gimbal: mount is a camera without a gimbal: expected one of the two")
    path, pattern = ("outputs", "folder"), tables.outputs.folder
    checker.attempt(path, pattern, lambda: check_pattern(pattern), "", InputError)
    limits = tables.limits
    for key in ("record_budget", "memory_left", "disk_left") if limits else ():
        if size := getattr(limits, key):
            expected = "expected a size of 1MB or more, such as 500MB, 20GB, 20GiB"
            checker.attempt(("limits", key), size, partial(bytes_of, size), expected, ValueError)
    if limits and (keep := limits.keep_free):
        checker.attempt(("limits", "keep_free"), keep, partial(KeepFree.parse, keep), OF_DISK, InputError)
    if limits and limits.record_budget and not tables.outputs.record:
        checker.say(
            ("limits", "record_budget"), "limits.record_budget is of a recording: expected outputs.record = true"
        )


def _files(checker: Checker, tables: MissionTable, folder: Path) -> None:
    """Whether the files that it names are there; those of a source and of poses are looked at when they are opened."""
    resolve = texts.resolver(folder)
    for path, one in every_key():
        table: Any = tables
        for name in path[:-1]:
            table = getattr(table, name, None)
        value = getattr(table, one.field, None)
        if one.key and one.key.file and path not in OPENED and isinstance(value, str):
            file = resolve(value)
            if not os.path.exists(file) and not (path == KEY and texts.trusted_key(value, resolve) == value):
                checker.say(path, f"{dotted(path)} = {shown(value)}: there is no {file}: expected a file")


def _camera(checker: Checker, camera: CameraTable) -> None:
    path = ("camera", "source")
    several = isinstance(camera.source, list)
    given: list[str] = camera.source if isinstance(camera.source, list) else [camera.source]
    for source in given:
        if without_password(source) != source:
            checker.say(
                path,
                f"camera.source = {shown(without_password(source))}: it holds a password, and a mission holds none: "
                'expected the URL without it, and login = "FILE", a file with the user\'s name in its first line and '
                "the password in its second",
            )
        elif "?" in source and not texts.is_url(source):
            checker.say(path, _stand_alone("camera.source", source, "[camera] and [camera.options]"))
        elif several and texts.SCHEME.match(source):
            checker.say(path, f"camera.source: {shown(source)} in a list: expected files and folders of stills")
    url = texts.is_url(given[0])
    if camera.login is not None and not (url and "://" in given[0]):
        checker.say(("camera", "login"), "camera.login is of a URL: expected a source such as rtsp://HOST/PATH")
    if camera.options and url:
        checker.say(("camera", "options"), "camera.options: expected the options of a URL or a pipeline in the source")
    for name in camera.options or {}:
        if name in VIEW_KEYS:
            right = next(key for key, option in texts.VIEW.items() if option == name)
            checker.say(("camera", "options", name), f"camera.options.{name}: expected it in [camera], as {right}")
    for key, option in texts.VIEW.items():
        value = getattr(camera, key)
        if value is not None:
            text = f"source?{texts.query({option: value})}"
            checker.attempt(("camera", key), value, lambda text=text: take_view(text, "?"), "", InputError)  # type: ignore[misc]
    verify = camera.verify is not None and not given[0].lower().startswith("rec:")
    if verify or (camera.verify is not None and camera.policy == "latest"):
        checker.say(("camera", "verify"), "camera.verify compares a replay: expected a source rec:FOLDER, no policy")


def _lens(checker: Checker, lens: LensTable | None) -> None:
    if lens is None:
        return
    given = {name for name in lens.__struct_fields__ if getattr(lens, name) is not None}
    if given == {"calibration"}:
        return
    if given - {"size"} not in LENSES:
        each = "; ".join(" and ".join(sorted(one)) for one in LENSES)
        checker.say(("lens",), f"[lens] has {', '.join(sorted(given)) or 'no key'}: expected {each}; or calibration")
        return
    text = texts.lens(lens, str)
    checker.attempt(("lens",), text, lambda: LensSpec.parse(text), "", InputError)


def _model(checker: Checker, model: ModelTable | None) -> None:
    if model is None:
        return
    if (tiles := model.tiles) is not None:
        checker.attempt(("model", "tiles"), tiles, lambda: Tiling.parse(tiles), "", InputError)
    if (normalise := model.normalise) is not None:
        checker.attempt(("model", "normalise"), normalise, lambda: NormaliseSpec.parse(normalise), "", InputError)
    elif model.override_normalise:
        checker.say(("model", "override_normalise"), "model.override_normalise is of normalise: expected that key too")


def _stand_alone(key: str, value: str, tables: str) -> str:
    return f"{key} = {shown(without_password(value))}: expected it without ?: options are keys of {tables}"
