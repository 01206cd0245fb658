"""edge run --mission and --write-mission: each option has its key, and a mission does what the options do."""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from edge.app.mission.check import every_key
from edge.app.mission.folder import check_pattern, folder_of
from edge.app.mission.mission import LINKS, OUTPUTS
from edge.app.mission.read import read_mission
from edge.app.mission.write import mission_text
from edge.commands.main import _parser, main
from edge.commands.mission.take import _NO_KEY, take_mission
from edge.errors import InputError
from edge.model.bundled import MODELS

SIM = "sim:width=80,height=64,pitch=-90,people=0,deer=0,cars=0,live=0,frames=3"
NOW = datetime(2026, 5, 1, 20, 15, 30, tzinfo=timezone.utc)


def run_parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = _parser().parse_args(["run", "--mission", "m.toml"]).parser
    return parser


def test_every_option_of_a_run_has_its_key() -> None:
    """A new option without a key in edge/app/mission/declared.py fails here, as does a key of no option."""
    actions = [one for one in run_parser()._actions if one.dest not in {*_NO_KEY, "help"}]
    assert {one.key.option for _, one in every_key() if one.key and one.key.option} == {one.dest for one in actions}
    assert {one.const for one in actions if one.dest == "outputs"} == set(OUTPUTS)
    assert {path[-1] for path, one in every_key() if one.key and one.key.option == "outputs"} == set(OUTPUTS)
    assert set(LINKS) <= {one.dest for one in actions}


# options: what they are worth is the same when they come from the mission that was written of them
WORDS = [
    "--source /dev/video0?format=Y16&width=640&fps=9.5",
    "--source sim:seed=1,altitude=60?crop=0,0,640,512&palette=black-hot",
    "--source rtsp://h/x?a=b#crop=0,0,640,512",
    "--source rtsp://h/x?a=b",
    "--source gst:videotestsrc!x=1!appsink",
    "--source a b ?fps=5&recursive=1",
    "--source clip%201.mp4?live=1&kelvin=0.01&camera=boson&endian=big",
    "--source FOLDER?mask=MASK",
    "--source rec:FOLDER --verify FILE",
    "--lens focal=9.1,pitch=12",
    "--lens hfov=45,vfov=36.5,size=640x512",
    "--lens focal=13,camera=boson",
    "--ground 2.5",
    "--ground 0",
    "--ground FILE",
    "--mounting yaw_offset_deg=3,height_offset_m=-2.5,roll_deg=0",
    "--pose mavlink:udp:0.0.0.0:14550?mount=0,-90,0&system=3",
    "--pose mavlink:/dev/ttyS0?baud=921600&signing=FILE",
    "--pose tlog:FILE?offset=-1.5&start=2026-05-01T20:15:30Z&gimbal=earth",
    "--pose exif?altitude=relative&ground=120&camera=0,-90,0",
    "--pose exif",
    "--coverage",
    "--coverage class=Person,size=0.8,px=8,frames=3,kelvin=2",
    "--cot udp:[ff02::1]:6969",
    "--cot tls:h:8089?ca=FILE&cert=FILE&key=FILE&name=tak.example",
    "--mavlink-out udp:h:14550?signing=FILE",
    "--mavlink-out /dev/ttyS1?baud=921600",
    "--webhook https://h/p?x=1",
    "--mqtt mqtts://h:99/a/b?login=FILE&ca=FILE&cert=FILE&key=FILE",
    "--mqtt mqtt://h/t",
    "--foxglove 8765 --ros2 /thermal/detections",
    "--foxglove [::1]:8765",
    "--model FOLDER",
    "--threshold 0.35 --tiles 2x3 --backend ort-int8",
    "--threshold 0.5,Animal=0.2 --trusted-key FILE",
    "--threshold Animal=0.2,Person=0.6 --backend openvino",
    f"--trusted-key RW{'A' * 54}",
    "--normalise window:low=5,high=25,unit=celsius --override-normalise",
    "--trust-engine --zero-copy --spin",
    "--map --video --csv --kmz --geojson --trace --pictures",
    "--record --record-budget 20GiB",
    "--frames 10 --seconds 0.5 --policy every --reconnect-seconds 0",
]


def asked(words: list[str]) -> dict[str, Any]:
    arguments = _parser().parse_args(["run", *words])
    if arguments.mission:
        take_mission(arguments)
    found = {**vars(arguments), "mission": None, "given": None, "parser": None}
    return {name: sorted(value) if name == "outputs" else value for name, value in found.items()}


@pytest.mark.parametrize("words", WORDS)
def test_a_written_mission_does_what_its_options_do(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here" / "f d").mkdir(parents=True)
    (tmp_path / "here" / "file 1").touch()
    (tmp_path / "here" / "m&m.png").touch()
    monkeypatch.chdir(tmp_path / "here")
    here = str(tmp_path / "here")
    quoted = words.replace("FOLDER", f"{here}/f d").replace("MASK", f"{here}/m&m.png").replace("FILE", f"{here}/file 1")
    given = [
        word.replace("\0", " ") for word in quoted.replace("f d", "f\0d").replace("file 1", "file\0" + "1").split()
    ]
    if "?mask=" in words:
        given = [word.replace("m&m", "m%26m") for word in given]
    given += [] if "--source" in given else ["--source", SIM]
    given += ["--out", f"{here}/out"]
    for folder in (tmp_path / "here", tmp_path / "other"):  # paths below the file's folder are relative, others are not
        folder.mkdir(exist_ok=True)
        path = folder / "m.toml"
        assert main(["run", *given, "--write-mission", str(path)]) == 0
        assert capsys.readouterr().out == f"{path} is written; next: edge run --mission {path}\n"
        expected = asked(given)
        expected["source"] = [one if one[0] not in "ab" else f"{here}/{one}" for one in expected["source"]]
        expected["source"] = [f"{here}/{one}" if one.startswith("clip") else one for one in expected["source"]]
        found = asked(["--mission", str(path)])
        assert parts(found) == parts(expected)


def parts(values: dict[str, Any]) -> dict[str, Any]:
    """The same with options in any order and form: 0.5 is 0.50, a comma is %2C."""
    from urllib.parse import unquote

    def of(text: Any) -> Any:
        if not isinstance(text, str) or "=" not in text:
            return text
        pieces = text.replace("#", "?").replace("&", "?").replace(",", "?").split("?")
        return sorted(unquote(piece).replace("+00:00", "Z") for piece in pieces)

    return {
        name: [of(one) for one in value] if isinstance(value, list) else of(str(value) if name in PATHS else value)
        for name, value in values.items()
    }


PATHS = {"out", "model", "verify"}


# ---- the folder of a run ----


def test_a_pattern_makes_a_new_folder_for_each_run(tmp_path: Path) -> None:
    def made(pattern: str) -> str:
        folder = folder_of(f"{tmp_path}/{pattern}", "deer / north", NOW)
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder.relative_to(tmp_path))

    assert made("{date}/{time}") == "2026-05-01/20-15-30"
    assert made("{date}/{time}") == "2026-05-01/20-15-30-2"
    assert made("{name}-{n}") == "deer-north-0001"
    assert made("{name}-{n}") == "deer-north-0002"
    assert [made("plain"), made("plain")] == ["plain", "plain"]  # as --out
    assert [made("{name}"), made("{name}")] == ["deer-north", "deer-north"]
    with pytest.raises(InputError, match="File name too long: expected a folder"):
        made("x" * 300 + "{n}")
    for wrong in ("{day}", "{", "a}b", "{n}{x}", "{date:%Y}"):
        with pytest.raises(InputError, match="expected a path"):
            check_pattern(wrong)


# ---- what is run ----


def put(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "north.toml"
    path.write_text(text)
    return path


def test_a_mission_flies(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put(
        tmp_path / "missions",
        f'name = "deer north"\n[camera]\nsource = "{SIM}"\n[model]\nbundle = "../bundle"\nthreshold = 0.9\n'
        'backend = "null"\n[outputs]\nfolder = "flights/{n}"\ncsv = true\n[limits]\nframes = 3\n',
    )
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--mission", str(path), "--frames", "2", "--threshold", "0.9", "--kmz"]) == 0
    said = capsys.readouterr().err
    assert f"edge: --frames 2 wins over {path}:12\n" in said
    assert "--threshold" not in said  # the same
    out = tmp_path / "missions" / "flights" / "0001"
    report = json.loads((out / "report.json").read_text())
    stamp = read_mission(path).stamp
    assert report["mission"] == {"name": "deer north", "file": str(path), "sha256": stamp.sha256}
    assert (report["frames"], report["threshold"], report["model"]) == (2, 0.9, "tiny")
    assert {"csv", "kmz"} <= report["sinks"].keys()
    first = json.loads((out / "detections.jsonl").read_text().partition("\n")[0])
    assert first["mission"] == {"name": "deer north", "sha256": stamp.sha256}
    assert main(["run", "--mission", str(path), "--quiet"]) == 0
    assert (tmp_path / "missions" / "flights" / "0002" / "report.json").exists()


def test_every_fault_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path, '[camera]\nsorce = "x"\n[outputs]\nfolder = 3\n')
    assert main(["run", "--mission", str(path)]) == 2
    assert capsys.readouterr().err == (
        f"edge: {path}:2: camera.sorce is unknown: is camera.source meant?\n"
        f'edge: {path}:4: outputs.folder = 3: expected a text, such as folder = "flights/{{date}}-{{time}}"\n'
    )


def test_what_cannot_be_opened_is_told_with_its_line(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        f'[camera]\nsource = "none.mp4"\n[outputs]\nfolder = "o"\n[model]\nbundle = "{tiny_bundle}"\nbackend = "null"\n'
    )
    path = put(tmp_path, text)
    assert main(["run", "--mission", str(path)]) == 2
    assert f"edge: {path}:2: camera.source: source '{tmp_path}/none.mp4': no such file" in capsys.readouterr().err
    assert main(["run", "--mission", str(path), "--source", "no.mp4"]) == 2
    said = capsys.readouterr().err
    assert "edge: --source no.mp4 wins over" in said
    assert "edge: source 'no.mp4': no such file" in said
    path.write_text(text.replace(str(tiny_bundle), "nobody"))
    assert main(["run", "--mission", str(path)]) == 2
    assert f"edge: {path}:6: model.bundle: model bundle {tmp_path}/nobody" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('[pose]\nsource = "tlog:none.tlog"', ":9: pose.source: pose "),
        ("[coverage]\nclass = 'Unicorn'", ":8: coverage: coverage class=Unicorn: the model has no such class"),
        ("[ground]\nmodel = 'north.toml'", ":8: ground: ground model "),
        (
            "[model.thresholds]\nUnicorn = 0.2",
            ":8: model.thresholds: threshold of 'Unicorn': the model has no such class",
        ),
        ("[links.cot]\nto = 'tls:127.0.0.1:9'\nca = 'north.toml'", ":8: links.cot: --cot: ca="),
    ],
)
def test_what_a_run_finds_at_its_start_is_told_with_its_line(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, told: str
) -> None:
    path = put(
        tmp_path,
        f'[camera]\nsource = "{SIM}"\n[outputs]\nfolder = "o"\n[model]\nbundle = "bundle"\nbackend = "null"\n{more}\n',
    )
    assert main(["run", "--mission", str(path), "--quiet"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"edge: {path}{told}")
    assert said.count("\n") == 1


def test_secrets_come_from_files_and_stay_there(tmp_path: Path) -> None:
    (tmp_path / "camera.login").write_text("me\nge:he/im\n")
    (tmp_path / "hook.url").write_text("https://h/p?token=geheim\n")
    text = '[camera]\nsource = "rtsp://h/x"\nlogin = "camera.login"\n[outputs]\nfolder = "o"\n'
    path = put(tmp_path, text + '[links.webhook]\nurl_file = "hook.url"\n')
    options = read_mission(path).options()
    assert options["source"] == ["rtsp://me:ge%3Ahe%2Fim@h/x"]
    assert options["webhook"].query == "token=geheim"
    for content, told in (
        (None, "there is no"),
        (b"", "expected a file with"),
        (b"\xff", "expected a file"),
        (b"a\nb\x1b", "expected"),
    ):
        (tmp_path / "camera.login").unlink(missing_ok=True)
        if content is not None:
            (tmp_path / "camera.login").write_bytes(content)
        with pytest.raises(InputError, match=told):
            read_mission(path).options()


# ---- what is written ----


def test_a_file_to_begin_with_has_every_key_and_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "begin.toml"
    assert main(["run", "--write-mission", str(path)]) == 0
    text = path.read_text()
    assert read_mission(path).options(NOW)["out"] == tmp_path / "flights" / "2026-05-01-20-15-30"
    for at, one in every_key():
        assert (f"{at[-1]} = " if one.key else f"[{'.'.join(at)}]") in text
    assert main(["run", "--write-mission", str(path)]) == 2
    assert "is there already: give another file" in capsys.readouterr().err
    assert path.read_text() == text


def test_a_bundled_model_stays_a_name_and_is_found_from_anywhere(tmp_path: Path) -> None:
    text = mission_text({"source": SIM, "out": tmp_path / "o", "model": "hituav-r18"}, "m", tmp_path)
    assert '\nbundle = "hituav-r18"  #' in text
    (tmp_path / "m.toml").write_text(text)
    assert read_mission(tmp_path / "m.toml").options()["model"] == str(MODELS / "hituav-r18")


def test_what_is_missing_is_said_and_no_password_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.toml"
    assert main(["run", "--write-mission", str(path), "--map"]) == 0
    lines = path.read_text().splitlines()
    camera, outputs = lines.index("[camera]") + 1, lines.index("[outputs]") + 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        f'{path}:{camera}: [camera] has no source: expected source = "/dev/video0"',
        f'{path}:{outputs}: [outputs] has no folder: expected folder = "flights/{{date}}-{{time}}"',
    ]
    path.unlink()
    for option, value in (("--source", "rtsp://u:geheim@h/x"), ("--webhook", "http://h/?token=geheim")):
        assert main(["run", "--write-mission", str(path), option, value]) == 2
        said = capsys.readouterr().err
        assert "holds a password, and a mission holds none" in said
        assert "geheim" not in said
    assert not path.exists()
    assert main(["run", "--write-mission", str(path), "--mission", "x"]) == 2
    path.touch()
    assert main(["run", "--write-mission", str(path / "x")]) == 2


@pytest.mark.parametrize(
    "words", ["--lens focl=9,pitch=12", "--coverage klass=Person", "--mounting yaw=3", "--pose exif?x=1"]
)
def test_what_has_no_key_is_not_left_out_without_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    path = tmp_path / "m.toml"
    assert main(["run", "--write-mission", str(path), "--source", SIM, "--out", "o", *words.split()]) == 2
    assert "has no key: expected " in capsys.readouterr().err
    assert not path.exists()


def test_options_of_a_source_keep_their_text(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    source = "/dev/video0?format=Y16&width=640&fps=9.50&a=007&b=nan&c=1_0&d=1e3&e=-3&f=2.5"
    assert main(["run", "--write-mission", str(path), "--source", source, "--out", "o"]) == 0
    assert read_mission(path).options()["source"] == [source]
    assert 'width = 640, fps = "9.50", a = "007", b = "nan"' in path.read_text()


def test_without_a_mission_source_and_out_are_required(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["run", "--map"])
    assert "the following arguments are required: --source, --out" in capsys.readouterr().err
