"""The worked example of docs/training.md holds together: each command finds what the ones before it left.

Up to the figures it is run; making the bundle and judging it takes longest, and test_smoke.py of training does that.
"""

from __future__ import annotations

import re
import shlex
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs torch, which a board has not")

from export.commands import train
from export.commands.main import main
from export.training.start import calibrate_norms
from tests.support.narrow import narrow

PAGE = (Path(__file__).resolve().parents[1] / "docs/training.md").read_text()
SMALL = "--channels 16 --representation-size 16 --sampling-ratio 2 --min-size 128 --max-size 160"
SMALL += " --rpn-pre-nms 50 --rpn-post-nms 20 --crop 64"
# what makes the page's commands quick, and leaves their files as they are
QUICK = (("--frames 40", "--frames 16"), ("--from edge/models/hituav-r18", SMALL), ("--steps 150", "--steps 1"))
RUN = 4  # so many of the steps


def steps() -> list[list[str]]:
    """The words of the page's worked example, one command for each of its steps."""
    part = PAGE[PAGE.index("## The worked example") : PAGE.index("## With your own frames")]
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", part, re.DOTALL | re.MULTILINE)
    lines = [line for language, block in blocks if not language for line in block.splitlines()]
    assert len(lines) == len(re.findall(r"^### \d\. ", part, re.MULTILINE)) == 7
    return [shlex.split(line) for line in lines]


def after(words: list[str], option: str) -> str | None:
    return words[words.index(option) + 1] if option in words else None


def test_each_step_finds_what_the_ones_before_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train, "calibrate_norms", partial(calibrate_norms, crop=64))
    for words in steps()[:RUN]:
        line = shlex.join(words[1:])
        for slow, quick in QUICK:
            line = line.replace(slow, quick)
        with narrow():
            assert main([*shlex.split(line), "--quiet"]) == 0, line
    assert {"frames", "check", "run", "figures.json", "page.jpg"} == {path.name for path in tmp_path.iterdir()}
    made: set[str | None] = set()
    for words in steps()[RUN:]:
        for option in ("--checkpoint", "--annotations", "--images"):
            assert (tmp_path / (after(words, option) or "")).exists(), words
        assert after(words, "--model") in {None, *made}
        made.add(after(words, "--out"))
