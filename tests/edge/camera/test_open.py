"""Source strings: what each opens, and one clear line for each that does not."""

from __future__ import annotations

import threading
import time
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edge.camera.open as source_module
import edge.camera.simulated as simulated
from edge.camera import LatestFrames, open_camera
from edge.camera.live.pacer import Paced
from edge.camera.open import Kind
from edge.camera.options import Source
from edge.camera.stills import SUFFIXES, Stills
from edge.camera.video import VideoFile
from edge.errors import CameraError, EdgeError, SourceError


@pytest.fixture
def stills(tmp_path: Path) -> Path:
    for i in range(4):
        cv2.imwrite(str(tmp_path / f"f{i}.png"), np.full((8, 8), i, np.uint8))
    return tmp_path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "a.avi"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 100.0, (64, 48))
    for i in range(4):
        writer.write(np.full((48, 64, 3), 40 * i, np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "the source is empty"),
        ("a\0b", "NUL"),
        ("nothing/here.mp4", "no such file or folder; expected a video file"),
        ("0", "a camera is /dev/video0"),
        ("foo:bar", "no source begins with 'foo:'"),
        ("ftp://host/a.mp4", "no source begins with 'ftp:'"),
        ("rec:run1", "run1: No such file or directory"),
        ("/dev/video0?colour=1", "unknown option colour; expected format, width, height, fps"),
        ("/dev/video0?width=0", "width='0'; expected pixels"),
        ("/dev/video0?width=wide", "width='wide'; expected pixels"),
        ("/dev/video0?fps=nan", "fps='nan'; expected frames a second"),
        ("/dev/video0?fps=-3", "fps='-3'; expected frames a second"),
        ("/dev/video0?format=RAW16", "format='RAW16'; expected 1 to 4 letters"),
        ("/dev/video0?format", "expected key=value"),
        ("/dev/video0?fps=5&fps=6", "an option is given twice"),
        ("{stills}?width=5", "unknown option width; expected raw, fps, live"),
        ("{stills}?live=1", "live=1 needs a rate"),
        ("{stills}?raw=yes", "raw='yes'; expected 0 or 1"),
        ("{video}?fps=5", "unknown option fps; expected live"),
        ("{video}?live=maybe", "live='maybe'; expected 0 or 1"),
    ],
)
def test_refused(source: str, said: str, stills: Path, video: Path) -> None:
    with pytest.raises(SourceError) as caught:
        open_camera(source.format(stills=stills, video=video))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_what_opens_what(stills: Path, video: Path) -> None:
    for source, kind in (
        (str(stills), Stills),
        (f"{stills}?fps=5", Stills),
        (f"{stills}/f2.png", Stills),
        (f"{stills}/f2.png?raw=0", Stills),
        (f"{stills}?fps=5&live=1", Paced),
        (str(video), VideoFile),
        (f"{video}?", VideoFile),
        (f"{video}?live=0", VideoFile),
        (f"{video}?live=1", Paced),
    ):
        with open_camera(source) as camera:
            assert type(camera) is kind
            assert camera.live == (kind is Paced)
            assert camera.read() is not None


def test_names_with_a_colon_or_a_question_mark_are_files_if_they_exist(stills: Path, video: Path) -> None:
    for name in ("gst:5.avi", "what?live=7.avi"):
        odd = video.with_name(name)
        video.rename(odd)
        with open_camera(str(odd)) as camera:
            assert camera.frames == 4
        with open_camera(f"{odd}?live=1") as camera:
            assert camera.live
        odd.rename(video)


def test_simulator_gets_the_whole_source(monkeypatch: pytest.MonkeyPatch, stills: Path) -> None:
    camera = Stills(stills)
    given = Source("sim:a=1?b", "a=1?b", 3.0)
    monkeypatch.setattr(simulated, "open_source", lambda source: camera if source == given else None)
    assert open_camera("sim:a=1?b", 3.0) is camera


def test_a_new_kind_is_one_file_and_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stills: Path) -> None:
    (tmp_path / "my_camera.py").write_text(
        "from pathlib import Path\n"
        "from edge.camera.stills import Stills\n"
        "def open_source(source):\n"
        "    path, options = source.split('every')\n"
        "    camera = Stills(Path(path))\n"
        "    camera.description = f'{source.text} {path} {options.rate(\"every\")} {source.reconnect_s}'\n"
        "    return camera\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    row = Kind(("mine:", ".mine"), "my_camera", "mine:FOLDER")
    monkeypatch.setattr(source_module, "KINDS", (*source_module.KINDS, row))
    source = f"mine:{stills}?every=5"
    with open_camera(source, 7.0) as camera:
        assert camera.description == f"{source} {stills} 5.0 7.0"
    (tmp_path / "a.MINE").symlink_to(stills / "f1.png")
    with open_camera(tmp_path / "a.MINE") as camera:
        assert camera.frames == 1
    with pytest.raises(SourceError, match=r"unknown option all; expected every"):
        open_camera(f"mine:{stills}?all=5")
    with pytest.raises(SourceError, match=r"expected a video file, .*, mine:FOLDER"):
        open_camera("yours:x")


def test_a_kind_whose_package_is_missing_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Kind(("far:",), "far_away_driver", "far:HOST")
    monkeypatch.setattr(source_module, "KINDS", (*source_module.KINDS, row))
    with pytest.raises(SourceError, match="source 'far:x': No module named 'far_away_driver'"):
        open_camera("far:x")
    monkeypatch.setattr(source_module, "KINDS", (Kind(("far:",), "edge.no_such_file", ""),))
    with pytest.raises(ModuleNotFoundError):  # a fault of this package is none of the user's
        open_camera("far:x")


@pytest.mark.parametrize("module", [kind.module for kind in source_module.KINDS])
def test_every_row_names_a_file_that_opens(module: str) -> None:
    if module == "edge.camera.cptv":
        pytest.importorskip("cptv", reason="needs the package cptv: pip install 'thermal-edge[cptv]'")
    assert callable(import_module(module).open_source)


def test_no_mark_stands_in_two_rows_and_stills_are_what_the_row_says() -> None:
    marks = [mark for kind in source_module.KINDS for mark in kind.marks]
    assert len(set(marks)) == len(marks)
    (stills_row,) = [kind for kind in source_module.KINDS if kind.module.endswith("stills")]
    assert set(stills_row.marks) == SUFFIXES | {"/"}


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(max_size=30))
def test_any_text_opens_or_is_refused_in_one_line(text: str) -> None:
    if text.startswith(("/", ".", "~", "sim:")):
        text = "x" + text
    said = ""
    try:
        open_camera(text.replace("://", ":")).close()
    except EdgeError as error:
        said = str(error)
    assert len(said.splitlines()) <= 1


def test_one_file_holds_the_only_video_capture() -> None:
    folder = Path(source_module.__file__).resolve().parents[1]
    users = [path.name for path in folder.rglob("*.py") if "VideoCapture(" in path.read_text()]
    assert users == ["capture.py"]


def test_live_playing_keeps_the_files_time(stills: Path) -> None:
    with open_camera(f"{stills}?fps=200&live=1") as camera:
        assert camera.description.endswith("; played live at 200 fps")
        before = time.monotonic()
        frames = [camera.read() for _ in range(4)]
        assert camera.read() is None
    times = [f.t_capture for f in frames if f]
    assert times[0] >= before
    assert np.allclose(np.diff(times), 1 / 200)
    assert time.monotonic() >= times[3]


def test_live_playing_can_be_left_in_the_middle_of_a_wait(stills: Path) -> None:
    camera = open_camera(f"{stills}?fps=0.01&live=1")
    assert camera.read() is not None
    errors: list[BaseException] = []

    def read() -> None:
        try:
            camera.read()
        except CameraError as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    camera.close()
    reader.join(30)
    assert not reader.is_alive()
    assert len(errors) == 1


def test_live_playing_into_the_capture_thread(video: Path) -> None:
    with open_camera(f"{video}?live=1") as camera, LatestFrames(camera) as frames:
        seen = [frame.seq for frame in iter(frames.get, None) if frame]
        assert seen == sorted(set(seen))
        assert seen[-1] == 3
        assert len(seen) + frames.dropped == 4
