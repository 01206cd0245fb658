"""The order of stills, by their names: numbers count (frame2 before frame10), and what a dot between them may mean.

``1.5`` and ``1.25`` are seconds with decimals, or seconds and nanoseconds (``sec.nsec``, as some ROS tools write), or
the copies 5 and 25 of number 1. Where these readings order the names alike, nothing is to decide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

ORDERS = ("natural", "decimal", "name", "time")
EXPECTED = ", ".join(ORDERS)
# digits, one dot, digits: not part of a longer chain such as 2024.05.12
_DECIMAL = re.compile(r"(?<![0-9.])([0-9]+)\.([0-9]+)(?![0-9]|\.[0-9])")
NANOSECONDS = 8  # digits and more behind the dot, of varying number


def ordered(paths: Sequence[Path], order: str | None = None) -> tuple[list[Path], str]:
    """``(paths, note)``: the files in order, and one line on how names were read that can be read in two ways.

    ``order``: ``natural``, ``decimal`` or ``name`` (by its characters); None = by what the names look like.
    """
    if order == "name":
        return sorted(paths, key=lambda path: path.as_posix()), ""
    natural_order = sorted(paths, key=natural)
    if order == "natural":
        return natural_order, ""
    decimal_order = sorted(paths, key=decimal)
    if order == "decimal" or decimal_order == natural_order:
        return decimal_order, ""
    first = next(i for i, (a, b) in enumerate(zip(natural_order, decimal_order, strict=True)) if a != b)
    a, b = natural_order[first].name, decimal_order[first].name
    if _are_decimals(paths):
        return decimal_order, f"names read as decimal numbers ({b} before {a}); ?order=natural counts on after the dot"
    return natural_order, f"names read as whole numbers around a dot ({a} before {b}); ?order=decimal reads decimals"


def _are_decimals(paths: Sequence[Path]) -> bool:
    """Whether what stands behind the dots is more likely decimals than a count of nanoseconds or copies."""
    behind = [fraction for path in paths for _, fraction in _DECIMAL.findall(path.name)]
    if any(len(fraction) > 1 and fraction[0] == "0" for fraction in behind):
        return True  # no count has a zero before it
    if any(len(fraction) > 1 and fraction[-1] == "0" for fraction in behind):
        return False  # no program writes a number with decimals so, but for a fixed number of them
    return max(map(len, behind)) < NANOSECONDS


def natural(path: Path) -> tuple[list[str | int], str]:
    """Sort key that counts: frame2 before frame10, in each folder of the path."""
    parts = re.split(r"([0-9]+)", path.as_posix().lower())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], path.as_posix()


def decimal(path: Path) -> tuple[list[tuple[str, int, str]], str]:
    """Sort key that reads ``1.25`` as one and a quarter; other numbers as `natural`."""
    text, at, parts = path.as_posix().lower(), 0, []
    for found in re.finditer(_DECIMAL.pattern + r"|([0-9]+)", text):
        whole, fraction, plain = found.groups()
        parts.append((text[at : found.start()], int(plain or whole), (fraction or "").rstrip("0")))
        at = found.end()
    return [*parts, (text[at:], -1, "")], path.as_posix()
