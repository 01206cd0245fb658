"""Video files, made here with OpenCV's own writer: what is read, and what is refused."""

from __future__ import annotations

import functools
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.camera.decode.container import read_promise
from edge.camera.video import VideoFile
from edge.data import Frame
from edge.errors import CameraError, SourceError
from tests.support.children import run_child

ROOT = Path(__file__).resolve().parents[3]

SHARED = ROOT.parent / "shared" / "data"

N, FPS, WIDTH, HEIGHT = 20, 10.0, 64, 48

Grey = npt.NDArray[np.uint8]


def pictures(n: int = N, width: int = WIDTH, height: int = HEIGHT) -> list[Grey]:
    """Smooth noise that moves: every frame another, and none that compresses to nothing."""
    noise = np.random.default_rng(7).integers(0, 256, (height, width), np.uint8)
    base = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)  # type: ignore[call-overload]
    return [np.roll(base, 3 * i, axis=1) for i in range(n)]


def write(path: Path, codec: str, frames: list[Any], fps: float = FPS, close: bool = True) -> Any:
    height, width = frames[0].shape[:2]
    deep, colour = frames[0].dtype == np.uint16, frames[0].ndim == 3
    options = [
        *(cv2.VIDEOWRITER_PROP_IS_COLOR, 0 if deep else 1),
        *(cv2.VIDEOWRITER_PROP_DEPTH, cv2.CV_16U if deep else cv2.CV_8U),
    ]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), fps, (width, height), options)
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame if deep or colour else cv2.merge([frame] * 3))
    if close:
        writer.release()
    return writer


def read_all(path: Path) -> tuple[list[Frame], CameraError | None]:
    frames: list[Frame] = []
    with VideoFile(path) as video:
        try:
            while (frame := video.read()) is not None:
                frames.append(frame)
        except CameraError as error:
            return frames, error
    return frames, None


def jpegs_of(path: Path) -> list[Grey]:
    """The luma of each JPEG in an MJPEG AVI, without any video reader."""
    data, found = path.read_bytes(), []
    at = data.find(b"00dc", data.find(b"movi"))
    while at >= 0 and len(found) < 10_000:
        size = struct.unpack_from("<I", data, at + 4)[0]
        jpeg = np.frombuffer(data[at + 8 : at + 8 + size], np.uint8)
        found.append(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE))
        at += 8 + size + size % 2
        at = at if data[at : at + 4] == b"00dc" else -1
    return found  # type: ignore[return-value]


def test_lossless_grey_comes_back_exactly(tmp_path: Path) -> None:
    write(tmp_path / "a.avi", "FFV1", pictures())
    frames, error = read_all(tmp_path / "a.avi")
    assert error is None
    assert [f.seq for f in frames] == list(range(N))
    assert all(np.array_equal(f.pixels, p) for f, p in zip(frames, pictures(), strict=True))
    times = [f.t_capture for f in frames]
    assert times == sorted(times)


def test_mjpeg_is_the_luma_the_camera_wrote(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    write(path, "MJPG", pictures())
    frames, _ = read_all(path)
    luma = jpegs_of(path)
    assert len(frames) == len(luma) == N
    assert max(int(np.abs(f.pixels.astype(int) - y).max()) for f, y in zip(frames, luma, strict=True)) <= 1


def test_what_is_said_about_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    write(path, "MJPG", pictures())
    with VideoFile(path) as video:
        assert (video.live, video.fps, video.frames) == (False, FPS, N)
        assert video.description == (
            f"{path}: video, 64x48 8-bit grey, 10 fps, 20 frames, MJPG, FFMPEG of OpenCV {cv2.__version__}"
        )


@pytest.mark.parametrize("name", ["a.mkv", "a.avi"])
def test_16_bit_grey_stays_16_bit(tmp_path: Path, name: str) -> None:
    counts = [(p.astype(np.uint16) * 97 + 7003) for p in pictures(5)]
    write(tmp_path / name, "FFV1", counts)
    frames, error = read_all(tmp_path / name)
    assert error is None
    assert all(f.pixels.dtype == np.uint16 for f in frames)
    assert all(np.array_equal(f.pixels, c) for f, c in zip(frames, counts, strict=True))


def test_colour_palette_is_noted(tmp_path: Path) -> None:
    grey = pictures(6)
    frames: list[Any] = [cv2.merge([g] * 3) for g in grey[:3]]
    frames += [cv2.applyColorMap(g, cv2.COLORMAP_JET) for g in grey[3:]]
    path = tmp_path / "a.avi"
    write(path, "FFV1", frames)
    with VideoFile(path) as video:
        assert "in colour" not in video.description.replace(str(path), "")
        got = [video.read() for _ in frames]
        assert video.description.count("in colour from frame 3 on") == 1
    assert got[5] is not None
    assert np.array_equal(got[5].pixels, cv2.cvtColor(frames[5], cv2.COLOR_BGR2GRAY))


def spied(monkeypatch: pytest.MonkeyPatch, **instead: Callable[..., Any]) -> None:
    """The real cv2.VideoCapture, with some methods answering through ``instead(real, *arguments)``."""
    real_class = cv2.VideoCapture

    class Spied:
        def __init__(self, *arguments: Any) -> None:
            self._real = real_class(*arguments)

        def __getattr__(self, name: str) -> Any:
            return functools.partial(instead[name], self._real) if name in instead else getattr(self._real, name)

    monkeypatch.setattr(cv2, "VideoCapture", Spied)


def test_size_that_changes_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As GStreamer delivers it; OpenCV's FFmpeg reader forces the first size on every frame."""
    write(tmp_path / "a.avi", "FFV1", pictures())

    def retrieve(real: cv2.VideoCapture) -> tuple[bool, Any]:
        ok, picture = real.retrieve()
        return ok, picture[:40] if real.get(cv2.CAP_PROP_POS_FRAMES) > 5 else picture

    spied(monkeypatch, retrieve=retrieve)
    frames, error = read_all(tmp_path / "a.avi")
    assert len(frames) == 5
    assert "frame 5 is 64x40, those before it are 64x48" in str(error)


def test_rotation_tag_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write(path, "mp4v", pictures())
    data = path.read_bytes()
    one = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    turned = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    at = data.find(one, data.find(b"tkhd"))
    path.write_bytes(data[:at] + turned + data[at + len(one) :])
    with VideoFile(path) as video:
        assert "rotation tag 90 deg not followed" in video.description
        frame = video.read()
    assert frame is not None
    assert frame.pixels.shape == (HEIGHT, WIDTH)


def test_12_bit_grey_is_refused_rather_than_cut_to_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.avi", "FFV1", pictures(3))

    def get(real: cv2.VideoCapture, what: int) -> float:
        tag = int.from_bytes(b"Y1\x00\x0c", "little")
        return tag if what == cv2.CAP_PROP_CODEC_PIXEL_FORMAT else real.get(what)

    spied(monkeypatch, get=get)
    with pytest.raises(SourceError, match=r"12-bit grey video.*gray16le"):
        VideoFile(tmp_path / "a.avi")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"just words\n" * 100, "a text file"),
        ("gr\u00fc\u00df dich ".encode() * 100, "a text file"),
        (bytes(range(256)) * 8, "no video"),
        (b"RIFF\xff\xff\xff\xffAVI LIST" + bytes(300), "cut off"),
    ],
)
def test_what_is_no_video(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.avi"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=said) as caught:
        VideoFile(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_and_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        VideoFile(tmp_path / "none.avi")
    os.mkfifo(tmp_path / "pipe.avi")
    with pytest.raises(SourceError, match="not a regular file"):
        VideoFile(tmp_path / "pipe.avi")


def test_close_twice_and_read_after(tmp_path: Path) -> None:
    write(tmp_path / "a.avi", "MJPG", pictures(3))
    video = VideoFile(tmp_path / "a.avi")
    video.close()
    video.close()
    with pytest.raises(CameraError, match="was closed"):
        video.read()


def test_nothing_on_stderr_from_opencv_or_ffmpeg(tmp_path: Path) -> None:
    write(tmp_path / "a.avi", "MJPG", pictures())
    write(tmp_path / "b.mp4", "mp4v", pictures())
    for name in ("a.avi", "b.mp4"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    (tmp_path / "c.mp4").write_bytes(bytes(5000))
    (tmp_path / "d.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    script = (
        "import sys\n"
        "from edge.camera import open_camera\n"
        "from edge.errors import EdgeError\n"
        "for source in sys.argv[1:]:\n"
        "    try:\n"
        "        with open_camera(source) as camera:\n"
        "            while camera.read() is not None: pass\n"
        "    except EdgeError as error:\n"
        "        print(type(error).__name__)\n"
    )
    sources = [str(tmp_path / name) for name in ("a.avi", "b.mp4", "c.mp4", "d.png")] + ["rtsp://127.0.0.1:9/x"]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("OPENCV_")}
    done = run_child(
        [sys.executable, "-c", script, *sources],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["CameraError"] + 3 * ["SourceError"] + ["AwayError"]
    assert done.stderr == ""


def test_promises(tmp_path: Path) -> None:
    for name, codec in (("a.avi", "MJPG"), ("a.mp4", "mp4v"), ("a.mkv", "FFV1")):
        path = tmp_path / name
        write(path, codec, pictures())
        promise = read_promise(path)
        assert promise.size == path.stat().st_size
        assert (promise.counted, promise.timed) == (name != "a.mkv", name == "a.mkv")


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.sampled_from([b"RIFF", b"\0\0\0\x18ftyp", b"\0\0\0\x40moov", b"\x1a\x45\xdf\xa3"]),
    st.binary(max_size=200),
)
def test_any_bytes_promise_something_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, head: bytes, rest: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "junk"
    path.write_bytes(head + rest)
    promise = read_promise(path)
    assert promise.size is None or promise.size >= 0


def test_real_clip_against_its_own_jpegs() -> None:
    path = SHARED / "hituav_clip" / "hituav_clip.avi"
    if not path.exists():
        pytest.skip("needs ../shared/data/hituav_clip, which is not here")
    frames, error = read_all(path)
    luma = jpegs_of(path)
    assert error is None
    assert len(frames) == len(luma) == 132
    off = [np.abs(f.pixels.astype(int) - y) for f, y in zip(frames, luma, strict=True)]
    assert max(int(o.max()) for o in off) <= 1
    assert np.mean([o.mean() for o in off]) < 0.02  # BT.601 weights of its BGR would be 1.01 off


@pytest.mark.parametrize(("name", "count"), [("IR_BIRD_001.mp4", 310), ("IR_DRONE_001.mp4", 301)])
def test_real_h264(name: str, count: int) -> None:
    path = SHARED / "ir_video" / name
    if not path.exists():
        pytest.skip("needs ../shared/data/ir_video, which is not here")
    frames, error = read_all(path)
    assert error is None
    assert len(frames) == count
    assert frames[0].pixels.shape == (256, 320)
