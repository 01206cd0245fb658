"""``--mqtt``: the messages of each track to an MQTT broker (extra ``mqtt``)."""

from __future__ import annotations

import logging
from pathlib import Path

from edge.errors import InputError
from edge.sinks.live.broker import MqttAddress
from edge.sinks.live.events import EventSink
from edge.sinks.spec import SinkContext, SinkSpec
from edge.system.caution import caution

DEPTH = 64  # results that may wait while messages are made

log = logging.getLogger(__name__)


def spec_of(to: MqttAddress) -> SinkSpec:
    """The sink of a run that sends to this broker."""

    def make(context: SinkContext) -> EventSink:
        from edge.sinks.live.mqtt_link import MqttLink

        if to.login and not to.tls:
            caution(log, "mqtt: the login is sent unencrypted: mqtts:// encrypts it")
        return EventSink(MqttLink(to), context.classes, "mqtt")

    def check(_path: Path) -> None:
        try:
            from edge.sinks.live.mqtt_link import MqttLink

            MqttLink(to)
        except (InputError, ModuleNotFoundError) as error:
            raise InputError(f"--mqtt: {error}") from None

    return SinkSpec("mqtt", None, make, lossless=False, depth=DEPTH, check=check)
