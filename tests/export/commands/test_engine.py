"""``edge-export engine`` from end to end, with a stand-in for TensorRT that fails as boards do."""

from __future__ import annotations

import argparse
import dataclasses
import errno
import itertools
import json
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edge.engine.device import Device
from edge.engine.passport_check import check_passport
from edge.engine.readiness import Need
from edge.errors import BundleError, EdgeError, EngineError, InputError
from edge.model.bundle import Bundle
from edge.model.comparison import Comparison
from edge.model.graph_io import signature
from edge.model.passport import ENGINE, PASSPORT, BuildClocks, Passport, Target
from export.commands import engine as engine_cli
from export.tensorrt import place
from export.tensorrt import plan as engine_plan
from export.tensorrt import process as build_process
from export.tensorrt.build import BuiltEngine, build_engine, import_tensorrt
from export.tensorrt.plan import available_mib, make_plan, timing_cache_path
from tests.conftest import ROOT
from tests.support.half_detector import with_float16_graph
from tests.trt_sim.plan import AGREES, add_engine

SIM = ROOT / "tests/builder_sim"
OF_THE_CHILD = ("killed", "crash", "python memory", "endless", "stuck")
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

    The builder has a process of its own only where ``child`` says so, or what goes wrong is `OF_THE_CHILD`.
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
            if not child and sim not in OF_THE_CHILD:
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
    assert files(bundle) == BEFORE | {ENGINE, PASSPORT}
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


def compared_again(bundle: Bundle, monkeypatch: pytest.MonkeyPatch, result: Comparison, *options: str) -> Candidate:
    """``--compare-only`` on an engine that is there, with this result; what was compared."""
    seen: list[Candidate] = []

    def compare(_: Bundle, candidate: Bundle, source: str, __: object) -> Comparison:
        passport = Passport.read(candidate.path)
        seen.append(Candidate((candidate.path / ENGINE).read_bytes(), passport.comparison, source))
        check_passport(candidate, Target())  # it can be opened
        return result

    monkeypatch.setattr(engine_cli, "compare_in_process", compare)
    monkeypatch.setattr(engine_cli, "check_comparable", lambda *_: None)
    parser = argparse.ArgumentParser()
    engine_cli.add_engine_command(parser.add_subparsers())
    arguments = parser.parse_args(["engine", str(bundle.path), "--compare-only", *options])
    try:
        assert arguments.run(arguments) == 0
    finally:
        assert not (bundle.path / "model.engine.new").exists()
    return seen[0]


class Candidate(NamedTuple):
    engine: bytes
    comparison: Comparison | None
    source: str


def test_the_engine_that_is_there_is_compared_and_stays(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    bundle = Bundle.load(add_engine(tiny_bundle))
    before, engine = Passport.read(bundle.path), (bundle.path / ENGINE).read_bytes()
    dataclasses.replace(before, comparison=LOSES).write(bundle.path)  # so it would not be opened
    result = dataclasses.replace(AGREES, added=1)
    seen = compared_again(bundle, monkeypatch, result, "--frames", "stills")
    assert seen == Candidate(engine, None, "stills")
    assert Passport.read(bundle.path) == dataclasses.replace(before, comparison=result)
    assert (bundle.path / ENGINE).read_bytes() == engine
    assert capsys.readouterr().out == f"{result}\nnote: detections that only the engine finds: 1\n"


def test_frames_with_nothing_in_them_are_told(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    bundle = Bundle.load(add_engine(tiny_bundle))
    seen = compared_again(bundle, monkeypatch, dataclasses.replace(AGREES, both=0))
    assert seen.source == "sim:live=0,fps=0.5,ffc_interval=0,frames=24,width=80,height=64"
    said = capsys.readouterr().out.splitlines()
    assert "8 frames (sim:live=0): no detection with a score of 0.5 or more in them; of 12 weaker ones" in said[0]
    assert said[1:] == [
        "note: the 8 frames hold no detection with a score of 0.5 or more",
        "give frames with objects in them: --compare-only --frames DIR",
    ]


def test_an_engine_that_is_wrong_now_is_marked(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = Bundle.load(add_engine(tiny_bundle))
    with pytest.raises(EngineError, match=r"loses 3 .*: its passport says so now, and edge run refuses it"):
        compared_again(bundle, monkeypatch, LOSES)
    assert Passport.read(bundle.path).comparison == LOSES


@pytest.mark.parametrize(
    ("gone", "words"), [(ENGINE, "has no model.engine"), (PASSPORT, "has no passport"), (None, "cannot be read")]
)
def test_nothing_to_compare(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, gone: str | None, words: str) -> None:
    bundle = Bundle.load(add_engine(tiny_bundle))
    if gone:
        (bundle.path / gone).unlink()
    else:
        (bundle.path / PASSPORT).write_text("{")
    with pytest.raises(BundleError, match=words):
        compared_again(bundle, monkeypatch, AGREES)


def test_what_the_comparison_needs_is_looked_for_before_minutes_are_spent(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, ready = Bundle.load(tiny_bundle), [Need("GPU", "ready", "Orin")]
    monkeypatch.setattr(place.Probe, "libraries", [*ready, Need("pycuda", "missing", "not installed", ("install it",))])
    with pytest.raises(InputError, match=r"before it flies, and that cannot be done: pycuda: not installed: run: inst"):
        place.check_comparable(bundle, "sim:live=0,width=32,height=32")
    monkeypatch.setattr(place.Probe, "libraries", ready)
    place.check_comparable(bundle, "sim:live=0,frames=1,width=32,height=32")
    with pytest.raises(InputError, match="is live"):
        place.check_comparable(bundle, "sim:width=32,height=32")
    with pytest.raises(InputError, match="no_such_folder"):
        place.check_comparable(bundle, "no_such_folder")


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
    monkeypatch.setattr(engine_cli, "gpu_mhz", lambda which: next(clocks))
    monkeypatch.setattr(engine_cli, "over_current_events", lambda: next(events))
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
    import multiprocessing

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


def test_a_folder_that_cannot_be_written_is_found_before_the_build(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(engine_plan.tempfile, "TemporaryFile", forbidden)  # root may write anywhere
    with pytest.raises(InputError, match=r"cannot be written \(Permission denied\)"):
        make_plan(bundle, Target())


def test_too_little_room_is_found_before_the_build(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 34, 1 << 34, 20 << 20))
    with pytest.raises(InputError, match="has 20 MiB of room: expected 32 MiB"):
        make_plan(bundle, Target())


@pytest.mark.parametrize(("free", "workspace"), [(6000, 1500), (60000, 2048), (512, 128)])
def test_default_workspace(bundle: Bundle, free: int, workspace: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_plan, "available_mib", lambda: free)
    assert make_plan(bundle, Target()).settings.workspace_mib == workspace


@pytest.mark.parametrize(("free", "asked"), [(500, None), (4000, 4001), (4000, 0), (4000, -5)])
def test_workspace_that_does_not_fit(
    bundle: Bundle, free: int, asked: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_plan, "available_mib", lambda: free)
    with pytest.raises(InputError, match=f"with {free} MiB of memory free"):
        make_plan(bundle, Target(), asked)


def test_memory_that_programs_can_have(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:        7802900 kB\nMemFree:          500000 kB\nMemAvailable:    5242880 kB\n")
    assert available_mib(meminfo) == 5120


def test_timings_are_kept_apart_by_board_and_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    target = Target("10.3.0", "Orin", "8.7", 8, 7620, "12.6", "NVIDIA Jetson Orin NX", power_mode="15W")
    name = "NVIDIA-Jetson-Orin-NX_sm8.7_tensorrt-10.3.0_15W.timing"
    assert timing_cache_path(target) == Path("/cache/thermal-edge") / name


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
