"""Any torchvision Faster R-CNN checkpoint, or a bundle -> detector.

What files hold: `export.detector.containers`; which weights in them are the detector's: `export.detector.weight_sets`;
what they say besides: `export.detector.entries`.

What the shapes of a state dict do not tell comes from the architecture's preset, the checkpoint's own ``detector``
entry, and the caller's settings, in this order (`export.detector.from_shapes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from edge.model.bundle import Bundle, sha256
from edge.model.bundled import called
from edge.model.normalisers import Normalisers
from export.detector.build import build_detector
from export.detector.configuration import Configuration
from export.detector.containers import contents
from export.detector.entries import class_count, class_names_in, record_in, settings_in
from export.detector.from_bundle import as_trained, is_bundle, weights_of
from export.detector.from_shapes import Shapes
from export.detector.weight_sets import detector_weights, finite

_CREDIT = ("name", "licence", "citation")


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file, or a bundle's folder, holds: read once, and hashed once.

    ``state``: floating-point weights by torchvision's names; of a bundle as its graphs hold them, see
    `export.detector.from_bundle`. ``settings``: fields of `Configuration` that it says itself. ``classes``: names,
    () where it has none. ``training``: what `edge-export train` says of itself, {} where that is not known.
    ``bundle``: where it is one. ``notes``: lines for the user: what was chosen, what was left out.
    ``counts_batches``: whether its batch norms were torch's, which count what they have seen, and not frozen ones.
    """

    path: Path
    state: Mapping[str, Tensor]
    settings: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    bundle: Bundle | None = None
    notes: tuple[str, ...] = ()
    counts_batches: bool = False

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


def load_detector(path: Path, arch: str | None = None, which: str | None = None, **settings: Any) -> FasterRCNN:
    """`detector_of` what `read_checkpoint` reads: arguments and errors of both."""
    return detector_of(read_checkpoint(path, which), arch, **settings)


def detector_of(checkpoint: Checkpoint, arch: str | None = None, **settings: Any) -> FasterRCNN:
    """The detector of a checkpoint, in evaluation mode.

    It carries its `Configuration` as ``.configuration``, and ``classes``, ``training`` and ``notes`` of the checkpoint
    as ``.class_names``, ``.training_record`` and ``.notes``. ``arch``: preset to start from; None = told by the
    checkpoint. ``settings``: fields of `Configuration` that the caller knows.

    Raises InputError where the weights do not fit; the message names the setting to give.
    """
    path, bundle = checkpoint.path, checkpoint.bundle
    shapes = (
        Shapes.of_configuration(Configuration.from_json(checkpoint.settings))
        if bundle
        else Shapes.of_state(checkpoint.state)
    )
    configuration = shapes.configuration(arch, **{**checkpoint.settings, **settings})
    with _Unfilled():
        model = build_detector(configuration).eval()
    state = as_trained(bundle, checkpoint.state, model, configuration) if bundle else checkpoint.state
    _check_keys(path, model, state)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise InputError(f"checkpoint {path} does not fit {configuration.name}: {lines[-1].strip()}") from None
    model.class_names, model.training_record = checkpoint.classes, dict(checkpoint.training)
    model.notes = checkpoint.notes
    return model


class _Unfilled(TorchFunctionMode):
    """Draws no random weights: all of them are replaced, and drawing them takes longer than reading them."""

    def __torch_function__(
        self, function: Any, types: Any, arguments: tuple[Any, ...] = (), named: dict[str, Any] | None = None
    ) -> Any:
        if getattr(function, "__name__", "") in ("normal_", "uniform_", "kaiming_normal_", "kaiming_uniform_"):
            return arguments[0] if arguments else (named or {})["tensor"]
        return function(*arguments, **named or {})


def normalisers_of(model: object) -> Normalisers:
    """Those that a detector of `detector_of` was trained with; the defaults where its checkpoint does not say.

    Raises BundleError where this build does not know them.
    """
    said = getattr(model, "training_record", {}).get("normalise")
    return Normalisers.from_json(said) if said else Normalisers()


def read_checkpoint(path: Path, which: str | None = None) -> Checkpoint:
    """Read a checkpoint file, or the folder of a bundle, of a bundled model also by name; never runs code from it.

    A file of torch.save or safetensors; the detector's weights may stand anywhere in it, under any prefix. ``which``:
    name of the set of weights, where there are several ("model_ema"); None = the only one that is no average of others.
    What was chosen, left out or ignored is in the ``notes``, lines for the user.

    Raises InputError where there is no file, it is another kind of file, holds more than plain values, would run code
    when unpickled, it is not clear which weights to take, or one is not finite; and where a bundle is broken or holds
    no weights.
    """
    path = called(path)
    if is_bundle(path):
        return _read_bundle(path, which)
    content = contents(path)
    found = detector_weights(path, content, which)
    notes = found.notes
    settings, record = settings_in(path, content, notes), record_in(content, notes)
    names = class_names_in(content, class_count(found.state), notes)
    return Checkpoint(path, found.state, settings, names, record, None, tuple(notes), found.counts_batches)


def _read_bundle(path: Path, which: str | None) -> Checkpoint:
    if which is not None:
        raise InputError(f"{path} is a bundle, which holds one set of weights: leave --weights-of out")
    bundle = Bundle.load(path)
    state = weights_of(bundle)
    for key, value in state.items():
        if not finite(value):
            raise InputError(f"bundle {path}: {key} is not finite: the training diverged, take another")
    normalise = Normalisers(bundle.normalise_8bit, bundle.normalise_16bit).to_json()
    training = {**(bundle.data.get("training") or {}), "normalise": normalise}
    return Checkpoint(path, state, bundle.architecture, bundle.classes, training, bundle)


def _check_keys(path: Path, model: FasterRCNN, state: Mapping[str, Tensor]) -> None:
    expected = set(model.state_dict())
    for what, names in (
        ("lacks", expected - set(state)),
        ("has, besides the detector's parameters,", set(state) - expected),
    ):
        if names:
            shown = ", ".join(sorted(names)[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            raise InputError(
                f"checkpoint {path} {what} {shown}: expected exactly the parameters of the architecture; a detector of "
                "another build is exported by --model package.module:function --weights FILE"
            )
