"""The way to an MQTT broker, by paho-mqtt (pip install 'thermal-edge[mqtt]'; EPL-2.0 or BSD-3): MQTT 3.1.1."""

from __future__ import annotations

import json
import secrets
import ssl
import time
from contextlib import suppress
from typing import Any

from edge.system.host import install_line

try:
    import paho.mqtt.client as paho
    from paho.mqtt.enums import CallbackAPIVersion
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "paho":
        raise
    raise ModuleNotFoundError(
        f"MQTT needs the package paho-mqtt, which is not installed: {install_line('mqtt')}", name="paho"
    ) from error

from edge.sinks.live.broker import MqttAddress
from edge.system.budget import LINK_S as WAIT_S

KEEPALIVE_S = 30  # after one and a half of it without a word the broker says that we are away
TICK_S = 0.02
LAST_S = 0.5  # for the last word
AT_LEAST_ONCE = 1  # QoS


class MqttLink:
    """Publishes to ``TOPIC/tracks``; each message is there when the broker has confirmed it (QoS 1). Of one thread.

    ``TOPIC/status``, which the broker keeps (retained): ``here``, ``ended``, or ``away`` (the last will).
    """

    def __init__(self, to: MqttAddress) -> None:
        """Raises InputError where a file of the address cannot be what it is to be."""
        self.name, self.refused = str(to), 0
        self._to, self._user = to, to.user()
        self._context = None if to.tls is None else to.tls.context()
        self._id = f"thermal-edge-{secrets.token_hex(4)}"  # two of one id throw each other out
        self._client: paho.Client | None = None
        self._answer: Any = None

    def send(self, data: bytes) -> None:
        """Raises OSError where the broker did not confirm it; then `close` it."""
        self._publish(self._connected(), f"{self._to.topic}/tracks", data, WAIT_S)

    def tend(self) -> bool:
        """Be connected, and answer the broker. Raises OSError where it is away."""
        self._turn(self._connected(), 0.0)
        return True

    def close(self) -> None:
        """May be called twice."""
        client, self._client = self._client, None
        if client is None:
            return
        with suppress(OSError):
            if client.is_connected():
                self._publish(client, f"{self._to.topic}/status", _status("ended"), LAST_S, retain=True)
                client.disconnect()
                self._turn(client, TICK_S)
        _drop(client)

    def _connected(self) -> paho.Client:
        if self._client is not None:
            return self._client
        to = self._to
        client = paho.Client(CallbackAPIVersion.VERSION2, self._id, reconnect_on_failure=False, protocol=paho.MQTTv311)
        client.connect_timeout = WAIT_S
        if self._user is not None:
            client.username_pw_set(*self._user)
        if self._context is not None:
            client.tls_set_context(self._context)
        client.will_set(f"{to.topic}/status", _status("away"), AT_LEAST_ONCE, retain=True)
        client.on_connect = self._on_connect
        self._answer = None
        try:
            client.connect(to.address.host, to.address.port, KEEPALIVE_S)
            give_up = time.monotonic() + WAIT_S
            while self._answer is None:
                self._turn(client, TICK_S)
                if time.monotonic() > give_up:
                    raise TimeoutError("the broker does not answer")
            if self._answer.is_failure:
                raise ConnectionRefusedError(f"the broker refuses us: {self._answer}")
            self._publish(client, f"{to.topic}/status", _status("here"), WAIT_S, retain=True)
        except ssl.SSLError as error:
            _drop(client)
            raise ConnectionError(to.tls.told(error) if to.tls else str(error)) from None
        except BaseException:
            _drop(client)
            raise
        self._client = client
        return client

    def _on_connect(self, _client: object, _data: object, _flags: object, answer: object, _more: object) -> None:
        self._answer = answer

    def _publish(self, client: paho.Client, topic: str, data: bytes, wait_s: float, retain: bool = False) -> None:
        told = client.publish(topic, data, AT_LEAST_ONCE, retain)
        give_up = time.monotonic() + wait_s
        while not (told.rc == paho.MQTT_ERR_SUCCESS and told.is_published()):
            self._turn(client, TICK_S)
            if time.monotonic() > give_up:
                raise TimeoutError("the broker does not confirm a message")

    def _turn(self, client: paho.Client, wait_s: float) -> None:
        """Read and write what there is."""
        code = client.loop(wait_s)
        if self._answer is not None and self._answer.is_failure:
            return  # the broker has closed the connection, and said why
        if code != paho.MQTT_ERR_SUCCESS:
            hint = "; it may ask for a client's certificate" if self._to.tls and self._answer is None else ""
            raise ConnectionResetError(f"the broker has closed the connection{hint}")


def _status(state: str) -> bytes:
    return json.dumps({"state": state}).encode()


def _drop(client: paho.Client) -> None:
    """Close the connection without a farewell."""
    if (opened := client.socket()) is not None:
        with suppress(OSError):
            opened.close()
