"""How to install what is missing, also on a board whose OpenCV pip does not know of."""

from __future__ import annotations

import ast
from importlib import metadata
from typing import Any

import pytest

from edge.system.host import install_line
from tests.conftest import ROOT
from tests.release.pins import EXTRAS

LINES = ["numpy>=1.26", 'starlette>=0.40; extra == "web"', "uvicorn>=0.30; extra == 'web'", "x; extra == 'webs'"]


def records(monkeypatch: pytest.MonkeyPatch, known: dict[str, Any]) -> None:
    """pip's records are ``known`` alone: what each needs."""

    def needs(name: str) -> Any:
        if name not in known:
            raise metadata.PackageNotFoundError(name)
        return known[name]

    monkeypatch.setattr(metadata, "requires", needs)
    monkeypatch.setattr(metadata, "version", needs)


@pytest.mark.parametrize(
    ("known", "line"),
    [
        ({"opencv-python": None, "thermal-edge": LINES}, "pip install 'thermal-edge[web]'"),
        ({"thermal-edge": LINES}, "pip install 'starlette>=0.40' 'uvicorn>=0.30'"),
        ({"thermal-edge": None}, "pip install 'thermal-edge[web]'"),
        ({}, "pip install 'thermal-edge[web]'"),
    ],
    ids=["a PC", "a board", "a record without needs", "a copy that is not installed"],
)
def test_the_packages_are_named_where_the_extra_would_bring_another_opencv(
    known: dict[str, Any], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    records(monkeypatch, known)
    assert install_line("web") == line


def test_every_extra_that_is_asked_for_exists() -> None:
    asked = {
        call.args[0].value
        for path in (ROOT / "edge").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "install_line"
    }
    assert len(asked) >= 6
    assert asked <= set(EXTRAS)
