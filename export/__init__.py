"""Offline: a torchvision Faster R-CNN becomes one fixed-shape graph and a bundle to fly with.

    from export import export_bundle, frc_resnet_fpn

    model = frc_resnet_fpn(18, ["deer"], pyramid="layer1")
    model.load_state_dict(...)
    export_bundle(model, "models/deer", classes=["deer"], height=512, width=640)
"""

from export.bundle import export_bundle
from export.detector import frc_resnet_fpn
from export.static import StaticDetector

__all__ = ["StaticDetector", "export_bundle", "frc_resnet_fpn"]
