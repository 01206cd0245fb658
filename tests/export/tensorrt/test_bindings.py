"""Every name of TensorRT that is used here exists in NVIDIA's own bindings, version by version.

What the sources use is read from their syntax trees (`tensorrt_names`), what TensorRT offers is read from the
bindings themselves (`nvidia_bindings`): a new use is checked without anybody listing it.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.support.nvidia_bindings import VERSIONS, Unavailable, members
from tests.support.tensorrt_names import Members, check, signatures

ROOT = Path(__file__).resolve().parents[3]
# and how many names of TensorRT's its reader must at least have seen: the file's TensorRT, not an empty page
SOURCES = {"export/tensorrt/build.py": 11, "export/tensorrt/build_log.py": 3, "edge/engine/trt.py": 11}
# stand-in and the versions it stands in for
STAND_INS = {
    "tests/builder_sim/tensorrt.py": ("10.3.0",),
    "tests/trt_sim/tensorrt/__init__.py": VERSIONS,
}


@cache
def _members_or_why(version: str) -> Members | str:
    try:
        return members(version)
    except Unavailable as reason:
        return str(reason)


def bindings(version: str) -> Members:
    found = _members_or_why(version)
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("source", SOURCES)
def test_every_name_exists(source: str, version: str) -> None:
    findings = check((ROOT / source).read_text(), source, bindings(version))
    assert findings.wrong == []
    assert len(findings.used) >= SOURCES[source]


@pytest.mark.parametrize("source", SOURCES)
def test_a_name_that_may_be_absent_exists_somewhere(source: str) -> None:
    """``getattr(x, "NAME", default)`` hides a slip of the pen for ever."""
    rtx = pytest.importorskip("tensorrt_rtx", reason="needs the pip package tensorrt-rtx", exc_type=ImportError)
    versions = [bindings(version) for version in VERSIONS]
    for class_, name in check((ROOT / source).read_text(), source, versions[0]).optional:
        known = any(name in found.get(class_, ()) for found in versions)
        assert known or hasattr(getattr(rtx, class_) if class_ else rtx, name), f"{class_}.{name}"


@pytest.mark.parametrize(("stand_in", "version"), [(s, v) for s, known in STAND_INS.items() for v in known])
def test_the_stand_ins_offer_nothing_that_tensorrt_has_not(stand_in: str, version: str) -> None:
    assert stand_in_slips((ROOT / stand_in).read_text(), bindings(version)) == []


def stand_in_slips(source: str, real: Members) -> list[str]:
    """Public classes, members, parameters and enum values of a stand-in that the real module has not."""
    slips = []

    def visit(node: ast.ClassDef, path: str) -> None:
        if path not in real:
            slips.append(path)
            return
        for item in node.body:
            if isinstance(item, ast.ClassDef):
                visit(item, f"{path}.{item.name}")
            elif isinstance(item, ast.FunctionDef) and not item.name.startswith("_"):
                own = [a.arg for a in item.args.args[1:]]
                if not matches(real[path].get(item.name), item.name, own):
                    slips.append(f"{path}.{item.name}({', '.join(own)})")
            elif isinstance(item, ast.Assign) and isinstance(item.value, ast.Constant):
                name = ast.unparse(item.targets[0])
                kind, *_, value = real[path].get(name, ["absent", ""])
                if kind == "constant" and value not in ("", str(item.value.value)):
                    slips.append(f"{path}.{name} = {item.value.value}")
        slips.extend(f"{path}.{name}" for name in public(node) if name not in real[path])

    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            visit(node, node.name)
    return sorted(slips)


def matches(member: list[str] | None, name: str, own: list[str]) -> bool:
    """Whether a method of a stand-in takes what the real one takes; it may leave out what has a default."""
    if member is None:
        return False
    known = signatures(name, member[1]) if member[0] == "method" else []
    return not known or any(
        own == [parameter for parameter, _ in s.parameters[: len(own)]] and s.takes(len(own), set()) for s in known
    )


def public(node: ast.ClassDef) -> set[str]:
    """Names that a class assigns in its body or to ``self``."""
    names = set()
    for item in ast.walk(node):
        for target in item.targets if isinstance(item, ast.Assign) else ():
            for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(part, ast.Name) and item in node.body:
                    names.add(part.id)
                elif isinstance(part, ast.Attribute) and ast.unparse(part.value) == "self":
                    names.add(part.attr)
    return {name for name in names if not name.startswith("_")}


SLIPS = {
    "trt.BuilderFlag.FP16": "BuilderFlag.FP16 does not exist",
    "trt.Builder(trt.Logger()).max_workspace_size": "Builder.max_workspace_size does not exist",
    "trt.Runtime(trt.Logger()).deserialize_cuda_engine(b'', 1, 2)": "takes",
    "trt.Runtime()": "takes",
    "trt.Runtime(log=trt.Logger())": "takes",
    "mystery().execute_async_v3(0)": "type is unknown",
    "engine.get_binding_shape(0)": "ICudaEngine.get_binding_shape does not exist",
    "engine.create_execution_context().execute_async_v2([], 0)": "execute_async_v2 does not exist",
    "[engine.get_tensor_name(i, i) for i in range(engine.num_io_tensors)]": "takes",
}


@pytest.mark.parametrize("line", SLIPS)
def test_the_reader_sees_a_slip(line: str) -> None:
    source = f"import tensorrt as trt\ndef f(engine: trt.ICudaEngine) -> None:\n    {line}\n"
    (wrong,) = check(source, "slip.py", bindings("11.4.0.106")).wrong
    assert SLIPS[line] in wrong
    assert "slip.py:3" in wrong


def test_the_reader_sees_through_attributes_and_functions() -> None:
    source = """
import tensorrt as trt
class Engine:
    def __init__(self, plan: bytes) -> None:
        self._engine = load(plan)
        self._context = self._engine.create_execution_context()
    def infer(self) -> None:
        self._context.set_tensor_adress("image", 1)
def load(plan: bytes) -> trt.ICudaEngine:
    return trt.Runtime(trt.Logger()).deserialize_cuda_engine(plan)
"""
    findings = check(source, "engine.py", bindings("10.3.0"))
    assert findings.wrong == ["engine.py:8: IExecutionContext.set_tensor_adress does not exist"]


def test_the_reader_knows_what_changes_between_versions() -> None:
    source = "def f(trt):\n    {}\n"
    for line, missing_in in {
        "trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH": {"11.4.0.106"},
        "trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED": set(),
        "getattr(trt.NetworkDefinitionCreationFlag, 'EXPLICIT_BATCH', None)": set(),
        "trt.ComputeCapability": set(VERSIONS),
    }.items():
        wrong = {v for v in VERSIONS if check(source.format(line), "f.py", bindings(v)).wrong}
        assert wrong == missing_in, line


def test_a_monitor_with_other_parameters_is_seen() -> None:
    """pybind11 calls the overrides by position, NVIDIA's documentation by name: both must hold."""
    source = """
def f(trt):
    class Monitor(trt.IProgressMonitor):
        def phase_start(self, name, steps):
            pass
"""
    (wrong,) = check(source, "f.py", bindings("10.3.0")).wrong
    assert "IProgressMonitor.phase_start takes" in wrong


def test_a_stand_in_that_makes_things_up_is_seen() -> None:
    source = """
class ICudaEngine:
    def get_tensor_name(self, number):
        self.colour, other.tone = 1, 2
    def paint(self): ...
    def create_execution_context(self): ...
class IPainter: ...
class DataType:
    FLOAT = 0
    HALF = 2
"""
    assert stand_in_slips(source, bindings("10.3.0")) == [
        "DataType.HALF = 2",
        "ICudaEngine.colour",
        "ICudaEngine.get_tensor_name(number)",
        "ICudaEngine.paint()",
        "IPainter",
    ]


def test_signatures_are_read_from_pybind11s_docstrings() -> None:
    doc = "f(self: m.tensorrt.A, pool: m.tensorrt.B, size: int = 3) -> tensorrt_bindings.tensorrt.C\n\nText"
    (one,) = signatures("f", doc)
    assert one.parameters == (("pool", False), ("size", True))
    assert one.returns == "C"
    assert one.takes(1, set())
    assert one.takes(0, {"pool", "size"})
    assert not one.takes(0, set())
    assert not one.takes(3, set())
    assert not one.takes(1, {"pool"})
    overloads = "f(*args, **kwargs)\nOverloaded function.\n\n1. f(self: A, x: int) -> None\n\n2. f(self: A) -> int\n"
    assert [len(s.parameters) for s in signatures("f", overloads)] == [1, 0]
