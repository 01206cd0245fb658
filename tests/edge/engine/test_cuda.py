"""Real pycuda, and `edge.engine.cuda` on it, on a simulated driver: one process for each group of tests."""

from __future__ import annotations

import pytest

from tests.cuda_sim.process import run, simulator_or_skip


@pytest.mark.parametrize(
    "group",
    ["cuda_sim/inside_driver.py", "cuda_sim/inside_gpu.py", "trt_sim/inside_engine.py", "trt_sim/inside_contract.py"],
)
def test_inside(group: str) -> None:
    ended = run(simulator_or_skip(), ["-m", "pytest", "-p", "no:cacheprovider", f"tests/{group}"])
    assert ended.code == 0, ended.out[-8000:] + ended.err[-4000:]
    assert " passed" in ended.out
    assert " skipped" not in ended.out
