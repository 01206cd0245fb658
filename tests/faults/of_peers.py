"""Rows: who is on the other end of a link hangs: takes the connection, and never answers."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from tests.faults.row import Field, Row, Seen
from tests.faults.words import LIVE, run

SECONDS = 3
ANSWER_S = 6.0  # who hangs has 2 s
PAGES = {"--status": "/healthz", "--web": "/"}  # options that answer over HTTP at a port, each with a page of it


@contextmanager
def deaf() -> Iterator[int]:
    """A port where connections are made, by the system, and nothing is ever read."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield listening.getsockname()[1]


def hung_peer(option: str, url: str) -> Callable[[Field], Seen]:
    def fly(field: Field) -> Seen:
        seen = Seen()
        out = Path(field.hangar.place("peer"), "out")
        with deaf() as port:
            words = run(field, LIVE, out, option, url.format(port), "--seconds", SECONDS, finds=True)
            ended = field.hangar.fly(words, out, 60)
        seen.ended(ended, (0,), rf"{option.removeprefix('--')}.*")
        found = seen.left(out)
        seen.require(len(found.lines) > SECONDS, f"{len(found.lines)} lines in {SECONDS} s")
        (link,) = ((found.report or {}).get("links") or {"": {}}).values()
        seen.require(link.get("sent") == 0, f"the report says that something was sent: {link}")
        seen.require(
            bool(link.get("dropped", 0) or link.get("waiting", 0)), f"what was not sent is not counted: {link}"
        )
        return seen

    return fly


@contextmanager
def nobody() -> Iterator[int]:
    """A port where nobody listens, nor will: it is held."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def of_marks(peer: Callable[[], AbstractContextManager[int]], counted: str, says: str) -> Callable[[Field], Seen]:
    """``--cot`` over TCP. ``counted``: where its marks are in the report: nobody answers one, so that those which the
    other side's system took count as sent.
    """

    def fly(field: Field) -> Seen:
        seen = Seen()
        out = Path(field.hangar.place("peer"), "out")
        with peer() as port:
            words = run(field, LIVE, out, "--cot", f"tcp:127.0.0.1:{port}", "--seconds", SECONDS, finds=True)
            ended = field.hangar.fly(words, out, 60)
        seen.ended(ended, (0,), says)
        found = seen.left(out)
        seen.require(len(found.lines) > SECONDS, f"{len(found.lines)} lines in {SECONDS} s")
        (link,) = ((found.report or {}).get("links") or {"": {}}).values()
        told = {key for key in ("sent", "waiting", "dropped", "refused") if link.get(key)}
        seen.require(told == {counted}, f"marks are {counted}, and the report says {link}")
        return seen

    return fly


def hung_client(option: str, page: str) -> Callable[[Field], Seen]:
    """Eight clients connect, begin a request, and never end it; a ninth tries until it has its answer."""

    def fly(field: Field) -> Seen:
        seen = Seen()
        out = Path(field.hangar.place("client"), "out")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        words = run(field, LIVE, out, option, port, "--seconds", SECONDS + 6)
        flight = field.hangar.start(words, out)
        seen.require(flight.until(lambda: flight.lines() > 3), "no lines came")
        with ExitStack() as stack:
            for _ in range(8):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
                client.sendall(b"GET /heal")
            before = flight.lines()
            codes: list[int | str] = []
            flight.until(lambda: codes.append(_code(f"http://127.0.0.1:{port}{page}")) or codes[-1] == 200, ANSWER_S)
            seen.require(codes[-1] == 200, f"the ninth client got {codes[-1]} for {ANSWER_S} s")
            flight.until(lambda: flight.lines() > before + 3, 20)
            seen.require(flight.lines() > before + 3, "no lines came while clients hang")
            seen.ended(flight.end(60), (0,), "time limit")
        seen.left(out)
        return seen

    return fly


def _code(url: str) -> int | str:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return str(error)


BUDGET_S = 30.0
PEERS = [
    Row("webhook: the server never answers", hung_peer("--webhook", "http://127.0.0.1:{}/found"), BUDGET_S),
    Row("MQTT: the broker never answers", hung_peer("--mqtt", "mqtt://127.0.0.1:{}/drone"), BUDGET_S),
    Row("CoT over TCP: nobody listens", of_marks(nobody, "waiting", "cot: .*Connection refused.*"), BUDGET_S),
    Row("CoT over TCP: the other side never reads", of_marks(deaf, "sent", "cot: .*"), BUDGET_S),
    *(Row(f"{option}: clients that hang", hung_client(option, page), BUDGET_S) for option, page in PAGES.items()),
]
