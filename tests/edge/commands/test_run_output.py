"""What a person sees of a run: the figures under their own names, while it goes and when it is over."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest

from edge.app.observer import Progress
from edge.app.report import Totals
from edge.commands.console import Screen
from edge.commands.live_table import LiveTable
from edge.commands.main import main
from edge.commands.run_summary import summary
from edge.data import Detections, Frame, Result
from edge.measure.counts_json import ClassCount
from tests.conftest import made


def result(seq: int, labels: list[int], **more: int) -> Result:
    pixels, n = np.zeros((8, 8), np.uint8), len(labels)
    boxes = np.tile(np.array([[1, 2, 3, 4]], np.float32), (n, 1))
    found = Detections(boxes, np.full(n, 0.5, np.float32), np.array(labels, np.int32), 8, 8)
    return made(Frame(pixels, seq, seq / 4), found, seq / 4 + 0.02, pixels, **more)


def test_the_live_table_shows_each_figure_under_its_name() -> None:
    totals = Totals(("Person", "Car"))
    table = LiveTable(Screen(file=io.StringIO()))
    table.begin(Progress(totals, 40, None))
    for seq in range(9):
        last = result(seq, [0, 0, 1] if seq else [], dropped=7, duplicates=5, lost=3)
        totals.add(last)
    assert table.figures(last) == [
        ("frames", "9 / 40"),
        ("frames/s", "4.0"),
        ("latency p50 / p95 / p99", "20 / - / - ms"),
        ("not processed", "7 dropped, 5 duplicates, 3 lost"),
        ("boxes in all frames", "Person 16  Car 8"),
    ]
    assert table._line(last).startswith("frames: 9 / 40  frames/s: 4.0  latency")


@pytest.mark.parametrize(("terminal", "seconds", "shown"), [(False, 20, 4), (True, 3, 12)])
def test_a_line_each_5_s_a_table_4_times_a_second(
    terminal: bool, seconds: int, shown: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, times = [100.0], [0]
    monkeypatch.setattr("edge.commands.live_table.time.monotonic", lambda: now[0])
    totals = Totals(("Person",))
    figures = LiveTable.figures

    def counted(table: LiveTable, result: Result) -> list[tuple[str, str]]:
        times[0] += 1
        return figures(table, result)

    monkeypatch.setattr(LiveTable, "figures", counted)
    with LiveTable(Screen(file=io.StringIO(), width=300, force_terminal=terminal)) as table:
        table.begin(Progress(totals, None, None))
        for step in range(16 * seconds + 1):
            now[0] = 100 + step / 16
            totals.add(result(step, []))
            table(result(step, []))
    assert times[0] == shown


REPORT = {
    "frames": 100,
    "ended": "frame limit",
    "fps": 4.26,
    "dropped": 7,
    "duplicates": 5,
    "lost": 3,
    "latency_ms": {"p50": 214.6, "p95": 250.0, "p99": 301.2},
    "detections": {"Person": 445, "Car": 0, "Deer": 2},
    "threshold": 0.64,
    "thresholds": {"Person": 0.64, "Deer": 0.64},
    "engine": "ONNX Runtime",
    "camera": "a camera",
    "overflowed": 0,
    "verify": None,
    "reconnects": {"outages": 2, "lost_seconds": 3.25},
    "pose": {"frames_with": 88, "frames_without": {"no position came": 9, "it is away": 3}},
    "coverage": None,
    "position": {"placed": 440, "refused": {"the frame has no pose": 7}, "camera": "lens hfov=45"},
    "sinks": {
        "detections": {"file": "detections.jsonl", "written": 100, "skipped": 0, "error": None},
        "video": {"file": "video.mkv", "written": 80, "skipped": 20, "error": None},
    },
    "recording": {"folder": "recording", "frames": 90, "bytes": 2_500_000, "dropped": 4, "frames_removed": 6},
}


def count_of(**said: Any) -> ClassCount:
    return ClassCount(**{"count": None, "low": None, "high": None, "level": None, "animals": [], **said})


COUNTS = {
    "Person": count_of(tracks=6, count=3, low=2, high=5, level=0.9, method="merged"),
    "Car": count_of(tracks=0, count=0, low=0, method="none was found"),
    "Deer": count_of(tracks=4, method="no positions"),
}


def test_the_summary(tmp_path: Path) -> None:
    for name in ("detections.jsonl", "report.json", "video.mkv", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "counts.json").write_bytes(msgspec.json.encode(COUNTS))
    again = f"edge run --source rec:{tmp_path}/recording --verify {tmp_path}/detections.jsonl --out {tmp_path}-again"
    assert summary(REPORT, tmp_path) == [
        "100 frames processed (frame limit); 4.3 frames/s; latency p50 215 ms, p99 301 ms",
        "not processed: 7 dropped (a newer frame was there), 5 duplicates (the same picture again), 3 lost (never "
        "came)",
        "boxes in all frames: 445 Person, 2 Deer, with a score of 0.64 or more. A box is not an animal: one animal in "
        "100 frames is 100 boxes",
        "engine: ONNX Runtime; source: a camera",
        f"written in {tmp_path}: detections.jsonl, report.json, video.mkv; docs/output.md explains every field",
        "the camera was lost 2 times, for 3.2 s together",
        "poses: 88 frames have one; 9 have none: no position came; 3 have none: it is away",
        "positions: 440 boxes have one; 7 have none: the frame has no pose",
        "counted, from tracks: 3 Person (2 to 5 in 9 of 10 cases); 4 tracks of Deer, not counted: no positions",
        "video: 20 frames are missing in it: writing was too slow, or it stopped",
        f"recorded: 90 frames, 2.5 MB, in {tmp_path}/recording; 4 not recorded (the disk was too slow or full), 6 "
        "removed for --record-budget",
        f"next: {again} compares this machine with the flight",
    ]
    (tmp_path / "video.mkv").unlink()
    (tmp_path / "counts.json").unlink()
    plain = {**REPORT, "recording": None, "pose": None, "position": None}
    assert not [line for line in summary(plain, tmp_path) if line.startswith(("poses", "positions", "counted"))]
    assert summary(plain, tmp_path)[-1] == f"next: look at {tmp_path}/video.mkv: the boxes are drawn there"
    plain["sinks"] = {"detections": REPORT["sinks"]["detections"]}  # type: ignore[index]
    assert summary(plain, tmp_path)[-1].startswith("next: to see the boxes, run it again with --video ")


def test_pictures_of_stills_have_their_names(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stills, out = tmp_path / "stills", tmp_path / "out"
    stills.mkdir()
    for i in range(3):
        image = np.full((64, 80), 40, np.uint8)
        image[16:24, 8 * i : 8 * i + 8] = 220
        cv2.imwrite(str(stills / f"f{i}.png"), image)
    words = ["run", "--source", str(stills), "--model", str(tiny_bundle), "--out", str(out), "--pictures"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert f"written in {out}: detections.jsonl, report.json, tracks.jsonl, counts.json, pictures; " in said
    assert "counted" not in said  # stills are not followed
    assert (out / "tracks.jsonl").read_bytes() == b""
    assert "boxes in all frames: 3 Person, with a score of 0.5 or more. " in said
    assert said.endswith(f"next: look at {out}/pictures: the boxes are drawn there\n")
    names = ["f0.png", "f1.png", "f2.png"]
    assert sorted(path.name for path in (out / "pictures").iterdir()) == names
    assert [json.loads(line)["origin"] for line in (out / "detections.jsonl").read_text().splitlines()[1:]] == names
    assert cv2.imread(str(out / "pictures" / names[1])).shape == (64, 80, 3)
    assert json.loads((out / "report.json").read_text())["sinks"]["pictures"] == {
        "file": "pictures",
        "written": 3,
        "skipped": 0,
        "error": None,
    }


def test_boxes_that_were_not_followed_are_counted(tmp_path: Path) -> None:
    left = {"classes": [["Person", "Animal"], ["Car", "Bus"]], "boxes": 7}
    told = "7 of these boxes lie on a surer one of another class (Person or Animal; Car or Bus), and are not followed: "
    assert f"{told}a body is counted once" in summary({**REPORT, "one_body": left}, tmp_path)
    for none in (None, {**left, "boxes": 0}):
        assert not [line for line in summary({**REPORT, "one_body": none}, tmp_path) if "of these boxes" in line]


def test_what_was_given_up_and_moved_stands_in_the_last_lines(tmp_path: Path) -> None:
    degraded = {"steps": [], "more": 0, "seconds": {"lower rate": 61.6, "no pictures": 3.0}, "frames_between": 0}
    moved = {"file": "/usb/out-detections.jsonl", "from_seq": 3, "because": "the disk is full"}
    said = summary({**REPORT, "degraded": degraded, "spare": moved}, tmp_path)
    assert "WARNING: detections went on in /usb/out-detections.jsonl: the disk is full" in said
    told = "lower rate for 62 s, no pictures for 3 s"
    assert f"given up so that detections went on: {told}; degraded in report.json says why" in said
