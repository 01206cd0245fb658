"""Numbers on the command line: the first and the last one that is taken, those beside them refused; units of sizes."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge.app.settings import RunSettings
from edge.camera.options import Options, split_query
from edge.commands.main import _level, _parser
from edge.commands.options import count, positive, positive_or_zero, score, size_in_bytes
from edge.engine import open_engine
from edge.engine.readiness import Probe
from edge.errors import InputError, SourceError
from edge.system.files import has_room


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (count, "1", 1),
        (count, "0", None),
        (count, "-1", None),
        (count, "1.0", None),
        (count, "9" * 18, 10**18 - 1),
        (count, "9" * 19, None),
        (positive, "0.001", 0.001),
        (positive, "0.0009", None),
        (positive, "1e9", 1e9),
        (positive, "1.001e9", None),
        (positive, "0", None),
        (positive, "nan", None),
        (positive_or_zero, "0", 0.0),
        (positive_or_zero, "0.001", 0.001),
        (positive_or_zero, "-0.001", None),
        (score, "0", 0.0),
        (score, "1", 1.0),
        (score, "1.0001", None),
        (score, "-0.0001", None),
        (score, "", None),
        (size_in_bytes, "1MB", 1_000_000),
        (size_in_bytes, "999.9kB", None),
        (size_in_bytes, "0.9MB", None),
        (size_in_bytes, "1MiB", 1_048_576),
        (size_in_bytes, "2000k", 2_000_000),
        (size_in_bytes, "2000KB", None),
        (size_in_bytes, "3 GB", 3_000_000_000),
        (size_in_bytes, "3GiB", 3_221_225_472),
        (size_in_bytes, "0.5T", 500_000_000_000),
        (size_in_bytes, "1TiB", 1_099_511_627_776),
        (size_in_bytes, "999999TB", 999_999 * 10**12),
        (size_in_bytes, "1000000TB", None),
        (size_in_bytes, "20", None),
    ],
)
def test_what_is_taken(read: Callable[[str], Any], text: str, value: Any) -> None:
    if value is None:
        with pytest.raises(argparse.ArgumentTypeError):
            read(text)
    else:
        assert read(text) == value
        assert type(read(text)) is type(value)


@pytest.mark.parametrize(
    ("settings", "fine"),
    [
        ({"frames": 1}, True),
        ({"frames": 0}, False),
        ({"seconds": 0.001}, True),
        ({"seconds": 0.0}, False),
        ({"seconds": float("nan")}, False),
        ({"threshold": 0.0}, True),
        ({"threshold": 1.0}, True),
        ({"threshold": 1.01}, False),
        ({"threshold": -0.01}, False),
        ({"record": True, "record_budget": 1}, True),
        ({"record_budget": 1}, False),
    ],
)
def test_settings_of_a_program(settings: dict[str, Any], fine: bool) -> None:
    if fine:
        RunSettings(out="x", **settings)
    else:
        with pytest.raises(InputError):
            RunSettings(out="x", **settings)


def test_several_sources() -> None:
    found = RunSettings(out="x", source=["a", "b", "c"])
    assert (found.sources, found.source_text) == (("a", "b", "c"), "a and 2 more")
    assert RunSettings(out="x", source=["a"]).source == "a"
    assert (RunSettings(out="x").sources, RunSettings(out="x").source_text) == ((), None)


@pytest.mark.parametrize(
    ("text", "rate"), [("0.001", 0.001), ("1000", 1000.0), ("1000.1", None), ("0", None), ("-5", None), ("inf", None)]
)
def test_a_source_s_rate(text: str, rate: float | None) -> None:
    options = Options("clip", {"fps": text, "live": "1", "raw": "2"})
    assert options.flag("live") is True
    assert options.flag("none") is None
    with pytest.raises(SourceError, match="raw='2'; expected 0 or 1"):
        options.flag("raw")
    if rate is None:
        with pytest.raises(SourceError, match="above 0 and up to 1000"):
            options.rate("fps")
    else:
        assert options.rate("fps") == rate


def test_a_query_is_behind_the_last_question_mark() -> None:
    assert split_query("a?b?c=1&d=e%20f") == ("a?b", {"c": "1", "d": "e f"})
    assert split_query("a") == ("a", {})
    assert split_query("a?") == ("a", {})
    for wrong in ("a?b", "a?b=1&b=2"):
        with pytest.raises(SourceError):
            split_query(wrong)


@pytest.mark.parametrize(
    ("words", "level"),
    [
        (["run", "--source", "a", "--out", "b"], logging.INFO),
        (["run", "--source", "a", "--out", "b", "--quiet"], logging.ERROR),
        (["--verbose", "info"], logging.DEBUG),
        (["demo", "--quiet", "--verbose"], logging.DEBUG),
        (["bench"], logging.INFO),
    ],
)
def test_how_much_is_said(words: list[str], level: int) -> None:
    assert _level(_parser().parse_args(words)) == level


@pytest.mark.parametrize(("free", "room"), [(99, False), (100, True), (101, True)])
def test_as_much_room_as_asked_for_is_enough(free: int, room: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=3, used=2, free=free))
    assert has_room(Path(), 100) is room


@pytest.mark.parametrize(
    ("version", "enough"),
    [("10.3.0", True), ("10.2.9", False), ("9.9.9", False), ("8.6.1", False), ("11.0.0", True), ("10.13.3.9", True)],
)
def test_the_oldest_tensorrt(version: str, enough: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "_tensorrt", SimpleNamespace(__version__=version))
    assert Probe()._tensorrt_need().met is enough


@pytest.mark.parametrize("threads", [0, 3])
def test_threads_reach_onnx_runtime(threads: int, tiny_bundle: Path) -> None:
    with open_engine(tiny_bundle, "ort", threads) as engine:
        options = engine._session.get_session_options()  # type: ignore[attr-defined]
        expected = threads or len(os.sched_getaffinity(0))
        assert (options.intra_op_num_threads, options.inter_op_num_threads) == (expected, 1)
        assert (engine.backend, engine.chosen) == ("ort", "asked for")
    with open_engine(tiny_bundle, "null", zero_copy=True) as engine:
        assert any("do nothing here" in note for note in engine.notes)
