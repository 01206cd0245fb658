"""What is wrong with data is found and named; nothing is changed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

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
