"""A client of Foxglove's WebSocket protocol (foxglove.sdk.v1), as small as a test needs: it subscribes and listens."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

HEAD = (
    "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: foxglove.sdk.v1\r\n\r\n"
)
TEXT, BINARY, CLOSE = 1, 2, 8
DATA = 1  # opcode of a message of a channel


class Client:
    """``channels``: what the server advertises, by topic."""

    def __init__(self, port: int, topics: int) -> None:
        """Connects, and waits until so many topics are advertised."""
        self._socket = socket.create_connection(("127.0.0.1", port), 20)
        self._socket.sendall(HEAD.encode())
        self._file = self._socket.makefile("rb")
        while self._file.readline() != b"\r\n":
            pass
        self.info: dict[str, Any] = {}
        self.channels: dict[str, dict[str, Any]] = {}
        while len(self.channels) < topics:
            kind, data = self.frame()
            assert kind == TEXT
            said = json.loads(data)
            if said["op"] == "advertise":
                self.channels |= {one["topic"]: one for one in said["channels"]}
            else:
                self.info = said

    def subscribe(self, *topics: str) -> None:
        """From then on messages of these topics come, each with the topic's place in this row."""
        wanted = [{"id": i, "channelId": self.channels[topic]["id"]} for i, topic in enumerate(topics)]
        data = json.dumps({"op": "subscribe", "subscriptions": wanted}).encode()
        mask = os.urandom(4)
        head = bytes([0x80 | TEXT]) + (
            bytes([0x80 | len(data)]) if len(data) < 126 else struct.pack(">BH", 0xFE, len(data))
        )
        self._socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def frame(self) -> tuple[int, bytes]:
        """The next one: its opcode and what is in it."""
        first, size = self._file.read(2)
        if size == 126:
            (size,) = struct.unpack(">H", self._file.read(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._file.read(8))
        return first & 0x0F, self._file.read(size)

    def messages(self) -> Iterator[tuple[int, int, bytes]]:
        """Of those that were subscribed to: place of the topic, log time in ns, payload."""
        while True:
            kind, data = self.frame()
            if kind == CLOSE:
                return
            if kind == BINARY and data[0] == DATA:
                topic, ns = struct.unpack("<IQ", data[1:13])
                yield topic, ns, data[13:]

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def wait_for(what: Any, seconds: float = 20.0) -> None:
    """Until ``what()`` is true; a server of another thread takes its time."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)
