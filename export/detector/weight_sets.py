"""Which tensors of a checkpoint are the detector's, whatever they are wrapped in and whatever their prefix.

A detector is found by the names that torchvision gives to its parts, wherever they begin: ``model.rpn.head...`` and
``{"checkpoint": {"net": {"module.rpn.head...": ...}}}`` alike. A file may hold several: the weights of the last step
beside their exponential moving average, a student and its teacher. Which one is taken is always said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from edge.errors import InputError
from export.detector.containers import NumpyArray

WRAPPERS = ("model", "state_dict", "model_state_dict", "net", "network", "detector", "weights", "module", "ema")
_PARTS = ("backbone", "rpn", "roi_heads")
_ENDS = (("rpn", "head", "cls_logits", "weight"), ("roi_heads", "box_predictor", "cls_score", "weight"))
# what DataParallel, torch.compile, FSDP and activation checkpoints put into names, at any place
_INSERTED = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
_COUNTERS = ("num_batches_tracked", "n_averaged")  # of no use in evaluation
_TRAINED = {"weight", "bias", "running_mean", "running_var"}
_AVERAGED = re.compile(r"EMA|SWA|(^|[^a-z])(ema|swa|avg)([^a-z]|$)|(?i:^ema|averag|shadow|polyak)")
_JUDGES = re.compile(r"(?i)loss|criter|metric|^(val_|train_|test_)?map$|mean_ap|accuracy")
_TRAINING = re.compile(r"(?i)optim|sched|scaler|loops|rng|random|grad|callbacks|momentum")
_DEEPEST, _MOST = 12, 1 << 30  # dicts in dicts; numbers of one set
_KINDS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

Name = tuple[str, ...]


@dataclass(frozen=True)
class _Place:
    """``path``: names of the dicts around a tensor and the parts of its own. ``depth``: how many of them are dicts."""

    path: Name
    depth: int


@dataclass(frozen=True)
class Weights:
    """``state``: floating-point weights by torchvision's names, float32. ``notes``: lines for the user, what was chosen
    and left out. ``counts_batches``: whether its batch norms counted what they saw, which frozen ones do not.
    """

    state: dict[str, Tensor]
    notes: list[str]
    counts_batches: bool = False


def detector_weights(path: Path, content: Mapping[str, Any], which: str | None) -> Weights:
    """The weights of one detector.

    Where there is no Faster R-CNN in ``content``, the dict that holds the most tensors: a backbone, say.
    ``which``: name of the set, where there are several.

    Raises InputError where there are no weights, there is none of that name or it is not clear which to take, a weight
    is of a kind that is none, or not finite.
    """
    tensors, arrays = _tensors(content)
    sets = _sets(tensors)
    if not sets:
        if which is not None:
            raise InputError(f"checkpoint {path} holds no Faster R-CNN: --weights-of {which} names none")
        return _others(path, tensors, arrays)
    if any(sum(value.numel() for value in found.values()) > _MOST for found in sets.values()):
        raise _too_many(path)
    names = _names(sets)
    chosen, notes = _choose(path, {names[prefix]: found for prefix, found in sets.items()}, which)
    prefix = next(prefix for prefix, name in names.items() if name == chosen)
    found = {place: value for place, value in sets[prefix].items() if not _beside(place, prefix, value)}
    state = _by_torchvisions_names(path, prefix, found)
    counts = any(place.path[-1] == "num_batches_tracked" for place in sets[prefix])
    state = _float32(path, state, notes)
    return Weights(state, [*notes, *_left_out(tensors, sets, prefix)], counts)


def _tensors(content: Mapping[str, Any]) -> tuple[dict[_Place, Tensor], int]:
    """Every tensor that is reached through dicts and lists, in order; how many numpy arrays stand there instead."""
    found: dict[_Place, Tensor] = {}
    arrays, seen = 0, set()
    waiting: list[tuple[Name, Any]] = [((), content)]
    while waiting:
        names, values = waiting.pop()
        if id(values) in seen or len(names) > _DEEPEST:  # one dict under two names is one
            continue
        seen.add(id(values))
        inner: list[tuple[Name, Any]] = []
        for key, value in values.items() if isinstance(values, Mapping) else enumerate(values):
            if isinstance(value, Tensor):
                found[_Place((*names, *_shown(key).split(".")), len(names))] = value
            elif isinstance(value, Mapping | list | tuple):
                inner.append(((*names, _shown(key)), value))
            arrays += isinstance(value, NumpyArray)
        waiting += reversed(inner)
    return found, arrays


def _shown(key: object) -> str:
    """A name that can be printed: a file may hold what moves a terminal's cursor."""
    text = str(key)
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def _sets(tensors: Mapping[_Place, Tensor]) -> dict[Name, dict[_Place, Tensor]]:
    """The tensors of each detector, by what stands before its names."""
    prefixes: dict[Name, None] = {}
    for place in tensors:
        bare = [i for i, part in enumerate(place.path) if part not in _INSERTED]
        for end in _ENDS:
            last = bare[-len(end) :]
            if tuple(place.path[i] for i in last) == end:
                prefixes[place.path[: last[0]]] = None
    by_length = sorted(prefixes, key=len, reverse=True)
    found: dict[Name, dict[_Place, Tensor]] = {prefix: {} for prefix in prefixes}
    for place, value in tensors.items():
        owner = next((p for p in by_length if place.path[: len(p)] == p and _inside(place, p)), None)
        if owner is not None:
            found[owner][place] = value
    whole = {p: s for p, s in found.items() if any("backbone" in place.path for place in s)}
    return whole or found


def _inside(place: _Place, prefix: Name) -> bool:
    """Whether a tensor under ``prefix`` is of the module there, and not of another entry of the file."""
    first = next((part for part in place.path[len(prefix) :] if part not in _INSERTED), "")
    return first in _PARTS or (bool(first) and place.depth <= len(prefix))


def _names(sets: Mapping[Name, object]) -> dict[Name, str]:
    """What a user calls each set: its prefix without what wrappers put into it, where that is enough."""
    bare = {prefix: [p for p in prefix if p not in _INSERTED] for prefix in sets}
    while len(bare) > 1 and all(len(b) > 1 for b in bare.values()) and len({b[0] for b in bare.values()}) == 1:
        bare = {prefix: b[1:] for prefix, b in bare.items()}
    short = {prefix: ".".join(b) for prefix, b in bare.items()}
    clear = len(set(short.values())) == len(short) and all(short.values())
    return short if clear else {prefix: ".".join(prefix) or "top" for prefix in sets}


def _choose(path: Path, sets: Mapping[str, Mapping[_Place, Tensor]], which: str | None) -> tuple[str, list[str]]:
    """Name of the set to take, and a line about it where there are others."""
    listed = ", ".join(sets)
    if which is not None:
        meant = [name for name in sets if name == which] or [name for name in sets if which in name.split(".")]
        if len(meant) != 1:
            what = "several" if meant else "none"
            raise InputError(f"checkpoint {path} holds the weights of {listed}: --weights-of {which} names {what}")
        return meant[0], []
    different: list[str] = []
    for name, found in sets.items():
        if not any(_same(found, sets[other]) for other in different):
            different.append(name)
    last = [name for name in different if not _AVERAGED.search(name)]
    if len(different) > 1 and len(last) != 1:
        raise InputError(
            f"checkpoint {path} holds the weights of {len(different)} detectors ({', '.join(different)}): say which "
            f"with --weights-of, for instance --weights-of {different[0]}"
        )
    chosen = last[0] if last else different[0]
    others = [name for name in different if name != chosen]
    if others:
        return chosen, [
            f"{path.name} holds several sets of weights: {chosen} was taken; {', '.join(others)} was not, "
            f"--weights-of {others[0]} takes it"
        ]
    return chosen, [] if last else [f"the weights of {path.name} are those of {chosen}, an average; it holds no others"]


def _same(a: Mapping[_Place, Tensor], b: Mapping[_Place, Tensor]) -> bool:
    return len(a) == len(b) and all(
        x is y or (x.shape == y.shape and x.dtype == y.dtype and x.layout == y.layout and torch.equal(x, y))
        for x, y in zip(a.values(), b.values(), strict=True)
    )


def _beside(place: _Place, prefix: Name, value: Tensor) -> bool:
    """Whether a tensor that stands among the detector's is none of its weights: counters, losses, metrics."""
    rest = [part for part in place.path[len(prefix) :] if part not in _INSERTED]
    if rest[-1] in _COUNTERS:
        return True
    if rest[0] in _PARTS:
        return False
    return bool(_JUDGES.search(rest[0])) or (not value.is_floating_point() and rest[-1] not in _TRAINED)


def _by_torchvisions_names(path: Path, prefix: Name, found: Mapping[_Place, Tensor]) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for place, value in found.items():
        key = modern(".".join(part for part in place.path[len(prefix) :] if part not in _INSERTED))
        if key in state:
            raise InputError(f"checkpoint {path} holds {key} twice, once as {'.'.join(place.path)}: save it again")
        state[key] = value
    return state


def _left_out(
    tensors: Mapping[_Place, Tensor], sets: Mapping[Name, Mapping[_Place, Tensor]], prefix: Name
) -> list[str]:
    """A line that counts the tensors that no detector has, by where they are."""
    taken = {place for found in sets.values() for place in found}
    counts: dict[str, int] = {}
    for place, value in tensors.items():
        mine = place in sets[prefix] and _beside(place, prefix, value)
        if (place in taken and not mine) or place.path[-1] in _COUNTERS:
            continue
        shared = next((i for i, (a, b) in enumerate(zip(place.path, prefix, strict=False)) if a != b), len(prefix))
        where = place.path[min(shared, len(place.path) - 1)]
        if not any(_TRAINING.search(part) for part in place.path[: shared + 1]):
            counts[where] = counts.get(where, 0) + 1
    if not counts:
        return []
    shown = [f"{n} tensor{'s' * (n > 1)} under {name}" for name, n in list(counts.items())[:5]]
    more = f" and {sum(list(counts.values())[5:])} others" if len(counts) > 5 else ""
    return [f"left out, being none of the detector's: {', '.join(shown)}{more}"]


def _others(path: Path, tensors: Mapping[_Place, Tensor], arrays: int) -> Weights:
    """Where there is no Faster R-CNN: the dict with the most tensors, by its own names; and what to tell the user."""
    dicts: dict[Name, dict[Name, Tensor]] = {}
    for place, value in tensors.items():
        around, bare = place.path[: place.depth], [part for part in place.path[place.depth :] if part not in _INSERTED]
        if bare and bare[-1] not in _COUNTERS and not any(_TRAINING.search(part) for part in around):
            dicts.setdefault(around, {})[tuple(bare)] = value
    if not dicts:
        wrappers = ", ".join(repr(name) for name in WRAPPERS)
        what = f"{arrays} numpy arrays and no tensors" if arrays else "no parameters"
        raise InputError(f"checkpoint {path} holds {what}: expected a state dict, plain or under {wrappers}")
    order = sorted(dicts, key=lambda around: (bool(_AVERAGED.search(".".join(around))), -len(dicts[around])))
    found = dicts[order[0]]
    while len({name[0] for name in found}) == 1 and all(len(name) > 1 for name in found):
        found = {name[1:]: value for name, value in found.items()}
    notes = []
    if len(order) > 1:
        taken, others = (".".join(around) or "top" for around in order[:2])
        notes.append(f"{path.name} holds several sets of weights: {taken} was taken, {others} was not")
    state = {modern(".".join(name)): value for name, value in found.items()}
    return Weights(_float32(path, state, notes), notes)


def _float32(path: Path, state: Mapping[str, Tensor], notes: list[str]) -> dict[str, Tensor]:
    """Checked and converted. Raises InputError for what is no plain, finite, floating-point weight."""
    if sum(value.numel() for value in state.values()) > _MOST:
        raise _too_many(path)
    new = {}
    for key, value in state.items():
        if value.dtype not in _KINDS or value.layout is not torch.strided or value.is_quantized or value.is_meta:
            kind = f"{value.dtype} {value.layout}".replace("torch.", "") + (" without values" if value.is_meta else "")
            raise InputError(f"checkpoint {path}: {key} is {kind}: expected plain floating-point weights")
        new[key] = value.detach().to(torch.float32).contiguous()
        if not finite(new[key]):
            why = "too large for float32" if value.dtype == torch.float64 and finite(value) else "not finite"
            raise InputError(f"checkpoint {path}: {key} is {why}: the training diverged, take another")
    kinds = sorted({str(value.dtype).replace("torch.", "") for value in state.values()} - {"float32"})
    if kinds:
        notes.append(f"weights of {path.name} are stored as {', '.join(kinds)}, and were made float32")
    return new


def finite(value: Tensor) -> bool:
    """Whether no number of a floating-point tensor is NaN or infinite; a NaN is the least and the largest of all."""
    return not value.numel() or bool(torch.isfinite(torch.stack(torch.aminmax(value))).all())


def _too_many(path: Path) -> InputError:
    return InputError(f"checkpoint {path} claims more than {_MOST} weights, which no detector here has")


def modern(key: str) -> str:
    """A parameter's name of torchvision before 0.13 in today's form."""
    key = re.sub(r"^(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$", r"\1.0.\2", key)
    return re.sub(r"^rpn\.head\.conv\.(weight|bias)$", r"rpn.head.conv.0.0.\1", key)
