"""Proposals are no labels until somebody has looked at them; and what comes back from a labelling tool fits again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.data import TemperatureScale
from edge.errors import InputError
from edge.measure.labelled_frames import read_labelled
from export.commands.main import main
from export.data.assist.corrected import corrected
from export.data.coco import read_coco
from export.data.formats import read_folder
from tests.export.data.assist.test_propose import coco, film, propose
from tests.support.label_files import write_json

WAYS = (
    "the image says it",
    "a box says it",
    "an attribute says it",
    "an attribute says it as text",
    "the file says it",
)


@pytest.fixture
def folder(tmp_path: Path, tiny_bundle: Path) -> Path:
    """Three frames of 16 bit, a box in each, in one flight."""
    out = tmp_path / "p"
    assert propose(f"{film(tmp_path / 'f', 3, np.uint16)}?kelvin=0.01", "--model", tiny_bundle, "--out", out) == 0
    return out


def export(folder: Path, change: dict[int, dict[str, Any]] | None = None, name: str = "{}", drop: int = 0) -> Path:
    """As CVAT exports it: ids of its own, no mark, no scale, the pictures' own names; box ``i`` with ``change[i]``, the
    first ``drop`` pictures left out.
    """
    content = coco(folder)
    ids = {image["id"]: i for i, image in enumerate(content["images"], 1)}
    images = [
        {
            "id": ids[image["id"]],
            "width": 80,
            "height": 64,
            "file_name": str(Path(image["file_name"]).with_name(name.format(Path(image["file_name"]).name))),
        }
        for image in content["images"]
    ]
    boxes = [
        {
            "id": i,
            "image_id": ids[box["image_id"]],
            "category_id": 1,
            "bbox": box["bbox"],
            "attributes": {"occluded": False},
            **(change or {}).get(i, {}),
        }
        for i, box in enumerate(content["annotations"])
    ]
    whole = {"images": images[drop:], "annotations": [b for b in boxes if b["image_id"] > drop]}
    return write_json(folder.parent / "export.json", {**whole, "categories": [{"id": 1, "name": "person"}]})


@pytest.mark.parametrize("way", WAYS)
def test_proposals_are_no_labels(way: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = coco(folder)
    plain: dict[str, Any] = {
        "images": [{k: v for k, v in image.items() if k != "proposed"} for image in content["images"]],
        "annotations": [
            {k: v for k, v in box.items() if k not in ("proposed", "attributes")} for box in content["annotations"]
        ],
        "categories": content["categories"],
    }
    file = write_json(folder.parent / "labels.json", plain)
    assert len(read_coco(file, folder / "images")) == 3
    assert len(read_labelled(file, folder / "images", ("Person",))[0]) == 3
    marks: dict[str, Any] = {
        WAYS[0]: plain["images"][1], WAYS[1]: plain["annotations"][1], WAYS[2]: plain["annotations"][1],
        WAYS[3]: plain["annotations"][1], WAYS[4]: plain,
    }  # fmt: skip
    said = {
        WAYS[0]: {"proposed": True}, WAYS[1]: {"proposed": True}, WAYS[2]: {"attributes": {"proposed": True}},
        WAYS[3]: {"attributes": {"proposed": "True"}},
        WAYS[4]: {"info": {"description": "found by thermal-edge; no person has checked it"}},
    }  # fmt: skip
    marks[way].update(said[way])
    write_json(file, plain)
    count = 3 if way == WAYS[4] else 1
    with pytest.raises(InputError, match=rf"{count} of 3 pictures hold proposals that nobody has checked"):
        read_coco(file, folder / "images")
    with pytest.raises(InputError, match="hold proposals of a model that nobody has checked"):
        read_labelled(file, folder / "images", ("Person",))
    kept = read_coco(file, folder / "images", proposals="accept")
    assert len(kept) == 3
    assert kept.notes[0].startswith(f"{count} of 3 pictures hold proposals that nobody has checked, taken as labels")
    if count < 3:
        left = read_coco(file, folder / "images", proposals="leave-out")
        assert [f.path.stem for f in left.frames] == ["DJI_0000", "DJI_0002"]
        assert left.notes[0].endswith("and are left out; the first: image 271820498594183, DJI_0/DJI_0001.png")


def test_an_unticked_mark_is_none(folder: Path) -> None:
    file = export(folder, {i: {"attributes": {"proposed": v}} for i, v in enumerate((False, "false", None))})
    assert len(read_coco(file, folder / "images")) == 3


def test_no_command_takes_them_as_labels(folder: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["data", "check", str(folder), "--out", str(folder.parent / "c")],
        ["train", "--data", str(folder), "--out", str(folder.parent / "t")],
        ["eval", "--model", str(tiny_bundle), "--data", str(folder)],
    ):
        assert main(words) == 2
        assert "edge-export data check --proposals leave-out leaves these pictures out" in capsys.readouterr().err
    with pytest.raises(InputError, match="3 of 3 pictures hold proposals"):
        read_folder(folder)


def test_corrected_labels_come_back_to_the_raw_frames(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = export(folder, {1: {"bbox": [9, 16, 8, 8]}, 2: {"bbox": [16.01, 16.0, 7.99, 8.0]}}, drop=0)
    out = folder.parent / "c"
    assert main(["data", "check", str(folder), "--annotations", str(file), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "2 of 3 pictures are exactly as proposed, whether somebody looked at them or not, and stay" in said
    assert "the first: DJI_0000.png" in said
    checked = read_coco(out / "cleaned.json", folder)
    assert [f.path for f in checked.frames] == [folder / f"raw/DJI_0/DJI_000{i}.png" for i in range(3)]
    assert {f.temperature for f in checked.frames} == {TemperatureScale(0.01)}
    assert [f.boxes.tolist() for f in checked.frames][1] == [[9, 16, 17, 24]]
    words = ["data", "check", str(folder), "--annotations", str(file), "--out", str(out), "--proposals", "leave-out"]
    assert main(words) == 0
    assert [f.path.stem for f in read_coco(out / "cleaned.json", folder).frames] == ["DJI_0001"]
    assert "and are left out; the first: DJI_0000.png" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["{}", "0a1b2c3d-{}", "{}_png.rf.0a1b2c3d.png"])
def test_pictures_are_known_by_the_names_that_tools_give_them(name: str, folder: Path) -> None:
    file = export(folder, name=name.replace("{}_png", "{0:.8}_png"), drop=1)
    data = corrected(read_coco(file, folder / "images"), folder)
    assert [f.path.name for f in data.frames] == ["DJI_0001.png", "DJI_0002.png"]
    assert data.notes[-1] == "1 proposed pictures are not among the labels; the first: DJI_0000"


@pytest.mark.parametrize(
    "change",
    [{"bbox": [8.1, 16, 8, 8]}, {"bbox": [8, 16, 8, 8.1]}, {"iscrowd": 1}, {"image_id": 1}],
    ids=lambda change: next(iter(change)),
)
def test_any_change_is_seen(change: dict[str, Any], folder: Path) -> None:
    data = corrected(read_coco(export(folder, {1: change}), folder / "images"), folder)
    assert sum("exactly as proposed" in note for note in data.notes) == 1
    assert next(note for note in data.notes if "exactly" in note).startswith(f"{1 if 'image_id' in change else 2} of 3")


def test_another_class_is_a_change(folder: Path) -> None:
    file = export(folder)
    content = json.loads(file.read_text())
    content["categories"].append({"id": 2, "name": "Deer"})
    content["annotations"][0]["category_id"] = 2
    data = corrected(read_coco(write_json(file, content), folder / "images"), folder)
    assert next(note for note in data.notes if "exactly" in note).startswith("2 of 3")


def test_pictures_of_elsewhere_are_refused(folder: Path) -> None:
    data = read_coco(export(folder, name="x{}"), folder / "images")
    with pytest.raises(InputError, match="xDJI_0000.png is no picture of .*proposals.json, or comes twice"):
        corrected(data, folder)
    with pytest.raises(InputError, match="proposals .* cannot be read"):
        corrected(data, folder.parent)
