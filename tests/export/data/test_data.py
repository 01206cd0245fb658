"""Labels in four formats read the same; what is wrong with data is found and named."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import InputError
from export.commands.main import main
from export.data.clean import inspect, summary, tidy
from export.data.dataset import LabelledFrame, read_coco, read_pixels
from export.data.formats import read_folder
from export.data.runs import FramesNamed, run_of, split_by_run

BOX = (16.0, 8.0, 32.0, 24.0)  # xyxy in a 64x48 frame
TEXTURE = np.random.default_rng(0).integers(60, 120, (48, 64)).astype(np.uint8)


def write_image(path: Path, pixels: np.ndarray = TEXTURE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)


def write_coco(folder: Path, names: list[str], boxes: list[tuple[int, int, list[float]]]) -> Path:
    """Boxes are (image, category, xywh); HIT-UAV's keys."""
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    content = {
        "images": [{"id": i, "filename": n, "width": 64, "height": 48} for i, n in enumerate(names)],
        "categories": [{"id": 0, "name": "Person"}, {"id": 1, "name": "Car"}, {"id": 4, "name": "DontCare"}],
        "annotation": [{"image_id": i, "category_id": c, "bbox": b} for i, c, b in boxes],
    }
    file = folder / "annotations" / "train.json"
    file.write_text(json.dumps(content))
    return file


def test_four_formats_read_the_same(tmp_path: Path) -> None:
    write_coco(tmp_path / "h", ["a.png"], [(0, 1, [16, 8, 16, 16]), (0, 4, [0, 0, 4, 4]), (0, 0, [1, 1, 2, 2])])
    write_image(tmp_path / "v/JPEGImages/a.png")
    (tmp_path / "v/Annotations").mkdir()
    objects = "".join(
        f"<object><name>{n}</name><bndbox><xmin>{x + 1}</xmin><ymin>{y + 1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax>"
        "</bndbox></object>"
        for n, x, y, x2, y2 in (("Car", 16, 8, 32, 24), ("Person", 1, 1, 3, 3), ("DontCare", 0, 0, 4, 4))
    )
    (tmp_path / "v/Annotations/a.xml").write_text(
        f"<annotation><filename>a</filename><size><width>64</width><height>48</height></size>{objects}</annotation>"
    )
    write_image(tmp_path / "y/images/train/a.png")
    (tmp_path / "y/labels/train").mkdir(parents=True)
    (tmp_path / "y/labels/train/a.txt").write_text(
        f"1 {24 / 64} {16 / 48} {16 / 64} {16 / 48}\n0 {2 / 64} {2 / 48} {2 / 64} {2 / 48}\n"
    )
    (tmp_path / "y/data.yaml").write_text("nc: 2\nnames:\n  0: Person\n  1: Car\n")
    for kind in "hvy":
        data = read_folder(tmp_path / kind)
        cars = {name: i for i, name in enumerate(data.classes)}["Car"]
        frame = data.frames[0]
        assert set(data.classes) == {"Person", "Car"}
        np.testing.assert_allclose(frame.boxes[frame.labels == cars], [BOX], atol=1e-4)
        assert len(frame.boxes) == 2
        assert len(frame.ignored) == (0 if kind == "y" else 1)
        assert (frame.width, frame.height) == (64, 48)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("{}", "'categories'"),
        ('{"images": [], "annotations": [], "categories": []}', "0 images"),
    ],
)
def test_unusable_annotations_are_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=says):
        read_coco(tmp_path / "a.json", tmp_path)


def test_labels_beyond_the_classes(tmp_path: Path) -> None:
    file = write_coco(tmp_path, ["a.png"], [(0, 7, [1, 1, 5, 5])])
    with pytest.raises(InputError, match="category 7"):
        read_coco(file, tmp_path)


def test_colour_is_refused_and_16_bit_kept(tmp_path: Path) -> None:
    counts = np.arange(64 * 48, dtype=np.uint16).reshape(48, 64) * 20
    write_image(tmp_path / "c.png", counts)
    np.testing.assert_array_equal(read_pixels(tmp_path / "c.png"), counts)
    write_image(tmp_path / "p.png", cv2.applyColorMap(TEXTURE * 2, cv2.COLORMAP_INFERNO))
    with pytest.raises(InputError, match="colour"):
        read_pixels(tmp_path / "p.png")


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


def test_a_split_by_run_parts_no_run(tmp_path: Path) -> None:
    names = [
        f"{run}_{i:05d}.jpg" for run in ("0_60_30_0", "1_60_30_0", "1_80_90_0") for i in (*range(20), *range(100, 120))
    ]
    data = read_coco(write_coco(tmp_path, names, [(0, 0, [1, 1, 5, 5])]), tmp_path)
    train, val = split_by_run(data, 0.35)
    assert len(train) + len(val) == len(data)
    assert 20 <= len(val) <= 0.35 * len(data)
    parts = [{(f.path.stem[:9], int(f.path.stem[-5:]) // 100) for f in s.frames} for s in (train, val)]
    assert not parts[0] & parts[1]


def test_tidy_leaves_good_boxes_alone(tmp_path: Path) -> None:
    data = read_coco(write_coco(tmp_path, ["a.png"], [(0, 0, [1.0, 2, 3, 4]), (0, 1, [1.0, 2, 3, 4])]), tmp_path)
    fixed, problems = tidy(data)
    assert problems == []
    np.testing.assert_array_equal(fixed.frames[0].boxes, data.frames[0].boxes)


def test_check_leaves_out_and_holds_back_by_run(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = [f"{run}_{i:05d}.png" for run in ("0_60_30_0", "1_60_30_0", "1_80_90_0") for i in range(4)]
    for name in names:
        write_image(tmp_path / "train" / name, rng.integers(0, 255, (48, 64)).astype(np.uint8))
    write_coco(tmp_path, names, [(i, 1, [16, 8, 16, 16]) for i in range(len(names))])
    words = ["data", "check", str(tmp_path), "--out", str(tmp_path / "out"), "--quiet"]
    assert main([*words, "--without", "1_80_90_0:1-2", "--hold-back", "0.5"]) == 0
    parts = [read_coco(tmp_path / "out" / name, tmp_path) for name in ("cleaned.json", "held_back.json")]
    held = [{f.path.name for f in part.frames} for part in parts]
    assert held[0] | held[1] == set(names) - {"1_80_90_0_00001.png", "1_80_90_0_00002.png"}
    assert not {n[:9] for n in held[0]} & {n[:9] for n in held[1]}
    assert main([*words, "--without", "nonsense"]) == 2
    assert main([*words, "--hold-back", "1"]) == 2


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("0_60_30_0_01610.jpg", ("0_60_30_0", 1610)),
        ("DJI_0007.png", ("DJI", 7)),
        ("flights/12.png", ("flights", 12)),
        ("portrait.png", None),
    ],
)
def test_the_run_of_a_name(name: str, run: tuple[str, int] | None) -> None:
    assert run_of(Path(name)) == run


def test_frames_named_are_those_of_the_range() -> None:
    none = np.zeros((0, 4), np.float32)
    expected = FramesNamed("DJI:3-5")
    numbers = [i for i in range(9) if expected(LabelledFrame(Path(f"DJI_{i}.png"), 1, 1, none, np.zeros(0, int), none))]
    assert numbers == [3, 4, 5]
