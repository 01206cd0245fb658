"""Detectors that take turns, frame by frame, each in a process of its own.

So a busy machine is busy for all of them, and nobody's memory or thread pool is another's.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Protocol

from benchmarks.peers.detectors import DETECTORS, AbsentError, Grey
from edge.data import RawDetections
from edge.model.bundle import Bundle

PAUSE_S = 0.03  # threads that wait for the next job spin for some milliseconds, on the core of who is next
LEAST_ROUNDS = 8  # fewer say little about a ratio
LOADED_S = 300.0


@dataclass(frozen=True)
class Turn:
    """One frame: seconds that passed, and seconds of processor time that the process took, all its threads."""

    wall: float
    cpu: float


class Contestant(Protocol):
    """What takes turns."""

    @property
    def name(self) -> str:
        """Whose turns they are."""

    def look(self, frame: int) -> RawDetections:
        """What it finds in that frame."""

    def turn(self, frame: int) -> Turn:
        """The same, timed."""


class Worker:
    """A detector in a process of its own, which has the frames. Raises AbsentError where it cannot be loaded there."""

    def __init__(self, name: str, bundle: Bundle, frames: Sequence[Grey], threads: int) -> None:
        self.name = name
        context = multiprocessing.get_context("spawn")
        self._line, there = context.Pipe()
        self._process = context.Process(target=serve, args=(name, bundle, frames, threads, there), daemon=True)
        self._process.start()
        there.close()
        if not self._line.poll(LOADED_S):
            self.close()
            raise AbsentError(f"it was not loaded after {LOADED_S:.0f} s")
        try:
            self.versions: dict[str, str] = self._answer()
        except AbsentError:
            self.close()
            raise

    def look(self, frame: int) -> RawDetections:
        found: RawDetections = self._ask("look", frame)
        return found

    def turn(self, frame: int) -> Turn:
        turn: Turn = self._ask("turn", frame)
        return turn

    def cpu_s(self) -> float:
        """Processor time that it has taken so far."""
        return float(self._ask("cpu", 0))

    def close(self) -> None:
        """End the process. May be called twice."""
        self._line.close()  # its next read ends it
        self._process.join(2.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _ask(self, what: str, frame: int) -> Any:
        try:
            self._line.send((what, frame))
        except OSError:
            raise AbsentError(f"the process of {self.name} has ended") from None
        return self._answer()

    def _answer(self) -> Any:
        try:
            good, answer = self._line.recv()
        except (EOFError, OSError):
            raise AbsentError(f"the process of {self.name} has ended") from None
        if not good:
            raise AbsentError(answer)
        return answer


def serve(name: str, bundle: Bundle, frames: Sequence[Grey], threads: int, line: Connection) -> None:
    """The other side of a `Worker`: answers ``(True, answer)`` or ``(False, why not)`` until the line is closed."""
    try:
        loaded = next(d for d in DETECTORS if d.name == name).load(bundle, threads)
        line.send((True, dict(loaded.versions)))
        while True:
            what, i = line.recv()
            if what == "cpu":
                line.send((True, time.process_time()))
                continue
            wall, cpu = time.perf_counter(), time.process_time()
            found = loaded.detect(frames[i])
            turn = Turn(time.perf_counter() - wall, time.process_time() - cpu)
            line.send((True, turn if what == "turn" else found))
    except EOFError:
        pass
    except Exception as error:  # whatever a library raises is the reason why it is not measured
        said = str(error).strip().splitlines() or [type(error).__name__]
        line.send((False, said[0]))


def take_turns(
    contestants: Sequence[Contestant],
    frames: int,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
    progress: Callable[[int], None] = lambda _round: None,
) -> Mapping[str, list[Turn]]:
    """The turns of each by name: as many for all, and the same frame in the same round.

    Ends with the first round after ``seconds``, and not before `LEAST_ROUNDS`. Each round begins with another of them.
    The first round, in which memory is taken, is not counted.
    """
    turns: dict[str, list[Turn]] = {c.name: [] for c in contestants}
    begun, rounds = clock(), -1
    while rounds < LEAST_ROUNDS or clock() - begun < seconds:
        rounds += 1
        first = rounds % len(contestants)
        for c in [*contestants[first:], *contestants[:first]]:
            pause(PAUSE_S)
            turn = c.turn(rounds % frames)
            if rounds:
                turns[c.name].append(turn)
        progress(rounds)
    return turns
