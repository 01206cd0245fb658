"""Write a bundle: trace, type, check, and put the whole folder in place at once."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import onnx
from torchvision.models.detection import FasterRCNN

from edge.bundle import ONNX_CPU, ONNX_FP16, Bundle, sha256
from edge.files import write_whole
from edge.records import InputError
from edge.thermal.normalise import DEFAULT_8BIT, DEFAULT_16BIT, NormaliseSpec
from export.onnx_graph import float16_graph, float32_graph, trace
from export.static import StaticDetector

Storage = Literal["fp32", "fp16"]


@dataclass(frozen=True)
class Provenance:
    """What a bundle says about where it came from."""

    name: str = ""
    architecture: dict[str, Any] = field(default_factory=dict)
    checkpoint_sha256: str = ""
    data: dict[str, str] = field(default_factory=dict)


def export_bundle(
    model: FasterRCNN,
    out: str | Path,
    classes: Sequence[str],
    height: int = 512,
    width: int = 640,
    *,
    weights: Storage = "fp32",
    score_threshold: float = 0.5,
    normalise_8bit: NormaliseSpec = DEFAULT_8BIT,
    normalise_16bit: NormaliseSpec = DEFAULT_16BIT,
    trained: tuple[float, float] | None = None,
    provenance: Provenance | None = None,
    overwrite: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Bundle:
    """Write the bundle folder ``out`` and return it; the folder appears complete or not at all.

    ``classes``: names, index 0 = first real class. Thresholds, NMS, top-k and sampling are the model's own.
    ``weights``: how ``model.onnx`` stores large weights; it computes in float32 either way.
    ``score_threshold``: below it a detection is not shown. ``trained``: mean and std of the training frames after
    normalising, 0..1; by default the model's own. ``overwrite``: replace a folder that is there.
    ``progress``: told each step.

    Raises InputError where the names do not fit the model, ``out`` is taken, or the model cannot be expressed.
    """
    out = Path(out)
    wanted = model.roi_heads.box_predictor.cls_score.out_features - 1
    if len(classes) != wanted:
        raise InputError(
            f"{len(classes)} class names ({', '.join(classes)}) for a model of {wanted} classes besides the "
            "background: wanted one name each"
        )
    if out.exists() and not overwrite and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} exists already: give another folder, or ask to overwrite it")
    provenance = provenance or Provenance()
    graphs: dict[str, onnx.ModelProto] = {}
    progress("trace for ONNX Runtime")
    static = StaticDetector(model, height, width, "cpu")
    graphs[ONNX_CPU] = float32_graph(trace(static, height, width), weights == "fp16")
    progress("trace for TensorRT")
    graphs[ONNX_FP16] = float16_graph(trace(StaticDetector(model, height, width, "tensorrt"), height, width))
    transform, rpn, roi = model.transform, model.rpn, model.roi_heads
    mean, std = trained or (sum(transform.image_mean) / len(transform.image_mean),
                            sum(transform.image_std) / len(transform.image_std))

    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        folder.chmod(0o755)
        for name, graph in graphs.items():
            progress(f"check and write {name}")
            onnx.checker.check_model(graph, full_check=True)
            write_whole(folder / name, graph.SerializeToString())
        bundle = Bundle(
            path=folder,
            name=provenance.name or out.name,
            architecture=provenance.architecture,
            classes=tuple(classes),
            height=height,
            width=width,
            normalise_8bit=normalise_8bit,
            normalise_16bit=normalise_16bit,
            trained_mean=mean,
            trained_std=std,
            score_threshold=score_threshold,
            graph_score_threshold=roi.score_thresh,
            nms_thresholds={"nms": roi.nms_thresh, "rpn_nms": rpn.nms_thresh},
            max_detections=static.max_detections,
            files={name: sha256(folder / name) for name in graphs},
            checkpoint_sha256=provenance.checkpoint_sha256,
            data=provenance.data,
            tools=_tools(),
        )
        bundle.write_json()
        _put_in_place(folder, out)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Bundle.load(out)


def _put_in_place(folder: Path, out: Path) -> None:
    """Rename ``folder`` to ``out``; what was there is removed last."""
    old: Path | None = None
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        old = Path(tempfile.mkdtemp(prefix=f".{out.name}.old.", dir=out.parent)) / out.name
        out.rename(old)
    folder.rename(out)  # onto nothing or an empty folder
    parent = os.open(out.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
    if old is not None:
        shutil.rmtree(old.parent)


def _tools() -> dict[str, str]:
    versions = {}
    for package in ("torch", "torchvision", "onnx", "thermal-edge"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed as a package"
    return versions
