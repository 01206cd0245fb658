"""Parts of a set under the names that tools give them."""

from __future__ import annotations

import pytest

from edge.errors import InputError
from export.data.splits import choose, split_in, split_of


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"), ("Training", "train"), ("train2017", "train"), ("valid", "val"), ("Validation", "val"),
        ("val_2024", "val"), ("test", "test"), ("default", "default"), ("flight7", None), ("trains", None),
    ],
)  # fmt: skip
def test_folders(name: str, split: str | None) -> None:
    assert split_of(name) == split


@pytest.mark.parametrize(
    ("stem", "split"),
    [
        ("train", "train"), ("instances_val2017", "val"), ("instances_default", "default"), ("deer_train", "train"),
        ("instances_flight7", "flight7"), ("train_val", "train_val"), ("deer", "deer"), ("validation-labels", "val"),
    ],
)  # fmt: skip
def test_label_files(stem: str, split: str) -> None:
    assert split_in(stem) == split


@pytest.mark.parametrize(
    ("known", "asked", "split"),
    [
        (["val", "train"], None, "train"),
        (["flight7"], None, "flight7"),
        (["val", "test"], "valid", "val"),
        (["flight7", "flight8"], "flight8", "flight8"),
    ],
)
def test_one_is_chosen(known: list[str], asked: str | None, split: str) -> None:
    assert choose(known, asked, "x") == split


@pytest.mark.parametrize(
    ("known", "asked", "told"),
    [
        (["test", "val"], None, "x has the parts test, val: choose one: --split test"),
        (["train", "val"], "test", "x has no part 'test': expected one of train, val"),
    ],
)
def test_or_asked_for(known: list[str], asked: str | None, told: str) -> None:
    with pytest.raises(InputError, match=told):
        choose(known, asked, "x")
