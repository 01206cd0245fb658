"""The scores from which a bundle shows detections: chosen on labelled frames, which the bundle then remembers.

On the very frames that they were chosen on, recall and precision at them are the best that could be had, and not what
other frames will give.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from edge.errors import InputError
from edge.measure.average_precision import Judged, Ranking, rank
from edge.model.bundle import MODEL_JSON, Bundle
from edge.system.files import reason_of
from export.evaluate.thresholds import short_score, shown_from
from export.evaluate.trained_on import packed, unpacked

# --set-threshold, one score for all classes: what is highest at it, the key of `export.evaluate.evaluate.figures`
RULES = {"mean": "best_mean_f1", "all": "best_f1"}
USUAL = "mean"
CLASS, FALSE = "class", "false"  # a score for each class: of its best F1; with at most so many false alarms a frame
LEAST, FEW = 10, 30  # boxes: of fewer none is chosen; of fewer it is said, as chance has a part in it


class _Stored(msgspec.Struct):
    pictures: str = ""
    frames: int = 0
    labels: str = ""
    by_class: list[_StoredClasses] = []


class _StoredClasses(msgspec.Struct):
    classes: dict[str, Any]
    pictures: str
    frames: int
    labels: str


@dataclass(frozen=True)
class Rule:
    """How scores are chosen. ``name``: of `RULES`, `CLASS` or `FALSE`; ``allowed``: of the last, false alarms a frame.

    Raises InputError where ``allowed`` cannot be one.
    """

    name: str
    allowed: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.allowed < math.inf:
            raise InputError(f"{self.allowed} false alarms a frame: expected 0 or more, such as 0.1")

    @classmethod
    def parse(cls, text: str) -> Rule:
        """Of the text of ``--set-threshold``: ``mean``, ``all``, ``class``, ``false=0.1``. Raises InputError."""
        name, given, number = text.partition("=")
        if name in (*RULES, CLASS) and not given:
            return cls(name)
        try:
            return cls(FALSE, float(number if name == FALSE else "none"))
        except ValueError:
            raise InputError(
                f"{text!r}: expected mean, all, class, or false=N, N false alarms a frame, such as false=0.1"
            ) from None

    @property
    def by_class(self) -> bool:
        return self.name not in RULES

    def __str__(self) -> str:
        return "the best F1 of each" if self.name == CLASS else f"at most {self.allowed:g} false alarms a frame of each"


@dataclass(frozen=True)
class ClassScore:
    """What was chosen for one class. ``before``: its score till now; ``score``: the new one, None: it keeps that, and
    ``why``. ``figures``: at the score that it has now, of `export.evaluate.thresholds.shown_from`; ``boxes``: labelled.
    """

    name: str
    boxes: int
    before: float
    score: float | None
    why: str
    figures: Mapping[str, Any]


def set_score(folder: str, rule: str, figures: Mapping[str, Any], labels: str, keys: Sequence[bytes]) -> str:
    """Write the threshold that ``rule``, of `RULES`, takes of ``figures`` into the bundle's model.json, for all
    classes, and on which frames it was chosen; returns what was done. ``labels``: their name; ``keys``: of their
    pictures, `key_of`.

    Raises InputError where nothing was right at any score, or model.json cannot be written: it stays as it was.
    """
    best = figures[RULES[rule]]
    if not best["f1"]:
        raise InputError("no detection was right at any score: no threshold was set")
    bundle = Bundle.load(folder)
    # rounded down: the detection that the threshold was taken from is still shown
    score = math.floor(best["threshold"] * 1000) / 1000
    chosen = {"by": RULES[rule], "f1": round(best["f1"], 4), **_on(labels, keys)}
    _write(replace(bundle, score_threshold=score, score_chosen=chosen, score_thresholds={}))
    text = f"{bundle.name} now shows detections from {score:.3f}, before from {bundle.thresholds}: {_words(rule, best)}"
    return f"{text}. {_advice(bundle, labels, keys)}"


def set_class_scores(
    folder: str, rule: Rule, judged: Sequence[Judged], classes: Sequence[str], labels: str, keys: Sequence[bytes]
) -> tuple[list[ClassScore], list[str]]:
    """Write the threshold that ``rule`` takes for each of ``classes`` into the bundle's model.json, and on which frames
    it was chosen. Other classes keep theirs, and so do those with fewer than `LEAST` boxes, or of which nothing is
    right. Returns what was chosen, and what was done, in lines.

    ``judged``: the frames; ``classes``: by their labels; ``labels``, ``keys``: as of `set_score`. Raises InputError as
    that does.
    """
    bundle = Bundle.load(folder)
    found = [_choose(name, rank(judged, i, 0.5), len(judged), rule, bundle) for i, name in enumerate(classes)]
    scores = {one.name: one.score for one in found if one.score is not None}
    if not scores:
        raise InputError(
            "no threshold was set: " + "; ".join(f"{one.name} keeps {one.before:g}, {one.why}" for one in found)
        )
    chosen = dict(bundle.score_chosen)
    others = [
        {**row, "classes": left}
        for row in chosen.get("by_class", [])
        if (left := {name: value for name, value in row["classes"].items() if name not in scores})
    ]
    said = {one.name: {"boxes": one.boxes, **_rounded(one.figures)} for one in found if one.score is not None}
    by = "best_f1" if rule.name == CLASS else f"false_per_frame {rule.allowed:g}"
    chosen["by_class"] = [*others, {"by": by, "classes": said, **_on(labels, keys)}]
    _write(replace(bundle, score_thresholds={**bundle.score_thresholds, **scores}, score_chosen=chosen))
    told = ", ".join(f"{name} from {score:g} (before {bundle.thresholds[name]:g})" for name, score in scores.items())
    lines = [f"{bundle.name} now shows {told}: {rule}. {_advice(bundle, labels, keys)}"]
    lines += [f"{one.name} keeps {one.before:g}: {one.why}" for one in found if one.score is None]
    few = [f"{one.name} ({one.boxes})" for one in found if one.score is not None and one.boxes < FEW]
    if few:
        lines.append(
            f"chosen on fewer than {FEW} boxes, so chance had a part in it: {', '.join(few)}; label more, or give a "
            "score yourself with edge run --threshold"
        )
    return found, lines


def _choose(name: str, ranking: Ranking, frames: int, rule: Rule, bundle: Bundle) -> ClassScore:
    before, score, why = bundle.thresholds[name], None, ""
    if not ranking.total:
        why = "there is no such box in these frames"
    elif ranking.total < LEAST:
        why = f"of {ranking.total} boxes none can be chosen, expected {LEAST} or more"
    elif not ranking.hits.any():
        why = "no detection was right at any score"
    elif rule.name == CLASS:
        score = ranking.best_f1()["threshold"]
    else:
        lowest = ranking.score_at_false(rule.allowed * frames)
        # below the last right one only false ones would come
        right = ranking.scores[ranking.hits & (ranking.scores >= (math.inf if lowest is None else lowest))]
        score, why = (float(right[-1]), "") if len(right) else (None, "its surest detections are too often false")
    short = None if score is None else short_score(ranking, score)
    shown = shown_from(ranking, frames, before if short is None else short)
    return ClassScore(name, ranking.total, before, short, why, shown)


def chosen_on(bundle: Bundle, keys: Sequence[bytes]) -> tuple[int | None, str]:
    """How many of the pictures of ``keys`` are among those that the bundle's scores were chosen on, None where it does
    not say; and a line about it.
    """
    what = f"the score of {bundle.name}, {bundle.thresholds}, was chosen"
    try:
        said = msgspec.convert(bundle.score_chosen, _Stored)
        parts = [(f"{one.frames} frames of {one.labels}", one.pictures, tuple(one.classes)) for one in said.by_class]
        if said.pictures:
            parts.insert(0, (f"{said.frames} frames of {said.labels}", said.pictures, ()))
        seen = {key for _, pictures, _ in parts for key in unpacked(pictures)}
    except (msgspec.ValidationError, ValueError):
        parts = []
    if not parts:
        return None, f"on which frames {what} is not known"
    where = " and ".join(frames + (f" ({', '.join(names)})" if names else "") for frames, _, names in parts)
    same = sum(key in seen for key in keys)
    if not same:
        return 0, f"{what} on {where}; none of these is among them"
    return same, (
        f"{what} on {where}, and {same} of these {len(keys)} are among them: recall and precision at it are flattered"
    )


def _write(bundle: Bundle) -> None:
    try:
        bundle.write_json()
    except OSError as error:
        raise InputError(f"{bundle.path / MODEL_JSON} cannot be written ({reason_of(error)})") from None


def _on(labels: str, keys: Sequence[bytes]) -> dict[str, Any]:
    return {"labels": labels, "frames": len(keys), "pictures": packed(set(keys))}


def _advice(bundle: Bundle, labels: str, keys: Sequence[bytes]) -> str:
    text = f"It was chosen on {len(keys)} frames of {labels}; report its figures on others"
    if (bundle.path / "model.engine").exists():
        text += f". Its engine belongs to the old model.json, build it again: edge-export engine {bundle.path}"
    return text


def _rounded(figures: Mapping[str, Any]) -> dict[str, float]:
    return {name: round(figures[name], 4) for name in ("recall", "precision", "false_per_frame")}


def _words(rule: str, best: Mapping[str, Any]) -> str:
    f1 = 100 * best["f1"]
    if rule == "all":
        return f"the best F1 of all classes together, {f1:.1f}"
    by_class = ", ".join(f"{name} {100 * value:.1f}" for name, value in best["by_class"].items())
    return f"the best mean of F1 over classes, {f1:.1f} ({by_class})"
