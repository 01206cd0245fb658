"""The passport of an engine, ``model.engine.json``: what ``model.engine`` was built from, by what and on what board.

The builder writes it beside the engine; `edge.engine.passport_check` reads it before TensorRT sees the engine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from edge.model.bundle import ONNX_FP16, WEIGHTS, Bundle
from edge.model.comparison import Comparison
from edge.system.declared import MOST, declared, json_file, read_json
from edge.system.files import write_whole

FORMAT = 1
ENGINE = "model.engine"
PASSPORT = "model.engine.json"


@dataclass(frozen=True, slots=True)
class Target:
    """A machine as an engine sees it; None where it could not be told, and then it is not compared.

    ``tensorrt``: version as the Python package gives it, "10.3.0" or "10.13.3.9". ``device`` ..
    ``cuda``: see `edge.engine.device.Device`. ``board``: the device tree's model name. ``driver``: version of
    NVIDIA's kernel module. ``l4t``: "36.4.3" on a Jetson. ``power_mode``: name that ``nvpmodel -q`` gives.
    ``gpu_max_mhz``: the highest clock that the GPU is allowed, whatever the power mode promises.
    """

    tensorrt: str | None = None
    device: str | None = None
    compute_capability: str | None = None
    sm_count: int | None = None
    memory_mib: int | None = None
    cuda: str | None = None
    board: str | None = None
    driver: str | None = None
    l4t: str | None = None
    power_mode: str | None = None
    gpu_max_mhz: int | None = None


@dataclass(frozen=True, slots=True)
class BuildClocks:
    """In what state of the board the tactics were timed; None where the board does not tell.

    ``gpu_mhz``: the highest GPU clock that was seen while the engine was built. ``over_current_events``: how often the
    board's over-current protection stepped in meanwhile.
    """

    gpu_mhz: int | None = None
    over_current_events: int | None = None


@dataclass(frozen=True, slots=True)
class Passport:
    """Content of ``model.engine.json``.

    ``engine_sha256``, ``onnx_sha256``, ``model_json_sha256``: of ``model.engine`` and of the
    ``model.fp16.onnx`` (see `graph_sha256`) and ``model.json`` it was built from. ``target``: the machine that
    built it. ``options``: the builder's settings. ``build_seconds``: how long that took. ``clocks``: meanwhile.
    ``comparison``: with ONNX Runtime; None where the engine was never compared.
    """

    engine_sha256: str
    onnx_sha256: str
    model_json_sha256: str
    target: Target
    options: Mapping[str, Any] = field(default_factory=dict)
    build_seconds: float = 0.0
    clocks: BuildClocks | None = None
    comparison: Comparison | None = None

    def write(self, folder: Path) -> None:
        """Write ``model.engine.json`` into ``folder``, whole. Raises OSError."""
        content = {"format": FORMAT, **asdict(self)}
        content = {name: value for name, value in content.items() if value is not None}
        if self.target.gpu_max_mhz is None:  # as the first version wrote it
            del content["target"]["gpu_max_mhz"]
        write_whole(folder / PASSPORT, (json.dumps(content, indent=2) + "\n").encode())

    @classmethod
    def read(cls, folder: Path | Bundle) -> Passport:
        """Read ``model.engine.json`` of a folder, or of a bundle: then as `Bundle.read` reads it.

        Raises FileNotFoundError where there is none, another OSError as the disk gives it, ValueError (saying what
        is wrong with it) where it is no passport or one of another format, or a trusted key did not sign
        it (NotSigned).
        """
        raw = read_json(folder.read(PASSPORT)) if isinstance(folder, Bundle) else json_file(folder / PASSPORT)
        if not isinstance(raw, dict) or raw.get("format") != FORMAT:
            got = raw.get("format") if isinstance(raw, dict) else type(raw).__name__
            raise ValueError(f"its format is {got!r}, this version of thermal-edge reads {FORMAT}")
        said = declared(raw, _File)
        if missing := [name for name in _TARGET if name not in raw["target"]]:  # null where it could not be told
            raise ValueError(f"target has no {missing[0]!r}")
        return cls(
            engine_sha256=said.engine_sha256,
            onnx_sha256=said.onnx_sha256,
            model_json_sha256=said.model_json_sha256,
            target=said.target,
            options=said.options,
            build_seconds=said.build_seconds,
            clocks=said.clocks or None,
            comparison=said.comparison or None,
        )


_TARGET = [f.name for f in fields(Target) if f.name != "gpu_max_mhz"]  # which the first passports did not have


class _File(Struct):
    """The whole file. All of it must be there, but for what the first version did not write."""

    format: Literal[1]
    engine_sha256: str
    onnx_sha256: str
    model_json_sha256: str
    target: Annotated[Target, Meta(extra_json_schema={"required": _TARGET})]
    options: dict[str, Any]
    build_seconds: Annotated[float, Meta(ge=0, le=MOST)]
    clocks: BuildClocks | UnsetType = UNSET
    comparison: Comparison | UnsetType = UNSET


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``model.engine.json``."""
    return msgspec.json.schema(_File)


def graph_sha256(bundle: Bundle) -> str:
    """Of all that TensorRT compiles: ``model.fp16.onnx``'s sha256, or of that and ``model.weights``'s, in hex.

    "" where the bundle has no ``model.fp16.onnx``.
    """
    digests = [bundle.files[name] for name in (ONNX_FP16, WEIGHTS) if name in bundle.files]
    if ONNX_FP16 not in bundle.files or len(digests) == 1:
        return bundle.files.get(ONNX_FP16, "")
    return hashlib.sha256("".join(digests).encode()).hexdigest()
