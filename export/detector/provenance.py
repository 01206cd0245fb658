"""Where a training run began: whose weights, of what data, under what licence. It travels into ``model.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torchvision.models.detection import FasterRCNN

from edge.model.bundle import Bundle
from export.detector.checkpoint import digest_of
from export.detector.from_bundle import is_bundle

_CREDIT = ("name", "licence", "citation")


def origin_of(path: Path, model: FasterRCNN) -> dict[str, Any]:
    """What is known of ``model``, which `load_detector` made of ``path``: its name, ``checkpoint_sha256``, the credit
    of its data where it is a bundle, and its own origin, however far that goes back.
    """
    bundle = Bundle.load(path) if is_bundle(path) else None
    found: dict[str, Any] = {"name": bundle.name if bundle else path.name, "checkpoint_sha256": digest_of(path)}
    if bundle:
        found["data"] = {key: bundle.data[key] for key in _CREDIT if key in bundle.data}
    before = model.training_record.get("start")
    return found | ({"start": before} if before else {})
