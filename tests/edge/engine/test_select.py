"""What this machine can run of a bundle, what it lacks, and what ``auto`` makes of it."""

from __future__ import annotations

import dataclasses
import json
import platform
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge.commands.main import main
from edge.engine import open_engine, passport_check, readiness
from edge.engine.device import Device
from edge.engine.readiness import Need, Probe
from edge.engine.select import BACKENDS, EngineOptions, choose_backend, decide
from edge.model.bundle import Bundle, sha256
from edge.model.passport import Passport
from tests.conftest import write_bundle
from tests.cuda_sim.process import WITHOUT_PYCUDA, Ended, fly_each, simulator_or_skip
from tests.support.toy_engine import ToyEngine
from tests.trt_sim.plan import GPU as SIMULATED
from tests.trt_sim.plan import add_engine

pytestmark = pytest.mark.timeout(600)  # all its flights on the simulated driver are made before the first test of them

GPU = Need("GPU", "ready", "Orin")
TRT = Need("TensorRT", "missing", "not installed", ("install it",))
OLD = Need("model.engine", "refused", "was built with TensorRT 10.3.0", ("build it",))
CLOCKS = Need("model.engine", "doubtful", "another power mode", ("build it",))


def test_doubts_do_not_keep_tensorrt_on_the_ground() -> None:
    assert decide([GPU, CLOCKS]).backend == "trt"


def test_every_reason_and_command_is_named_once() -> None:
    choice = decide([GPU, TRT, OLD, OLD])
    assert choice.backend == "ort"
    assert "TensorRT: not installed" in choice.why
    assert choice.why.endswith("run: install it; build it")


def test_without_a_gpu_the_rest_is_not_looked_for() -> None:
    assert decide([Need("GPU", "missing", "no NVIDIA driver"), TRT]).why == "no NVIDIA driver"


def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.errors import EngineError

    def missing() -> None:
        raise EngineError("no NVIDIA driver (libcuda.so.1), so no TensorRT")

    monkeypatch.setattr(readiness, "find_device", missing)


def test_a_laptop(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    no_driver(monkeypatch)
    probe = Probe(Bundle.load(tiny_bundle))
    assert choose_backend(probe).backend == "ort"
    assert {need.name: need.state for need in probe.needs}["model.engine"] == "missing"
    assert main(["info", str(tiny_bundle)]) == 0
    said = capsys.readouterr().out
    assert "--backend ort   can run" in said
    assert "--backend trt   cannot run" in said
    assert "--backend auto  takes ort" in said


def test_what_to_install_on_each_jetpack(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tensorrt", None)
    monkeypatch.setitem(__import__("sys").modules, "pycuda", None)
    monkeypatch.setitem(__import__("sys").modules, "pycuda.driver", None)
    assert main(["info", str(tiny_bundle)]) == 0
    said = capsys.readouterr().out
    assert "JetPack 6 and 7: sudo apt install nvidia-jetpack" in said
    assert "CUDA calls: ready: by ctypes, pycuda is not needed (" in said


def test_a_pycuda_that_is_here_is_used_and_named(asked: Counter[str]) -> None:
    *_, calls = Probe().libraries
    assert calls == Need("CUDA calls", "ready", "by pycuda 2025.1, which is not needed")
    assert asked == {"driver": 1}


@pytest.mark.parametrize("error", [ImportError, OSError, RuntimeError])
def test_a_pycuda_that_cannot_be_loaded_keeps_nothing_on_the_ground(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    for name in ("pycuda", "pycuda.driver"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "pycuda").mkdir()
    (tmp_path / "pycuda" / "__init__.py").write_text("")
    (tmp_path / "pycuda" / "driver.py").write_text(f"raise {error.__name__}('libcurand.so.10: cannot open')")
    monkeypatch.syspath_prepend(str(tmp_path))
    *_, calls = Probe().libraries
    assert calls.state == "ready"
    assert calls.text.endswith("pycuda is not needed (cannot be loaded: libcurand.so.10: cannot open)")
    monkeypatch.delitem(sys.modules, "pycuda")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the driver, nvpmodel and the files were asked, on an Orin Nano whose libraries do nothing."""
    count: Counter[str] = Counter()

    def find_device() -> Device:
        count["driver"] += 1
        return ORIN

    def nvpmodel(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        count[" ".join(command)] += 1
        return subprocess.CompletedProcess(command, 0, "NV Power Mode: MAXN_SUPER", "")

    def hashed(path: Path) -> str:
        count[path.name] += 1
        return sha256(path)

    monkeypatch.setattr(readiness, "find_device", find_device)
    monkeypatch.setattr(passport_check, "sha256", hashed)
    monkeypatch.setattr("edge.system.host.subprocess.run", nvpmodel)
    for name, version in (("tensorrt", {"__version__": "10.3.0"}), ("pycuda", {"VERSION_TEXT": "2025.1"})):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(**version))
    monkeypatch.setitem(sys.modules, "pycuda.driver", SimpleNamespace())
    return count


ORIN = Device("Orin", "8.7", 8, 7620, "12.6")
BARE = "width=80,height=64,pitch=-90,people=0,deer=0,cars=0"  # a small map, which each flight draws anew
ONCE = {"driver": 1, "nvpmodel -q": 1, "model.engine": 1, "model.json": 1}


def loads_as_tensorrt_does(bundle: Bundle, options: EngineOptions) -> ToyEngine:
    assert options.probe.device == ORIN
    passport_check.raise_refusals(bundle, options.probe.mismatches)
    return ToyEngine(bundle)


def test_auto_asks_everything_once(tiny_bundle: Path, asked: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    add_engine(tiny_bundle, target=passport_check.this_machine("10.3.0", ORIN))
    asked.clear()
    monkeypatch.setitem(sys.modules, BACKENDS["trt"], SimpleNamespace(open_engine=loads_as_tensorrt_does))
    with open_engine(tiny_bundle) as engine:
        assert engine.chosen == "model.engine was built for this machine"
    assert asked == ONCE


def test_info_asks_everything_once(tiny_bundle: Path, asked: Counter[str], capsys: pytest.CaptureFixture[str]) -> None:
    add_engine(tiny_bundle, target=passport_check.this_machine("10.3.0", ORIN))
    asked.clear()
    assert main(["info", str(tiny_bundle)]) == 0
    assert "--backend auto  takes trt" in capsys.readouterr().out
    assert asked == ONCE


def test_without_a_gpu_nothing_else_is_asked(
    tiny_bundle: Path, asked: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_engine(tiny_bundle)
    asked.clear()
    no_driver(monkeypatch)
    with open_engine(tiny_bundle) as engine:
        assert engine.backend == "ort"
    assert asked == {}


@dataclass(frozen=True)
class Simulated:
    """How commands ended on the simulated driver, what they wrote, and their bundles."""

    ended: dict[str, Ended]
    folder: Path
    bundles: dict[str, Path]

    def report(self, name: str) -> dict[str, object]:
        return json.loads((self.folder / name / "report.json").read_text())


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """All the commands on the simulated driver: they are forked from one process, which takes a second to start."""
    sim, folder = simulator_or_skip(), tmp_path_factory.mktemp("simulated")
    bundles = {name: add_engine(write_bundle(folder / name)) for name in ("good", "no passport")}
    other = dataclasses.replace(SIMULATED, sm_count=16)
    bundles["other board"] = add_engine(write_bundle(folder / "other board"), target=other)
    (bundles["no passport"] / "model.engine.json").unlink()
    bundles["never compared"] = add_engine(write_bundle(folder / "never compared"))
    passport = Passport.read(bundles["never compared"])
    dataclasses.replace(passport, comparison=None).write(bundles["never compared"])

    def flight(name: str, bundle: str, *more: str, **settings: str) -> tuple[list[str], dict[str, str]]:
        words = ["--source", f"sim:live=0,frames=2,{BARE}", "--model", str(bundles[bundle])]
        return ["run", *words, "--out", str(folder / name), *more], settings

    def info(bundle: str, **settings: str) -> tuple[list[str], dict[str, str]]:
        return ["info", str(bundles[bundle])], settings

    commands = {
        "no graph": flight("no graph", "good", CUDA_SIM_FAIL="run:capture:1=1"),
        "other TensorRT": flight("other TensorRT", "good", TRT_SIM_VERSION="10.16.1.11"),
        "refused": flight("refused", "no passport", "--backend", "trt"),
        "trusted": flight("trusted", "no passport", "--trust-engine"),
        "zero-copy": flight("zero-copy", "good", "--backend", "trt", "--zero-copy", "--spin", **WITHOUT_PYCUDA),
        "spin of ort": flight("spin of ort", "good", "--backend", "ort", "--spin"),
        "never compared": flight("first version", "never compared"),
        "info": info("good"),
        "info of another board": info("other board"),
        "info of an old TensorRT": info("good", TRT_SIM_VERSION="8.6.2"),
    }
    ended = fly_each(sim, [*commands.values()], "edge")
    return Simulated(dict(zip(commands, ended, strict=True)), folder, bundles)


def test_auto_takes_tensorrt_and_tells_its_notes_once(simulated: Simulated) -> None:
    ended = simulated.ended["no graph"]
    assert ended.code == 0, ended.err
    said = simulated.report("no graph")
    assert said["backend"] == "trt"
    assert said["engine_chosen"] == "model.engine was built for this machine"
    (note,) = said["engine_notes"]  # type: ignore[misc]
    assert {*said["versions"]} > {"tensorrt", "pycuda", "cuda"}  # type: ignore[misc]
    assert note.startswith("no CUDA graph (CUDA: cuStreamEndCapture failed")
    assert (ended.out + ended.err).count(note) == 1
    assert f"edge: note: {note}" in ended.err
    assert ended.leaks() == {}


def test_auto_flies_an_engine_of_another_tensorrt_on_the_cpu_and_says_so(simulated: Simulated) -> None:
    ended = simulated.ended["other TensorRT"]
    assert ended.code == 0, ended.err
    said = simulated.report("other TensorRT")
    assert said["backend"] == "ort"
    assert "built with TensorRT 10.3.0, here 10.16.1.11" in str(said["engine_chosen"])
    assert f"run: edge-export engine {simulated.bundles['good']}" in ended.err


def test_an_engine_that_nobody_compared_flies_and_says_so(simulated: Simulated) -> None:
    ended = simulated.ended["never compared"]
    assert ended.code == 0, ended.err
    said = simulated.report("first version")
    (note,) = said["engine_notes"]  # type: ignore[misc]
    bundle = simulated.bundles["never compared"]
    assert note == (
        "model.engine was never compared with ONNX Runtime: TensorRT can give wrong numbers without a word: run: "
        f"edge-export engine '{bundle}' --compare-only"
    )
    assert (said["backend"], ended.err.count(note)) == ("trt", 1)


def test_info_where_all_is_there(simulated: Simulated) -> None:
    ended = simulated.ended["info"]
    assert ended.code == 0, ended.err
    assert "--backend trt   can run" in ended.out
    assert "GPU: ready: Simulated GPU, compute capability 8.7" in ended.out
    assert (
        "model.engine: ready: its passport fits this machine, as far as could be told; compared with ONNX" in ended.out
    )
    assert "--backend auto  takes trt" in ended.out
    assert ended.leaks() == {}


def test_info_with_an_engine_of_another_board_only_warns(simulated: Simulated) -> None:
    ended = simulated.ended["info of another board"]
    assert "model.engine: doubtful: model.engine was built with multiprocessors 16, here 8" in ended.out
    assert f"edge-export engine '{simulated.bundles['other board']}'" in ended.out
    assert "--backend auto  takes trt" in ended.out


def test_info_with_a_tensorrt_too_old(simulated: Simulated) -> None:
    assert "TensorRT: missing: 8.6.2: expected 10.3 or newer" in simulated.ended["info of an old TensorRT"].out


def test_an_engine_without_a_passport_flies_only_when_trusted(simulated: Simulated) -> None:
    refused = simulated.ended["refused"]
    assert refused.code == 2
    assert "has no passport" in refused.err
    assert "if you can: --trust-engine" in refused.err
    trusted = simulated.ended["trusted"]
    assert trusted.code == 0, trusted.err
    said = simulated.report("trusted")
    assert said["backend"] == "trt"
    assert "has no passport" in str(said["engine_notes"])


def test_the_report_names_what_calls_the_driver(simulated: Simulated) -> None:
    versions = simulated.report("zero-copy")["versions"]
    assert versions["ctypes"] == platform.python_version()  # type: ignore[index]
    assert "pycuda" not in versions  # type: ignore[operator]


def test_zero_copy_and_spin_reach_the_engine(simulated: Simulated) -> None:
    assert simulated.ended["zero-copy"].code == 0
    assert "zero-copy" in str(simulated.report("zero-copy")["engine"])
    assert simulated.ended["zero-copy"].leaks() == {}
    assert simulated.ended["spin of ort"].code == 0
    assert "they are TensorRT's" in str(simulated.report("spin of ort")["engine_notes"])
