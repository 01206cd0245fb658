"""A mission file from the options of a command line: what they say as keys, every other key as a comment.

Without options it is a file to begin with.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from edge.app.mission import texts
from edge.app.mission.check import Declared, Name, dotted, every_key, form
from edge.app.mission.declared import FORMAT
from edge.app.mission.mission import MODEL, OUTPUTS
from edge.camera.options import split_query
from edge.errors import InputError, without_password
from edge.model.bundled import called
from edge.model.thresholds import Filter

HEAD = """# A mission of thermal-edge: what one flight needs, for
#     edge doctor --mission {name}     is all ready?
#     edge run --mission {name}
# A key begins a line, its table stands in [brackets] above it. A line that begins with # is not read: remove the # to
# use the key. Relative paths begin in the folder of this file. Passwords and keys stand in files of their own.
"""
NEEDED: dict[Name, Any] = {
    ("camera", "source"): "sim:",
    ("outputs", "folder"): "flights/{date}-{time}",
}  # of a file to begin with
LINK_KEYS = {  # option: its table, the key of its address, those behind the ?
    "cot": (("links", "cot"), "to", texts.COT),
    "mavlink_out": (("links", "mavlink"), "to", texts.MAVLINK),
    "mqtt": (("links", "mqtt"), "url", texts.MQTT),
    "web": (("links", "web"), "at", texts.WEB),
}


def mission_text(given: Mapping[str, Any], name: str, folder: Path) -> str:
    """The text of the file ``name`` in ``folder``. ``given``: what was written behind options of ``edge run``, by the
    names that the program calls them: texts, lists of texts, True.

    Raises InputError for what a mission cannot hold: a password.
    """
    values, tables = _Values(folder), {path for path, one in every_key() if one.required and one.is_table}
    for option, value in given.items():
        values.take(option, value)
    if not given:
        values.said |= NEEDED
    tables |= {path[:n] for path in values.said for n in range(1, len(path))} | values.tables
    return HEAD.format(name=name) + "\n".join(_lines(values.said, tables)) + "\n"


def _lines(values: Mapping[Name, Any], tables: set[Name]) -> Iterator[str]:
    for path, one in every_key():
        if one.key is None:
            off = "" if path in tables else "# "
            yield f"\n# {(one.kind.__doc__ or '').strip().splitlines()[0]}\n{off}[{dotted(path)}]"
        elif path in values:
            yield f"{form(path[-1], _typed(values[path], one))}  # {one.key.text}"
        elif path == ("format",):
            yield form("format", FORMAT)
        else:
            yield f"# {form(path[-1], _example(one))}  # {one.key.text}"


def _example(one: Declared) -> Any:
    assert one.key is not None
    return one.key.example


def _typed(value: Any, one: Declared) -> Any:
    """The text of an option as the key's type. The file is read back: what does not fit is told there."""
    if not isinstance(value, str) or one.choices:
        return value
    try:
        made = msgspec.convert(value, one.kind, strict=False)
    except (msgspec.ValidationError, UnicodeEncodeError):  # the latter: bytes that are no UTF-8
        return value
    return value if hasattr(made, "isoformat") else made


class _Values:
    """What the keys of a file say, by their paths. ``tables``: those that are there without a key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self.said: dict[Name, Any] = {}
        self.tables: set[Name] = set()

    def take(self, option: str, value: Any) -> None:
        """Note one option."""
        if option == "source":
            self._source([value] if isinstance(value, str) else list(value))
        elif option == "outputs":
            self.said.update({("outputs", name): True for name in OUTPUTS if name in value})
        elif option in MODEL:
            self.said["model", option] = value
        elif option in LINK_KEYS:
            table, key, keys = LINK_KEYS[option]
            rest, pairs = split_query(_harmless(value))
            path = (*table, key)
            self.said[path] = rest
            self._pairs(table, keys, pairs)
        else:
            _SIMPLE[option](self, value)

    def _source(self, given: list[str]) -> None:
        given = [_harmless(one) for one in given]
        options = given.pop()[1:] if len(given) > 1 and given[-1][0] in "?#" else ""
        if not options:
            mark = "#" if texts.is_url(given[0]) else "?"
            exists = os.path.exists(given[0])
            first, options = (given[0], "") if exists else _split(given[0], mark)
            given[0] = first
        placed = [self._place(one, ("rec:",)) for one in given]
        self.said["camera", "source"] = placed if len(placed) > 1 else placed[0]
        pairs = split_query(f"x?{options}")[1] if options else {}
        others = {name: _plain(value) for name, value in pairs.items() if name not in texts.VIEW.values()}
        if others:
            self.said["camera", "options"] = others
        view = {name: value for name, value in pairs.items() if name not in others}
        self._pairs(("camera",), texts.VIEW, view)

    def _lens(self, text: str) -> None:
        if "=" not in text:
            self.said["lens", "calibration"] = self._path(text)
        else:
            self._pairs(("lens",), texts.LENS, _listed(text))

    def _threshold(self, text: str) -> None:
        chosen = Filter.of(text)
        if chosen.threshold is not None:
            self.said["model", "threshold"] = chosen.threshold
        if chosen.by_class:
            self.said["model", "thresholds"] = dict(chosen.by_class)

    def _ground(self, text: str) -> None:
        try:
            self.said["ground", "level_m"] = float(text)
        except ValueError:
            self.said["ground", "model"] = self._path(text)

    def _pose(self, text: str) -> None:
        rest, pairs = (text, {}) if os.path.exists(text.partition(":")[2]) else split_query(text)
        self.said["pose", "source"] = self._place(rest, texts.OF_FILES) if rest.startswith(texts.OF_FILES) else rest
        self._pairs(("pose",), texts.POSE, pairs)

    def _coverage(self, text: str) -> None:
        self.tables.add(("coverage",))
        self._pairs(
            ("coverage",), {"class": "class", **{k: v for k, v in texts.COVERAGE.items() if k != "name"}}, _listed(text)
        )

    def _webhook(self, text: str) -> None:
        self.said["links", "webhook", "url"] = _harmless(text)

    def _pairs(self, table: Name, keys: Mapping[str, str], pairs: Mapping[str, str]) -> None:
        """Note those ``pairs`` of an option as keys of a table. Raises InputError for one that has no key."""
        if unknown := sorted(pairs.keys() - set(keys.values())):
            raise InputError(f"{dotted(table)}: {unknown[0]}= has no key: expected {', '.join(keys.values())}")
        for key, name in keys.items():
            if (value := pairs.get(name)) is not None:
                path, plain = (*table, key), value if name not in texts.FILES else self._path(value)
                self.said[path] = [_number(part) for part in re.split("[,x]", value)] if path in LISTS else plain

    def _place(self, text: str, prefixes: tuple[str, ...]) -> str:
        return texts.place(text, self._path, prefixes) if not _is_address(text) else text

    def _model(self, text: str) -> str:
        """A bundled model by its name, else its path."""
        return text if called(text) != Path(text).expanduser() else self._path(text)

    def _path(self, text: str) -> str:
        """A path as the file has it: relative where it lies below the file's folder."""
        whole = Path(os.path.abspath(os.path.expanduser(text)))
        return str(whole.relative_to(self._folder)) if whole.is_relative_to(self._folder) else str(whole)


LISTS = frozenset({("camera", "crop"), ("pose", "mount"), ("pose", "camera"), ("lens", "size")})
_SIMPLE: Mapping[str, Any] = {
    "lens": _Values._lens,
    "ground": _Values._ground,
    "pose": _Values._pose,
    "coverage": _Values._coverage,
    "webhook": _Values._webhook,
    "mounting": lambda self, text: self._pairs(("mounting",), texts.MOUNTING, _listed(text)),
    "model": lambda self, text: self.said.update({("model", "bundle"): self._model(text)}),
    "normalise": lambda self, text: self.said.update({("model", "normalise"): text}),
    "out": lambda self, text: self.said.update({("outputs", "folder"): self._path(text)}),
    "spare": lambda self, text: self.said.update({("outputs", "spare"): self._path(text)}),
    "record": lambda self, value: self.said.update({("outputs", "record"): value}),
    "threshold": _Values._threshold,
    "trusted_key": lambda self, text: self.said.update({("model", "trusted_key"): texts.trusted_key(text, self._path)}),
    "verify": lambda self, text: self.said.update({("camera", "verify"): self._path(text)}),
    "policy": lambda self, text: self.said.update({("camera", "policy"): text}),
    "reconnect_s": lambda self, text: self.said.update({("camera", "reconnect_s"): text}),
    "frames": lambda self, text: self.said.update({("limits", "frames"): text}),
    "seconds": lambda self, text: self.said.update({("limits", "seconds"): text}),
    "foxglove": lambda self, text: self.said.update({("links", "foxglove", "at"): text}),
    "ros2": lambda self, text: self.said.update({("links", "ros2", "topic"): text}),
    "status": lambda self, text: self.said.update({("links", "status", "at"): text}),
    "keep_free": lambda self, text: self.said.update({("limits", "keep_free"): text}),
    "record_budget": lambda self, text: self.said.update({("limits", "record_budget"): text}),
}


def _is_address(text: str) -> bool:
    """Whether this names something that is no file here, such as a URL or a simulation."""
    return (
        bool(texts.SCHEME.match(text))
        and not os.path.exists(text)
        and not text.lower().startswith(("rec:", "tlog:", "srt:", "klv:"))
    )


def _split(text: str, mark: str) -> tuple[str, str]:
    rest, found, options = text.rpartition(mark)
    ours = found and (mark == "?" or re.fullmatch(r"[a-z_]+=[^@!]*", options))
    return (rest.rstrip(), options) if ours else (text, "")


def _listed(text: str) -> dict[str, str]:
    """The pairs of ``key=value,key=value``; those of a mission's ``[lens]`` by its own names."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    return {key.strip(): value.strip() for key, _, value in pairs}


def _plain(text: str) -> Any:
    """A number where it is written as the file would have it, else the text."""
    number = _number(text)
    return number if isinstance(number, (int, float)) and texts.word(number) == text else text


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else text
    return text


def _harmless(text: str) -> str:
    """The same text. Raises InputError where it holds a password."""
    if without_password(text) != text:
        raise InputError(
            f"{without_password(text)!r} holds a password, and a mission holds none: leave it out here; then write "
            "login = FILE, or url_file = FILE, into the mission, and the password into that file"
        )
    return text
