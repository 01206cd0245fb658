"""Which names of TensorRT a source file uses, found in its syntax tree and held against real bindings.

Types flow from the module (an ``import tensorrt`` or a parameter called ``trt``) through constructors,
properties and return values, as the bindings' own docstrings state them, and through annotations such as
``tensorrt.ICudaEngine``. A name that the file asks for with ``getattr(x, "NAME", default)`` or
``hasattr(x, "NAME")`` may be absent in some versions, every other may not.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

Members = dict[str, dict[str, list[str]]]
MODULES = {"tensorrt", "tensorrt_rtx"}
SCOPES = (ast.FunctionDef, ast.Lambda, ast.Module)


@dataclass(frozen=True)
class Signature:
    """``parameters``: (name, has a default), without self. ``returns``: class name or ""."""

    parameters: tuple[tuple[str, bool], ...]
    returns: str

    def takes(self, positional: int, keywords: set[str]) -> bool:
        names = [name for name, _ in self.parameters]
        needed = {name for name, default in self.parameters[positional:] if not default}
        return positional <= len(names) and keywords <= set(names[positional:]) and needed <= keywords


def signatures(name: str, doc: str) -> list[Signature]:
    """Of pybind11's docstring: one, or one an overload."""
    found = []
    for line in re.findall(rf"^(?:\d+\. )?{re.escape(name)}(\(.*\) -> .*)$", doc, re.MULTILINE):
        parameters, _, returns = line[1:].rpartition(") -> ")
        # commas inside [..], <..> and quotes separate nothing
        parts = [p for p in re.split(r",\s(?![^\[<]*[\]>])", parameters) if p]
        if parts and re.match(r"self\b|arg0: tensorrt_bindings", parts[0]):
            parts = parts[1:]
        if any(p.startswith("*") for p in parts):
            continue
        named = tuple((p.partition(":")[0].partition("=")[0].strip(), "=" in p) for p in parts)
        found.append(Signature(named, class_name(returns)))
    return found


def class_name(text: str) -> str:
    """ "ICudaEngine" of "tensorrt_bindings.tensorrt.ICudaEngine"; "" of what is no class of TensorRT."""
    match = re.fullmatch(r"(?:tensorrt\w*\.)+([A-Za-z_.]+)", text.strip())
    return match[1] if match else ""


@dataclass
class Findings:
    """``wrong``: what does not hold in this version. ``optional``: (class, name) that may be absent.
    ``used``: (class, name) that the file uses."""

    wrong: list[str] = field(default_factory=list)
    optional: set[tuple[str, str]] = field(default_factory=set)
    used: set[tuple[str, str]] = field(default_factory=set)


def check(source: str, where: str, members: Members) -> Findings:
    """Hold ``source`` against one version's ``members``."""
    reader = _Reader(members, where)
    tree = ast.parse(source)
    reader.learn(tree)
    reader.learn(tree)  # what an attribute is may be said below its first use
    reader.judge(tree)
    for key, text in reader.absent.items():
        if key not in reader.findings.optional:
            reader.findings.wrong.append(text)
    return reader.findings


# a type is "module", ("class", X), ("of", X) for an instance, ("method", X, name), ("list", type) or None
Type = tuple[str, ...] | None


class _Reader:
    def __init__(self, members: Members, where: str) -> None:
        self.members, self.where, self.findings = members, where, Findings()
        self.env: dict[tuple[ast.AST, str], Type] = {}
        self.parents: dict[ast.AST, ast.AST] = {}
        self.functions: dict[str, Type] = {}
        self.extended: set[tuple[str, str]] = set()  # what the file's own subclasses add
        self.absent: dict[tuple[str, str], str] = {}
        self.judging = False
        self.distinctive = {n for c, names in members.items() if c for n in names if "_" in n.strip("_")}

    def learn(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name in MODULES:
                        self.bind(node, alias.asname or alias.name, ("module",))
            elif isinstance(node, ast.FunctionDef):
                self.functions[node.name] = self.annotation(node.returns)
                for argument in (*node.args.args, *node.args.kwonlyargs):
                    type_ = ("module",) if argument.arg == "trt" else self.annotation(argument.annotation)
                    self.env[node, argument.arg] = type_
            elif isinstance(node, ast.ClassDef):
                own = {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and self.is_own(n)}
                own |= {n.name for n in ast.walk(node) if isinstance(n, ast.FunctionDef)}
                bases = [base for base in map(self.type_of, node.bases) if base]
                self.extended |= {(base[1], name) for base in bases for name in own}
            elif isinstance(node, ast.AnnAssign):
                self.bind_target(node.target, self.annotation(node.annotation))
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    self.bind_target(target, self.type_of(node.value))
            elif isinstance(node, (ast.For, ast.comprehension)):
                listed = self.type_of(node.iter)
                self.bind_target(node.target, listed[1] if listed and listed[0] == "list" else None)  # type: ignore[arg-type]
            elif isinstance(node, ast.NamedExpr):
                self.bind_target(node.target, self.type_of(node.value))

    def judge(self, tree: ast.Module) -> None:
        self.judging = True
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                self.type_of(node)
            elif isinstance(node, ast.Call):
                self.type_of(node)
                self.judge_call(node)
            elif isinstance(node, ast.ClassDef):
                self.judge_overrides(node)

    def type_of(self, node: ast.AST) -> Type:
        if isinstance(node, ast.Name):
            return self.look_up(node, node.id)
        if isinstance(node, ast.Attribute):
            own = self.own_attribute(node)
            if own is not None and (own, f"self.{node.attr}") in self.env:
                return self.env[own, f"self.{node.attr}"]
            return self.member(node, self.type_of(node.value), node.attr)
        if isinstance(node, ast.Call):
            return self.type_of_call(node)
        if isinstance(node, ast.ListComp):
            element = self.type_of(node.elt)
            return ("list", element) if element else None  # type: ignore[return-value]
        if isinstance(node, (ast.IfExp, ast.BoolOp)):
            choices = [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values
            return next((t for t in map(self.type_of, choices) if t), None)
        if isinstance(node, ast.Await | ast.NamedExpr):
            return self.type_of(node.value)
        return None

    def type_of_call(self, node: ast.Call) -> Type:
        if isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr") and len(node.args) > 1:
            owner, name = self.type_of(node.args[0]), node.args[1]
            if owner and isinstance(name, ast.Constant) and isinstance(name.value, str):
                may_be_absent = node.func.id == "hasattr" or len(node.args) == 3
                return self.member(node, owner, name.value, may_be_absent)
            return None
        if isinstance(node.func, ast.Name) and self.look_up(node, node.func.id) is None:
            return self.functions.get(node.func.id)
        called = self.type_of(node.func)
        if called and called[0] == "class":
            return ("of", called[1])
        if called and called[0] == "method":
            known = self.signatures(called)
            return ("of", known[0].returns) if known and known[0].returns else None
        return None

    def member(self, node: ast.AST, owner: Type, name: str, may_be_absent: bool = False) -> Type:
        if owner is None or owner[0] not in ("module", "class", "of"):
            if owner is None and name in self.distinctive and self.judging and not self.is_own(node):
                self.wrong(node, f".{name} of a value whose type is unknown: annotate it")
            return None
        class_ = "" if owner[0] == "module" else owner[1]
        if class_ not in self.members:
            return None
        if name not in self.members[class_] and (name.startswith("__") or (class_, name) in self.extended):
            return None
        if self.judging:
            self.findings.used.add((class_, name))
            if may_be_absent:
                self.findings.optional.add((class_, name))
        if name not in self.members[class_] and not self.judging:
            return None
        if name not in self.members[class_]:
            line = f"{self.where}:{getattr(node, 'lineno', '?')}"
            self.absent[class_, name] = f"{line}: {class_ or 'tensorrt'}.{name} does not exist"
            return None
        kind, text, *_ = self.members[class_][name]
        if kind == "class":
            return ("class", f"{class_}.{name}".strip("."))
        if kind == "constant":
            return ("of", text)
        if kind == "property":
            returns = class_name(text.rpartition("->")[2])
            return ("of", returns) if returns else None
        return ("method", class_, name)

    def judge_call(self, node: ast.Call) -> None:
        called = self.type_of(node.func)
        if called is None or called[0] not in ("class", "method"):
            return
        target = ("method", called[1], "__init__") if called[0] == "class" else called
        known = self.signatures(target)
        positional = len(node.args)
        if called[0] == "method" and called[2] == "__init__":
            positional -= 1  # Base.__init__(self)
        keywords = {k.arg for k in node.keywords if k.arg}
        if known and not any(s.takes(positional, keywords) for s in known):
            shown = " or ".join(str([name for name, _ in s.parameters]) for s in known)
            given = f"{positional} positional and {sorted(keywords)}"
            self.wrong(node, f"{target[1]}.{target[2]}({given}): takes {shown}")

    def judge_overrides(self, node: ast.ClassDef) -> None:
        for base in map(self.type_of, node.bases):
            if not base or base[0] != "class":
                continue
            for method in (item for item in node.body if isinstance(item, ast.FunctionDef)):
                known = self.signatures(("method", base[1], method.name))
                own = [argument.arg for argument in method.args.args[1:]]
                if known and method.name != "__init__" and own != [name for name, _ in known[0].parameters]:
                    self.wrong(method, f"{base[1]}.{method.name} takes {known[0].parameters}, not {own}")

    def signatures(self, method: Type) -> list[Signature]:
        assert method is not None
        kind, doc, *_ = self.members.get(method[1], {}).get(method[2], ["", ""])
        return signatures(method[2], doc) if kind == "method" else []

    def annotation(self, node: ast.AST | None) -> Type:
        for part in ast.walk(node) if node is not None else ():
            if isinstance(part, ast.Attribute):
                name = class_name(ast.unparse(part).replace("trt.", "tensorrt.", 1))
                if name and name in self.members:
                    return ("of", name)
        return None

    def bind(self, node: ast.AST, name: str, type_: Type) -> None:
        self.env[self.scope(node), name] = type_

    def bind_target(self, target: ast.AST, type_: Type) -> None:
        own = self.own_attribute(target)
        if isinstance(target, ast.Name):
            key = (self.scope(target), target.id)
        elif own is not None:
            key = (own, f"self.{target.attr}")  # type: ignore[attr-defined]
        else:
            return
        if type_ is not None or key not in self.env:
            self.env[key] = type_

    def own_attribute(self, node: ast.AST) -> ast.AST | None:
        """The class whose ``self.x`` this is."""
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"):
            return None
        while node in self.parents and not isinstance(node, ast.ClassDef):
            node = self.parents[node]
        return node

    def is_own(self, node: ast.AST) -> bool:
        return self.own_attribute(node) is not None

    def scope(self, node: ast.AST) -> ast.AST:
        node = self.parents.get(node, node)
        while not isinstance(node, SCOPES):
            node = self.parents[node]
        return node

    def look_up(self, node: ast.AST, name: str) -> Type:
        while True:
            scope = self.scope(node)
            if (scope, name) in self.env:
                return self.env[scope, name]
            if isinstance(scope, ast.Module):
                return None
            node = scope

    def wrong(self, node: ast.AST, text: str) -> None:
        line = f"{self.where}:{getattr(node, 'lineno', '?')}: {text}"
        if line not in self.findings.wrong:
            self.findings.wrong.append(line)
