"""The command lines that the pages show are taken, and old spellings of options too."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from export.commands.main import parser_for

ROOT = Path(__file__).resolve().parents[3]
DOCS = ("docs/jetson.md", "docs/labels.md", "docs/training.md", "docs/model-history.md")
PAGES = ("README.md", *DOCS, "edge/models/hituav-r18/MODEL_CARD.md")


def commands(page: str) -> list[str]:
    """Every command in a code block that begins with ``edge-export``, its continued lines joined."""
    blocks = re.findall(r"^```.*?\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    joined = re.sub(r"\n +(--)", r" \1", "\n".join(blocks))
    return [line for line in joined.splitlines() if line.startswith("edge-export ")]


@pytest.mark.parametrize("line", [line for page in PAGES for line in commands(page)])
def test_the_pages_command_is_taken(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    assert callable(parser_for(words[0]).parse_args(words).run)


def test_every_page_has_some() -> None:
    assert all(commands(page) for page in PAGES)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("train --out o --data d --shares 0.8,0.2", "train --out o --data d --sampling-weights 0.8,0.2"),
        ("train --out o --data d --mistakes m.json", "train --out o --data d --hard-examples m.json"),
        (
            "eval --model b --annotations a --images i --mistakes m.json",
            "eval --model b --annotations a --images i --hard-examples m.json",
        ),
    ],
)
def test_options_of_before_stay(before: str, now: str) -> None:
    parser = parser_for(now.split(maxsplit=1)[0])
    assert parser.parse_args(before.split()) == parser.parse_args(now.split())
