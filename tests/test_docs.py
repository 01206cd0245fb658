"""Commands that the pages name exist, and what they install is what is needed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from edge.commands.main import _parser

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/jetson.md", "docs/training.md")
BY_ITSELF = {"opencv-python"}  # a Jetson has its own


def commands(page: str) -> list[str]:
    """Every line of a code block that begins with ``edge``, without its comment."""
    blocks = re.findall(r"```\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if re.match(r"edge ", line)]


@pytest.mark.parametrize("line", [line for page in PAGES for line in commands(page)])
def test_edge_takes_the_command(line: str) -> None:
    _parser().parse_args(shlex.split(line, comments=True)[1:])


def test_the_jetson_page_installs_every_dependency() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    listed = re.search(r"^dependencies = \[(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    assert listed is not None
    expected = set(re.findall(r'^    "([a-z-]+)', listed[1], re.MULTILINE)) - BY_ITSELF
    said = next(
        line for line in (ROOT / "docs/jetson.md").read_text().splitlines() if line.startswith("pip install 'numpy")
    )
    assert expected <= set(re.findall(r"'([a-z-]+)", said))
