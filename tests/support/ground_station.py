"""A ground station that talks to a camera component, without a network; it needs pymavlink."""

from __future__ import annotations

from typing import Any

import pymavlink.dialects.v20.common as mav

from edge.data import Result
from edge.sinks.live.camera_component import CameraComponent

TRACKING, THERMAL = 275, 277  # messages of a camera


class Station:
    """A ground station on the other end of ``component``, without a network."""

    def __init__(self, component: CameraComponent | None = None, system: int = 255) -> None:
        self.component = component or CameraComponent(("Person", "deer"), "tiny")
        self.out = mav.MAVLink(None, srcSystem=system, srcComponent=190)
        self.reader = mav.MAVLink(None)
        self.now = 0.0

    def pack(self, message: Any, v1: bool = False) -> bytes:
        data = bytes(message.pack(self.out, force_mavlink1=v1))
        self.out.seq = (self.out.seq + 1) % 256
        return data

    def command(self, number: int, *values: float, to: int = 100, system: int = 1, v1: bool = False) -> bytes:
        values = (*values, *[0.0] * (7 - len(values)))
        return self.pack(mav.MAVLink_command_long_message(system, to, number, 0, *values), v1)

    def say(self, data: bytes) -> list[Any]:
        self.component.hear(data, self.now)
        return self.heard()

    def heard(self, now: float | None = None) -> list[Any]:
        """What is due, without the heartbeat."""
        self.now = self.now if now is None else now
        data = b"".join(self.component.due(self.now))
        return [m for m in self.reader.parse_buffer(data) or [] if m.get_type() != "HEARTBEAT"]

    def ask(self, number: int, *values: float, **more: Any) -> int:
        """The result of a command, which is answered once."""
        answers = [m for m in self.say(self.command(number, *values, **more)) if m.get_type() == "COMMAND_ACK"]
        (answer,) = answers
        assert answer.command == number
        assert (answer.target_system, answer.target_component) == (255, 190)
        return int(answer.result)

    def see(self, result: Result, now: float | None = None) -> None:
        self.now = self.now if now is None else now
        self.component.see(result, self.now)


def texts(messages: list[Any]) -> list[str]:
    return [m.text for m in messages if m.get_type() == "STATUSTEXT"]
