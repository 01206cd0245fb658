"""Cursor on Target: a mark on the maps of a team (ATAK, WinTAK, TAK servers) for each track with a position."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from edge.data import Frame, Result, class_name
from edge.errors import InputError
from edge.seams import Sink
from edge.sinks.live.courier import Courier
from edge.sinks.live.known import Known, Sightings
from edge.sinks.live.link import Address, Link
from edge.sinks.live.tls import EXPECTED, TlsAddress, TlsLink
from edge.sinks.spec import SinkContext, SinkSpec
from edge.system.files import read_text_or_none
from edge.system.text import in_xml

TYPE = "b-m-p-s-m"  # a spot on the map: it claims no friend and no enemy
UNKNOWN_M = "9999999.0"  # the schema's word for a height or an error that nobody knows
STALE_S = 3600.0  # from the sighting on: a mark that was seen an hour ago says little
MACHINE = Path("/etc/machine-id")
DEPTH = 64  # results that may wait while marks are made


class CotSink(Sink):
    """Sends an event for each track: as soon as it has a position, again after 10 s, and when its position or class is
    known better. The same track has the same ``uid``, so that its mark moves, and is not doubled.

    Nothing is sent but to ``link``; while that is away, up to 1000 events wait.
    """

    def __init__(self, link: Link, classes: Sequence[str]) -> None:
        self._classes, self._sightings, self._run = classes, Sightings(), ""
        self._to = str(link.address)
        self.courier = Courier(link, f"cot: {self._to}")

    def write(self, result: Result) -> None:
        """Note one result, and hand over what is to be told."""
        self._run = self._run or run_id(result.frame)
        for known in self._sightings.add(result):
            self._tell(known)

    def link_report(self) -> dict[str, Any]:
        return self.courier.report(self._to)

    def close(self) -> None:
        """Send what is left, for at most 2 s. May be called twice."""
        for known in self._sightings.end():
            self._tell(known)
        self.courier.close()

    def _tell(self, known: Known) -> None:
        uid = f"thermal-edge.{self._run}.{known.number}"
        name = class_name(self._classes, known.label)
        self.courier.put(uid, event(uid, known, name, datetime.now(timezone.utc)))


def run_id(frame: Frame) -> str:
    """Twelve hexadecimal digits of this machine and this first frame of a run: another run, also after a restart in
    flight, has others; a replay of the same frames has the same.
    """
    machine = read_text_or_none(MACHINE) or platform.node()
    return hashlib.sha256(f"thermal-edge {machine} {frame.t_capture:.6f} {frame.utc}".encode()).hexdigest()[:12]


def event(uid: str, known: Known, name: str, now: datetime) -> bytes:
    """One event, XML without declaration and without a line's end. ``now``: where the frame had no time of its own."""
    assert known.position
    latitude, longitude = known.position
    seen = now if known.utc is None else datetime.fromisoformat(known.utc)
    root = ET.Element("event", {"version": "2.0", "uid": uid, "type": TYPE, "how": "m-r"})
    root.attrib.update(time=_time(seen), start=_time(seen), stale=_time(seen + timedelta(seconds=STALE_S)))
    place = {"lat": f"{latitude:.7f}", "lon": f"{longitude:.7f}", "hae": UNKNOWN_M}
    ET.SubElement(root, "point", {**place, "ce": f"{known.sigma:.1f}", "le": UNKNOWN_M})
    detail = ET.SubElement(root, "detail")
    ET.SubElement(detail, "contact", callsign=in_xml(f"{name} {known.number}"))
    said = f"score {known.score:.2f}, found in {known.frames} frames; no person has checked it"
    if known.utc is None:
        said += "; time of the computer's clock"
    ET.SubElement(detail, "remarks").text = said
    text: str = ET.tostring(root, encoding="unicode")
    return text.encode()


def _time(when: datetime) -> str:
    return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def parse(text: str) -> Address | TlsAddress:
    """``udp:HOST:PORT``, ``tcp:HOST:PORT`` or ``tls:HOST:PORT?ca=FILE...``. Raises InputError for anything else."""
    return TlsAddress.parse(text) if text.startswith("tls:") else Address.parse(text, EXPECTED)


def spec_of(address: Address | TlsAddress) -> SinkSpec:
    """The sink of a run that sends to this address."""

    def link() -> Link:
        return TlsLink(address) if isinstance(address, TlsAddress) else Link(address)

    def make(to: SinkContext) -> CotSink:
        return CotSink(link(), to.classes)

    def check(_path: Path) -> None:
        try:
            link()
        except InputError as error:
            raise InputError(f"--cot: {error}") from None

    return SinkSpec("cot", None, make, lossless=False, depth=DEPTH, check=check)
