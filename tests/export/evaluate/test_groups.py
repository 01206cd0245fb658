"""Figures by class, size and what the frames were taken in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.errors import InputError
from edge.measure.average_precision import Judged
from edge.model.thresholds import Thresholds
from export.data.dataset import LabelledSet, labelled_frame
from export.evaluate.conditions import read_conditions, told_by_names
from export.evaluate.evaluate import figures
from export.evaluate.groups import compared, flight_of_each, group_figures, how

CLASSES = ("Person", "Animal", "Car")
NONE = np.zeros((0, 4), np.float32)
SMALL, LARGE = [0.0, 0, 10, 10], [40.0, 0, 70, 30]


def named(*names: str) -> LabelledSet:
    frames = [labelled_frame(Path(name), 80, 64, [SMALL], [0], []) for name in names]
    return LabelledSet(CLASSES, tuple(frames))


def a_frame(found: bool, false: int = 0) -> Judged:
    """A small person and a large animal; the animal is always found, the person where ``found``."""
    boxes = [*([SMALL] if found else []), LARGE, *([[5.0, 50, 15, 60]] * false)]
    labels = np.array([*([0] if found else []), 1, *([2] * false)])
    true = np.array([SMALL, LARGE], np.float32)
    scores = np.full(len(boxes), 0.8, np.float32)
    return Judged(np.array(boxes, np.float32), scores, labels, true, np.array([0, 1]), NONE)


def row(rows: list[dict[str, Any]], by: str, value: str, name: str) -> dict[str, Any]:
    (one,) = (r for r in rows if (r["by"], r["value"], r["class"]) == (by, value, name))
    return one


def test_every_group_is_that_of_its_own_frames_and_boxes() -> None:
    frames = [a_frame(i % 4 > 0, false=i % 2) for i in range(12)]
    light = ["day" if i < 6 else "night" for i in range(12)]
    rows = group_figures(frames, CLASSES, {"light": light}, [i // 2 for i in range(12)], 0.5)
    whole = figures(frames, CLASSES)
    assert row(rows, "all", "all", "Person")["ap50"]["value"] == whole["per_class_ap50"]["Person"]
    assert row(rows, "all", "all", "all")["ap50"]["value"] == whole["ap50"]
    assert row(rows, "all", "all", "Person")["recall"]["value"] == 9 / 12
    everything = row(rows, "all", "all", "all")
    assert (everything["frames"], everything["flights"], everything["boxes"]) == (12, 6, 24)
    assert everything["precision"]["value"] == 21 / 27  # the six false cars, of which there is none, too
    small, large = (row(rows, "size", size, "all") for size in ("small", "large"))
    assert (small["boxes"], small["recall"]["value"]) == (12, 9 / 12)
    assert (large["boxes"], large["recall"]["value"]) == (12, 1.0)
    assert row(rows, "size", "medium", "all")["ap50"]["value"] is None
    part = figures(frames[:6], CLASSES)
    day = row(rows, "light", "day", "Person")
    assert (day["frames"], day["flights"], day["ap50"]["value"]) == (6, 3, part["per_class_ap50"]["Person"])
    assert not [r for r in rows if r["class"] == "Car"]


def test_an_interval_holds_its_value_and_is_left_out_where_flights_are_few() -> None:
    frames = [a_frame(i % 3 > 0) for i in range(12)]
    rows = group_figures(frames, CLASSES, {}, [i // 2 for i in range(12)], 0.5)
    person = row(rows, "all", "all", "Person")
    assert person["no_interval"] is None
    assert 0 <= person["recall"]["low"] < person["recall"]["value"] < person["recall"]["high"] <= 1
    few = row(group_figures(frames, CLASSES, {}, [i // 3 for i in range(12)], 0.5), "all", "all", "Person")
    assert few["no_interval"] == "4 flights with such boxes: expected 5 or more"
    assert (few["recall"]["low"], few["recall"]["high"]) == (None, None)
    empty = replace(frames[0], true_boxes=NONE, true_labels=np.zeros(0, np.int64))
    alone = [*frames[:4], *[empty] * 8]  # boxes in four of twelve flights
    assert "4 flights" in row(group_figures(alone, CLASSES, {}, range(12), 0.5), "all", "all", "Person")["no_interval"]
    mixed = group_figures(alone, CLASSES, {}, range(12), 0.5)
    assert row(mixed, "all", "all", "all")["no_interval"] == "4 flights with such boxes: expected 5 or more"
    told = group_figures(frames, CLASSES, {}, range(12), 0.5, "names tell nothing")
    assert {r["no_interval"] for r in told} == {"names tell nothing"}


def test_a_mean_of_classes_has_no_interval_where_one_of_them_is_rare() -> None:
    """A draw without the rare class would be the mean of the others, and higher."""
    people = [replace(a_frame(i % 3 > 0), true_boxes=np.array([SMALL], np.float32), true_labels=np.zeros(1, np.int64))
              for i in range(12)]  # fmt: skip
    rows = group_figures([*people, a_frame(True)], CLASSES, {}, range(13), 0.5)
    whole = row(rows, "all", "all", "all")
    assert whole["no_interval"] == "AP50: Animal in 1 flights: expected 5 or more"
    assert (whole["ap50"]["low"], whole["ap50"]["high"]) == (None, None)
    assert whole["recall"]["low"] < whole["recall"]["value"] < whole["recall"]["high"]
    assert row(rows, "all", "all", "Person")["ap50"]["low"] is not None


def test_frames_of_one_flight_make_the_interval_wide() -> None:
    """The same frames: in six flights of four that agree, and each by itself."""
    frames = [a_frame(i // 4 % 2 > 0) for i in range(24)]
    widths = []
    for flight in ([i // 4 for i in range(24)], range(24)):
        recall = row(group_figures(frames, CLASSES, {}, list(flight), 0.5), "all", "all", "Person")["recall"]
        widths.append(recall["high"] - recall["low"])
    assert widths[0] > 1.5 * widths[1]


def test_two_models_are_compared_on_the_same_draws() -> None:
    """The second misses the people of every third frame, the first of none: better in each flight, if not by much."""
    after, before = [a_frame(True)] * 24, [a_frame(i % 3 > 0, false=1) for i in range(24)]
    flight = [i // 3 for i in range(24)]
    rows = compared(after, before, CLASSES, {"light": ["day"] * 12 + ["night"] * 12}, flight, (0.5, 0.5))
    recall = row(rows, "all", "all", "Person")["recall"]
    assert (recall["before"], recall["difference"]) == (16 / 24, pytest.approx(8 / 24))
    assert (recall["low"], recall["high"]) == pytest.approx((8 / 24, 8 / 24))  # in every flight one of three
    assert row(rows, "all", "all", "all")["precision"]["before"] == 40 / 64
    day = row(rows, "light", "day", "Person")["recall"]
    assert (day["difference"], day["low"]) == (pytest.approx(1 / 3), None)  # four flights
    order = [(r["by"], r["value"], r["class"]) for r in rows]
    alone = group_figures(after, CLASSES, {"light": ["day"] * 12 + ["night"] * 12}, flight, 0.5)
    assert order == [(r["by"], r["value"], r["class"]) for r in alone]
    hidden = compared(after, before, CLASSES, {}, flight, (0.9, 0.5))
    assert row(hidden, "all", "all", "Animal")["recall"]["difference"] == -1.0  # each at its own score


def test_the_score_the_level_and_the_seed_are_stated() -> None:
    assert how(Thresholds(("deer", "fox"), (0.6, 0.7, 0.5)), "bundle", "name") == {
        "score": 0.6, "scores": {"deer": 0.6, "fox": 0.7}, "score_of": "bundle", "flights": "name", "level": 0.95,
        "resamples": 1000, "seed": 1,
    }  # fmt: skip


def test_flights_of_frames() -> None:
    data = named("1_60_30_0_00001.jpg", "0_60_30_0_00001.jpg", "1_60_30_0_00002.jpg", "1_60_30_0_00099.jpg")
    of, why = flight_of_each(data)
    assert (len(set(of)), of[0] == of[2], of[0] == of[3], why) == (3, True, False, None)
    of, why = flight_of_each(data, gap=200)
    assert len(set(of)) == 2
    assert len(set(flight_of_each(named("a/1.jpg", "b/1.jpg", "a/2.jpg"), "folder")[0])) == 2
    of, why = flight_of_each(named("a_1.jpg", "b_1.jpg", "c_7.jpg"))
    assert why is not None
    assert "--flights folder" in why


def test_names_as_hituavs_tell_light_altitude_and_angle() -> None:
    data = named("0_60_30_0_00001.jpg", "1_130_90_3_10056.jpg", "onto1-00007_1_80_45_0_00012.jpg", "DJI_0001.jpg")
    assert told_by_names(data) == {
        "light": ["day", "night", "night", "not told"],
        "altitude": ["60", "130", "80", "not told"],
        "angle": ["30", "90", "45", "not told"],
    }
    assert told_by_names(named("DJI_0001.jpg", "2_60_30_0_00001.jpg")) == {}


def test_altitudes_stand_in_the_order_of_numbers() -> None:
    frames = [a_frame(True)] * 3
    rows = group_figures(frames, CLASSES, {"altitude": ["130", "60", "not told"]}, [0, 1, 2], 0.5)
    assert [r["value"] for r in rows if r["by"] == "altitude" and r["class"] == "all"] == ["60", "130", "not told"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.csv", "file,weather,metres\na.jpg,fog,40\nx\\b.jpg,,60\n"),
        (
            "c.json",
            '[{"file": "a.jpg", "weather": "fog", "metres": 40}, {"file": "b.jpg", "weather": null, "metres": 60.0}]',
        ),
    ],
)
def test_columns_of_the_users_own(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found, lines = read_conditions(tmp_path / name, named("x/b.jpg", "x/a.jpg", "x/c.jpg"))
    assert found == {"weather": ["not told", "fog", "not told"], "metres": ["60", "40", "not told"]}
    assert lines == []


def test_folders_count_and_a_row_of_another_folder_is_told(tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    data = named("two/A/1.jpg", "two/B/1.jpg", "two/A/2.jpg", "two/B/2.jpg")
    file.write_text("file,metres\nA/1.jpg,40\nB/1.jpg,80\nother/A/2.jpg,99\nnowhere.jpg,99\n")
    found, lines = read_conditions(file, data)
    assert found == {"metres": ["40", "80", "not told", "not told"]}
    assert lines == [f"--conditions {file}: 2 of its 4 pictures are not evaluated; the first: 'other/A/2.jpg'"]
    whole = (tmp_path / "A/1.jpg").as_posix()
    file.write_text(f"file,metres\n1.jpg,10\nA/1.jpg,20\n{whole},30\n./B/1.jpg,40\n")
    of = named("two/A/1.jpg", "two/B/1.jpg", whole, "C/1.jpg")
    assert read_conditions(file, of) == ({"metres": ["20", "40", "30", "10"]}, [])  # the longest end of each


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,weather\na.jpg,fog\n", "a column 'file'"),
        ("file\na.jpg\n", "a column 'file'"),
        ("", "a column 'file'"),
        ("file,weather\na.jpg,fog,40\n", "more or fewer values"),
        ("file,weather\na.jpg\n", "more or fewer values"),
        ("file,weather\nx/a.jpg,fog\nx\\a.jpg,rain\n", "x/a.jpg comes twice"),
        ("file,weather\nz.jpg,fog\n", "none of its 1 pictures is one of the 14"),
        ("file,weather\nD:/x/a.jpg,fog\n", "folders before a name count"),
        ("file,weather\na.jpg,fog\n", "'a.jpg' may be a.jpg, x/a.jpg: write the folder before the name"),
        ("file,metres\n" + "".join(f"{i}.jpg,{i}\n" for i in range(13)), "'metres' has 13 values in these frames"),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "c.csv").write_text(text)
    data = named(*(f"{i}.jpg" for i in range(13))) if "metres" in text else named("a.jpg", "x/a.jpg", *"bcdefghijklm")
    with pytest.raises(InputError, match="--conditions .*c.csv") as error:
        read_conditions(tmp_path / "c.csv", data)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_table_with_a_field_of_a_megabyte_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("file,light\na.jpg," + "x" * (1 << 20))
    with pytest.raises(InputError, match="cannot be used \\(field larger than field limit"):
        read_conditions(tmp_path / "c.csv", named("a.jpg"))
