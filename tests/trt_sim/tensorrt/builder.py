"""The builder half of the stand-in: tests/builder_sim, given real ONNX files; what it makes, the runtime half runs."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import onnxruntime

import tensorrt

_FILE = Path(__file__).parents[2] / "builder_sim/tensorrt.py"
_spec = importlib.util.spec_from_file_location("builder_sim", _FILE)
_sim = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_sim)
BuilderFlag, MemoryPoolType, IProgressMonitor = _sim.BuilderFlag, _sim.MemoryPoolType, _sim.IProgressMonitor
NetworkDefinitionCreationFlag = _sim.NetworkDefinitionCreationFlag
ProfilingVerbosity, LayerInformationFormat = _sim.ProfilingVerbosity, _sim.LayerInformationFormat
layers_of = _sim.EngineInspector().get_engine_information


class OnnxParser(_sim.OnnxParser):
    def parse_from_file(self, model):
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        nodes = {"inputs": session.get_inputs(), "outputs": session.get_outputs()}
        tensors = {
            kind: {node.name: [node.shape, tensorrt._TYPES[node.type][0]] for node in found}
            for kind, found in nodes.items()
        }
        _sim.DataType = tensorrt.DataType  # the runtime half knows more of them
        self._network._load(json.dumps(tensors))
        self._network._onnx = Path(model).read_bytes()
        return True


class Builder(_sim.Builder):
    def build_serialized_network(self, network, config):
        built = super().build_serialized_network(network, config)
        head = f"trt_sim {tensorrt.__version__}\n".encode()
        return None if built is None else _sim.IHostMemory(head + network._onnx)
