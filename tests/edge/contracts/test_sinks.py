"""What every sink keeps to: those of the table, which a new one need only join, the one that docs/extending.md shows,
and one of somebody else's.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.data import Detections, Frame, Result
from edge.errors import InputError, SinkError
from edge.seams import Sink
from edge.sinks.background import Background
from edge.sinks.open import SINKS, choose_specs, known_specs
from edge.sinks.spec import SinkContext, SinkSpec
from tests.conftest import made
from tests.support.examples import example
from tests.support.track_lines import place


class CsvSink(Sink):
    """A sink as somebody else would write it: what goes wrong is an OSError."""

    def __init__(self, to: SinkContext) -> None:
        self.file = to.path.open("w")

    def write(self, result: Result) -> None:
        self.file.write(f"{result.frame.seq},{len(result.detections)}\n")
        self.file.flush()

    def close(self) -> None:
        self.file.close()


TOY = SinkSpec("csv", "found.csv", CsvSink)
OURS = [*known_specs(), example("sink").SPEC]
SPECS = [*OURS, TOY]
all_sinks = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
RUN: dict[str, Any] = {"classes": ("Person",), "fps": 10.0}


def result(seq: int = 0) -> Result:
    pixels = np.full((48, 64), 100, np.uint8)
    where, covariance, factors = place(51.5, -0.25, 4.0)
    found = Detections(
        np.array([[10, 20, 20, 30]], np.float32),
        np.ones(1, np.float32),
        np.zeros(1, np.int32),
        64,
        48,
        track_ids=np.array([1], np.int32),
        positions=where[None],
        position_covariances=covariance[None],
        position_factors=factors[None],
    )
    return made(Frame(pixels, seq, seq / 10), found, seq / 10, pixels)


def size(path: Path) -> int:
    return sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())


def test_all_of_the_table_are_here() -> None:
    assert [spec.name for spec in known_specs()] == list(SINKS)
    assert [spec.name for spec in known_specs() if spec.essential] == ["detections", "tracks", "counts"]


@all_sinks
def test_it_writes_what_is_its_own_and_nothing_else(spec: SinkSpec, tmp_path: Path) -> None:
    with spec.make(SinkContext(spec.path(tmp_path), **RUN)) as sink:
        assert isinstance(sink, Sink)
        for seq in range(3):
            sink.write(result(seq))
    nothing = spec.name == "faint"  # is in these results: no line, and no folder of pictures
    assert {path.name for path in tmp_path.iterdir()} == {spec.file, *(() if nothing else spec.beside)}
    assert bool(size(spec.path(tmp_path))) is not nothing


@all_sinks
def test_it_may_be_closed_twice_and_before_anything_was_written(spec: SinkSpec, tmp_path: Path) -> None:
    sink = spec.make(SinkContext(spec.path(tmp_path), **RUN))
    sink.close()
    sink.close()


@all_sinks
def test_it_does_not_change_what_it_is_given(spec: SinkSpec, tmp_path: Path) -> None:
    given, same = result(), result()
    with spec.make(SinkContext(spec.path(tmp_path), **RUN)) as sink:
        sink.write(given)
    assert np.array_equal(given.picture, same.picture)
    assert np.array_equal(given.detections.boxes, same.detections.boxes)


@pytest.mark.parametrize("spec", OURS, ids=lambda spec: spec.name)
def test_a_lost_folder_is_a_sink_error(spec: SinkSpec, tmp_path: Path) -> None:
    def write() -> None:
        with spec.make(SinkContext(spec.path(tmp_path / "nowhere"), **RUN)) as sink:
            sink.write(result())

    with pytest.raises(SinkError, match="nowhere"):
        write()
    assert not (tmp_path / "nowhere").exists()


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """No disk has room for another byte."""

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 0}))
    monkeypatch.setattr("os.fsync", no_room)


@pytest.mark.parametrize("spec", OURS, ids=lambda spec: spec.name)
def test_a_full_disk_is_a_sink_error(spec: SinkSpec, tmp_path: Path, full: None) -> None:
    def write_and_close() -> None:
        with spec.make(SinkContext(spec.path(tmp_path), **RUN)) as sink:
            sink.write(result())

    with pytest.raises(SinkError, match="No space left|less than 64 MiB are free"):
        write_and_close()


@all_sinks
@pytest.mark.parametrize(
    "what", [ValueError("no"), OSError(errno.EIO, "no"), KeyError(1), SystemExit(3), SinkError("no")], ids=repr
)
def test_whatever_one_raises_is_kept_and_what_comes_after_is_counted(
    spec: SinkSpec, what: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = spec.make(SinkContext(spec.path(tmp_path), **RUN))

    def fail(_: Result) -> None:
        raise what

    write: Callable[[Result], None] = sink.write
    monkeypatch.setattr(sink, "write", lambda result: (fail if result.frame.seq == 3 else write)(result))
    behind = Background(sink, spec.depth, lossless=True)
    for seq in range(10):
        behind.write(result(seq))
    behind.close()
    behind.write(result(10))
    behind.close()
    assert isinstance(behind.error, SinkError)
    assert str(behind.error).endswith("no") or type(what).__name__ in str(behind.error)
    assert (behind.written, behind.skipped) == (3, 7)


def test_what_cannot_be_closed_is_an_error_too(tmp_path: Path) -> None:
    class Bad(CsvSink):
        def close(self) -> None:
            super().close()
            raise RuntimeError("the last page")

    with Background(Bad(SinkContext(tmp_path / "a", **RUN)), depth=1, lossless=True) as behind:
        behind.write(result())
    assert "the last page" in str(behind.error)
    assert (behind.written, behind.skipped) == (1, 0)


# ---- the table and the specs


@pytest.mark.parametrize("file", ["", "a/b", "..", ".", "/etc"])
def test_a_sinks_file_stays_in_the_folder(file: str) -> None:
    with pytest.raises(InputError, match="expected a name, and a file without path"):
        SinkSpec("mine", file, CsvSink)


def test_what_is_chosen() -> None:
    assert [spec.name for spec in choose_specs([])] == ["detections", "tracks", "counts"]
    assert [spec.name for spec in choose_specs(["pictures", "video"], [TOY])] == [
        *("detections", "tracks", "counts", "video", "pictures", "csv")
    ]
    with pytest.raises(InputError, match="no sink is named film: expected one of map, video, pictures, faint, trace"):
        choose_specs(["film"])
    with pytest.raises(InputError, match="two sinks have the name csv"):
        choose_specs([], [TOY, TOY])
    with pytest.raises(InputError, match="two sinks have the file detections.jsonl"):
        choose_specs([], [SinkSpec("mine", "detections.jsonl", CsvSink)])
