"""What a message, a help text or a page tells a person to type can be typed: options, commands, targets, extras, files.

By the text of the files: an option counts for the command that stands before it in the same sentence, or for any.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import pytest

from edge.commands.main import _parser
from export.commands.main import _COMMANDS
from tests.support.options import commands_of

pytestmark = pytest.mark.timeout(600)  # every text there is; over 120 s were seen at a load of 30

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("edge/models/*/*.md")])
SOURCES = sorted([*ROOT.glob("edge/**/*.py"), *ROOT.glob("export/**/*.py")])
AN_OPTION = re.compile(r"(?<![\w-])--[a-z](?:-?[a-z0-9])*(?![\w(-])")
# what an option after it belongs to
A_PROGRAM = re.compile(
    r"(?<![\w./-])(?:(?P<ours>edge-export|edge) "
    r"(?P<command>archive (?:plan|run|merge)\b"
    r"|[a-z]+(?: (?:check|simulate|propose|review|install|status|uninstall)\b)?)"
    r"|(?P<other>v4l2-ctl|pip|benchmarks/[\w/]+\.py))"
)
# options of other programs, named without them where it is clear whose they are; --boxes is an example's
A_PLACE = "edge name"  # for any command
OTHERS = {
    "--list-formats-ext",
    "--list-devices",
    "--system-site-packages",
    "--no-deps",
    "--ros-args",
    "--boxes",
    "--schemafile",
    "--out-type",
    # systemctl, useradd, docker, install.sh
    "--no-block", "--no-pager", "--now", "--property", "--version", "--system", "--no-create-home", "--shell",
    "--device", "--group-add", "--restart", "--rm", "--runtime", "--volume", "--prefix", "--python", "--wheel",
    "--help",
    "--processes", "--any-exprs-report", "--lineprecision-report",  # pytest with tests/support/forked.py, mypy
    # sbatch, dask
    "--array", "--cpus-per-task", "--time", "--requeue", "--host", "--port", "--nworkers", "--nthreads",
    "--tls-ca-file", "--tls-cert", "--tls-key",
}  # fmt: skip


@cache
def parsers() -> dict[str, set[str]]:
    """Every command of both programs with the options it takes; those that need torch only where that is installed."""
    found = dict(commands_of(_parser(), "edge"))
    for command, (module, add, _) in _COMMANDS.items():
        parser = argparse.ArgumentParser()
        getattr(importlib.import_module(module), add)(parser.add_subparsers())
        found |= {name: inner for name, inner in commands_of(parser, "edge-export") if name != "edge-export"}
        assert f"edge-export {command}" in found
    return {name: set(parser._option_string_actions) for name, parser in found.items()}


@pytest.fixture(autouse=True)
def with_torch() -> None:
    pytest.importorskip("torch", reason="edge-export's options need torch, which a board has not")


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Every string of a program with its line, also its docstrings; what is filled in later is ``{}``."""
    nodes = [*ast.walk(ast.parse(source))]
    parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.lineno, node.value


def wrong_in(text: str, others: set[str] = OTHERS) -> list[tuple[int, str]]:
    """What this text says to type and nothing takes, with the line of the text."""
    programs, named_options = list(A_PROGRAM.finditer(text)), list(AN_OPTION.finditer(text))
    if not programs and not named_options:
        return []
    found, known = [], parsers()
    every = set().union(*known.values()) | others
    for program in programs:
        named = f"{program['ours']} {program['command']}"
        meant = typed(text, program) or get_close_matches(named, known, 1, 0.8)
        if program["ours"] and named not in {*known, A_PLACE} and meant:
            found.append((program.start(), f"there is no {named}"))
    for option in named_options:
        before = [program for program in programs if program.end() <= option.start()]
        takes = every
        if before and goes_on(text, before[-1], option.start()):
            takes = options_of_program(before[-1], every)
        if option[0] not in takes:
            found.append((option.start(), f"{'nothing' if takes is every else before[-1][0]} takes {option[0]}"))
    return [(text.count("\n", 0, at) + 1, wrong) for at, wrong in found]


def goes_on(text: str, program: re.Match[str], at: int) -> bool:
    """Whether what stands at ``at`` is still about this program: the same part of a sentence, a line set in deeper."""
    line = text[text.rfind("\n", 0, program.start()) + 1 : program.start()]
    inside = len(line) - len(line.lstrip(" "))
    between = text[program.end() : at]
    deeper = all(re.match(rf" {{{inside + 1},}}", part + "-") for part in between.split("\n")[1:])
    return deeper and not re.search(r"[.,;:`)]\s|`", between)


def typed(text: str, program: re.Match[str]) -> bool:
    """Whether this is a command and not two words of a sentence, such as "the edge of"."""
    return text[: program.start()].endswith(("`", "'", "$ ")) or text[program.end() :].startswith((" --", " {}", ":"))


def options_of_program(program: re.Match[str], every: set[str]) -> set[str]:
    if program["ours"]:
        return parsers().get(f"{program['ours']} {program['command']}", every)
    path = ROOT / program["other"]
    return options_of_script(path) if path.suffix == ".py" else OTHERS


@cache
def of_scripts() -> set[str]:
    """Options of the programs beside the two commands: benchmarks, examples, what a page has written by a tool."""
    scripts = [*ROOT.glob("benchmarks/**/*.py"), *ROOT.glob("docs/**/*.py"), *ROOT.glob("edge/commands/*.py")]
    return set().union(*(options_of_script(path) for path in scripts if "ArgumentParser(" in path.read_text()))


def options_of_script(path: Path) -> set[str]:
    return set(re.findall(r'"(--[a-z-]+)"', path.read_text()))


def test_what_a_message_says_to_type_is_there() -> None:
    found = []
    for path in SOURCES:
        source = path.read_text()
        own = options_of_script(path) if "argparse.ArgumentParser(" in source else set[str]()
        for line, text in texts(source):
            found += [f"{path.relative_to(ROOT)}:{line}: {wrong}" for _, wrong in wrong_in(text, OTHERS | own)]
    assert found == []


def test_what_a_page_says_to_type_is_there() -> None:
    others = OTHERS | of_scripts()
    found = [(path, wrong_in(path.read_text(), others)) for path in PAGES]
    assert [f"{path.relative_to(ROOT)}:{line}: {wrong}" for path, all_ in found for line, wrong in all_] == []


# ---- the test itself: what it must find ----


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("free some space or give another --out", []),
        ("free some space or give another --output", ["nothing takes --output"]),
        ("edge rnu: it", ["there is no edge rnu"]),
        ("see: edge info", []),
        ("the edge of a tile, cut at the edge under it", []),
        ("the edge inf of it", ["there is no edge inf"]),
        ("edge-export engine {}", []),
        ("edge-export engines {}", ["there is no edge-export engines"]),
        ("edge-export engine {} --out x", ["edge-export engine takes --out"]),
        ("edge-export data check DIR --hold-back 0.2", []),
        ("edge-export data check DIR --steps 2", ["edge-export data check takes --steps"]),
        ("edge-export data simulate --frames 2 --hold-back 1", ["edge-export data simulate takes --hold-back"]),
        ("edge info shows it; add --record", []),
        ("`edge run` and `--steps`", []),
        ("v4l2-ctl --list-formats-ext", []),
        ("v4l2-ctl --list-formats", ["v4l2-ctl takes --list-formats"]),
        ("benchmarks/accuracy/ablation.py --seeds 2", []),
        ("edge-export reference\n  --out r.py\npython r.py --images d", []),
        ("edge-export reference\n  --images d", ["edge-export reference takes --images"]),
        ("  edge-export engine b\n --backend auto", []),
        ("  edge-export engine b\n    --backend auto", ["edge-export engine takes --backend"]),
        ("benchmarks/accuracy/ablation.py --sedes 2", ["benchmarks/accuracy/ablation.py takes --sedes"]),
    ],
)
def test_wrong_words_are_found(text: str, wrong: list[str]) -> None:
    assert wrong_in(text) == [(1 + text.count("\n"), what) for what in wrong]
    assert wrong_in(f"One.\n\n{text}") == [(3 + text.count("\n"), what) for what in wrong]


def test_texts_are_read_whole() -> None:
    assert sorted(texts('"""Doc."""\nx = f"a {1} b" "c"\n"d"\n')) == [(1, "Doc."), (2, "a {} bc"), (3, "d")]
