"""TensorRT's backend as a process: Ctrl-C, an end without closing, missing libraries."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.conftest import write_bundle
from tests.cuda_sim.process import CALLS, FOUND, ROOT, WITHOUT_PYCUDA, Ended, fly_each, fork, simulator_or_skip
from tests.support.loaded import run_loaded
from tests.trt_sim.plan import add_engine


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(add_engine(write_bundle(tmp_path_factory.mktemp("process") / "bundle")))


WAYS = [[*options, *closing] for options in ([], ["plain"], ["zero-copy"]) for closing in ([], ["forget"])]
INTERRUPTED: list[list[str]] = [[], ["plain"], ["forget"]]


@pytest.fixture(scope="module")
def flown(bundle: str) -> list[Ended]:
    """Flights of three frames that fly each of the `WAYS`; then some of 20 ms a kernel that Ctrl-C ends.

    With pycuda, then the same without.
    """
    short = [([bundle, "3", *words], {}) for words in WAYS]
    flights = [*short, *(([bundle, "100000", "ctrl-c", *words], {"TRT_SIM_MS": "20"}) for words in INTERRUPTED)]
    without = [(words, {**settings, **WITHOUT_PYCUDA}) for words, settings in flights]
    return fly_each(simulator_or_skip(), [*flights, *without])


@pytest.mark.parametrize("calls", CALLS)
@pytest.mark.parametrize("way", range(len(WAYS)), ids=[" ".join(words) or "closed" for words in WAYS])
def test_everything_is_given_back_at_the_end(way: int, calls: str, flown: list[Ended]) -> None:
    """Also where the program ends without closing: pycuda would abort it over a context still pushed."""
    ended = flown[way + CALLS.index(calls) * len(flown) // 2]
    assert (ended.code, ended.err, ended.leaks()) == (0, "", {})
    assert ended.tensorrt["released"] == ["IExecutionContext", "ICudaEngine", "Runtime"]
    assert ended.out.startswith("opened\n3 frames, best score 0.6")


@pytest.mark.parametrize("calls", CALLS)
@pytest.mark.parametrize("way", range(len(INTERRUPTED)), ids=["closed", "plain", "forget"])
def test_ctrl_c_while_the_gpu_computes(way: int, calls: str, flown: list[Ended]) -> None:
    """The signal comes while the engine waits for a kernel."""
    ended = flown[len(WAYS) + way + CALLS.index(calls) * len(flown) // 2]
    assert (ended.code, ended.out, ended.err) == (1, "opened\n", "edge: interrupted\n")
    assert {name: n for name, n in ended.cuda.items() if n and "launches" not in name} == {}
    assert not any(ended.tensorrt["alive"].values())


MISSING = {
    "tensorrt": "2 TensorRT for Python is not installed: on JetPack 6 or 7 run: sudo apt install",
}
SCRIPT = """
import os, sys
from edge.data import InputError
for blocked in sys.argv[1:]:
    if os.fork():
        os.wait()
        continue
    sys.modules[blocked] = None
    try:
        import edge.engine.trt
    except InputError as error:
        print(error.exit_code, error, flush=True)
    os._exit(0)
"""


def test_what_is_missing_is_named() -> None:
    ended = fork(simulator_or_skip(), ["-c", FOUND + SCRIPT, *MISSING])
    said = ended.stdout.splitlines()
    assert [line[: len(start)] for line, start in zip(said, MISSING.values(), strict=True)] == [*MISSING.values()]


def test_a_pycuda_that_cannot_be_loaded_is_not_missed() -> None:
    script = "import sys; sys.modules['pycuda._driver'] = None; import edge.engine.cuda as m; print(*m.CALLS_BY)"
    ended = fork(simulator_or_skip(), ["-c", FOUND + script])
    assert (ended.returncode, ended.stdout) == (0, "ctypes\n"), ended.stderr


def test_without_the_driver_it_says_so() -> None:
    """A laptop with no NVIDIA driver, and with pycuda or without."""
    script = "import sys; sys.path.insert(0, sys.argv[1]); import edge.engine.cuda"
    done = run_loaded(
        [sys.executable, "-c", script, simulator_or_skip().pycuda],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        pytest.skip("this machine has an NVIDIA driver")
    said = "InputError: the NVIDIA driver cannot be loaded (libcuda.so.1: cannot open shared object file"
    assert said in done.stderr
    assert done.stderr.rstrip().endswith("without a GPU use --backend ort")


def test_edge_run_gives_the_same_detections_as_onnx_runtime(bundle: str, tmp_path: Path) -> None:
    words = [
        "run",
        "--source",
        "sim:live=0,seed=3,width=80,height=64,pitch=-90,people=0,deer=0,cars=0",  # the hottest cells of bare ground
        "--model",
        bundle,
        "--frames",
        "5",
        "--threshold",
        "0.1",
        "--quiet",
    ]
    outs = {backend: tmp_path / backend for backend in ("ort", "trt")}
    flights = [([*words, "--backend", backend, "--out", str(out)], {}) for backend, out in outs.items()]
    by_ort, by_trt = fly_each(simulator_or_skip(), flights, "edge")
    assert by_ort.code == 0, by_ort.err
    assert by_trt.code == 0, by_trt.err
    assert by_trt.leaks() == {}
    assert by_trt.cuda["graph_launches"] >= 5
    report = json.loads((outs["trt"] / "report.json").read_text())
    assert (report["backend"], report["versions"]["tensorrt"]) == ("trt", "10.3.0")
    found = {
        backend: [json.loads(line)["detections"] for line in (out / "detections.jsonl").read_text().splitlines()[1:]]
        for backend, out in outs.items()
    }
    assert len(found["ort"]) == 5
    assert any(found["ort"])
    assert found["trt"] == found["ort"]
