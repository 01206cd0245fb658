"""The conditions that a run can be in, each with its limits and its meaning, and what a run remembers of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from edge.data import Result


@dataclass(frozen=True)
class Condition:
    """``begins`` and ``ends``: the figure must reach one to begin and fall below the other to end.

    The limits are of figures that grow with the trouble. ``of_source``: it lies in how the source is set up or named,
    so that whoever did it is told with ``--quiet``, too.
    """

    begins: float
    ends: float
    meaning: str
    of_source: bool = False


# Limits: of the 290 frames of HIT-UAV's validation part the grey levels' std is 0.35 to 1.75 times, and the mean
# within 0.2 of, what they are over its training part; `anchored` makes raw frames of even ground up to 0.36 darker.
CONDITIONS = {
    "black_hot": Condition(
        1.0,
        0.5,
        "it looks black-hot: the model finds more in the inverted picture, or it was inverted in flight; set the "
        "camera to white-hot, or add palette=black-hot to the source",
        of_source=True,
    ),
    "byte_order": Condition(
        1.0,
        1.0,
        "the two bytes of each count are the wrong way round: add endian=big to the source, or remove it there",
        of_source=True,
    ),
    "colour": Condition(
        1.0,
        1.0,
        "the picture, or part of it such as an isotherm or a mark, is in colour, and a colour is no temperature: the "
        "hottest pixels may become dark; record white-hot without isotherms, or leave out what is in colour with crop= "
        "or mask=",
        of_source=True,
    ),
    "drift": Condition(
        1.0, 0.9, "grey levels are far from those in training: check the palette (white = hot) and the camera's gain"
    ),
    "fixed_boxes": Condition(
        1.0,
        1.0,
        "boxes stay at the same pixels while the scene moves: they are in the picture or the lens, not on the ground; "
        "leave these pixels out with mask= or crop=",
        of_source=True,
    ),
    "frozen": Condition(
        1.0, 1.0, "the camera gave the same picture for over a second: nothing could be found meanwhile"
    ),
    "low_contrast": Condition(
        3.3, 2.8, "the scene is nearly of one temperature (thermal crossover, fog): animals and people may be missed"
    ),
    "overlay": Condition(
        1.0,
        1.0,
        "text, a crosshair or a scale is drawn into the picture, and people are found on letters: switch it off in the "
        "camera, or leave these pixels out with mask= or crop=",
        of_source=True,
    ),
    "rows": Condition(
        1.0,
        1.0,
        "rows that are no picture are searched too: add camera= to the source, or cut them off with crop=",
        of_source=True,
    ),
    "saturated": Condition(1.0, 0.8, "much of the picture is plain black or white: what lies there is not seen"),
    "scale": Condition(
        1.5,
        1.5,
        "objects have another size in pixels than those that the model was trained on: small ones may be missed; use "
        "a camera or a model of another size, or --tiles for a camera that is larger than the model's input",
        of_source=True,
    ),
    "shutter": Condition(0.3, 0.2, "the shutter is closed for much of the time: is it stuck, or set to fall often?"),
    "warm_ground": Condition(
        28.0, 27.0, "the ground is as warm as people and animals: they may be missed, or be darker than the ground"
    ),
}


class Line(NamedTuple):
    """What is said of a condition. ``of_source``: whether it began, and lies in the source: see `Condition`."""

    text: str
    of_source: bool = False


class HealthLog:
    """What a run remembers of its warnings."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, Any]] = {}
        self._open: dict[str, int] = {}  # results since each present condition began

    def add(self, result: Result) -> list[Line]:
        """Book one result; returns a line for each condition that began or ended with it."""
        frame = result.frame
        lines: list[Line] = []
        for name in sorted(result.warnings - self._open.keys()):
            self._open[name] = 0
            utc = None if frame.utc is None else frame.utc.isoformat(timespec="milliseconds")
            first = {"seq": frame.seq, "t": round(frame.t_capture, 6), "utc": utc}
            seen = self._seen.setdefault(name, {"frames": 0, "times": 0, "first": first})
            seen["times"] += 1
            what = result.seen.get(name, "")
            if what:
                seen.setdefault("seen", what)
            text = f"health: {name.replace('_', ' ')} from frame {frame.seq} on: {CONDITIONS[name].meaning}"
            lines.append(Line(text + (f" ({what})" if what else ""), CONDITIONS[name].of_source))
        for name in sorted(self._open.keys() - result.warnings):
            frames = self._open.pop(name)
            lines.append(Line(f"health: {name.replace('_', ' ')} ended at frame {frame.seq}, {frames} frames"))
        for name in self._open:
            self._open[name] += 1
            self._seen[name]["frames"] += 1
        return lines

    def report(self) -> dict[str, Any]:
        """``{condition: {"frames", "times", "first": {"seq", "t", "utc"}, "seen"}}`` of those that held; {} = none did.

        ``seen``: what was seen when it began, where there is more to say than its name.
        """
        return {name: self._seen[name] for name in sorted(self._seen)}
