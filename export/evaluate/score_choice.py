"""The score from which a bundle shows detections: chosen on labelled frames, which the bundle then remembers.

On the very frames that it was chosen on, recall and precision at it are the best that could be had, and not what other
frames will give.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from edge.errors import InputError
from edge.model.bundle import MODEL_JSON, Bundle
from edge.system.files import reason_of
from export.evaluate.trained_on import packed, unpacked

# --set-threshold: what is highest at the score, and the key of `export.evaluate.evaluate.figures`
RULES = {"mean": "best_mean_f1", "all": "best_f1"}
USUAL = "mean"


class _Stored(msgspec.Struct):
    pictures: str
    frames: int = 0
    labels: str = ""


def set_score(folder: str, rule: str, figures: Mapping[str, Any], labels: str, keys: Sequence[bytes]) -> str:
    """Write the threshold that ``rule``, of `RULES`, takes of ``figures`` into the bundle's model.json, and on which
    frames it was chosen; returns what was done. ``labels``: their name; ``keys``: of their pictures, `key_of`.

    Raises InputError where nothing was right at any score, or model.json cannot be written: it stays as it was.
    """
    best = figures[RULES[rule]]
    if not best["f1"]:
        raise InputError("no detection was right at any score: no threshold was set")
    bundle = Bundle.load(folder)
    # rounded down: the detection that the threshold was taken from is still shown
    score = math.floor(best["threshold"] * 1000) / 1000
    chosen = {
        "by": RULES[rule],
        "f1": round(best["f1"], 4),
        "labels": labels,
        "frames": len(keys),
        "pictures": packed(set(keys)),
    }
    changed = replace(bundle, score_threshold=score, score_chosen=chosen)
    try:
        changed.write_json()
    except OSError as error:
        raise InputError(f"{bundle.path / MODEL_JSON} cannot be written ({reason_of(error)})") from None
    text = (
        f"{bundle.name} now shows detections from {score:.3f}, before from {bundle.score_threshold:g}: "
        f"{_words(rule, best)}. It was chosen on {len(keys)} frames of {labels}; report its figures on others"
    )
    if (bundle.path / "model.engine").exists():
        text += f". Its engine belongs to the old model.json, build it again: edge-export engine {folder}"
    return text


def chosen_on(bundle: Bundle, keys: Sequence[bytes]) -> tuple[int | None, str]:
    """How many of the pictures of ``keys`` are among those that the bundle's score was chosen on, None where it does
    not say; and a line about it.
    """
    try:
        said = msgspec.convert(bundle.score_chosen, _Stored)
        same = sum(key in unpacked(said.pictures) for key in keys)
    except (msgspec.ValidationError, ValueError):
        return None, f"on which frames the score of {bundle.name}, {bundle.score_threshold:g}, was chosen is not known"
    where = (
        f"the score of {bundle.name}, {bundle.score_threshold:g}, was chosen on {said.frames} frames of {said.labels}"
    )
    if not same:
        return 0, f"{where}; none of these is among them"
    return same, f"{where}, and {same} of these {len(keys)} are among them: recall and precision at it are flattered"


def _words(rule: str, best: Mapping[str, Any]) -> str:
    f1 = 100 * best["f1"]
    if rule == "all":
        return f"the best F1 of all classes together, {f1:.1f}"
    by_class = ", ".join(f"{name} {100 * value:.1f}" for name, value in best["by_class"].items())
    return f"the best mean of F1 over classes, {f1:.1f} ({by_class})"
