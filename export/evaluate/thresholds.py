"""What a threshold costs and gives: recall, precision and false alarms a frame by the score from which detections are
shown.

Nothing is run again for it: detections are matched by falling score, so that those below a threshold change no match
above it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.measure.average_precision import Ranking

GRID = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
FRAMES = (1, 10, 100)  # in so many, one false alarm
BEST_F1, BEST_MEAN_F1, BUNDLE = "best_f1", "best_mean_f1", "bundle"


def threshold_rows(
    ranking: Ranking, frames: int, bundle: float | None = None, mean: float | None = None
) -> list[dict[str, Any]]:
    """Rows by rising score, plain values for JSON; each says what is shown from its ``score`` on.

    ``of``: why the score stands there, any of ``best_f1``; ``best_mean_f1``, what ``mean`` is, a score of the
    ranking's; ``bundle``, what ``bundle`` is; ``1_false_in_1_frame``,
    ``1_false_in_10_frames``, ``1_false_in_100_frames``: the lowest score with at most so many, left out where there are
    fewer ``frames``; nothing for those of `GRID`. ``found``, ``false``: detections; ``missed``: true boxes.
    ``recall``: found of all true boxes, None where there are none; ``precision``: found of all that is shown, None
    where nothing is. ``false_per_frame``: false over ``frames``. Where no score is high enough, the ``score`` is None,
    and nothing is shown.
    """
    whys: dict[float | None, list[str]] = {score: [] for score in GRID}
    best = ranking.best_f1()
    marks: dict[str, float | None] = {}
    if best["f1"]:
        marks[BEST_F1] = short_score(ranking, best["threshold"])
    if mean is not None:
        marks[BEST_MEAN_F1] = short_score(ranking, mean)
    if bundle is not None:
        marks[BUNDLE] = bundle
    for n in (n for n in FRAMES if n <= frames):
        lowest = ranking.score_at_false(frames / n)
        marks[_one_in(n)] = None if lowest is None else short_score(ranking, lowest)
    for why, score in marks.items():
        whys.setdefault(score, []).append(why)
    scores = sorted(whys, key=lambda score: math.inf if score is None else score)
    return [{"score": score, "of": whys[score], **shown_from(ranking, frames, score)} for score in scores]


def best_mean_f1(rankings: Mapping[str, Ranking]) -> dict[str, Any]:
    """The score at which the mean over classes of F1 is highest, of the classes that have true boxes: a rare class
    counts as much as a frequent one. ``threshold``, ``f1`` (the mean), ``by_class``: F1 of each there.
    """
    classes = {name: ranking for name, ranking in rankings.items() if ranking.total}
    scores = np.unique(np.concatenate([r.scores for r in classes.values()] or [np.zeros(0)]))[::-1]
    if not len(scores):
        return {"threshold": 0.5, "f1": 0.0, "by_class": dict.fromkeys(classes, 0.0)}
    table = np.stack([_f1_from(ranking, scores) for ranking in classes.values()])
    best = int(np.argmax(table.mean(axis=0)))
    by_class = {name: float(row[best]) for name, row in zip(classes, table, strict=True)}
    return {"threshold": float(scores[best]), "f1": float(table[:, best].mean()), "by_class": by_class}


def _f1_from(ranking: Ranking, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(N,) F1 where detections of each of ``scores`` (N,), falling, and more are shown."""
    shown = np.searchsorted(-ranking.scores, -scores, side="right")
    right = np.concatenate([[0], np.cumsum(ranking.hits)])[shown]
    return np.asarray(2 * right / (shown + ranking.total))


def why_in_words(why: str) -> str:
    """One of a row's ``of``, for a person."""
    words = {BEST_F1: "best F1", BEST_MEAN_F1: "best mean F1", BUNDLE: "the bundle's"}
    return {**words, **{_one_in(n): f"1 false in {n}" for n in FRAMES}}[why]


def _one_in(frames: int) -> str:
    return f"1_false_in_{frames}_frame{'s' * (frames > 1)}"


def shown_from(ranking: Ranking, frames: int, score: float | None) -> dict[str, Any]:
    """The figures of a row of `threshold_rows` at ``score``; None: nothing is shown."""
    # as in flight, where scores are float32
    shown = ranking.scores >= np.float64(np.float32(math.inf if score is None else score))
    found, false = int(ranking.hits[shown].sum()), int((~ranking.hits[shown]).sum())
    return {
        "found": found,
        "missed": ranking.total - found,
        "false": false,
        "recall": found / ranking.total if ranking.total else None,
        "precision": found / (found + false) if found + false else None,
        "false_per_frame": false / frames,
    }


def short_score(ranking: Ranking, score: float) -> float:
    """A number of few digits at which the same is shown as at ``score``, one of the ranking's: it is to be typed."""
    lower = float(ranking.scores[ranking.scores < score].max(initial=0.0))
    for digits in range(2, 9):
        short: float = math.floor(score * 10**digits) / 10**digits
        if lower < float(np.float32(short)) <= score:
            return short
    return score
