"""Which of a bundle's two graphs ONNX Runtime runs: only where the processor multiplies bytes, and only if it pays."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.app.settings import MODEL
from edge.data import RawDetections
from edge.engine import cpu_graph, open_engine, readiness
from edge.engine.cpu_graph import ENOUGH, ROUNDS, timed
from edge.engine.ort import OrtEngine
from edge.errors import BundleError, InputError
from edge.model.bundle import ONNX_CPU, ONNX_INT8, WEIGHTS, Bundle
from edge.system import cpu
from tests.support.toy_engine import ToyEngine


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    """Both graphs, which compute the same; nothing says of how many bits the weights are, which means 8."""
    data = (tiny_bundle / ONNX_CPU).read_bytes()
    (tiny_bundle / ONNX_INT8).write_bytes(data)
    plain = Bundle.load(tiny_bundle)
    replace(plain, files={**plain.files, ONNX_INT8: hashlib.sha256(data).hexdigest()}).write_json()
    return Bundle.load(tiny_bundle)


@pytest.fixture
def seven(bundle: Bundle) -> Bundle:
    """The same, with weights of 7 bits by its word."""
    replace(bundle, int8={"weight_bits": 7}).write_json()
    return Bundle.load(bundle.path)


def here(monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], *ms: float) -> list[str]:
    """A processor with ``flags`` on which INT8 and float take ``ms``; the names of graphs that were closed."""
    closed: list[str] = []
    monkeypatch.setattr(cpu, "_flags", lambda: frozenset(flags))
    monkeypatch.setattr(cpu_graph, "timed", lambda *engines: list(ms))
    monkeypatch.setattr(OrtEngine, "_release", lambda engine: closed.append(engine.backend))
    return closed


def test_int8_where_it_is_faster(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = here(monkeypatch, ("avx_vnni",), 90.0, 100.0)
    with open_engine(bundle, "ort") as engine:
        assert engine.backend == "ort-int8"
        assert closed == ["ort"]
        assert "model.int8.onnx and not model.onnx: INT8 takes 90 ms a frame here, float 100" in engine.notes[0]
        assert engine.notes[0].endswith(f"INT8 is taken up to {ENOUGH:g} of float; avx_vnni)")
        assert engine.description.endswith("; model.int8.onnx")
    assert closed == ["ort", "ort-int8"]


def test_float_where_int8_does_not_pay(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = here(monkeypatch, ("avx_vnni",), 90.1, 100.0)
    with open_engine(bundle, "ort") as engine:
        assert engine.backend == "ort"
        assert closed == ["ort-int8"]
        assert engine.notes[0].startswith("model.onnx and not model.int8.onnx: INT8 takes 90 ms")
        assert "int8" not in engine.description


def test_float_at_once_where_bytes_are_not_multiplied(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    here(monkeypatch, ())  # timing would fail
    with open_engine(bundle, "ort") as engine:
        assert engine.backend == "ort"
        assert re.match(r"model\.onnx and not model\.int8\.onnx: .* none of avx512_vnni", engine.notes[0])
        assert re.search(r"threads?$", engine.description)


@pytest.mark.parametrize(("int8_ms", "taken", "other"), [(90.0, ONNX_INT8, ONNX_CPU), (90.1, ONNX_CPU, ONNX_INT8)])
def test_avx2_is_enough_for_weights_of_7_bits(
    seven: Bundle, monkeypatch: pytest.MonkeyPatch, int8_ms: float, taken: str, other: str
) -> None:
    here(monkeypatch, ("avx2", "sse4_2"), int8_ms, 100.0)
    with open_engine(seven, "ort") as engine:
        assert engine.backend == {ONNX_INT8: "ort-int8", ONNX_CPU: "ort"}[taken]
        assert engine.notes[0].startswith(f"{taken} and not {other}: INT8 takes 90 ms a frame here, float 100 (")
        assert engine.notes[0].endswith("INT8 is taken up to 0.9 of float; avx2, enough for weights of 7 bits)")
    with open_engine(seven, "ort-int8") as engine:
        assert (engine.backend, list(engine.notes)) == ("ort-int8", [])


def test_avx2_is_not_enough_for_weights_of_8_bits(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    here(monkeypatch, ("avx2",))  # timing would fail
    lacks = "this processor has none of avx512_vnni, avx_vnni, amx_int8, asimddp, i8mm"
    advice = (
        "; its avx2 is enough for weights of 7 bits, which edge-export onnx --int8 writes, and these have 8: make the "
        "graph again"
    )
    with open_engine(bundle, "ort") as engine:
        assert engine.backend == "ort"
        assert list(engine.notes) == [f"model.onnx and not model.int8.onnx: {lacks}{advice}"]
    with open_engine(bundle, "ort-int8") as engine:
        assert list(engine.notes) == [f"{lacks}, with which INT8 is fast: model.onnx may be faster{advice}"]


def test_weights_of_7_bits_where_there_is_not_even_avx2(seven: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    here(monkeypatch, ("sse4_2",))
    with open_engine(seven, "ort") as engine:
        assert engine.notes[0].endswith("has none of avx512_vnni, avx_vnni, amx_int8, asimddp, i8mm, avx2")


def test_a_bundle_without_int8_says_nothing_of_it(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here(monkeypatch, ("avx_vnni",))
    with open_engine(tiny_bundle, "ort") as engine:
        assert (re.search(r"threads?$", engine.description) is not None, list(engine.notes)) == (True, [])


def test_both_are_timed(seven: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """For real; the fixture of all tests answers for it elsewhere."""
    monkeypatch.setattr(cpu, "_flags", lambda: frozenset(("avx2",)))
    monkeypatch.setattr(cpu_graph, "timed", timed)
    with open_engine(seven, "ort") as engine:
        (note,) = engine.notes
    assert re.match(r"model\S+ and not model\S+: INT8 takes \d+ ms a frame here, float \d+ \(medians of 5 grey ", note)


def test_a_graph_that_is_asked_for_is_not_timed(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    here(monkeypatch, ())
    with open_engine(bundle, "ort-int8") as engine:
        assert (engine.backend, engine.description[-17:]) == ("ort-int8", "; model.int8.onnx")
        assert "with which INT8 is fast" in engine.notes[0]
    with open_engine(bundle, "ort-float") as engine:
        assert (engine.backend, engine.notes) == ("ort-float", ())
    here(monkeypatch, ("i8mm",))
    with open_engine(bundle, "ort-int8") as engine:
        assert list(engine.notes) == []


def test_int8_of_a_bundle_that_has_none(tiny_bundle: Path) -> None:
    with pytest.raises(BundleError, match=r"has no model\.int8\.onnx: make one: edge-export onnx --checkpoint .* DIR$"):
        open_engine(tiny_bundle, "ort-int8")


def test_an_int8_graph_that_cannot_be_loaded_is_told(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    here(monkeypatch, ("avx_vnni",))
    bundle.file(ONNX_INT8).write_bytes(b"nothing")
    with open_engine(bundle, "ort") as engine:
        assert engine.backend == "ort"
        assert "cannot load" in engine.notes[0]


def test_weights_that_would_saturate_are_moved(bundle: Bundle, seven: Bundle) -> None:
    """Without VNNI two products are added in 16 bits; ONNX Runtime avoids it where it is asked to.

    It is asked whatever model.json says: it looks at the weights itself, and leaves those of 7 bits as they are.
    """
    for graph, said, expected in ((ONNX_INT8, bundle, "1"), (ONNX_INT8, seven, "1"), (ONNX_CPU, bundle, None)):
        with OrtEngine(said, graph=graph) as engine:
            options = engine._session.get_session_options()
            if expected:
                assert options.get_session_config_entry("session.x64quantprecision") == expected
            else:
                with pytest.raises(RuntimeError):
                    options.get_session_config_entry("session.x64quantprecision")


def test_info_and_doctor_say_which_graph_it_is(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(bundle: Bundle | None) -> str:
        return readiness.onnxruntime_need(bundle).text.split(", ", 1)[1]

    monkeypatch.setattr(cpu, "_flags", lambda: frozenset({"i8mm", "avx_vnni", "avx2"}))
    able = "on the CPU; model.int8.onnx where it is faster than model.onnx: this processor has avx_vnni, i8mm"
    assert [said(Bundle.load(MODEL)), said(None)] == [able, able]
    assert said(Bundle.load(tiny_bundle)) == "on the CPU"
    monkeypatch.setattr(cpu, "_flags", frozenset)
    unable = "on the CPU; model.onnx and not model.int8.onnx: this processor has none of "
    assert said(None) == unable + "avx512_vnni, avx_vnni, amx_int8, asimddp, i8mm, avx2"
    eight = replace(Bundle.load(MODEL), int8={})
    assert said(eight) == unable + "avx512_vnni, avx_vnni, amx_int8, asimddp, i8mm"
    monkeypatch.setattr(cpu, "_flags", lambda: frozenset({"avx2"}))
    pairs = (
        "on the CPU; model.int8.onnx where it is faster than model.onnx: this processor has avx2, enough for weights "
    )
    assert [said(replace(eight, int8={"weight_bits": 7})), said(None)] == [pairs + "of 7 bits"] * 2
    assert said(eight).endswith(
        "i8mm; its avx2 is enough for weights of 7 bits, which edge-export onnx --int8 writes, "
        "and these have 8: make the graph again"
    )


def test_the_bundled_int8_graph_and_what_it_was_made_of() -> None:
    bundle = Bundle.load(MODEL)
    assert bundle.files[WEIGHTS] == "688c854d2ddd90f61f6df89b9b4e05782ddf07a04b2a7934feb814a6bb14d3e5"
    assert bundle.files[ONNX_INT8] == "2327e74b393f8a9a4af9bbd08828c4de7f6464a6359b094ad10edcef7b60fe99"
    assert bundle.file(ONNX_INT8).stat().st_size < 1_000_000
    assert {**bundle.int8, "frames_sha256": bundle.int8["frames_sha256"][:8]} == {
        "method": "least error to the power 2.5",
        "frames": 32,
        "frames_sha256": "bb78ff70",
        "layers": 37,
        "weight_bits": 7,
    }


class Slow(ToyEngine):
    """Takes ``ms`` by a clock that only it moves; the first frame a second more."""

    now = 0.0

    def __init__(self, bundle: Bundle, ms: list[float], seen: list[str], name: str) -> None:
        super().__init__(bundle)
        self.ms, self.seen, self.name = iter(ms), seen, name

    def _infer(self, image: np.ndarray) -> RawDetections:
        assert (image == 128).all()
        self.seen.append(self.name)
        Slow.now += next(self.ms) / 1000
        return super()._infer(image)


def test_times_are_medians_of_frames_in_turns(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "perf_counter", lambda: Slow.now)
    seen: list[str] = []
    a, b = Slow(bundle, [1000, 4, 9, 3, 5, 90], seen, "a"), Slow(bundle, [1000, 1, 2, 2, 7, 8], seen, "b")
    assert timed(a, b) == pytest.approx([5, 2])
    assert "".join(seen) == "ab" * (ROUNDS + 1)


def test_who_asks_for_an_unknown_one_is_told_all(bundle: Bundle) -> None:
    with pytest.raises(InputError, match="auto, ort, ort-float, ort-int8, openvino, trt, null"):
        open_engine(bundle, "int8")
