"""Evaluation from the command line: on a bundle as it flies, and what it writes."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.model.bundle import Bundle
from export.commands.main import main
from export.evaluate.average_precision import Judged
from export.evaluate.outcome import outcome

NONE = np.zeros((0, 4), np.float32)
HOT = [16.0, 8.0, 8.0, 8.0]  # xywh of one of the tiny detector's cells


def hot_frames(folder: Path, box: list[float] | None = None) -> list[str]:
    """Three frames with one hot cell; arguments of ``eval`` for them."""
    folder.mkdir(exist_ok=True)
    pixels = np.full((64, 80), 20, np.uint8)
    pixels[8:16, 16:24] = 230
    for i in range(3):
        assert cv2.imwrite(str(folder / f"{i}.png"), pixels)
    labels = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 80, "height": 64} for i in range(3)],
        "annotations": [{"image_id": i, "category_id": 0, "bbox": box or HOT} for i in range(3)],
        "categories": [{"id": 0, "name": "Person"}],
    }
    (folder / "labels.json").write_text(json.dumps(labels))
    return ["--annotations", str(folder / "labels.json"), "--images", str(folder)]


def test_the_best_threshold_goes_into_the_bundle(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["eval", "--model", str(tiny_bundle), *hot_frames(tmp_path / "data")]
    out = tmp_path / "figures.json"
    assert main([*words, "--json", str(out), "--set-threshold"]) == 0
    figures = json.loads(out.read_text())
    assert {"ap", "ap50", "per_class_ap50", "ap50_by_size", "images"} <= set(figures)
    assert figures["ap50"] == 1.0
    assert figures["recall_at_1_false_in_10_frames"]["Person"] == 1.0
    # the hot cell scores 230 / 255, all others 20 / 255
    assert figures["best_f1"]["threshold"] == pytest.approx(230 / 255, abs=1e-6)
    assert Bundle.load(tiny_bundle).score_threshold == 0.901
    assert "shows detections from 0.901, before from 0.5" in capsys.readouterr().out
    (tiny_bundle / "model.engine").write_bytes(b"x")
    assert main([*words, "--set-threshold"]) == 0
    assert "edge-export engine" in capsys.readouterr().out


def test_no_threshold_where_nothing_is_right(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (tiny_bundle / "model.json").read_bytes()
    words = ["eval", "--model", str(tiny_bundle), *hot_frames(tmp_path / "data", [40.0, 40, 30, 20]), "--set-threshold"]
    assert main([*words, "--quiet"]) == 2
    assert "no detection was right" in capsys.readouterr().err
    assert (tiny_bundle / "model.json").read_bytes() == before


def test_a_threshold_needs_a_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["eval", "--checkpoint", "x.pth", *hot_frames(tmp_path / "data"), "--set-threshold"]
    assert main(words) == 2
    assert "--model BUNDLE" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--json", "--pictures", "--hard-examples", "--mistakes"])
def test_where_nothing_can_be_written_is_told_before_the_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    (tmp_path / "file").write_text("")
    words = ["eval", "--model", "absent", *hot_frames(tmp_path / "data"), option, str(tmp_path / "file/x")]
    assert main(words) == 2
    assert "give another file" in capsys.readouterr().err


def test_a_disk_that_fills_up_loses_no_figure(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("edge.system.files.os.fsync", full)
    words = ["eval", "--model", str(tiny_bundle), *hot_frames(tmp_path / "data"), "--json", str(tmp_path / "x.json")]
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert "3 frames: AP 100.0" in out
    assert "x.json cannot be written (No space left on device)" in err


def test_what_lies_in_an_ignored_region_is_not_shown_as_false() -> None:
    boxes = np.array([[0, 0, 8, 8], [20, 20, 28, 28], [40, 40, 48, 48]], np.float32)
    judged = Judged(
        boxes,
        np.array([0.9, 0.8, 0.7], np.float32),
        np.zeros(3, np.int64),
        boxes[:1],
        np.zeros(1, np.int64),
        np.array([[18, 18, 30, 30]], np.float32),
    )
    shown = outcome(judged, 0.5)
    assert shown.found.tolist() == [True]
    assert shown.right.tolist() == [True, False]
    np.testing.assert_array_equal(shown.boxes, boxes[[0, 2]])
    assert outcome(judged, 0.75).right.tolist() == [True]
