"""TensorRT that ends run after run: ONNX Runtime takes its place, and says why; later it is tried again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import edge
import edge.app.run as module
from edge.app.degrade.engine_deaths import FILE, EngineDeaths
from edge.app.settings import RunSettings
from edge.engine import open_engine
from edge.engine.null import NullEngine
from edge.errors import EngineError
from edge.model.bundle import Bundle
from edge.seams import Engine


class Clock:
    t = 1000.0

    def __call__(self) -> float:
        return self.t


def died(deaths: EngineDeaths, error: BaseException | None = None) -> None:
    error = error or EngineError("CUDA error 700")
    deaths.backend = "trt"
    assert deaths(type(error), error, None) is False


def test_three_times_in_ten_minutes_of_one_boot(tmp_path: Path) -> None:
    clock, out = Clock(), tmp_path / "out"
    for n in range(3):
        deaths = EngineDeaths(out, clock, "boot 1")
        assert deaths.why_not() == "", n
        died(deaths)
        clock.t += 60
    assert deaths.path == tmp_path / FILE
    why = EngineDeaths(out, clock, "boot 1").why_not()
    assert why.startswith("TensorRT ended 3 runs in 10 minutes (CUDA error 700): ONNX Runtime takes its place")
    assert EngineDeaths(out, clock, "boot 2").why_not() == ""
    clock.t = 1600.0
    assert EngineDeaths(out, clock, "boot 1").why_not() != ""
    clock.t = 1600.1  # the first of them is ten minutes ago
    assert EngineDeaths(out, clock, "boot 1").why_not() == ""


def test_only_an_engine_error_of_tensorrt_counts(tmp_path: Path) -> None:
    deaths = EngineDeaths(tmp_path / "out", Clock(), "b")
    died(deaths, KeyboardInterrupt())
    deaths(None, None, None)
    deaths.backend = "ort"
    deaths(EngineError, EngineError("x"), None)
    assert not deaths.path.exists()


def test_a_broken_file_and_a_folder_that_is_gone_stop_nothing(tmp_path: Path) -> None:
    deaths = EngineDeaths(tmp_path / "out", Clock(), "b")
    for text in ("", "[]", '{"boot": "b", "times": ["x"]}', "{" * 70_000):
        deaths.path.write_text(text)
        assert deaths.why_not() == ""
    gone = EngineDeaths(tmp_path / "gone/out", Clock(), "b")
    died(gone)
    assert gone.why_not() == ""


def test_a_service_keeps_it_in_its_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}/state:{tmp_path}/other")
    assert EngineDeaths(Path("/o/out")).path == tmp_path / "state" / FILE


class Dies(NullEngine):
    backend = "trt"

    def _infer(self, image: object) -> object:  # type: ignore[override]
        raise EngineError("TensorRT could not run the engine: CUDA error 700")


def test_runs_that_die_and_the_one_that_flies(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []

    def opened(bundle: Bundle, backend: str, **more: bool) -> Engine:
        asked.append(backend)
        return Dies(bundle) if backend in ("auto", "trt") else open_engine(bundle, backend, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "open_engine", opened)
    source = "sim:width=80,height=64,pitch=-90,people=0,deer=0,cars=0,live=0,frames=2"

    def start(backend: str = "auto") -> dict[str, object]:
        return edge.run(RunSettings(out=tmp_path / "out", source=source, model=tiny_bundle, backend=backend))

    for _ in range(3):
        with pytest.raises(EngineError):
            start()
    with caplog.at_level("INFO"):
        report = start()
    assert asked == ["auto", "auto", "auto", "ort"]
    assert (report["backend"], report["frames"]) == ("ort", 2)
    assert str(report["engine_chosen"]).startswith("TensorRT ended 3 runs in 10 minutes (TensorRT could not run the")
    assert any("Why: TensorRT ended 3 runs" in line for line in caplog.messages)
    with pytest.raises(EngineError):
        start("trt")  # who asks for it gets it
    assert len(json.loads((tmp_path / FILE).read_text())["times"]) == 3


def test_an_engine_that_cannot_be_opened_counts_where_tensorrt_was_chosen(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> Engine:
        raise EngineError("TensorRT cannot load it")

    monkeypatch.setattr(module, "open_engine", refused)
    settings = RunSettings(
        out=tmp_path / "out",
        source="sim:width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames=2,live=0",
        model=tiny_bundle,
    )
    with pytest.raises(EngineError):
        edge.run(settings)
    assert not (tmp_path / FILE).exists()  # ONNX Runtime's: there is nothing to fall back to
    monkeypatch.setattr(module, "choose_backend", lambda _: module.SimpleTrt)
    monkeypatch.setattr(module, "SimpleTrt", type("Choice", (), {"backend": "trt"}), raising=False)
    with pytest.raises(EngineError):
        edge.run(settings)
    assert (tmp_path / FILE).exists()
