"""Lines of a file that is torn, damaged or not there: what can be read is, and the rest is counted."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from edge.app.after.flight import lines as module
from edge.app.after.flight.lines import FileState, Lines, first_line, whole


class One(msgspec.Struct):
    n: int


def read(path: Path, **more: object) -> tuple[list[int], FileState]:
    lines = Lines(path, One, **more)  # type: ignore[arg-type]
    return [one.n for one in lines.each()], lines.state


def test_a_line_that_was_not_finished_is_told_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":2}\n{"n":3}')
    assert read(path) == ([1, 2], FileState("a.jsonl", lines=2, torn=True))
    assert "the last line was not finished" in read(path)[1].in_words
    path.write_bytes(b'{"n":1}\n{"n":2}\n')
    assert read(path) == ([1, 2], FileState("a.jsonl", lines=2))


def test_damaged_lines_are_left_out_counted_and_the_first_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":1}\nnothing\n{"n":"x"}\n\xff\xfe\n{"n":5}\n')
    found, state = read(path)
    assert found == [1, 5]
    assert (state.lines, state.bad, state.torn) == (2, 3, False)
    assert state.why.startswith("line 2: ")
    assert "2 lines; 3 left out that cannot be read (line 2: " in state.in_words


def test_what_the_reader_adds_is_a_reason_too_and_the_first_line_can_be_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'head\n{"n":1}\n{"n":-1}\n')

    def positive(one: One) -> One:
        if one.n < 0:
            raise ValueError("below zero")
        return one

    found, state = read(path, skip=1, also=positive)
    assert found == [1]
    assert state.why == "line 3: below zero"


def test_a_line_of_any_length_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LINE", 16)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":1}\n' + b"x" * 100 + b'\n{"n":2}\n')
    found, state = read(path)
    assert (found, state.bad) == ([1, 2], 1)
    assert "longer than" in state.why


def test_what_is_not_there_and_what_is_no_file(tmp_path: Path) -> None:
    assert read(tmp_path / "no.jsonl")[1].in_words == "not there"
    (tmp_path / "folder").mkdir()
    assert read(tmp_path / "folder")[1].in_words == "damaged: Is a directory"
    os.mkfifo(tmp_path / "pipe")
    assert read(tmp_path / "pipe")[1].state == "damaged"
    assert first_line(tmp_path / "pipe") == first_line(tmp_path / "no") == b""


def test_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"n": 4, "more": 1}')
    assert whole(path, One, 100) == (One(4), FileState("a.json"))
    assert whole(path, One, 5)[1].state == "damaged"
    path.write_text('{"n": 4')
    found, state = whole(path, One, 100)
    assert found is None
    assert state.in_words.startswith("damaged: ")


def test_progress_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY", 1)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":2}\n')
    told: list[tuple[str, float]] = []
    list(Lines(path, One).each(lambda what, part: told.append((what, part))))
    assert told == [("a.jsonl", 0.5), ("a.jsonl", 1.0)]
