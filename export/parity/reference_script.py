"""What your own program finds, as a file for edge-export check BUNDLE --images DIR --reference FILE.

Run this file where your program runs. It needs torch, torchvision, numpy and your own code, and nothing of the
package that wrote it. Where a function of yours makes the model, and frames are 8-bit pictures that you scale to 0..1:

    python reference.py --images DIR --out reference.json --model package.module:function --weights FILE

Where your program does it in another way, change the two functions that are marked with EDIT, and run

    python reference.py --images DIR --out reference.json
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import platform
import sys
from typing import Any

import numpy as np
import torch
import torchvision
from PIL import Image

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


def make_model(arguments: argparse.Namespace) -> torch.nn.Module:
    """EDIT 1: the detector, with its weights."""
    return model_by_name(arguments.model, arguments.weights)


def prepare(path: str) -> torch.Tensor:
    """EDIT 2: what the model gets of one file: float32 (channels, height, width)."""
    with Image.open(path) as picture:
        if picture.mode not in ("1", "L", "P", "RGB", "RGBA"):
            sys.exit(f"{path} is no 8-bit picture ({picture.mode}): say in prepare() how your program scales it")
        pixels = np.asarray(picture.convert("RGB"), np.float32) / 255
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())


# ---- nothing to change below ----


def model_by_name(name: str | None, weights: str | None) -> torch.nn.Module:
    """``package.module:function`` called, or an object that is there; ``weights``: a file that fits it."""
    if not name or ":" not in name:
        sys.exit("say --model package.module:function, or change make_model() in this file")
    sys.path.insert(0, os.getcwd())
    module, function = name.split(":", 1)
    made = getattr(importlib.import_module(module), function)
    model: torch.nn.Module = made if isinstance(made, torch.nn.Module) else made()
    if weights:
        load(model, weights)
    return model


def load(model: torch.nn.Module, weights: str) -> None:
    """The state dict in the file, or in one entry of it, that fits the model in every name."""
    content = torch.load(weights, map_location="cpu", weights_only=True)
    entries = {"the file": content}
    entries.update({key: value for key, value in content.items() if isinstance(value, dict)})
    expected, fitting = set(model.state_dict()), {}
    for name, entry in entries.items():
        state = {key: value for key, value in entry.items() if isinstance(value, torch.Tensor)}
        for start in ("", "module.", "model.", "detector.", "net.", "_orig_mod."):
            found = {key[len(start) :]: value for key, value in state.items() if key.startswith(start)}
            if expected <= set(found):
                fitting[name] = {key: found[key] for key in expected}
    if len(fitting) != 1:
        what = "several: " + ", ".join(fitting) if fitting else "none"
        sys.exit(f"{weights}: expected one set of weights that fits the model, found {what}: load it in make_model()")
    model.load_state_dict(next(iter(fitting.values())))


def settings_of(model: torch.nn.Module) -> dict[str, Any]:
    """What weights do not tell, by the names that thermal-edge gives it; what a model does not have is left out."""
    places = {
        "min_size": "transform.min_size",
        "max_size": "transform.max_size",
        "fixed_size": "transform.fixed_size",
        "image_mean": "transform.image_mean",
        "image_std": "transform.image_std",
        "anchor_sizes": "rpn.anchor_generator.sizes",
        "aspect_ratios": "rpn.anchor_generator.aspect_ratios",
        "rpn_nms_thresh": "rpn.nms_thresh",
        "rpn_score_thresh": "rpn.score_thresh",
        "rpn_pre_nms_top_n_test": "rpn._pre_nms_top_n",
        "rpn_post_nms_top_n_test": "rpn._post_nms_top_n",
        "roi_size": "roi_heads.box_roi_pool.output_size",
        "sampling_ratio": "roi_heads.box_roi_pool.sampling_ratio",
        "canonical_scale": "roi_heads.box_roi_pool.canonical_scale",
        "canonical_level": "roi_heads.box_roi_pool.canonical_level",
        "bbox_reg_weights": "roi_heads.box_coder.weights",
        "box_nms_thresh": "roi_heads.nms_thresh",
        "box_score_thresh": "roi_heads.score_thresh",
        "box_detections_per_img": "roi_heads.detections_per_img",
    }
    found: dict[str, Any] = {}
    for name, place in places.items():
        value: Any = model
        for part in place.split("."):
            value = getattr(value, part, None)
        if isinstance(value, dict):
            value = value.get("testing")
        if name == "min_size" and isinstance(value, (tuple, list)):
            value = value[-1]  # torchvision's choice in evaluation
        if value is not None:
            found[name] = value
    norms = {getattr(m, "eps", 0.0) for m in model.modules() if "BatchNorm" in type(m).__name__}
    if len(norms) == 1:
        found["norm_eps"] = norms.pop()
    return found


def look(model: torch.nn.Module, folder: str, name: str, device: str, channels: int) -> dict[str, Any]:
    """What the model finds in one file."""
    path = os.path.join(folder, name)
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    with Image.open(path) as picture:
        size = list(picture.size)
    image = prepare(path)
    if channels == 1:
        image = image[:1]
    with torch.no_grad():
        answer = model([image.to(device)])
    found = answer[0] if isinstance(answer, (list, tuple)) else answer
    order = found["scores"].argsort(descending=True)
    return {
        "file": name,
        "sha256": digest,
        "size": size,
        "input": [image.shape[-1], image.shape[-2]],
        "range": [float(image.min()), float(image.max())],
        "boxes": found["boxes"][order].cpu().double().tolist(),
        "scores": found["scores"][order].cpu().double().tolist(),
        "labels": found["labels"][order].cpu().tolist(),
    }


def main() -> None:
    """Look at every picture, or at so many of them, and write what was found."""
    parser = argparse.ArgumentParser(description="What your own program finds, for edge-export check --reference.")
    parser.add_argument("--images", required=True, help="folder of pictures")
    parser.add_argument("--out", default="reference.json", help="file to write (default: %(default)s)")
    parser.add_argument("--model", help="package.module:function, which is imported and called")
    parser.add_argument("--weights", help="file of torch.save that is loaded into it")
    parser.add_argument("--frames", type=int, default=100, help="at most so many, spread (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="(default: %(default)s, which rounds as the check does)")
    arguments = parser.parse_args()
    names = sorted(name for name in os.listdir(arguments.images) if name.lower().endswith(PICTURES))
    if not names:
        sys.exit(f"{arguments.images} holds no pictures ({', '.join(PICTURES)})")
    names = names[:: -(-len(names) // max(1, arguments.frames))]
    model = make_model(arguments).to(arguments.device).eval()
    settings = settings_of(model)
    channels = len(settings.get("image_mean", [0, 0, 0]))
    images = []
    for name in names:
        images.append(look(model, arguments.images, name, arguments.device, channels))
        print(f"{len(images)} of {len(names)}  {name}: {len(images[-1]['scores'])} detections")
    content = {
        "format": 1,
        "settings": settings,
        "images": images,
        "versions": {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "torchvision": str(torchvision.__version__),
            "numpy": str(np.__version__),
            "device": arguments.device,
        },
    }
    with open(arguments.out, "w", encoding="utf-8") as file:
        json.dump(content, file)
    print(f"{arguments.out}: now edge-export check BUNDLE --images {arguments.images} --reference {arguments.out}")


if __name__ == "__main__":
    main()
