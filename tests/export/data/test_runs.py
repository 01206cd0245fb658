"""Flights are told by file names, and never parted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.commands.main import main
from export.data.coco import read_coco
from export.data.dataset import LabelledFrame
from export.data.runs import FramesNamed, run_of, split_by_run
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
