"""``edge-export engine --compare-only``: what the comparison of an engine that is there says and leaves."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import NamedTuple

import pytest

from edge.engine.passport_check import check_passport
from edge.engine.readiness import Need
from edge.errors import BundleError, EngineError, InputError
from edge.model.bundle import Bundle
from edge.model.comparison import Comparison
from edge.model.passport import ENGINE, PASSPORT, Passport, Target
from export.commands import engine as engine_cli
from export.tensorrt import place
from tests.trt_sim.plan import AGREES, add_engine

LOSES = dataclasses.replace(AGREES, both=28, lost=3)


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
