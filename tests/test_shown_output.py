"""What the pages show as expected output is what the commands print: of a board and a run that are made up here."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge.app.model_facts import _backend
from edge.app.settings import MODEL
from edge.commands.console import Screen
from edge.commands.info import show_machine
from edge.commands.run_summary import summary
from edge.engine import readiness
from edge.engine.readiness import Need
from edge.geo.coverage.coverage import ASSUMED
from edge.geo.coverage.search import Search
from edge.geo.positions import NO_POSE
from edge.model.bundle import Bundle
from edge.model.passport import BuildClocks, Target
from edge.system import cpu
from export.commands.engine import show_built, show_plan
from export.tensorrt.build import BuildSettings, BuiltEngine
from export.tensorrt.plan import Plan
from tests.trt_sim.plan import AGREES

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = (DOCS / "jetson.md").read_text()
BOARD = "NVIDIA Jetson Orin Nano Developer Kit"
FRAMES = "sim:live=0,fps=0.5,ffc_interval=0,frames=24,width=640,height=512"
STARTS = (
    r"\d+ frames|\d+ of these|not processed|boxes in|written in|positions:|searched|probability|counted,|recorded|next:"
)
SEARCH = Search("Person", 0.8, 8.0, 3)
USUAL = "a body stands out by 1 grey levels, as the labelled ones did (median)"
UNLIKE = "1 frames of which nothing is said: less sharp than nearly all labelled frames"
RECALL = "290 frames of hituav/val, at a score of 0.5, flight, ort-float"
BUNDLED = "/home/me/thermal/lib/python3.10/site-packages/edge/models/hituav-r18"


def block(beginning: str) -> str:
    """The block of output on the page that begins so, without the ends of lines."""
    found: list[str] = re.findall(r"^```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return next(text for text in found if text.startswith(beginning)).strip()


def stripped(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def test_what_info_says_of_a_board(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "_flags", lambda: frozenset({"asimddp"}))
    monkeypatch.setattr(readiness, "load", lambda: SimpleNamespace(__version__="1.23.2"))
    ort = [readiness.onnxruntime_need(Bundle.load(MODEL))]
    gpu = [
        Need("GPU", "ready", "Orin, compute capability 8.7, driver for CUDA 12.6"),
        Need("TensorRT", "ready", "10.3.0"),
        Need("CUDA calls", "ready", "by ctypes, pycuda is not needed (not installed)"),
        Need(
            "model.engine",
            "missing",
            "engines are built on the board that flies",
            (f"edge-export engine {BUNDLED}",),
        ),
    ]
    backends = {"ort": _backend(ort), "trt": _backend(gpu)}
    out = io.StringIO()
    show_machine({"board": BOARD, "l4t": "36.4.3", "backends": backends, "auto": "ort"}, Screen(file=out, width=80))
    assert stripped(out.getvalue()) == block("on this machine")


def test_what_a_dry_run_says(tiny_bundle: Path) -> None:
    bundle = replace(Bundle.load(tiny_bundle), path=Path("models/deer"), name="deer")
    target = Target(tensorrt="10.3.0", compute_capability="8.7", sm_count=8, board=BOARD, power_mode="25W")
    cache = Path("~/.cache/thermal-edge/....timing")
    onnx, settings = bundle.path / "model.fp16.onnx", BuildSettings(1400, 3)
    plan = Plan(bundle, onnx, 29_900_000, target, settings, 5600, cache, FRAMES)
    out = io.StringIO()
    show_plan(plan, Screen(file=out, width=120))
    assert stripped(out.getvalue()) == block("engine of deer")


def test_what_a_build_says(tiny_bundle: Path) -> None:
    bundle = replace(Bundle.load(tiny_bundle), path=Path("models/deer"))
    plan = Plan(bundle, Path(), 0, Target(), BuildSettings(1400, 3), 5600, Path(), FRAMES)
    built = BuiltEngine(b"\0" * 31_200_000, "", "", b"", 412.3, "10.3.0", True, 0, 0, "")
    comparison = replace(AGREES, origin=FRAMES, threshold=0.64, both=101, below=83, below_both=83)
    out = io.StringIO()
    show_built(plan, built, BuildClocks(1020, 0), None, comparison, Screen(file=out, width=120))
    assert stripped(out.getvalue()) == block("models/deer/model.engine:")


def plain(line: str) -> str:
    """A line of the summary without what differs from run to run: numbers, classes, paths, what was cut."""
    line = re.sub(r"(?<=boxes in all frames: ).*?(?=, with)|(?<=written in )\S+: .*(?=; docs)", "...", line)
    line = re.sub(r"(?<=counted, from tracks: )(\d+) \w+ (\([^)]*\)).*", r"\1 CLASS \2", line)
    line = re.sub(r"(?<=with a score of )(\S+) \(\w+ \S+\)", r"\1 (CLASS 1)", line)
    line = line.replace("[...]", "1 frames/s; latency p50 1 ms")
    line = re.sub(r"out/\S+", "PATH", line)
    return re.sub(r"\d+(\.\d+)?|(?<=processed \()[\w ]+", "N", line)


@pytest.mark.parametrize("page", ["index.md", "flying.md", "training.md"])
def test_the_last_lines_of_a_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = {"folder": "recording", "frames": 1, "bytes": 1, "dropped": 1, "frames_removed": 1}
    counts = {"frames": 2, "fps": 1.0, "ended": "end of source", "dropped": 1, "duplicates": 1, "lost": 1}
    told = {
        "latency_ms": {"p50": 1},
        "detections": {"deer": 1},
        "threshold": 1,
        "thresholds": {"deer": 1},
        "engine": "",
        "camera": "",
        "one_body": {"classes": [["Person", "Animal"]], "boxes": 1},
    }
    more = {
        "reconnects": None,
        "pose": None,
        "overflowed": 0,
        "verify": None,
        "sinks": {"video": {"file": "a", "skipped": 0}},
    }
    monkeypatch.chdir(tmp_path)
    out = Path("out/x")
    out.mkdir(parents=True)
    count = {"tracks": 2, "count": 1, "low": 1, "high": 2, "level": 0.9, "method": "", "animals": [[1, 2]]}
    (out / "counts.json").write_text(json.dumps({"deer": count}))
    placed = {"placed": 1, "camera": "", "refused": {}}, {"placed": 0, "camera": None, "refused": {NO_POSE: 1}}
    seen = {"frames": 1, "searched_m2": 3e4, "seen_m2": 3e4, "search": SEARCH.in_words, "gaps": 2, "gap_m2": 5e3}
    known_as: dict[str, Any] = {"frames_not_counted": {}, "probability": (0.5, 0.5, 1.0), "recall": RECALL}
    known_as |= {"contrast": 1.0, "assumed": f"{ASSUMED}; {UNLIKE}; {USUAL}", "frames_unlike": {}}
    covered = None, {**seen, **known_as}, {**seen, **known_as, "gaps": 0, "gap_m2": 0}
    ways = [
        {**counts, **told, **more, "thresholds": scores, "recording": kept, "position": of, "coverage": ground}
        for scores in ({"deer": 0.5}, {"deer": 0.5, "hare": 0.5, "fox": 0.3})
        for kept in (None, record)
        for of in placed
        for ground in covered
    ]
    known = {plain(line) for report in ways for line in summary(report, out)}
    blocks = re.findall(r"^```text\n(.*?)^```", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)
    shown = [line for text in blocks for line in text.splitlines() if "frames processed (" in text]
    ours = [line for line in shown if re.match(STARTS, line)]
    assert len(ours) >= 5
    assert [line for line in ours if plain(line) not in known] == []
