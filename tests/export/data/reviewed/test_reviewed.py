"""Reviewed flights as labels: what is an object, what is background, what is neither; and that training takes it."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.app.review.keep import keep, levelled
from edge.app.review.store import FILE, Review
from edge.data import Frame, TemperatureScale
from edge.errors import InputError
from edge.measure.faint_lines import FAINT_FROM
from edge.recording.seek import Frames
from export.commands import train as train_command
from export.commands.main import main
from export.data.coco import read_coco
from export.data.dataset import read_pixels, sensor_frame
from export.data.reviewed.flights import IGNORED, OBJECT, Chosen, Region, check_folders, reviewed_flight
from export.training.start import calibrate_norms
from tests.support.reviewed import CLASSES, HEIGHT, WIDTH, box_of, flown
from tests.support.tiny_training import FROZEN

FAINT = FAINT_FROM + 7


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six tracks, two faint ones, 24 frames, ten a second; in each seventh frame only the faint ones are found."""
    return flown(tmp_path_factory.mktemp("made") / "flight")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "flight")
    return tmp_path / "flight"


def export(out: Path, *words: object) -> int:
    return main(["data", "review", *map(str, words), "--out", str(out)])


def chosen_of(folder: Path, **more: float) -> dict[int, Chosen]:
    return {one.seq: one for one in reviewed_flight(folder, **more).chosen}  # type: ignore[arg-type]


def regions(chosen: Chosen) -> dict[int | None, Region]:
    return {region.track: region for region in chosen.regions}


# ---- what stands in a frame ----


def test_right_is_an_object_wrong_is_background_the_rest_is_neither(folder: Path) -> None:
    r = Review.read(folder)
    r.add("right", [1])
    r.add("right", [2], label=0)
    r.add("wrong", [3])
    r.add("unsure", [4])
    found = chosen_of(folder)[12]
    there = regions(found)
    assert {t: (one.kind, one.label, one.why) for t, one in there.items()} == {
        1: (OBJECT, 1, "right"),
        2: (OBJECT, 0, "right"),  # the class that somebody named
        4: (IGNORED, 1, "unsure"),
        5: (IGNORED, 2, "not reviewed"),
        6: (IGNORED, 0, "not reviewed"),
        FAINT: (IGNORED, 1, "not reviewed"),
        FAINT + 1: (IGNORED, 2, "not reviewed"),
    }
    assert (found.wrong, found.objects) == (1, 2)
    assert there[1].box == pytest.approx(box_of(1, 12))


def test_frames_of_a_track_are_apart_and_its_best_is_among_them(folder: Path) -> None:
    Review.read(folder).add("right", [5])
    assert sorted(chosen_of(folder)) == [5, 15]  # seen first in frame 5; a second is ten frames; 25 is past the end
    assert sorted(chosen_of(folder, apart_s=0.3)) == [5, 8, 11, 15, 18]
    assert sorted(chosen_of(folder, apart_s=0.3, most=2)) == [5, 8]
    assert chosen_of(folder, apart_s=0.0, most=1).keys() == {5}


def test_unsure_alone_gives_no_frame(folder: Path) -> None:
    Review.read(folder).add("unsure", [1, 2, 3])
    flight = reviewed_flight(folder)
    assert (flight.chosen, flight.reviewed, flight.tracks) == ((), 3, 8)


def test_where_a_track_was_not_found_between_two_frames_nobody_knows(folder: Path) -> None:
    """In frame 14 no track is found, and all but the wrong one must be there."""
    r = Review.read(folder)
    r.add("right", [1, FAINT])
    r.add("wrong", [3])
    r.add_missed(14, (100, 100, 110, 120), label=1)
    there = regions(chosen_of(folder)[14])
    assert {t: (one.kind, one.why) for t, one in there.items()} == {
        1: (IGNORED, "not found"),
        2: (IGNORED, "not found"),
        4: (IGNORED, "not found"),
        5: (IGNORED, "not found"),
        6: (IGNORED, "not found"),
        FAINT: (OBJECT, "right"),
        FAINT + 1: (IGNORED, "not reviewed"),
        None: (OBJECT, "missed"),
    }
    assert there[1].box == pytest.approx(box_of(1, 14))
    assert there[None].label == 1


def test_before_and_after_its_time_a_track_is_nowhere(folder: Path) -> None:
    r = Review.read(folder)
    r.add("wrong", [1])
    there = regions(chosen_of(folder)[1])
    assert 6 not in there  # it begins in frame 6
    last = chosen_of(folder, apart_s=0.1, most=30)[23]
    assert FAINT not in regions(last)


def test_a_faint_one_that_is_right_is_an_object_in_its_frames(folder: Path) -> None:
    Review.read(folder).add("right", [FAINT], label=0)
    found = chosen_of(folder)
    assert sorted(found) == [0, 10]
    one = regions(found[10])[FAINT]
    assert (one.kind, one.label) == (OBJECT, 0)
    assert one.box == pytest.approx(box_of(7, 10))


def test_missed_without_a_class_is_ignored_and_without_a_box_costs_the_frame(folder: Path) -> None:
    r = Review.read(folder)
    r.add("right", [1])
    r.add_missed(10, (0, 0, 5, 5))
    assert regions(chosen_of(folder)[11])[1].kind == OBJECT
    r.undo()
    r.add_missed(11, (0, 0, 5, 5))
    assert regions(chosen_of(folder)[11])[None].why == "no class"
    r.add_missed(11)  # something else is there, and nobody says where
    flight = reviewed_flight(folder)
    assert [one.seq for one in flight.chosen] == [1, 22]
    assert flight.left_out == {"frames with a missed one without a box": 1}


def test_boxes_end_at_the_frame(folder: Path) -> None:
    Review.read(folder).add_missed(11, (WIDTH - 5, HEIGHT - 5, WIDTH + 50, HEIGHT + 5), label=0)
    assert regions(chosen_of(folder)[11])[None].box == (WIDTH - 5, HEIGHT - 5, WIDTH, HEIGHT)


def test_flights_are_called_by_their_folders(tmp_path: Path) -> None:
    a, b = tmp_path / "monday" / "flight", tmp_path / "tuesday" / "flight"
    assert list(check_folders([a, b]).values()) == ["flight", "tuesday-flight"]
    with pytest.raises(InputError, match="is given twice"):
        check_folders([a, a])
    with pytest.raises(InputError, match="another flight is called tuesday-flight too"):
        check_folders([a, b, tmp_path / "x" / "tuesday" / "flight"])


# ---- on the disk ----


def test_two_flights_are_written_and_read_as_labels(
    folder: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "second"
    shutil.copytree(made, other)
    Review.read(folder).add("right", [1])
    r = Review.read(other)
    r.add("wrong", [1, 2, 3, 4, 5, 6, FAINT, FAINT + 1])
    with (other / FILE).open("ab") as file:
        file.write(b'{"n": 2, ')
    out = tmp_path / "out"
    assert export(out, folder, other) == 0
    said = capsys.readouterr().out
    assert "flight: 1 of 8 tracks are reviewed, 3 frames chosen" in said
    assert "second: 8 of 8 tracks are reviewed" in said
    assert "1 lines of its review were left unfinished" in said
    assert "objects: 0 Person, 3 Animal, 0 Car" in said
    assert "not reviewed" in said
    data = read_coco(out / "annotations.json", out / "images")
    assert data.classes == CLASSES
    frames = {frame.path.name: frame for frame in data.frames}
    seen = frames["flight_000011.png"]
    assert seen.boxes.tolist() == [pytest.approx(box_of(1, 11))]
    assert (seen.labels.tolist(), len(seen.ignored)) == ([1], 7)
    assert np.array_equal(read_pixels(seen.path), Frames(folder / "recording")[11].pixels)
    assert sensor_frame(seen).temperature == TemperatureScale(0.01)
    negatives = [frame for name, frame in frames.items() if name.startswith("second_")]
    assert negatives
    assert all(len(frame.boxes) == len(frame.ignored) == 0 for frame in negatives)
    assert export(out, folder) == 2  # nothing is overwritten
    assert "is not empty" in capsys.readouterr().err


def test_a_kept_frame_stands_in_for_a_recording(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    r = Review.read(folder)
    r.add("right", [1])
    r.add_missed(11, (1, 2, 9, 12), label=2)
    recorded = Frames(folder / "recording")[11]
    keep(folder, recorded, reserve=0)
    shutil.rmtree(folder / "recording")
    out = tmp_path / "out"
    assert export(out, folder) == 0
    assert "2 frames are left out: their pixels are not kept" in capsys.readouterr().out
    (frame,) = read_coco(out / "annotations.json", out / "images").frames
    assert np.array_equal(read_pixels(frame.path), recorded.pixels)
    assert frame.temperature == TemperatureScale(0.01)
    assert frame.labels.tolist() == [1, 2]


def test_frames_of_a_source_that_is_given_again(folder: Path, tmp_path: Path) -> None:
    stills = tmp_path / "stills"
    stills.mkdir()
    frames = Frames(folder / "recording")
    for seq in frames.seqs:
        cv2.imwrite(str(stills / f"{seq:04d}.png"), frames[seq].pixels)
    shutil.rmtree(folder / "recording")
    Review.read(folder).add("right", [1])
    out = tmp_path / "out"
    assert export(out, folder, "--source", stills) == 0
    data = read_coco(out / "annotations.json", out / "images")
    assert [frame.path.name for frame in data.frames] == [f"flight_{n:06d}.png" for n in (1, 11, 22)]
    assert np.array_equal(read_pixels(data.frames[1].path), frames_of(stills, 11))
    for seq in frames.seqs:  # another flight's
        cv2.imwrite(str(stills / f"{seq:04d}.png"), np.zeros((10, 10), np.uint16))
    assert export(tmp_path / "again", folder, "--source", stills) == 2


def frames_of(stills: Path, seq: int) -> np.ndarray:
    return cv2.imread(str(stills / f"{seq:04d}.png"), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to export: 0 tracks were reviewed"),
        (["--apart", "-1"], "--apart -1 --most 5: expected"),
        (["--most", "0"], "expected seconds, 0 or more, and 1 or more frames"),
    ],
)
def test_what_cannot_be_exported(
    folder: Path, tmp_path: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(tmp_path / "out", folder, *words) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_without_pixels_nothing_is_written(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Review.read(folder).add("right", [1])
    shutil.rmtree(folder / "recording")
    assert export(tmp_path / "out", folder) == 2
    assert "3 frames were reviewed, and no frame of them is kept: fly with --record" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_where_the_user_did_not_look_nothing_is_seen() -> None:
    pixels = np.full((4, 6), 100, np.uint16)
    pixels[0, 0], mask = 900, np.zeros((4, 6), bool)
    mask[0, 0] = True
    assert levelled(Frame(pixels, 0, 0.0, mask=mask)).tolist() == np.full((4, 6), 100).tolist()
    assert levelled(Frame(pixels, 0, 0.0)) is pixels


def test_training_takes_it_as_it_is(
    folder: Path, tmp_path: Path, narrow_resnets: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of the smallest detector, by the command itself."""
    monkeypatch.setattr(train_command, "calibrate_norms", partial(calibrate_norms, crop=64))
    r = Review.read(folder)
    r.add("right", [1, 2, 4, 5])
    r.add("wrong", [3])
    out, run = tmp_path / "out", tmp_path / "run"
    assert export(out, folder, "--quiet") == 0
    labels = ["--annotations", str(out / "annotations.json"), "--images", str(out / "images")]
    small = ["--freeze", ",".join(FROZEN), "--steps", "1", "--batch", "1", "--crop", "64", "--threads", "1"]
    small += ["--channels", "8", "--min-size", "64", "--max-size", "80", "--sampling-ratio", "2"]
    assert main(["train", "--out", str(run), *labels, *small, "--rpn-pre-nms", "50", "--rpn-post-nms", "20"]) == 0
    assert list(run.glob("*.pth"))
