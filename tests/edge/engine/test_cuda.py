"""Real pycuda, and `edge.engine.cuda` on it, on a simulated driver: one process for all groups of tests."""

from __future__ import annotations

import pytest

from tests.cuda_sim.process import run, simulator_or_skip

GROUPS = (
    "cuda_sim/inside_driver.py",
    "cuda_sim/inside_gpu.py",
    "trt_sim/inside_contract.py",
    "trt_sim/inside_engine.py",
)


@pytest.mark.timeout(300)  # a whole suite
def test_inside() -> None:
    ended = run(
        simulator_or_skip(), ["-m", "pytest", "-v", "-p", "no:cacheprovider", *(f"tests/{group}" for group in GROUPS)]
    )
    assert ended.code == 0, ended.out[-8000:] + ended.err[-4000:]
    assert " skipped" not in ended.out
    for group in GROUPS:
        assert f"tests/{group} ." in ended.out
