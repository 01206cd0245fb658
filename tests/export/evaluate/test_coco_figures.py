"""COCO's own figures beside ours: the same on plain boxes, and where they differ both right by their own rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.errors import InputError
from edge.measure.average_precision import Judged
from export.data.coco import read_coco
from export.evaluate.classes import ClassChoice
from export.evaluate.coco_figures import NAMES, coco_figures, coco_truth
from export.evaluate.evaluate import figures
from tests.support.label_files import write_image

NONE = np.zeros((0, 4), np.float32)


def judged(found: list[tuple[list[float], float, int]], data: Any) -> Judged:
    boxes = np.array([box for box, _, _ in found], np.float32).reshape(-1, 4)
    scores, labels = np.array([s for _, s, _ in found], np.float32), np.array([c for _, _, c in found], np.int32)
    return Judged(boxes, scores, labels, data.boxes, data.labels, data.ignored)


def written(
    folder: Path, boxes: list[dict[str, Any]], names: tuple[str, ...] = ("person", "car"), images: int = 1
) -> Path:
    for i in range(images):
        write_image(folder / f"{i}.png")
    content = {
        "images": [{"id": 7 + i, "file_name": f"{i}.png", "width": 64, "height": 48} for i in range(images)],
        "categories": [{"id": 3 + i, "name": name} for i, name in enumerate(names)],
        "annotations": [{"id": i, "image_id": 7, "category_id": 3, "iscrowd": 0} | box for i, box in enumerate(boxes)],
    }
    (folder / "labels.json").write_text(json.dumps(content))
    return folder / "labels.json"


def both(file: Path, *found: list[tuple[list[float], float, int]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ours and COCO's figures of what was found in each frame."""
    data = read_coco(file, file.parent)
    frames = [judged(one, frame) for one, frame in zip(found, data.frames, strict=True)]
    truth = coco_truth(file, file.parent, data, ClassChoice())
    return figures(frames, data.classes), coco_figures(frames, data.classes, truth)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_to_four_digits_on_plain_boxes(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes: list[dict[str, Any]] = []
    found: list[list[tuple[list[float], float, int]]] = []
    for image in range(4):
        here = []
        for _ in range(6):
            x, y = rng.uniform(0, 40, 2)
            w, h = rng.uniform(6, 20, 2)
            label = int(rng.integers(2))
            boxes.append({"image_id": 7 + image, "category_id": 3 + label, "bbox": [x, y, w, h]})
            shift = rng.normal(0, 1, 2)
            here.append(([x + shift[0], y + shift[1], x + w, y + h], float(rng.uniform()), label))
        found.append([*here, ([1.0, 1, 9, 9], float(rng.uniform()), 0)])
    ours, coco = both(written(tmp_path, boxes, images=4), *found)
    assert 0.1 < ours["ap"] < 0.9
    assert coco["ap"] == pytest.approx(ours["ap"], abs=1e-4)
    assert coco["ap50"] == pytest.approx(ours["ap50"], abs=1e-4)
    assert set(coco) == set(NAMES)


def test_a_crowd_takes_up_its_own_class_in_coco_and_every_class_here(tmp_path: Path) -> None:
    person, crowd = [4.0, 4, 10, 10], [30.0, 20, 30, 20]
    file = written(
        tmp_path, [{"bbox": person}, {"bbox": crowd, "iscrowd": 1}, {"category_id": 4, "bbox": [4, 30, 8, 8]}]
    )
    right, car = ([4.0, 4, 14, 14], 0.5, 0), ([4.0, 30, 12, 38], 0.5, 1)
    ours, coco = both(file, [right, car, ([35.0, 25, 45, 35], 0.9, 0)])
    assert ours["ap"] == coco["ap"] == pytest.approx(1)  # a person inside the crowd of persons
    ours, coco = both(file, [right, car, ([35.0, 25, 45, 35], 0.9, 1)])
    assert ours["ap"] == pytest.approx(1)  # a car there: in a region that is ignored
    assert coco["ap"] == pytest.approx(0.75)  # a false car before the right one: precision 1/2


def test_coco_sorts_into_sizes_by_the_area_of_the_mask(tmp_path: Path) -> None:
    box = [0.0, 0, 40, 40]  # 1600 px^2: medium; its mask covers 900: small
    ours, coco = both(written(tmp_path, [{"bbox": box, "area": 900}]), [([0.0, 0, 40, 40], 0.9, 0)])
    assert ours["ap50_by_coco_size"] == {"small": None, "medium": 1.0, "large": None}
    assert (coco["ap_small"], coco["ap_medium"], coco["ap_large"]) == (pytest.approx(1), None, None)


def test_coco_counts_a_hundred_detections(tmp_path: Path) -> None:
    boxes = [{"bbox": [float(x), float(y), 3, 3]} for x in range(0, 60, 4) for y in range(0, 48, 4)][:150]
    rows = [box["bbox"] for box in boxes]
    found = [([x, y, x + w, y + h], 1 - i / 1000, 0) for i, (x, y, w, h) in enumerate(rows)]
    ours, coco = both(written(tmp_path, boxes), found)
    assert ours["ap"] == pytest.approx(1)
    assert coco["ap"] == pytest.approx(67 / 101)  # recall 100 / 150: the points 0.00 .. 0.66
    assert coco["ar_100"] == pytest.approx(100 / 150)


def test_what_the_labels_call_otherwise_and_frames_of_a_part_are_found(tmp_path: Path) -> None:
    file = written(tmp_path, [{"bbox": [4, 4, 8, 8], "category_id": 4}, {"bbox": [9, 9, 5, 5]}], images=2)
    choice = ClassChoice.parse("Truck=car", None)
    data = choice.of(read_coco(file, tmp_path), "it")
    assert coco_truth(file, tmp_path, data, choice) == [
        {"id": 1, "image_id": 0, "category_id": 0, "bbox": [4, 4, 8, 8], "area": 64, "iscrowd": 0}
    ]
    second = data.without(lambda frame: frame.path.name == "0.png")
    assert coco_truth(file, tmp_path, second, choice) == []
    with pytest.raises(InputError, match="one to one"):
        coco_truth(file, tmp_path / "elsewhere", data, choice)


def test_nothing_found_and_nothing_to_find(tmp_path: Path) -> None:
    _, coco = both(written(tmp_path, [{"bbox": [4, 4, 8, 8]}]), [])
    assert coco["ap"] == coco["ar_100"] == 0
    assert coco_figures([], ("person",), []) == dict.fromkeys(NAMES)
