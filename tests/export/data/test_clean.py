"""What is wrong with data is found and named; nothing is changed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from export.commands.main import main
from export.data.clean import inspect, summary, tidy
from export.data.coco import read_coco
from tests.support.label_files import write_coco, write_image


def test_check_finds_each_problem_and_changes_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    people = [[8.0, 8, 8, 8], [28.0, 8, 8, 8], [48.0, 28, 8, 8]]
    scenes = {n: cv2.resize(rng.integers(60, 120, (6, 8)).astype(np.uint8), (64, 48)) for n in "abcdefgh"}
    for x, y, w, h in np.array(people, int):
        for name, pixels in scenes.items():
            pixels[y : y + h, x : x + w] = 10 if name == "d" else 220
    folder = tmp_path / "train"
    for name in "abd":
        write_image(folder / f"{name}.png", scenes[name])
    write_image(folder / "c.png", scenes["a"])
    write_image(folder / "e.png", cv2.applyColorMap(scenes["e"], cv2.COLORMAP_JET))
    write_image(folder / "f.png", scenes["f"][:40])
    write_image(folder / "g.jpg", scenes["g"])
    (folder / "g.jpg").write_bytes((folder / "g.jpg").read_bytes()[:-200])
    names = ["a.png", "b.png", "c.png", "d.png", "e.png", "f.png", "g.jpg", "h.png"]
    boxes = [(i, 0, box) for i in range(8) for box in people]
    boxes += [(1, 0, [60.0, 40, 20, 20]), (1, 0, [5.0, 5, 0, 3]), (1, 0, people[0])]
    file = write_coco(tmp_path, names, boxes)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    data = read_coco(file, folder)
    cleaned, problems = inspect(data)
    found = summary(problems)
    for kind in (
        "box outside",
        "box of no size",
        "box twice",
        "empty class",
        "unreadable",
        "truncated",
        "size",
        "colour",
        "black-hot",
        "same frame",
    ):
        assert found[kind] == 1, kind
    assert [f.path.name for f in cleaned.frames] == ["a.png", "b.png"]
    np.testing.assert_array_equal(cleaned.frames[1].boxes[3], [60, 40, 64, 48])
    out = tmp_path / "out"
    assert main(["data", "check", str(tmp_path), "--out", str(out), "--quiet"]) == 0
    again = read_coco(out / "cleaned.json", folder)
    assert [f.path.name for f in again.frames] == ["a.png", "b.png"]
    np.testing.assert_allclose(again.frames[1].boxes, cleaned.frames[1].boxes)
    assert "black-hot" in (out / "report.html").read_text()
    assert {p: p.read_bytes() for p in before} == before


def test_tidy_leaves_good_boxes_alone(tmp_path: Path) -> None:
    data = read_coco(write_coco(tmp_path, ["a.png"], [(0, 0, [1.0, 2, 3, 4]), (0, 1, [1.0, 2, 3, 4])]), tmp_path)
    fixed, problems = tidy(data)
    assert problems == []
    np.testing.assert_array_equal(fixed.frames[0].boxes, data.frames[0].boxes)


def test_ignored_regions_that_are_none_are_counted(tmp_path: Path) -> None:
    """Category 4 is DontCare. Backwards, beside the picture, of no size; the last two stay, one of them cut."""
    regions = [[30.0, 8, -9, 8], [70, 8, 9, 8], [5, 5, 0, 3], [5, 5, 8, 8], [60, 40, 20, 20]]
    data = read_coco(write_coco(tmp_path, ["a.png"], [(0, 4, box) for box in regions]), tmp_path)
    fixed, problems = tidy(data)
    told = [(p.kind, p.detail) for p in problems if p.kind != "empty class"]
    assert told == [
        ("ignored region", "region [30.0, 8.0, 21.0, 16.0] in 64x48"),
        ("ignored region", "region [70.0, 8.0, 79.0, 16.0] in 64x48"),
        ("ignored region", "region [5.0, 5.0, 5.0, 8.0] in 64x48"),
    ]
    assert fixed.frames[0].ignored.tolist() == [[5, 5, 13, 13], [60, 40, 64, 48]]
    write_image(tmp_path / "a.png")
    kept, found = inspect(data)
    assert len(kept) == 1  # the frame stays
    assert summary(found)["ignored region"] == 3


def test_why_nothing_is_usable_is_not_an_empty_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No box is of the class Car, whatever else is wrong."""
    for folder, box, told in (
        ("gone", [8.0, 8, 8, 8], "none of the frames is usable, so there is nothing to train on: image"),
        ("empty", [8.0, 8, 0, 8], "none of the boxes is usable, so there is nothing to train on: a.png: box [8.0, 8.0"),
    ):
        write_coco(tmp_path / folder, ["a.png"], [(0, 0, box)])
        if folder == "empty":
            write_image(tmp_path / folder / "train/a.png")
        assert main(["data", "check", str(tmp_path / folder), "--out", str(tmp_path / "out"), "--quiet"]) == 1
        assert told in capsys.readouterr().err
