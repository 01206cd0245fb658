"""What the pages say holds: the commands they name exist, the files are there, what they install is what is needed.

Programs in Python: tests/test_examples.py. Of the site that ``make docs`` makes of the pages: what is seen quickly.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import runpy
import shlex
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import edge
import export
from edge.commands.main import _parser
from edge.data import FLAGS
from edge.engine.select import BACKENDS
from export.commands.main import _COMMANDS
from tests.support.house import modules
from tests.test_house import ROOMS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(str(path.relative_to(ROOT)) for pattern in ("*.md", "docs/**/*.md") for path in ROOT.glob(pattern))
PAGES += sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("edge/models/*/*.md"))
OURS = ("edge", "edge-export")
SITE = runpy.run_path(str(ROOT / "docs/site/pages.py"))  # the part of the site that is ours
BY_ITSELF = {"opencv-python"}  # a Jetson has its own
# what a line of a code block may begin with, beside our two commands
OTHERS = {
    ".", "PATH=/usr/local/cuda/bin:$PATH", "cat", "cd", "dask", "docker", "export", "git", "journalctl", "jtop", "make",
    "minisign", "nvpmodel", "pip", "python", "python3", "scp", "sudo",
}  # fmt: skip
# files of ours, in text and code; the lookbehind leaves out what lies in another folder
A_FILE = re.compile(r"(?<![\w./~-])(?:edge|export|tests|docs|benchmarks)/[\w./-]*\w")
ELSEWHERE = {"docs/operators.md"}  # of onnx/onnx-tensorrt
ELSEWHERE |= {
    "edge/camera/counts.py",
    "edge/sinks/boxes.py",
    "edge/engine/spots.py",
}  # a reader of extending.md makes them
# stages of a frame, and counts of frames
REPORTED = {"wait", "correct", "normalise", "infer", "postprocess", "track", "locate", "health", "consumer"}
REPORTED |= {"dropped", "duplicates", "lost", "shutter_frames", "unconverged", "overflowed", "reconnects", "policy"}
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


# ---- the site ----


def nav(items: Any) -> Iterator[str]:
    """Every page that the site's navigation names."""
    if isinstance(items, str):
        yield items
    else:
        for item in items.values() if isinstance(items, dict) else items:
            yield from nav(item)


def settings() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    return found


def test_the_navigation_names_every_page_once() -> None:
    named = list(nav(settings()["nav"]))
    assert sorted(named) == sorted(set(named))
    there = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    assert set(named) == there | SITE["SHOWN"].keys()
    assert [file for file in SITE["SHOWN"].values() if not (ROOT / file).is_file()] == []


def headings(text: str) -> list[str]:
    outside = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"^#+ +(.+?) *$", outside, re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The places of a page that a link can lead to, as MkDocs and the hosts of code name them."""
    words = [re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings(text)]
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", title).strip().lower()) for title in words}


@pytest.mark.parametrize("page", [page for page in WITH_NAMES if page.endswith(".md")])
def test_a_page_has_one_title_and_its_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    assert re.match(r"# \S", text), "a page begins with its title"
    outside = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    assert len(re.findall(r"^# ", outside, re.MULTILINE)) == 1
    for target, anchor in re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", text):
        there = (ROOT / page).parent / target if target else ROOT / page
        assert anchor in anchors(there.read_text()), f"{target}#{anchor}"


def test_the_architecture_page_has_every_room_and_every_thread() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    rooms = re.findall(r"^\| `edge/(\w+)(?:\.py)?` \|", text, re.MULTILINE)
    assert rooms == [room for room in ROOMS["edge"] if f"edge.{room}" in modules(ROOT, "edge")]
    named = {  # Thread(..., name="capture"); the part in braces of a name is the camera's
        match.partition("{")[0].strip()
        for path in (ROOT / "edge").rglob("*.py")
        for match in re.findall(r"(?:Thread\(.*|__init__\()name=f?\"([^\"]+)\"", path.read_text())
    }
    assert len(named) >= 7
    assert [name for name in named if f"| `{name}" not in text] == []


def test_the_glossary_has_the_words_of_the_files() -> None:
    text = (ROOT / "docs/glossary.md").read_text()
    words = {*FLAGS - {"ffc_inferred"}, *BACKENDS, *REPORTED, "seq", "utc", "origin", "celsius", "latest", "every"}
    assert [word for word in sorted(words) if not re.search(rf"\b{word}\b", text)] == []
    terms = re.findall(r"^\*\*(.+)\*\*$", text, re.MULTILINE)
    assert len(terms) == len(set(terms)) == len(re.findall(r"^:   \S", text, re.MULTILINE)) > 70


def test_no_page_needs_a_script_of_another_host() -> None:
    """MkDocs' theme takes mermaid's from elsewhere."""
    assert [page for page in PAGES if "```mermaid" in (ROOT / page).read_text()] == []
    assert settings()["theme"]["font"] is False
    assert "iframe-worker" in settings()["extra"]["polyfills"][0]  # or the theme takes it from elsewhere


def test_the_reference_has_every_public_name_once() -> None:
    pages = [path.read_text() for path in sorted((ROOT / "docs/reference").glob("*.md"))]
    named = re.findall(r"^::: (\S+)$", "\n".join(pages), re.MULTILINE)
    assert len(set(named)) == len(named)
    errors = {f"edge.{name}" for name in edge.__all__ if name.endswith("Error")}  # stand in their module's tree
    expected = {f"edge.{name}" for name in edge.__all__} | {f"export.{name}" for name in export.__all__}
    assert set(named) == expected - errors | {"edge.errors", "edge.sinks.SinkContext"}


def test_docstrings_of_the_site() -> None:
    readable = runpy.run_path(str(ROOT / "docs/site/docstrings.py"))["readable"]
    text = (
        "Says ``a``: or b.\n\n``low``, ``high``: both\nends; ``unit``: theirs. More of it\n(``x``). ``none``: no\n"
        "``stop``: see `Camera`, `edge.stream`, `other` and ``Camera``.\n\nRaises InputError, OSError."
    )
    assert readable(text, "other") == (
        "Says ``a``: or b.\n\n- ``low``, ``high``: both ends\n- ``unit``: theirs. More of it (``x``).\n- ``none``: no\n"
        "- ``stop``: see [`Camera`][edge.Camera], [`stream`][edge.stream], `other` and ``Camera``.\n\n"
        "Raises [`InputError`][edge.InputError], OSError."
    )
    assert readable("`Camera`", "Camera") == "`Camera`"
    assert readable("A.\n\n    InputError  # a tree\n") == "A.\n\n    InputError  # a tree\n"
    assert readable("``a`` (A), ``b`` (B, C): both. ``c``: C") == "- ``a`` (A), ``b`` (B, C): both.\n- ``c``: C"


@pytest.mark.parametrize(
    ("page", "text", "becomes"),
    [
        ("labels.md", "see [a](training.md#b)", "see [a](training.md#b)"),
        ("labels.md", "[a](../CONTRIBUTING.md)", "[a](contributing.md)"),
        ("labels.md", "[the code](../edge/data.py)", "the code (`edge/data.py`)"),
        ("labels.md", "[`edge/data.py`](../edge/data.py)", "`edge/data.py`"),
        ("labels.md", "[a](#b), [a](https://b.c/d.md), `[a](b)`", "[a](#b), [a](https://b.c/d.md), `[a](b)`"),
        ("labels.md", "```\n[a](../b.md)\n```\n", "```\n[a](../b.md)\n```\n"),
        ("reference/edge.md", "[a](../labels.md), [b](data.md)", "[a](../labels.md), [b](data.md)"),
        ("contributing.md", "[a](docs/labels.md), [b](SECURITY.md)", "[a](labels.md), [b](security.md)"),
        ("contributing.md", "[a](README.md)", "a (`README.md`)"),
        ("model-card.md", "![a](../../../docs/model.jpg)", "![a](model.jpg)"),
    ],
)
def test_links_of_the_site(page: str, text: str, becomes: str) -> None:
    assert SITE["relinked"](text, page) == becomes


def test_what_lies_elsewhere_is_found() -> None:
    html, css = SITE["remote_in_html"], SITE["remote_in_css"]
    assert html('<a href="https://a.b/c">c</a><script src="c.js"></script><link href="c.css"><img src="data:x">') == []
    for remote in (
        '<script src="https://a.b/c"></script>',
        '<link rel="preconnect" href="https://a.b/c">',
        '<img alt="" src=" https://a.b/c">',
        "<p style=\"background: url('https://a.b/c')\">",
    ):
        assert [address.strip() for address in html(remote)] == ["https://a.b/c"], remote
    assert css("a { background: url(b.png) }") == []
    assert css('@import "//a.b/c"; a { background: url(https://a.b/d) }') == ["//a.b/c", "https://a.b/d"]
