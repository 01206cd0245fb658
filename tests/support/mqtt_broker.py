"""A broker that speaks what a publisher needs of MQTT 3.1.1 (OASIS standard, 29 October 2014), over a socket."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import dataclass

from tests.support.local_server import LocalServer

CONNECT, CONNACK, PUBLISH, PUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 12, 13, 14
NOT_AUTHORISED = 5


@dataclass(frozen=True)
class Came:
    """One PUBLISH."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    again: bool


class Broker(LocalServer):
    """At ``127.0.0.1:port``. ``got``: what was published, ``kept``: retained by topic, wills included, and
    ``ever_kept``: all that ever was, in order.

    ``login``: who may come, None = anybody. ``silent``: confirms nothing. ``context``: TLS.
    """

    def __init__(
        self, login: tuple[str, str] | None = None, context: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        self._login = login
        self.silent = threading.Event()
        self.got, self.kept, self.ever_kept = list[Came](), dict[str, bytes](), list[tuple[str, bytes]]()
        self.ids, self.logins, self.pings, self.keepalive, self.raw = list[str](), list[tuple[str, str]](), 0, 0, b""
        super().__init__(context, port)

    def _speak(self, connection: socket.socket) -> None:
        data, will = b"", None
        while self._goes_on:
            try:
                part = connection.recv(1 << 16)
            except TimeoutError:
                continue
            if not part:
                break
            self.raw += part
            data += part
            while (packet := _packet(data)) is not None:
                kind, flags, body, size = packet
                data = data[size:]
                if kind == CONNECT:
                    will, code = self._connect(body)
                    connection.sendall(bytes((CONNACK << 4, 2, 0, code)))
                    if code:
                        return
                elif kind == PUBLISH:
                    self._publish(connection, flags, body)
                elif kind == PINGREQ:
                    self.pings += 1
                    connection.sendall(bytes((PINGRESP << 4, 0)))
                elif kind == DISCONNECT:
                    return
        if will is not None:  # it is gone without a farewell
            self._keep(*will)

    def _keep(self, topic: str, payload: bytes) -> None:
        self.kept[topic] = payload
        self.ever_kept.append((topic, payload))

    def _connect(self, body: bytes) -> tuple[tuple[str, bytes] | None, int]:
        assert body[:7] == b"\0\4MQTT\4"
        flags, self.keepalive = body[7], int.from_bytes(body[8:10], "big")
        fields, at = list[bytes](), 10
        while at < len(body):
            size = int.from_bytes(body[at : at + 2], "big")
            fields.append(body[at + 2 : at + 2 + size])
            at += 2 + size
        self.ids.append(fields.pop(0).decode())
        will = None
        if flags & 4:
            assert flags >> 3 & 3 == 1  # QoS 1
            assert flags & 32  # retained
            will = fields.pop(0).decode(), fields.pop(0)
        name = fields.pop(0).decode() if flags & 128 else ""
        password = fields.pop(0).decode() if flags & 64 else ""
        self.logins.append((name, password))
        return will, 0 if self._login in (None, (name, password)) else NOT_AUTHORISED

    def _publish(self, connection: socket.socket, flags: int, body: bytes) -> None:
        size = int.from_bytes(body[:2], "big")
        topic, rest, qos = body[2 : 2 + size].decode(), body[2 + size :], flags >> 1 & 3
        number, payload = (rest[:2], rest[2:]) if qos else (b"", rest)
        if flags & 1:
            self._keep(topic, payload)
        self.got.append(Came(topic, payload, qos, bool(flags & 1), bool(flags & 8)))
        if qos and not (self.silent.is_set() and not flags & 1):
            connection.sendall(bytes((PUBACK << 4, 2)) + number)


def _packet(data: bytes) -> tuple[int, int, bytes, int] | None:
    """Kind, flags, body and whole size of the first packet; None where it has not come yet."""
    length, at = 0, 1
    while at < len(data):
        length |= (data[at] & 127) << 7 * (at - 1)
        at += 1
        if not data[at - 1] & 128:
            if len(data) < at + length:
                return None
            return data[0] >> 4, data[0] & 15, data[at : at + length], at + length
    return None
