"""For the tests of the engine in flight: an engine of the tiny detector, and that all of it is given back."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.model.bundle import Bundle
from tests.trt_sim.plan import add_engine


@pytest.fixture
def everything_is_given_back() -> Iterator[None]:
    import tensorrt as trt  # the stand-in: other tests may look into this folder without it

    from tests.cuda_sim.sim import BAD, HELD, counters

    before = counters()
    gc.freeze()  # collected below is only what the test has made
    yield
    gc.collect()
    after = counters()
    assert {name: after[name] for name in (*HELD, *BAD)} == {name: before[name] for name in (*HELD, *BAD)}
    assert not +trt._alive
    assert trt._too_early == []


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return Bundle.load(add_engine(tiny_bundle))
