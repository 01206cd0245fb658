"""``edge-export data propose``: pictures, raw frames and a COCO file that labelling tools open."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

import edge
from edge.app.review.keep import stored
from edge.data import Frame, TemperatureScale
from edge.model.bundle import Bundle
from edge.model.normalisers import Normalisers
from edge.thermal.temperature import PlanckScale
from export.commands.main import main
from export.data.assist.look import picture_names
from export.data.assist.write import image_id
from export.data.coco import read_coco
from export.data.dataset import read_grey
from tests.conftest import HEIGHT, WIDTH
from tests.support.output_page import PAGE, table


def film(folder: Path, count: int = 4, dtype: Any = np.uint8, missed: int = -1, start: int = 0, move: int = 8) -> Path:
    """Frames with one hot cell, which moves by ``move`` px to the right in each; in frame ``missed`` it is cold."""
    folder.mkdir(parents=True)
    ground = np.random.default_rng(0).integers(0, 30, (HEIGHT, WIDTH))
    for i in range(count):
        pixels = ground.copy()
        if i != missed:
            pixels[16:24, move * i : move * i + 8] = 230
        if dtype == np.uint16:
            pixels = 29_000 + 10 * pixels
        assert cv2.imwrite(str(folder / f"DJI_{start + i:04d}.png"), pixels.astype(dtype))
    return folder


def propose(*words: object) -> int:
    return main(["data", "propose", *map(str, words), "--quiet"])


def coco(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "proposals.json").read_text()))


def boxes_of(content: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """By image, in the order of their names."""
    images = sorted(content["images"], key=lambda i: i["file_name"])
    return [[box for box in content["annotations"] if box["image_id"] == image["id"]] for image in images]


def test_stills_each_by_itself(tmp_path: Path, tiny_bundle: Path) -> None:
    source, out = film(tmp_path / "f"), tmp_path / "out"
    assert propose(source, "--model", tiny_bundle, "--out", out) == 0
    content = coco(out)
    assert content["categories"] == [{"id": 1, "name": "Person", "supercategory": ""}]
    assert "no person has checked it" in content["info"]["description"]
    assert content["info"] | {"model": "tiny", "score": 0.5} == content["info"]
    assert [len(boxes) for boxes in boxes_of(content)] == [1, 1, 1, 1]
    box = boxes_of(content)[1][0]
    assert box == {
        "id": 2, "image_id": image_id("DJI_0001"), "category_id": 1, "bbox": [8, 16, 8, 8], "area": 64, "iscrowd": 0,
        "segmentation": [], "score": round(230 / 255, 4), "proposed": True, "source": "detector",
        "attributes": {"proposed": True},
    }  # fmt: skip
    image = content["images"][1]
    assert image == {
        "id": image_id("DJI_0001"), "file_name": "DJI_0/DJI_0001.png", "width": 80, "height": 64, "proposed": True,
        "flight": "DJI_0",
    }  # fmt: skip
    seen = cv2.imread(str(out / "images" / image["file_name"]), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(seen, cv2.imread(str(source / "DJI_0001.png"), cv2.IMREAD_UNCHANGED))
    assert not (out / "raw").exists()
    assert not (out / "chosen.csv").exists()


def test_a_film_is_followed_and_its_gap_filled(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = film(tmp_path / "f", 6, missed=3, move=0), tmp_path / "out"
    words = ["data", "propose", f"{source}?fps=10", "--model", str(tiny_bundle), "--out", str(out)]
    assert main(words) == 0
    by_image = boxes_of(coco(out))
    assert [[(b["source"], b.get("interpolated", False)) for b in boxes] for boxes in by_image] == [
        [("track", True) if i == 3 else ("detector", False)] for i in range(6)
    ]
    assert by_image[3][0]["bbox"] == pytest.approx([0, 16, 8, 8], abs=0.5)
    assert {b["track_id"] for boxes in by_image for b in boxes} == {1}
    said = capsys.readouterr().out
    assert "6 pictures, 6 proposed boxes: 6 Person" in said
    assert "0 faint ones that a track supports, 1 filled in between two detections, 0 of no track" in said
    assert [image["seconds"] for image in coco(out)["images"]] == pytest.approx([i / 10 for i in range(6)])


def test_16_bit_frames_have_a_picture_for_the_tool_and_the_counts_beside_it(tmp_path: Path, tiny_bundle: Path) -> None:
    """What training makes of the raw frame is the picture that the tool shows."""
    source, out = film(tmp_path / "f", 2, np.uint16), tmp_path / "out"
    assert propose(f"{source}?kelvin=0.01", "--model", tiny_bundle, "--out", out) == 0
    bundle = Bundle.load(tiny_bundle)
    accepted = read_coco(out / "proposals.json", out / "raw", proposals="accept")
    for frame in accepted.frames:
        name = frame.path.relative_to(out / "raw")
        assert frame.temperature == TemperatureScale(0.01)
        raw = cv2.imread(str(frame.path), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(raw, cv2.imread(str(source / frame.path.name), cv2.IMREAD_UNCHANGED))
        view = cv2.imread(str(out / "images" / name), cv2.IMREAD_UNCHANGED)
        assert view.dtype == np.uint8
        np.testing.assert_array_equal(
            view, read_grey(frame, Normalisers(bundle.normalise_8bit, bundle.normalise_16bit))
        )


def test_a_recording_is_proposed_as_it_was_flown(tmp_path: Path, tiny_bundle: Path) -> None:
    words = {"source": "sim:live=0,frames=3,width=80,height=64,fps=5", "model": tiny_bundle, "threshold": 0.2}
    edge.run(edge.RunSettings(out=tmp_path / "flight7", record=True, **words))  # type: ignore[arg-type]
    out = tmp_path / "out"
    assert propose(f"rec:{tmp_path}/flight7/recording", "--model", tiny_bundle, "--out", out, "--threshold", 0.2) == 0
    images = coco(out)["images"]
    assert [image["file_name"] for image in images] == [f"flight7/flight7_{i:06d}.png" for i in range(3)]
    assert [image["seconds"] for image in images] == pytest.approx([images[0]["seconds"] + i / 5 for i in range(3)])
    assert images[0]["temperature"] == {"gain": 0.01, "offset": 0.0}
    lines = [json.loads(line) for line in (tmp_path / "flight7/detections.jsonl").read_text().splitlines()[1:]]
    sure = [[b["score"] for b in boxes if b["source"] == "detector"] for boxes in boxes_of(coco(out))]
    assert sure == [pytest.approx([d["score"] for d in line["detections"]], abs=1e-4) for line in lines]


def test_the_page_of_outputs_names_every_field(tmp_path: Path, tiny_bundle: Path) -> None:
    """What a film gives, and what only chosen ones, a flicker and a scale add."""
    out = tmp_path / "out"
    source = film(tmp_path / "f", 6, np.uint16, missed=3, move=0)
    assert propose(f"{source}?fps=10&kelvin=0.01", "--model", tiny_bundle, "--out", out, "--choose", 6) == 0
    images, boxes = (coco(out)[key] for key in ("images", "annotations"))
    columns, _, _ = (out / "chosen.csv").read_text().partition("\n")
    assert {key for image in images for key in image} | {"date_captured"} == split("An image of proposals.json")
    assert {key for box in boxes for key in box} | {"flicker"} == split("A box of proposals.json")
    assert set(columns.split(",")) == table("chosen.csv")


def split(heading: str) -> set[str]:
    """Keys that share a row of the page's table stand there one by one."""
    text = PAGE[PAGE.index(f"### {heading}\n") :].partition("\n\n#")[0].split("\n### ")[0]
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}


def test_chosen_frames_alone_are_written_with_their_reasons(tmp_path: Path, tiny_bundle: Path) -> None:
    one, two = film(tmp_path / "a", 5), film(tmp_path / "b", 5, start=100)
    words = [one, two, "--model", tiny_bundle, "--choose", 4, "--random", 0.25]
    outs = [tmp_path / name for name in ("first", "again", "other")]
    for out, seed in zip(outs, (1, 1, 2), strict=True):
        assert propose(*words, "--out", out, "--seed", seed) == 0
    rows = list(csv.DictReader((outs[0] / "chosen.csv").read_text().splitlines()))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["reason"] for row in rows].count("at random") == 1
    pictures = sorted(str(p.relative_to(outs[0] / "images")) for p in outs[0].rglob("*.png"))
    assert pictures == sorted(row["picture"] for row in rows) == sorted(i["file_name"] for i in coco(outs[0])["images"])
    assert {p.partition("/")[0] for p in pictures} == {"DJI_0", "DJI_100"}
    assert {r["picture"]: r["reason"] for r in rows} == {i["file_name"]: i["reason"] for i in coco(outs[0])["images"]}
    assert [float(row["at"]) for row in rows] == [int(row["picture"][-8:-4]) for row in rows]
    assert coco(outs[1]) == coco(outs[0]) != coco(outs[2])
    labelled = outs[0] / "proposals.json"
    assert propose(*words[:-4], "--choose", 9, "--labelled", labelled, "--out", tmp_path / "next") == 0
    later = {image["file_name"] for image in coco(tmp_path / "next")["images"]}
    assert len(later) == 6
    assert not later & set(pictures)


def test_ids_are_those_of_the_names_whatever_else_is_there(tmp_path: Path, tiny_bundle: Path) -> None:
    few, many = film(tmp_path / "few/f", 2), film(tmp_path / "many/f", 4)
    for source in (few, many):
        assert propose(source, "--model", tiny_bundle, "--out", source.parent / "out") == 0
    ids = [{i["file_name"]: i["id"] for i in coco(source.parent / "out")["images"]} for source in (few, many)]
    assert ids[0].items() <= ids[1].items()
    assert len(set(ids[1].values())) == 4
    assert image_id("DJI_0001") == 271820498594183 < 2**53


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{f}", "--out", "{f}"], "is not empty, and nothing is overwritten: give another --out"),
        (["sim:width=80,height=64", "--out", "{o}"], "is live: expected files or a recording, which can be read again"),
        (["{f}", "{f}", "--out", "{o}"], "both give a picture called DJI_0000: rename one of the two"),
        (["{f}", "{f}", "--choose", "1", "--out", "{o}"], "both give a picture called DJI_0000"),
        (["{f}", "--out", "{o}", "--random", "0.5"], "--random and --labelled are of --choose N"),
        (["{f}", "--out", "{o}", "--labelled", "x.json"], "--random and --labelled are of --choose N"),
        (["{f}", "--out", "{o}", "--choose", "0"], "--choose 0 --seed 1: expected 1 or more frames, a seed from 0"),
        (["{f}", "--out", "{o}", "--choose", "1", "--labelled", "x.json"], "x.json"),
        (["{f}/nothing", "--out", "{o}"], "no such file or folder"),
    ],
)
def test_what_cannot_be_is_refused(
    words: list[str], said: str, tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = film(tmp_path / "f", 2)
    before = sorted(os.listdir(source))
    assert propose(*(w.format(f=source, o=tmp_path / "o") for w in words), "--model", tiny_bundle) == 2
    assert said in capsys.readouterr().err
    assert sorted(os.listdir(source)) == before
    assert not (tmp_path / "o").exists()  # not even an empty folder


def test_a_source_that_changes_in_between_is_noticed(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from export.commands.labelling import propose as command

    source, written = film(tmp_path / "f", 3), command.write_proposals

    def later(*words: Any, **more: Any) -> Any:
        (source / "DJI_0002.png").unlink()
        return written(*words, **more)

    monkeypatch.setattr(command, "write_proposals", later)
    assert propose(source, "--model", tiny_bundle, "--out", tmp_path / "o") == 2
    assert "has lost 1 frames while it was looked at" in capsys.readouterr().err
    assert not (tmp_path / "o/proposals.json").exists()


@pytest.mark.parametrize(
    ("source", "frames", "expected"),
    [
        ("x/flight 3.mp4", [(0, 0.0), (12, 0.4)], ["flight_3_000000", "flight_3_000012"]),
        ("rec:out/f7/recording", [(3, None)], ["f7_000003"]),
        ("rec:out/f7", [(3, None)], ["f7_000003"]),
        ("d?recursive=1", [(0, "a/1.tif#2"), (1, "a/b c.png")], ["a__1_p002", "a__b_c"]),
        ("d", [(0, "1.png"), (1, "1.jpg"), (2, "2.jpg")], ["png_1", "jpg_1", "2"]),
    ],
)
def test_names_of_pictures(source: str, frames: list[tuple[int, Any]], expected: list[str]) -> None:
    assert picture_names(source, frames) == expected


def test_a_scale_that_no_label_file_holds_becomes_linear() -> None:
    planck = PlanckScale(17096.453, 1428.0, 1.0, -342.0, 0.0468)
    counts: npt.NDArray[np.uint16] = np.array([[12_000, 15_000]], np.uint16)
    pixels, scale = stored(Frame(counts, 0, 0.0, temperature=planck))
    assert scale == TemperatureScale(0.01)
    assert scale.celsius(pixels) == pytest.approx(planck.celsius(counts), abs=0.005)
    kept = Frame(counts, 0, 0.0, temperature=TemperatureScale(0.04))
    assert stored(kept) == (kept.pixels, TemperatureScale(0.04))
