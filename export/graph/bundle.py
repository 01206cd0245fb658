"""Write a bundle: trace, type, check, and put the whole folder in place at once."""

from __future__ import annotations

import importlib.metadata
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import onnx
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from edge.model.bundle import ONNX_CPU, ONNX_FP16, WEIGHTS, Bundle, sha256
from edge.model.model_json import check_bodies
from edge.model.thresholds import Filter, Thresholds
from edge.system.files import reason_of, sync_folder, write_whole
from edge.thermal.normalise import DEFAULT_8BIT, DEFAULT_16BIT, NormaliseSpec
from export.detector.configuration import Configuration
from export.graph.half_weights import with_half_weights
from export.graph.int8.add import add_int8
from export.graph.int8.calibrate import calibration_frames
from export.graph.onnx_graph import Storage, float16_graph, float32_graph, trace
from export.graph.shared_weights import move_weights, share_weights
from export.graph.stages.roi_align import SAMPLES
from export.graph.static import StaticDetector

# what `export_bundle` announces to its ``progress``, in this order
STEPS = ("trace for ONNX Runtime", "trace for TensorRT", "check and write", "calibrate INT8")


def export_bundle(
    model: FasterRCNN,
    out: str | Path,
    classes: Sequence[str],
    height: int = 512,
    width: int = 640,
    *,
    name: str = "",
    weights: Storage = "fp32",
    samples: int = SAMPLES,
    score_threshold: float = 0.5,
    normalise_8bit: NormaliseSpec = DEFAULT_8BIT,
    normalise_16bit: NormaliseSpec = DEFAULT_16BIT,
    trained: tuple[float, float] | None = None,
    checkpoint_sha256: str = "",
    data: Mapping[str, Any] | None = None,
    assumed: Mapping[str, str] | None = None,
    calibrate: str | None = None,
    score_thresholds: Mapping[str, float] | None = None,
    one_body: Sequence[Sequence[str]] = (),
    overwrite: bool = False,
    progress: Callable[[str], None] = lambda _: None,
    built: Callable[[StaticDetector], None] = lambda _: None,
) -> Bundle:
    """Write the bundle folder ``out`` and return it; the folder appears complete or not at all.

    ``classes``: names, index 0 = first real class. ``height``, ``width``: frame pixels, multiples of 32.
    Thresholds, NMS, top-k and sampling are the model's own. ``name``: of the bundle, by default the folder's.
    ``weights``: how large weights are stored; ``model.onnx`` computes in float32 all the same. "fp32": as they are;
    "fp16": half the room in ``model.onnx``, exact for a checkpoint of float16; "shared": batch norms folded and
    rounded to float16, one file ``model.weights`` for both graphs, a third of the room. ``samples``: see
    `StaticDetector`. ``score_threshold``: below it a detection is not shown; ``score_thresholds``: the same of single
    classes, in its place. ``one_body``: groups of classes that are mistaken for each other, see
    `edge.track.one_body`. ``trained``: mean and std of the
    training frames after normalising, 0..1, by default those the model subtracts and divides by.
    ``checkpoint_sha256``, ``data`` (name, licence, citation, training), ``assumed`` (settings of the detector that
    nobody has said, see `export.detector.assumed`): go into ``model.json``. ``calibrate``: a
    source of frames, on which ``model.int8.onnx`` is calibrated (`export.graph.int8`); None = the bundle has none.
    ``overwrite``: replace a bundle that is there. ``progress``: told each of `STEPS` when it begins, the last only with
    ``calibrate``. ``built``: given the detector of the graph for TensorRT, as `export.graph.flops` takes it.

    Raises InputError where the names do not fit the model, ``out`` is taken or cannot be written, the model cannot be
    expressed, or the frames are too few or of another kind; what `edge.open_camera` raises for frames that cannot be
    read.
    """
    out = Path(out)
    _check_classes(classes, model.roi_heads.box_predictor.cls_score.out_features - 1)
    _check_free(out, overwrite)
    try:
        check_bodies(one_body, classes)
    except ValueError as error:
        raise InputError(str(error)) from None
    if not 0 <= score_threshold <= 1:
        raise InputError(f"score threshold {score_threshold}: expected 0..1")
    asked = Filter(by_class=score_thresholds or {}).lowest(Thresholds.alike(score_threshold, classes)).to_json()
    progress(STEPS[0])
    if weights == "shared":
        model = with_half_weights(model)
    static = StaticDetector(model, height, width, "cpu")
    typed = StaticDetector(model, height, width, "tensorrt", samples=samples)  # refuses before anything is traced
    graphs = {ONNX_CPU: float32_graph(trace(static), "fp16" if weights == "fp16" else "fp32")}
    progress(STEPS[1])
    graphs[ONNX_FP16] = float16_graph(trace(typed))
    built(typed)
    progress(STEPS[2])
    if weights == "shared":
        share_weights(graphs[ONNX_CPU], graphs[ONNX_FP16])
    for graph in graphs.values():
        onnx.checker.check_model(graph, full_check=True)
    configuration = getattr(model, "configuration", None)
    mean, std = trained or (fmean(model.transform.image_mean), fmean(model.transform.image_std))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise InputError(f"{out} cannot be written ({reason_of(error)}): give another folder") from None
    try:
        bundle = Bundle(
            path=folder,
            name=name or out.resolve().name,
            architecture=configuration.to_json() if isinstance(configuration, Configuration) else {},
            classes=tuple(classes),
            height=height,
            width=width,
            normalise_8bit=normalise_8bit,
            normalise_16bit=normalise_16bit,
            trained_mean=mean,
            trained_std=std,
            score_threshold=score_threshold,
            score_thresholds={name: score for name, score in asked.items() if score != score_threshold},
            graph_score_threshold=model.roi_heads.score_thresh,
            nms_thresholds={"nms": model.roi_heads.nms_thresh, "rpn_nms": model.rpn.nms_thresh},
            max_detections=static.max_detections,
            files=_write(folder, graphs, weights == "shared"),
            checkpoint_sha256=checkpoint_sha256,
            data=data or {},
            assumed=assumed or {},
            one_body=tuple(map(tuple, one_body)),
            tools=_tools(),
        )
        bundle.write_json()
        if calibrate is not None:
            progress(STEPS[3])
            bundle = add_int8(bundle, model, calibration_frames(bundle, calibrate))
        folder.chmod(0o755)
        _put_in_place(folder, out)
    except OSError as error:
        raise InputError(
            f"{out} cannot be written ({reason_of(error)}): free some space, or give another folder"
        ) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # there is none where it was renamed
    return replace(bundle, path=out)


def _check_classes(classes: Sequence[str], expected: int) -> None:
    if len(classes) != expected or len(set(classes)) != expected or not all(classes):
        raise InputError(
            f"{len(classes)} class names ({', '.join(classes)}), the model has {expected} classes besides the "
            f"background: expected {expected} different names, the first for torchvision's label 1"
        )


def _check_free(out: Path, overwrite: bool) -> None:
    """An existing folder goes only if it is a bundle and the user said so."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not overwrite:
        raise InputError(f"{out} exists already: give another folder, or say --overwrite")
    if not (out / "model.json").is_file():
        raise InputError(f"{out} is no bundle and will not be overwritten: give another folder, or remove it")


def _write(folder: Path, graphs: Mapping[str, onnx.ModelProto], shared: bool) -> dict[str, str]:
    """Write the graphs, and what they share; the sha256 of each file by its name."""
    weights = {WEIGHTS: move_weights(graphs, WEIGHTS)} if shared else {}
    content = {name: graph.SerializeToString() for name, graph in graphs.items()} | weights
    for name, data in content.items():
        write_whole(folder / name, data)
    return {name: sha256(folder / name) for name in content}


def _put_in_place(folder: Path, out: Path) -> None:
    """Rename ``folder`` to ``out``; what was there is removed last."""
    old: Path | None = None
    if out.exists() and any(out.iterdir()):
        old = Path(tempfile.mkdtemp(prefix=f".{out.name}.old.", dir=out.parent))
        out.rename(old / out.name)
    try:
        folder.rename(out)  # onto nothing, or onto an empty folder
    except OSError:
        if old is not None:
            (old / out.name).rename(out)
        raise
    sync_folder(out.parent)
    if old is not None:
        shutil.rmtree(old)


def _tools() -> dict[str, str]:
    versions = {}
    for package in ("torch", "torchvision", "onnx", "thermal-edge"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "unknown"
    return versions
