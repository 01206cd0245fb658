"""The ring of events, and the stream of them."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timezone

from edge.sinks.web.events import Events
from edge.sinks.web.streams import server_sent


def ring(count: int, most: int = 5) -> Events:
    events = Events(most, lambda: datetime(2026, 5, 1, 4, 5, 6, tzinfo=timezone.utc))
    for i in range(1, count + 1):
        events.add("found", "info", f"event {i}", track=i)
    return events


def numbers(events: Events, after: int) -> tuple[list[int], int]:
    missed = events.after(after)
    return [event.number for event in missed.events], missed.left_out


def test_nobody_misses_what_is_kept() -> None:
    events = ring(3)
    assert numbers(events, 0) == ([1, 2, 3], 0)
    assert numbers(events, 2) == ([3], 0)
    assert numbers(events, 3) == ([], 0)
    assert events.after(0).events[0]._asdict() == {
        "number": 1, "utc": "2026-05-01T04:05:06+00:00", "kind": "found", "level": "info", "text": "event 1",
        "more": {"track": 1},
    }  # fmt: skip


def test_what_is_not_kept_is_counted() -> None:
    events = ring(12)
    assert numbers(events, 0) == ([8, 9, 10, 11, 12], 7)
    assert numbers(events, 3) == ([8, 9, 10, 11, 12], 4)
    assert numbers(events, 7) == ([8, 9, 10, 11, 12], 0)
    assert numbers(events, 10) == ([11, 12], 0)
    assert numbers(Events(), 0) == ([], 0)


def test_a_name_is_of_one_run() -> None:
    events, other = ring(3), ring(3)
    assert events.run != other.run
    assert events.number(events.name(2)) == 2
    assert other.number(events.name(2)) == 0
    for name in ("", "2", f"{events.run}-", f"{events.run}-x", f"{events.run}--1", f"{events.run}-²", "\n", "a-1" * 99):
        assert events.number(name) == 0
    assert events.number(f"{events.run}-999") == 3  # never beyond what there is


def said(events: Events, last: str | None, state: str = "{}") -> list[tuple[str, str, object]]:
    """``(event, id, data)`` of a stream that ends at once after its first turn."""
    turns = iter([False, True])

    async def take() -> bytes:
        return b"".join([part async for part in server_sent(events, lambda: state, last, lambda: next(turns))])

    told = []
    for block in asyncio.run(take()).decode().strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        if "event" in fields:
            told.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))
        else:
            assert fields == {"retry": "2000"}
    return told


def test_a_browser_that_is_new_gets_all_that_is_kept() -> None:
    events = ring(7)
    told = said(events, None)
    assert [(kind, name) for kind, name, _ in told] == [
        ("fresh", ""), ("missed", ""), *(("log", events.name(i)) for i in (3, 4, 5, 6, 7)), ("state", ""), ("over", ""),
    ]  # fmt: skip
    assert told[1][2] == {"left_out": 2}
    assert told[0][2] == {"run": events.run}


def test_one_that_comes_back_gets_what_it_missed() -> None:
    events = ring(4)
    assert [name for kind, name, _ in said(events, events.name(2)) if kind == "log"] == [events.name(3), events.name(4)]
    assert [kind for kind, _, _ in said(events, events.name(4))] == ["state", "over"]


def test_one_of_another_run_is_told_so() -> None:
    assert [kind for kind, _, _ in said(ring(1), ring(1).name(1))] == ["fresh", "log", "state", "over"]


def test_a_text_cannot_end_its_line() -> None:
    events = Events()
    events.add("found", "info", "a\n\nevent: over\ndata: {}", score=float("nan"))
    (log,) = [data for kind, _, data in said(events, None) if kind == "log"]
    assert isinstance(log, dict)
    assert log["text"] == "a\n\nevent: over\ndata: {}"
    assert log["more"] == {"score": None}
