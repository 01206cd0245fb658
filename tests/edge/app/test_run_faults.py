"""Faults of raw frames through ``edge run``: an unflagged shutter, swapped bytes, dead pixels."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.commands.main import main

H, W = 64, 80
RNG = np.random.default_rng(11)
GROUND = cv2.GaussianBlur(RNG.normal(0, 1, (H + 300, W + 300)), (0, 0), 3)
GROUND = 29000 + GROUND / GROUND.std() * 100


def frame(i: int, level: float = 0.0) -> np.ndarray:
    ground = GROUND[i : i + H, i : i + W] + level
    return np.rint(ground + np.random.default_rng(i).normal(0, 5, (H, W))).astype(np.uint16)


def flap(i: int) -> np.ndarray:
    return np.rint(np.random.default_rng(i).normal(31000, 5, (H, W))).astype(np.uint16)


def fly(frames: list[np.ndarray], bundle: Path, folder: Path) -> tuple[dict, list[dict]]:
    """The report and the lines of a run over these frames."""
    stills, out = folder / "stills", folder / "out"
    stills.mkdir()
    for i, pixels in enumerate(frames):
        np.save(stills / f"{i}.npy", pixels)
    assert main(["run", "--source", f"{stills}?fps=30", "--model", str(bundle), "--out", str(out), "--quiet"]) == 0
    lines = [json.loads(line) for line in (out / "detections.jsonl").read_text().splitlines()[1:]]
    return json.loads((out / "report.json").read_text()), lines


def test_nothing_is_detected_behind_the_shutter_and_counts_may_step(tiny_bundle: Path, tmp_path: Path) -> None:
    def target(i: int, level: float) -> np.ndarray:
        pixels = frame(i, level)
        pixels[16:24, 8:16] += 800
        return pixels

    flight = [target(i, 0) for i in range(20)] + [flap(i) for i in range(20, 29)]
    flight += [target(i, 2500) for i in range(29, 40)]  # the camera steps by 2500 counts
    report, lines = fly(flight, tiny_bundle, tmp_path)
    assert report["shutter_frames"] == report["shutter_inferred"] == 9  # seen, not told
    assert [i for i, line in enumerate(lines) if "ffc" in line["flags"]] == list(range(20, 29))
    for i, line in enumerate(lines):
        if 20 <= i < 29:
            assert (line["flags"], line["detections"], line["inferred"]) == (["ffc"], [], False)
        else:
            assert line["detections"][0]["box"] == [8, 16, 16, 24]
    before, after = (lines[i]["detections"][0]["score"] for i in (19, 29))
    assert after == pytest.approx(before, abs=0.1)  # anchored anew at once


def test_a_shutter_that_the_camera_tells_of_is_not_counted_as_inferred(tiny_bundle: Path, tmp_path: Path) -> None:
    source = "sim:live=0,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,fps=10,ffc_interval=2,ffc_duration=0.5"
    source += ",frames=40"
    assert main(["run", "--source", source, "--model", str(tiny_bundle), "--out", str(tmp_path), "--quiet"]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["shutter_frames"] > 0
    assert report["shutter_inferred"] == 0


def test_swapped_bytes_are_told_of_a_source_that_cannot_be_asked(tiny_bundle: Path, tmp_path: Path) -> None:
    report, _ = fly([frame(i).byteswap() for i in range(3)], tiny_bundle, tmp_path)
    assert report["health"]["byte_order"]["frames"] == 3


def test_dead_pixels_are_patched_before_the_detector_sees_them(tiny_bundle: Path, tmp_path: Path) -> None:
    def stuck(i: int) -> np.ndarray:
        pixels = frame(i)
        pixels[40, 50] = pixels[41, 50] = 65535  # bright enough to light up their cell
        return pixels

    _, lines = fly([stuck(i) for i in range(260)], tiny_bundle, tmp_path)
    assert "repaired" not in lines[0]["flags"]
    assert "repaired" in lines[-1]["flags"]
