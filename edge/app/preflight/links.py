"""Can each link of the mission be reached? Nothing is sent: a connection is made, and closed again."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

from edge.app.page import require_extra
from edge.app.preflight.side_by_side import Check, Line
from edge.errors import InputError
from edge.pose.link import read_key
from edge.sinks.live.broker import MqttAddress
from edge.sinks.live.link import Address
from edge.sinks.live.tls import TlsAddress
from edge.sinks.live.wire import Peer
from edge.sinks.robotics import foxglove, ros2
from edge.sinks.web.address import WebAddress
from edge.sinks.web.tiles import look_at

WAIT_S = 3.0
NAMES = {
    "cot": "link cot",
    "mavlink_out": "link mavlink",
    "webhook": "link webhook",
    "mqtt": "link mqtt",
    "foxglove": "link foxglove",
    "ros2": "link ros2",
    "web": "page",
}
AWAY = "check address, cable and network; the run tries again while it flies"
UNHEARD = "by UDP nobody says whether it is heard"


def link_checks(options: Mapping[str, Any]) -> list[Check]:
    """A check for each link that the mission has."""
    makers: dict[str, Callable[[Any], str]] = {
        "cot": _cot,
        "mavlink_out": _mavlink,
        "webhook": _webhook,
        "mqtt": _mqtt,
        "foxglove": _foxglove,
        "ros2": _ros2,
        "web": _web,
    }

    def check(option: str) -> Check:
        return Check(NAMES[option], lambda: _lines(NAMES[option], lambda: makers[option](options[option])), AWAY)

    return [check(option) for option in NAMES if options.get(option)]


def _lines(name: str, reach: Callable[[], str]) -> Iterator[Line]:
    try:
        yield Line(name, "green", reach())
    except InputError as error:  # the run refuses it, too
        yield Line(name, "red", str(error), "correct the mission, or the file that it names")
    except OSError as error:
        yield Line(name, "yellow", f"not reached: {error.strerror or error}", AWAY)


def _cot(to: Address | TlsAddress) -> str:
    if isinstance(to, TlsAddress):
        return _tls(to, to.context())
    return _plain(to)


def _mavlink(to: Peer) -> str:
    if to.signing:
        read_key(to.signing)
    if not isinstance(to.where, str):
        return _plain(to.where)
    if not os.access(to.where, os.R_OK | os.W_OK):
        raise OSError(f"{to.where}: no such line, or no permission (sudo usermod -aG dialout $USER)")
    return f"{to.where} is there, and may be opened"


def _webhook(url: SplitResult) -> str:
    tls = url.scheme == "https"
    address = Address("tcp", url.hostname or "", url.port or (443 if tls else 80))
    if tls:
        return _tls(TlsAddress(address), ssl.create_default_context()) + "; nothing was posted"
    return _plain(address) + "; nothing was posted"


def _mqtt(to: MqttAddress) -> str:
    to.user()
    said = _tls(to.tls, to.tls.context()) if to.tls else _plain(to.address)
    return said + ("; the login was not tried" if to.login else "")


def _foxglove(to: Address) -> str:
    foxglove.spec_of(to).check(Path())
    return f"{str(to).removeprefix('tcp:')} is free"


def _ros2(topic: str) -> str:
    ros2.spec_of(topic).check(Path())
    return f"rclpy and vision_msgs are there; {topic} was not tried"


def _web(text: str) -> str:
    """The port is free, the extra is there, the token's file can be read; a map that cannot be used is told."""
    to = WebAddress.parse(text)
    require_extra()
    to.secret()
    to.at.listen().close()
    tiles = look_at(to.tiles)
    if to.tiles is not None and tiles.path is None:
        raise OSError(tiles.why)
    return f"{to.at} is free" + (f", {tiles.path.name} can be drawn" if tiles.path else "")


def _plain(to: Address) -> str:
    if to.kind == "udp":
        family, _, _, _, where = socket.getaddrinfo(to.host, to.port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as made:
            made.connect(where)  # asks for a way there, and sends nothing
        return f"{to}: there is a way to it; {UNHEARD}"
    with socket.create_connection((to.host, to.port), WAIT_S):
        return f"{to} answers"


def _tls(to: TlsAddress, context: ssl.SSLContext) -> str:
    with socket.create_connection((to.address.host, to.address.port), WAIT_S) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=to.server):
                return f"{to.address.host}:{to.address.port} answers, its certificate is good"
        except ssl.SSLError as error:
            raise OSError(to.told(error)) from None
