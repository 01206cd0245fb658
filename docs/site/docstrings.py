"""How a docstring is shown in the reference: its arguments as a list, the public names in it as links.

An extension of Griffe, which reads the docstrings for MkDocs; see mkdocs.yml. In the source they stay prose.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

try:
    from griffe import Extension
except ModuleNotFoundError:  # a test of `readable` needs none
    Extension = object

ROOT = Path(__file__).resolve().parents[2]
NAME = r"``\w+``(?: \([^)]*\))?"
NAMES = f"{NAME}(?:,\\s{NAME})*:"  # "``low``, ``high`` (K):", at the begin of a paragraph, a line or a sentence
ARGUMENTS = re.compile(rf"(?:(?<=[.;)]) |\n)(?={NAMES})")
LIST = re.compile(NAMES)


def public(package: str) -> dict[str, str]:
    """Public names by themselves, and as they are called in full."""
    tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return {name: f"{package}.{name}" for name in ast.literal_eval(node.value)}
    raise ValueError(f"{package} has no __all__")


PUBLIC = {**public("export"), **public("edge")}


def readable(text: str, own: str = "") -> str:
    """A docstring as Markdown: a paragraph that says what names mean becomes a list; public names become links.

    ``own``: the name that is explained, which needs no link.
    """

    def link(match: re.Match[str]) -> str:
        name = match[1].removeprefix("edge.").removeprefix("export.")
        return f"[`{name}`][{PUBLIC[name]}]" if name in PUBLIC and name != own else match[0]

    def shown(paragraph: str) -> str:
        if paragraph.startswith("    "):  # a block of code
            return paragraph
        paragraph = _listed(paragraph) if LIST.match(paragraph) else paragraph
        linked = re.sub(r"(?<!`)`((?:edge\.|export\.)?\w+)`(?!`)", link, paragraph)
        return re.sub(r"(?<![`\w.])(\w+Error)(?![`\w.])", link, linked)  # "Raises InputError where ..."

    return "\n\n".join(map(shown, text.split("\n\n")))


def _listed(paragraph: str) -> str:
    items = ARGUMENTS.split(paragraph)
    return "\n".join("- " + " ".join(item.split()).removesuffix(";") for item in items)


class Readable(Extension):  # type: ignore[misc]
    """Called by Griffe with each object that it has read."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Change what its docstring says."""
        if obj.docstring is not None:
            obj.docstring.value = readable(obj.docstring.value, obj.name)
