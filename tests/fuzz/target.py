"""What a target is: a reader of bytes from outside, good files to begin with, and what it may raise."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import EdgeError, InputError
from tests.fuzz.mutate import mutated

KEPT = Path(__file__).parent / "kept"
SHARED = Path(__file__).resolve().parents[3] / "shared"  # real files, where they are there


@dataclass(frozen=True)
class Target:
    """``seeds``: good files by name. ``act``: writes the bytes where the reader looks for them, in an empty folder, and
    reads them as a command would. ``kind``: see `mutated`. ``raises``: what is documented. ``strategy``: makes a
    hypothesis strategy of texts; then half of the cases come from it. ``needs``: packages without which it is left out.
    ``repair``: makes checksums right again, of half of the cases: else none of them would come behind that check.
    """

    name: str
    seeds: Callable[[], Mapping[str, bytes]]
    act: Callable[[Path, bytes], object]
    kind: str = "bytes"
    raises: tuple[type[Exception], ...] = (InputError,)
    strategy: Callable[[], Any] | None = None
    needs: tuple[str, ...] = ()
    repair: Callable[[bytes], bytes] | None = None

    def case(self, seeds: Mapping[str, bytes], seed: int, number: int) -> bytes:
        """Case ``number`` of a run with ``seed``: the good files first, as they are."""
        files = list(seeds.values())
        if number < len(files):
            return files[number]
        rng = random.Random(f"{self.name} {seed} {number}")
        data = mutated(rng.choice(files), rng, files, self.kind)
        return self.repair(data) if self.repair and rng.random() < 0.5 else data

    def kept(self) -> list[Path]:
        """The files that once failed."""
        return sorted((KEPT / self.name).glob("*")) if (KEPT / self.name).is_dir() else []


READING = (EdgeError,)  # of what is read bit by bit: a CameraError in the middle
