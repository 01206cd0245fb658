from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.app import demo as module
from edge.app.demo import Scorer, contact_sheet, save_picture
from edge.app.output import claimed_folder
from edge.commands.main import main
from edge.data import Detections, Result
from edge.errors import InputError
from edge.sim.truth import SimulatedFrame, Truth


def test_demo_leaves_all_that_it_promises(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "demo"
    monkeypatch.setattr(module, "save_picture", in_a_folder_that_is_nobody_elses)
    assert main(["demo", "--model", str(tiny_bundle), "--out", str(out), "--frames", "7"]) == 0
    assert {p.name for p in out.iterdir()} == {
        "detections.jsonl",
        "report.json",
        "report.html",
        "tracks.csv",
        "run.json",
        "video.mkv",
        "contact_sheet.png",
        "tracks.jsonl",
        "counts.json",
        "map.png",
        "coverage.geojson",
        "coverage.png",
        "tracks.geojson",
    }
    report = json.loads((out / "report.json").read_text())
    assert report["frames"] == 7
    assert report["score"]["Person"]["found"] + report["score"]["Person"]["missed"] > 0
    assert cv2.imread(str(out / "contact_sheet.png")).shape == (2 * 512 + 4, 3 * 640 + 8, 3)
    assert "recall" in capsys.readouterr().out


def in_a_folder_that_is_nobody_elses(path: Path, image: np.ndarray) -> None:
    with pytest.raises(InputError, match="another run is writing"), claimed_folder(path.parent):
        pass
    save_picture(path, image)


def result(names: tuple[str, ...], visible: list[float], found: list[list[float]], inferred: bool = True) -> Result:
    pixels = np.zeros((50, 50), np.uint8)
    there = np.array([[10 * i, 0, 10 * i + 8, 8] for i in range(len(names))], np.float32).reshape(-1, 4)
    boxes = np.array(found, np.float32).reshape(-1, 4)
    detections = Detections(boxes, np.full(len(boxes), 0.9, np.float32), np.zeros(len(boxes), np.int32), 50, 50)
    truth = Truth(there, names, np.array(visible, np.float32))
    return Result(
        frame=SimulatedFrame(pixels, 0, 0.0, truth=truth),
        detections=detections,
        t_result=0.1,
        picture=pixels,
        inferred=inferred,
    )


def test_what_the_model_has_no_class_for_counts_neither_way() -> None:
    score = Scorer(("Person",), 6)
    score(result(("person", "deer", "person"), [1.0, 1.0, 0.2], [[0, 0, 8, 8], [10, 0, 18, 8], [20, 0, 28, 8]]))
    assert score.tally.to_json()["all"] == {
        "found": 1,
        "missed": 0,
        "false": 0,
        "recall": 1.0,
        "precision": 1.0,
    }


def test_a_deer_is_an_animal_where_the_model_knows_no_deer() -> None:
    for classes, counts in ((("Person", "Animal"), "Animal"), (("Person", "Animal", "Deer"), "Deer")):
        score = Scorer(classes, 6)
        score(result(("deer",), [1.0], []))
        assert score.tally.to_json()[counts]["missed"] == 1


def test_a_closed_shutter_is_no_miss() -> None:
    score = Scorer(("Person",), 6)
    score(result(("person",), [1.0], [], inferred=False))
    assert score.tally.recall() is None


def test_contact_sheet_of_fewer_pictures_than_places() -> None:
    sheet = contact_sheet([np.full((10, 20, 3), 9, np.uint8)] * 4)
    assert sheet.shape == (24, 68, 3)
    assert (sheet[14:, 24:] == 0).all()


# ---- the count beside the truth ----


def followed(*frames: tuple[tuple[str, ...], list[float], list[int] | None]) -> Scorer:
    score = Scorer(("Person", "Car"), 6)
    for names, visible, bodies in frames:
        given = result(names, visible, [])
        assert isinstance(given.frame, SimulatedFrame)
        numbers = None if bodies is None else np.array(bodies, np.int32)
        truth = replace(given.frame.truth, bodies=numbers)
        score(replace(given, frame=replace(given.frame, truth=truth)))
    return score


def row(tracks: int) -> dict[str, int]:
    return {"tracks": tracks, "count": tracks}


def test_a_body_was_there_that_could_be_followed() -> None:
    score = followed(
        (("person", "person", "deer", "person"), [1.0, 0.5, 1.0, 0.49], [4, 5, 6, 7]),
        (("person", "person", "deer", "person"), [1.0, 0.6, 1.0, 1.0], [5, 8, 6, 7]),
    )
    counts = {"Person": row(3), "Car": row(0)}
    assert score.counted(counts) == {
        "Person": {**row(3), "really": 1}
    }  # body 5: twice in the frame, half of it or more


def test_a_class_that_was_there_and_one_that_was_only_counted_are_told() -> None:
    score = followed((("person",), [1.0], [1]), (("person",), [1.0], [1]))
    assert score.counted({"Person": row(0), "Car": row(2)}) == {
        "Person": {**row(0), "really": 1},
        "Car": {**row(2), "really": 0},
    }


def test_where_nobody_says_which_body_is_which_none_was_there() -> None:
    score = followed((("person",), [1.0], None), (("person",), [1.0], None))
    assert score.counted({"Person": row(1)}) == {"Person": {**row(1), "really": 0}}
