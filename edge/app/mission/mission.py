"""A mission that was read: what it says, and as what `edge.run` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

from edge.app.mission import texts
from edge.app.mission.declared import LimitsTable, MissionTable
from edge.app.mission.folder import folder_of, named
from edge.app.settings import MissionStamp, RunSettings
from edge.errors import InputError
from edge.health.strain import Limits
from edge.model.bundled import called
from edge.sinks.live import cot, mavlink_out, mqtt, webhook
from edge.sinks.live.broker import MqttAddress
from edge.sinks.live.webhook import parse_url
from edge.sinks.live.wire import Peer
from edge.sinks.robotics import foxglove, ros2
from edge.sinks.spec import SinkSpec
from edge.sinks.web.address import WebAddress
from edge.system.files import reason_of
from edge.system.listening import ListenAddress
from edge.system.text import bytes_of
from edge.thermal.normalise import NormaliseSpec

MOST_SECRET = 4096  # bytes of a file with a login or a URL
LINKS = ("cot", "mavlink_out", "webhook", "mqtt", "foxglove", "ros2")


@dataclass(frozen=True)
class Mission:
    """``path``: of its file. ``sha256``: of the file's bytes. ``tables``: what it says. ``lines``: from 1, of each key
    and table that is there, by its path.
    """

    path: Path
    sha256: str
    tables: MissionTable
    lines: Mapping[tuple[str | int, ...], int]

    @property
    def name(self) -> str:
        """As the file says, or the file's own."""
        return self.tables.name or self.path.stem

    @property
    def stamp(self) -> MissionStamp:
        """What the report keeps of it."""
        return MissionStamp(self.name, str(self.path), self.sha256)

    def where(self, *key: str) -> str:
        """``FILE:LINE`` of a key or table, or of the nearest one around it that is there."""
        while key and key not in self.lines:
            key = key[:-1]
        return f"{self.path}:{self.lines[key]}" if key else str(self.path)

    def options(self, now: datetime | None = None) -> dict[str, Any]:
        """What options of ``edge run`` would be, by the names that the program calls them; only those that it says.

        ``now``: UTC, for the folder of the run; None = this moment. Raises InputError for a file with a secret that
        cannot be read.
        """
        tables, resolve = self.tables, texts.resolver(self.path.parent)
        camera, model, out, limits = tables.camera, tables.model, tables.outputs, tables.limits
        now = now or datetime.now(timezone.utc)
        said: dict[str, Any] = {
            "source": texts.sources(camera, resolve, self._login()),
            "policy": camera.policy,
            "reconnect_s": camera.reconnect_s,
            "verify": camera.verify and Path(resolve(camera.verify)),
            "lens": tables.lens and texts.lens(tables.lens, resolve),
            "mounting": tables.mounting and texts.mounting(tables.mounting),
            "ground": tables.ground and texts.ground(tables.ground, resolve),
            "pose": tables.pose and texts.pose(tables.pose, resolve),
            "coverage": None if tables.coverage is None else texts.coverage(tables.coverage),
            "out": folder_of(resolve(out.folder), self.name, now),
            "spare": out.spare and Path(resolve(out.spare)),
            "outputs": [name for name in OUTPUTS if getattr(out, name)],
            "record": out.record,
        }
        if model:
            said |= {name: getattr(model, name) for name in MODEL}
            said["threshold"] = texts.thresholds(model)
            said["trusted_key"] = model.trusted_key and texts.trusted_key(model.trusted_key, resolve)
            said["model"] = model.bundle and str(called(model.bundle, self.path.parent))
            said["normalise"] = model.normalise and NormaliseSpec.parse(model.normalise)
        if limits:
            said |= {"frames": limits.frames, "seconds": limits.seconds}
            said["record_budget"] = limits.record_budget and bytes_of(limits.record_budget)
            said["limits"] = _limits(limits)
            said["keep_free"] = limits.keep_free
            said["flights"] = limits.keep_free and named(resolve(out.folder), self.name)
        if tables.links and tables.links.status:
            said["status"] = str(ListenAddress.parse(tables.links.status.at))
        if tables.links and (web := tables.links.web):
            said["web"] = str(WebAddress.parse(texts.link(web.at, web, resolve)))
        said |= self._links(resolve)
        return {name: value for name, value in said.items() if value is not None and value is not False}

    def settings(self, now: datetime | None = None) -> RunSettings:
        """For `edge.run`. Raises InputError as `options` does."""
        return settings_of(self.options(now), self)

    def sinks(self) -> list[SinkSpec]:
        """For `edge.run`: the links. Raises InputError as `options` does."""
        return link_specs(self._links(texts.resolver(self.path.parent)))

    def _links(self, resolve: texts.Resolve) -> dict[str, Any]:
        links, said = self.tables.links, dict[str, Any]()
        if links and links.cot:
            said["cot"] = cot.parse(texts.link(links.cot.to, links.cot, resolve))
        if links and links.mavlink:
            said["mavlink_out"] = Peer.parse(texts.link(links.mavlink.to, links.mavlink, resolve))
        if links and links.webhook:
            url, file = links.webhook.url, links.webhook.url_file
            said["webhook"] = parse_url(url or _secret(Path(resolve(file or "")), "links.webhook.url_file")[0])
        if links and links.mqtt:
            said["mqtt"] = MqttAddress.parse(texts.link(links.mqtt.url, links.mqtt, resolve))
        if links and links.foxglove:
            said["foxglove"] = foxglove.parse(links.foxglove.at)
        if links and links.ros2:
            said["ros2"] = ros2.parse(links.ros2.topic)
        return said

    def _login(self) -> str:
        """``NAME:PASSWORD`` of the camera, quoted for a URL; "" = none."""
        file = self.tables.camera.login
        if file is None:
            return ""
        name, *password = _secret(Path(texts.resolver(self.path.parent)(file)), "camera.login")
        return ":".join(quote(part, safe="") for part in (name, *password[:1]))


OUTPUTS = ("video", "pictures", "map", "geojson", "kmz", "csv", "faint", "trace")
MODEL = ("tiles", "override_normalise", "backend", "trust_engine", "zero_copy", "spin")


def settings_of(options: Mapping[str, Any], mission: Mission | None = None) -> RunSettings:
    """The settings of a run by its options; what is no setting, such as links, is left out. Raises InputError."""
    known = RunSettings.__dataclass_fields__.keys() & options.keys()
    given = {name: options[name] for name in known}
    return RunSettings(**{**given, "outputs": tuple(options.get("outputs", ())), "mission": mission and mission.stamp})


def link_specs(options: Mapping[str, Any]) -> list[SinkSpec]:
    """The sinks that send, of a run by its options."""
    makers: dict[str, Callable[[Any], SinkSpec]] = {
        "cot": cot.spec_of,
        "mavlink_out": mavlink_out.spec_of,
        "webhook": webhook.spec_of,
        "mqtt": mqtt.spec_of,
        "foxglove": foxglove.spec_of,
        "ros2": ros2.spec_of,
    }
    return [makers[name](options[name]) for name in LINKS if options.get(name)]


def _limits(table: LimitsTable) -> Limits | None:
    """From where on a run gives something up; None where the table says nothing of it."""
    given = {
        "degrade": table.degrade,
        "heat_margin": table.heat_margin_k,
        "memory": table.memory_left and bytes_of(table.memory_left),
        "disk": table.disk_left and bytes_of(table.disk_left),
    }
    there = {name: value for name, value in given.items() if value is not None}
    return Limits(**there) if there else None  # type: ignore[arg-type]


def _secret(path: Path, key: str) -> list[str]:
    """The lines of a small file that holds a secret. Raises InputError where there are none."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_SECRET + 1).decode()
    except OSError as error:
        raise InputError(f"{key}: {path}: {reason_of(error)}") from None
    except UnicodeDecodeError:
        text = ""
    lines = [line.strip() for line in text.strip().splitlines()]
    if not 0 < len(text) <= MOST_SECRET or not lines or not all(line.isprintable() for line in lines):
        raise InputError(f"{key}: {path}: expected a file with one or two lines of text")
    return lines
