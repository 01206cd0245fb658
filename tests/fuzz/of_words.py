"""What a user writes, or a script of his: sources, poses, lenses, addresses of links, keys and logins, options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.errors import EdgeError, InputError
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


def _grammar(*texts: str) -> Callable[[], Any]:
    """A strategy: an address, then options of any of the texts, with values of theirs, odd numbers and odd words."""

    def strategy() -> Any:
        from hypothesis import strategies as st

        heads = sorted({text.partition("?")[0].partition("#")[0] for text in texts})
        pairs = [pair for text in texts for pair in text.partition("?")[2].partition("#")[0].split("&") if "=" in pair]
        keys, values = sorted({pair.partition("=")[0] for pair in pairs}), sorted({p.partition("=")[2] for p in pairs})
        words = [word for word in (*WORDS, *NUMBERS) if len(word) < 500]
        one = st.sampled_from([*values, *words]) | st.text(max_size=12) | st.floats().map(str) | st.integers().map(str)
        value = one | st.lists(one, min_size=2, max_size=5).map(",".join)
        key = st.sampled_from(keys or ["a"]) | st.text(max_size=5)
        option = st.tuples(key, value).map("=".join)
        head = (
            st.sampled_from(heads)
            | st.tuples(st.sampled_from(heads), st.text(max_size=8)).map("".join)
            | st.text(max_size=30)
        )
        tail = st.sampled_from(["?", "?", "#", ",", ":", ""])
        return st.tuples(head, tail, st.lists(option, max_size=4).map("&".join)).map("".join)

    return strategy


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def open_source(folder: Path, data: bytes) -> None:
    """Everything but a network, a pipeline and a device: nothing is behind these here."""
    import os

    import cv2

    from edge.camera import gstreamer, network
    from edge.camera.open import open_camera
    from tests.fuzz.of_pictures import COUNTS, GREY

    text = _text(data)
    if text.lstrip().startswith(("/", "..", "~")) and not text.startswith("/dev/null"):
        return  # the disk of whoever runs this is no case
    cv2.imwrite(str(folder / "still.png"), GREY)
    (folder / "raw.bin").write_bytes(COUNTS[:3, :4].tobytes() * 2)
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
    before = os.getcwd()
    os.chdir(folder)
    try:
        with read(text, ("still.png",)):
            pass
    finally:
        os.chdir(before)


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
    from edge.app.status.address import StatusAddress

    str(StatusAddress.parse(_text(data)))


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

    (folder / "key").write_bytes(data)
    read(folder / "key")


def read_login(folder: Path, data: bytes) -> None:
    from edge.sinks.live.broker import MqttAddress

    (folder / "login").write_bytes(data)
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

    (folder / "m.toml").write_bytes(data)
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
    Target("source", _texts(*SOURCES), open_source, "text", raises=(EdgeError,), strategy=_grammar(*SOURCES)),
    Target("pose", _texts(*POSES), open_pose, "text", strategy=_grammar(*POSES)),
    Target("lens", _texts(*LENSES), read_lens, "text", strategy=_grammar(*LENSES)),
    Target("link", _texts(*LINKS), read_link, "text", strategy=_grammar(*LINKS)),
    Target("status", _texts("9100", "127.0.0.1:9100", "[::1]:9100", "localhost:80"), read_status, "text"),
    Target("request", _texts(*REQUESTS), ask_status),
    Target("mission", missions, read_mission, "text"),
    Target("options", _texts(*OPTIONS), read_options, "text"),
    Target("key", _texts("00" * 32, "a passphrase"), read_key),
    Target("login", _texts("user\npassword\n"), read_login, "text"),
)
