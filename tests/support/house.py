"""Reads the order of the rooms out of the source: what imports what, by the text of the files, nothing is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

NAME_OF_A_MODULE = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
LOADERS = {"importlib", "importlib.util", "pkgutil", "runpy"}
READ_ONLY = {"metadata", "resources"}  # parts of importlib that load no module


@dataclass(frozen=True)
class Arrow:
    """``importer`` needs ``imported``, both names of modules, by line ``line`` of ``path``.

    ``loaded``: the module is named as a string: one of ours anywhere, another one in a file that imports by name.
    """

    path: Path
    line: int
    importer: str
    imported: str
    loaded: bool = False

    def __str__(self) -> str:
        how = "names" if self.loaded else "imports"
        return f"{self.path}:{self.line}: {self.importer} {how} {self.imported}"


def modules(root: Path, package: str) -> dict[str, Path]:
    """Every module of ``root / package``: its dotted name and its file, relative to ``root``."""
    files = sorted(path.relative_to(root) for path in (root / package).rglob("*.py"))
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in files}


def arrows(root: Path, packages: tuple[str, ...]) -> list[Arrow]:
    """What every module of the packages imports, at any depth, also in functions; not what only a type checker reads.

    Names of other packages' modules are given as they are written.
    """
    ours = {name: path for package in packages for name, path in modules(root, package).items()}
    return [arrow for name, path in ours.items() for arrow in _arrows_of(root, name, path, set(ours))]


def _arrows_of(root: Path, module: str, path: Path, ours: set[str]) -> Iterator[Arrow]:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    loads = False
    strings: list[ast.Constant | ast.JoinedStr] = []
    for node in _telling((root / path).read_text(encoding="utf-8")):
        if isinstance(node, ast.Import):
            for alias in node.names:
                loads |= alias.name in LOADERS
                yield Arrow(path, node.lineno, module, alias.name)
        elif isinstance(node, ast.ImportFrom):
            start = _absolute(node, package)
            loads |= start in LOADERS and any(alias.name not in READ_ONLY for alias in node.names)
            for alias in node.names:  # each name is a module of its own, or stands in the one before it
                name = f"{start}.{alias.name}"
                yield Arrow(path, node.lineno, module, name if name in ours else start)
        elif isinstance(node, ast.Name):
            loads = True
        else:
            strings.append(node)
    for string in strings:
        named = _module_named(string, ours)
        if named is not None and (loads or named in ours):
            yield Arrow(path, string.lineno, module, named, loaded=True)


@cache
def _telling(text: str) -> list[ast.Import | ast.ImportFrom | ast.Name | ast.Constant | ast.JoinedStr]:
    """Imports, strings and the name ``__import__``, as `_executed`; once for the same text: that takes longest."""
    return [
        node
        for node in _executed(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr)
        or (isinstance(node, ast.Name) and node.id == "__import__")
        or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    ]


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that holds anything, without the bodies of ``if TYPE_CHECKING:``, in the order of the text."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and _of_type_checkers(node.test):
            waiting += reversed(node.orelse)
        else:
            yield node
            parts: list[ast.AST] = []
            for name in node._fields:  # as ast.iter_child_nodes, in half of the time
                value = getattr(node, name)
                parts += value if isinstance(value, list) else [value]
            waiting += reversed([part for part in parts if isinstance(part, ast.AST) and part._fields])


def _of_type_checkers(test: ast.expr) -> bool:
    return isinstance(test, ast.Name | ast.Attribute) and ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """The module that stands after ``from``, also where it is written with dots."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def _module_named(string: ast.Constant | ast.JoinedStr, ours: set[str]) -> str | None:
    """The module that a string may name: ``edge.sinks.kml``, ``edge.sinks.kml:Kml``, ``edge.sinks.kml.Kml``, ``torch``.

    A string put together at run time counts as the package that it begins with. One of ours is named without what
    stands in it; None for what cannot be a module's name, and for a package of ours alone: that is a word as well.
    """
    if isinstance(string, ast.JoinedStr):
        first = string.values[:1]
        text = "".join(str(part.value).rpartition(".")[0] for part in first if isinstance(part, ast.Constant))
    else:
        text = str(string.value).partition(":")[0]
    if not NAME_OF_A_MODULE.fullmatch(text):
        return None
    if text.partition(".")[0] not in ours:
        return text
    while text not in ours:
        text = text.rpartition(".")[0]
    return text if "." in text else None


def upward(found: list[Arrow], rooms: tuple[str, ...], package: str, tables: frozenset[str] = frozenset()) -> list[str]:
    """Arrows inside ``package`` that point up; ``rooms``: the highest first. And modules that stand in no room.

    ``tables``: files that may name modules of any room as strings.
    """
    rank = {room: place for place, room in enumerate(rooms)}
    wrong = []
    for arrow in found:
        if package not in (arrow.importer.split(".")[0], arrow.imported.split(".")[0]):
            continue
        here, there = (_room(name, package) for name in (arrow.importer, arrow.imported))
        if here is None or there is None:  # the package itself, or another one
            continue
        unknown = {here, there} - set(rank)
        wrong += [f"{arrow}: {package}.{room} stands in no place of the order" for room in unknown]
        excused = arrow.loaded and str(arrow.path) in tables
        if not unknown and not excused and rank[there] < rank[here]:
            wrong.append(f"{arrow}: {there} is above {here}")
    return sorted(set(wrong))


def _room(module: str, package: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == package and len(parts) > 1 else None


def circles(found: list[Arrow], tables: frozenset[str] = frozenset()) -> list[str]:
    """Modules that need each other, as ``a -> b -> a``; what ``tables`` load when it is asked for is not counted."""
    needs: dict[str, set[str]] = {}
    for arrow in found:
        if arrow.importer != arrow.imported and not (arrow.loaded and str(arrow.path) in tables):
            needs.setdefault(arrow.importer, set()).add(arrow.imported)
    seen: set[str] = set()
    rings: list[str] = []

    def follow(name: str, way: list[str]) -> None:
        if name in way:
            rings.append(" -> ".join([*way[way.index(name) :], name]))
        elif name not in seen:
            seen.add(name)
            for after in sorted(needs.get(name, ())):
                follow(after, [*way, name])

    for name in sorted(needs):
        follow(name, [])
    return rings


def folders(root: Path, package: str) -> dict[str, list[Path]]:
    """Every folder of ``package`` with modules in it, and these, without ``__init__.py``."""
    held: dict[str, list[Path]] = {}
    for path in sorted((root / package).rglob("*.py")):
        inside = held.setdefault(str(path.parent.relative_to(root)), [])
        if path.name != "__init__.py":
            inside.append(path.relative_to(root))
    return held


def lengths(root: Path, package: str) -> dict[str, int]:
    """Lines of every file of ``package`` that is not an ``__init__.py``."""
    files = (path for path in sorted((root / package).rglob("*.py")) if path.name != "__init__.py")
    return {str(path.relative_to(root)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
