"""Any torchvision Faster R-CNN checkpoint, or a bundle -> detector.

What the shapes of a state dict do not tell comes from the architecture's preset, the checkpoint's own ``detector``
entry, and the caller's settings, in this order (`export.detector.from_shapes`).
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from edge.model.bundle import Bundle, sha256
from edge.model.normalisers import Normalisers
from edge.system.files import reason_of
from export.detector.build import build_detector
from export.detector.configuration import Configuration
from export.detector.from_bundle import as_trained, is_bundle, weights_of
from export.detector.from_shapes import Shapes

WRAPPERS = ("model", "state_dict", "model_state_dict")
CONFIGURATION = "detector"
RECORD = "training"  # what the training command says about itself
_COUNTER = "num_batches_tracked"  # of no use in evaluation
_CREDIT = ("name", "licence", "citation")


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file, or a bundle's folder, holds: read once, and hashed once.

    ``state``: floating-point weights by torchvision's names; of a bundle as its graphs hold them, see
    `export.detector.from_bundle`. ``settings``: fields of `Configuration` that it says itself. ``classes``: names,
    () where it has none. ``training``: what `edge-export train` says of itself, {} where that is not known.
    ``bundle``: where it is one.
    """

    path: Path
    state: Mapping[str, Tensor]
    settings: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    bundle: Bundle | None = None

    def sha256(self) -> str:
        """Hex sha256 of the file; of a bundle that of the checkpoint it was exported from."""
        return self.bundle.checkpoint_sha256 if self.bundle else sha256(self.path)

    def origin(self) -> dict[str, Any]:
        """Whose weights these are, for ``model.json`` of what is trained from them: name, ``checkpoint_sha256``, the
        credit of the data where it is a bundle, and where its own training started, however far that goes back.
        """
        found: dict[str, Any] = {
            "name": self.bundle.name if self.bundle else self.path.name,
            "checkpoint_sha256": self.sha256(),
        }
        if self.bundle:
            found["data"] = {key: self.bundle.data[key] for key in _CREDIT if key in self.bundle.data}
        before = self.training.get("start")
        return found | ({"start": before} if before else {})


def load_detector(path: Path, arch: str | None = None, **settings: Any) -> FasterRCNN:
    """`detector_of` what `read_checkpoint` reads: arguments and errors of both."""
    return detector_of(read_checkpoint(path), arch, **settings)


def detector_of(checkpoint: Checkpoint, arch: str | None = None, **settings: Any) -> FasterRCNN:
    """The detector of a checkpoint, in evaluation mode.

    It carries its `Configuration` as ``.configuration``, and ``classes`` and ``training`` of the checkpoint as
    ``.class_names`` and ``.training_record``. ``arch``: preset to start from; None = told by the checkpoint.
    ``settings``: fields of `Configuration` that the caller knows.

    Raises InputError where the weights do not fit; the message names the setting to give.
    """
    path, bundle = checkpoint.path, checkpoint.bundle
    shapes = (
        Shapes.of_configuration(Configuration.from_json(checkpoint.settings))
        if bundle
        else Shapes.of_state(checkpoint.state)
    )
    configuration = shapes.configuration(arch, **{**checkpoint.settings, **settings})
    model = build_detector(configuration).eval()
    state = as_trained(bundle, checkpoint.state, model, configuration) if bundle else checkpoint.state
    _check_keys(path, model, state)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise InputError(f"checkpoint {path} does not fit {configuration.name}: {lines[-1].strip()}") from None
    model.class_names, model.training_record = checkpoint.classes, dict(checkpoint.training)
    return model


def normalisers_of(model: object) -> Normalisers:
    """Those that a detector of `detector_of` was trained with; the defaults where its checkpoint does not say.

    Raises BundleError where this build does not know them.
    """
    said = getattr(model, "training_record", {}).get("normalise")
    return Normalisers.from_json(said) if said else Normalisers()


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint file, or the folder of a bundle; never runs code from it.

    The state dict may be wrapped, under one of `WRAPPERS`.

    Raises InputError where there is no file, it is none of torch's, holds more than plain values, would run code when
    unpickled, or a weight is not finite; and where a bundle is broken or holds no weights.
    """
    if is_bundle(path):
        bundle = Bundle.load(path)
        state = weights_of(bundle)
        _check_weights(path, state)
        normalise = Normalisers(bundle.normalise_8bit, bundle.normalise_16bit).to_json()
        training = {**(bundle.data.get("training") or {}), "normalise": normalise}
        return Checkpoint(path, state, bundle.architecture, bundle.classes, training, bundle)
    content = _unpickled(path)
    settings, names, record = content.get(CONFIGURATION, {}), content.get("classes", ()), content.get(RECORD)
    wrapped = next((content[name] for name in WRAPPERS if isinstance(content.get(name), dict)), content)
    state = {
        _modern(str(key)): value
        for key, value in wrapped.items()
        if isinstance(value, Tensor) and not str(key).endswith(_COUNTER)
    }
    if not state or not isinstance(settings, dict):
        wrappers = ", ".join(repr(name) for name in WRAPPERS)
        raise InputError(f"checkpoint {path} holds no parameters: expected a state dict, plain or under {wrappers}")
    _check_weights(path, state)
    return Checkpoint(
        path,
        state,
        settings,
        tuple(map(str, names)) if isinstance(names, list | tuple) else (),
        record if isinstance(record, dict) else {},  # other trainers keep a flag under this name
    )


def _unpickled(path: Path) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong becomes an error of ours
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"checkpoint {path}: {reason_of(error)}: expected a file of torch.save") from None
    except pickle.UnpicklingError as error:
        code = re.search(r"GLOBAL ([\w.]+)", str(error))
        if code is None:
            raise InputError(f"checkpoint {path} is none of torch's: expected a file of torch.save") from None
        raise InputError(
            f"checkpoint {path} holds more than tensors and would run code when loaded ({code[1]}): expected a "
            "state dict; save it again with torch.save(model.state_dict(), ...)"
        ) from None
    except Exception as error:  # a broken archive raises half a dozen different classes
        what = str(error).split(". ")[0] if isinstance(error, RuntimeError) else type(error).__name__
        raise InputError(
            f"checkpoint {path} is broken or none of torch's ({what}): expected a file of torch.save"
        ) from None
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise InputError(f"checkpoint {path} holds a {kind}: expected a state dict, or a dict with one")
    return content


def _check_weights(path: Path, state: Mapping[str, Tensor]) -> None:
    for key, value in state.items():
        if not value.is_floating_point() or value.layout is not torch.strided:
            kind = f"{value.dtype} {value.layout}".replace("torch.", "")
            raise InputError(f"checkpoint {path}: {key} is {kind}: expected plain floating-point weights")
        if not torch.isfinite(value).all():
            raise InputError(f"checkpoint {path}: {key} is not finite: the training diverged, take another")


def _modern(key: str) -> str:
    """Parameter names of torchvision before 0.13, and of DataParallel, in today's form."""
    key = key.removeprefix("module.")
    key = re.sub(r"^(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$", r"\1.0.\2", key)
    return re.sub(r"^rpn\.head\.conv\.(weight|bias)$", r"rpn.head.conv.0.0.\1", key)


def _check_keys(path: Path, model: FasterRCNN, state: Mapping[str, Tensor]) -> None:
    expected = set(model.state_dict())
    for what, names in (
        ("lacks", expected - set(state)),
        ("has, besides the detector's parameters,", set(state) - expected),
    ):
        if names:
            shown = ", ".join(sorted(names)[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            raise InputError(f"checkpoint {path} {what} {shown}: expected exactly the parameters of the architecture")
