from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.app.output import prepare_folder
from edge.commands.main import main
from edge.errors import InputError
from tests.support.loaded import popen_loaded

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def stills(tmp_path: Path) -> Path:
    """Five 64x80 frames with one hot 8x8 cell each, further right in each."""
    folder = tmp_path / "stills"
    folder.mkdir()
    for i in range(5):
        image = np.full((64, 80), 40, np.uint8)
        image[16:24, 8 * i : 8 * i + 8] = 220
        cv2.imwrite(str(folder / f"frame{i}.png"), image)
    return folder


def run(*arguments: object) -> int:
    return main([str(a) for a in arguments])


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "detections.jsonl").read_text().splitlines()[1:]]


def report(out: Path) -> dict:
    return json.loads((out / "report.json").read_text())


def test_run_finds_the_hot_cell_in_every_frame(stills: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("run", "--source", stills, "--model", tiny_bundle, "--out", out, "--video", "--quiet") == 0
    found = lines(out)
    assert [line["seq"] for line in found] == [0, 1, 2, 3, 4]
    assert [line["detections"][0]["box"] for line in found] == [[8 * i, 16, 8 * i + 8, 24] for i in range(5)]
    assert all(len(line["detections"]) == 1 for line in found)
    said = report(out)
    assert said["frames"] == 5
    assert said["dropped"] == said["duplicates"] == 0
    assert said["detections"] == {"Person": 5}
    assert said["ended"] == "end of source"
    assert set(said["latency_ms"]) == {"p50"}  # of five results
    assert {"wait", "normalise", "infer", "postprocess"} <= set(said["stages_ms"])
    assert said["backend"] == "ort"
    assert (out / "video.mkv").stat().st_size > 0


def test_a_smaller_sensor_is_mapped_back(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    image = np.full((32, 40), 40, np.uint8)
    image[8:12, 12:16] = 220
    cv2.imwrite(str(folder / "a.png"), image)
    out = tmp_path / "out"
    assert run("run", "--source", folder, "--model", tiny_bundle, "--out", out, "--quiet") == 0
    assert lines(out)[0]["detections"][0]["box"] == pytest.approx([12, 8, 16, 12], abs=0.01)


def test_threshold_and_frame_limit(stills: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(
        "run",
        "--source",
        stills,
        "--model",
        tiny_bundle,
        "--out",
        out,
        "--threshold",
        0.9,
        "--frames",
        3,
        "--quiet",
    )
    assert [line["detections"] for line in lines(out)] == [[], [], []]
    assert report(out)["ended"] == "frame limit"


def test_null_backend_finds_nothing(stills: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("run", "--source", stills, "--model", tiny_bundle, "--out", out, "--backend", "null", "--quiet") == 0
    assert all(line["detections"] == [] for line in lines(out))


def test_an_earlier_run_is_kept(stills: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(3):
        assert run("run", "--source", stills, "--model", tiny_bundle, "--out", out, "--quiet") == 0
    assert len(lines(out)) == len(lines(out / "earlier-1")) == len(lines(out / "earlier-2")) == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--source": "nowhere.mp4"}, "nowhere.mp4"),
        ({"--source": "carrier-pigeon:7"}, "carrier-pigeon"),
        ({"--model": "nowhere"}, "does not exist"),
        ({"--out": "file"}, "output folder"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    change: dict[str, str],
    message: str,
    stills: Path,
    tiny_bundle: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    options = {"--source": str(stills), "--model": str(tiny_bundle), "--out": "out", **change}
    assert run("run", *(word for pair in options.items() for word in pair)) == 2
    said = capfd.readouterr().err.strip()
    assert message in said
    assert len(said.splitlines()) == 1
    assert "Traceback" not in said
    assert not (tmp_path / "out" / "detections.jsonl").exists()


@pytest.mark.parametrize("words", [["--threshold", "2"], ["--frames", "0"], ["--seconds", "-1"], ["--policy", "some"]])
def test_bad_arguments_exit_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run("run", "--source", "sim:", "--out", "out", *words)
    assert caught.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_frames_of_another_size_end_the_run_with_what_was_found(
    stills: Path, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cv2.imwrite(str(stills / "frame3.png"), np.zeros((10, 10), np.uint8))
    out = tmp_path / "out"
    assert run("run", "--source", stills, "--model", tiny_bundle, "--out", out, "--quiet") == 1
    assert "frame3.png" in capsys.readouterr().err
    assert [line["seq"] for line in lines(out)] == [0, 1, 2]
    assert report(out)["ended"] == "failed"
    assert "frame3.png" in report(out)["error"]


def test_interrupt_ends_with_a_report(tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = "sim:width=80,height=64,fps=50,pitch=-90,people=0,deer=0,cars=0"
    command = [sys.executable, "-m", "edge.commands.main", "run", "--source", source, "--model", str(tiny_bundle),
               "--out", str(out)]  # fmt: skip
    running = popen_loaded(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        give_up = time.monotonic() + 60
        while not (out / "detections.jsonl").exists() or len(lines(out)) < 3:
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < give_up
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)  # SIGTERM and SIGHUP: test_run_ending
        _, said = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 0, said
    assert "Traceback" not in said
    assert report(out)["ended"] == "interrupted"
    assert report(out)["frames"] == len(lines(out))


def test_live_source_takes_the_newest_frame_and_counts_the_rest(tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = "sim:width=80,height=64,pitch=-90,people=0,deer=0,cars=0,fps=200,ffc_interval=0"
    assert run("run", "--source", source, "--model", tiny_bundle, "--out", out, "--frames", 40, "--quiet") == 0
    seqs = [line["seq"] for line in lines(out)]
    assert seqs == sorted(set(seqs))
    assert report(out)["dropped"] + report(out)["duplicates"] == seqs[-1] + 1 - 40
    assert report(out)["policy"] == "latest"


def test_info_names_classes_and_files(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", tiny_bundle) == 0
    said = capsys.readouterr().out
    assert "Person" in said
    assert "\nmodel.onnx     0.0 MB, for ONNX Runtime; unchanged (sha256 " in said


def test_unwritable_folder(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written"):
        prepare_folder(tmp_path)


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    """Three 64x80 frames of 16-bit counts with one hot 8x8 cell each."""
    folder = tmp_path / "counts"
    folder.mkdir()
    for i in range(3):
        image = np.full((64, 80), 29000, np.uint16)
        image[16:24, 8:16] = 29900
        cv2.imwrite(str(folder / f"frame{i}.png"), image)
    return folder


def test_another_normaliser_is_refused_and_the_override_named(
    counts: Path, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["run", "--source", counts, "--model", tiny_bundle, "--out", out, "--quiet"]
    assert run(*arguments, "--normalise", "window:low=29000,high=30000") == 2
    said = capsys.readouterr().err
    assert "--override-normalise" in said
    assert "anchored:" in said
    assert "window:low=29000.0,high=30000.0,unit=counts" in said
    assert not out.exists()  # refused before anything was started
    assert run(*arguments, "--normalise", "window:low=29000,high=30000", "--override-normalise") == 0
    assert report(out)["normalise"]["16bit"]["params"] == {"low": 29000, "high": 30000, "unit": "counts"}
    assert [line["detections"][0]["score"] for line in lines(out)] == [pytest.approx(0.9, abs=0.003)] * 3


def test_the_bundles_own_normaliser_may_be_named(counts: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    arguments = ["run", "--source", counts, "--model", tiny_bundle, "--quiet"]
    assert run(*arguments, "--out", tmp_path / "a", "--normalise", "anchored") == 0
    assert run(*arguments, "--out", tmp_path / "b") == 0
    assert report(tmp_path / "a")["normalise"] == report(tmp_path / "b")["normalise"]


def test_a_window_in_degrees_needs_a_temperature_scale(
    counts: Path, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    window = ["--normalise", "window:low=5,high=25,unit=celsius", "--override-normalise", "--quiet"]
    out = tmp_path / "out"
    assert run("run", "--source", counts, "--model", tiny_bundle, "--out", out, *window) == 2
    assert "no temperature scale" in capsys.readouterr().err
    sim = "sim:live=0,frames=2,width=80,height=64,pitch=-90,people=0,deer=0,cars=0"
    assert run("run", "--source", sim, "--model", tiny_bundle, "--out", tmp_path / "sim", *window) == 0
    assert report(tmp_path / "sim")["normalise"]["16bit"]["params"]["unit"] == "celsius"
    with pytest.raises(SystemExit):
        run("run", "--source", sim, "--out", out, "--normalise", "window:low=5")
    assert "needs a value for high" in capsys.readouterr().err
