"""Offline: a torchvision Faster R-CNN becomes one fixed-shape graph and a bundle to fly with.

from export import export_bundle, frc_resnet_fpn

model = frc_resnet_fpn(18, ["deer"], pyramid="layer1")
model.load_state_dict(...)
export_bundle(model, "models/deer", classes=["deer"], height=512, width=640)
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # as edge does, whichever is imported first

if TYPE_CHECKING:
    from export.detector.build import frc_resnet_fpn
    from export.graph.bundle import export_bundle
    from export.graph.static import StaticDetector

__all__ = ["StaticDetector", "export_bundle", "frc_resnet_fpn"]


def __getattr__(name: str) -> object:
    # on the board `edge-export engine` runs without torch: these three import it
    if name == "export_bundle":
        from export.graph.bundle import export_bundle

        return export_bundle
    if name == "frc_resnet_fpn":
        from export.detector.build import frc_resnet_fpn

        return frc_resnet_fpn
    if name == "StaticDetector":
        from export.graph.static import StaticDetector

        return StaticDetector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
