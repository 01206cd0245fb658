"""``--keep-free``: how much of the disk stays free, as a size or as a part of the disk."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edge.errors import InputError
from edge.system.text import bytes_of

PER_CENT = re.compile(r"([0-9]{1,2}(?:\.[0-9]+)?) ?%")
EXPECTED = "expected a size of 1MB or more, such as 500MB, 20GB, 20GiB, or a part of the disk below 100%, such as 10%"


@dataclass(frozen=True, slots=True)
class KeepFree:
    """``size``: bytes; ``part``: of the whole disk, 0 to 1; one of the two is None. ``text``: as it was written."""

    text: str
    size: int | None
    part: float | None

    @classmethod
    def parse(cls, text: str) -> KeepFree:
        """``5GB`` or ``10%``. Raises InputError for anything else."""
        found = PER_CENT.fullmatch(text)
        if found and float(found[1]) > 0:
            return cls(text, None, float(found[1]) / 100)
        try:
            return cls(text, bytes_of(text), None)
        except ValueError:
            raise InputError(f"keep_free {text!r}: {EXPECTED}") from None

    def least(self, total: int) -> int:
        """Bytes that are to stay free on a disk of ``total`` bytes. Raises InputError where it has no more."""
        least = round(self.part * total) if self.part is not None else self.size or 0
        if least >= total:
            raise InputError(
                f"keep_free {self.text}: the disk has {total / 1e9:.1f} GB in all: give less, or nothing that an "
                "earlier run recorded would stay"
            )
        return least
