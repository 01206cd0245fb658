"""An engine that was built is compared with ONNX Runtime, and only then put in place, with its passport."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from edge.engine.passport_check import check_passport, other_level, raise_refusals
from edge.engine.readiness import Probe, onnxruntime_need
from edge.errors import EdgeError, EngineError, InputError
from edge.model.bundle import MODEL_JSON, Bundle, sha256
from edge.model.comparison import Comparison
from edge.model.engine_layers import LAYERS, layers_file
from edge.model.passport import ENGINE, PASSPORT, BuildClocks, Passport, Target, graph_sha256
from edge.system.files import reason_of, sync_folder, write_whole
from export.tensorrt.build import BuiltEngine
from export.tensorrt.compare import open_frames
from export.tensorrt.plan import Plan

Compare = Callable[[Bundle], Comparison]  # takes the bundle as it would be with the new engine


def check_comparable(bundle: Bundle, frames: str) -> None:
    """Raises InputError where something is missing to compare an engine of ``bundle`` with ONNX Runtime on ``frames``:
    before minutes are spent on building it.
    """
    missing = [need for need in (*Probe().libraries, onnxruntime_need(bundle)) if not need.met]
    if missing:
        reasons = "; ".join(f"{need.name}: {need.text}" for need in missing)
        commands = "; ".join(dict.fromkeys(command for need in missing for command in need.fix))
        raise InputError(
            f"an engine is compared with ONNX Runtime before it flies, and that cannot be done: {reasons}"
            f"{': run: ' if commands else ''}{commands}"
        )
    with open_frames(frames):
        pass


def write_engine(plan: Plan, built: BuiltEngine, clocks: BuildClocks, compare: Compare) -> Comparison:
    """Have ``compare`` look at the new engine, then put it, its passport and what TensorRT says of its layers in place.

    Until then both lie in a folder of their own, beside which an engine that was there before stays as it is; it stays
    too where this fails.

    Raises EngineError where the new engine is wrong, or the disk is full or fails; no half file, and no engine that was
    not compared, is left then. Raises what ``compare`` raises.
    """
    passport = Passport(
        engine_sha256=hashlib.sha256(built.plan).hexdigest(),
        onnx_sha256=graph_sha256(plan.bundle),
        model_json_sha256=sha256(plan.bundle.path / MODEL_JSON),
        target=plan.target,
        options={
            "strongly_typed": True,
            "tf32": False,
            "workspace_mib": plan.settings.workspace_mib,
            "optimization_level": plan.settings.optimization_level,
        },
        build_seconds=round(built.seconds, 1),
        clocks=clocks,
    )
    engine, layers = plan.bundle.path / ENGINE, plan.bundle.path / LAYERS
    told = layers_file(built.layers, passport.engine_sha256 or "", built.tensorrt)
    try:
        with _staged(plan.bundle, passport) as candidate:
            new = candidate.path / ENGINE
            write_whole(new, built.plan)  # all that needs room on the disk comes before the first change
            if told is not None:
                write_whole(candidate.path / LAYERS, told)
            comparison = compare(candidate)
            _refuse(comparison, "it is not put in place", plan.settings.optimization_level)
            replace(passport, comparison=comparison).write(plan.bundle.path)
            new.replace(engine)
            if told is None:
                layers.unlink(missing_ok=True)  # they were the old engine's
            else:
                (candidate.path / LAYERS).replace(layers)
            sync_folder(plan.bundle.path)
    except OSError as error:
        raise EngineError(
            f"{engine} ({len(built.plan) / 1e6:.0f} MB) could not be written: {reason_of(error)}: make room or "
            "fix the disk and build again"
        ) from None
    return comparison


def compare_again(bundle: Bundle, compare: Compare) -> Comparison:
    """Have ``compare`` look at the engine that is there, and write the result into its passport.

    Raises BundleError where there is no engine with a passport; EngineError where the engine is wrong, which its
    passport says then, or where the passport cannot be written. Raises what ``compare`` raises.
    """
    try:
        passport = Passport.read(bundle.path)
        engine = (bundle.path / ENGINE).resolve(strict=True)
    except (OSError, ValueError):
        raise_refusals(bundle, check_passport(bundle, Target()))
        raise
    try:
        with _staged(bundle, replace(passport, comparison=None)) as candidate:
            (candidate.path / ENGINE).symlink_to(engine)
            comparison = compare(candidate)
        replace(passport, comparison=comparison).write(bundle.path)
    except OSError as error:
        raise EngineError(
            f"{bundle.path / PASSPORT} could not be written: {reason_of(error)}: make room or fix the disk"
        ) from None
    _refuse(comparison, "its passport says so now, and edge run refuses it", passport.options.get("optimization_level"))
    return comparison


@contextmanager
def _staged(bundle: Bundle, passport: Passport) -> Iterator[Bundle]:
    """A folder inside the bundle's for an engine that is not to fly yet: the same bundle, with nothing in it but what
    the engine is opened with. It is gone afterwards; what is raised names the bundle's own folder.
    """
    folder = bundle.path / f"{ENGINE}.new"
    shutil.rmtree(folder, ignore_errors=True)  # of a build that had no time to clear up
    try:
        folder.mkdir()
        (folder / MODEL_JSON).symlink_to(Path("..", MODEL_JSON))
        passport.write(folder)
        yield replace(bundle, path=folder)
    except EdgeError as error:
        raise type(error)(str(error).replace(str(folder), str(bundle.path))) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse(comparison: Comparison, then: str, level: object) -> None:
    """Raises EngineError where the engine must not fly; ``then``: what becomes of it."""
    if comparison.refusals:
        raise EngineError(
            f"the engine gives wrong results: {'; '.join(comparison.refusals)} ({comparison}): {then}: build another "
            f"with --optimization-level {other_level(level)}, and report what happened"
        )
