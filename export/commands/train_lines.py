"""What ``edge-export train`` says before it starts: what the detector sees, and what it knows already."""

from __future__ import annotations

from collections.abc import Sequence

from torchvision.models.detection import FasterRCNN

from export.data.dataset import LabelledSet
from export.evaluate.classes import near_names
from export.training.crops import resize_factor


def sizes_seen(model: FasterRCNN, data: LabelledSet) -> str:
    """One line: how large the detector sees the frames, as --min-size and --max-size together say."""
    sizes = {(f.width, f.height): resize_factor(model, f) for f in data.frames}
    seen = [f"{w}x{h} at {round(w * by)}x{round(h * by)}" for (w, h), by in sorted(sizes.items())]
    more = f" and {len(seen) - 3} more sizes" if len(seen) > 3 else ""
    return f"the detector sees frames of {', '.join(seen[:3])}{more}"


def of_the_start(start: str, known: Sequence[str], classes: Sequence[str], kept: Sequence[str]) -> list[str]:
    """Lines: which of a start's classes are gone on with, which are new, which are no more."""
    if not known:
        return [f"{start} has no class names: its classes are taken to be, in this order, {', '.join(classes)}"]
    new = [name for name in classes if name not in kept]
    gone = [name for name in known if name.casefold() not in {one.casefold() for one in classes}]
    near = {name: meant[0] for name in new if (meant := near_names(name, gone))}
    lines = (
        [f"{start} knows {', '.join(kept) or 'no class of these'}; new, trained from zero: {', '.join(new)}"]
        if new
        else []
    )
    lines += [f"{start} also knows {', '.join(gone)}: the frames have no such class, it is left out"] if gone else []
    same = ",".join(f"{near.get(name, name)}={name}" if name in near else name for name in classes)
    return lines + ([f"if some of these are the same class: --classes {same}"] if near else [])
