"""The user's own model, made by the user's own code: ``package.module:function`` -> detector.

Nothing is assumed then: sizes, sampling, epsilons and thresholds are those of the object that the function returns.
The module is imported and the function called as ``python -m`` would do it; it may do whatever its author wrote.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from export.detector.checkpoint import read_checkpoint

EXPECTED = "package.module:function, which returns a torchvision FasterRCNN"
_COUNTER = "num_batches_tracked"  # of no use in evaluation


def detector_from_factory(spec: str, weights: Path | None = None, which: str | None = None) -> FasterRCNN:
    """What the function of ``spec`` returns when it is called without arguments, on the CPU, float32, evaluation mode.

    ``spec``: ``package.module:function``, or ``package.module:object`` for a model that the module holds already; the
    current folder is looked in first. ``weights``: a checkpoint that is loaded into it, every parameter and no other.
    ``which``: as `read_checkpoint` takes it.

    It carries ``.class_names`` (of the checkpoint, () where it has none), ``.training_record`` and ``.notes`` (lines
    for the user: what of the checkpoint was chosen and left out).

    Raises InputError where there is no such module or function, its code fails (told with file and line), it needs
    arguments, what it returns is no Faster R-CNN, or the weights do not fit.
    """
    model = _made(spec)
    if model.roi_heads.has_mask() or model.roi_heads.has_keypoint():
        part = "mask" if model.roi_heads.has_mask() else "keypoint"
        raise InputError(f"--model {spec} has a {part} head, which the graph cannot carry: expected boxes only")
    model = model.cpu().float().eval()
    names, record, notes = getattr(model, "class_names", ()), dict[str, Any](), tuple[str, ...]()
    if weights is not None:
        checkpoint = read_checkpoint(weights, which)
        _load(model, spec, weights, checkpoint.state)
        names, record, notes = checkpoint.classes or names, dict(checkpoint.training), checkpoint.notes
    model.class_names, model.training_record, model.notes = tuple(names), record, notes
    return model


def _made(spec: str) -> FasterRCNN:
    where, _, name = spec.partition(":")
    if where.endswith(".py") or "/" in where:
        dotted = where.removesuffix(".py").strip("./").replace("/", ".")
        raise InputError(f"--model {spec} names a file: expected its module, as {dotted}:{name or 'function'}")
    if not re.fullmatch(r"\w+(\.\w+)*:\w+(\.\w+)*", spec):
        raise InputError(f"--model {spec}: expected {EXPECTED}")
    with _current_folder_first():
        thing = _imported(spec, where)
        for part in name.split("."):
            if not hasattr(thing, part):
                raise InputError(f"--model {spec}: {where} has no {name}{_candidates(thing)}: expected {EXPECTED}")
            thing = getattr(thing, part)
        if not isinstance(thing, nn.Module):
            thing = _called(spec, thing)
    if isinstance(thing, FasterRCNN):
        return thing
    raise InputError(
        f"--model {spec} gives a {type(thing).__name__}{_inside(thing)}: expected a torchvision FasterRCNN"
    )


def _imported(spec: str, where: str) -> Any:
    importlib.invalidate_caches()
    try:
        return importlib.import_module(where)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a script without a main guard may also exit
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and (where == missing or where.startswith(f"{missing}.")):
            raise InputError(
                f"--model {spec}: there is no module {missing} in {Path.cwd()} or in this Python environment: "
                f"expected {EXPECTED}; run the command in the folder from which python -m {where} would work"
            ) from None
        raise InputError(f"--model {spec}: importing {where} failed, {_last_of(error)}") from None


def _called(spec: str, function: Any) -> Any:
    if not callable(function):
        raise InputError(f"--model {spec} is a {type(function).__name__}: expected {EXPECTED}")
    try:
        inspect.signature(function).bind()
    except TypeError:
        needed = ", ".join(
            p.name
            for p in inspect.signature(function).parameters.values()
            if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        )
        raise InputError(
            f"--model {spec} needs arguments ({needed}): expected a function without any; write one that calls it as "
            "your training does"
        ) from None
    except ValueError:  # written in C: no signature to look at
        pass
    try:
        return function()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise InputError(f"--model {spec} failed, {_last_of(error)}") from None


def _load(model: FasterRCNN, spec: str, weights: Path, state: Any) -> None:
    expected = {key for key in model.state_dict() if not key.endswith(_COUNTER)}
    for what, keys in (("lack", expected - set(state)), ("hold, besides its parameters,", set(state) - expected)):
        if keys:
            shown = ", ".join(sorted(keys)[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
            raise InputError(
                f"the weights of {weights} {what} {shown}: expected exactly the parameters of the model of {spec}"
            )
    try:
        model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise InputError(
            f"the weights of {weights} do not fit the model of {spec}: {str(error).splitlines()[-1].strip()}"
        ) from None


@contextmanager
def _current_folder_first() -> Iterator[None]:
    """As ``python -m`` looks for modules; afterwards our own imports are not looked for there."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        if here in sys.path:
            sys.path.remove(here)


def _last_of(error: BaseException) -> str:
    """What was raised and where, one line: the last line of the user's own files, or else of the library's."""
    machinery = (__file__, importlib.__path__[0], "<frozen")
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(machinery)]
    own = [f for f in frames if Path.cwd() in Path(f.filename).parents] or frames
    said = " ".join(str(error).split())
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    if isinstance(error, SyntaxError):
        return f"{error.filename}, line {error.lineno}: {type(error).__name__}: {error.msg}"
    return f"{own[-1].filename}, line {own[-1].lineno}: {what}" if own else what


def _candidates(module: Any) -> str:
    """What the module itself defines that could have been meant."""
    here = getattr(module, "__name__", "")
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == here and callable(value)]
    return f" (it has {', '.join(own[:5])})" if own else ""


def _inside(thing: Any) -> str:
    """Where in a wrapper the detector is, for the message."""
    if isinstance(thing, nn.Module):
        for name, module in thing.named_modules():
            if isinstance(module, FasterRCNN):
                return f", whose .{name} is one: return that"
    return ""
