"""What a checkpoint says beside its weights: settings, record of the training, names of classes; where it is certain.

Other programs use the same keys for things of their own (a flag under "training", a name under "detector"). An entry
counts only where it is what `edge-export train` writes; any other is left alone and named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from edge.errors import InputError
from export.detector.configuration import Configuration

CONFIGURATION = "detector"
RECORD = "training"  # what the training command says about itself
NAMES = ("classes", "class_names")
# every version of the training command has written these under "detector"
_ALWAYS = {"name", "body", "pyramid", "anchor_sizes", "roi_size", "sampling_ratio"}
_BACKGROUND = {"background", "bg"}
_MOST = 10_000  # values in an entry


class _Normalise(msgspec.Struct):
    eight_bit: dict[str, Any] = msgspec.field(name="8bit")
    sixteen_bit: dict[str, Any] = msgspec.field(name="16bit")


class _Record(msgspec.Struct):
    """What `export.training.loop` writes under "training"; only how frames were normalised is in all of them."""

    normalise: _Normalise
    data: str = ""
    frames: int = 0
    steps: int = 0
    batch: int = 0
    seconds: int = 0
    seed: int = 0
    hard_examples: int = 0
    augmentation: dict[str, Any] = {}
    start: dict[str, Any] = {}


def settings_in(path: Path, content: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """Fields of `Configuration` that the checkpoint's own entry sets; {} and a line in ``notes`` where it is not ours.

    Raises InputError where it is ours and a value cannot be one.
    """
    found = content.get(CONFIGURATION)
    if not isinstance(found, dict) or not _is_plain(found) or not set(found) >= _ALWAYS:
        _foreign(content, CONFIGURATION, notes)
        return {}
    try:
        Configuration.from_json(found)
    except InputError as error:
        raise InputError(f"checkpoint {path}, entry {CONFIGURATION!r}: {error}") from None
    return found


def record_in(content: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """What `edge-export train` says of itself; {} and a line in ``notes`` where it is another program's."""
    found = content.get(RECORD)
    if isinstance(found, dict) and _is_plain(found):
        try:
            msgspec.convert(found, _Record)
            return found
        except (msgspec.ValidationError, UnicodeEncodeError):  # the latter: half of a UTF-16 pair
            pass
    _foreign(content, RECORD, notes)
    return {}


def class_names_in(content: Mapping[str, Any], count: int | None, notes: list[str]) -> tuple[str, ...]:
    """Names of the classes without the background: () where there are none, or where they are not certainly they.

    ``count``: classes that the weights have besides the background, None = unknown.
    """
    for key in NAMES:
        found = content.get(key)
        if found is None:
            continue
        if not isinstance(found, list | tuple) or not all(
            isinstance(name, str) and name.strip() and name.isprintable() for name in found
        ):
            _foreign(content, key, notes)
            continue
        names = tuple(found)
        if count is not None and len(names) == count + 1 and names[0].strip("_ ").casefold() in _BACKGROUND:
            notes.append(f"{names[0]!r} in the checkpoint's list {key!r} is torchvision's label 0 and no class")
            names = names[1:]
        if count is not None and len(names) != count:
            notes.append(f"the checkpoint's list {key!r} has {len(names)} names, its weights {count} classes: ignored")
        elif len(set(names)) != len(names):
            notes.append(f"the checkpoint's list {key!r} has a name twice: ignored")
        else:
            return names
    return ()


def _is_plain(value: object) -> bool:
    """Whether JSON can hold it, in at most `_MOST` values: a dict that is many times in itself has no end."""
    waiting, seen = [value], 0
    while waiting:
        seen += 1
        one = waiting.pop()
        if isinstance(one, dict):
            if not all(isinstance(key, str) for key in one):
                return False
            waiting += one.values()
        elif isinstance(one, list | tuple):
            waiting += one
        elif not (one is None or isinstance(one, str | bool | int) or (isinstance(one, float) and math.isfinite(one))):
            return False
        if seen + len(waiting) > _MOST:
            return False
    return True


def _foreign(content: Mapping[str, Any], key: str, notes: list[str]) -> None:
    """A line about an entry of another program; none where there is no such entry, or it is where weights are."""
    found = content.get(key)
    holds_weights = isinstance(found, Mapping) and any(
        hasattr(v, "shape") or isinstance(v, Mapping) for v in found.values()
    )
    if found is not None and not holds_weights:
        what = type(found).__name__
        notes.append(f"the checkpoint's entry {key!r} (a {what}) is another program's, and is ignored")


def class_count(state: Mapping[str, Any]) -> int | None:
    """Classes besides the background that a detector's weights have; None where they do not tell."""
    weight = state.get("roi_heads.box_predictor.cls_score.weight")
    return None if weight is None or weight.ndim != 2 else len(weight) - 1
