"""What a model has seen is remembered, and found again in frames that are evaluated."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.data import TemperatureScale
from export.data.dataset import LabelledSet, labelled_frame
from export.evaluate.trained_on import KEY, SEEN, TrainedOn, digest, key_of, packed, told_of, unpacked

PIXELS = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64)
KEYS = [key_of(PIXELS + np.uint16(i)) for i in range(8)]


def named(*names: str) -> LabelledSet:
    frames = tuple(labelled_frame(Path(name), 64, 48, [[1, 1, 9, 9]], [0], []) for name in names)
    return LabelledSet(("Person",), frames)


TRAINED = named("1_60_30_0_00100.jpg", "1_60_30_0_00120.jpg", "0_60_30_0_00900.jpg")
SEEN_BY_IT = TrainedOn.of(TRAINED, KEYS[:3])


def test_a_picture_is_known_by_its_pixels() -> None:
    assert key_of(PIXELS) == key_of(np.asfortranarray(PIXELS.copy())) == KEYS[0]
    assert len(KEYS[0]) == KEY
    others = [PIXELS.T, PIXELS.reshape(64, 48), PIXELS.astype(np.int16).astype(np.uint8), PIXELS.astype(np.uint32)]
    assert KEYS[0] not in [key_of(other) for other in others]  # type: ignore[arg-type]


def test_what_was_seen_goes_through_json_in_few_characters() -> None:
    said = json.loads(json.dumps({SEEN: SEEN_BY_IT.to_json()}))
    assert TrainedOn.said_by(said) == SEEN_BY_IT
    assert SEEN_BY_IT.flights == {"1_60_30_0:100-120", "0_60_30_0:900-900"}
    many = named(*(f"wild1-{i:05d}_000.png" for i in range(4000)))
    keys = [i.to_bytes(KEY, "big") for i in range(4000)]
    assert len(json.dumps(TrainedOn.of(many, keys).to_json())) < 45_000
    assert unpacked(packed(keys)) == set(keys)


@pytest.mark.parametrize("change", [{"pictures": "AAA="}, {"pictures": "no"}, {"flights": "AAAA"}, {"frames": "x"}])
def test_a_record_that_does_not_say_it_is_none(change: dict[str, str]) -> None:
    assert TrainedOn.said_by({SEEN: SEEN_BY_IT.to_json() | change}) is None
    assert TrainedOn.said_by({}) is None


def test_a_model_that_goes_on_has_seen_what_the_one_before_had() -> None:
    first = TrainedOn.of(named("2_60_30_0_00001.jpg"), KEYS[5:6])
    both = SEEN_BY_IT.after({SEEN: first.to_json()}, "first")
    assert (both.frames, both.pictures) == (4, {*KEYS[:3], KEYS[5]})
    assert both.flights == SEEN_BY_IT.flights | {"2_60_30_0:1-1"}
    assert both.unknown == ()
    lost = both.after({}, "old.pth")
    assert (lost.frames, lost.unknown) == (4, ("old.pth",))
    assert first.after({SEEN: lost.to_json()}, "lost").unknown == ("old.pth",)


def test_a_picture_counts_once_however_often_it_was_trained_on() -> None:
    again = SEEN_BY_IT.after({SEEN: SEEN_BY_IT.to_json()}, "it")
    assert again == SEEN_BY_IT
    more = TrainedOn.of(named("1_60_30_0_00100.jpg", "b.jpg", "c.jpg"), [KEYS[0], KEYS[6], KEYS[6]])
    assert more.frames == 2  # b and c are one picture
    assert more.after({SEEN: again.to_json()}, "it").frames == 4
    old = SEEN_BY_IT.to_json() | {"frames": 6}  # as records of before counted it
    said = TrainedOn.said_by({SEEN: old})
    assert said is not None
    assert said.frames == 3


@pytest.mark.parametrize(("unknown", "count"), [((), "the 3"), (("old.pth",), "the at least 3")])
def test_how_many_it_has_seen_is_the_least_where_more_is_not_known(unknown: tuple[str, ...], count: str) -> None:
    seen = TrainedOn(3, SEEN_BY_IT.flights, SEEN_BY_IT.pictures, unknown)
    line, *_ = told_of(seen, seen.overlap(named("x.jpg"), KEYS[7:8]), "m")
    assert line == f"none of the 1 frames is one of {count} that the model was trained on, or of their 2 flights"


def test_frames_of_its_flights_are_counted_and_named() -> None:
    names = ["1_60_30_0_00110.jpg", "1_60_30_0_00150.jpg", "1_60_30_0_00151.jpg", "0_60_30_0_00869.jpg", "b_00110.jpg"]
    overlap = SEEN_BY_IT.overlap(named(*names), KEYS[3:8])
    assert overlap.known == (True, True, False, False, False)
    assert overlap.flights[:2] == ("1_60_30_0:100-120",) * 2
    assert overlap.to_json() == {"frames_of_its_flights": 2, "its_pictures": 0, "flights": ["1_60_30_0:100-120"]}
    (line,) = told_of(SEEN_BY_IT, overlap, "m")
    assert line.startswith(
        "2 of 5 frames are, by their names, of flights that the model was trained on (1_60_30_0:100-1"
    )
    assert SEEN_BY_IT.overlap(named(*names), KEYS[3:8], gap=31).known == (True, True, True, True, False)


def test_animals_set_into_a_frame_leave_it_of_its_flight() -> None:
    onto = TrainedOn.of(named("onto1-00007_1_60_30_0_00110.jpg"), KEYS[:1])
    assert onto.flights == {"1_60_30_0:110-110"}
    assert onto.overlap(named("1_60_30_0_00112.jpg"), KEYS[1:2]).known == (True,)


def test_the_same_picture_under_another_name_is_known_too() -> None:
    overlap = SEEN_BY_IT.overlap(named("a.jpg", "b.jpg"), [KEYS[1], KEYS[4]])
    assert (overlap.flights, overlap.same) == ((None, None), (True, False))
    assert told_of(SEEN_BY_IT, overlap, "m") == [
        "1 of 2 frames are pictures that the model was trained on: they measure its memory"
    ]


def test_where_names_are_used_again_pictures_alone_are_compared() -> None:
    overlap = SEEN_BY_IT.overlap(named("f/1_60_30_0_00110.jpg", "x.jpg"), [KEYS[4], KEYS[2]], by="folder")
    assert overlap.known == (False, True)


def test_what_is_not_known_is_said() -> None:
    clean = SEEN_BY_IT.overlap(named("other_1.jpg"), [KEYS[6]])
    assert told_of(SEEN_BY_IT, clean, "m") == [
        "none of the 1 frames is one of the 3 that the model was trained on, or of their 2 flights"
    ]
    assert told_of(SEEN_BY_IT.after({}, "old.pth"), clean, "m")[1:] == [
        "what old.pth had seen, from which it goes on or learnt, is not known"
    ]
    assert told_of(None, None, "m") == [
        "m does not say which frames it was trained on: whether these are among them is not known"
    ]


def test_the_digest_of_a_set_changes_with_all_that_training_depends_on() -> None:
    base = named("a.jpg", "b.jpg")
    last = base.frames[1]
    changed = [
        replace(last, boxes=last.boxes + 1),
        replace(last, ignored=last.boxes),
        replace(last, ignored=last.boxes + 1),
        replace(last, boxes=last.ignored, ignored=last.boxes),
        replace(last, width=80),
        replace(last, height=80),
        replace(last, temperature=TemperatureScale(0.01)),
        replace(last, temperature=TemperatureScale(0.01, 5.0)),
        replace(last, source=1),
    ]
    other = [named("a.jpg", "c.jpg"), named("a.jpg"), LabelledSet(("Deer",), base.frames)]
    other += [LabelledSet(base.classes, (base.frames[0], frame)) for frame in changed]
    assert len({digest(data) for data in (base, *other)}) == 1 + len(other)
    assert digest(base) == digest(named("a.jpg", "b.jpg"))


def test_the_digest_of_earlier_versions_is_still_known() -> None:
    """By the code of 26dcd55, whose runs hold such ones."""
    assert digest(named("a.jpg", "b.jpg"), 1) == "73ddcf032aa9fd43"
    assert digest(named("a.jpg", "b.jpg")).startswith("2:")
