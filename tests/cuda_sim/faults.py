"""Every CUDA and TensorRT error at every place where the engine calls them: what the user sees, what is left.

    python -m tests.cuda_sim.faults docs/faults.md

writes the table, a part of that page: `make fault-table`. Each row is a process of its own: real pycuda on the
simulated driver, the engine, five frames.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.cuda_sim.build import Simulator, Unavailable, simulator
from tests.cuda_sim.process import WITHOUT_PYCUDA, Ended, fly_each
from tests.support.page_part import put_part
from tests.trt_sim.plan import add_engine

MEMORY = "close other programs"
LOST = "start the program anew"
ILLEGAL = "an illegal memory access was encountered"
REBUILD = "run: edge-export engine"


@dataclass(frozen=True)
class Fault:
    """``cuda``, ``tensorrt``: which call fails, as CUDA_SIM_FAIL and TRT_SIM_FAIL say it.
    ``says``: what the user reads, in this order; ``pycuda_says``: then, where pycuda calls. ``works``: the flight goes
    on all the same.
    ``lost``: the driver takes the context back with all that is in it. ``code``: exit code.
    """

    name: str
    cuda: str = ""
    tensorrt: str = ""
    says: tuple[str, ...] = ()
    pycuda_says: tuple[str, ...] = ()
    works: bool = False
    lost: bool = False
    code: int = 1
    options: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()


HEADING = "Faults of CUDA and TensorRT"
HEAD = """\
Written by `make fault-table`. Each row is a process of its own: real pycuda on a simulated CUDA driver, a stand-in for
TensorRT's runtime, the engine of `--backend trt`, five frames. One call fails as the name says; nothing here ran on a
GPU. Through ctypes, without pycuda, the rows are the same but for pycuda's own warning in the last one. Exit codes: 0
the flight went on, 1 failed while running, 2 bad input. Released: contexts, streams, events, graphs, pinned and device
memory, TensorRT's objects. After a sticky error (illegal address, failed kernel) the driver refuses every single
release, and the context is given back with all that is in it.

| fault | exit | what the user sees | released |
|---|---|---|---|"""

FAULTS = [
    Fault("no fault", says=("5 frames", "CUDA graph"), works=True),
    Fault("no GPU", cuda="cuInit:1+=100", says=("cuInit with error 100", "is a GPU there")),
    Fault("GPU gone after the check", cuda="cuInit:2=100", says=("no CUDA-capable device is detected",)),
    Fault("no room for the context", cuda="cuDevicePrimaryCtxRetain:1=2", says=("out of memory", MEMORY)),
    Fault("no stream", cuda="cuStreamCreate:1=2", says=("cuStreamCreate failed: out of memory", MEMORY)),
    Fault("no event", cuda="cuEventCreate:3=2", says=("cuEventCreate failed: out of memory", MEMORY)),
    Fault("no room for pinned memory", cuda="cuMemHostAlloc:2+=2", says=("out of memory", MEMORY)),
    Fault("no room for device memory", cuda="cuMemAlloc_v2:2+=2", says=("out of memory", MEMORY)),
    Fault("room after a garbage collection", cuda="cuMemAlloc_v2:1=2", says=("5 frames",), works=True),
    Fault(
        "mapping refused",
        cuda="cuMemHostGetDevicePointer_v2:1=801",
        options=("zero-copy",),
        says=("cuMemHostGetDevicePointer failed: operation not supported",),
    ),
    Fault(
        "GPU cannot map",
        settings=(("CUDA_SIM_MAP_HOST", "0"),),
        options=("zero-copy",),
        code=2,
        says=("zero_copy: this GPU cannot map host memory",),
    ),
    Fault("TensorRT does not start", tensorrt="Runtime:1", says=("TensorRT does not start", "error: 35")),
    Fault(
        "engine not loaded",
        tensorrt="deserialize_cuda_engine:1",
        says=("TensorRT cannot load", "OutOfMemory", MEMORY, REBUILD),
    ),
    Fault(
        "another TensorRT, passport says",
        settings=(("TRT_SIM_VERSION", "10.16.1.11"),),
        code=2,
        says=("was built with TensorRT 10.3.0, here 10.16.1.11", REBUILD),
    ),
    Fault(
        "no execution context",
        tensorrt="create_execution_context:1",
        says=("make room", "OutOfMemory", MEMORY),
    ),
    Fault("address refused", tensorrt="set_tensor_address:2", says=("does not take the memory of",)),
    Fault("first run refused", tensorrt="execute_async_v3:1", says=("could not run the engine", "enqueueV3")),
    Fault(
        "capture refused by TensorRT",
        tensorrt="execute_async_v3:2",
        works=True,
        says=("5 frames", "no CUDA graph (TensorRT could not run the engine"),
    ),
    Fault(
        "capture refused by the driver",
        cuda="cuStreamBeginCapture_v2:1=900",
        works=True,
        says=("5 frames", "no CUDA graph (CUDA: cuStreamBeginCapture_v2 failed: operation not permitted"),
    ),
    Fault(
        "capture spoiled",
        cuda="run:capture:1=1",
        works=True,
        says=(
            "5 frames",
            "no CUDA graph (CUDA: cuStreamEndCapture failed: operation failed due to a previous",
        ),
    ),
    Fault(
        "graph not instantiated",
        cuda="cuGraphInstantiateWithFlags:1=2",
        works=True,
        says=("5 frames", "no CUDA graph (CUDA: cuGraphInstantiateWithFlags failed: out of memory"),
    ),
    Fault(
        "first graph launch fails",
        cuda="cuGraphLaunch:1=1",
        works=True,
        says=("5 frames", "no CUDA graph (CUDA: cuGraphLaunch failed: invalid argument"),
    ),
    Fault(
        "graph launch fails in flight",
        cuda="cuGraphLaunch:4=1",
        says=("cuGraphLaunch failed: invalid argument",),
    ),
    Fault(
        "run refused in flight",
        tensorrt="execute_async_v3:4",
        options=("plain",),
        says=("could not run the engine: IExecutionContext::enqueueV3",),
    ),
    Fault(
        "copy in fails",
        cuda="cuMemcpyHtoDAsync_v2:4=400",
        options=("plain",),
        says=("invalid resource handle",),
    ),
    Fault(
        "copy out fails",
        cuda="cuMemcpyDtoHAsync_v2:4=400",
        options=("plain",),
        says=("invalid resource handle",),
    ),
    Fault("event fails", cuda="cuEventRecord:12=400", says=("cuEventRecord failed: invalid resource handle",)),
    Fault("illegal address in the first run", cuda="run:launch:1=700", says=(ILLEGAL, LOST), lost=True),
    Fault("illegal address in the first replay", cuda="run:launch:2=700", says=(ILLEGAL, LOST), lost=True),
    Fault("illegal address in flight", cuda="run:launch:5=700", says=(ILLEGAL, LOST), lost=True),
    Fault(
        "illegal address in flight, no graph",
        cuda="run:launch:4=700",
        options=("plain",),
        lost=True,
        says=(ILLEGAL, LOST),
    ),
    Fault("copy fails on the device", cuda="run:copy:9=700", says=(ILLEGAL, LOST), lost=True),
    Fault("kernel fails", cuda="run:launch:5=719", says=("unspecified launch failure", LOST), lost=True),
    Fault("kernel takes too long", cuda="run:launch:5=702", says=("timed out", LOST), lost=True),
    Fault("sticky error while waiting", cuda="cuEventSynchronize:4=700", says=(ILLEGAL, LOST), lost=True),
    Fault(
        "sticky error while closing",
        cuda="cuStreamSynchronize:1=700",
        says=("5 frames",),
        works=True,
        lost=True,
    ),
    Fault(
        "memory not freed",
        cuda="cuMemFree_v2:1=1",
        says=("5 frames",),
        pycuda_says=("cuMemFree failed",),
        works=True,
        lost=True,
    ),
]


def inject_all(
    sim: Simulator, faults: Iterable[Fault], bundle: Path, without_pycuda: Iterable[Fault] = ()
) -> list[Ended]:
    """Run the flight with each of them, then with each that is to be flown without pycuda."""
    flights = []
    runs = [*((fault, {}) for fault in faults), *((fault, WITHOUT_PYCUDA) for fault in without_pycuda)]
    for fault, calls in runs:
        settings = {"CUDA_SIM_FAIL": fault.cuda, "TRT_SIM_FAIL": fault.tensorrt, **dict(fault.settings), **calls}
        flights.append(([str(bundle), "5", *fault.options], settings))
    return fly_each(sim, flights)


def main() -> None:
    """Write the table as Markdown into its part of the page; the other part stays."""
    from tests.conftest import write_bundle

    try:
        sim = simulator()
    except Unavailable as reason:
        raise SystemExit(f"no simulated CUDA driver: {reason}") from None
    rows = []
    with tempfile.TemporaryDirectory() as name:
        bundle = add_engine(write_bundle(Path(name) / "deer"))
        for fault, ended in zip(FAULTS, inject_all(sim, FAULTS, bundle), strict=True):
            said = ended.out + ended.err
            lines = [line for line in said.replace(str(bundle), "models/deer").splitlines() if line != "opened"]
            rows.append(f"| {fault.name} | {ended.code} | {'<br>'.join(lines)} | {_released(ended)} |")
    put_part(Path(sys.argv[1]), HEADING, "\n".join([HEAD, *rows]))


def _released(ended: Ended) -> str:
    left = ended.leaks()
    by_driver = left.pop("freed_with_context", 0)
    if left:
        return "LEFT BEHIND: " + ", ".join(f"{n} {what}" for what, n in left.items())
    return f"all, {by_driver} of it by the driver with the context" if by_driver else "all"


if __name__ == "__main__":
    main()
