"""Detections that cannot be written any more go on in a second place: none is lost, it is said and counted."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

import edge
from edge.app.settings import RunSettings
from edge.commands.main import main
from edge.data import Result
from edge.errors import InputError, SinkError
from edge.seams import Sink
from edge.sinks.jsonl import JsonlSink
from edge.sinks.spare import MOST, Spare
from edge.sinks.spec import SinkSpec
from tests.conftest import ROOT
from tests.support.loaded import run_loaded

FULL = SinkError("cannot write: No space left on device")


def breaks_after(monkeypatch: pytest.MonkeyPatch, lines: int, folder: str) -> None:
    """The disk below ``folder`` is full after so many lines."""
    plain, written = JsonlSink.write, []

    def write(self: JsonlSink, result: Result) -> None:
        if f"/{folder}/" in str(self._file._path):
            if len(written) >= lines:
                raise FULL
            written.append(result)
        plain(self, result)

    monkeypatch.setattr(JsonlSink, "write", write)


def seqs(path: Path) -> list[int]:
    header, *lines = path.read_text().splitlines()
    assert "classes" in json.loads(header)
    return [json.loads(line)["seq"] for line in lines]


def settings(tmp_path: Path, bundle: Path, **more: object) -> RunSettings:
    source = "sim:width=80,height=64,live=0,frames=8"
    return RunSettings(out=tmp_path / "out", source=source, model=bundle, **more)  # type: ignore[arg-type]


def test_detections_go_on_in_the_spare_folder(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    breaks_after(monkeypatch, 3, "out")
    with caplog.at_level(logging.WARNING), pytest.raises(SinkError, match="detections go on in"):
        edge.run(settings(tmp_path, tiny_bundle, spare=tmp_path / "usb"))
    report = json.loads((tmp_path / "out/report.json").read_text())
    moved = tmp_path / "usb/out-detections.jsonl"
    assert seqs(tmp_path / "out/detections.jsonl") == [0, 1, 2]
    assert seqs(moved) == [3, 4, 5, 6, 7]
    assert report["spare"] == {"file": str(moved), "from_seq": 3, "because": str(FULL)}
    assert (report["ended"], report["frames"]) == ("failed", 8)
    assert report["sinks"]["detections"] == {"file": "detections.jsonl", "written": 8, "skipped": 0, "error": None}
    assert f"{FULL}; detections go on in {moved}; the flight goes on" in caplog.messages
    assert "is on the disk of" in caplog.text


def test_nothing_in_the_spare_folder_is_overwritten(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb/out-detections.jsonl").write_text("before")
    breaks_after(monkeypatch, 0, "out")
    with pytest.raises(SinkError):
        edge.run(settings(tmp_path, tiny_bundle, spare=tmp_path / "usb"))
    assert (tmp_path / "usb/out-detections.jsonl").read_text() == "before"
    assert seqs(tmp_path / "usb/out-detections-2.jsonl") == list(range(8))


def test_where_the_spare_folder_fails_too_the_run_ends(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JsonlSink, "write", lambda *_: (_ for _ in ()).throw(FULL))
    with pytest.raises(SinkError):
        edge.run(settings(tmp_path, tiny_bundle, spare=tmp_path / "usb"))
    assert json.loads((tmp_path / "out/report.json").read_text())["sinks"]["detections"]["error"] == str(FULL)


def test_a_spare_folder_that_cannot_be_is_told_before_anything_starts(tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="--spare .*file.*: give another folder"):
        edge.run(settings(tmp_path, tiny_bundle, spare=tmp_path / "file"))
    assert not (tmp_path / "out").exists()
    words = ["run", "--source", "sim:", "--model", str(tiny_bundle), "--out", str(tmp_path / "o")]
    assert main([*words, "--spare", str(tmp_path / "file")]) == 2


def test_a_spare_folder_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST == 1000
    monkeypatch.setattr("edge.sinks.spare.MOST", 2)
    spare = Spare(tmp_path, "out")
    spare.path("detections.jsonl").touch()
    with pytest.raises(SinkError, match="remove those of before"):
        spare.path("detections.jsonl")


class Radio(Sink):
    def __init__(self) -> None:
        self.seqs: list[int] = []

    def write(self, result: Result) -> None:
        self.seqs.append(result.frame.seq)

    def link_report(self) -> dict[str, object]:
        return {"to": "radio", "sent": len(self.seqs), "waiting": 0, "dropped": 0, "refused": 0, "reconnects": 0}


def test_without_a_spare_folder_links_go_on_alone(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    breaks_after(monkeypatch, 3, "out")
    radio = Radio()
    with pytest.raises(SinkError):
        edge.run(settings(tmp_path, tiny_bundle), sinks=[SinkSpec("radio", None, lambda _: radio, lossless=True)])
    assert radio.seqs == list(range(8))
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["sinks"]["detections"]["written"] == 3
    assert report["error"] == str(FULL)
    assert f"{FULL}; detections go on over the links alone" in caplog.messages


def test_without_links_and_spare_the_run_ends_at_once(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks_after(monkeypatch, 0, "out")
    with pytest.raises(SinkError):
        edge.run(settings(tmp_path, tiny_bundle))
    assert not (tmp_path / "usb").exists()


def test_in_a_real_process_with_a_file_that_the_kernel_lets_grow_no_more(tiny_bundle: Path, tmp_path: Path) -> None:
    """RLIMIT_FSIZE is of every file: the first is full in the middle of a line, then the limit is lifted."""
    words = ["run", "--source", "sim:width=80,height=64,live=0,frames=60", "--model", str(tiny_bundle), "--quiet"]
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from edge.commands.main import main\n"
        "from edge.sinks.jsonl import JsonlSink; plain = JsonlSink.write\n"
        "def write(self, result):\n"
        "    first = '/out/' in str(self._file._path)\n"
        "    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]\n"
        "    if result.frame.seq == 20 and first: resource.setrlimit(resource.RLIMIT_FSIZE, "
        "(self._file._path.stat().st_size + 10, hard))\n"
        "    try: plain(self, result)\n"
        "    finally: resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))\n"
        "JsonlSink.write = write\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", script, *words, "--out", str(tmp_path / "out"), "--spare", str(tmp_path / "usb")]
    ended = run_loaded(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 1
    assert "File too large" in ended.stderr
    assert "detections go on in" in ended.stderr
    kept, partial = (tmp_path / "out/detections.jsonl").read_text().rsplit("\n", 1)
    assert [json.loads(line)["seq"] for line in kept.splitlines()[1:]] == list(range(20))
    assert len(partial) == 10  # as after a power cut: readers leave it out
    assert seqs(tmp_path / "usb/out-detections.jsonl") == list(range(20, 60))


def test_a_spare_folder_on_the_same_disk_is_told_with_quiet_too(
    tiny_bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--source", "sim:width=80,height=64,live=0,frames=1", "--model", str(tiny_bundle), "--quiet"]
    assert main([*words, "--out", str(tmp_path / "out"), "--spare", str(tmp_path / "usb")]) == 0
    said = f"edge: --spare {tmp_path / 'usb'} is on the disk of {tmp_path / 'out'}: it helps against neither"
    assert capfd.readouterr().err.startswith(said)
