"""TensorRT's backend as a process: Ctrl-C, an end without closing, missing libraries."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cuda_sim.process import ROOT, environment, run, simulator_or_skip
from tests.support.children import popen, run_child
from tests.trt_sim.plan import add_engine


@pytest.fixture
def bundle(tiny_bundle: Path) -> str:
    return str(add_engine(tiny_bundle))


@pytest.mark.parametrize("options", [[], ["plain"], ["zero-copy"]])
@pytest.mark.parametrize("closing", [[], ["forget"]])
def test_everything_is_given_back_at_the_end(bundle: str, options: list[str], closing: list[str]) -> None:
    """Also where the program ends without closing: pycuda would abort it over a context still pushed."""
    ended = run(simulator_or_skip(), ["-m", "tests.cuda_sim.fly", bundle, "3", *options, *closing])
    assert (ended.code, ended.err, ended.leaks()) == (0, "", {})
    assert ended.tensorrt["released"] == ["IExecutionContext", "ICudaEngine", "Runtime"]
    assert ended.out.startswith("opened\n3 frames, best score 0.6")


@pytest.mark.parametrize("options", [[], ["plain"], ["forget"]])
def test_ctrl_c_while_the_gpu_computes(bundle: str, tmp_path: Path, options: list[str]) -> None:
    """A kernel of 20 ms: the signal comes while the engine waits for it."""
    settings = environment(simulator_or_skip(), tmp_path, {"TRT_SIM_MS": "20"})
    command = [sys.executable, "-m", "tests.cuda_sim.fly", bundle, "100000", *options]
    with popen(command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "opened\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, "edge: interrupted\n")
    cuda = json.loads((tmp_path / "cuda.json").read_text())
    assert {name: n for name, n in cuda.items() if n and "launches" not in name} == {}
    assert not any(json.loads((tmp_path / "trt.json").read_text())["alive"].values())


SCRIPT = """
import sys
sys.modules[{blocked!r}] = None
from edge.data import InputError
try:
    import edge.engine.trt
except InputError as error:
    print(error.exit_code, error)
"""


@pytest.mark.parametrize(
    ("blocked", "said"),
    [
        ("pycuda", "2 pycuda is not installed: TensorRT engines need it: on JetPack 6 run: PATH="),
        ("tensorrt", "2 TensorRT for Python is not installed: on JetPack 6 or 7 run: sudo apt install"),
        ("pycuda._driver", "2 pycuda cannot be loaded (import of pycuda._driver halted"),
    ],
)
def test_what_is_missing_is_named(blocked: str, said: str) -> None:
    ended = run(simulator_or_skip(), ["-c", SCRIPT.format(blocked=blocked)])
    assert ended.out.startswith(said), ended.err


def test_without_the_driver_pycuda_says_so() -> None:
    """A laptop with pycuda and no NVIDIA driver."""
    sim = simulator_or_skip()
    script = "import edge.engine.cuda"
    path = f"{sim.pycuda}:{ROOT}"
    done = run_child(
        [sys.executable, "-W", "ignore", "-c", script],
        env={**os.environ, "PYTHONPATH": path, "LD_LIBRARY_PATH": ""},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        pytest.skip("this machine has an NVIDIA driver")
    assert "InputError: pycuda cannot be loaded (libcuda.so.1: cannot open shared object file" in done.stderr


def test_edge_run_gives_the_same_detections_as_onnx_runtime(bundle: str, tmp_path: Path) -> None:
    sim, found = simulator_or_skip(), {}
    for backend in ("ort", "trt"):
        out = tmp_path / backend
        source = "sim:live=0,seed=3"
        ended = run(
            sim,
            [
                "-m",
                "edge.commands.main",
                "run",
                "--source",
                source,
                "--model",
                bundle,
                "--out",
                str(out),
                "--frames",
                "5",
                "--backend",
                backend,
                "--threshold",
                "0.1",
                "--quiet",
            ],
        )
        assert ended.code == 0, ended.err
        if backend == "trt":
            assert ended.leaks() == {}
            assert ended.cuda["graph_launches"] >= 5
            report = json.loads((out / "report.json").read_text())
            assert (report["backend"], report["versions"]["tensorrt"]) == ("trt", "10.3.0")
        lines = (out / "detections.jsonl").read_text().splitlines()[1:]
        found[backend] = [json.loads(line)["detections"] for line in lines]
    assert len(found["ort"]) == 5
    assert any(found["ort"])
    assert found["trt"] == found["ort"]
