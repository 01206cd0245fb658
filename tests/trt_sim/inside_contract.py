"""The contract of every engine, for TensorRT on the simulated driver. Run by tests/edge/engine/test_cuda.py."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from edge.engine.trt import TrtEngine
from edge.model.bundle import Bundle
from tests.edge.contracts.test_engines import *  # noqa: F403
from tests.edge.contracts.test_engines import Make
from tests.trt_sim.plan import add_engine


@pytest.fixture(params=[True, False], ids=["graph", "plain"])
def make(request: pytest.FixtureRequest) -> Make:
    return functools.partial(TrtEngine, cuda_graph=request.param)


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return Bundle.load(add_engine(tiny_bundle))
