"""Where the lines of a drawn picture lie, in which colour, and how many pictures a live video gets: by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edge.sinks.video as video
from edge.app.demo import Scorer, contact_sheet
from edge.data import Detections, Frame, Result
from edge.errors import InputError, SinkError
from edge.sim.truth import SimulatedFrame, Truth
from edge.sinks.colours import ON_PAPER, ON_PICTURES, on_paper, on_paper_bgr, on_picture
from edge.sinks.draw import draw
from edge.sinks.open import SINKS, choose_specs, known_specs
from edge.sinks.pictures import PicturesSink
from edge.sinks.spec import SinkContext, SinkSpec
from edge.sinks.video import VideoSink
from tests.conftest import made

H, W = 90, 140


def result(boxes: list[list[float]], labels: tuple[int, ...] = (0,), t: float = 0.0, **frame: Any) -> Result:
    pixels, n = np.zeros((H, W), np.uint8), len(boxes)
    corners = np.array(boxes, np.float32).reshape(-1, 4)
    found = Detections(corners, np.full(n, 0.5, np.float32), np.array(labels[:n], np.int32), W, H)
    kind = SimulatedFrame if "truth" in frame else Frame
    return made(kind(pixels, 7, t, **frame), found, t + 0.1, pixels)


def lines(image: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 of the pixels that have exactly this colour."""
    y, x = np.nonzero((image == colour).all(axis=2))
    return int(x.min()), int(y.min()), int(x.max()), int(y.max())


def outline(image: np.ndarray, x1: int, y1: int, x2: int, y2: int, colour: tuple[int, int, int]) -> bool:
    sides = [image[y1, x1 : x2 + 1], image[y2, x1 : x2 + 1], image[y1 : y2 + 1, x1], image[y1 : y2 + 1, x2]]
    return all(bool((side == colour).all()) for side in sides)


def test_a_box_is_drawn_outside_of_what_it_holds() -> None:
    image = draw(result([[40, 30, 60, 38]]), ("deer",))
    assert image.shape == (H, W, 3)
    assert outline(image, 38, 28, 61, 39, on_picture(0))  # 2 pixels above and left, 1 below and right of the last one
    assert not image[30:38, 40:60].any()
    assert not image[29, 39:61].any()


@pytest.mark.parametrize("label", range(9))
def test_each_class_has_its_colour_and_the_eighth_the_first_one(label: int) -> None:
    image = draw(result([[40, 30, 60, 38]], (label,)), tuple("abcdefghi"))
    assert outline(image, 38, 28, 61, 39, on_picture(label % 7))
    assert len(set(ON_PICTURES)) == len(set(ON_PAPER)) == 7


def test_colours_are_okabe_and_ito_s() -> None:
    """Orange, sky blue, bluish green, yellow, reddish purple, vermillion, blue; jfly.uni-koeln.de/color."""
    assert ON_PICTURES == ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#CC79A7", "#D55E00", "#0072B2")
    assert on_picture(1) == (0xE9, 0xB4, 0x56)
    assert on_paper(8) == ON_PAPER[1] == "#1E88C8"
    assert on_paper_bgr(1) == (0xC8, 0x88, 0x1E)


@pytest.mark.parametrize("label", range(7))
def test_a_class_has_one_hue_and_stands_out_on_white_and_dark_pages(label: int) -> None:
    paper, picture = (
        np.array([[list(on_paper_bgr(label))]], np.uint8),
        np.array([[list(on_picture(label))]], np.uint8),
    )
    hues = [int(cv2.cvtColor(one, cv2.COLOR_BGR2HSV)[0, 0, 0]) for one in (paper, picture)]
    apart = abs(hues[0] - hues[1])
    assert min(apart, 180 - apart) <= 15  # of 180
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in paper[0, 0] / 255]  # WCAG 2.2
    bright = float(np.dot(linear, (0.0722, 0.7152, 0.2126)))
    dark_page = 0.0099  # of #15181b
    assert 1.05 / (bright + 0.05) >= 3
    assert (bright + 0.05) / (dark_page + 0.05) >= 3


@pytest.mark.parametrize(("top", "above"), [(17, True), (16, False)])
def test_the_words_stand_above_a_box_where_there_is_room(top: int, above: bool) -> None:
    image = draw(result([[40, top, 60, top + 20]]), ("deer",))
    words = image.copy()
    words[top - 2 : top + 22] = 0  # without the box
    words[H - 25 :] = 0  # and the last line
    rows = np.nonzero(words.any(axis=(1, 2)))[0]
    assert bool((rows < top).all()) is above
    assert bool((rows > top + 20).all()) is not above


def test_twice_as_large() -> None:
    image = draw(result([[20, 15, 30, 19]]), ("deer",), scale=2)
    assert image.shape == (2 * H, 2 * W, 3)
    assert outline(image, 38, 28, 61, 39, on_picture(0))


def test_corners_of_what_is_really_there() -> None:
    truth = Truth(np.array([[40, 30, 60, 38]], np.float32), ("deer",), np.ones(1, np.float32))
    image = draw(result([], truth=truth), (), truth=True)[: H - 25]
    assert lines(image, (255, 255, 255)) == (36, 26, 63, 41)
    assert not image[26, 41:59].any()  # corners and no box
    assert not image[31:37, 36].any()
    assert not draw(result([], truth=truth), ())[: H - 25].any()


def test_where_a_detection_lies_to_the_right_the_drawing_does() -> None:
    image = draw(result([[100, 50, 120, 60]]), ("",))[: H - 20]
    x1, _y1, x2, y2 = lines(image, on_picture(0))
    assert (x1, x2, y2) == (98, 121, 61)


# ---- a video ----


class Written:
    """Stands for cv2.VideoWriter."""

    def __init__(self, path: str, code: int, fps: float, size: tuple[int, int]) -> None:
        self.made, self.pictures = (code, fps, size), 0
        Path(path).write_bytes(b"x")

    def isOpened(self) -> bool:
        return True

    def write(self, _: np.ndarray) -> None:
        self.pictures += 1

    def release(self) -> None: ...


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Written]:
    made_: list[Written] = []
    code = cv2.VideoWriter.fourcc

    class Writer(Written):
        fourcc = staticmethod(code)

        def __init__(self, *words: Any) -> None:
            super().__init__(*words)
            made_.append(self)

    monkeypatch.setattr(cv2, "VideoWriter", Writer)
    return made_


def test_a_video_s_size_rate_and_codec(tmp_path: Path, written: list[Written]) -> None:
    with VideoSink(tmp_path / "v.mkv", ("deer",), 12.5, live=False) as sink:
        for t in (0.0, 100.0, 100.1):
            sink.write(result([], t=t))
    assert written[0].made == (cv2.VideoWriter.fourcc(*"mp4v"), 12.5, (W, H))
    assert written[0].pictures == 3


@pytest.mark.parametrize(
    ("times", "pictures"),
    [
        ((0.0,), 1),
        ((0.0, 0.1), 2),
        ((0.0, 0.1, 0.14), 2),  # none for what comes within half a step
        ((0.0, 0.1, 0.16), 3),
        ((0.0, 1.0), 11),
        ((0.0, 4.9), 50),
        ((0.0, 60.0), 51),  # a gap of over 5 s is 5 s long
        ((0.0, 60.0, 60.5), 56),
    ],
)
def test_a_live_video_keeps_time(
    times: tuple[float, ...], pictures: int, tmp_path: Path, written: list[Written]
) -> None:
    with VideoSink(tmp_path / "v.mkv", ("deer",), 10.0, live=True) as sink:
        for t in times:
            sink.write(result([], t=500 + t))
    assert abs(written[0].pictures - pictures) <= (1 if len(times) > 1 and times[1] > 5 else 0)


def test_the_disk_is_looked_at_before_the_first_and_each_32_pictures(
    tmp_path: Path, written: list[Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Path, int]] = []
    monkeypatch.setattr(video, "has_room", lambda *words: asked.append(words) or len(asked) < 3)
    sink = VideoSink(tmp_path / "v.mkv", ("deer",), 10.0, live=False, reserve=5 << 20)
    for n in range(64):
        sink.write(result([]))
        assert len(asked) == 1 + n // 32
    with pytest.raises(SinkError, match="less than 5 MiB are free"):
        sink.write(result([]))
    assert asked == [(tmp_path, 5 << 20)] * 3
    sink.close()


def test_a_video_ends_where_its_file_takes_no_more(
    tmp_path: Path, written: list[Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenCV says nothing of a full disk, of one that is broken, and of 4 GiB on FAT."""
    looks: list[Path] = []

    def takes_more(path: Path) -> None:
        looks.append(path)
        if len(looks) > 1:
            raise OSError(27, "File too large")

    monkeypatch.setattr(video, "takes_more", takes_more)
    sink = VideoSink(tmp_path / "v.mkv", ("deer",), 10.0, live=False, reserve=0)
    for n in range(64):
        sink.write(result([]))
        assert len(looks) == n // 32
    with pytest.raises(SinkError, match=r"v.mkv: File too large: the video ends here"):
        sink.write(result([]))
    with pytest.raises(SinkError, match=r"v.mkv: File too large: the end of the video may be missing"):
        sink.close()
    assert looks == [tmp_path / "v.mkv"] * 3


def test_pictures_end_where_the_disk_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.sinks.pictures.has_room", lambda *_: False)
    sink = PicturesSink(tmp_path / "p", ("deer",), reserve=3 << 20)
    with pytest.raises(SinkError, match="less than 3 MiB are free"):
        sink.write(result([]))


# ---- the kinds of sinks ----


def test_every_kind_of_sink() -> None:
    found = {spec.name: (spec.file, spec.lossless, spec.depth, spec.essential) for spec in known_specs()}
    assert found == {
        "detections": ("detections.jsonl", True, 1000, True),
        "tracks": ("tracks.jsonl", True, 300, True),
        "counts": ("counts.json", True, 1000, True),
        "map": ("map.png", True, 1000, False),
        "video": ("video.mkv", None, 8, False),
        "pictures": ("pictures", None, 8, False),
        "trace": ("trace.jsonl", None, 8, False),
        "geojson": ("tracks.geojson", None, 120, False),
        "kmz": ("tracks.kmz", None, 120, False),
        "csv": ("tracks.csv", None, 120, False),
        "faint": ("faint.jsonl", None, 8, False),
    }
    assert list(found) == list(SINKS)
    assert [spec.name for spec in choose_specs(())] == ["detections", "tracks", "counts"]
    always = ["detections", "tracks", "counts"]
    assert [spec.name for spec in choose_specs(["pictures", "video"])] == [*always, "video", "pictures"]


def test_a_kind_is_checked_when_it_is_made() -> None:
    for wrong in ({"depth": 0}, {"file": "a/b"}, {"file": ".."}, {"file": ""}, {"name": ""}):
        with pytest.raises(InputError):
            SinkSpec(**{"name": "x", "file": "x", "make": VideoSink, **wrong})  # type: ignore[arg-type]
    assert SinkSpec("x", None, VideoSink, depth=1).path(Path("a")) == Path("a")  # type: ignore[arg-type]
    assert SinkSpec("x", "f", VideoSink).path(Path("a")) == Path("a/f")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="two sinks have the file"):
        choose_specs((), [SinkSpec("mine", "detections.jsonl", VideoSink)])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no sink is named film: expected one of map, video, pictures"):
        choose_specs(["film"])


@pytest.mark.parametrize(("fps", "rate"), [(None, 10.0), (25.0, 25.0)])
def test_a_video_has_the_camera_s_rate_or_ten(
    fps: float | None, rate: float, tmp_path: Path, written: list[Written]
) -> None:
    sink = video.SPEC.make(SinkContext(tmp_path / "v.mkv", ("deer",), fps, False))
    sink.write(result([]))
    assert written[0].made[1] == rate
    sink.close()


# ---- the demo's sheet ----


def test_pictures_stand_in_rows_of_three_with_four_black_pixels_between() -> None:
    pictures = [np.full((5, 7, 3), 10 * (i + 1), np.uint8) for i in range(5)]
    sheet = contact_sheet(pictures)
    assert sheet.shape == (2 * 5 + 4, 3 * 7 + 2 * 4, 3)
    for i, (y, x) in enumerate([(0, 0), (0, 11), (0, 22), (9, 0), (9, 11)]):
        assert (sheet[y : y + 5, x : x + 7] == 10 * (i + 1)).all()
        sheet[y : y + 5, x : x + 7] = 0
    assert not sheet.any()


@pytest.mark.parametrize(("frames", "shown"), [(48, {4, 12, 20, 28, 36, 44}), (60, {5, 15, 25, 35, 45, 55})])
def test_which_frames_of_a_demo_are_shown(frames: int, shown: set[int]) -> None:
    """One from the middle of each sixth."""
    scorer = Scorer(("deer",), frames)
    for _ in range(frames):
        before = len(scorer.pictures)
        scorer(result([]))
        assert (len(scorer.pictures) > before) == (scorer._seen - 1 in shown)
    assert len(scorer.pictures) == 6


def test_a_body_that_is_seen_by_half_counts() -> None:
    scorer = Scorer(("deer",), 9)
    boxes = np.array([[10, 10, 20, 14], [40, 10, 50, 14]], np.float32)
    truth = Truth(boxes, ("deer", "deer"), np.array([0.5, 0.49], np.float32))
    scorer(result([], truth=truth))
    assert scorer.tally.missed == {"deer": 1}
