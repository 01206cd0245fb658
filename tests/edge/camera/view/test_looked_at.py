"""How a picture is looked at: each option alone, their order, every kind of source, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera import open_camera
from edge.camera.devices.profiles import PROFILES
from edge.camera.view.mask import Filler
from edge.camera.view.options import ViewOptions, take_view
from edge.commands.main import main
from edge.data import TemperatureScale
from edge.errors import InputError, SourceError
from edge.model.bundle import Bundle
from edge.model.transform import Preprocessor
from edge.recording import Origin, Recording, RecordingWriter
from edge.recording.recorder import Recorder
from edge.thermal.windows import background

RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (64, 80)).astype(np.uint8)
COUNTS = (29000 + cv2.GaussianBlur(RNG.normal(0, 1, (64, 80)), (0, 0), 4) * 900 + RNG.normal(0, 4, (64, 80))).astype(
    np.uint16
)


def still(folder: Path, pixels: np.ndarray, name: str = "a.png") -> Path:
    cv2.imwrite(str(folder / name), pixels)
    return folder / name


def looked(source: str) -> np.ndarray:
    with open_camera(source) as camera:
        frame = camera.read()
        assert frame is not None
        assert camera.read() is None
    return frame.pixels


def said(source: str) -> str:
    with open_camera(source) as camera:
        return camera.description


# ---- the options


def test_crop(tmp_path: Path) -> None:
    path = still(tmp_path, GREY)
    with open_camera(f"{path}?crop=16,8,40,32") as camera:
        frame = camera.read()
        assert camera.crop == (16, 8, 40, 32)
        assert camera.whole == (80, 64)
        assert camera.description.endswith("; looked at: 40x32 from 16,8 of 80x64, boxes are in pixels of that part")
    assert np.array_equal(frame.pixels, GREY[8:40, 16:56])
    assert frame.pixels.flags.c_contiguous
    assert np.array_equal(looked(f"{path}?crop=0,0,80,64"), GREY)
    assert np.array_equal(looked(f"{path}?crop=79,63,1,1"), GREY[63:, 79:])


def test_black_hot_is_inverted_and_counts_are_not(tmp_path: Path) -> None:
    path = still(tmp_path, GREY)
    assert np.array_equal(looked(f"{path}?palette=black-hot"), 255 - GREY)
    assert np.array_equal(looked(f"{path}?palette=white-hot"), GREY)
    assert "black-hot, turned to white-hot" in said(f"{path}?palette=black-hot")
    with pytest.raises(SourceError, match="raw counts, in which hotter is more"):
        open_camera(f"{still(tmp_path, COUNTS, 'c.png')}?palette=black-hot")
    for name in ("ironbow", "rainbow"):
        with pytest.raises(SourceError, match=f"palette={name}: a colour palette cannot be turned back .* white-hot"):
            open_camera(f"{path}?palette={name}")


def mask_file(folder: Path, hidden: np.ndarray, name: str = "mask.png") -> Path:
    return still(folder, np.where(hidden, 0, 255).astype(np.uint8), name)


HIDDEN = np.zeros((64, 80), bool)
HIDDEN[:20, :50] = True


@pytest.mark.parametrize("pixels", [GREY, COUNTS])
def test_a_mask_hides_and_disturbs_no_statistics(tmp_path: Path, pixels: np.ndarray) -> None:
    spoiled = pixels.copy()
    spoiled[HIDDEN] = np.iinfo(pixels.dtype).max
    path, mask = still(tmp_path, spoiled), mask_file(tmp_path, HIDDEN)
    with open_camera(f"{path}?mask={mask}") as camera:
        frame = camera.read()
        assert np.array_equal(camera.mask, HIDDEN)
        assert f"mask {mask}: 19.5% of it is not looked at" in camera.description
    assert np.array_equal(frame.mask, HIDDEN)
    assert np.array_equal(frame.pixels[~HIDDEN], pixels[~HIDDEN])
    seen = spoiled[~HIDDEN]
    for percent in (1, 25, 50, 75, 99):
        near = np.percentile(seen, [percent - 1, percent + 1])
        assert near[0] <= np.percentile(frame.pixels, percent) <= near[1]
    if pixels.dtype == np.uint16:
        median, mad, _ = background(frame.pixels)
        deviation = np.abs(seen.astype(int) - np.median(seen))
        assert mad == pytest.approx(np.median(deviation), rel=0.1)
        assert median == pytest.approx(np.median(seen), abs=40)
    again = looked(f"{still(tmp_path, frame.pixels, 'b.png')}?mask={mask}")
    assert np.array_equal(again, frame.pixels)  # a second time changes nothing


def test_the_model_sees_even_grey_where_nobody_looks(tmp_path: Path, tiny_bundle: Path) -> None:
    bundle = Bundle.load(tiny_bundle)
    path, mask = still(tmp_path, COUNTS), mask_file(tmp_path, HIDDEN)
    with open_camera(f"{path}?mask={mask}") as camera:
        picture, image, _ = Preprocessor(bundle).forward(camera.read())
    assert set(picture[HIDDEN]) == {102}  # 0.4 of 255, its mean in training
    assert np.array_equal(picture, image)
    assert picture[~HIDDEN].std() > 10


def test_a_mask_is_of_the_crop_or_of_the_whole(tmp_path: Path) -> None:
    path, whole = still(tmp_path, GREY), mask_file(tmp_path, HIDDEN)
    part = mask_file(tmp_path, HIDDEN[8:40, 16:56], "part.png")
    for mask in (whole, part):
        with open_camera(f"{path}?crop=16,8,40,32&mask={mask}") as camera:
            assert np.array_equal(camera.mask, HIDDEN[8:40, 16:56])


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda p: p / "none.png", "none.png: No such file .* expected a PNG of 80x64"),
        (lambda p: mask_file(p, HIDDEN[:32]), "is 80x32; expected 80x64"),
        (lambda p: mask_file(p, ~np.zeros((64, 80), bool)), "black all over"),
        (lambda p: mask_file(p, HIDDEN, "m.jpg"), "is no PNG"),
        (lambda p: still(p, np.full((64, 80, 4), 255, np.uint8), "m.png"), "alpha channel"),
    ],
)
def test_masks_that_are_refused(tmp_path: Path, make: object, expected: str) -> None:
    path = still(tmp_path, GREY)
    with pytest.raises(SourceError, match=expected):
        open_camera(f"{path}?mask={make(tmp_path)}")  # type: ignore[operator]


def test_a_coloured_mask_looks_where_any_channel_is_not_0(tmp_path: Path) -> None:
    red = np.zeros((64, 80, 3), np.uint8)
    red[30:, :, 2] = 200
    with open_camera(f"{still(tmp_path, GREY)}?mask={still(tmp_path, red, 'red.png')}") as camera:
        assert camera.mask is not None
        assert np.flatnonzero(camera.mask.all(axis=1)).tolist() == list(range(30))


def test_a_mask_between_the_sampled_pixels() -> None:
    hidden = np.ones((16, 16), bool)
    hidden[1, 1:4] = False
    filled = Filler(hidden)(np.arange(256, dtype=np.uint16).reshape(16, 16))
    assert set(filled.ravel()) == {17, 18, 19}


def test_the_camera_profile_of_files(tmp_path: Path) -> None:
    words = np.zeros((2, 320), np.uint16)
    words[:, ::7] = 65535
    picture = cv2.resize(COUNTS, (320, 256), interpolation=cv2.INTER_CUBIC)
    for rows, where in (([words, picture], "top"), ([picture, words], "bottom")):
        source = f"{still(tmp_path, np.vstack(rows), 'boson.png')}?camera=boson"
        assert np.array_equal(looked(source), picture)
        assert f"2 telemetry rows at the {where} cut off" in said(source)
    with pytest.raises(SourceError, match="80x64 came, and camera=boson has 640x512"):
        open_camera(f"{still(tmp_path, COUNTS, 'c.png')}?camera=boson")


def test_an_8_bit_video_of_a_p2_pro_is_its_picture(tmp_path: Path) -> None:
    both = RNG.integers(0, 256, (384, 256)).astype(np.uint8)
    source = f"{still(tmp_path, both)}?camera=infiray"
    assert np.array_equal(looked(source), both[:192])
    assert "picture 256x192, 8-bit picture: no counts, no temperatures; the counts below it are lost" in said(source)
    for more in ("endian=big", "kelvin=0.01"):
        with pytest.raises(SourceError, match="8-bit grey"):
            open_camera(f"{still(tmp_path, GREY, 'g.png')}?{more}")


def test_byte_order_and_scale_of_stills(tmp_path: Path) -> None:
    swapped = still(tmp_path, COUNTS.byteswap())
    assert np.array_equal(looked(f"{swapped}?endian=big"), COUNTS)
    with pytest.raises(SourceError, match="add endian=big"):
        open_camera(f"{swapped}?kelvin=0.01")
    with open_camera(f"{still(tmp_path, COUNTS, 'c.png')}?kelvin=0.01") as camera:
        assert camera.read().temperature == TemperatureScale(0.01)
        assert "0.01 K a count" in camera.description
    with pytest.raises(SourceError, match="kelvin= says what a count is worth, and the source says it itself"):
        open_camera("sim:?live=0&width=80&height=64&kelvin=0.01")


def test_all_in_their_order(tmp_path: Path) -> None:
    both = RNG.integers(0, 256, (384, 256)).astype(np.uint8)
    hidden = np.zeros((32, 40), bool)
    hidden[0] = True
    source = (
        f"{still(tmp_path, both)}?camera=infiray&crop=8,160,40,32&palette=black-hot&mask={mask_file(tmp_path, hidden)}"
    )
    assert np.array_equal(looked(source)[1:], 255 - both[160:192, 8:48][1:])


# ---- every kind of source


def test_folders_videos_simulations_and_recordings(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for i in range(3):
        still(folder, GREY // (i + 1), f"{i}.png")
    video = tmp_path / "v.avi"
    writer = cv2.VideoWriter(str(video), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (80, 64))
    for i in range(3):
        writer.write(cv2.merge([GREY // (i + 1)] * 3))
    writer.release()
    record = RecordingWriter(tmp_path / "r", Origin("a camera", live=False, fps=10.0), reserve=0)
    with open_camera(str(folder)) as camera:
        for frame in iter(camera.read, None):
            record.write(frame)
    record.close()
    sources = (
        f"{folder}?crop=8,8,64,48",
        f"{folder}?fps=50&live=1&crop=8,8,64,48",
        f"{video}?crop=8,8,64,48",
        f"{video}?live=1&crop=8,8,64,48",
        f"rec:{tmp_path / 'r'}?crop=8,8,64,48",
        "sim:?live=0&frames=3&width=80&height=64&crop=8,8,64,48",
        "sim:live=0,frames=3,width=80,height=64?crop=8,8,64,48",
    )
    for source in sources:
        whole = source.replace("&crop=8,8,64,48", "").replace("?crop=8,8,64,48", "")
        with open_camera(source) as part, open_camera(whole) as all_of_it:
            assert part.frames == all_of_it.frames
            assert part.live == all_of_it.live
            frames, wholes = list(iter(part.read, None)), list(iter(all_of_it.read, None))
        assert len(frames) == len(wholes) == 3
        for frame, before in zip(frames, wholes, strict=True):
            assert np.array_equal(frame.pixels, before.pixels[8:56, 8:72]), source
            assert (frame.seq, frame.origin, frame.utc) == (before.seq, before.origin, before.utc)


@pytest.mark.parametrize(
    ("text", "rest", "crop"),
    [
        ("rtsp://h/p?camera=1#crop=0,0,640,512", "rtsp://h/p?camera=1", (0, 0, 640, 512)),
        ("udp://@:5600#crop=0,0,4,4&palette=black-hot", "udp://@:5600", (0, 0, 4, 4)),
        ("gst:videotestsrc ! appsink #crop=1,2,3,4", "gst:videotestsrc ! appsink", (1, 2, 3, 4)),
        ("rtsp://u:a#b=c@h/p", "rtsp://u:a#b=c@h/p", None),
        ("gst:textoverlay text=#1 ! appsink", "gst:textoverlay text=#1 ! appsink", None),
        ("rtsp://h/p?crop=0,0,1,1", "rtsp://h/p?crop=0,0,1,1", None),
    ],
)
def test_behind_a_url_and_a_pipeline(text: str, rest: str, crop: tuple[int, ...] | None) -> None:
    left, options = take_view(text, "#")
    assert left == rest
    assert (options and options.crop) == crop


def test_what_a_url_does_not_know_is_said() -> None:
    with pytest.raises(SourceError, match="unknown option corp after the '#'; expected crop, mask, palette"):
        open_camera("rtsp://127.0.0.1:1/p#corp=0,0,1,1")


def test_only_ours_is_taken_out_of_a_query() -> None:
    assert take_view("f?raw=0&crop=0,0,8,8&fps=5", "?") == ("f?raw=0&fps=5", ViewOptions("f?raw=0&fps=5", (0, 0, 8, 8)))
    assert take_view("f?fps=5", "?") == ("f?fps=5", None)
    assert take_view("/dev/video0?camera=boson", "?", ("crop",)) == ("/dev/video0?camera=boson", None)
    _, options = take_view("f?camera=boson&kelvin=0.04", "?")
    assert options is not None
    assert options.profile is not None
    assert options.profile.layouts == PROFILES["boson"].layouts
    assert options.profile.temperature == TemperatureScale(0.04)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("crop=1,2,3", "crop='1,2,3'; expected x,y,w,h"),
        ("crop=0,0,0,5", "expected x,y,w,h"),
        ("crop=-1,0,4,4", "expected x,y,w,h"),
        ("crop=60,0,40,10", "reaches out of the picture, which is 80x64"),
        ("crop=0,0,4,4&crop=0,0,4,4", "an option is given twice"),
        ("palette=hot-black", "expected black-hot or white-hot"),
        ("mask=", "expected a PNG"),
        ("crops=1", r"unknown option crops \(is crop meant\?\); expected raw"),
        ("camera=dji", "expected one of boson"),
    ],
)
def test_what_is_refused(tmp_path: Path, query: str, expected: str) -> None:
    path = still(tmp_path, GREY)
    with pytest.raises(SourceError, match=expected):
        open_camera(f"{path}?{query}")


# ---- what comes after it


def test_what_was_looked_at_is_recorded_and_replayed_once(tmp_path: Path, tiny_bundle: Path) -> None:
    folder = tmp_path / "stills"
    folder.mkdir()
    for i in range(5):
        grey = np.full((64, 80), 60, np.uint8)
        grey[8:16, 16:24] = 250  # hidden by the mask below
        grey[40:48, 8 * i + 16 : 8 * i + 24] = 220
        still(folder, grey, f"{i}.png")
    mask = mask_file(tmp_path, HIDDEN)
    words = ["--model", str(tiny_bundle), "--backend", "ort", "--quiet", "--threshold", "0.4"]
    source = f"{folder}?crop=8,0,72,64&mask={mask}"
    assert main(["run", "--source", source, "--out", str(tmp_path / "a"), "--record", *words]) == 0
    first, *lines = (json.loads(line) for line in (tmp_path / "a" / "detections.jsonl").read_text().splitlines())
    assert first == {
        "format": 1,
        "frame": {"width": 72, "height": 64},
        "crop": [8, 0, 72, 64],
        "classes": ["Person"],
        "model": "tiny",
        "thresholds": {"Person": 0.4},
    }
    centres = [
        ((d["box"][0] + d["box"][2]) / 2 + 8, (d["box"][1] + d["box"][3]) / 2)
        for line in lines
        for d in line["detections"]
    ]
    assert len(centres) >= 5
    assert not any(HIDDEN[int(y), int(x)] for x, y in centres)
    recording = Recording(tmp_path / "a" / "recording")
    assert recording.header.origin.crop == (8, 0, 72, 64)
    assert np.array_equal(recording.header.origin.mask, HIDDEN[:, 8:])
    other = np.zeros((32, 40), bool)
    other[20:] = True
    again = f"rec:{tmp_path / 'a' / 'recording'}?crop=4,8,40,32&mask={mask_file(tmp_path, other, 'other.png')}"
    with open_camera(again) as camera:  # of what was looked at: both offsets and both masks hold
        assert camera.crop == (12, 8, 40, 32)
        assert np.array_equal(camera.mask, HIDDEN[8:40, 12:52] | other)
    replay = ["run", "--source", f"rec:{tmp_path / 'a' / 'recording'}", "--out", str(tmp_path / "b")]
    assert main([*replay, "--verify", str(tmp_path / "a" / "detections.jsonl"), *words]) == 0
    for name in ("detections.jsonl",):
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "a" / name).read_bytes()


def test_a_replay_that_is_compared_is_looked_at_as_the_flight_was(tmp_path: Path) -> None:
    with open_camera("sim:live=0,frames=2,width=80,height=64") as camera:
        recorder = Recorder.behind(camera, tmp_path / "r")
        for frame in iter(camera.read, None):
            recorder.write(frame)
        recorder.close()
    with open_camera(f"rec:{tmp_path / 'r'}?crop=0,0,40,32") as camera, pytest.raises(InputError, match="leave crop="):
        camera.select({0})
