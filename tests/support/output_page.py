"""What docs/output.md names, and what a file holds, as the tests compare them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/output.md").read_text()
# of a class, as counts.json has it
COUNT: dict[str, Any] = {"tracks": 2, "count": 1, "low": 1, "high": 2, "level": 0.9, "method": "", "animals": [[1, 2]]}


def table(heading: str) -> set[str]:
    """What stands in backticks in the first column of the tables below a heading."""
    level = re.search(rf"^(#+) {re.escape(heading)}$", PAGE, re.MULTILINE)
    assert level, f"the page has no heading {heading!r}"
    text = PAGE[level.end() :]
    text = re.split(r"^#{1,6} ", text, maxsplit=1, flags=re.MULTILINE)[0]
    found: list[str] = re.findall(r"^\| `([^`|]+)` ", text, re.MULTILINE)
    assert len(found) == len(set(found)), "a field stands there twice"
    return set(found)


def paths(value: Any, names: dict[str, str], before: str = "", leaves: bool = False) -> Iterator[str]:
    """``a.b[].c`` of every field of a value as JSON has it.

    ``names``: below these paths the keys are no words of ours, but a class, a file, ... as named; "" = they are not
    looked at. ``leaves``: without the objects that hold others.
    """
    if isinstance(value, dict):
        if names.get(before) == "":
            return
        for key, one in value.items():
            path = f"{before}.{{{names[before]}}}" if before in names else f"{before}.{key}"
            path = path.removeprefix(".")
            below = list(paths(one, names, path, leaves))
            if not (leaves and below):
                yield path
            yield from below
    elif isinstance(value, list):
        for one in value:
            yield from paths(one, names, f"{before}[]", leaves)


def literal_keys(file: str, function: str) -> set[str]:
    """The keys of all dict literals in a function."""
    tree = ast.parse((ROOT / file).read_text())
    body = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function)
    dicts = [node for node in ast.walk(body) if isinstance(node, ast.Dict)]
    return {str(key.value) for one in dicts for key in one.keys if isinstance(key, ast.Constant)}
