"""Flights are told by file names, and never parted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.errors import InputError
from export.commands.main import main
from export.data.coco import read_coco
from export.data.dataset import LabelledFrame, LabelledSet, labelled_frame
from export.data.runs import FramesNamed, flights_of, leave_out, run_of, split_by_run, table_of
from tests.support.label_files import write_coco, write_image


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


def test_three_parts_share_no_flight_and_are_the_same_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    names = [f"{run}_60_30_0_{i:05d}.png" for run in range(10) for i in range(4)]
    for name in names:
        write_image(tmp_path / "train" / name, rng.integers(0, 255, (48, 64)).astype(np.uint8))
    write_coco(tmp_path, names, [(i, 1, [16, 8, 16, 16]) for i in range(len(names))])
    files, split = ("cleaned.json", "held_back.json", "held_back_test.json"), ["--hold-back", "0.3", "--test", "0.2"]
    made = []
    for out in ("a", "b"):
        assert main(["data", "check", str(tmp_path), "--out", str(tmp_path / out), *split]) == 0
        made.append([[f.path.name for f in read_coco(tmp_path / out / name, tmp_path).frames] for name in files])
    assert made[0] == made[1]
    assert [len(part) for part in made[0]] == [20, 12, 8]
    runs = [{name.split("_")[0] for name in part} for part in made[0]]
    assert sum(len(part) for part in runs) == len(set.union(*runs)) == 10
    said = capsys.readouterr().out
    assert (said.count(": held back"), said.count(": for the test"), said.count(": kept")) == (2 * 3, 2 * 2, 2 * 5)
    words = ["data", "check", str(tmp_path), "--out", str(tmp_path / "c"), "--quiet"]
    for wrong in (["--test", "0.2"], ["--test", "0.5", "--hold-back", "0.5"], ["--test", "-1", "--hold-back", "0.5"]):
        assert main([*words, *wrong]) == 2
        assert "expected two parts of the frames" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("0_60_30_0_01610.jpg", ("0_60_30_0", 1610)),
        ("DJI_0007.png", ("DJI", 7)),
        ("flights/12.png", ("flights", 12)),
        ("portrait.png", None),
        ("DJI_0007_T.JPG", ("DJI", 7)),
        ("DJI_20240131120559_0017_T.JPG", ("DJI_20240131", 17)),
        ("DJI_0007_jpg.rf.0a1b2c3d4e5f60718293a4b5c6d7e8f9.jpg", ("DJI", 7)),  # Roboflow
        ("1a2b3c4d-DJI_0007.png", ("DJI", 7)),  # Label Studio
        ("onto1-00012_0_60_30_0_01610.jpg", ("0_60_30_0", 1610)),  # animals set into a real frame
        ("20240131-0007.png", ("20240131", 7)),  # a date is no hash
        ("cam_2024-01-31_12-05-59.png", ("cam_2024-01-31", 43559)),
        ("20240131T120559Z.png", ("20240131", 43559)),
        ("20240131_120559_123.tiff", ("20240131", 43559)),
    ],
)
def test_the_run_of_a_name(name: str, run: tuple[str, int] | None) -> None:
    assert run_of(Path(name)) == run


def test_frames_named_are_those_of_the_range() -> None:
    none = np.zeros((0, 4), np.float32)
    expected = FramesNamed("DJI:3-5")
    numbers = [i for i in range(9) if expected(LabelledFrame(Path(f"DJI_{i}.png"), 1, 1, none, np.zeros(0, int), none))]
    assert numbers == [3, 4, 5]


def flown(*names: str) -> LabelledSet:
    return LabelledSet(("deer",), tuple(labelled_frame(Path(n), 64, 48, [[1, 1, 5, 5]], [0], []) for n in names))


def numbered(name: str, numbers: range) -> list[str]:
    return [name.format(i) for i in numbers]


def test_frames_are_left_out_and_counted_and_a_text_that_names_none_is_refused() -> None:
    data = flown(*numbered("a_{}.jpg", range(8)), *numbered("b_{}.jpg", range(100, 104)))
    left = leave_out(data, ["a:0-5", "a:4-5", "b:100-102"])  # the second names some that the first has, too
    assert [f.path.stem for f in left.frames] == ["a_6", "a_7", "b_103"]
    assert left.notes == (
        "--without a:0-5: 6 frames are left out",
        "--without a:4-5: 2 frames are left out",
        "--without b:100-102: 3 frames are left out",
    )
    for text in ("aO:0-5", "a:5-4", "b:0-99"):
        with pytest.raises(InputError, match=f"--without {text}: no frame is of it: .*, such as a:0-7, b:100-103"):
            leave_out(data, ["a:0-5", text])


def test_flights_are_by_number_not_by_spelling() -> None:
    data = flown(*numbered("DJI_{}.jpg", range(1, 121)), *numbered("DJI_{}.jpg", range(200, 203)))
    assert {name: len(frames) for name, frames in flights_of(data).items()} == {"DJI:1-120": 120, "DJI:200-202": 3}
    assert len(flights_of(data, gap=80)) == 1
    assert list(flights_of(flown("x/a_1.png", "y/a_2.png"), "folder")) == ["x", "y"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (
            numbered("DJI_{:04d}.jpg", range(1, 98)),
            r"all 97 frames are one flight by their name \(DJI:1-97\).*--flights end",
        ),
        (numbered("{:02d}ab.jpg", range(20)), "all 20 frames are one flight by their name"),
        (
            numbered("IMG{0}_{0}000.jpg", range(20)),
            "names of the 20 frames tell no flights, 20 would be one frame each",
        ),
    ],
)
def test_a_side_is_never_empty(names: list[str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        split_by_run(flown(*names), 0.2)
    kept, held = split_by_run(flown(*names), 0.2, by="end")
    assert len(held) == round(0.2 * len(names))
    assert {f.path.name for f in kept.frames} | {f.path.name for f in held.frames} == set(names)
    assert max(f.path.stem for f in kept.frames) < min(f.path.stem for f in held.frames)


def test_folders_can_be_the_flights() -> None:
    data = flown(*numbered("1/DJI_{}.jpg", range(8)), *numbered("2/DJI_{}.jpg", range(3)))
    kept, held = split_by_run(data, 0.2, by="folder")
    assert {str(f.path.parent) for f in held.frames} == {"2"}  # the smaller one, as none has as few as a fifth
    assert len(kept) == 8
    assert table_of(flights_of(data, "folder"), held) == ["     8 1: kept", "     3 2: held back"]
    with pytest.raises(
        InputError, match="all 3 frames are one flight by their folder .*: add another flight, or give --flights end"
    ):
        split_by_run(flown(*numbered("2/DJI_{}.jpg", range(3))), 0.3, by="folder")


def test_no_more_than_asked_for_is_held_back() -> None:
    names = [n for run in "abcdef" for n in numbered(run + "_{}.png", range(30 if run == "a" else 4))]
    for part in (0.1, 0.2, 0.3):
        kept, held = split_by_run(flown(*names), part)
        assert 0 < len(held) <= part * len(names)
        assert not {f.path.name[0] for f in kept.frames} & {f.path.name[0] for f in held.frames}
