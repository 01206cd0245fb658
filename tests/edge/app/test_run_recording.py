"""``edge run --record``, and the flight again with ``--verify``."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edge.app.run import run as run_settings
from edge.app.settings import RunSettings
from edge.camera import open_camera
from edge.commands.main import main
from edge.commands.options import size_in_bytes
from edge.data import Detections, Frame, Result
from edge.errors import InputError
from edge.recording import Recording, RecordingWriter
from edge.recording.segment import Segment
from edge.recording.verify import Verifier
from tests.conftest import made, write_bundle

# shutters at 2 s and 4 s; the anchored window remembers from one to the next
EMPTY = "people=0,deer=0,cars=0"  # the detector finds the hottest cells of bare ground as well
SIM = f"sim:live=0,width=80,height=64,fps=10,ffc_interval=2,ffc_duration=0.5,frames=60,seed=3,{EMPTY}"


def run(*arguments: object) -> int:
    return main(["run", *(str(a) for a in arguments), "--quiet"])


def report(out: Path) -> dict:
    return json.loads((out / "report.json").read_text())


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "detections.jsonl").read_text().splitlines()[1:]]


def write_lines(path: Path, items: list[dict]) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in items))
    return path


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flown")
    bundle = write_bundle(folder / "bundle")
    assert run("--source", SIM, "--model", bundle, "--out", folder / "flight", "--record") == 0
    return folder / "flight"


@pytest.fixture
def flight(flown: Path, tmp_path: Path) -> Path:
    """One flight for all; each test has a copy of its own to harm."""
    return shutil.copytree(flown, tmp_path / "flight")


@pytest.fixture
def replay(tiny_bundle: Path, tmp_path: Path):
    """Replays a flight against a file; returns the exit code and the new folder."""

    def fly(flight: Path, against: Path | None = None, *more: object, ask: str = "") -> tuple[int, Path]:
        out = tmp_path / "again"
        against = against or flight / "detections.jsonl"
        code = run("--source", f"rec:{flight / 'recording'}{ask}", "--model", tiny_bundle, "--out", out,
                   "--verify", against, *more)  # fmt: skip
        return code, out

    return fly


# live, so that frames are dropped; with a shutter that no flag tells of, dead pixels and stripes to be learnt
FAULTY = (
    "sim:width=160,height=128,fps=100,dead=0.003,column_noise=0.2,speed=50,"
    f"ffc_interval=0.96,ffc_duration=0.24,ffc_flag=0,seed=5,pitch=-90,{EMPTY}"
)


def test_a_live_flight_whose_shutter_freezes_the_picture_unflagged(tiny_bundle: Path, tmp_path: Path, replay) -> None:
    out = tmp_path / "flight"
    ffc = "ffc_interval=0.7,ffc_duration=0.4,ffc_flag=0"
    source = f"sim:width=80,height=64,fps=60,{ffc},seed=3,frames=120,pitch=-90,{EMPTY}"
    assert run("--source", source, "--model", tiny_bundle, "--out", out, "--record") == 0
    assert sum("resumed" in line["flags"] for line in lines(out)) == 2
    assert report(out)["duplicates"] > 40
    assert report(out)["frozen_seconds"] == 0  # each was shorter than a second
    assert replay(out)[0] == 0


def test_a_repaired_flight_and_its_replay_write_the_same_file(tiny_bundle: Path, tmp_path: Path, replay) -> None:
    flight, stop, repaired = tmp_path / "flight", threading.Event(), [0]

    def watch(result: Result) -> None:
        repaired[0] += "repaired" in result.frame.flags
        if repaired[0] == 40:  # how soon the first is depends on how many frames were dropped
            stop.set()

    settings = RunSettings(source=FAULTY, model=str(tiny_bundle), out=flight, record=True)
    assert run_settings(settings, watch=watch, stop=stop)["ended"] == "stopped"
    assert sum("repaired" in line["flags"] for line in lines(flight)) >= 40
    code, out = replay(flight)
    assert code == 0
    assert (out / "detections.jsonl").read_bytes() == (flight / "detections.jsonl").read_bytes()


def test_repaired_lines_after_a_missing_frame_are_not_counted_as_different(tmp_path: Path) -> None:
    """Repair learns over hundreds of frames, through any shutter."""
    pixels = np.zeros((4, 4), np.uint16)
    flags = [{"ffc"}, set(), {"ffc"}, {"repaired"}, set()]
    box = {"box": [0, 0, 1, 1], "score": 0.5, "label": 0, "class": "Person"}
    then = [{"seq": i, "flags": sorted(f), "detections": [box]} for i, f in enumerate(flags)]
    verifier = Verifier(write_lines(tmp_path / "then.jsonl", then), ("Person",))
    for seq in (0, 2, 3, 4):  # 1 is missing
        frame = Frame(pixels, seq, 0.0, flags=frozenset(flags[seq]))
        verifier.write(made(frame, Detections.none(4, 4), 0.0, pixels.astype(np.uint8)))
    assert (verifier.missing, verifier.different, verifier.unsettled) == (1, 2, 2)  # 0 and 4; 2 and 3


def test_a_flight_and_its_replay_write_the_same_file(flight: Path, replay) -> None:
    assert any(line["detections"] for line in lines(flight))
    kept = report(flight)["recording"]
    assert (kept["frames"], kept["dropped"], kept["segments_removed"], kept["error"]) == (60, 0, 0, None)
    assert 0 < kept["bytes"] < 60 * 80 * 64 * 2
    code, out = replay(flight)
    assert code == 0
    assert (out / "detections.jsonl").read_bytes() == (flight / "detections.jsonl").read_bytes()
    said = report(out)["verify"]
    assert (said["compared"], said["different"], said["missing"], said["unsettled"]) == (60, 0, 0, 0)
    assert "60 of 60 lines" in said["verdict"]
    assert "the same byte for byte (ort)" in said["verdict"]


def test_latency_is_of_the_replay(flight: Path, replay) -> None:
    _, out = replay(flight)
    assert 0 < report(out)["latency_ms"]["p50"] < 10_000  # t_capture is of another time


@pytest.mark.parametrize("ask", ["", "?live=1"])
def test_a_live_flight_that_dropped_frames_is_flown_again_exactly(
    ask: str, tiny_bundle: Path, tmp_path: Path, replay
) -> None:
    """The window's memory depends on the frames that it saw: with all of them detections could differ."""
    out = tmp_path / "flight"
    source = f"sim:width=80,height=64,fps=100,ffc_interval=0.4,ffc_duration=0.1,seed=3,pitch=-90,{EMPTY}"
    settings = RunSettings(source=source, model=str(tiny_bundle), out=out, frames=25, record=True)
    said = run_settings(settings, watch=lambda result: time.sleep(0.025))
    assert said["policy"] == "latest"
    assert said["dropped"] > 0
    code, again = replay(out, ask=ask)
    assert code == 0
    if said["recording"]["dropped"] == 0:  # a disk may stand still for a second
        recorded = [frame.seq for frame in Recording(out / "recording")]
        assert recorded == list(range(len(recorded)))  # also what was dropped or repeated
        assert (again / "detections.jsonl").read_bytes() == (out / "detections.jsonl").read_bytes()


def test_only_every_third_frame_was_looked_at(flight: Path, tiny_bundle: Path, tmp_path: Path, replay) -> None:
    picked = write_lines(tmp_path / "picked.jsonl", lines(flight)[::3])
    _, out = replay(flight, picked)
    assert [line["seq"] for line in lines(out)] == list(range(0, 60, 3))


def test_one_altered_detection_is_found_and_named(
    flight: Path, tmp_path: Path, replay, capsys: pytest.CaptureFixture[str]
) -> None:
    items = lines(flight)
    number = next(i for i, item in enumerate(items) if item["detections"])
    was = items[number]["detections"][0]["score"]
    items[number]["detections"][0]["score"] = 0.1234
    code, out = replay(flight, write_lines(tmp_path / "altered.jsonl", items))
    assert code == 1
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1
    assert f"1 of 60 frames differ from {tmp_path / 'altered.jsonl'}" in said
    assert f"frame {items[number]['seq']}, detection 0: score 0.1234 in the flight, {was} now" in said
    assert report(out)["ended"] == "failed"
    assert report(out)["verify"]["different"] == 1
    assert len(lines(out)) == 60


def test_another_threshold_is_named_as_the_reason(flight: Path, replay, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = replay(flight, None, "--threshold", 0.9)
    assert code == 1
    assert "the flight had threshold 0.5 (here 0.9): run with the same" in capsys.readouterr().err


def cut_into_segments(folder: Path, keep: list[int]) -> None:
    """Write the recording again in segments of ten frames, and keep those."""
    recording = Recording(folder)
    frames = list(recording)
    for path in list(folder.iterdir()):
        path.unlink()
    now = [0.0]
    writer = RecordingWriter(folder, recording.header.origin, reserve=0, segment_s=10, clock=lambda: now[0])
    for frame in frames:
        writer.write(frame)
        now[0] += 1
    writer.close()
    for number, path in enumerate(sorted(folder.iterdir())):
        if number not in keep:
            path.unlink()


def test_without_its_first_segments_the_rest_is_compared_from_the_next_shutter_on(flight: Path, replay) -> None:
    cut_into_segments(flight / "recording", [1, 2, 3, 4, 5])
    code, out = replay(flight)
    said = report(out)["verify"]
    assert code == 0
    assert said["missing"] == 10
    assert said["compared"] + said["unsettled"] == 50
    assert said["compared"] >= 40  # from the shutter at 2 s on
    assert "10 frames are not in the recording" in said["verdict"]
    assert "the first 1 segments were removed" in report(out)["camera"]


def test_a_recording_that_was_cut_off_is_compared_up_to_there(flight: Path, replay) -> None:
    (path,) = (flight / "recording").iterdir()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    code, out = replay(flight)
    said = report(out)["verify"]
    assert code == 0
    assert 0 < said["missing"] < 60
    assert said["compared"] == 60 - said["missing"]
    assert "cut off at byte" in report(out)["camera"]


def test_another_flight_s_file_compares_nothing(
    flight: Path, tmp_path: Path, replay, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_lines(tmp_path / "other.jsonl", [{"seq": 1000, "detections": []}])
    assert replay(flight, other)[0] == 1
    assert "nothing could be compared" in capsys.readouterr().err


def test_a_frame_limit_is_no_loss(flight: Path, replay) -> None:
    code, out = replay(flight, None, "--frames", 7)
    assert code == 0
    assert report(out)["verify"]["compared"] == 7
    assert report(out)["verify"]["missing"] == 0


def test_a_second_flight_moves_the_recording_of_the_first_aside(flight: Path, tiny_bundle: Path) -> None:
    assert run("--source", SIM, "--model", tiny_bundle, "--out", flight, "--record", "--frames", 5) == 0
    assert Recording(flight / "earlier-1" / "recording").frames == 60
    assert Recording(flight / "recording").frames == 5


def test_the_budget_reaches_the_writer(tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = f"sim:live=0,width=160,height=128,frames=80,ffc_interval=0,pitch=-90,{EMPTY}"
    assert run("--source", source, "--model", tiny_bundle, "--out", out, "--record", "--record-budget", "1MB") == 0
    assert sum(path.stat().st_size for path in (out / "recording").iterdir()) <= 1_000_000
    kept = report(out)["recording"]
    assert kept["segments_removed"] > 0
    assert [f.seq for f in Recording(out / "recording")] == list(range(kept["frames_removed"], 80))


def test_a_recording_that_fails_is_told_and_the_flight_goes_on(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    append = Segment.append

    def full(segment: Segment, record: bytes) -> None:
        if segment.frames == 4:
            raise OSError(28, "No space left on device")
        append(segment, record)

    monkeypatch.setattr(Segment, "append", full)
    out = tmp_path / "out"
    assert run("--source", SIM, "--model", tiny_bundle, "--out", out, "--record") == 1
    assert "cannot record in" in (said := capsys.readouterr().err)
    assert "No space left" in said
    assert len(lines(out)) == 60
    kept = report(out)["recording"]
    assert (kept["frames"], kept["dropped"]) == (4, 56)
    assert report(out)["error"] == kept["error"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", SIM, "--verify", "flight/detections.jsonl"], "give --source rec:FOLDER"),
        (["--source", "rec:flight", "--verify", "flight/detections.jsonl"], "give rec:flight/recording"),
        (["--source", "rec:"], "names no recording"),
        (["--source", "rec:nowhere"], "No such file"),
        (["--source", "rec:flight/recording?speed=2"], "unknown option speed"),
        (["--source", "rec:flight/recording?live=yes"], "expected 0 or 1"),
        (["--source", "rec:flight/recording", "--verify", "nowhere.jsonl"], "No such file"),
        (["--source", "rec:flight/recording", "--verify", "flight/report.json"], "line 1 is no line"),
        (["--source", "rec:flight/recording?live=1", "--verify", "flight/detections.jsonl", "--policy", "latest"],
         "leave --policy latest out"),
        (["--source", "rec:flight/recording", "--out", "flight"], "give another --out"),
        (["--source", SIM, "--record-budget", "1GB"], "give --record too"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_2(
    arguments: list[str],
    message: str,
    flight: Path,
    tiny_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(flight.parent)
    out = [] if "--out" in arguments else ["--out", "out"]
    assert run("--model", tiny_bundle, *out, *arguments) == 2
    said = capsys.readouterr().err.strip()
    assert message in said
    assert len(said.splitlines()) == 1
    assert Recording(flight / "recording").frames == 60


@pytest.mark.parametrize(
    ("text", "size"), [("20GB", 20 * 10**9), ("1.5 GiB", 3 << 29), ("500M", 500 * 10**6), ("1000kB", 10**6)]
)
def test_sizes(text: str, size: int) -> None:
    assert size_in_bytes(text) == size


@pytest.mark.parametrize("text", ["", "20", "20gb", "-1GB", "nan", "0.5MB", "1PB", "GB", "9" * 400 + "GB"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(Exception, match="expected a size"):
        size_in_bytes(text)


GOOD = '{"seq": 1, "detections": []}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "no line"), ("{}\n", "line 1"), ("[]\n", "line 1"), (GOOD + "garbage\n", "line 2"),
     ('{"seq": 1, "detections": 3}\n', "line 1"), (GOOD + GOOD, "seq 1 after 1"),
     ('{"seq": "1", "detections": []}\n', "seq 1 after"), ("[" * 100_000 + "\n", "line 1")],
)  # fmt: skip
def test_a_file_to_compare_with_is_checked(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text(text)
    with pytest.raises(InputError, match=message):
        Verifier(tmp_path / "f", ["Person"])


def test_a_line_that_a_power_cut_halved_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "f").write_text(GOOD + '{"seq": 2, "dete')
    assert list(Verifier(tmp_path / "f", ["Person"]).seqs) == [1]


def test_a_replayed_frame_keeps_the_flight_s_time(flight: Path) -> None:
    times = [line["t"] for line in lines(flight)]
    with open_camera(f"rec:{flight / 'recording'}") as camera:
        frames: list[Frame] = list(iter(camera.read, None))
    assert [round(f.t_capture, 6) for f in frames] == times
    assert all(f.replayed and f.t_arrival != f.t_capture for f in frames)
