"""COCO and MegaDetector's JSON from detections.jsonl, read by others' readers; and what edge report says."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from edge.app.after.hand_over import hand_over
from edge.app.wildlife.coco import write_coco
from edge.app.wildlife.megadetector import Categories, write_megadetector
from edge.errors import InputError, SinkError
from edge.measure.detections_lines import FrameLine
from edge.measure.read_detections import DetectionsFile, why_not_searched
from tests.support.flight_folder import CLASSES, FIRST, FRAMES, box, flight


def test_coco_is_read_by_the_coco_tools(tmp_path: Path) -> None:
    coco = pytest.importorskip("faster_coco_eval", reason="needs the extra eval").COCO
    folder = flight(tmp_path)
    said = hand_over(folder, ["coco"])
    path = folder / "detections.coco.json"
    assert said == [f"{path}: 4 boxes in 3 images; 1 frames are left out: the camera's shutter was closed"]
    read = coco(str(path))
    assert [image["file_name"] for image in read.loadImgs(read.getImgIds())] == [
        "a.tif",
        "b.tif#2",
        "pictures/frame-000009.png",
    ]
    assert [image["width"] for image in read.loadImgs(read.getImgIds())] == [200, 200, 100]
    assert {c["id"]: c["name"] for c in read.loadCats(read.getCatIds())} == {
        1: "Person",
        2: "deer",
        3: "hot spot",
        8: "7",
    }
    (person,) = read.loadAnns(read.getAnnIds(catIds=[1]))
    assert person["bbox"] == [10.0, 20.0, 30.5, 40.0]
    assert person["area"] == 1220.0
    assert (person["score"], person["iscrowd"], person["image_id"], person["track_id"]) == (0.91, 0, 1, 4)
    assert read.getAnnIds(imgIds=[2]) == []
    whole = json.loads(path.read_text())
    assert whole["info"]["model"] == "tiny"
    assert [item["id"] for item in whole["annotations"]] == [1, 2, 3, 4]
    assert whole["images"][0]["date_captured"] == "2026-05-01T04:30:00.250+00:00"
    assert "track_id" not in whole["annotations"][1]  # -1: none


def test_our_own_reader_of_labels_takes_it(tmp_path: Path) -> None:
    labels = pytest.importorskip("edge.measure.labelled_frames")
    assert labels.__doc__
    folder = flight(tmp_path)
    hand_over(folder, ["coco"])
    whole = json.loads((folder / "detections.coco.json").read_text())
    ids = {image["id"] for image in whole["images"]}
    assert {annotation["image_id"] for annotation in whole["annotations"]} <= ids


def check_megadetector(whole: Any) -> None:
    """What https://lila.science/megadetector-output-format demands, as its validator looks at it."""
    assert float(whole["info"]["format_version"]) >= 1.3
    for categories in (whole["detection_categories"], whole["classification_categories"]):
        for key, name in categories.items():
            assert int(key) > 0  # "0" is reserved
            assert name.strip()
    for image in whole["images"]:
        assert isinstance(image["file"], str)
        if image.get("failure") is not None:
            assert isinstance(image["failure"], str)
            assert image["detections"] is None
            continue
        assert isinstance(image["detections"], list)
        for one in image["detections"]:
            assert one["category"] in whole["detection_categories"]
            assert isinstance(one["conf"], float)
            x, y, width, height = one["bbox"]
            assert 0 <= x <= x + width <= 1 + 1e-9
            assert 0 <= y <= y + height <= 1 + 1e-9
            for species, score in one.get("classifications", []):
                assert species in whole["classification_categories"]
                assert isinstance(score, float)


def test_megadetector_is_as_its_description_says(tmp_path: Path) -> None:
    folder = flight(tmp_path)
    path = folder / "detections.megadetector.json"
    assert hand_over(folder, ["megadetector"]) == [
        f"{path}: 4 images; neither animal, person nor vehicle, so under their own names: hot spot, 7"
    ]
    whole = json.loads(path.read_text())
    check_megadetector(whole)
    assert whole["info"] == {"format_version": "1.4", "detector": "tiny"}
    assert whole["detection_categories"] == {"1": "animal", "2": "person", "3": "vehicle", "4": "hot spot", "5": "7"}
    assert whole["classification_categories"] == {"1": "deer"}
    first, second, third, fourth = whole["images"]
    assert first == {
        "file": "a.tif",
        "max_detection_conf": 0.91,
        "detections": [
            {"category": "2", "conf": 0.91, "bbox": [0.05, 0.2, 0.1525, 0.4]},
            {"category": "1", "conf": 0.5, "bbox": [0.0, 0.0, 1.0, 1.0], "classifications": [["1", 0.5]]},
        ],
    }
    assert second == {"file": "b.tif#2", "max_detection_conf": 0.0, "detections": []}
    assert third == {"file": "c.tif", "failure": "the camera's shutter was closed", "detections": None}
    assert [one["category"] for one in fourth["detections"]] == ["4", "5"]
    assert fourth["detections"][0]["bbox"] == [0.1, 0.1, 0.1, 0.1]  # of its own size


def test_a_class_that_says_no_more_than_its_kind_has_no_classification() -> None:
    categories = Categories(["Animal", "person", "Car", ""])
    assert [categories.of(label) for label in range(4)] == [("1", None), ("2", None), ("3", "1"), ("4", None)]
    assert categories.detection["4"] == "unnamed"
    assert categories.classification == {"1": "Car"}


@pytest.mark.parametrize("write", [write_coco, write_megadetector])
def test_memory_stays_flat(write: Any, tmp_path: Path) -> None:
    peaks = []
    for n in (50, 1000):
        path = tmp_path / f"{n}.jsonl"
        lines = [FIRST, *({**FRAMES[0], "seq": seq} for seq in range(n))]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        tracemalloc.start()
        write(DetectionsFile(path), tmp_path / "out.json")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(json.loads((tmp_path / "out.json").read_text())["images"]) == n
    assert peaks[1] < peaks[0] * 1.5 + 25_000


# ---- what is refused ----


def test_a_cut_last_line_is_passed_over(tmp_path: Path) -> None:
    folder = flight(tmp_path)
    with (folder / "detections.jsonl").open("a") as file:
        file.write('{"seq": 10, "t"')
    assert len(list(DetectionsFile(folder / "detections.jsonl"))) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no frame"),
        ('{"form', "holds no frame"),
        ('{"seq": 1}\n', "line 1: .*files of version 0.1.0"),
        (json.dumps(FIRST) + "\nno\n", "line 2: .*expected a line as edge run writes it"),
        (json.dumps(FIRST) + "\n" + json.dumps({**FRAMES[0], "detections": [{}]}) + "\n", "line 2: .*box"),
    ],
)
def test_what_is_no_such_file_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "detections.jsonl").write_text(text)
    with pytest.raises(InputError, match=said):
        hand_over(tmp_path, ["coco"])
    assert [path.name for path in tmp_path.iterdir()] == ["detections.jsonl"]  # nothing half written


def test_no_run_and_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"cannot read .*detections.jsonl: No such file"):
        hand_over(tmp_path, ["megadetector"])
    with pytest.raises(InputError, match=r"cannot read .*tracks.jsonl: No such file"):
        hand_over(tmp_path, ["csv"])
    folder = flight(tmp_path / "x")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    for name in ("csv", "coco", "megadetector", "camtrap-dp"):
        with pytest.raises(SinkError, match="No space left on device: free some"):
            hand_over(folder, [name])
    assert sorted(path.name for path in folder.iterdir()) == [
        "crops",
        "detections.jsonl",
        "report.json",
        "tracks.jsonl",
    ]


def test_box_is_what_the_file_says() -> None:
    assert box(0, 0, 1, 1)["label"] == 0
    assert CLASSES[0] == "Person"
    assert np.isfinite(FRAMES[0]["t"])


def test_a_frame_that_was_spared_is_not_called_a_closed_shutter() -> None:
    line = {"seq": 5, "t": 102.0, "utc": None, "flags": [], "detections": [], "inferred": False}
    assert why_not_searched(msgspec.convert(line, FrameLine)) == "the board was spared: not searched"
