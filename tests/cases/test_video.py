"""Case book: videos and dumps as users bring them, at the level of `edge.open_camera`, `edge run` and `edge doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge.camera import open_camera
from edge.commands.main import main
from edge.data import Frame
from edge.recording.replay import Replay
from tests.conftest import shared
from tests.support.videos import (
    annex_b,
    counts,
    pictures_of,
    raw_avi,
    with_edits,
    with_steps,
    write,
)

TABLE = "".join(f"{20 + i / 10:.1f}\t{21 + i / 7:.1f}\t18.2 \u00b0C\r\n" for i in range(400))


def frames_of(source: object) -> list[Frame]:
    with open_camera(str(source)) as camera:
        return list(iter(camera.read, None))


REFUSED = {
    "a Latin-1 table named .asc": ("export.asc", TABLE.encode("latin-1"), "a text file"),
    "a Latin-1 table named .txt": ("export.txt", TABLE.encode("latin-1"), "a text file"),
    "a UTF-16 table": ("export.csv", TABLE.encode("utf-16"), "a text file (UTF-16)"),
    "a UTF-16 table without a mark": ("export.asc", TABLE.encode("utf-16-be"), "a text file (UTF-16)"),
    "a UTF-8 table with a mark": ("export.ans", TABLE.encode("utf-8-sig"), "a text file (UTF-8)"),
    "counts named .bin": ("a.bin", b"".join(c.tobytes() for c in counts(5)), "Raw frames without a header"),
    "counts named .idf": ("a.idf", b"".join(c.tobytes() for c in counts(5)), "Raw frames without a header"),
    "counts named .mp4": ("a.mp4", b"".join(c.tobytes() for c in counts(5)), "Raw frames without a header"),
    "a FLIR SEQ": ("a.seq", b"FFF\0FLIR" + bytes(2000), "a FLIR SEQ or CSQ recording (FFF): export 16-bit TIFFs"),
    "a FLIR CSQ": ("a.csq", b"FFF\0FLIR" + bytes(2000), "flirpy's split_seqs"),
    "raw gray16 in AVI": ("a.avi", raw_avi(counts(5), 16), "raw 16-bit video that does not say what its bits are"),
    "counts in an AVI that says YUY2": ("a.ravi", raw_avi(counts(5), 16, b"YUY2"), "raw 16-bit video"),
    "a PDF": ("a.mp4", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF"),
    "nothing": ("a.mp4", b"", "the file is empty"),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("command", ["run", "doctor"])
def test_refused_in_one_line(
    kind: str, command: str, tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, content, said = REFUSED[kind]
    (tmp_path / name).write_bytes(content)
    words = [command, "--source", str(tmp_path / name), "--out", str(tmp_path / "out")]
    assert main([*words, "--model", str(tiny_bundle)] if command == "run" else words) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert str(tmp_path / name) in lines[0]


def test_headerless_counts_with_their_size(tmp_path: Path) -> None:
    np.stack(counts(5)).tofile(tmp_path / "a.bin")
    frames = frames_of(f"{tmp_path / 'a.bin'}?width=64&height=48&format=Y16")
    assert all(np.array_equal(f.pixels, c) for f, c in zip(frames, counts(5), strict=True))


def test_the_raw_dump_of_an_ambiguous_avi_gives_its_counts(tmp_path: Path) -> None:
    """The way that its refusal names: the frames alone, one behind the other, as ffmpeg -c copy -f rawvideo writes."""
    avi = raw_avi(counts(5), 16)
    at, body = avi.index(b"00db"), b""
    for _ in range(5):
        body += avi[at + 8 : at + 8 + 64 * 48 * 2]
        at += 8 + 64 * 48 * 2
    (tmp_path / "OUT.raw").write_bytes(body)
    frames = frames_of(f"{tmp_path / 'OUT.raw'}?width=64&height=48&format=Y16")
    assert all(np.array_equal(f.pixels, c) for f, c in zip(frames, counts(5), strict=True))


def test_lost_packets_of_a_downlink_are_counted(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, groups = pictures_of(write(tmp_path / "a.ts", "MPEG", 60, 25.0))
    packets = before + [packet for i, group in enumerate(groups) if not 25 <= i < 34 for packet in group]
    (tmp_path / "a.ts").write_bytes(b"".join(packets))
    out = tmp_path / "out"
    assert main(["run", "--source", str(tmp_path / "a.ts"), "--model", str(tiny_bundle), "--out", str(out)]) == 0
    capsys.readouterr()
    report = json.loads((out / "report.json").read_text())
    assert (report["frames"], report["lost"], report["error"]) == (51, 9, None)
    assert "9 frames lost in one hole of its time stamps" in report["camera"]


def lines_of(folder: Path) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in (folder / "detections.jsonl").read_text().splitlines()]
    return [line for line in lines if "seq" in line]


def test_the_media_time_is_in_each_line_and_in_the_recording(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """20 frames, a pause of 20 s, 20 frames: nothing is lost."""
    data = with_steps(write(tmp_path / "a.mp4", "mp4v", 40), [0.1] * 19 + [20.1] + [0.1] * 20)
    (tmp_path / "a.mp4").write_bytes(data)
    out, again = tmp_path / "out", tmp_path / "again"
    words = ["--model", str(tiny_bundle), "--out"]
    assert main(["run", "--source", str(tmp_path / "a.mp4"), *words, str(out), "--record"]) == 0
    expected = [round(0.1 * i, 6) for i in range(20)] + [round(22.0 + 0.1 * i, 6) for i in range(20)]
    assert [line["origin"] for line in lines_of(out)] == pytest.approx(expected)
    assert [line["seq"] for line in lines_of(out)] == list(range(40))
    assert json.loads((out / "report.json").read_text())["lost"] == 0
    with Replay(out / "recording") as replay:
        assert [frame.origin for frame in iter(replay.read, None)] == [line["origin"] for line in lines_of(out)]
    assert main(["run", "--source", f"rec:{out / 'recording'}", *words, str(again)]) == 0
    assert [line["origin"] for line in lines_of(again)] == [line["origin"] for line in lines_of(out)]
    capsys.readouterr()


def test_a_clip_cut_without_encoding_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(with_edits(write(path, "mp4v", 60), [(4.5, 1.5)]))
    with open_camera(path) as camera:
        assert camera.frames == 45
        assert [frame.seq for frame in iter(camera.read, None)] == list(range(45))


def test_a_dump_of_an_rtsp_stream(tmp_path: Path) -> None:
    (tmp_path / "dump.h264").write_bytes(annex_b(shared("data", "ir_video", "IR_DRONE_001.mp4").read_bytes()))
    assert len(frames_of(tmp_path / "dump.h264")) == 301


@pytest.mark.parametrize(
    ("case", "file", "said"),
    [
        ("04-text-table-latin1", "export.asc", "a text file"),
        ("04-text-table-latin1", "export.txt", "a text file"),
        ("04-text-table-latin1", "export_utf8.asc", "a text file"),
        ("05-raw-dump-named-bin", "lepton_160x120_y16.bin", "'?width=160&height=120&format=Y16'"),
        ("14-y16-in-avi", "y16.avi", "raw 16-bit video that does not say"),
        ("21-flir-seq-csq", "stub.seq", "a FLIR SEQ or CSQ"),
        ("21-flir-seq-csq", "stub.csq", "a FLIR SEQ or CSQ"),
    ],
)
def test_cases_that_are_refused(case: str, file: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = shared("cases", "sources", case, file)
    assert main(["doctor", "--source", str(path)]) == 2
    err = capsys.readouterr().err
    assert said.replace("'?", f"'{path}?") in err
    assert err.count("\n") == 1


def test_case_16_and_17() -> None:
    lossy = frames_of(shared("cases", "sources", "16-ts-with-lost-packets", "lossy.ts"))
    assert (len(lossy), lossy[-1].seq, lossy[-1].origin) == (28, 39, 1.56)
    paused = frames_of(shared("cases", "sources", "17-variable-rate-no-times", "gap_20s_in_the_middle.mp4"))
    assert [frame.seq for frame in paused] == list(range(40))
    assert [paused[i].origin for i in (0, 19, 20, 39)] == [0.0, 0.76, 20.8, 21.56]
