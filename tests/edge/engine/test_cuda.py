"""`edge.engine.cuda`, by real pycuda and by ctypes, on a simulated driver: one process each."""

from __future__ import annotations

import pytest

from tests.cuda_sim.process import CALLS, WITHOUT_PYCUDA, Ended, fly_each, run, simulator_or_skip

GROUPS = (
    "cuda_sim/inside_driver.py",
    "cuda_sim/inside_gpu.py",
    "gpu/gpu_driver.py",
    "trt_sim/inside_contract.py",
    "trt_sim/inside_engine.py",
    "trt_sim/inside_interrupted.py",
    "trt_sim/inside_compare.py",
)
ONLY = {"pycuda": "cuda_sim/inside_pycuda.py", "ctypes": "cuda_sim/inside_ctypes.py"}


def groups(calls: str) -> list[str]:
    return [f"tests/{group}" for group in (*GROUPS, ONLY[calls])]


@pytest.fixture(scope="module")
def ended() -> dict[str, Ended]:
    words = ["-v", "-p", "no:cacheprovider"]
    flights = [([*words, *groups(calls)], WITHOUT_PYCUDA if calls == "ctypes" else {}) for calls in CALLS]
    return dict(zip(CALLS, fly_each(simulator_or_skip(), flights, "pytest"), strict=True))


@pytest.mark.timeout(600)  # a whole suite, twice; 210 s were seen at a load of 20
@pytest.mark.parametrize("calls", CALLS)
def test_inside(ended: dict[str, Ended], calls: str) -> None:
    ran = ended[calls]
    assert ran.code == 0, ran.out[-8000:] + ran.err[-4000:]
    assert " skipped" not in ran.out
    for group in groups(calls):
        assert f"{group} ." in ran.out


def test_the_detectors_tests_for_a_gpu_can_still_be_loaded() -> None:
    """Nobody runs them for months: what they import must not move away meanwhile."""
    ran = run(simulator_or_skip(), ["-m", "tests.gpu.run", "ctypes", "--collect-only"])
    assert ran.code == 0, ran.out + ran.err
    assert "gpu_detector.py::test_it_finds_what_onnx_runtime_finds" in ran.out
