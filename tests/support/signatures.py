"""What a caller may write, as text: the parameters of a function with their defaults, the public names of a class."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any


def signature(function: Callable[..., Any]) -> str:
    """``path, threads=0, *, spin=False``, without types.

    A default that is a path is its last name, one that is made anew or that does something is ``...``: neither an
    address nor a folder of this machine stands in it.
    """
    told: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        stars = "*" * (parameter.kind is parameter.VAR_POSITIONAL) + "**" * (parameter.kind is parameter.VAR_KEYWORD)
        if parameter.kind is parameter.KEYWORD_ONLY and not any(word.startswith("*") for word in told):
            told.append("*")
        default = "" if parameter.default is parameter.empty else f"={_text(parameter.default)}"
        told.append(f"{stars}{parameter.name}{default}")
    return ", ".join(word for word in told if word not in ("self", "cls"))


def _text(default: object) -> str:
    if isinstance(default, Path):
        return default.name
    return "..." if callable(default) or "factory" in repr(default) else repr(default)


def surface(thing: Any) -> dict[str, str]:
    """The signature of a function under ``""``; of a class its constructor's, and what else it has by name.

    A method is its signature in brackets, anything else is ``"value"``. What a class has of classes that are not ours
    is left out.
    """
    if not inspect.isclass(thing):
        return {"": f"({signature(thing)})"}
    found = {} if issubclass(thing, BaseException) else {"": f"({signature(thing)})"}
    for kind in thing.__mro__:
        if kind.__module__.partition(".")[0] not in ("edge", "export"):
            continue
        for name in sorted({*vars(kind), *vars(kind).get("__annotations__", {})}):
            if not name.startswith("_") and name not in found:
                value = inspect.getattr_static(thing, name, None)
                value = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
                found[name] = f"({signature(value)})" if inspect.isfunction(value) else "value"
    return found


def told(module: ModuleType) -> dict[str, str]:
    """`surface` of every name in ``__all__``, each thing's in one line: ``(signature) name name(signature)``."""
    lines: dict[str, str] = {}
    for name in module.__all__:
        thing = getattr(module, name)
        if not callable(thing):
            lines[name] = _text(thing)
            continue
        parts = surface(thing)
        words = [parts.pop("", "")]
        words += [inner if how == "value" else f"{inner}{how}" for inner, how in sorted(parts.items())]
        lines[name] = " ".join(word for word in words if word)
    return lines
