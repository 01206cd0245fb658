"""What a user writes, or a script of his: sources, poses, lenses, addresses of links, keys and logins, options."""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.errors import EdgeError, InputError
from tests.fuzz.folder import put
from tests.fuzz.mutate import NUMBERS, WORDS
from tests.fuzz.target import Target

SOURCES = (
    *(
        "still.png?raw=0&fps=5",
        "still.png?crop=0,0,8,6&palette=black-hot&mask=still.png",
        "film.avi",
        "raw.bin?width=4&height=3&format=Y16",
    ),
    *(
        "sim:live=0,width=40,height=32,frames=2,seed=3",
        "rec:rec",
        "/dev/null?format=Y16&width=8&height=6&fps=9",
        "gst:videotestsrc ! appsink",
    ),
    *(
        "rtsp://user:word@host:554/path?x=1#crop=0,0,8,6",
        "udp://@:5000",
        "still.png?kelvin=0.01&camera=boson&endian=big&unit=celsius",
    ),
    *("srt://host?passphrase=word", "http://host/x#camera=lepton"),
)
POSES = (
    *("mavlink:udp:127.0.0.1:0?gimbal=earth&system=1", "mavlink:/dev/null?baud=57600", "mavlink:tcp:h:1?signing=key"),
    *(
        "tlog:f.tlog?start=2026-05-01T20:00:00Z&offset=0.5&mount=0,-90,0",
        "srt:f?camera=0,-90,0&altitude=absolute&ground=400",
    ),
    *("klv:f?offset=1", "exif?camera=0,-90,0&altitude=relative"),
)
LENSES = ("focal=9.1,pitch=12", "focal=13.6,camera=boson", "hfov=45,size=640x512", "hfov=45,vfov=37", "dfov=57")
LINKS = (
    *(
        "udp:127.0.0.1:6969",
        "tcp:[::1]:8087",
        "tls:host:8089?ca=a.pem&cert=b.pem&key=c.pem&name=x",
        "https://host:1/p?q=1",
    ),
    *(
        "mqtt://host:1883/deer/found?login=f",
        "mqtts://host/deer?ca=a.pem",
        "/dev/ttyUSB0?baud=57600",
        "udp:h:1?signing=key",
    ),
)


def _texts(*texts: str) -> Callable[[], dict[str, bytes]]:
    return lambda: {str(i): text.encode() for i, text in enumerate(texts)}


def _grammar(*texts: str) -> Callable[[random.Random], bytes]:
    """An address, then options of any of the texts, with values of theirs, odd numbers and odd words."""
    heads = sorted({text.partition("?")[0].partition("#")[0] for text in texts})
    pairs = [pair for text in texts for pair in re.split("[?#&]", text)[1:] if "=" in pair]
    pairs += [pair for text in texts if "?" not in text for pair in text.partition(":")[2].split(",") if "=" in pair]
    keys = sorted({pair.partition("=")[0] for pair in pairs}) or ["a"]
    values = [value for pair in pairs for value in pair.partition("=")[2].split(",")]
    words = [word for word in (*WORDS, *NUMBERS) if len(word) < 500]

    def letters(rng: random.Random, most: int) -> str:
        ranges = ((32, 126), (32, 126), (32, 126), (0, 255), (0x100, 0xD7FF), (0xD800, 0xDFFF), (0x10000, 0x10FFFF))
        return "".join(chr(rng.randint(*rng.choice(ranges))) for _ in range(rng.randrange(most + 1)))

    def one(rng: random.Random) -> str:
        kind = rng.random()
        if kind < 0.5:
            return rng.choice(values or words)
        if kind < 0.7:
            return rng.choice(words)
        if kind < 0.8:
            return str(rng.choice((rng.gauss(0, 1), rng.uniform(-400, 400), 10.0 ** rng.randint(-320, 308))))
        return str(rng.randint(-(10 ** rng.randrange(1, 22)), 10**3)) if kind < 0.92 else letters(rng, 12)

    def value(rng: random.Random) -> str:
        return ",".join(one(rng) for _ in range(rng.choice((1, 1, 1, 2, 3, 4))))

    def text(rng: random.Random) -> bytes:
        head = rng.choice(heads) if rng.random() < 0.8 else rng.choice(heads) + letters(rng, 8)
        options = ((rng.choice(keys) if rng.random() < 0.95 else letters(rng, 5)) + "=" + value(rng) for _ in range(4))
        chosen = list(options)[: rng.randrange(5)]
        return (head + rng.choice("??#,:&") * bool(chosen) + rng.choice("&&&,#").join(chosen)).encode(
            "utf-8", "surrogatepass"
        )

    return text


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def open_source(folder: Path, data: bytes) -> None:
    """Everything but a network, a pipeline and a device: nothing is behind these here."""
    import os

    from edge.camera import gstreamer, network
    from edge.camera.open import open_camera

    text = _text(data)
    if text.lstrip().startswith(("/", "..", "~")) and not text.startswith("/dev/null"):
        return  # the disk of whoever runs this is no case
    before, was = os.getcwd(), (network.open_network, gstreamer.open_pipeline)
    network.open_network = gstreamer.open_pipeline = _nothing_there
    os.chdir(folder)
    try:
        with open_camera(text, reconnect_s=0) as camera:
            for _ in range(3):
                camera.read()
    finally:
        os.chdir(before)
        network.open_network, gstreamer.open_pipeline = was


def beside_source() -> dict[str, bytes]:
    import cv2

    from tests.fuzz.of_pictures import COUNTS, GREY

    return {"still.png": cv2.imencode(".png", GREY)[1].tobytes(), "raw.bin": COUNTS[:3, :4].tobytes() * 2}


def _nothing_there(name: str) -> Any:
    from edge.errors import SourceError
    from edge.system.text import without_password

    raise SourceError(f"{without_password(name)}: nothing is there")


def open_pose(folder: Path, data: bytes) -> None:
    import os

    from edge.pose import open_pose as read

    text = _text(data)
    if text.startswith("mavlink:/") and not text.startswith("mavlink:/dev/null"):
        return  # another device, or a file, of whoever runs this
    if text.startswith("mavlink:") and "/dev/null" not in text and "signing" not in text:
        from edge.pose.link import Tcp  # noqa: F401 - a link that is good is opened in a thread: not here

        text = text.replace("udp:", "udq:").replace("tcp:", "tcq:")
    before, resolve = os.getcwd(), socket.getaddrinfo
    socket.getaddrinfo = _no_name
    os.chdir(folder)
    try:
        with read(text, ("still.png",)):
            pass
    finally:
        os.chdir(before)
        socket.getaddrinfo = resolve


def _no_name(*_: object, **__: object) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "no such name")


def read_lens(_folder: Path, data: bytes) -> None:
    from edge.geo.lens import LensSpec

    spec = LensSpec.parse(_text(data))
    spec.model(640, 512, None)
    spec.model(320, 256, (0, 0, 320, 256), (640, 512))


def read_link(_folder: Path, data: bytes) -> None:
    """Every kind of link looks at it; the last error counts."""
    from edge.sinks.live import broker, cot, webhook, wire

    text, errors = _text(data), []
    for parse in (cot.parse, webhook.parse_url, broker.MqttAddress.parse, wire.Peer.parse):
        try:
            str(parse(text))
        except InputError as error:
            errors.append(error)
    if len(errors) == 4:
        raise errors[-1]


def read_status(_folder: Path, data: bytes) -> None:
    from edge.system.listening import ListenAddress

    str(ListenAddress.parse(_text(data)))


def ask_status(_folder: Path, data: bytes) -> None:
    """A request of a program that asks how the run goes: the page, or what is wrong with it."""
    from http import HTTPStatus

    from edge.app.status.http import Page, answer

    told = answer(data, {"/healthz": lambda: Page(HTTPStatus.OK, "text/plain", "")})
    head, end, body = told.partition(b"\r\n\r\n")
    code = head.partition(b"\r\n")[0].split(b" ")[1]
    assert end, told
    assert code in (b"200", b"400", b"404", b"405", b"431"), told
    assert b"Content-Length: %d\r\n" % len(body) in head, told
    if code != b"200":
        raise InputError(body.decode())


def read_options(_folder: Path, data: bytes) -> None:
    """The command line itself, one word each."""
    import contextlib
    import io

    from edge.commands.main import _parser

    words = _text(data).split(" ")
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        try:
            _parser().parse_args(words)
        except SystemExit as error:
            raise InputError("refused by the command line") from error


def read_key(folder: Path, data: bytes) -> None:
    from edge.pose.link import read_key as read

    put(folder / "key", data)
    read(folder / "key")


def read_login(folder: Path, data: bytes) -> None:
    from edge.sinks.live.broker import MqttAddress

    put(folder / "login", data)
    _ = MqttAddress.parse(f"mqtt://host/deer?login={folder / 'login'}").user


def missions() -> dict[str, bytes]:
    """One with every key, as a comment or not, and a short one."""
    from edge.app.mission.write import mission_text

    whole = mission_text({}, "m.toml", Path())
    used = "\n".join(line.removeprefix("# ") for line in whole.splitlines() if "=" in line or "[" in line)
    short = (
        'format = 1\n[camera]\nsource = "sim:"\n[outputs]\nfolder = "{date}"\n[model]\nthresholds = {Animal = 0.2}\n'
    )
    return {"whole": whole.encode(), "used": used.encode(), "short": short.encode()}


def read_mission(folder: Path, data: bytes) -> None:
    from edge.app.mission.read import read_mission as read

    put(folder / "m.toml", data)
    read(folder / "m.toml").options()


OPTIONS = (
    "run --source sim: --model m --out o --threshold 0.5 --seconds 3 --frames 4 --normalise anchored:1,99",
    "run --source a --source b --out o --tiles 2x2 --ground 400 --mounting 0,-90,0 --lens hfov=45 --coverage kelvin=2",
    "bench --model m --rate 9 --seconds 3 --runs 5 --json b.json", "report out --coco --location 47 8",
)  # fmt: skip

REQUESTS = (
    "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:9100\r\nUser-Agent: curl/8.5.0\r\nAccept: */*",
    "GET /metrics?a=b HTTP/1.0", "HEAD /healthz HTTP/1.1\r\nHost: x",
)  # fmt: skip

ROWS = (
    Target(
        "source",
        _texts(*SOURCES),
        open_source,
        "text",
        raises=(EdgeError,),
        made=_grammar(*SOURCES),
        beside=beside_source,
    ),
    Target("pose", _texts(*POSES), open_pose, "text", made=_grammar(*POSES)),
    Target("lens", _texts(*LENSES), read_lens, "text", made=_grammar(*LENSES)),
    Target("link", _texts(*LINKS), read_link, "text", made=_grammar(*LINKS)),
    Target("status", _texts("9100", "127.0.0.1:9100", "[::1]:9100", "localhost:80"), read_status, "text"),
    Target("request", _texts(*REQUESTS), ask_status),
    Target("mission", missions, read_mission, "text"),
    Target("options", _texts(*OPTIONS), read_options, "text"),
    Target("key", _texts("00" * 32, "a passphrase"), read_key),
    Target("login", _texts("user\npassword\n"), read_login, "text"),
)
