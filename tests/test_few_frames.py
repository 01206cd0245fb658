"""The curve of few frames: drawn by flight, few among many, gone on with, and with no start that knows the frames."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs torch, which a board has not")
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.accuracy.few_frames import RESULT, draw, main
from edge.app.settings import MODEL
from edge.errors import InputError
from export.data.dataset import LabelledSet, labelled_frame
from export.data.runs import flights_of
from tests.support.label_files import write_coco


def flown(*sizes: int) -> LabelledSet:
    names = [f"f{flight}_{i:03d}.png" for flight, size in enumerate(sizes) for i in range(size)]
    return LabelledSet(("deer",), tuple(labelled_frame(Path(n), 64, 48, [[1, 1, 5, 5]], [0], []) for n in names))


@settings(max_examples=40)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(0, 3), st.data())
def test_frames_are_drawn_by_flight_and_the_fewer_are_among_the_more(sizes: list[int], seed: int, data: Any) -> None:
    labelled = flown(*sizes)
    few = data.draw(st.integers(1, len(labelled)))
    many = data.draw(st.integers(few, len(labelled)))
    smaller, larger = draw(labelled, few, seed), draw(labelled, many, seed)
    names = [{f.path for f in one.frames} for one, _ in (smaller, larger)]
    assert (len(names[0]), len(names[1])) == (few, many)
    whole = {name: {f.path for f in frames} for name, frames in flights_of(labelled).items()}
    for taken, (_, flights) in zip(names, (smaller, larger), strict=True):
        touched = [paths for paths in whole.values() if paths & taken]
        assert len(touched) == flights
        assert sum(not paths <= taken for paths in touched) <= 1  # the last one alone is parted
    if smaller[1] < larger[1]:
        assert names[0] <= names[1]


def test_of_the_last_flight_frames_are_taken_evenly() -> None:
    frames, _ = draw(flown(9), 3, 1)
    assert [f.path.stem for f in frames.frames] == ["f0_001", "f0_004", "f0_007"]
    with pytest.raises(InputError, match="--frames 10: only 9 frames are not held back"):
        draw(flown(9), 10, 1)


class Export:
    """In the place of `edge-export`: a training that stops once, and an evaluation that finds more in more frames."""

    def __init__(self, stop: str = "") -> None:
        self.calls: list[Sequence[str]] = []
        self.stop = stop

    def __call__(self, words: Sequence[str]) -> int:
        self.calls.append(words)
        given = dict(zip(words[1:-1:2], words[2::2], strict=False))
        if words[0] == "train":
            out = Path(given["--out"])
            if out.parent.name == self.stop:
                return 1
            self.frames = len(json.loads(Path(given["--annotations"]).read_text())["images"])
        else:
            value = self.frames / 100
            Path(given["--json"]).write_text(
                json.dumps({"images": 5, "ap50": value, "per_class_ap50": {"Person": value, "Car": None}})
            )
        return 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = [f"{flight}_60_30_0_{i:05d}.jpg" for flight in range(4) for i in range(5)]
    write_coco(tmp_path / "data", names, [(i, i % 2, [1, 1, 5, 5]) for i in range(len(names))])
    (tmp_path / "backbone.pth").touch()
    return tmp_path


def run(folder: Path, export: Export, *more: str) -> int:
    words = [str(folder / "data"), "--out", str(folder / "o"), "--backbone", str(folder / "backbone.pth")]
    return main([*words, "--frames", "7,3", "--steps", "5", *more], export)


def test_the_curve_is_printed_and_goes_on_where_it_was_stopped(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped = Export(stop="00007")
    assert run(folder, stopped) == 1
    assert "the training ended with exit code 1; the same command goes on" in capsys.readouterr().err
    assert [words[0] for words in stopped.calls] == ["train", "eval", "train"]
    further = Export()
    assert run(folder, further) == 0
    assert further.calls[0][-5:-1] == ["--channels", "64", "--sampling-ratio", "2"]
    assert [words[0] for words in further.calls] == ["train", "eval"]
    assert capsys.readouterr().out.splitlines()[-4:] == [
        "| frames | flights | boxes | Person | Car | mean |",
        "|---|---|---|---|---|---|",
        "| 3 | 1 | 3 | 3.0 | - | 3.0 |",
        "| 7 | 2 | 7 | 7.0 | - | 7.0 |",
    ]
    result = json.loads((folder / "o" / RESULT).read_text())
    assert [row["frames"] for row in result["rows"]] == [3, 7]
    held = {i["file_name"] for i in json.loads((folder / "o/held.json").read_text())["images"]}
    own = {i["file_name"] for i in json.loads((folder / "o/00007/train.json").read_text())["images"]}
    assert len(held) == result["held"]["frames"] == 5
    assert not {Path(n).name[0] for n in held} & {Path(n).name[0] for n in own}
    assert run(folder, Export(), "--train", "", "--seed", "2") == 2
    assert "holds runs with another seed, train" in capsys.readouterr().err


def test_a_start_that_has_seen_the_frames_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(folder / "data"), "--out", str(folder / "o"), "--from", str(MODEL)]
    assert main(words, Export()) == 2
    said = capsys.readouterr().err
    assert "it was trained on these very frames, and its curve would be none" in said
    assert not (folder / "o").exists()


@pytest.mark.parametrize("frames", ["", "0", "few"])
def test_numbers_that_are_none(frames: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, Export(), "--frames", frames) == 2
    assert "expected whole numbers, such as 30,100" in capsys.readouterr().err
