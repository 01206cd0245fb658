"""A checkpoint of a narrow detector that says all its settings, for a process of its own."""

from __future__ import annotations

from tests.support.narrow import narrow


def write(path: str) -> None:
    """Write it; everything that this process exports after it is as narrow."""
    import torch

    from export.detector.build import frc_resnet_fpn

    narrow().__enter__()
    model = frc_resnet_fpn(18, 2, "layer1", channels=16, representation_size=32, min_size=64, max_size=96)
    torch.save(
        {"model": model.state_dict(), "detector": model.configuration.to_json(), "classes": ["deer", "person"]}, path
    )
