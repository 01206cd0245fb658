"""The table of faults holds: what the user reads, whether the flight goes on, that nothing is left."""

from __future__ import annotations

import pytest

from tests.conftest import write_bundle
from tests.cuda_sim.faults import FAULTS, Fault, inject_all
from tests.cuda_sim.process import ROOT, Ended, simulator_or_skip
from tests.trt_sim.plan import add_engine

pytestmark = pytest.mark.timeout(600)  # the first one waits for all; 300 s were not enough at a load of 28


# who calls the driver makes no difference to TensorRT's errors
OF_CUDA = [fault for fault in FAULTS if not fault.tensorrt]
RUNS = [*(("pycuda", fault) for fault in FAULTS), *(("ctypes", fault) for fault in OF_CUDA)]


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Ended]:
    sim = simulator_or_skip()
    bundle = add_engine(write_bundle(tmp_path_factory.mktemp("faults") / "deer"))
    ended = inject_all(sim, FAULTS, bundle, without_pycuda=OF_CUDA)
    return {(calls, fault.name): one for (calls, fault), one in zip(RUNS, ended, strict=True)}


@pytest.mark.parametrize(
    ("calls", "fault"), RUNS, ids=[f"{calls}-{fault.name}".replace(" ", "-") for calls, fault in RUNS]
)
def test_fault(flights: dict[tuple[str, str], Ended], calls: str, fault: Fault) -> None:
    ended = flights[calls, fault.name]
    said = ended.out + ended.err
    assert ended.code == (0 if fault.works else fault.code), said
    at = 0
    for part in (*fault.says, *(fault.pycuda_says if calls == "pycuda" else ())):
        at = said.find(part, at)
        assert at >= 0, f"{part!r} in its place in: {said}"
    assert "Traceback" not in said
    if not fault.works:
        assert ended.err.startswith("edge: ")
        assert len(ended.err.splitlines()) == 1
    if calls == "ctypes" and not fault.pycuda_says:
        assert said == flights["pycuda", fault.name].out + flights["pycuda", fault.name].err
    leaks = ended.leaks()
    assert bool(leaks.pop("freed_with_context", 0)) == fault.lost
    assert leaks == {}


def test_every_call_of_the_driver_is_in_the_table() -> None:
    """Each function of the driver that the engine relies on fails once."""
    relied_on = {
        "cuInit",
        "cuDevicePrimaryCtxRetain",
        "cuStreamCreate",
        "cuEventCreate",
        "cuEventRecord",
        "cuMemAlloc_v2",
        "cuMemHostAlloc",
        "cuMemHostGetDevicePointer_v2",
        "cuMemcpyHtoDAsync_v2",
        "cuMemcpyDtoHAsync_v2",
        "cuEventSynchronize",
        "cuStreamSynchronize",
        "cuStreamBeginCapture_v2",
        "cuGraphInstantiateWithFlags",
        "cuGraphLaunch",
        "cuMemFree_v2",
    }
    assert relied_on <= {fault.cuda.partition(":")[0] for fault in FAULTS}


def test_the_printed_table_is_of_these_faults() -> None:
    """docs/faults.md; where this fails: make fault-table."""
    page = (ROOT / "docs" / "faults.md").read_text()
    _, found, of_cuda = page.partition("\n## Faults of CUDA and TensorRT\n")
    assert found
    lines = of_cuda.splitlines()
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    assert rows == ["fault", *(fault.name for fault in FAULTS)]
    assert not [line for line in lines if "LEFT BEHIND" in line]
