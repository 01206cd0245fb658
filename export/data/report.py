"""The page that ``edge-export data check`` writes: what was found, each with small pictures."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.camera.stills import read_still
from edge.model.normalisers import Normalisers
from export.data.clean import KINDS, Problem, summary
from export.data.dataset import LabelledSet

SHOWN = 12  # pictures of a kind


def report(data: LabelledSet, cleaned: LabelledSet, problems: Sequence[Problem]) -> str:
    """One HTML page: counts, and small pictures of what was found."""
    parts = [
        "<!doctype html><meta charset=utf-8><title>Data check</title>",
        "<style>body{font:14px sans-serif;margin:2em}figure{display:inline-block;width:200px;margin:6px;"
        "vertical-align:top;overflow-wrap:anywhere}img{width:200px}</style>",
        f"<h1>{len(cleaned)} of {len(data)} frames are usable</h1><p>Boxes: ",
        html.escape(", ".join(f"{n} {name}" for name, n in cleaned.count().items())),
        "</p>",
        *(f"<p>{html.escape(note)}</p>" for note in data.notes),
    ]
    for kind, count in summary(problems).items():
        parts.append(f"<h2>{count} {kind}</h2><p>{KINDS[kind]}</p>")
        for problem in [p for p in problems if p.kind == kind][:SHOWN]:
            name = problem.file.name if problem.file else ""
            text = html.escape(f"{name}: {problem.detail}" if name else problem.detail)
            shown = _thumbnail(problem.file, problem.box) + _thumbnail(problem.other, ())
            parts.append(f"<figure>{shown}<figcaption>{text}</figcaption></figure>")
    return "\n".join(parts) + "\n"


def _thumbnail(path: Path | None, box: tuple[float, ...]) -> str:
    """An img element with the picture as flight sees it and the box drawn, or nothing where there is none to show."""
    if path is None:
        return ""
    try:
        pixels, _ = read_still(path)
    except (OSError, ValueError):
        return ""
    colours = cv2.cvtColor(Normalisers().grey(pixels), cv2.COLOR_GRAY2BGR)
    scale = 200 / colours.shape[1]
    small = cv2.resize(colours, (200, max(1, round(scale * colours.shape[0]))), interpolation=cv2.INTER_AREA)
    if box and np.isfinite(box).all():
        x1, y1, x2, y2 = (np.array(box).clip(-1e4, 1e4) * scale).round().astype(int).tolist()
        cv2.rectangle(small, (x1 - 1, y1 - 1), (x2 + 1, y2 + 1), (60, 60, 255), 1)
    encoded = base64.b64encode(cv2.imencode(".jpg", small)[1].tobytes()).decode()
    return f'<img alt="" src="data:image/jpeg;base64,{encoded}">'
