"""The mission file, declared: ``[links]``, where detections are sent while the aircraft flies."""

from __future__ import annotations

from typing import Annotated

from edge.app.mission.keys import Key, Table, Text, Whole, Word


class CotTable(Table, frozen=True, kw_only=True):
    """A mark for each track on a team's maps (Cursor on Target, for TAK)."""

    to: Annotated[Text, Key("udp:, tcp: or tls:HOST:PORT", "udp:239.2.3.1:6969", "cot")]
    ca: Annotated[
        Text | None, Key("tls: certificates that may have signed the server's", "ca.pem", "cot", file=True)
    ] = None
    cert: Annotated[Text | None, Key("tls: our certificate", "me.pem", "cot", file=True)] = None
    key: Annotated[Text | None, Key("tls: its key", "me.key", "cot", file=True)] = None
    name: Annotated[Word | None, Key("tls: the server's name in its certificate", "tak.example.org", "cot")] = None


class MavlinkTable(Table, frozen=True, kw_only=True):
    """The run as a MAVLink camera, for the ground station or the autopilot."""

    to: Annotated[Text, Key("udp:HOST:PORT, tcp:HOST:PORT or /dev/ttyN", "udp:127.0.0.1:14550", "mavlink_out")]
    baud: Annotated[Whole | None, Key("rate of a serial line", 921600, "mavlink_out")] = None
    signing: Annotated[
        Text | None, Key("file with the key of a signed link", "signing.key", "mavlink_out", file=True)
    ] = None


class WebhookTable(Table, frozen=True, kw_only=True):
    """A POST of JSON when a track is found, and when it is over. One of the two."""

    url: Annotated[Text | None, Key("http://HOST/PATH or https://HOST/PATH", "https://example.org/deer", "webhook")] = (
        None
    )
    url_file: Annotated[
        Text | None,
        Key("a file whose first line is the URL, where that is a secret", "webhook.url", "webhook", file=True),
    ] = None


class MqttTable(Table, frozen=True, kw_only=True):
    """The same messages to an MQTT broker."""

    url: Annotated[
        Text, Key("mqtt://HOST/TOPIC or mqtts://HOST/TOPIC, without options", "mqtts://broker.example.org/deer", "mqtt")
    ]
    login: Annotated[
        Text | None,
        Key(
            "a file with the user's name in its first line, the password in its second", "mqtt.login", "mqtt", file=True
        ),
    ] = None
    ca: Annotated[
        Text | None, Key("mqtts: certificates that may have signed the server's", "ca.pem", "mqtt", file=True)
    ] = None
    cert: Annotated[Text | None, Key("mqtts: our certificate", "me.pem", "mqtt", file=True)] = None
    key: Annotated[Text | None, Key("mqtts: its key", "me.key", "mqtt", file=True)] = None


class FoxgloveTable(Table, frozen=True, kw_only=True):
    """Foxglove or Lichtblick look on."""

    at: Annotated[Text, Key("a port of this machine alone as a text, or HOST:PORT", "127.0.0.1:8765", "foxglove")]


class Ros2Table(Table, frozen=True, kw_only=True):
    """The boxes of each frame for ROS 2, as vision_msgs/Detection2DArray."""

    topic: Annotated[Text, Key("name of the topic", "/thermal/detections", "ros2")]


class StatusTable(Table, frozen=True, kw_only=True):
    """How the run goes, at http://ADDRESS/healthz and /metrics."""

    at: Annotated[Text, Key("a port of this machine alone as a text, or HOST:PORT", "127.0.0.1:9100", "status")]


class WebTable(Table, frozen=True, kw_only=True):
    """The page of the run: picture, map, figures and events in a browser."""

    at: Annotated[Text, Key("a port of this machine alone as a text, or HOST:PORT", "0.0.0.0:8080", "web")]
    token: Annotated[
        Text | None,
        Key(
            "a file with the word that opens the page; without it one is made where other machines reach it",
            "web.token",
            "web",
            file=True,
        ),
    ] = None
    map: Annotated[Text | None, Key("a file of map tiles, PMTiles with pictures", "area.pmtiles", "web", file=True)] = (
        None
    )


class LinksTable(Table, frozen=True, kw_only=True):
    """Where detections are sent while the aircraft flies."""

    cot: CotTable | None = None
    mavlink: MavlinkTable | None = None
    webhook: WebhookTable | None = None
    mqtt: MqttTable | None = None
    foxglove: FoxgloveTable | None = None
    ros2: Ros2Table | None = None
    status: StatusTable | None = None
    web: WebTable | None = None
