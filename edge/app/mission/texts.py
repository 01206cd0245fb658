"""The tables of a mission as the texts that options of ``edge run`` take: ``focal=9.1,pitch=12`` for ``[lens]``.

A relative path starts in the folder of the mission's file, wherever the command is run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from edge.app.mission.declared import (
    CameraTable,
    CoverageTable,
    GroundTable,
    LensTable,
    ModelTable,
    MountingTable,
    PoseTable,
)
from edge.app.mission.keys import Table
from edge.app.mission.links import CotTable, MavlinkTable, MqttTable, WebTable
from edge.camera.open import KINDS
from edge.model.signed.signature import KEY

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
OF_URLS = tuple(mark for kind in KINDS if kind.before == "#" for mark in kind.marks)  # their ? is not ours
OF_FILES = ("tlog:", "srt:", "klv:")  # poses
VIEW = {
    "profile": "camera",
    "endian": "endian",
    "kelvin": "kelvin",
    "crop": "crop",
    "palette": "palette",
    "mask": "mask",
}
LENS = {
    "focal_mm": "focal",
    "pitch_um": "pitch",
    "camera": "camera",
    "hfov_deg": "hfov",
    "vfov_deg": "vfov",
    "dfov_deg": "dfov",
    "size": "size",
}
POSE = {
    "mount": "mount",
    "gimbal": "gimbal",
    "offset_s": "offset",
    "start": "start",
    "camera": "camera",
    "altitude": "altitude",
    "ground_m": "ground",
    "system": "system",
    "baud": "baud",
    "signing": "signing",
}
COVERAGE = {"name": "class", "size_m": "size", "px": "px", "frames": "frames", "kelvin": "kelvin"}
MOUNTING = {name: name for name in MountingTable.__struct_fields__}
COT = {name: name for name in ("ca", "cert", "key", "name")}
MAVLINK = {"baud": "baud", "signing": "signing"}
MQTT = {name: name for name in ("login", "ca", "cert", "key")}
WEB = {name: name for name in ("token", "map")}
FILES = frozenset({"mask", "signing", "login", "ca", "cert", "key", "token", "map"})

Resolve = Callable[[str], str]


def resolver(folder: Path) -> Resolve:
    """Makes a path of a mission in ``folder`` one of this process."""

    def resolve(text: str) -> str:
        return os.path.join(folder, os.path.expanduser(text)) if text.startswith("~/") else os.path.join(folder, text)

    return resolve


def is_url(source: str) -> bool:
    """Whether this source has options of its own behind a ``?``, which are not ours: a URL, a pipeline."""
    return source.lower().startswith(OF_URLS)


def trusted_key(text: str, resolve: Resolve) -> str:
    """``--trusted-key``: the key itself, or the path of its file."""
    return text if KEY.fullmatch(text) else resolve(text)


def place(text: str, resolve: Resolve, prefixes: tuple[str, ...]) -> str:
    """``text`` with its path resolved, where it is one, perhaps behind one of ``prefixes``; else as it is."""
    for prefix in prefixes:
        if text.lower().startswith(prefix):
            path = text[len(prefix) :]
            return text[: len(prefix)] + (path if SCHEME.match(path) else resolve(path)) if path else text
    here = resolve(text)
    return text if SCHEME.match(text) and not os.path.exists(here) else here


def sources(camera: CameraTable, resolve: Resolve, login: str = "") -> list[str]:
    """``--source``: one, or several, then perhaps the options of all. ``login``: ``NAME:PASSWORD``, quoted."""
    given = [camera.source] if isinstance(camera.source, str) else camera.source
    placed = [place(one, resolve, ("rec:",)) for one in given]
    if login:
        placed = [re.sub(r"^([A-Za-z]+://)", lambda found: f"{found[1]}{login}@", one) for one in placed]
    options = query({**(camera.options or {}), **_named(camera, VIEW, resolve)})
    if not options:
        return placed
    mark = "#" if is_url(placed[0]) else "?"
    return [placed[0] + mark + options] if len(placed) == 1 else [*placed, mark + options]


def pose(table: PoseTable, resolve: Resolve) -> str:
    """``--pose``."""
    options = query(_named(table, POSE, resolve))
    named = table.source.startswith(OF_FILES)
    source = place(table.source, resolve, OF_FILES) if named else table.source
    return source + ("?" + options if options else "")


def lens(table: LensTable, resolve: Resolve) -> str:
    """``--lens``."""
    if table.calibration is not None:
        return resolve(table.calibration)
    values = _named(table, LENS, resolve)
    if table.size:
        values["size"] = f"{table.size[0]}x{table.size[1]}"
    return _listed(values)


def thresholds(model: ModelTable) -> str | float | None:
    """``--threshold``."""
    rest = model.threshold
    if not model.thresholds:
        return rest
    return ",".join([*([] if rest is None else [word(rest)]), _listed(model.thresholds)])


def ground(table: GroundTable, resolve: Resolve) -> str:
    """``--ground``."""
    return resolve(table.model) if table.model is not None else word(table.level_m or 0.0)


def mounting(table: MountingTable) -> str:
    """``--mounting``."""
    return _listed(_named(table, MOUNTING, str))


def coverage(table: CoverageTable) -> str:
    """``--coverage``."""
    return _listed(_named(table, COVERAGE, str))


def link(to: str, table: CotTable | MavlinkTable | MqttTable | WebTable, resolve: Resolve) -> str:
    """``--cot``, ``--mavlink-out``, ``--mqtt``, ``--web``."""
    all_keys: dict[type[Table], dict[str, str]] = {CotTable: COT, MavlinkTable: MAVLINK, MqttTable: MQTT, WebTable: WEB}
    keys = all_keys[type(table)]
    options = query(_named(table, keys, resolve))
    return f"{to}?{options}" if options else to


def query(values: Mapping[str, Any]) -> str:
    """``key=value&key=value``, as what stands behind a ``?``."""
    return "&".join(f"{quote(key)}={quote(word(value), safe=',:/.*~-')}" for key, value in values.items())


def word(value: Any) -> str:
    """One value as options have it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, (list, tuple)):
        return ",".join(map(word, value))
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _named(table: Table, keys: Mapping[str, str], resolve: Resolve) -> dict[str, Any]:
    """Those of the table's ``keys`` that are there, by the names that options give them."""
    there = {name: value for key, name in keys.items() if (value := getattr(table, key)) is not None}
    return {
        name: resolve(value) if name in FILES and isinstance(value, str) else value for name, value in there.items()
    }


def _listed(values: Mapping[str, Any]) -> str:
    return ",".join(f"{key}={word(value)}" for key, value in values.items())
