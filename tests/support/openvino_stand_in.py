"""OpenVINO where it is not installed: of its Python interface what `edge.engine.openvino` calls, in ONNX Runtime.

The same tests run with the real one where that is installed (`make test` installs it), so that neither differs unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge.engine.onnx_runtime import load
from edge.engine.openvino import INSTALL
from edge.engine.openvino import load as load_openvino

TYPES = {"uint8": "u8", "float": "f32", "int32": "i32", "int64": "i64", "bool": "boolean"}


def real() -> ModuleType:
    """OpenVINO itself; skips the test where it is not installed."""
    try:
        return load_openvino()
    except ImportError as error:
        pytest.skip(f"needs OpenVINO ({error}): {INSTALL}")


def stand_in() -> ModuleType:
    """A module with its names."""
    module = ModuleType("openvino")
    names = {"__version__": "2026.4.1-22982-e213a147257-releases/2026/4", "CORES": 64, "Core": lambda: Core(module)}
    module.__dict__.update(names)
    return module


def port(node: Any) -> SimpleNamespace:
    """An input or an output of a model."""
    return SimpleNamespace(
        names={node.name},
        any_name=node.name,
        partial_shape=[SimpleNamespace(is_static=True, get_length=lambda n=n: n) for n in node.shape],
        element_type=SimpleNamespace(get_type_name=lambda: TYPES[node.type[len("tensor(") : -1]]),
    )


class Core:
    def __init__(self, module: Any) -> None:
        self._module = module

    def read_model(self, path: str) -> SimpleNamespace:
        try:
            session = load().InferenceSession(path, providers=["CPUExecutionProvider"])
        except Exception as error:
            where = "Exception from src/inference/src/cpp/core.cpp:84:\n"
            raise RuntimeError(f'{where}Unable to read the model: "{path}" Please check ...\n\n') from error
        inputs, outputs = (list(map(port, nodes)) for nodes in (session.get_inputs(), session.get_outputs()))
        return SimpleNamespace(inputs=inputs, outputs=outputs, session=session)

    def compile_model(self, model: SimpleNamespace, device: str, config: Mapping[str, Any]) -> SimpleNamespace:
        assert device == "CPU"
        request = Request(model.session)
        said = {**config, "INFERENCE_NUM_THREADS": min(config["INFERENCE_NUM_THREADS"], self._module.CORES)}
        compiled = SimpleNamespace(create_infer_request=lambda: request, get_property=said.__getitem__)
        request.get_compiled_model = lambda: compiled
        return compiled


class Request:
    get_compiled_model: Any

    def __init__(self, session: Any) -> None:
        self._session = session
        self._names: Sequence[str] = [node.name for node in session.get_outputs()]

    def infer(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        answers = self._session.run(self._names, dict(inputs))
        return dict(zip(self._names, answers, strict=True))
