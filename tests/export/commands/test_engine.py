"""``edge-export engine`` from end to end, with a stand-in for TensorRT that fails as boards do."""

from __future__ import annotations

import argparse
import dataclasses
import errno
import itertools
import json
import multiprocessing
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge.engine.device import Device
from edge.engine.passport_check import check_passport
from edge.errors import BundleError, EdgeError, EngineError, InputError
from edge.model.bundle import Bundle
from edge.model.engine_layers import LAYERS, LayerFacts, read_layers
from edge.model.graph_io import signature
from edge.model.passport import ENGINE, PASSPORT, BuildClocks, Passport
from export.commands import engine as engine_cli
from export.tensorrt import process as build_process
from export.tensorrt.build import BuiltEngine, build_engine, import_tensorrt
from tests.conftest import ROOT
from tests.support.half_detector import with_float16_graph
from tests.trt_sim.plan import AGREES

SIM = ROOT / "tests/builder_sim"
OF_THE_CHILD = ("killed", "crash", "python memory", "endless", "stuck")
FORK = multiprocessing.get_context("fork")
ORIN = Device("Orin", "8.7", 8, 7620, "12.6")


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    graph: dict[str, dict[str, object]] = {"inputs": {}, "outputs": {}}
    for name, (mode, shape, dtypes) in signature(Bundle.load(tiny_bundle)).items():
        graph[f"{mode.lower()}s"][name] = [shape, dtypes[0]]
    return with_float16_graph(tiny_bundle, json.dumps(graph).encode())


@pytest.fixture
def engine(bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Runs ``edge-export engine`` on an Orin Nano that is not there.

    The builder has a process of its own only where ``child`` says so, which is started as a user's, or what goes wrong
    is `OF_THE_CHILD`: then it is forked, for a Python of its own takes longer to start than all that it does here.
    """
    monkeypatch.syspath_prepend(SIM)
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(engine_cli, "find_device", lambda: ORIN)
    monkeypatch.setattr(engine_cli, "check_comparable", lambda *_: None)
    monkeypatch.setattr(engine_cli, "compare_in_process", lambda *_: AGREES)
    parser = argparse.ArgumentParser()
    engine_cli.add_engine_command(parser.add_subparsers())

    def here(module: str, *arguments: Any) -> BuiltEngine:
        return build_engine(import_tensorrt(module), *arguments)

    def run(*options: str, sim: str = "", child: bool = False) -> int:
        monkeypatch.setenv("BUILDER_SIM", sim)
        arguments = parser.parse_args(["engine", str(bundle.path), *options])
        with monkeypatch.context() as patch:
            if sim in OF_THE_CHILD:
                patch.setattr(build_process, "multiprocessing", SimpleNamespace(get_context=lambda _: FORK))
            elif not child:
                patch.setattr(engine_cli, "build_in_process", here)
            code: int = arguments.run(arguments)
        return code

    yield run
    sys.modules.pop("tensorrt", None)


def files(bundle: Bundle) -> set[str]:
    return {path.name for path in bundle.path.iterdir()}


BEFORE = {"model.json", "model.onnx", "model.fp16.onnx"}


def test_an_engine_with_a_passport_that_fits(engine, bundle: Bundle, tmp_path: Path, capsys) -> None:
    assert engine("--workspace-mib", "512", "--optimization-level", "5", child=True) == 0
    assert files(bundle) == BEFORE | {ENGINE, PASSPORT, LAYERS}
    assert read_layers(bundle.path) == {
        "input": LayerFacts("Reformat", "Half"), "pool": LayerFacts("CaskPooling", tactic="sm86_pool")
    }  # fmt: skip
    assert (bundle.path / ENGINE).read_bytes() == (bundle.path / "model.fp16.onnx").read_bytes()
    passport = Passport.read(bundle.path)
    assert passport.target.tensorrt == "10.3.0"
    assert passport.target.sm_count == 8
    assert passport.comparison == AGREES
    assert passport.options == {
        "strongly_typed": True, "tf32": False, "workspace_mib": 512, "optimization_level": 5
    }  # fmt: skip
    assert check_passport(bundle, passport.target) == []
    (cache,) = (tmp_path / "cache/thermal-edge").iterdir()
    assert cache.read_bytes() == b"timed;"
    assert "sm8.7_tensorrt-10.3.0" in cache.name
    said = capsys.readouterr().out
    assert "loads, its inputs and outputs are the model's" in said
    assert "8 frames (sim:live=0): 31 detections found by both, 0 lost, 0 added; of 12 weaker ones 12 found" in said
    assert "edge run" in said


def test_layers_that_tensorrt_does_not_tell_take_those_of_the_old_engine_away(engine, bundle: Bundle) -> None:
    engine()
    assert LAYERS in files(bundle)
    assert engine(sim="no inspector") == 0
    assert files(bundle) == BEFORE | {ENGINE, PASSPORT}
    assert read_layers(bundle.path) == {}


def test_the_second_build_knows_what_the_first_timed(engine, tmp_path: Path) -> None:
    engine()
    engine()
    (cache,) = (tmp_path / "cache/thermal-edge").iterdir()
    assert cache.read_bytes() == b"timed;timed;"


def test_a_damaged_timing_cache_is_left_aside(engine, tmp_path: Path) -> None:
    engine()
    (cache,) = (tmp_path / "cache/thermal-edge").iterdir()
    cache.write_bytes(b"damaged")
    engine()
    assert cache.read_bytes() == b"timed;"


def test_an_unwritable_cache_costs_time_only(engine, bundle: Bundle, tmp_path: Path, capsys) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert engine() == 0
    assert ENGINE in files(bundle)
    assert "the next build times all again" in capsys.readouterr().out


def test_dry_run_says_all_and_writes_nothing(engine, bundle: Bundle, tmp_path: Path, capsys) -> None:
    assert engine("--dry-run", "--workspace-mib", "640") == 0
    assert files(bundle) == BEFORE
    assert not (tmp_path / "cache").exists()
    said = capsys.readouterr().out
    for words in ("model.fp16.onnx", "model.engine", "TensorRT 10.3.0", "640 MiB of", "8.7", ".timing (new)"):
        assert words in said
    assert "minutes; not measured on a board" in said


def test_quiet(engine, capsys) -> None:
    assert engine("--quiet") == 0
    out = capsys.readouterr()
    assert out.out == out.err == ""


@pytest.mark.parametrize(
    ("sim", "words"),
    [
        ("killed", "killed, most likely by the kernel because memory ran out: close other programs"),
        ("no cuda", "does not start: CUDA initialization failure with error: 801"),
        ("crash", r"crashed \(SIGSEGV\)"),
        ("memory", r"any implementation for node Conv_4.*memory ran out \(workspace \d+ MiB\): close"),
        (
            "no tactic",
            r"any implementation for node Conv_4.*: 2 tactics failed, not for want of memory \(the first: an illegal "
            r"memory access was encountered\): try another --optimization-level, 0 to 5; this was 3$",
        ),
        ("python memory", "memory ran out while"),
        ("other shape", r"the built engine has boxes OUTPUT FLOAT \(1, 5, 4\)"),
        ("cannot load", "cannot load the engine that it just built: .*no room"),
    ],
)
def test_a_failed_build_is_one_line_and_leaves_nothing(engine, bundle: Bundle, sim: str, words: str) -> None:
    with pytest.raises(EngineError, match=words) as caught:
        engine("--quiet", sim=sim)
    assert "\n" not in str(caught.value)
    assert files(bundle) == BEFORE


def test_an_engine_that_flew_stays_when_the_next_build_fails(engine, bundle: Bundle) -> None:
    engine()
    before = (bundle.path / ENGINE).read_bytes(), (bundle.path / PASSPORT).read_bytes()
    with pytest.raises(EngineError):
        engine(sim="killed")
    assert ((bundle.path / ENGINE).read_bytes(), (bundle.path / PASSPORT).read_bytes()) == before


LOSES = dataclasses.replace(AGREES, both=28, lost=3)


def test_an_engine_that_loses_something_is_not_put_in_place(
    engine, bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engine_cli, "compare_in_process", lambda *_: LOSES)
    (bundle.path / "model.engine.new").mkdir()  # of a build that had no time to clear up
    with pytest.raises(EngineError) as caught:
        engine()
    assert str(caught.value) == (
        "the engine gives wrong results: it loses 3 of the 31 detections that ONNX Runtime finds (compared with ONNX "
        "Runtime 1.23.2 on 8 frames (sim:live=0): 28 detections found by both, 3 lost, 0 added; of 12 weaker ones 12 "
        "found by both; largest difference of a box 0.007 px, of a score 0.0005): it is not put in place: build "
        "another with --optimization-level 2, and report what happened"
    )
    assert files(bundle) == BEFORE
    assert [*(tmp_path / "cache/thermal-edge").iterdir()]  # the next build is quicker


def test_tactics_that_were_left_out(engine, capsys) -> None:
    assert engine(sim="skipped") == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "left out" in line]
    assert lines == [
        "2 tactics were left out for want of memory: an engine built with more memory free may be faster",
        "4 tactics were left out because they failed, not for want of memory (the first: Assertion vol == 1 failed.): "
        "the engine may be slower than it need be; try --optimization-level 2",
    ]


def test_the_clocks_of_the_build(engine, bundle: Bundle, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    clocks, events = itertools.chain([306, 510, 1020], itertools.repeat(306)), iter([4, 11])
    told = SimpleNamespace(gpu_mhz=lambda: next(clocks), over_current_events=lambda: next(events))
    monkeypatch.setattr(engine_cli, "Sensors", lambda: told)
    assert engine() == 0
    assert Passport.read(bundle.path).clocks == BuildClocks(1020, 7)
    assert "over-current protection stepped in 7 times while tactics were timed" in capsys.readouterr().out


@pytest.mark.parametrize("sim", ["endless", "stuck"])
def test_ctrl_c_stops_the_builder(engine, bundle: Bundle, sim: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At its next step, or by force where that does not come."""
    monkeypatch.setattr(build_process, "_GRACE_S", 0.2)
    children = []
    monkeypatch.setattr(engine_cli.BuildProgress, "step", lambda *_: ctrl_c(children))
    with pytest.raises(KeyboardInterrupt):
        engine(sim=sim)
    assert files(bundle) == BEFORE
    assert children
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)


def ctrl_c(children: list[int]) -> bool:
    children += [child.pid for child in multiprocessing.active_children() if child.pid]
    raise KeyboardInterrupt


def test_full_disk(engine, bundle: Bundle) -> None:
    """The file system refuses in the middle of the file: here by the process's limit on file sizes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        with pytest.raises(EngineError, match=r"model\.engine .*could not be written: .*make room"):
            engine("--quiet")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(bundle) == BEFORE


def test_no_engine_stays_without_its_passport(engine, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Passport, "write", full)
    with pytest.raises(EngineError, match="No space left on device"):
        engine()
    assert files(bundle) == BEFORE


def test_an_engine_of_before_stays_when_a_new_one_cannot_be_kept(
    engine, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine()
    before = {name: (bundle.path / name).read_bytes() for name in ("model.engine", "model.engine.json")}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Passport, "write", full)
    with pytest.raises(EngineError, match="No space left on device"):
        engine()
    assert {name: (bundle.path / name).read_bytes() for name in before} == before
    assert not (bundle.path / "model.engine.new").exists()


def test_a_bundle_without_the_graph_for_tensorrt(engine, bundle: Bundle) -> None:
    only_cpu = {name: digest for name, digest in bundle.files.items() if name == "model.onnx"}
    dataclasses.replace(bundle, files=only_cpu).write_json()
    with pytest.raises(BundleError, match=r"has no model\.fp16\.onnx"):
        engine()


def test_an_old_tensorrt(engine, monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorrt

    monkeypatch.setattr(tensorrt, "__version__", "8.6.2")
    with pytest.raises(InputError, match=r"TensorRT 8\.6\.2: expected 10\.3 or newer"):
        engine()


def test_no_tensorrt_at_all(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    parser = argparse.ArgumentParser()
    engine_cli.add_engine_command(parser.add_subparsers())
    arguments = parser.parse_args(["engine", str(bundle.path)])
    with pytest.raises(EdgeError, match="docs/jetson.md"):
        arguments.run(arguments)
