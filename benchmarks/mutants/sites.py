"""Where a file can be changed, and how: the operators are cosmic-ray's, a seed decides which changes are tried."""

from __future__ import annotations

import ast
import difflib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cosmic_ray.ast import Visitor, ast_nodes, get_ast
from cosmic_ray.operators.provider import OperatorProvider

# replacements inside a kind: what a slip of the hand makes. `a + b` into `a << b` fails wherever it is run, and
# `==` into `is` asks a question that no user can see
KINDS = (
    ("ReplaceBinaryOperator", ("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod")),
    ("ReplaceBinaryOperator", ("BitOr", "BitAnd", "BitXor")),
    ("ReplaceBinaryOperator", ("LShift", "RShift")),
    ("ReplaceComparisonOperator", ("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE")),
    ("ReplaceComparisonOperator", ("Is", "IsNot")),
)
OTHERS = (
    "ReplaceBinaryOperator_Pow_Mul",
    "ReplaceUnaryOperator_Delete_USub",
    "ReplaceUnaryOperator_Delete_Invert",
    "ReplaceUnaryOperator_Delete_Not",
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ExceptionReplacer",
    "NumberReplacer",
    "RemoveDecorator",
    "ZeroIterationForLoop",
)
LOGGERS = {"log", "logger", "logging"}
NO_EFFECT = {"override", "final", "overload", "no_type_check"}  # decorators that only a type checker reads

Position = tuple[int, int]  # line from 1, column from 0, in characters


@dataclass(frozen=True)
class Mutant:
    """One change: the ``occurrence``-th place of the operator in the file ``path``, at ``start`` .. ``end``."""

    path: str
    operator: str
    occurrence: int
    start: Position
    end: Position

    def __str__(self) -> str:
        return f"{self.path}:{self.start[0]} {self.operator}"


@dataclass(frozen=True)
class Place:
    """What is run when a position is: the ``lines`` of its statement; ``at_import``: not in a function's body."""

    lines: range
    at_import: bool


class _Once(Visitor):  # type: ignore[misc]
    """Changes one place of a tree."""

    def __init__(self, operator: Any, occurrence: int) -> None:
        self._operator, self._left = operator, occurrence

    def visit(self, node: Any) -> Any:
        for index, _ in enumerate(self._operator.mutation_positions(node)):
            if self._left == 0:
                node = self._operator.mutate(node, index)
            self._left -= 1
        return node


def operators() -> dict[str, Any]:
    """The operators by name."""
    provider = OperatorProvider()
    compared = [f"{kind}_{a}_{b}" for kind, names in KINDS for a in names for b in names if a != b]
    known = set(provider)
    return {name: provider[name]() for name in dict.fromkeys([*compared, *OTHERS]) if name in known}


def mutants_of(path: str, source: str) -> list[Mutant]:
    """Every change of a file that could be seen: not in annotations, in what only a type checker reads, in logging."""
    nodes = list(ast_nodes(get_ast(source)))
    hidden = list(_hidden(source))
    found = []
    for name, operator in operators().items():
        occurrence = 0
        for node in nodes:
            for start, end in operator.mutation_positions(node):
                bare = getattr(node.parent, "type", "") in ("parameters", "typedargslist", "lambdef")
                star = name.startswith("ReplaceBinary") and bare  # `def f(a, *, b)`: no multiplication
                if not star and not any(first <= start and end <= last for first, last in hidden):
                    found.append(Mutant(path, name, occurrence, start, end))
                occurrence += 1
    return sorted(found, key=lambda m: (m.start, m.end, m.operator, m.occurrence))


def mutated(source: str, mutant: Mutant) -> str | None:
    """The changed source; None where it is none, or the same code."""
    tree = _Once(operators()[mutant.operator], mutant.occurrence).walk(get_ast(source))
    text = str(tree.get_code())
    try:
        return None if ast.dump(ast.parse(text)) == ast.dump(ast.parse(source)) else text
    except SyntaxError:
        return None


def diff(path: str, before: str, after: str) -> str:
    """The change, as a unified diff of single lines."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), path, path, lineterm="", n=0)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def sample(sources: dict[str, str], count: int, seed: str) -> list[tuple[Mutant, str]]:
    """``count`` changes and the files they make, or all there are: one at each place, then a second one, and so on."""
    rng = random.Random(seed)
    places: dict[tuple[str, Position, Position], list[Mutant]] = {}
    for path, source in sorted(sources.items()):
        for mutant in mutants_of(path, source):
            places.setdefault((path, mutant.start, mutant.end), []).append(mutant)
    order = sorted(places)
    rng.shuffle(order)
    for of_one in places.values():
        rng.shuffle(of_one)
    drawn: list[tuple[Mutant, str]] = []
    for turn in range(max(map(len, places.values()), default=0)):
        for mutant in (places[place][turn] for place in order if turn < len(places[place])):
            text = mutated(sources[mutant.path], mutant) if len(drawn) < count else None
            if text is not None:
                drawn.append((mutant, text))
    return drawn


def places_in(sources: dict[str, str]) -> int:
    """How many places of these files can be changed."""
    return len({(m.path, m.start, m.end) for path, source in sources.items() for m in mutants_of(path, source)})


def place(source: str, position: Position) -> Place:
    """The innermost statement around a position."""
    lines = source.splitlines()
    best: tuple[Position, Position] = ((1, 0), (len(lines) + 1, 0))
    found: ast.stmt | None = None
    at_import = True
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.stmt):
            continue
        decorators = getattr(node, "decorator_list", [])
        first = min([node, *decorators], key=lambda n: n.lineno)
        span = (_position(lines, first.lineno, 0 if decorators else first.col_offset), _end(lines, node))
        if span[0] <= position < span[1]:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = node.body[0]
                at_import &= position < _position(lines, body.lineno, body.col_offset)
            if best[0] <= span[0] and span[1] <= best[1]:
                best, found = span, node
    if found is None:
        return Place(range(1, 2), at_import)
    inside: list[ast.stmt] = getattr(found, "body", [])
    last = max(found.lineno, inside[0].lineno - 1) if inside else (found.end_lineno or found.lineno)
    return Place(range(best[0][0], last + 1), at_import)


def _hidden(source: str) -> Iterator[tuple[Position, Position]]:
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        unseen: list[ast.AST | None] = []
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            unseen += [node.returns]
        elif isinstance(node, (ast.arg, ast.AnnAssign)):
            unseen += [node.annotation]
        elif isinstance(node, ast.If):
            unseen += [node] * (ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING")
        elif isinstance(node, ast.Call):
            unseen += [node] * (ast.unparse(node.func).partition(".")[0] in LOGGERS)
        for decorator in getattr(node, "decorator_list", []):
            if ast.unparse(decorator).rpartition(".")[2] in NO_EFFECT:
                # the operator's place begins at the @ and ends on the line after
                yield (decorator.lineno, 0), (decorator.lineno + 1, 0)
        for part in unseen:
            if part is not None:
                yield _position(lines, part.lineno, part.col_offset), _end(lines, part)  # type: ignore[attr-defined]


def _position(lines: list[str], line: int, offset: int) -> Position:
    """``ast`` counts bytes, the operators count characters."""
    return line, len(lines[line - 1].encode()[:offset].decode())


def _end(lines: list[str], node: Any) -> Position:
    return _position(lines, node.end_lineno, node.end_col_offset)
