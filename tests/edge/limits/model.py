"""Limits of `edge/model`: bundles and the way of a frame into the model."""

from __future__ import annotations

from typing import Any

LIMITS: dict[str, dict[str, tuple[Any, str]]] = {
    "model.recall": {
        "LEAST_BOXES": (20, "chosen: one object more or less is 0.05"),
        "CONTRASTS": ((1.0, 2.0, 4.0, 8.0), "chosen: 130, 342, 237, 351 persons of HIT-UAV val; below 1 they are lost"),
    },
    "model.signed.signature": {
        "MOST_KEY_BYTES": (16_384, "a comment of minisign has at most 8 kB"),
        "MOST_SIGNED_BYTES": (64_000_000, "chosen: the largest, a table of recall, has some 50 kB"),
    },
    "model.comparison": {
        "MARGIN": (0.03, "as edge-export check's FLOAT16.score: tests/export/tensorrt/test_compare.py"),
        "LEAST_IOU": (0.9, "as edge-export check's FLOAT16.iou"),
        "LEAST_BELOW": (0.5, "chosen: a wrong engine gives next to nothing of them"),
        "FEW": (2, "chosen: suppression alone may take as many"),
    },
    "model.golden": {
        "LEAST_IOU": (0.5, "as AP50"),
        "MARGIN": (0.1, "INT8 moves scores of the stored frame by 0.013, TensorRT by 0.0005"),
    },
    "model.tiles_merged": {
        "CUT_PX": (3.0, "chosen: boxes of a model end so near to where a body is cut"),
        "AGREE": (0.5, "chosen: between 0.5 and 0.6, a model takes two boxes for one body itself"),
        "INSIDE": (0.7, "chosen"),
        "LARGE": (0.75, "the margins of both borders leave so much of the overlap"),
    },
    "model.tiling": {
        "OVERLAP": (0.125, "64 px of a model of 640x512: 3 times a person of HIT-UAV (median 19.5 px)"),
        "LEAST_SCALE": (0.9, "1280x1024 in four tiles: 0.936"),
        "MOST_SCALE": (4.0, "chosen: further is a blur"),
        "MOST_OF": (0.9, "chosen: a tile of nearly all gains nothing"),
        "MOST_TILES": (16, "2560x2048 for 640x512"),
    },
    "model.onnx_weights": {"MOST_FIELDS": (5_000_000, "chosen: a second or two; a detector's graph has some 10,000")},
}
