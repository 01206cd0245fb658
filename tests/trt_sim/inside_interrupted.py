"""`edge.engine.trt.TrtEngine`: threads, closing, errors and interrupts. Run by tests/edge/engine/test_cuda.py."""

from __future__ import annotations

import random
import signal
import threading
import weakref
from types import FrameType

import pytest
import tensorrt as trt

from edge.engine.ort import OrtEngine
from edge.engine.readiness import Probe
from edge.engine.trt import TrtEngine
from edge.errors import EngineError
from edge.model.bundle import Bundle
from tests.cuda_sim.sim import counters
from tests.trt_sim.plan import equal, pictures

pytestmark = pytest.mark.usefixtures("everything_is_given_back")


def test_one_thread(bundle: Bundle) -> None:
    said = []

    def elsewhere() -> None:
        for call in (lambda: engine.infer(pictures(1)[0]), engine.close):
            with pytest.raises(EngineError, match="belongs to thread 'MainThread' and was used in") as caught:
                call()
            said.append(caught)

    with TrtEngine(bundle) as engine:
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert len(said) == 2
        engine.infer(pictures(1)[0])


def test_a_thread_of_its_own_that_forgets_to_close(bundle: Bundle) -> None:
    """pycuda aborts the process where a thread ends with a context still pushed."""
    done = []

    def fly() -> None:
        done.append(TrtEngine(bundle).infer(pictures(1)[0]))

    thread = threading.Thread(target=fly)
    thread.start()
    thread.join()
    assert len(done) == 1


def test_closed_twice_and_used_after(bundle: Bundle) -> None:
    engine = TrtEngine(bundle)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed: open it again"):
        engine.infer(pictures(1)[0])


def test_two_engines_side_by_side(bundle: Bundle) -> None:
    first, second = TrtEngine(bundle), TrtEngine(bundle)
    image = pictures(1)[0]
    expected = first.infer(image)
    first.close()
    assert equal(second.infer(image), expected)
    second.close()


def test_an_error_in_flight_is_told_and_the_next_frame_works(bundle: Bundle) -> None:
    image = pictures(1)[0]
    with TrtEngine(bundle, cuda_graph=False) as engine:
        expected = engine.infer(image)
        trt._fail_at["execute_async_v3"] = trt._calls["execute_async_v3"] + 1
        with pytest.raises(EngineError, match="could not run the engine: IExecutionContext::enqueueV3: Error"):
            engine.infer(image)
        assert equal(engine.infer(image), expected)


def test_the_graph_goes_before_what_it_was_captured_from(bundle: Bundle) -> None:
    before, seen = counters()["graph_execs"], []
    with TrtEngine(bundle) as engine:
        weakref.finalize(engine._plan._context, lambda: seen.append(counters()["graph_execs"]))
        assert counters()["graph_execs"] == before + 1
    assert seen == [before]


class Interrupt(Exception):
    """Stands for Ctrl-C."""


def interrupt(_number: int, frame: FrameType | None) -> None:
    """Raise, but not inside the simulated TensorRT: the real one is C++, where no handler of Python's runs, and no
    frame is left in the traceback to hold its objects.
    """
    while frame:
        if frame.f_code.co_filename == trt.__file__:
            signal.setitimer(
                signal.ITIMER_REAL, 2e-4
            )  # soon after the call; sooner than this handler is through it recurs
            return
        frame = frame.f_back
    raise Interrupt


# an interrupt inside pathlib leaves a file to the garbage collector, which says so
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_interrupted_anywhere_it_gives_everything_back(bundle: Bundle) -> None:
    """Fifty interrupts at random moments of opening and inferring; `everything_is_given_back` looks."""
    probe = Probe(bundle)
    assert probe.mismatches == []  # read and asked once: files and nvpmodel are not what is tried here
    rng, image, came, inferred, latest_s = random.Random(), pictures(1)[0], 0, 0, 0.03
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        while not inferred:
            for _ in range(50):
                try:
                    signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-4, latest_s))
                    with TrtEngine(bundle, probe=probe) as engine:
                        for _ in range(500):
                            engine.infer(image)
                            inferred += 1
                except Interrupt:
                    came += 1
            latest_s *= 4  # where a busy machine never got beyond opening
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert came > 40


def test_after_an_interrupt_the_engine_still_tells_the_truth(bundle: Bundle) -> None:
    rng, images = random.Random(), pictures(2)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with TrtEngine(bundle) as engine, OrtEngine(bundle) as reference:
            expected = [reference.infer(image) for image in images]
            for i in range(50):
                try:
                    signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-4, 3e-3))
                    for _ in range(500):
                        engine.infer(images[0])
                except Interrupt:
                    assert equal(engine.infer(images[i % 2]), expected[i % 2])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
