"""A page of which each part is written by a command of its own: a part begins with its heading, ``## ...``."""

from __future__ import annotations

import re
from pathlib import Path


def part_of(page: Path, heading: str) -> str:
    """The part under this heading, with it; "" where there is none."""
    found = _find(page.read_text(), heading)
    return found[0] if found else ""


def put_part(page: Path, heading: str, text: str) -> None:
    """Put ``text`` under this heading; every other part stays as it is. Behind all others where there is none yet."""
    before = page.read_text()
    part = f"## {heading}\n\n{text.strip()}\n"
    found = _find(before, heading)
    if found is None:
        page.write_text(f"{before.rstrip()}\n\n{part}")
        return
    behind = before[found.end() :].lstrip("\n")
    page.write_text(before[: found.start()] + part + (f"\n{behind}" if behind else ""))


def _find(text: str, heading: str) -> re.Match[str] | None:
    return re.search(rf"^## {re.escape(heading)}\n.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
