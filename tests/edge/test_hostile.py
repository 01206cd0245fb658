"""Files that somebody made to do harm: pipes, bombs, nests, names that lead elsewhere. Each kind for all its readers.

`tests/fuzz` brings them by chance; here they are on purpose, with what each is refused by.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.app import loop
from edge.app.after.alignment import objects_of
from edge.app.after.hand_over import hand_over
from edge.app.bench.bench_json import read_report
from edge.app.output import prepare_folder
from edge.app.review.store import Review
from edge.commands.main import main
from edge.errors import EdgeError, InputError, SourceError
from edge.geo import read_calibration, read_dem
from edge.measure.faint_lines import read_faint
from edge.measure.labelled_frames import read_labelled
from edge.measure.read_detections import DetectionsFile
from edge.measure.track_lines import read_tracks
from edge.model.bundle import Bundle
from edge.pose import open_pose
from edge.pose.klv import BAD_SUM, KEY, NO_TIME, packets
from edge.pose.link import read_key
from edge.recording.verify import Verifier, _changed
from edge.sinks.live.broker import MqttAddress
from tests.support.flight_folder import FRAMES, flight
from tests.support.loaded import run_loaded
from tests.support.track_lines import line

READERS: dict[str, Callable[[Path], object]] = {
    "model.json": lambda path: Bundle.load(path.parent),
    "detections.jsonl": DetectionsFile,
    "tracks.jsonl": read_tracks,
    "faint.jsonl": read_faint,
    "review.jsonl": lambda path: Review.read(path.parent),
    "counts.json": objects_of,
    "bench.json": read_report,
    "labels.json": lambda path: read_labelled(path, path.parent, ("Person",)),
    "verify.jsonl": lambda path: Verifier(path, ("Person",)),
    "c.yml": read_calibration,
    "d.tif": read_dem,
    "key": read_key,
    "login": lambda path: MqttAddress.parse(f"mqtt://host/t?login={path}").user(),
    "f.srt": lambda path: open_pose(f"srt:{path}"),
    "f.klv": lambda path: open_pose(f"klv:{path}"),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", READERS)
def test_a_pipe_is_refused_and_not_waited_for(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError):
        READERS[name](tmp_path / name)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.npy", "a.cptv", "a.mp4"])
def test_a_pipe_is_no_source(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / name)
    assert main(["run", "--backend", "null", "--source", str(tmp_path / name), "--out", str(tmp_path / "o")]) == 2
    assert "regular file" in capsys.readouterr().err


DEEP = b'{"x": ' + b"[" * 100_000


@pytest.mark.parametrize("name", ["model.json", "detections.jsonl", "tracks.jsonl", "counts.json", "bench.json"])
def test_json_in_json_in_json(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(DEEP + b"\n")
    with pytest.raises(InputError, match="nested too deeply|malformed|Expected"):
        READERS[name](tmp_path / name)


@pytest.mark.parametrize("name", ["model.json", "counts.json", "bench.json"])
def test_a_json_file_without_an_end_is_not_read(name: str, tmp_path: Path) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(1 << 40)  # a hole: no byte on the disk
    with pytest.raises(InputError, match="expected at most 64 MiB"):
        READERS[name](tmp_path / name)


@pytest.mark.parametrize("crop", ["/etc/passwd", "../../secret", "crops/\x1b[2J"])
def test_pictures_of_a_track_are_files_of_the_run(crop: str, tmp_path: Path) -> None:
    folder = flight(tmp_path / "out", FRAMES, [line(3, crops=[crop])])
    with pytest.raises(InputError, match="expected files within the run's folder"):
        hand_over(folder, ["kmz"])


def test_a_link_in_a_run_leads_no_file_of_this_machine_into_the_kmz(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"do not tell")
    folder = flight(tmp_path / "out", FRAMES, [line(3, crops=["crops/a.png"])])
    (folder / "crops/a.png").symlink_to(tmp_path / "secret")
    hand_over(folder, ["kmz"])
    assert b"do not tell" not in (folder / "tracks.kmz").read_bytes()
    (folder / "crops/a.png").unlink()
    (folder / "crops/a.png").write_bytes(b"do not tell")
    hand_over(folder, ["kmz"])
    assert b"do not tell" in (folder / "tracks.kmz").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"utc": "soon"}, {"utc": "2026-05-01T06:00:00"}, {"utc": "0001-01-01T00:00:00+14:00"}, {"t": 1e300},
        {"detections": [{"box": [0, 0, 1e308, 1], "score": 0.5, "label": 0, "class": "Person"}]},
        {"detections": [{"box": [0, 0, 1, 1], "score": 0.5, "label": 0, "class": "a", "position": [91, 0, 1]}]},
        {"pose": [91.0, 0, 10, 0, 0, 0]}, {"pose": [1.0, 0, 1e300, 0, 0, 0]},
    ],
)  # fmt: skip
def test_numbers_and_times_that_no_flight_has(change: dict[str, Any], tmp_path: Path) -> None:
    folder = flight(tmp_path / "out", [{**FRAMES[0], **change}])
    with pytest.raises(InputError, match="line 2"):
        list(DetectionsFile(folder / "detections.jsonl"))


@pytest.mark.parametrize("started", ["9999-12-31T23:59:59+00:00", "2026-05-01", 5, None])
def test_a_run_that_began_at_no_time(started: Any, tmp_path: Path) -> None:
    folder = flight(tmp_path / "out", [{**FRAMES[0], "utc": None}])
    (folder / "report.json").write_text(json.dumps({"started": started}))
    with pytest.raises(InputError, match=r"report\.json"):
        hand_over(folder, ["camtrap-dp"], (47.0, 8.0))


def test_links_that_lead_nowhere_are_moved_away(tmp_path: Path) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir(), outside.mkdir()
    for name in ("detections.jsonl", "recording", "report.json"):
        (out / name).symlink_to(outside / name)
    prepare_folder(out)
    (out / "detections.jsonl").write_text("x")
    assert not list(outside.iterdir())
    assert sorted(p.name for p in (out / "earlier-1").iterdir()) == ["detections.jsonl", "recording", "report.json"]


def test_seconds_of_a_run_are_not_the_clocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stepped(datetime):
        times = iter(datetime(2026, 1, 1, tzinfo=timezone.utc) - timedelta(hours=2 * i) for i in range(9))

        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return next(cls.times)

    monkeypatch.setattr(loop, "datetime", Stepped)
    words = ["--source", "sim:live=0,frames=2,width=64,height=64,pitch=-90,people=0,deer=0,cars=0", "--backend", "null"]
    assert main(["run", *words, "--out", str(tmp_path / "o")]) == 0
    assert json.loads((tmp_path / "o/report.json").read_text())["seconds"] >= 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_the_output_is_one_line(tmp_path: Path) -> None:
    words = [
        "--source",
        "sim:live=0,frames=2,width=64,height=64,pitch=-90,people=0,deer=0,cars=0",
        "--backend",
        "null",
        "--out",
        str(tmp_path / "o"),
    ]
    with open("/dev/full", "w") as full:
        done = run_loaded(
            [sys.executable, "-m", "edge.commands.main", "run", *words], stdout=full, stderr=subprocess.PIPE
        )
    said = done.stderr.decode().splitlines()
    assert (done.returncode, said[-1]) == (1, "edge: standard output: No space left on device")
    assert (tmp_path / "o/report.json").exists()


def test_half_of_a_utf_16_pair_in_an_address() -> None:
    with pytest.raises(InputError, match="mqtt://"):
        MqttAddress.parse("mqtt://host/\ud800")


def test_a_nul_in_the_name_of_a_pose() -> None:
    with pytest.raises(InputError, match="NUL"):
        open_pose("tlog:f\0.tlog")


def test_a_report_of_a_flight_that_is_no_report(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(DEEP)
    assert _changed(tmp_path / "report.json", {"model": "tiny"}) == ""


@pytest.mark.parametrize("mark", ["[", "{", '{"a":', "- ", "a: {"])
def test_a_calibration_in_a_calibration_does_not_end_the_process(mark: str, tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text("%YAML:1.0\n---\na: " * (mark != "- ") + mark * 50_000)
    with pytest.raises(InputError, match="nested too deeply"):
        read_calibration(tmp_path / "c.yml")
    (tmp_path / "d.yml").write_text("".join(" " * i + "a:\n" for i in range(300)))
    with pytest.raises(InputError, match="nested too deeply"):
        read_calibration(tmp_path / "d.yml")


def klv(body: bytes) -> bytes:
    packet = KEY + b"\x82" + (len(body) + 4).to_bytes(2, "big") + body + b"\x01\x02"
    return packet + ((sum(packet[::2]) * 256 + sum(packet[1::2])) & 0xFFFF).to_bytes(2, "big")


def test_klv_of_another_millennium_and_with_a_tag_without_an_end() -> None:
    counts: Counter[str] = Counter()
    assert not list(packets(klv(b"\x02\x08" + b"\x7f" * 8), counts))
    assert counts == {NO_TIME: 1}
    good = b"\x02\x08" + (1_780_000_000_000_000).to_bytes(8, "big")
    assert len(list(packets(klv(good + b"\xff" * 60_000), counts))) == 1


def test_wrong_checksums_are_not_added_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.pose.klv.SPARE", 0)
    one = KEY + b"\x82\x40\x00"  # 16 kB follow, it says
    data = one * 2000 + b"\x01\x02\0\0" * 8000
    counts: Counter[str] = Counter()
    assert not list(packets(data, counts))
    assert counts[BAD_SUM] * 0x4000 <= 5 * len(data)


def test_a_small_cptv_that_unpacks_to_very_much(tmp_path: Path) -> None:
    pytest.importorskip("cptv", reason="needs the package cptv: pip install 'thermal-edge[cptv]'")
    from edge.camera.cptv import CptvFile

    (tmp_path / "a.cptv").write_bytes(gzip.compress(b"CPTV\x02" + bytes(65 << 20), 1))
    with pytest.raises(SourceError, match="unpack to more than 64 MiB"):
        CptvFile(tmp_path / "a.cptv")


def test_a_jpeg_of_a_thousand_scans(tmp_path: Path) -> None:
    from edge.camera.images.jpeg import check_jpeg

    jpeg = cv2.imencode(".jpg", np.zeros((16, 16), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    check_jpeg(jpeg)
    at = jpeg.rindex(b"\xff\xda")
    with pytest.raises(ValueError, match="scans of 16x16 pixels"):
        check_jpeg(jpeg[:at] + jpeg[at:-2] * 1000 + jpeg[-2:])


def test_geo_keys_without_an_end_are_no_lines_on_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from tests.edge.geo.test_dem import DEGREES, HILL, geotiff

    path = geotiff(tmp_path / "a.tif", HILL, (0.1, 0.2), (8.0, 48.0), **DEGREES)
    data = bytearray(path.read_bytes())
    at = data.index(bytes((1, 0, 1, 0, 0, 0)))
    data[at + 6 : at + 8] = b"\xff\xff"  # so many keys, it says
    path.write_bytes(data)
    with suppress(EdgeError):
        read_dem(path)
    assert capfd.readouterr().err == ""


def test_float_temperatures_are_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.camera.images.values import How, to_picture

    rng = np.random.default_rng(1)
    values = rng.normal(20, 15, (37, 23)).astype(np.float32)
    values[3, 4], values[5, 6], values[7, 8] = np.nan, 500.0, -400.0
    whole = to_picture(values, How())
    monkeypatch.setattr("edge.camera.images.values.BLOCK", 50)
    parts = to_picture(values, How())
    assert (whole.pixels == parts.pixels).all()
    assert (whole.empty, whole.clipped, whole.note) == (parts.empty, parts.clipped, parts.note)
    assert whole.clipped == 1
    assert (whole.pixels[7, 8], whole.pixels[5, 6]) == (0, 65535)


def test_an_end_of_a_png_that_promises_gigabytes() -> None:
    from edge.camera.images.limits import check_png

    png = cv2.imencode(".png", np.zeros((12, 16), np.uint8))[1].tobytes()
    check_png(png)
    with pytest.raises(ValueError, match="cut off"):
        check_png(png[:-12] + b"\x80\0\0\0IEND" + png[-4:])


def test_a_mask_that_promises_gigabytes(tmp_path: Path) -> None:
    from edge.camera.view.mask import read_mask

    png = cv2.imencode(".png", np.full((12, 16), 255, np.uint8))[1].tobytes()
    at = png.index(b"IDAT") - 4
    (tmp_path / "m.png").write_bytes(png[:at] + b"\x20\0\0\0" + png[at + 4 :])
    with pytest.raises(SourceError, match="cut off"):
        read_mask(tmp_path / "m.png", (0, 0, 16, 12), (16, 12))
