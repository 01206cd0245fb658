"""The benchmark of proposals: right and wrong ones, by where they come from."""

from __future__ import annotations

from typing import Any

from benchmarks.accuracy.proposals import KINDS, counted, kind_of

BOX = [10.0, 10.0, 10.0, 10.0]


def box(image: int, bbox: list[float], category: int = 1, source: str = "detector", **more: Any) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": bbox, "score": 0.9, "source": source, **more}


def test_boxes_are_right_once_an_object_and_sure_ones_first() -> None:
    content = {
        "categories": [{"id": 1, "name": "Person"}, {"id": 2, "name": "Car"}],
        "images": [{"id": 7, "file_name": "clip/clip_000001.png"}, {"id": 8, "file_name": "clip/clip_000000.png"}],
        "annotations": [
            box(7, BOX, source="track", interpolated=True),  # the object is the detector's
            box(7, BOX),
            box(7, [40, 40, 10, 10], source="track"),
            box(7, [60, 10, 10, 10], flicker=True),  # DontCare
            box(8, BOX, category=2),  # another class
        ],
    }
    objects = [{"category_id": 0, "bbox_xywh": xywh} for xywh in (BOX, [41, 40, 10, 10])]
    there = [*objects, {"category_id": 4, "bbox_xywh": [60, 10, 10, 10]}]
    truth = {
        "categories": [{"id": 0, "name": "Person"}, {"id": 4, "name": "DontCare"}],
        "frames": [{"objects": objects[:1]}, {"objects": there}],
    }
    counts, objects_there = counted(content, truth)
    assert objects_there == 3
    assert counts == {
        ("detector", True): 1,
        ("detector", False): 1,
        ("faint, of a track", True): 1,
        ("filled in", False): 1,
    }


def test_every_box_is_of_one_kind() -> None:
    made = [box(1, BOX), box(1, BOX, flicker=True), box(1, BOX, source="track")]
    made.append(box(1, BOX, source="track", interpolated=True))
    assert tuple(map(kind_of, made)) == KINDS
