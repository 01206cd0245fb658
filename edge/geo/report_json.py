"""What ``report.json`` says of positions and of the ground that was searched, declared."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=0)]
Area = Annotated[float, Meta(ge=0, description="square metres")]
Part = Annotated[float, Meta(ge=0, le=1)]


class AlignmentReport(Struct):
    """What objects seen on several headings say of the camera's mounting, see docs/position.md. ``suggested``: for
    --mounting of the next run, null where there is none; it was not applied. ``said``: the fit with its 1 sigma, or why
    there is no suggestion.
    """

    suggested: str | None
    said: str


class PositionReport(Struct):
    """What became of the detections of frames. ``placed``: got a position; ``refused``: got none, by why. ``camera``:
    the lens, in words, null where nobody says it; ``intrinsics``: fx, fy, cx, cy of it, pixels. ``ground``: what the
    ground was taken for. ``assumed``: 1 sigma of what the poses do not say. ``mounting``: what --mounting gave, null:
    nothing. ``alignment``: null where no track was seen from a known pose over level ground.
    """

    placed: Count
    refused: dict[str, Count]
    camera: str | None
    intrinsics: tuple[float, float, float, float] | None
    ground: str
    assumed: list[str]
    mounting: str | None = None
    alignment: AlignmentReport | None = None


class CoverageReport(Struct):
    """What ground was searched, square metres. ``search``: for what, and what counts. ``seen_m2``: also what was not
    seen well enough; ``gaps``: between searched ground, the file has at most 200. ``cell_m``: the cells' side.
    ``frames``: counted, ``frames_poor`` of them with a picture that the model cannot work with well,
    ``frames_cut`` of them without a side that looks too far; ``frames_unlike`` of them, by how, are not like the frames
    that recall was measured on, and have no probability;
    ``frames_not_counted``: the others, by why. ``recall``: what the probability is from, null: nobody measured it;
    ``probability`` of detection: least and median of the searched ground, and the part of it for which it is known.
    ``contrast``: that such a body would have, median of the searched ground.
    """

    search: str
    searched_m2: Area
    seen_m2: Area
    gaps: Count
    gap_m2: Area
    gap_reasons: dict[str, Area]
    cell_m: Annotated[float, Meta(ge=0)]
    frames: Count
    frames_poor: Count
    frames_cut: Count
    frames_not_counted: dict[str, Count]
    recall: str | None
    probability: tuple[Part, Part, Part] | None
    contrast: Annotated[float, Meta(ge=0)] | None
    assumed: str
    frames_unlike: dict[str, Count] = {}
