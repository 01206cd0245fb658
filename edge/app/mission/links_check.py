"""What is wrong with the addresses in ``[links]`` of a mission: each is read as its option would be."""

from __future__ import annotations

from typing import Any

from edge.app.mission import texts
from edge.app.mission.check import Checker, dotted
from edge.app.mission.links import LinksTable
from edge.errors import InputError, without_password
from edge.sinks.live.broker import MqttAddress
from edge.sinks.live.link import Address
from edge.sinks.live.webhook import parse_url
from edge.sinks.live.wire import Peer
from edge.sinks.robotics import foxglove, ros2
from edge.system.listening import EXPECTED, ListenAddress


def check_links(checker: Checker, links: LinksTable | None) -> None:
    """Tell ``checker`` what of the addresses is wrong."""
    if links is None:
        return
    alone = "; options are keys of their own"
    if cot := links.cot:
        expected = f"expected udp:HOST:PORT, tcp:HOST:PORT or tls:HOST:PORT, such as udp:239.2.3.1:6969{alone}"
        path = ("links", "cot", "to")
        checker.attempt(path, cot.to, lambda: Address.parse(cot.to, "", ("udp", "tcp", "tls")), expected, InputError)
        _certificates(checker, path[:2], cot, cot.to.startswith("tls:"), "to = tls:HOST:PORT")
    if mavlink := links.mavlink:
        expected = f"expected udp:HOST:PORT, tcp:HOST:PORT or /dev/ttyN{alone}"
        text = "" if "?" in mavlink.to else texts.link(mavlink.to, mavlink, str)
        checker.attempt(("links", "mavlink", "to"), mavlink.to, lambda: Peer.parse(text), expected, InputError)
    if hook := links.webhook:
        path = ("links", "webhook", "url")
        if (url := hook.url) is None or hook.url_file is not None:
            if (url is None) == (hook.url_file is None):
                checker.say(path[:2], "[links.webhook]: expected url or url_file, one of the two")
        elif without_password(url) != url:
            checker.say(path, "links.webhook.url holds a secret, and a mission holds none: expected url_file = FILE")
        else:
            expected = "expected http://HOST/PATH or https://HOST/PATH, without a login"
            checker.attempt(path, url, lambda: parse_url(url), expected, InputError)
    if broker := links.mqtt:
        expected = f"expected mqtt://HOST/TOPIC or mqtts://HOST/TOPIC, without a login{alone}"
        address = "" if "?" in broker.url else broker.url
        path, came = ("links", "mqtt", "url"), without_password(broker.url)
        checker.attempt(path, came, lambda: MqttAddress.parse(address), expected, InputError)
        _certificates(checker, path[:2], broker, broker.url.startswith("mqtts:"), "url = mqtts://HOST/TOPIC")
    if viewer := links.foxglove:
        path = ("links", "foxglove", "at")
        checker.attempt(path, viewer.at, lambda: foxglove.parse(viewer.at), foxglove.EXPECTED, InputError)
    if ros := links.ros2:
        checker.attempt(("links", "ros2", "topic"), ros.topic, lambda: ros2.parse(ros.topic), ros2.EXPECTED, InputError)
    if status := links.status:
        path = ("links", "status", "at")
        checker.attempt(path, status.at, lambda: ListenAddress.parse(status.at), EXPECTED, InputError)
    if web := links.web:
        path = ("links", "web", "at")
        checker.attempt(path, web.at, lambda: ListenAddress.parse(web.at, "web"), f"{EXPECTED}{alone}", InputError)


def _certificates(checker: Checker, path: tuple[str, ...], table: Any, tls: bool, needed: str) -> None:
    given = [name for name in ("ca", "cert", "key", "name") if getattr(table, name, None) is not None]
    if given and not tls:
        checker.say((*path, given[0]), f"{dotted((*path, given[0]))} is of TLS: expected {needed}")
    elif table.key is not None and table.cert is None:
        checker.say((*path, "key"), f"{dotted((*path, 'key'))} is of a certificate: expected cert too")
