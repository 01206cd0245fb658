"""Any set of boxes, written by others' rules, is read as it was; any bytes are read or refused in a line."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.errors import InputError
from export.data.clean import tidy
from export.data.coco import read_coco, to_coco
from export.data.dataset import LabelledSet, labelled_frame
from export.data.formats import read_folder
from tests.support.label_files import coco, voc_object, write_image, write_json, write_text, write_voc, yolo_line

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
NAMES = ["person", "Car", "DontCare", "Rotwild, stehend", "鹿"]
WIDTH, HEIGHT = 64, 48
BOX = st.tuples(
    st.integers(1, WIDTH - 2), st.integers(1, HEIGHT - 2), st.integers(1, WIDTH), st.integers(1, HEIGHT)
).map(lambda b: (b[0], b[1], min(WIDTH, b[0] + b[2]), min(HEIGHT, b[1] + b[3])))
FRAMES = st.lists(st.lists(st.tuples(st.integers(0, 4), BOX), max_size=4), min_size=1, max_size=4)


def expected(frames: list[Any]) -> list[list[tuple[str, tuple[float, ...]]]]:
    return [sorted((NAMES[label], box) for label, box in boxes) for boxes in frames]


def seen(data: LabelledSet) -> list[list[tuple[str, tuple[float, ...]]]]:
    found = []
    for frame in sorted(data.frames, key=lambda f: f.path.name):
        boxes = [
            (data.classes[i], tuple(np.round(b, 3).tolist())) for i, b in zip(frame.labels, frame.boxes, strict=True)
        ]
        found.append(sorted([*boxes, *(("DontCare", tuple(np.round(b, 3).tolist())) for b in frame.ignored)]))
    return found


@QUICK
@given(FRAMES, st.permutations(range(5)))
def test_coco(frames: list[Any], ids: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        images = [{"file_name": f"f{i}.png"} for i in range(len(frames))]
        boxes = [
            {"image_id": i, "category_id": 10 * ids[label], "bbox": [x1, y1, x2 - x1, y2 - y1]}
            for i, some in enumerate(frames)
            for label, (x1, y1, x2, y2) in some
        ]
        file = write_json(Path(folder, "a.json"), coco(images, boxes, {10 * ids[i]: n for i, n in enumerate(NAMES)}))
        data = read_coco(file, folder)
        assert seen(data) == expected(frames)
        again = read_coco(write_json(Path(folder, "b.json"), to_coco(data, Path(folder))), folder)
        assert (again.classes, seen(again)) == (data.classes, seen(data))


@QUICK
@given(FRAMES, st.booleans())
def test_voc(frames: list[Any], zero: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for i, boxes in enumerate(frames):
            add = 0 if zero else 1
            objects = "".join(
                voc_object(NAMES[label], (x1 + add, y1 + add, x2, y2)) for label, (x1, y1, x2, y2) in boxes
            )
            write_voc(Path(folder, f"Annotations/f{i}.xml"), objects, f"f{i}.png", "Unknown" if zero else "VOC2007")
        if any(label != 2 for boxes in frames for label, _ in boxes):
            assert seen(read_folder(folder)) == expected(frames)
        else:
            with pytest.raises(InputError, match="0 classes"):
                read_folder(folder)


@QUICK
@given(FRAMES, st.permutations(range(5)))
def test_yolo(frames: list[Any], ids: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for i, boxes in enumerate(frames):
            write_image(Path(folder, f"images/f{i}.png"))
            write_text(Path(folder, f"labels/f{i}.txt"), "".join(yolo_line(ids[label], box) for label, box in boxes))
        lines = [f"  {ids[i]}: {json.dumps(name)}\n" for i, name in enumerate(NAMES)]
        write_text(Path(folder, "data.yaml"), "names:\n" + "".join(lines))
        assert seen(read_folder(folder)) == expected(frames)


NUMBER = st.one_of(st.floats(), st.integers(-5, 700), st.sampled_from(["1", "nan", None, "", [], 10**400]))
VALUE = st.recursive(
    st.one_of(NUMBER, st.text(max_size=4), st.booleans()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@QUICK
@given(st.data())
def test_altered_coco_is_read_or_refused(data: st.DataObject) -> None:
    content = coco([{"file_name": "a.png"}, {"file_name": "b.png"}], [], {1: "deer", 2: "person"})
    content["annotations"] = [
        {"id": i, "image_id": i % 2, "category_id": 1 + i % 2, "bbox": [3, 4, 10, 12], "iscrowd": 0} for i in range(3)
    ]
    rows = [row for kind in ("images", "annotations", "categories") for row in content[kind]]
    for _ in range(data.draw(st.integers(1, 3))):
        row = data.draw(st.sampled_from(rows))
        keys = [*row, "segmentation", "attributes", "supercategory", "ignore", "score", "temperature"]
        row[data.draw(st.sampled_from(keys))] = data.draw(VALUE)
    with tempfile.TemporaryDirectory() as folder:
        file = write_json(Path(folder, "a.json"), content)
        read_or_refused(lambda: read_coco(file, folder))


@QUICK
@given(
    st.sampled_from(["labels/a.txt", "data.yaml", "classes.txt"]),
    st.one_of(st.binary(max_size=80), st.text(max_size=80)),
)
def test_any_bytes_in_a_yolo_folder(name: str, content: bytes | str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_image(Path(folder, "images/a.png"))
        write_text(Path(folder, "labels/a.txt"), "0 0.5 0.5 0.1 0.1\n")
        write_text(Path(folder, "data.yaml"), "names: [deer]\n")
        Path(folder, name).write_bytes(content if isinstance(content, bytes) else content.encode(errors="replace"))
        read_or_refused(lambda: read_folder(folder))


LINE = st.lists(st.one_of(st.floats().map(repr), st.integers(-2, 3).map(str), st.text(max_size=3)), max_size=9)


@QUICK
@given(st.lists(LINE, max_size=3))
def test_any_yolo_lines(lines: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_image(Path(folder, "images/a.png"))
        write_text(Path(folder, "classes.txt"), "deer\nperson\n")
        Path(folder, "labels").mkdir()
        Path(folder, "labels/a.txt").write_bytes("\n".join(" ".join(words) for words in lines).encode(errors="replace"))
        read_or_refused(lambda: read_folder(folder))


@QUICK
@given(st.data())
def test_altered_voc_is_read_or_refused(data: st.DataObject) -> None:
    text = (
        '<?xml version="1.0" encoding="utf-8"?><annotation><filename>a.png</filename><size><width>64</width><height>48'
    )
    text += "</height></size>" + voc_object("deer", (2, 3, 9, 12), "<difficult>0</difficult>") + "</annotation>"
    raw = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at, bits = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 255))
        raw[at : at + data.draw(st.integers(0, 3))] = bytes([bits])
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Annotations").mkdir()
        Path(folder, "Annotations/a.xml").write_bytes(raw)
        read_or_refused(lambda: read_folder(folder))


def read_or_refused(read: Any) -> None:
    error: InputError | None = None
    try:
        data = read()
    except InputError as refusal:
        error = refusal
    if error is not None:
        assert "\n" not in str(error)
        return
    fixed, _ = tidy(data)
    for frame in fixed.frames:
        assert frame.width > 0 < frame.height
        assert np.isfinite(frame.boxes).all()
        assert np.isfinite(frame.ignored).all()
        assert (frame.boxes[:, 2:] > frame.boxes[:, :2]).all()
        assert len(frame.boxes) == len(frame.labels)
        assert (frame.labels < len(data.classes)).all()
    assert not any("\n" in note or "\x1b" in note for note in data.notes)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    corners = np.sort(rng.uniform(0, 48, (50, 2, 2)), axis=1).reshape(50, 4).astype(np.float32)
    frame = labelled_frame(tmp_path / "a b.png", 64, 48, corners[:40].tolist(), [1] * 40, corners[40:].tolist())
    data = LabelledSet(("deer", "Rotwild, stehend"), (frame,))
    again = read_coco(write_json(tmp_path / "a.json", to_coco(data)), tmp_path)
    assert again.classes == data.classes
    assert again.frames[0].path == (tmp_path / "a b.png").resolve()
    np.testing.assert_array_equal(again.frames[0].boxes, frame.boxes)
    np.testing.assert_array_equal(again.frames[0].ignored, frame.ignored)
    np.testing.assert_array_equal(again.frames[0].labels, frame.labels)
