"""A mission: what of it is wrong is told with file, line, key, what came, what is expected; what is right is taken."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.app.mission.check import every_key, form
from edge.app.mission.lines import parse
from edge.app.mission.read import MOST_BYTES, MOST_SAID, MissionError, read_mission
from edge.errors import InputError
from edge.health.strain import Limits

LEAST = '[camera]\nsource = "sim:"\n[outputs]\nfolder = "out"\n'


def put(folder: Path, text: str | bytes, name: str = "m.toml") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def faults(folder: Path, text: str | bytes) -> list[str]:
    path = put(folder, text)
    with pytest.raises(MissionError) as caught:
        read_mission(path)
    assert isinstance(caught.value, InputError)
    assert caught.value.exit_code == 2
    assert all(fault.startswith((f"{path}:", f"mission {path}")) for fault in caught.value.faults)
    assert all(fault.isprintable() for fault in caught.value.faults)
    return [fault.removeprefix(f"{path}:") for fault in caught.value.faults]


def test_the_least_mission(tmp_path: Path) -> None:
    mission = read_mission(put(tmp_path, LEAST, "deer.toml"))
    assert mission.name == "deer"
    assert mission.sha256 == hashlib.sha256(LEAST.encode()).hexdigest()
    assert mission.options() == {"source": ["sim:"], "out": tmp_path / "out", "outputs": []}
    run = mission.settings()
    assert (run.source, run.out, run.mission) == ("sim:", tmp_path / "out", mission.stamp)
    assert mission.sinks() == []
    assert mission.where("camera", "source") == f"{tmp_path}/deer.toml:2"
    assert mission.where("outputs", "video") == f"{tmp_path}/deer.toml:3"
    assert mission.where("lens", "focal_mm") == f"{tmp_path}/deer.toml"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'name = "x"\n[camera]\nsorce = "sim:"\n[outputs]\nfolder = "o"',
            "3: camera.sorce is unknown: is camera.source meant?",
        ),
        (
            '[camera]\nsource = "sim:"\nfolder = "o"\n[outputs]\nfolder = "o"',
            "3: camera.folder is unknown: is outputs.folder meant? A key belongs to the [table] above it",
        ),
        (LEAST + "[lenz]\n", "5: lenz is unknown: is lens meant?"),
        ('format = "1"\n' + LEAST, '1: format = "1": expected 1'),
        (LEAST + "[xyz]\n", "5: xyz is unknown: expected one of format, name, camera, "),
        (
            "[outputs]\nfolder = 'o'",
            " the table [camera] is missing: expected [camera] and below it source = \"/dev/video0\"",
        ),
        ("[camera]\n[outputs]\nfolder = 'o'", '1: [camera] has no source: expected source = "/dev/video0"'),
        (
            LEAST + "[model]\nthreshold = 1.5",
            "6: model.threshold = 1.5: expected a number, 1 or less, such as threshold = 0.5",
        ),
        (LEAST + "[model]\nthreshold = nan", "6: model.threshold = nan: expected a number, 0 or more"),
        (LEAST + "[model]\nthreshold = inf", "6: model.threshold = inf: expected a number, 1 or less"),
        (LEAST + "[model]\nthreshold = true", "6: model.threshold = true: expected a number"),
        (LEAST + '[model]\nthreshold = "0.5"', '6: model.threshold = "0.5": expected a number'),
        (LEAST + '[model]\nbackend = "tr"', '6: model.backend = "tr": expected "auto" or "ort" '),
        (LEAST + '[model]\nbackend = "tr"', 'is "trt" meant?'),
        (LEAST + '[model]\ntiles = "9"', "6: model.tiles = \"9\": tiles '9': expected"),
        (LEAST + '[model]\nnormalise = "blur"', '6: model.normalise = "blur": '),
        (LEAST + "[model]\noverride_normalise = true", "6: model.override_normalise is of normalise"),
        (LEAST + "lens = 3", "5: outputs.lens is unknown: is lens meant?"),
        ("lens = 3\n" + LEAST, "1: lens = 3: expected a table: [lens] and its keys below it"),
        ("name = 3\n" + LEAST, '1: name = 3: expected a text, such as name = "deer north"'),
        ("format = 2\n" + LEAST, "1: format = 2: expected 1"),
        (LEAST + "[limits]\nframes = 0x" + "f" * 9000, "6: limits.frames = a number of 36000 bits: "),
        (LEAST + "[lens]\ncalibration = 'no.yml'", '6: lens.calibration = "no.yml": there is no /'),
        ('name = "a\\u0000b"\n' + LEAST, '1: name = "a\\u0000b": expected a text without control characters'),
        (LEAST + "video = 1", "5: outputs.video = 1: expected true or false, such as video = true"),
        (
            LEAST + "[lens]\nfocal_mm = 9",
            "5: [lens] has focal_mm: expected focal_mm and pitch_um; camera and focal_mm; hfov_deg",
        ),
        (LEAST + "[lens]\n", "5: [lens] has no key: expected"),
        (LEAST + "[lens]\nhfov_deg = 200", "5: lens = "),
        (LEAST + "[ground]\n", "5: [ground]: expected model or level_m, one of the two"),
        (LEAST + "[mounting]\nyaw_deg = 361", "6: mounting.yaw_deg = 361: expected a number, 360 or less"),
        (
            LEAST + "[pose]\nsource = 'tlog:x?mount=0,0,0'",
            "6: pose.source = \"tlog:x?mount=0,0,0\": expected it without ?",
        ),
        (LEAST + "[pose]\nsource = 'a.srt'", '6: pose.source = "a.srt": expected mavlink:udp:HOST:PORT'),
        (LEAST + "[pose]\nsource = 'exif'\nmount = [0, -90]", "7: pose.mount = [0, -90]: expected a list of length 3"),
        (
            LEAST + "[pose]\nsource = 'exif'\nmount = [0, -90, 0]\ngimbal = 'body'",
            "8: pose.gimbal: mount is a camera without",
        ),
        (
            LEAST + "[pose]\nsource = 'exif'\nstart = 2026-05-01T20:15:30",
            "7: pose.start = 2026-05-01 20:15:30: expected a time with",
        ),
        (
            LEAST + "record = true\n[limits]\nrecord_budget = '20'",
            '7: limits.record_budget = "20": expected a size of 1MB or more',
        ),
        (
            LEAST + "[limits]\nrecord_budget = '20GB'",
            "6: limits.record_budget is of a recording: expected outputs.record",
        ),
        (LEAST + "[limits]\ndisk_left = '20'", '6: limits.disk_left = "20": expected a size of 1MB or more'),
        (LEAST + "[limits]\nmemory_left = '1'", '6: limits.memory_left = "1": expected a size of 1MB or more'),
        (LEAST + "[limits]\nheat_margin_k = 101", "6: limits.heat_margin_k = 101: expected "),
        (LEAST + "[limits]\nframes = 0", "6: limits.frames = 0: expected a whole number, 1 or more"),
        (LEAST + "[links.cot]\nto = 'udp:host'", '6: links.cot.to = "udp:host": expected udp:HOST:PORT'),
        (LEAST + "[links.cot]\nto = 'udp:h:1'\nca = 'x'", "7: links.cot.ca is of TLS: expected to = tls:HOST:PORT"),
        (LEAST + "[links.cot]\nto = 'tls:h:1'\nkey = 'x'", "7: links.cot.key is of a certificate: expected cert too"),
        (LEAST + "[links.cot]\n", '5: [links.cot] has no to: expected to = "udp:239.2.3.1:6969"'),
        (LEAST + "[links.mavlink]\nto = 'udp:h:1'\nbaud = 3", '6: links.mavlink.to = "udp:h:1": expected'),
        (LEAST + "[links.mavlink]\nto = 'udp:h:1?signing=x'", "options are keys of their own"),
        (LEAST + "[links.web]\nat = 'host'", '6: links.web.at = "host": expected PORT or HOST:PORT'),
        (LEAST + "[links.web]\nat = '80?map=x'", "options are keys of their own"),
        (LEAST + "[links.web]\nat = '80'\nmap = 'none.pmtiles'", "7: links.web.map"),
        (LEAST + "[links.status]\nat = 'host'", '6: links.status.at = "host": expected PORT or HOST:PORT'),
        (LEAST + "[links.webhook]\n", "5: [links.webhook]: expected url or url_file"),
        (LEAST + "[links.webhook]\nurl = 'ftp://x'", '6: links.webhook.url = "ftp://x": expected http://HOST/PATH'),
        (
            LEAST + "[links.webhook]\nurl = 'http://x/?token=abc'",
            "6: links.webhook.url holds a secret, and a mission holds none: expected url_file",
        ),
        (LEAST + "[links.mqtt]\nurl = 'mqtt://h/t?login=x'", "options are keys of their own"),
        (LEAST + "[links.foxglove]\nat = 'ws://h:1'", '6: links.foxglove.at = "ws://h:1": expected PORT or HOST:PORT'),
        (LEAST + "[links.ros2]\ntopic = 'a b'", '6: links.ros2.topic = "a b": expected the name of a topic'),
        (LEAST + "[links.mqtt]\nurl = 'mqtt://h/t'\ncert = 'x'", "7: links.mqtt.cert is of TLS"),
        (LEAST.replace("sim:", "clip.mp4?live=1"), '2: camera.source = "clip.mp4?live=1": expected it without ?'),
        (LEAST.replace("sim:", "rtsp://u:geheim@h/x"), '2: camera.source = "rtsp://u:***@h/x": it holds a password'),
        (LEAST.replace('"sim:"', '["a", "sim:"]'), '2: camera.source: "sim:" in a list'),
        (LEAST.replace('"sim:"', "[]"), "2: camera.source = []: expected a list of length"),
        (
            LEAST.replace('"sim:"', '"sim:"\ncrop = [0, 0, 0, 5]'),
            "3: camera.crop = [0, 0, 0, 5]: expected a whole number, 1 or more",
        ),
        (
            LEAST.replace('"sim:"', '"sim:"\nprofile = "bosn"'),
            "3: camera.profile = \"bosn\": source 'source': camera='bosn'; expected one of",
        ),
        (
            LEAST.replace('"sim:"', '"sim:"\noptions = {crop = 1}'),
            "3: camera.options.crop: expected it in [camera], as crop",
        ),
        (LEAST.replace('"sim:"', '"sim:"\noptions = {a = inf}'), "3: camera.options = {a = inf}: "),
        (
            LEAST.replace('"sim:"', '"rtsp://h/x"\noptions = {a = 1}'),
            "3: camera.options: expected the options of a URL",
        ),
        (LEAST.replace('"sim:"', '"sim:"\nlogin = "x"'), "3: camera.login is of a URL"),
        (LEAST.replace('"sim:"', '"sim:"\nverify = "x"'), "3: camera.verify compares a replay"),
        (LEAST.replace('"out"', '"o-{day}"'), '4: outputs.folder = "o-{day}": expected a path, perhaps with {date}'),
    ],
)  # fmt: skip
def test_each_fault_has_its_line_and_the_right_form(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "x").touch()
    (fault,) = faults(tmp_path, text)
    assert told in fault
    assert fault.startswith(told) or not told[0].isdigit()
    assert "geheim" not in fault


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[camera]\nsource = /dev/video0\n", '2: "source = /dev/video0": expected a value: texts stand in quotes'),
        ("[camera]\nsource\n", '2: "source": expected KEY = VALUE, or a [table]'),
        ('[camera]\nsource = "a"\nsource = "b"\n', '3: "source = \\"b\\"": this key is there twice'),
        ("[camera]\n[camera]\n", '2: "[camera]": this table is there twice'),
        ('a = "x\n', '1: "a = \\"x": expected a text on one line'),
        ('a = "x', '1: "a = \\"x": expected the quotes at the end'),
        ("a = 1 b = 2\n", '1: "a = 1 b = 2": expected nothing more on this line'),
        ('a = "\\x"\n', r'1: "a = \"\\x\"": expected \\ for a backslash'),
        ("source = rtsp://u:geheim@h/x", '1: "source = rtsp://u:***@h/x": expected a value'),
        (b"\n\xff", "2: it is no UTF-8"),
        ("a = 1".encode("utf-16"), "1: it is no UTF-8"),
        (b"a = 1\n\0", "2: it holds a NUL byte"),
        ("a = " + "[" * 3000, " tables and lists within each other, more than 20 deep"),
        ("a = " + "9" * 5000, " a value cannot be read"),
        ("a = 2026-02-30", "1: "),
        (b"#" * (MOST_BYTES + 1), f" it is larger than {MOST_BYTES} bytes"),
    ],
)  # fmt: skip
def test_what_is_no_toml_is_told_in_one_line(tmp_path: Path, text: str | bytes, told: str) -> None:
    (fault,) = faults(tmp_path, text)
    assert told in fault
    assert "geheim" not in fault
    assert len(fault) < 300


def test_what_cannot_be_read(tmp_path: Path) -> None:
    for path, told in (
        (tmp_path / "none.toml", "No such file"),
        (tmp_path, "Is a directory"),
        (Path("a\0b"), "expected the name of a TOML file"),
    ):
        with pytest.raises(MissionError, match=told):
            read_mission(path)


def test_several_faults_are_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = 'nmae = "x"\n[camera]\nsource = "sim:"\ncrop = 3\n[lens]\nhfov_deg = 45\nfocal_mm = 9\n'
    text += '[outputs]\n[model]\ntiles = "x"'
    assert [fault.partition(":")[0] for fault in faults(tmp_path, text)] == ["1", "4", "5", "8", "10"]
    many = LEAST + "".join(f"k{n} = 1\n" for n in range(MOST_SAID + 7))
    told = faults(tmp_path, many)
    assert len(told) == MOST_SAID + 1
    assert told[-1] == " and 7 more faults"


def test_every_example_is_taken_where_it_belongs(tmp_path: Path) -> None:
    """What an error or the page shows as the right form is one."""
    beside = {
        ("camera", "login"): 'source = "rtsp://h/x"',
        ("camera", "verify"): 'source = "rec:x"',
        ("lens", "focal_mm"): "pitch_um = 12",
        ("lens", "pitch_um"): "focal_mm = 9",
        ("lens", "camera"): "focal_mm = 9",
        ("lens", "vfov_deg"): "hfov_deg = 45",
        ("lens", "size"): "hfov_deg = 45",
        ("model", "override_normalise"): 'normalise = "minmax"',
        ("links", "cot", "to"): " ",
        ("links", "cot"): 'to = "tls:h:1"\ncert = "c"',
        ("links", "mavlink"): 'to = "/dev/ttyS0"',
        ("links", "mavlink", "to"): " ",
        ("links", "mqtt"): 'url = "mqtts://h/t"\ncert = "c"',
        ("links", "web"): 'at = "8080"',
        ("camera",): 'source = "sim:"',
        ("pose",): 'source = "exif"',
        ("outputs",): 'folder = "o"',
    }
    seen = 0
    for _, one in every_key():
        if one.key and one.key.file and isinstance(one.key.example, str) and "/" not in one.key.example:
            (tmp_path / one.key.example).touch()
    (tmp_path / "c").touch()
    for path, one in every_key():
        if one.key is None or path == ("limits", "record_budget"):
            continue
        more = beside.get(path) or beside.get(path[:-1], "")
        own = [line for line in more.split("\n") if line.partition(" ")[0] != path[-1]]
        tables = {path[:-1]: [*own, form(path[-1], one.key.example)]}
        tables.setdefault(("camera",), ['source = "sim:"'])
        tables.setdefault(("outputs",), ['folder = "o"'])
        top = tables.pop((), [])
        text = "\n".join([*top, *(f"[{'.'.join(at)}]\n" + "\n".join(lines) for at, lines in tables.items())])
        mission = read_mission(put(tmp_path, text))
        seen += 1
        option = one.key.option
        secret = path in (("camera", "login"), ("links", "webhook", "url_file"))
        if option and not secret and path != ("lens", "calibration"):
            assert option in mission.options(), path
    assert seen > 60


def test_a_file_of_nothing_but_unknown_keys_is_told_quickly(tmp_path: Path) -> None:
    text = "".join(f"key{n} = 1\n" for n in range(5000))
    told = faults(tmp_path, text)
    assert told[0] == (' the table [camera] is missing: expected [camera] and below it source = "/dev/video0"')
    assert told[2].startswith("1: key0 is unknown: ")
    assert len(told) == MOST_SAID + 1
    assert all(len(fault) < 200 for fault in faults(tmp_path, "k" * 60_000 + " = 1\n"))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
KEYS = [(path, one) for path, one in every_key() if one.key]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(KEYS), JUNK), max_size=4), st.binary(max_size=3), st.integers(0, 200))
def test_whatever_stands_in_it_nothing_else_is_raised(
    tmp_path_factory: pytest.TempPathFactory, given: list[Any], junk: bytes, at: int
) -> None:
    lines = [LEAST, *(f"[{'.'.join(path[:-1])}]\n{form(path[-1], value)}" for (path, _), value in given if path[:-1])]
    text = "\n".join(lines).encode(errors="replace")
    path = put(tmp_path_factory.getbasetemp(), text[:at] + junk + text[at:], "junk.toml")
    try:
        read_mission(path)
    except MissionError:
        pass
    else:
        parse(path.read_text())


def test_limits_of_the_board(tmp_path: Path) -> None:
    text = LEAST + "[limits]\ndegrade = false\nheat_margin_k = 8\nmemory_left = '300MB'\ndisk_left = '2GB'\n"
    assert read_mission(put(tmp_path, text)).settings().limits == Limits(8.0, 300_000_000, 2_000_000_000, False)
    assert read_mission(put(tmp_path, LEAST)).settings().limits == Limits()
