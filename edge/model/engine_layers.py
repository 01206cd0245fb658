"""What TensorRT said of an engine's layers when it was built: ``model.engine.layers.json``, beside the engine.

Nothing needs it to run an engine. A report of ``edge bench --layers`` takes from it in which types a layer computes and
by which kernel.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.model.bundle import sha256
from edge.model.passport import ENGINE
from edge.system.declared import json_file, read_json

FORMAT = 1
LAYERS = "model.engine.layers.json"


@dataclass(frozen=True)
class LayerFacts:
    """``kind``: of TensorRT's layers. ``output``: type and order in memory of its first output. ``tactic``: its kernel.
    None: TensorRT does not tell.
    """

    kind: str | None = None
    output: str | None = None
    tactic: str | None = None


def layers_file(told: str, engine_sha256: str, tensorrt: str) -> bytes | None:
    """The file's content. ``told``: TensorRT's own JSON of all layers; None where it holds no details of any."""
    try:
        value = read_json(told.encode())
    except ValueError:
        return None
    layers = value.get("Layers") if isinstance(value, dict) else None
    if not isinstance(layers, list) or not any(isinstance(layer, dict) for layer in layers):
        return None
    content = {"format": FORMAT, "engine_sha256": engine_sha256, "tensorrt": tensorrt, "layers": layers}
    return (json.dumps(content, indent=1) + "\n").encode()


def read_layers(folder: Path) -> dict[str, LayerFacts]:
    """By name, of the engine in ``folder``; {} where nobody wrote them, or they are another engine's."""
    try:
        value = json_file(folder / LAYERS)
        same = isinstance(value, dict) and value.get("format") == FORMAT
        if not same or value.get("engine_sha256") != sha256(folder / ENGINE):
            return {}
    except (OSError, ValueError):
        return {}
    layers = value.get("layers")
    found = [layer for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
    return {name: _facts(layer) for layer in found if (name := _text(layer.get("Name")))}


def _facts(layer: dict[str, Any]) -> LayerFacts:
    outputs = layer.get("Outputs")
    first = outputs[0] if isinstance(outputs, list) and outputs and isinstance(outputs[0], dict) else {}
    tactic = _text(layer.get("TacticName")) or _text(layer.get("TacticValue"))
    return LayerFacts(_text(layer.get("LayerType")), _text(first.get("Format/Datatype")), tactic)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
