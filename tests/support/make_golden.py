"""Golden detections of the bundled model: two simulated frames, and what torchvision eager finds in them.

Run anew when the bundled model changes:  python tests/support/make_golden.py CHECKPOINT
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import torch

from edge.app.settings import MODEL
from edge.camera import open_camera
from edge.model.bundle import Bundle, sha256
from edge.model.transform import Preprocessor
from export.detector.checkpoint import load_detector

FOLDER = Path(__file__).resolve().parents[1] / "export/parity/golden"
FLIGHTS = ("sim:frames=12,seed=31,altitude=40,live=0", "sim:frames=12,seed=32,altitude=60,live=0")


def main(checkpoint: Path) -> None:
    """Write ``golden/*.png``, uint8 (512, 640) as the model gets them, and ``golden/detections.json``."""
    bundle = Bundle.load(MODEL)
    if sha256(checkpoint) != bundle.checkpoint_sha256:
        sys.exit(f"{checkpoint} is not the checkpoint that the bundled model was exported from")
    model = load_detector(checkpoint, **_settings(bundle))
    FOLDER.mkdir(exist_ok=True)
    frames = []
    for number, flight in enumerate(FLIGHTS):
        preprocess = Preprocessor(bundle)
        with open_camera(flight) as camera:
            for frame in iter(camera.read, None):
                _, image, _ = preprocess.forward(frame)
        cv2.imwrite(str(FOLDER / f"{number}.png"), image)
        with torch.inference_mode():
            found = model([torch.from_numpy(image.copy()).float().div(255).expand(3, -1, -1)])[0]
        frames.append(
            {
                "file": f"{number}.png",
                "boxes": found["boxes"].tolist(),
                "scores": found["scores"].tolist(),
                "labels": (found["labels"] - 1).tolist(),
            }
        )
    about = {
        "flights": FLIGHTS,
        "checkpoint_sha256": bundle.checkpoint_sha256,
        "torch": torch.__version__,
        "frames": frames,
    }
    (FOLDER / "detections.json").write_text(json.dumps(about, indent=1) + "\n")
    print(f"{sum(len(f['scores']) for f in frames)} detections in {FOLDER}")


def _settings(bundle: Bundle) -> dict[str, Any]:
    """The detector's configuration as `load_detector` takes it; what the checkpoint itself tells agrees."""
    made = bundle.architecture
    names = (
        "sampling_ratio",
        "rpn_pre_nms_top_n_test",
        "rpn_post_nms_top_n_test",
        "canonical_scale",
        "canonical_level",
    )
    return {name: made[name] for name in names} | {
        "image_mean": tuple(made["image_mean"]),
        "image_std": tuple(made["image_std"]),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
