"""Sizes, rates and thresholds of `export`: each value with where it comes from; and what its functions take.

Here stands what no cheap test can show by what happens; the others are shown where they act. A value that changes
changes here too, with its new reason; "chosen" says that nothing was measured for it.
"""

from __future__ import annotations

import dataclasses
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import export
from export.detector.configuration import PRESETS
from export.training.augment import Augmentation
from export.training.settings import TrainSettings
from tests.support.signatures import signature

INF = float("inf")
MIB = 1024 * 1024

# module: {name: (value, where it comes from)}
LIMITS: dict[str, dict[str, tuple[Any, str]]] = {
    "commands.signing.secret_key": {"MOST_MEMORY": (2**31, "bytes; minisign -G takes half of it")},
    "commands.check": {"FRAMES": (20, "its help says 20")},
    "commands.train_start": {
        "MOST_SEED": (9 * 10**12, "times 1,000,003, as the loop takes it, it is below 2**63, PyTorch's most"),
        "MOST_AT_ONCE": (1024, "chosen: more than any machine has cores; PyTorch dies of 100,000 threads"),
    },
    "data.assist.choose": {
        "RANDOM": (0.2, "docs/labels.md says a fifth"),
        "ROUNDS": (12, "chosen: the distance in time is then a 4096th of the first"),
        "FEW": (2.0, "even shares; docs/labels.md says twice"),
    },
    "data.assist.corrected": {"SAME_PX": (0.05, "CVAT rounds x, y, width and height to 0.01 px each")},
    "data.assist.links": {"REACH": (2.0, "sides of a box; chosen")},
    "data.assist.proposals": {
        "AGREE": (0.5, "longer sides; of 0.5, 1 and 1.5 the one with fewest wrong boxes on a real clip"),
        "SAME": (0.5, "as the PASCAL VOC rule"),
        "INSIDE": (0.5, "as edge demo counts"),
    },
    "data.assist.write": {"ID_BYTES": (6, "below 2**53, which every JSON reader holds exactly")},
    "data.boxes": {"FEW": (3, "chosen: fewer boxes outside may be mistakes"), "SURE": (0.25, "of the boxes")},
    "data.clean": {"NEAR": (3, "bits of 64; chosen"), "CONTRAST": (12.0, "grey levels; chosen")},
    "data.report": {"SHOWN": (12, "pictures of a kind in the report; chosen")},
    "data.runs": {"GAP": (30, "its help says 30"), "SHOWN": (12, "flights in a list; chosen")},
    "data.simulate": {
        "FRAMES_A_FLIGHT": (8, "chosen: of one ground, seconds apart"),
        "LEAST_VISIBLE": (0.5, "as edge demo counts"),
    },
    "data.text_file": {"MOST_BYTES": (1 << 30, "COCO's own largest label file has 470 MB")},
    "data.voc": {
        "ZERO": ((0.0, 0.0, 0.0, 0.0), "edges are edges"),
        "ONE": ((-1.0, -1.0, 0.0, 0.0), "VOC counts pixels from 1, the last one inside"),
        "BOTH": ((-1.0, -1.0, -1.0, -1.0), "edges that count from 1"),
    },
    "data.yolo.labels": {"PIXELS": (2.0, "a part of the picture is 1 at most, and a little more over the edge")},
    "data.yolo.names": {
        "MOST_YAML": (131072, "characters; chosen"),
        "MOST_DEEP": (50, "a data set's file has three"),
    },
    "detector.assumed": {
        "_EPS": (1e-5, "torchvision's batch norm"),
        "_SEEN": (1e-4, "of the largest channel: above float32 rounding"),
    },
    "detector.configuration": {
        "MOST_SAMPLES": (16, "its help says 1..16"),
        "DEPTHS": ((18, 34, 50, 101, 152), "He et al. 2016, table 1"),
        "IMAGENET_MEAN": ((0.485, 0.456, 0.406), "torchvision's GeneralizedRCNNTransform"),
        "IMAGENET_STD": ((0.229, 0.224, 0.225), "torchvision's GeneralizedRCNNTransform"),
    },
    "detector.containers": {
        "MOST_BYTES": (8 << 30, "the largest detector with its optimiser has less than 2 GB"),
        "_MOST_PICKLE": (64 * MIB, "chosen"),
    },
    "detector.entries": {"_MOST": (10_000, "values in an entry; chosen")},
    "detector.weight_sets": {"_DEEPEST": (12, "dicts in dicts; chosen"), "_MOST": (1 << 30, "numbers; chosen")},
    "evaluate.conditions": {"MOST": (12, "values of a column; chosen: more are no table")},
    "evaluate.confusion": {"IOU": (0.5, "as AP50")},
    "evaluate.evaluate": {
        "PAPER_SIZES": (
            {"small": (0.0, 187.0), "medium": (187.0 + 2**-45, 408.0), "large": (408.0 + 2**-44, INF)},
            "px^2, Lyu et al. 2024, doi 10.1016/j.ecoinf.2023.102383; the next float64, so that no box is of two sizes",
        ),
        "COCO_SIZES": (
            {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, INF)},
            "px^2, cocodataset.org, detection-eval; closed at both ends, as COCOeval's areaRng",
        ),
        "FALSE_PER_FRAME": (0.1, "chosen: one false alarm in ten frames"),
    },
    "evaluate.hard_examples": {"NEARLY": (0.5, "of the threshold; chosen")},
    "evaluate.resampling": {
        "LEVEL": (0.95, "docs/output.md says it"),
        "RESAMPLES": (1000, "docs/output.md says it"),
        "SEED": (1, "chosen; stated in the JSON"),
        "FEWEST": (5, "flights; chosen: fewer give too few different draws"),
        "_AT_ONCE": (1 << 22, "numbers in memory, 32 MB; chosen"),
    },
    "evaluate.trained_on": {"KEY": (5, "bytes: 1e8 pairs of pictures, 1e-4 of them equal by chance")},
    "evaluate.pictures": {
        "FOUND": ((80, 220, 80), "BGR: green"),
        "MISSED": ((60, 60, 255), "BGR: red"),
        "FALSE": ((0, 200, 255), "BGR: yellow"),
        "COLUMNS": (3, "chosen"),
        "TILE": ((480, 384), "width, height: 5 to 4, as 640x512"),
    },
    "graph.folding": {"LARGEST": (65536, "elements; chosen: larger tables are cheaper to compute when loaded")},
    "graph.half_weights": {"_CHANGE": (1e-3, "of the largest feature: far above float32 rounding, 1e-6")},
    "graph.int8.calibrate": {
        "FRAMES": (32, "chosen; stated in docs/speed.md"),
        "FEWEST": (24, "chosen: as many as the first measurement took"),
        "_LEAST_CONTRAST": (0.1, "of the training frames' deviation; chosen: grey frames have 0"),
    },
    "graph.int8.layers": {
        "_FEW_CHANNELS": (3, "of a picture"),
        "_FEW_WEIGHTS": (1 << 20, "chosen: fc7 of 1024 x 1024 is an eighth of fc6 and less"),
    },
    "graph.int8.ranges": {
        "LEVELS": (255, "steps of uint8"),
        "_BINS": (8192, "chosen: 16 for each of 256 numbers of one sign"),
        "_MANTISSA": (256, "chosen: a scale at most 0.4 % above the best"),
    },
    "graph.int8.rewrite": {
        "WEIGHT_BITS": (7, "ONNX Runtime's reduce_range, for AVX2 and AVX-512 without VNNI"),
        "_MOST_WEIGHT": (64, "2 * 255 * 64 = 32640 fits 16 bits, 2 * 255 * 65 does not"),
        "_MOST_BIAS": (2.0**30, "half of int32"),
    },
    "graph.onnx_graph": {"OPSET": (17, "IR 8: TensorRT 8.5 .. 11, ONNX Runtime 1.18 ..")},
    "graph.precision": {"OVERFLOW": (65520.0, "IEEE 754 binary16: half a step above 65504, its largest number")},
    "graph.shared_weights": {"LARGE": (16384, "elements; chosen"), "_PAGE": (4096, "bytes of a page of memory")},
    "graph.stages.nms": {"ROUNDS": (20, "chosen: the graph says converged = false where they did not do")},
    "graph.stages.postprocess": {
        "CANDIDATES": (1000, "chosen: as many as proposals"),
        "_MIN_SIDE": (1e-2, "px, torchvision's box_ops.remove_small_boxes in RoIHeads"),
    },
    "graph.stages.roi_align": {"SAMPLES": (2, "README: exact up to 64 px high; --roi-samples 4 doubles that")},
    "graph.stages.top": {"GAIN": (2, "chosen: two steps order half as much or less")},
    "graph.stages.winograd": {
        "CHANNELS": (128, "fewest for which it is faster: benchmarks/speed/graph.py"),
        "TILES": (64, "fewest for which it is faster: benchmarks/speed/graph.py"),
    },
    "graph.supported": {
        "STRIDE": (32, "the deepest level of a ResNet"),
        "LARGEST": ((1024, 1280), "rows, columns: the largest thermal sensor, the H30T's"),
        "TOPK_LIMIT": (3840, "NvInfer.h, TensorRT 8.5 .. 11.1"),
    },
    "graph.trt_operators": {"OPSET_LIMIT": (20, "TensorRT's operators.md"), "VOLUME_LIMIT": (2147483647, "int32")},
    "parity.causes": {
        "_CLOSE": (0.5, "IoU; as a detection counts"),
        "_MOST_FACTORS": (200, "chosen: a second"),
        "_MOST_FRAMES": (10, "chosen: a second"),
    },
    "parity.pairs": {"SIZE_LIMITS": ((187.0, 408.0), "px^2, as PAPER_SIZES")},
    "parity.reference": {"MOST_BYTES": (64 * MIB, "of the file; chosen"), "_MANY": (100_000, "detections; chosen")},
    "tensorrt.build_log": {"MOST_QUOTED": (200, "characters of a message; chosen")},
    "tensorrt.compare": {
        "FRAMES": (8, "chosen: simulated ones of the bundled model hold about a hundred objects"),
        "TRIED": (24, "chosen: three times as many"),
        "LEAST_OVERLAP": (0.5, "as the PASCAL VOC rule"),
        "TIE": (0.05, "chosen: far beyond the rounding of an IoU"),
    },
    "tensorrt.plan": {
        "WORKSPACE_MOST_MIB": (2048, "chosen: on a Jetson the CPU needs the same memory"),
        "WORKSPACE_LEAST_MIB": (128, "chosen"),
    },
    "tensorrt.process": {"_GRACE_S": (5.0, "chosen: until a cancelled build is killed")},
    "training.curves": {
        "WIDTH": (900, "px of a curve; chosen"),
        "HEIGHT": (180, "px of a curve; chosen"),
        "MARGIN": (34, "px; chosen"),
    },
    "training.loop": {"LOG_EVERY": (10, "steps; chosen"), "WARM_UP": (0.03, "of the run; chosen")},
    "training.teacher": {
        "TEMPERATURE": (2.0, "of the softened probabilities; chosen, Hinton et al. 2015 tried 1 to 20"),
        "SAME_FACTOR": (0.01, "chosen: rounding of sizes"),
        "STEP": (64, "px; the coarsest level of the deepest pyramid"),
    },
    "training.prepare": {
        "PROPOSALS": ((500, 300), "before and after suppression; torchvision's are 2000 and 2000"),
        "SAMPLES": (128, "of the proposals; torchvision's are 512"),
    },
}  # fmt: skip


def test_each_is_what_its_reason_says() -> None:
    wrong = [
        f"{module}.{name} is {found!r}, and not {value!r}: {why}"
        for module, names in LIMITS.items()
        for name, (value, why) in names.items()
        if (found := getattr(import_module(f"export.{module}"), name)) != value
    ]
    assert wrong == []


def test_tolerances_of_the_gate() -> None:
    """docs/parity.md has them; another program's rounding is wider than float32's, float16's is the widest."""
    compare, reference = import_module("export.parity.compare"), import_module("export.parity.reference")
    found = [dataclasses.astuple(t) for t in (compare.FLOAT32, reference.OTHER_PROGRAM, compare.FLOAT16)]
    assert found == [(0.99, 1e-3, 0.005), (0.95, 0.02, 0.01), (0.9, 0.03, 0.01)]
    names = [field.name for field in dataclasses.fields(compare.FLOAT32)]
    assert names == ["iou", "score", "unpaired"]


def test_coco_s_thresholds() -> None:
    """cocodataset.org, detection-eval: IoU 0.50 to 0.95 in steps of 0.05, recall 0 to 1 in steps of 0.01."""
    ap = import_module("edge.measure.average_precision")
    assert ap.IOUS.tolist() == pytest.approx([0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95])
    assert len(ap.RECALLS) == 101
    assert np.diff(ap.RECALLS) == pytest.approx(np.full(100, 0.01))
    assert (ap.RECALLS[0], ap.RECALLS[-1]) == (0.0, 1.0)


def test_a_training_s_defaults() -> None:
    """A change here trains other models with the same command."""
    settings = dataclasses.asdict(TrainSettings())
    augmentation = settings.pop("augmentation")
    assert settings == {
        "steps": 2000,
        "minutes": 0.0,
        "batch": 4,
        "learning_rate": 0.0001,
        "weight_decay": 0.0001,
        "clip_norm": 5.0,
        "ema": 0.99,
        "sampling_weights": (),
        "seed": 1,
        "frozen": ("backbone.body.conv1", "backbone.body.layer1"),
        "save_minutes": 4.0,
        "normalise_8bit": "identity",
        "normalise_16bit": "anchored:below=3.0,above=6.0,above_kelvin=10.0,above_unscaled=9.0,min_mad_kelvin=0.7,"
        "max_kelvin=60.0,min_mad_counts=8.0,weight=0.125",
    }
    assert (
        augmentation
        == dataclasses.asdict(Augmentation())
        == {
            "crop": 320,
            "scale": (0.8, 1.3),
            "hflip": 0.5,
            "vflip": 0.0,
            "quarter_turns": 0.0,
            "mosaic": 0.2,
            "background": 0.15,
            "hard_examples": 0.4,
            "window": 0.2,
            "gain": (0.85, 1.2),
            "offset": (-10.0, 10.0),
            "gamma": (0.93, 1.07),
            "noise": (0.0, 1.5),
            "blur": (0.0, 0.4),
            "min_visible": 0.4,
        }
    )


# what the published code of Lyu et al. 2024 has, by default also this package
REFERENCE = {
    "channels": 256, "rpn_convs": 1, "head_convs": 0, "representation_size": 1024,
    "anchor_sizes": ((4, 8, 16, 32, 64),), "aspect_ratios": ((0.5, 1.0, 2.0),), "roi_size": (8, 10),
    "sampling_ratio": -1, "canonical_scale": 640, "canonical_level": 4, "norm_eps": 1e-5, "min_size": 512,
    "max_size": 640, "size_divisible": 32, "rpn_pre_nms_top_n_test": 1000, "rpn_post_nms_top_n_test": 1000,
    "rpn_nms_thresh": 0.7, "rpn_score_thresh": 0.0, "box_nms_thresh": 0.5, "box_score_thresh": 0.05,
    "box_detections_per_img": 100, "bbox_reg_weights": (10.0, 10.0, 5.0, 5.0), "conv1_stride": 2, "classes": 1,
}  # fmt: skip
# what torchvision's builders have instead: torchvision/models/detection/faster_rcnn.py
STOCK = {
    "anchor_sizes": ((32,), (64,), (128,), (256,), (512,)), "roi_size": (7, 7), "sampling_ratio": 2,
    "canonical_scale": 224, "min_size": 800, "max_size": 1333,
}  # fmt: skip
MOBILE = {**STOCK, "anchor_sizes": ((32, 64, 128, 256, 512),), "rpn_score_thresh": 0.05}


@pytest.mark.parametrize(
    ("preset", "others"),
    [
        ("frc_resnet18_fpn", {}),
        ("frc_resnet152_fpn", {}),
        ("fasterrcnn_resnet50_fpn", STOCK),
        ("fasterrcnn_resnet50_fpn_v2", {**STOCK, "rpn_convs": 2, "head_convs": 4}),
        ("fasterrcnn_mobilenet_v3_large_fpn", MOBILE),
        (
            "fasterrcnn_mobilenet_v3_large_320_fpn",
            {**MOBILE, "min_size": 320, "max_size": 640, "rpn_pre_nms_top_n_test": 150, "rpn_post_nms_top_n_test": 150},
        ),
    ],
)
def test_every_setting_of_a_preset(preset: str, others: dict[str, Any]) -> None:
    assert {name: getattr(PRESETS[preset], name) for name in REFERENCE} == {**REFERENCE, **others}


def test_public_functions_take_what_they_took() -> None:
    assert signature(export.StaticDetector) == "model, height, width, target='tensorrt', rounds=20, samples=2"
    assert signature(export.frc_resnet_fpn) == "depth, classes, pyramid='conv1', **reference_overrides"
    told = signature(export.export_bundle)
    assert told.startswith(
        "model, out, classes, height=512, width=640, *, name='', weights='fp32', samples=2, score_threshold=0.5, "
        "normalise_8bit=NormaliseSpec(method='identity', "
    )
    assert told.endswith(
        ", trained=None, checkpoint_sha256='', data=None, assumed=None, calibrate=None, "
        "score_thresholds=None, one_body=(), overwrite=False, progress=..., built=..."
    )
