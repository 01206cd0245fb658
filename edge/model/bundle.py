"""Bundle: a model folder and its contract, ``model.json``, checked before anything is run.

models/deer/
    model.json          what the model is, how its pixels are made, the sha256 of every file
    model.onnx          for ONNX Runtime
    model.fp16.onnx     typed for TensorRT
    model.int8.onnx     in INT8, for ONNX Runtime on a processor that multiplies bytes (optional)
    model.weights       the weights of all, where they share them (optional)
    model.engine, model.engine.json     built on the board, with its passport (optional)
    model.json.minisig  who signed it (optional), see `edge.model.signed.signature`
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from edge.errors import BundleError
from edge.model.bundled import called, instead_of
from edge.model.model_json import FORMAT, ModelJson
from edge.model.onnx_weights import weight_files
from edge.model.signed.signature import NotSigned, PublicKey, signed_bytes, signer
from edge.model.thresholds import Thresholds
from edge.system.declared import MOST_JSON, declared, json_file, read_json
from edge.system.files import read_limited, reason_of, write_whole
from edge.thermal.normalise import NormaliseSpec

MODEL_JSON = "model.json"
ONNX_CPU = "model.onnx"
ONNX_FP16 = "model.fp16.onnx"
ONNX_INT8 = "model.int8.onnx"
WEIGHTS = "model.weights"


@dataclass(frozen=True)
class Bundle:
    """A checked model folder.

    ``classes``: names, index 0 = first real class = label 0. ``height``, ``width``: model input pixels.
    ``normalise_8bit``, ``normalise_16bit``: how sensor frames become the uint8 input. ``trained_mean``,
    ``trained_std``: of the training frames after normalising, 0..1 grey levels.
    ``score_threshold``: below it a detection is not shown, but for classes that have a score of their own in
    ``score_thresholds``; ``graph_score_threshold``: below it the graph itself drops it. ``max_detections``: K, the rows
    of the graph's outputs. ``files``: sha256 by file name. ``data``: training data, licence and citation. ``tools``:
    versions. ``assumed``: settings of the detector that its checkpoint did not tell and nobody said, by name.
    ``int8``: on how many frames, and how, ``model.int8.onnx`` was made; {} where there is none. ``score_chosen``: by
    which figure and on which frames these scores were chosen; {} where not. ``one_body``: see `edge.track.one_body`.
    ``signer``: id of the key that ``model.json``'s signature names, "" = it is not signed; a name, until somebody
    checks it. ``trusted``: the key that it was checked with and found good; None: nobody asked for that.
    """

    path: Path
    name: str
    architecture: Mapping[str, Any]
    classes: tuple[str, ...]
    height: int
    width: int
    normalise_8bit: NormaliseSpec
    normalise_16bit: NormaliseSpec
    trained_mean: float
    trained_std: float
    score_threshold: float
    graph_score_threshold: float
    max_detections: int
    files: Mapping[str, str]
    checkpoint_sha256: str = ""
    nms_thresholds: Mapping[str, float] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    assumed: Mapping[str, str] = field(default_factory=dict)
    int8: Mapping[str, Any] = field(default_factory=dict)
    score_chosen: Mapping[str, Any] = field(default_factory=dict)
    signer: str = ""
    trusted: PublicKey | None = None
    score_thresholds: Mapping[str, float] = field(default_factory=dict)
    one_body: tuple[tuple[str, ...], ...] = ()

    @cached_property
    def thresholds(self) -> Thresholds:
        """The lowest score that is shown of each class."""
        usual = self.score_threshold
        return Thresholds(self.classes, (*(self.score_thresholds.get(name, usual) for name in self.classes), usual))

    @property
    def weight_bits(self) -> int:
        """Of the weights in ``model.int8.onnx``: 8 where `int8` does not say, as in older bundles."""
        return int(self.int8.get("weight_bits", 8))

    @property
    def signature(self) -> dict[str, Any] | None:
        """For reports: ``{"key", "checked"}``, None where it is not signed."""
        return {"key": self.signer, "checked": self.trusted is not None} if self.signer else None

    @classmethod
    def load(cls, path: str | Path, trusted_key: str | None = None) -> Bundle:
        """Read ``path/model.json`` and verify the sha256 of every file it lists. ``path``: see `called`.

        ``trusted_key``: who must have signed it, a key of minisign or its file; nothing is parsed before it is certain.

        Raises BundleError: no folder, no or broken model.json, one that the key did not sign, another format version,
        a missing or altered file, weights that it does not list, an unknown normaliser. InputError: the key is none.
        """
        key = None if trusted_key is None else PublicKey.parse(trusted_key)
        bundle = _read_model_json(called(path), key)
        for name, expected in bundle.files.items():
            bundle.verify(name, expected)
            if name.endswith(".onnx"):
                bundle._check_weights(name)
        return bundle

    def file(self, name: str) -> Path:
        """Path of a file that ``model.json`` lists.

        Raises BundleError where it lists none of that name.
        """
        if name not in self.files:
            raise BundleError(f"bundle {self.path} has no {name}, only {', '.join(self.files)}: export it again")
        return self.path / name

    def read(self, name: str) -> bytes:
        """A small file beside ``model.json`` that it does not list, such as an engine's passport: where ``trusted``
        says so, only if that key signed it.

        Raises OSError; NotSigned, a ValueError.
        """
        return (
            signed_bytes(self.path, name, self.trusted) if self.trusted else read_limited(self.path / name, MOST_JSON)
        )

    def with_normaliser(self, spec: NormaliseSpec, override: bool = False) -> Bundle:
        """This bundle with the raw frames of the flight normalised by ``spec`` (8-bit frames: by ``identity``).

        The model knows only frames as they were made in training, so anything but the bundle's own is refused
        unless ``override``: then what it finds is worth what a test with labelled frames says, nothing else.

        Raises BundleError where it is refused.
        """
        eight = spec.method == "identity"  # the one method that takes no raw counts
        own = self.normalise_8bit if eight else self.normalise_16bit
        if spec == own:
            return self
        if not override:
            raise BundleError(
                f"bundle {self.name} was made with normalise {own} for {8 if eight else 16}-bit frames, and {spec} was "
                "asked for: the model would see frames unlike those of its training. Leave --normalise out, or add "
                "--override-normalise to use it nevertheless"
            )
        return replace(self, normalise_8bit=spec) if eight else replace(self, normalise_16bit=spec)

    def verify(self, name: str, expected: str) -> None:
        """Raises BundleError where the file is missing or its sha256 is not ``expected``."""
        path = self.path / name
        try:
            if path.exists() and not path.is_file():  # a pipe would be waited for
                raise BundleError(f"bundle {self.path}: {name} is no file: copy it again")
            got = sha256(path)
        except OSError as error:
            raise BundleError(
                f"bundle {self.path}: {name} cannot be read ({reason_of(error)}): copy it again"
            ) from None
        if got != expected:
            raise altered(self.path, name, got, expected)

    def _check_weights(self, graph: str) -> None:
        """Raises BundleError where a graph takes weights from a file that nobody has verified."""
        try:
            named = weight_files(self.path / graph)
        except ValueError as error:
            raise BundleError(f"bundle {self.path}: {graph} is no graph ({error}): export the bundle again") from None
        if unlisted := sorted(named - set(self.files)):
            raise BundleError(
                f"bundle {self.path}: {graph} takes weights from {unlisted[0]!r}, which is not among the files that "
                "model.json lists, so nobody has verified it: export the bundle again"
            )

    def to_json(self) -> dict[str, Any]:
        """The content of ``model.json``."""
        return {
            "format": FORMAT,
            "name": self.name,
            "architecture": dict(self.architecture),
            "classes": list(self.classes),
            "input": {"height": self.height, "width": self.width},
            "normalise": {
                "8bit": self.normalise_8bit.to_json(),
                "16bit": self.normalise_16bit.to_json(),
                "trained": {"mean": self.trained_mean, "std": self.trained_std},
            },
            "thresholds": {
                "score": self.score_threshold,
                **({"score_by_class": dict(self.score_thresholds)} if self.score_thresholds else {}),
                "graph_score": self.graph_score_threshold,
                **self.nms_thresholds,
            },
            "max_detections": self.max_detections,
            "files": dict(self.files),
            "checkpoint_sha256": self.checkpoint_sha256,
            "data": dict(self.data),
            "tools": dict(self.tools),
            **{name: dict(getattr(self, name)) for name in ("assumed", "int8", "score_chosen") if getattr(self, name)},
            **({"one_body": [list(group) for group in self.one_body]} if self.one_body else {}),
        }

    def write_json(self) -> None:
        """Write ``model.json`` into ``path``, whole."""
        write_whole(self.path / MODEL_JSON, (json.dumps(self.to_json(), indent=2) + "\n").encode())


def sha256(path: Path) -> str:
    """Hex sha256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def altered(folder: Path, name: str, got: str, expected: str) -> BundleError:
    """To be raised where a file has another sha256 than ``model.json`` says."""
    return BundleError(
        f"bundle {folder}: {name} was altered: its sha256 is {got[:16]}.., model.json says {expected[:16]}..: copy or "
        "export the bundle again"
    )


def _read_model_json(folder: Path, key: PublicKey | None) -> Bundle:
    """The bundle that ``folder`` says it is; its other files are not looked at."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise BundleError(
            f"model bundle {folder} {what}: expected a folder with model.json, as edge-export writes it"
            f"{instead_of(folder)}"
        )
    where = folder / MODEL_JSON
    try:
        raw = read_json(signed_bytes(folder, MODEL_JSON, key)) if key else json_file(where)
    except NotSigned as error:
        raise BundleError(
            f"{where} {error}: copy the bundle and its {MODEL_JSON}.minisig again from who signed it, or "
            f"have it signed: edge-export sign {folder} --key FILE"
        ) from None
    except FileNotFoundError:
        raise BundleError(f"{folder} holds no model.json: expected a folder as edge-export writes it") from None
    except OSError as error:
        raise BundleError(f"{where} cannot be read ({reason_of(error)}): copy the bundle again") from None
    except ValueError as error:
        raise BundleError(f"{where} cannot be read as JSON ({error}): copy or export the bundle again") from None
    if isinstance(raw, dict) and raw.get("format") != FORMAT:
        raise BundleError(
            f"{where} has format {raw.get('format')!r}, this version of thermal-edge reads {FORMAT}: "
            "export the bundle again with this version, or install the version that wrote it"
        )
    try:
        bundle = _bundle(folder, declared(raw, ModelJson))
    except (BundleError, ValueError) as error:
        raise BundleError(f"{where}: {error}: copy or export the bundle again") from None
    return replace(bundle, signer=key.id if key else signer(folder, MODEL_JSON), trusted=key)


def _bundle(folder: Path, said: ModelJson) -> Bundle:
    normalise, thresholds = said.normalise, msgspec.structs.asdict(said.thresholds)
    return Bundle(
        path=folder,
        name=said.name,
        architecture=said.architecture,
        classes=said.classes,
        height=said.input.height,
        width=said.input.width,
        normalise_8bit=NormaliseSpec.from_stored(normalise.eight_bit),
        normalise_16bit=NormaliseSpec.from_stored(normalise.sixteen_bit),
        trained_mean=normalise.trained.mean,
        trained_std=normalise.trained.std,
        score_threshold=thresholds.pop("score"),
        score_thresholds=thresholds.pop("score_by_class"),
        graph_score_threshold=thresholds.pop("graph_score"),
        nms_thresholds={name: value for name, value in thresholds.items() if value is not msgspec.UNSET},
        max_detections=said.max_detections,
        files=said.files,
        checkpoint_sha256=said.checkpoint_sha256,
        data=said.data,
        tools=said.tools,
        assumed=said.assumed,
        int8=said.int8,
        score_chosen=said.score_chosen,
        one_body=said.one_body,
    )
