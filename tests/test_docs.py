"""What the pages say holds: the commands they name exist, the files are there, what they install is what is needed.

Programs in Python: tests/test_examples.py. The site that ``make docs`` makes of the pages: tests/test_site.py.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import shlex
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

from edge.commands.main import _parser
from export.commands.main import _COMMANDS
from tests.support.house import modules

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(str(path.relative_to(ROOT)) for pattern in ("*.md", "docs/**/*.md") for path in ROOT.glob(pattern))
PAGES += sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("edge/models/*/*.md"))
OURS = ("edge", "edge-export")
BY_ITSELF = {"opencv-python"}  # a Jetson has its own
# what a line of a code block may begin with, beside our two commands
OTHERS = {
    ".", "PATH=/usr/local/cuda/bin:$PATH", "cat", "cd", "dask", "docker", "export", "for", "git", "journalctl", "jtop",
    "make", "minisign", "mkdir", "nvpmodel", "pip", "printf", "python", "python3", "scp", "sudo",
}  # fmt: skip
# files of ours, in text and code; the lookbehind leaves out what lies in another folder
A_FILE = re.compile(r"(?<![\w./~-])(?:edge|export|tests|docs|benchmarks)/[\w./-]*\w")
ELSEWHERE = {"docs/operators.md"}  # of onnx/onnx-tensorrt
ELSEWHERE |= {
    "edge/camera/counts.py",
    "edge/sinks/boxes.py",
    "edge/engine/spots.py",
}  # a reader of extending.md makes them
A_NAME = re.compile(r"`((?:edge|export)(?:\.\w+)+)`")
WITH_NAMES = [
    str(path.relative_to(ROOT))
    for pattern in (
        "*.md",
        "docs/**/*.*",
        "edge/**/*.py",
        "edge/**/*.md",
        "export/**/*.py",
        "benchmarks/README.md",
        "benchmarks/*.py",
        "benchmarks/[!m]*/[!_]*.py",  # mutants/ names beginnings of files
        ".ci/run",
    )
    for path in sorted(ROOT.glob(pattern))
    if path.suffix in {".py", ".md", ""}
]


def lines(text: str) -> list[str]:
    """Every command of a page's blocks of code, without ``$``; a line that is set in goes on with the one before."""
    found: list[str] = []
    for language, block in re.findall(r"^```(\w*)[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        if language in ("", "sh", "bash", "console"):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith(" ") and found:
                    found[-1] += line
                elif line and not line.startswith("#"):
                    found.append(line.removeprefix("$ "))
    return found


def of_page(page: str) -> list[str]:
    return lines((ROOT / page).read_text())


def named(text: str) -> list[str]:
    """Our commands in the running text: ``edge run --backend trt``, often without what they need."""
    return [words for words in re.findall(r"`((?:edge|edge-export) [^`\n]+)`", text) if "`" not in words]


@cache
def export_parser(command: str) -> argparse.ArgumentParser:
    """The parser that ``edge-export`` makes for this command; skips the test where the command needs torch."""
    assert command in _COMMANDS, f"edge-export has no command {command!r}"
    module, add, _ = _COMMANDS[command]
    if command != "engine":
        pytest.importorskip("torch", reason="needs torch, which a board has not")
    parser = argparse.ArgumentParser()
    getattr(importlib.import_module(module), add)(parser.add_subparsers())
    return parser


@cache
def edge_parser() -> argparse.ArgumentParser:
    return _parser()


def parser_of(program: str, words: list[str]) -> argparse.ArgumentParser:
    if program == "edge":
        return edge_parser()
    return export_parser(next((word for word in words if not word.startswith("-")), ""))


def options(parser: argparse.ArgumentParser, words: list[str]) -> set[str]:
    """Every option that the command of these words takes."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            command = next((word for word in words if word in action.choices), None)
            assert command is not None, f"expected one of {', '.join(action.choices)}"
            rest = words[words.index(command) + 1 :]
            return {*parser._option_string_actions, *options(action.choices[command], rest)}
    return set(parser._option_string_actions)


def check(line: str) -> None:
    """A whole command of a page. Raises AssertionError or SystemExit where there is none such."""
    program, *words = shlex.split(line, comments=True)
    if program in OURS:
        parser_of(program, words).parse_args(words)
        return
    assert program in OTHERS, f"{program!r} is no command of ours, and none of those that the pages use"
    if program == "make":
        targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        assert {word for word in words if "=" not in word} <= targets


def check_named(text: str) -> None:
    """A command in the running text: it exists, and so do its options."""
    program, *words = shlex.split(text)
    known = options(parser_of(program, words), words)
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def wrong(commands: Iterable[str], checked: Callable[[str], None], program: str) -> list[str]:
    """Those of this program that ``checked`` refuses, each with the reason. "": of all programs but ours."""
    found = []
    for command in commands:
        first = command.split()[0]
        if program == (first if first in OURS else ""):
            try:
                checked(command)
            except (AssertionError, SystemExit, ValueError) as error:
                found.append(f"{command}: {error}")
    return found


@pytest.mark.parametrize("program", ["", *OURS])
def test_pages_name_commands_that_exist(program: str) -> None:
    assert wrong([line for page in PAGES for line in of_page(page)], check, program) == []


@pytest.mark.parametrize("program", OURS)
def test_the_running_text_does(program: str) -> None:
    words = sorted({words for page in PAGES for words in named((ROOT / page).read_text())})
    assert wrong(words, check_named, program) == []


@pytest.mark.parametrize(
    "line",
    [
        "edge rnu --source sim: --out flight",
        "egde run --source sim: --out flight",
        "edge run --sauce sim: --out flight",
        "edge run --out flight  # no source",
        "edge-export onyx --checkpoint deer.pth",
        "edge-export engine models/deer --dry-runs",
        "make tests",
    ],
)
def test_a_wrong_command_is_found(line: str) -> None:
    with pytest.raises((AssertionError, SystemExit)):
        check(line)


@pytest.mark.parametrize("words", ["edge rnu", "edge run --backends", "edge-export engin", "edge-export engine --fast"])
def test_a_wrong_word_is_found(words: str) -> None:
    with pytest.raises(AssertionError):
        check_named(words)


def test_lines_are_read_as_a_person_reads_them() -> None:
    text = "```\n$ edge bench  # all\nedge run \\\n    --out a\n# no\nedge demo\n    --frames 2\n```\n"
    text += "```python\nimport edge\n```\n"
    assert [shlex.split(line, comments=True) for line in lines(text)] == [
        ["edge", "bench"],
        ["edge", "run", "--out", "a"],
        ["edge", "demo", "--frames", "2"],
    ]
    assert named("say `edge bench --json F` or `edge`, not `edgewise x`") == ["edge bench --json F"]


def missing(page: str) -> list[str]:
    """Files, links and names of this file that lead nowhere, behind its name."""
    text = (ROOT / page).read_text()
    gone = [name for name in A_FILE.findall(text) if name not in ELSEWHERE and not (ROOT / name).exists()]
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) if page.endswith(".md") else []
    gone += [link for link in links if "://" not in link and not (ROOT / page).parent.joinpath(link).exists()]
    gone += [name for name in A_NAME.findall(text) if not exists(name)]
    return [f"{page}: {name}" for name in gone]


def test_files_and_names_that_are_mentioned_exist() -> None:
    assert [name for page in WITH_NAMES for name in missing(page)] == []


@cache
def known(package: str) -> dict[str, Path]:
    return modules(ROOT, package)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text())


@cache
def exists(dotted: str) -> bool:
    """Whether ``edge.camera.open.open_camera``, or a method of a class, is there. By the text: nothing is imported."""
    there = known(dotted.partition(".")[0])
    module = dotted
    while module not in there:
        module = module.rpartition(".")[0]
    inside: ast.AST = parsed(there[module])
    for part in dotted[len(module) :].split(".")[1:]:
        found = [node for node in ast.iter_child_nodes(inside) if part in defined(node)]
        if not found:
            return False
        inside = found[0]
    return True


def defined(node: ast.AST) -> set[str]:
    """The names that a statement gives a meaning to."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name for alias in node.names}
    return {child.id for child in ast.walk(node) if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store)}


def test_a_name_that_is_gone_is_found() -> None:
    assert exists("edge.stream")
    assert exists("edge.seams.Camera.read")
    assert exists("edge.data.Frame.flags")
    assert not exists("edge.seams.Camera.raed")
    assert not exists("edge.seams.Kamera")
    assert not exists("edge.kitchen")
    assert A_FILE.findall("see edge/camera/open.py, or /x/edge/y.py") == ["edge/camera/open.py"]


def test_the_jetson_page_installs_every_dependency() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    listed = re.search(r"^dependencies = \[(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    assert listed is not None
    expected = set(re.findall(r'^    "([a-z-]+)', listed[1], re.MULTILINE)) - BY_ITSELF
    said = next(
        line for line in (ROOT / "docs/jetson.md").read_text().splitlines() if line.startswith("pip install 'numpy")
    )
    assert expected <= set(re.findall(r"'([a-z-]+)", said))
