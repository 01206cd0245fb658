"""What every engine passes: ONNX Runtime, OpenVINO where it is installed, the null engine, a toy, and the one that
docs/extending.md shows; TensorRT in tests/trt_sim. A new engine is a name here.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edge
from edge.engine import open_engine
from edge.engine.null import NullEngine
from edge.engine.openvino import OpenVinoEngine
from edge.engine.ort import OrtEngine
from edge.engine.select import BACKENDS
from edge.model.bundle import Bundle
from edge.seams import Engine
from tests.conftest import HEIGHT, WIDTH, K
from tests.support import openvino_stand_in
from tests.support.examples import example
from tests.support.toy_engine import ToyEngine

BARE = "sim:live=0,width=80,height=64,pitch=-90,people=0,deer=0,cars=0"  # a small map
Make = Callable[[Bundle], Engine]


@pytest.fixture(params=[OrtEngine, OpenVinoEngine, NullEngine, ToyEngine, example("engine").WarmSpots])
def make(request: pytest.FixtureRequest) -> Make:
    kind: Make = request.param
    if kind is OpenVinoEngine:
        openvino_stand_in.real()
    return kind


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return Bundle.load(tiny_bundle)


def picture(x: int, y: int, value: int = 200) -> np.ndarray:
    """Cool ground with one hot cell."""
    image = np.full((HEIGHT, WIDTH), 20, np.uint8)
    image[y : y + 8, x : x + 8] = value
    return image


def numbers(raw: edge.RawDetections) -> list[list[object]]:
    return [raw.boxes.tolist(), raw.scores.tolist(), raw.labels.tolist(), [raw.converged, raw.finite]]


def test_it_says_what_it_is(make: Make, bundle: Bundle) -> None:
    with make(bundle) as engine:
        assert isinstance(engine, Engine)
        assert engine.bundle is bundle
        for line in (engine.backend, engine.description, *engine.notes):
            assert line
            assert "\n" not in line
        assert all(isinstance(name, str) and isinstance(value, str) for name, value in engine.versions.items())


def test_shapes_and_types_of_a_result(make: Make, bundle: Bundle) -> None:
    with make(bundle) as engine:
        raw = engine.infer(picture(40, 24))
    assert (raw.boxes.shape, raw.boxes.dtype) == ((K, 4), np.dtype(np.float32))
    assert (raw.scores.shape, raw.scores.dtype) == ((K,), np.dtype(np.float32))
    assert (raw.labels.shape, raw.labels.dtype) == ((K,), np.dtype(np.int32))
    assert (np.diff(raw.scores) <= 0).all()
    assert ((raw.scores >= 0) & (raw.scores <= 1)).all()
    assert (raw.converged, raw.finite) == (True, True)


def test_where_the_time_went(make: Make, bundle: Bundle) -> None:
    with make(bundle) as engine:
        engine.infer(picture(0, 0))
        assert all(name.isidentifier() and ms >= 0 for name, ms in engine.last_ms.items())


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((HEIGHT, WIDTH + 1), np.uint8),
        np.zeros((1, HEIGHT, WIDTH), np.uint8),
        np.zeros((HEIGHT, WIDTH), np.float32),
        np.zeros((HEIGHT, WIDTH), np.uint16),
    ],
)
def test_another_image_is_refused_and_the_next_one_is_taken(make: Make, bundle: Bundle, image: np.ndarray) -> None:
    with make(bundle) as engine:
        with pytest.raises(edge.EngineError, match=r"expected uint8 \(64, 80\)"):
            engine.infer(image)
        engine.infer(picture(0, 0))


def test_image_and_result_are_the_callers(make: Make, bundle: Bundle) -> None:
    with make(bundle) as engine:
        image = picture(16, 8)
        first = engine.infer(image)
        expected = numbers(first)
        image[:] = picture(72, 56, 255)
        second = engine.infer(image)
        assert numbers(first) == expected  # neither the image nor the next result is behind it
        second.boxes[:], second.scores[:], second.labels[:] = 7, 7, 7
        image.flags.writeable = False
        image = picture(16, 8)
        image.flags.writeable = False
        assert numbers(engine.infer(image)) == expected  # nor is it behind the next result


def test_an_image_need_not_be_contiguous(make: Make, bundle: Bundle) -> None:
    wide = np.zeros((HEIGHT, 2 * WIDTH), np.uint8)
    wide[:, ::2] = picture(16, 8)
    with make(bundle) as engine:
        assert numbers(engine.infer(wide[:, ::2])) == numbers(engine.infer(picture(16, 8)))


def test_a_block_closes_it_also_in_an_error_and_twice_is_well(make: Make, bundle: Bundle) -> None:
    with pytest.raises(ZeroDivisionError), make(bundle) as engine:
        raise ZeroDivisionError
    engine.close()
    with pytest.raises(edge.EngineError, match="^the engine is closed: open it again$"):
        engine.infer(picture(0, 0))


def test_another_thread_is_refused_and_the_first_goes_on(make: Make, bundle: Bundle) -> None:
    said: list[str] = []

    def elsewhere() -> None:
        for call in (lambda: engine.infer(picture(0, 0)), engine.close):
            with pytest.raises(edge.EngineError) as caught:
                call()
            said.append(str(caught.value))

    with make(bundle) as engine:
        expected = numbers(engine.infer(picture(8, 8)))
        thread = threading.Thread(target=elsewhere, name="other")
        thread.start()
        thread.join()
        words = (
            "the engine belongs to thread 'MainThread' and was used in 'other': open and use an engine in one thread"
        )
        assert said == [words, words]
        assert numbers(engine.infer(picture(8, 8))) == expected


def test_it_flies(make: Make, bundle: Bundle) -> None:
    with edge.open_camera(f"{BARE},frames=3") as camera, make(bundle) as engine:
        results = list(edge.stream(camera, engine, threshold=0.0))
        assert [result.inferred for result in results] == [True] * 3
        assert {f"engine.{name}" for name in engine.last_ms} == {
            name for name in results[-1].stages_ms if name.startswith("engine.")
        }


# ---- the table, and what the base class does


def test_a_new_engine_is_one_file_and_one_row(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    known = ", ".join(BACKENDS)
    monkeypatch.setitem(BACKENDS, "toy", "tests.support.toy_engine")
    with open_engine(bundle, "toy", spin=True) as engine:
        assert type(engine).__name__ == "ToyEngine"
        assert engine.chosen == "asked for"
        assert engine.notes == ["zero_copy and spin do nothing here: they are TensorRT's"]
        assert engine.infer(picture(40, 24)).boxes[0].tolist() == [40, 24, 41, 25]
    with pytest.raises(edge.InputError, match=f"'cuda': expected one of auto, {known}, toy"):
        open_engine(bundle, "cuda")


def test_every_backend_of_the_table_opens_an_engine(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", openvino_stand_in.stand_in())
    for backend in set(BACKENDS) - {"trt", "ort-int8"}:  # those want a file that this bundle has not
        with open_engine(bundle, backend) as engine:
            assert engine.backend == backend


def test_an_engine_of_ones_own_flies_and_is_released_once(bundle: Bundle) -> None:
    engine = ToyEngine(bundle)
    with edge.open_camera(f"{BARE},frames=2") as camera, engine:
        (_, result) = edge.stream(camera, engine, threshold=0.0)
        assert result.stages_ms["engine.look"] == 1.5
        assert len(result.detections) == 1
    engine.close()
    assert engine.released == 1
