"""What edge report A --against B writes, shows and says."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.app.compare.compare_json import Compared
from edge.app.compare.files import Best
from edge.app.compare.map_svg import map_of
from edge.app.output import prepare_folder
from edge.commands.main import main
from edge.system.declared import decoded
from tests.support.two_runs import CLASSES, box, counted, run

EVIL = '=<img src=x onerror="alert(1)">'


def two(folder: Path) -> tuple[Path, Path]:
    """A followed 1 and 2, B followed 1 only, elsewhere."""
    first = {"track": 1, "position": [51.5, -0.25, 3.0]}
    a = run(
        folder / "a",
        {seq: [box(10, 10, **first), box(60, 10, name="deer", track=2), box(120, 60, score=0.9)] for seq in range(3)},
        tracks=[{"track": 1}, {"track": 2, "name": "deer", "position": None}],
        counts={"Person": counted(2, 1, 3)},
        report={"source": "rec:nowhere", "fps": 8.0},
    )
    there = [51.5003, -0.25, 3.0]
    b = run(folder / "b", {seq: [box(11, 10, track=4, position=there)] for seq in range(3)}, report={"fps": 9.0})
    return a, b


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(), newline="")))


def test_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = two(tmp_path)
    assert main(["report", str(a), "--against", str(b)]) == 0
    out = a / "compare"
    figures = decoded((out / "compare.json").read_bytes(), Compared)
    assert (figures.a.folder, figures.b.folder, figures.frames.compared) == (str(a), str(b), 3)
    boxes = rows(out / "boxes.csv")
    assert [(one["seq"], one["found_by"], one["differs"]) for one in boxes[:3]] == [
        ("0", "both", "apart"), ("0", "A", "only"), ("0", "A", "only")
    ]  # fmt: skip
    assert (boxes[1]["class_a"], boxes[1]["score_a"], boxes[1]["side_px_a"], boxes[1]["class_b"]) == (
        "deer", "0.5", "10.0", ""
    )  # fmt: skip
    tracks = rows(out / "tracks.csv")
    assert [(one["found_by"], one["what"], one["track_a"], one["track_b"]) for one in tracks] == [
        ("both", "followed by both, at another place", "1", "4"), ("A", "B has nothing there", "2", "")
    ]  # fmt: skip
    places = json.loads((out / "places.geojson").read_text())
    assert (places["tracks"], places["without_position"]) == (2, 1)
    assert places["features"][0]["properties"]["found_by"] == "both"
    assert places["features"][0]["properties"]["sigma_m"] == 3.0  # of B, A's is 3.2
    assert places["features"][0]["geometry"]["coordinates"][1] == pytest.approx(51.5, abs=1e-3)
    said = capsys.readouterr().out
    assert "3 frames were searched by both and are compared.\nthe same frames: each frame has the same time of" in said
    assert re.findall(r"all +((?:│ +\d+ )+)│", said) == [
        "│ 2 │ 1 │    1 │       1 │       0 │      0 │      0 ", "│ 9 │ 3 │    3 │       6 │       0 │      0 │      0 "
    ]  # fmt: skip
    assert "speed: 8.0 frames/s in A, 9.0 frames/s in B" in said
    assert "counted in the whole run, Person: 2 (1 to 3) in A, - in B" in said
    assert not {path.name for path in out.iterdir()} - {
        "compare.json", "boxes.csv", "tracks.csv", "places.geojson", "compare.html"
    }  # fmt: skip
    prepare_folder(a)  # the next run moves it aside
    assert not out.exists()


def test_the_page_is_one_file_with_the_pictures(tmp_path: Path) -> None:
    a, b = two(tmp_path)
    assert main(["report", str(a), "--against", str(b), "--quiet"]) == 0
    page = (a / "compare/compare.html").read_text()
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    shown = [cv2.imdecode(np.frombuffer(base64.b64decode(one), np.uint8), -1) for one in pictures]
    assert [int(one[0, 0]) for one in shown] == [
        20,
        10,
    ]  # of A's track 2, which B has not, and of 1, which is elsewhere
    assert len(re.findall(">no picture<", page)) == 4  # B's track 4 has none, nor have the boxes without a track
    assert "no pictures of single boxes: the run had no source that can be read again" in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    assert "<svg" in page


def test_nothing_from_a_folder_is_obeyed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    cv2.imwrite(str(secret), np.zeros((9, 9), np.uint8))
    names = (EVIL, *CLASSES)
    found = [box(10, 10, name=EVIL, track=1, score=0.9), box(50, 9, name=EVIL)]
    report = {"source": f"rtsp://me:geheim@h/{EVIL}", "engine": EVIL}
    counts = {EVIL: counted(1)}
    a = run(tmp_path / "a", {0: found}, classes=names, tracks=[{"track": 1}], report=report, counts=counts)
    (a / "crops/000001-1.png").unlink()
    (a / "crops/000001-1.png").symlink_to(secret)
    b = run(tmp_path / "b", {0: []}, classes=names, report={"source": EVIL})
    assert main(["report", str(a), "--against", str(b), "--quiet"]) == 0
    page = (a / "compare/compare.html").read_text()
    assert "<img src=x" not in page
    assert "data:image" not in page
    assert "geheim" not in page + (a / "compare/compare.json").read_text()
    assert "&lt;img src=x" in page
    assert all(one["class_a"].startswith("'=") for one in rows(a / "compare/boxes.csv"))


@pytest.mark.parametrize("of", ["?order=name", "/a.png and 1 more"])  # a folder, or each of its files
def test_pictures_of_single_boxes_are_cut_from_the_stills(of: str, tmp_path: Path) -> None:
    stills = tmp_path / "stills"
    stills.mkdir()
    for name, grey in (("a.png", 50), ("b.png", 90)):
        picture = np.full((100, 200), grey, np.uint8)
        picture[60:70, 150:160] = 255
        cv2.imwrite(str(stills / name), picture)
    frame = {"origin": lambda seq: "ab"[seq] + ".png", "t": 1.0}
    source = {"source": f"{stills}{of}"}
    found = [box(150, 60, score=0.9), box(-3, 95, score=0.8)]
    a = run(tmp_path / "a", {0: [], 1: found}, of_frame=frame, report=source)
    b = run(tmp_path / "b", {0: [box(100, 50)], 1: []}, of_frame={**frame, "t": 2.0}, report=source)
    assert main(["report", str(a), "--against", str(b), "--quiet"]) == 0
    page = (a / "compare/compare.html").read_text()
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    shown = [cv2.imdecode(np.frombuffer(base64.b64decode(one), np.uint8), -1) for one in pictures]
    assert [one.shape for one in shown] == [(48, 48)] * 3
    assert (shown[0] == 255).sum() == 100
    assert (shown[0][19:29, 19:29] == 255).all()  # in the middle
    assert set(np.unique(shown[1])) == {0, 90}  # beyond the corner it is black
    assert (shown[1] == 90).sum() == 26 * 24
    assert set(np.unique(shown[2])) == {50}
    assert f"cut from {stills}{of.replace('/a.png and 1 more', '')}" in page


def test_the_best_of_each_run_are_shown() -> None:
    from edge.app.compare.boxes import BoxPair
    from edge.measure.detections_lines import DetectionLine, FrameLine

    frame = FrameLine(seq=0, t=0.0, utc=None, flags=[], detections=[])

    def one(score: float, **more: Any) -> DetectionLine:
        return DetectionLine(box=(0, 0, 1, 1), score=score, label=0, name="x", **more)

    best = Best(2)
    for score in (0.3, 0.9, 0.5):
        best.add(BoxPair(frame, one(score), None))
    for pair in (BoxPair(frame, None, one(0.1)), BoxPair(frame, None, one(1, track=1)), BoxPair(frame, one(1), one(1))):
        best.add(pair)
    assert [(bool(pair.a), (pair.a or pair.b).score) for pair in best.pairs()] == [  # type: ignore[union-attr]
        (True, 0.9), (True, 0.5), (False, 0.1)
    ]  # fmt: skip


def test_without_positions_there_is_no_map(tmp_path: Path) -> None:
    from edge.app.compare.compare import compare

    a = run(tmp_path / "a", {0: [box(1, 1, track=1)]})
    assert map_of(compare(a, a)) == ""
    placed = compare(*two(tmp_path / "t"))
    assert map_of(placed).count("<title>") == 1


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = two(tmp_path)
    assert main(["report", str(a), "--against", str(a)]) == 2
    assert "are one folder: give another run to compare with" in capsys.readouterr().err
    assert main(["report", str(a), "--against", str(tmp_path / "no")]) == 2
    assert "cannot read" in capsys.readouterr().err
    assert not (a / "compare").exists()
    (a / "compare").write_text("")
    assert main(["report", str(a), "--against", str(b)]) == 1
    assert "cannot write into" in capsys.readouterr().err


def test_what_only_one_model_knows_stands_among_the_large_numbers(tmp_path: Path) -> None:
    a = run(tmp_path / "a", {0: [box(10, 10), box(50, 50, name="fo<x")]}, classes=("Person", "fo<x"))
    b = run(tmp_path / "b", {0: [box(10, 10)]}, classes=("Person",))
    assert main(["report", str(a), "--against", str(b), "--quiet"]) == 0
    sums = re.findall(r'<div class=sums>.*|<div class="sums">.*', (a / "compare/compare.html").read_text())[0]
    assert '<div class="of-a"><b>1</b>boxes of fo&lt;x, which B does not know</div>' in sums
    assert "which A does not know" not in sums
