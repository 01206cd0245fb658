"""OpenVINO as an engine, the real one where it is installed: what it finds, which graph, and that it stays silent."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from onnx import TensorProto

from edge.app import machine
from edge.app.model_facts import model_facts
from edge.app.settings import MODEL
from edge.camera import open_camera
from edge.commands.main import main
from edge.engine import open_engine
from edge.engine.openvino import INSTALL, OpenVinoEngine
from edge.engine.ort import OrtEngine
from edge.engine.readiness import Need, openvino_need
from edge.errors import EngineError, InputError
from edge.model.bundle import ONNX_CPU, ONNX_INT8, Bundle
from edge.model.transform import Preprocessor
from edge.system import cpu
from edge.system.cpu import byte_products
from export.parity.pairs import pair
from tests.conftest import ROOT, hottest_cells_model
from tests.support.loaded import run_loaded
from tests.support.openvino_stand_in import real, stand_in

LACKS = "this processor has none of avx512_vnni, avx_vnni, amx_int8, asimddp, i8mm"
OVERFLOW = "without which OpenVINO's sums of weights of 8 bits overflow"
AGAIN = (
    "; its avx2 is enough for weights of 7 bits, which edge-export onnx --int8 writes, and these have 8: make the "
    "graph again"
)


@pytest.fixture(params=["real", "stand-in"])
def version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of OpenVINO, which is taken from now on: the real one and the stand-in in turns."""
    module = real() if request.param == "real" else stand_in()
    monkeypatch.setitem(sys.modules, "openvino", module)
    return str(module.__version__).partition("-")[0]


@pytest.fixture
def plain(tiny_bundle: Path) -> Bundle:
    return Bundle.load(tiny_bundle)


@pytest.fixture
def both(plain: Bundle) -> Bundle:
    """Two graphs, which compute the same; nothing says of how many bits the weights of INT8 are, which means 8."""
    return with_file(plain, ONNX_INT8, plain.file(ONNX_CPU).read_bytes())


@pytest.fixture
def seven(both: Bundle) -> Bundle:
    """The same, with weights of 7 bits by its word."""
    replace(both, int8={"weight_bits": 7}).write_json()
    return Bundle.load(both.path)


def with_file(bundle: Bundle, name: str, data: bytes) -> Bundle:
    """The bundle with ``data`` as its file ``name``."""
    (bundle.path / name).write_bytes(data)
    replace(bundle, files={**bundle.files, name: hashlib.sha256(data).hexdigest()}).write_json()
    return Bundle.load(bundle.path)


def processor(monkeypatch: pytest.MonkeyPatch, *flags: str) -> None:
    monkeypatch.setattr(cpu, "_flags", lambda: frozenset(flags))


def hot(x: int, y: int, value: int = 200) -> np.ndarray:
    image = np.full((64, 80), 20, np.uint8)
    image[y : y + 8, x : x + 8] = value
    return image


# ---- what it finds, and what it says of itself


def test_it_finds_the_hottest_cell_and_says_what_it_is(version: str, plain: Bundle) -> None:
    with open_engine(plain, "openvino", threads=1) as engine:
        raw = engine.infer(hot(40, 24))
        assert raw.boxes[0].tolist() == [40, 24, 48, 32]
        assert raw.scores[0] == pytest.approx(200 / 255)
        assert (raw.labels.dtype, raw.converged, raw.finite) == (np.dtype(np.int32), True, True)
        assert (engine.backend, engine.chosen, list(engine.notes)) == ("openvino", "asked for", [])
        assert engine.description == f"OpenVINO {version} on CPU, 1 thread"
        assert engine.versions == {"openvino": version}


@pytest.mark.parametrize(("cores", "asked", "threads"), [({3}, 0, 1), ({0, 2}, 0, 2), ({0}, 2, 2)])
def test_one_thread_for_each_core_that_may_be_used(
    version: str, plain: Bundle, cores: set[int], asked: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = min(threads, os.cpu_count() or 1)  # the real one takes no more
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cores)
    with OpenVinoEngine(plain, asked) as engine:
        assert engine.description == f"OpenVINO {version} on CPU, {threads} thread{'s' * (threads > 1)}"
        compiled = engine._request.get_compiled_model()
        assert compiled.get_property("INFERENCE_NUM_THREADS") == threads
        assert compiled.get_property("ENABLE_CPU_PINNING") is False
        assert "32" in str(compiled.get_property("INFERENCE_PRECISION_HINT"))  # <Type: 'float32'> of "f32"


def test_the_threads_that_it_says_are_those_that_it_has(plain: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    module = stand_in()
    monkeypatch.setitem(sys.modules, "openvino", module)
    monkeypatch.setattr(module, "CORES", 3, raising=False)
    with OpenVinoEngine(plain, 8) as engine:
        assert engine.description.endswith(", 3 threads")


def test_auto_never_takes_it(version: str, plain: Bundle) -> None:
    with open_engine(plain) as engine:
        assert engine.backend == "ort"


def test_a_report_names_it(version: str, seven: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processor(monkeypatch, "avx2")
    words = [
        "run",
        "--source",
        "sim:width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames=2,live=0",
        "--model",
        str(seven.path),
    ]
    assert main([*words, "--backend", "openvino", "--out", str(tmp_path / "out"), "--quiet"]) == 0
    report = msgspec.json.decode((tmp_path / "out" / "report.json").read_bytes())
    assert report["backend"] == "openvino-int8"
    assert report["engine"].startswith(f"OpenVINO {version} on CPU, ")
    assert report["engine"].endswith("; model.int8.onnx")
    assert report["versions"]["openvino"] == version


# ---- which graph: no one that is computed wrongly here


@pytest.mark.usefixtures("version")
@pytest.mark.parametrize("flag", ["avx512_vnni", "avx_vnni", "amx_int8"])
def test_int8_where_sums_fit(both: Bundle, seven: Bundle, flag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    processor(monkeypatch, flag)
    for bundle in (both, seven):
        with open_engine(bundle, "openvino") as engine:
            assert (engine.backend, list(engine.notes)) == ("openvino-int8", [])
            assert engine.description.endswith("; model.int8.onnx")
            assert engine.infer(hot(40, 24)).boxes[0].tolist() == [40, 24, 48, 32]


@pytest.mark.usefixtures("version")
def test_weights_of_8_bits_are_refused_where_sums_overflow(both: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    for flags, advice in ((("avx2", "avx512f"), AGAIN), (("sse4_2",), "")):
        processor(monkeypatch, *flags)
        with open_engine(both, "openvino") as engine:
            assert engine.backend == "openvino"
            assert re.search(r"threads?$", engine.description)
            assert list(engine.notes) == [f"model.onnx and not model.int8.onnx: {LACKS}, {OVERFLOW}{advice}"]


@pytest.mark.usefixtures("version")
def test_weights_of_7_bits_with_avx2_and_without(seven: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    processor(monkeypatch, "avx2")
    with open_engine(seven, "openvino") as engine:
        assert (engine.backend, list(engine.notes)) == ("openvino-int8", [])
    processor(monkeypatch, "sse4_2")
    with open_engine(seven, "openvino") as engine:
        assert (engine.backend, list(engine.notes)) == (
            "openvino",
            [f"model.onnx and not model.int8.onnx: {LACKS}, avx2"],
        )


# ---- what goes wrong is one line


@pytest.mark.parametrize("command", ["run", "bench"])
def test_where_it_is_not_installed(
    plain: Bundle, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    said = f"OpenVINO is not installed: run: {INSTALL}; or use --backend ort"
    with pytest.raises(InputError, match=f"^{re.escape(said)}$"):
        open_engine(plain, "openvino")
    words = {"run": ["--out", str(tmp_path / "out")], "bench": ["--no-cold-start"]}[command]
    source = ["--source", "sim:width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames=2,live=0"]
    assert main([command, *source, *words, "--model", str(plain.path), "--backend", "openvino"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"edge: {said}"


def test_one_that_cannot_be_loaded(plain: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "openvino", raising=False)
    (tmp_path / "openvino.py").write_text("raise ImportError('libopenvino.so.2641: cannot open')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        InputError, match=r"^OpenVINO cannot be loaded \(libopenvino\.so\.2641: cannot open\): run: pip"
    ):
        open_engine(plain, "openvino")
    assert openvino_need() == Need(
        "OpenVINO", "missing", "cannot be loaded: libopenvino.so.2641: cannot open", (INSTALL,)
    )


def test_a_file_that_is_no_onnx(version: str, plain: Bundle) -> None:
    bundle = with_file(plain, ONNX_CPU, b"not a graph")
    said = rf"^OpenVINO {version} cannot load .*model\.onnx: Unable to read the model.*, or use --backend ort$"
    with pytest.raises(EngineError, match=said) as caught:
        open_engine(bundle, "openvino")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("version")
def test_a_graph_of_other_sizes_types_or_names(plain: Bundle) -> None:
    with pytest.raises(
        EngineError, match=r"has boxes OUTPUT FLOAT \(1, 4, 4\) where model\.json promises .*\(1, 7, 4\)"
    ):
        OpenVinoEngine(replace(plain, max_detections=7))
    model = hottest_cells_model()
    labels = next(node for node in model.graph.node if node.output == ["labels"])
    labels.attribute[0].i = TensorProto.INT64
    next(value for value in model.graph.output if value.name == "labels").type.tensor_type.elem_type = TensorProto.INT64
    said = r"has labels OUTPUT INT64 \(1, 4\) where model\.json promises OUTPUT INT32 \(1, 4\): export it again"
    with pytest.raises(EngineError, match=said):
        OpenVinoEngine(with_file(plain, ONNX_CPU, model.SerializeToString()))
    model = hottest_cells_model()
    model.graph.input[0].name = model.graph.node[0].input[0] = "picture"
    with pytest.raises(EngineError, match="has no image; picture, which is unknown"):
        OpenVinoEngine(with_file(plain, ONNX_CPU, model.SerializeToString()))


def test_a_failure_in_flight(plain: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", stand_in())

    class Lost:
        def infer(self, _inputs: object) -> None:
            raise RuntimeError("Exception from src/inference/src/cpp/infer_request.cpp:224:\nthe reason\n\n")

    with OpenVinoEngine(plain) as engine:
        engine._request = Lost()
        with pytest.raises(EngineError, match="^OpenVINO failed: the reason$"):
            engine.infer(hot(0, 0))


# ---- edge info, edge doctor


def test_info_and_doctor_name_it_where_it_is_installed(
    version: str, both: Bundle, seven: Bundle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    processor(monkeypatch, "avx2")
    able = f"{version}, on the CPU; model.int8.onnx: this processor has avx2, enough for weights of 7 bits"
    assert openvino_need(seven) == Need("OpenVINO", "ready", able)
    refused = f"{version}, on the CPU; model.onnx and not model.int8.onnx: {LACKS}, {OVERFLOW}{AGAIN}"
    assert openvino_need(replace(both, int8={})) == Need("OpenVINO", "ready", refused)
    alone = replace(both, files={ONNX_CPU: both.files[ONNX_CPU]})
    assert openvino_need(alone) == Need("OpenVINO", "ready", f"{version}, on the CPU; model.onnx")
    none = openvino_need(replace(both, files={}))
    assert none is not None
    assert (none.state, none.text) == ("missing", "the bundle has no model.onnx")
    assert main(["info", str(seven.path)]) == 0
    assert f"  --backend openvino   can run\n      OpenVINO: ready: {version}, on the CPU" in capsys.readouterr().out
    facts = {fact.name: (fact.value, fact.todo) for fact in machine._inference(jetson=False)}
    assert facts["OpenVINO"] == (f"{version}, on the CPU", "")


def test_nobody_is_told_of_it_where_it_is_not(plain: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert openvino_need(plain) is None
    assert set(model_facts(plain)["machine"]["backends"]) == {"ort", "trt"}
    assert "OpenVINO" not in {fact.name for fact in machine._inference(jetson=False)}


# ---- it reports to nobody

SENDS = """
import pathlib
class Telemetry:
    def __init__(self, **settings): pass
    def send_event(self, *what): pathlib.Path({sent!r}).touch()
"""
SILENT = """
import sys
def no_network(event, _arguments):
    if event.startswith("socket."):
        raise SystemExit(f"{event} was called")
sys.addaudithook(no_network)
from edge.engine.openvino import load
assert load() is load()
import openvino_telemetry  # it is there for others, afterwards
assert "openvino_telemetry" in sys.modules
"""
INFERS = """
import numpy as np
from edge.engine import open_engine
with open_engine(sys.argv[1], "openvino") as engine:
    assert engine.infer(np.zeros((64, 80), np.uint8)).converged
"""


def beside_telemetry(tmp_path: Path, script: str, *words: str) -> bool:
    """Runs the script beside an openvino-telemetry that only notes that it was called; whether it was."""
    (tmp_path / "openvino_telemetry").mkdir()
    sent = tmp_path / "sent"
    (tmp_path / "openvino_telemetry" / "__init__.py").write_text(SENDS.format(sent=str(sent)))
    (tmp_path / "openvino_telemetry" / "backend").mkdir()
    (tmp_path / "openvino_telemetry" / "backend" / "__init__.py").write_text("")
    (tmp_path / "openvino_telemetry" / "backend" / "backend_ga4.py").write_text("")
    script = f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n{script}"
    done = run_loaded([sys.executable, "-c", script, *words], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return sent.exists()


def test_the_telemetry_of_a_package_like_it_is_not_let_in(tmp_path: Path) -> None:
    """Its form is that of OpenVINO 2026.4.1, which reports when it is imported."""
    (tmp_path / "openvino.py").write_text(
        "try:\n    import openvino_telemetry as tm\n    tm.Telemetry().send_event('import')\n"
        "except ImportError:\n    pass\n"
    )
    assert not beside_telemetry(tmp_path, SILENT)


def test_the_telemetry_of_the_real_one_is_not_let_in(tmp_path: Path, plain: Bundle) -> None:
    real()
    assert not beside_telemetry(tmp_path, SILENT + INFERS, str(plain.path))


def test_without_us_it_would_be(tmp_path: Path) -> None:
    real()
    assert beside_telemetry(tmp_path, "import openvino")


# ---- the bundled model


@pytest.mark.slow
@pytest.mark.parametrize(("graph", "score", "iou"), [(ONNX_CPU, 0.001, 0.999), (ONNX_INT8, 0.35, 0.6)])
def test_the_bundled_model_finds_what_it_finds_in_onnx_runtime(graph: str, score: float, iou: float) -> None:
    """Float to the last digits; INT8 is rounded at other places."""
    real()
    bundle = Bundle.load(MODEL)
    if graph == ONNX_INT8 and not byte_products(bundle.weight_bits):
        pytest.skip("this processor has nothing that multiplies bytes")
    with open_camera("sim:live=0,frames=1,ffc_interval=0") as camera:
        image = Preprocessor(bundle, independent=True).forward(camera.read())[1]
    with OrtEngine(bundle, 1, graph) as ours, OpenVinoEngine(bundle, 1, graph) as engine:
        raw = engine.infer(image)
        found = pair(ours.infer(image), raw, 0.3)
        assert engine.infer(image).scores.tobytes() == raw.scores.tobytes()
    assert len(found.iou) >= 5
    assert (found.lost.sum(), found.new.sum()) == (0, 0)
    assert found.iou.min() >= iou
    assert np.abs(found.score_change).max() <= score
