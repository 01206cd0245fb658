"""What a target is: a reader of bytes from outside, good files to begin with, and what it may raise."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import EdgeError, InputError
from tests.fuzz.mutate import mutated

KEPT = Path(__file__).parent / "kept"
SHARED = Path(__file__).resolve().parents[3] / "shared"  # real files, where they are there


def nothing() -> dict[str, bytes]:
    """No file lies beside the case."""
    return {}


@dataclass(frozen=True)
class Target:
    """``seeds``: good files by name. ``act``: writes the bytes where the reader looks for them, and reads them as a
    command would. ``kind``: see `mutated`. ``raises``: what is documented. ``needs``: packages without which it is left
    out. ``beside``: files by name that are in the folder before ``act``. Of half of the cases: ``made`` makes them
    anew, odd in what they say and right in their form; ``repair`` makes checksums right again. Without these none
    would come behind the first check.
    """

    name: str
    seeds: Callable[[], Mapping[str, bytes]]
    act: Callable[[Path, bytes], object]
    kind: str = "bytes"
    raises: tuple[type[Exception], ...] = (InputError,)
    made: Callable[[random.Random], bytes] | None = None
    needs: tuple[str, ...] = ()
    repair: Callable[[bytes], bytes] | None = None
    beside: Callable[[], Mapping[str, bytes]] = nothing

    def case(self, seeds: Mapping[str, bytes], seed: int, number: int) -> bytes:
        """Case ``number`` of a run with ``seed``: the good files first, as they are."""
        files = list(seeds.values())
        if number < len(files):
            return files[number]
        rng = random.Random(f"{self.name} {seed} {number}")
        if self.made is not None and rng.random() < 0.5:
            return self.made(rng)
        return self.changed(rng.choice(files), files, rng)

    def changed(self, data: bytes, files: Sequence[bytes], rng: random.Random) -> bytes:
        """``data`` broken in some places. ``files``: to splice it with."""
        data = mutated(data, rng, files, self.kind)
        return self.repair(data) if self.repair and rng.random() < 0.5 else data

    def kept(self) -> list[Path]:
        """The files that once failed."""
        return sorted((KEPT / self.name).glob("*")) if (KEPT / self.name).is_dir() else []


READING = (EdgeError,)  # of what is read bit by bit: a CameraError in the middle
