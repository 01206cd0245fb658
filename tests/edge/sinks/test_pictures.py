"""Stills with their boxes, under their own names."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.data import Detections, Frame, Result
from edge.errors import SinkError
from edge.sinks import PicturesSink, draw
from tests.conftest import made

CLASSES = ("Person",)


def result(origin: str | None, seq: int = 0, level: int = 100) -> Result:
    pixels = np.full((48, 64), level, np.uint8)
    found = Detections(np.array([[10, 20, 20, 30]], np.float32), np.ones(1, np.float32), np.zeros(1, np.int32), 64, 48)
    return made(Frame(pixels, seq, 0.0, origin=origin), found, 0.1, pixels)


def written(folder: Path, *origins: str | None) -> list[str]:
    with PicturesSink(folder, CLASSES) as sink:
        for seq, origin in enumerate(origins):
            sink.write(result(origin, seq))
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("a.png", "a.png"),
        ("DJI_0001_R.JPG", "DJI_0001_R.JPG"),
        ("b.jpeg", "b.jpeg"),
        ("c.tiff", "c.tiff.png"),
        ("d", "d.png"),
        ("north/2/e.npy", "north/2/e.npy.png"),
        ("north/f.png", "north/f.png"),
        (None, "frame-000000.png"),
        ("", "frame-000000.png"),
    ],
)
def test_names(origin: str | None, name: str, tmp_path: Path) -> None:
    assert written(tmp_path / "pictures", origin) == [name]
    image = cv2.imread(str(tmp_path / "pictures" / name))
    expected = draw(result(origin), CLASSES)
    assert image.shape == expected.shape
    if name.endswith(".png"):
        assert np.array_equal(image, expected)
    else:
        assert np.abs(image.astype(int) - expected).mean() < 5


def test_a_name_that_is_taken_gets_the_frames_number(tmp_path: Path) -> None:
    assert written(tmp_path / "p", "a.png", "a.tiff", "a.png", "a.tiff.png", "a.png") == [
        "a-frame-000002.png",
        "a-frame-000004.png",
        "a.png",
        "a.tiff-frame-000003.png",
        "a.tiff.png",
    ]


@pytest.mark.parametrize("origin", ["../a.png", "/a.png", "x/../../a.png", "..", "a\0.png"])
def test_a_name_stays_in_the_folder(origin: str, tmp_path: Path) -> None:
    sink = PicturesSink(tmp_path / "p", CLASSES)
    with pytest.raises(SinkError, match="expected a name within a folder"):
        sink.write(result(origin, 5))
    assert [path.name for path in tmp_path.rglob("*")] == ["p"]


def test_half_a_picture_is_never_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = PicturesSink(tmp_path / "p", CLASSES)
    sink.write(result("a.png"))
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(SinkError, match="b.png: No space left on device: free some space"):
        sink.write(result("b.png"))
    assert [path.name for path in (tmp_path / "p").iterdir()] == ["a.png"]
