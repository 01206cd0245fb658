"""Words of the pages that a reader types or looks up: keys of sources, names in code font, targets, extras, files.

Commands and options: test_docs.py and test_messages.py.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

from edge.camera.options import VIEW_KEYS
from edge.pose.open import KINDS
from edge.sim.settings import SimulatorSettings
from edge.sinks.live import broker, tls
from edge.sinks.web import address, gate

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("edge/models/*/*.md")])
SOURCES = sorted(ROOT.glob("e*/**/*.py"))
# a key of a source: behind ? or & or #; all of those behind sim:
A_KEY = re.compile(r"(?:(?<=[\w/*.)])[?]|[\w}]&|#)([a-z_]+)=")
OF_SIM = re.compile(r"sim:((?:[a-z_]+=[\w.{}-]+,?)+)")
PLACE = "key"  # stands for any
A_WORD = re.compile(r"(?<!`)`([a-z][a-z0-9_]+)`(?!`)")
# of other programs and formats, and what a page has its reader make
ELSEWHERE = {
    "counts_over_udp",
    "https_proxy",
    "use_sim_time",
    "weight_orig",
    "iconv",
    "nvarguscamerasrc",
    "nvcc",
    "nvv4l2decoder",
    "rotate_xml",
    "tofile",
    "jetson_clocks",
}


@cache
def keys() -> set[str]:
    """Every key that a source of frames or poses, or a link takes, by the calls of ``source.split(...)``."""
    found: set[object] = {*VIEW_KEYS, *SimulatorSettings.__annotations__, *(key for kind in KINDS for key in kind.keys)}
    found |= {*tls.KEYS, *broker.KEYS, *address.KEYS, gate.OPENS}
    for path in [*ROOT.glob("edge/camera/*.py"), *ROOT.glob("edge/recording/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TAKES:
                found |= {part.value for part in node.args if isinstance(part, ast.Constant) and part.value}
    return {str(key) for key in found}


TAKES = {"split", "take", "flag", "rate"}


@cache
def code() -> set[str]:
    """Every word of the program, the benchmarks, the examples, the tests and the build, and every file's name."""
    folders = ("edge", "export", "benchmarks", "docs", "tests")
    files = [path for folder in folders for path in ROOT.glob(f"{folder}/**/*.py")]
    files.remove(Path(__file__).resolve())
    files += [*ROOT.glob("edge/models/*/model.json"), ROOT / "pyproject.toml", ROOT / "Makefile"]
    names = {path.stem for path in files}
    return names | {word for path in files for word in re.findall(r"[A-Za-z_][A-Za-z0-9_]*", path.read_text())}


def wrong_keys(text: str) -> list[str]:
    named = [*A_KEY.findall(text), *(key for words in OF_SIM.findall(text) for key in re.findall(r"([a-z_]+)=", words))]
    return [key for key in named if key not in keys() and key != PLACE]


def wrong_in(paths: Iterable[Path], wrong: Callable[[str], list[str]]) -> list[str]:
    """What ``wrong`` finds in the text of each file, behind the name of the file."""
    return [f"{path.relative_to(ROOT)}: {word}" for path in paths for word in wrong(text_of(path))]


@cache
def text_of(path: Path) -> str:
    return path.read_text()


def test_keys_of_sources_are_taken() -> None:
    sources = [ROOT / "edge/commands/options.py", *sorted(ROOT.glob("edge/camera/**/*.py"))]
    assert wrong_in([*PAGES, *sources], wrong_keys) == []


def test_words_in_code_font_are_in_the_code() -> None:
    def unknown(text: str) -> list[str]:
        return [word for word in A_WORD.findall(text) if word not in code() and word not in ELSEWHERE]

    assert wrong_in(PAGES, unknown) == []


def test_targets_and_extras_are_there() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    extras = set(re.findall(r"^([a-z]+) = \[", project.partition("[project.optional-dependencies]")[2], re.MULTILINE))

    def missing(text: str) -> list[str]:
        named = re.findall(r"(?:thermal-edge|'\.)\[([a-z,]+)\]", text)
        wrong = [word for word in re.findall(r"`make ([a-z-]+)", text) if word not in targets]
        return wrong + [word for words in named for word in words.split(",") if word not in extras]

    assert wrong_in([*PAGES, *SOURCES], missing) == []


def test_the_makefile_names_what_is_there() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    phony = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert {word for words in phony for word in words.split()} == targets
    files = re.findall(r"(?<![\w./-])((?:edge|export|tests|docs|benchmarks)/[\w./-]*\w)", text)
    assert [file for file in files if not (ROOT / file).exists() and file != "docs/faults.tmp"] == []
    modules = re.findall(r"-m ((?:tests|benchmarks|edge|export)[\w.]*)", text)
    assert [name for name in modules if not any(ROOT.glob(f"{name.replace('.', '/')}*"))] == []


def test_the_commands_are_those_that_are_installed() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    scripts = re.search(r"^\[project\.scripts\]\n(.*?)\n\n", text, re.DOTALL | re.MULTILINE)
    assert scripts is not None
    assert scripts[1].splitlines() == [
        'edge = "edge.commands.main:main"',
        'edge-export = "export.commands.main:main"',
    ]


MADE = {"reference.py", "setup.py", "coverage.py"}  # by a command, or of another package


def test_a_file_that_is_named_without_its_folder_is_there() -> None:
    folders = ("edge", "export", "benchmarks", "docs", "tests")
    names = {found.name for folder in folders for found in ROOT.glob(f"{folder}/**/*.py")} | MADE

    def missing(text: str) -> list[str]:
        return [name for name in re.findall(r"(?<![\w/.<-])[a-z_]+\.py\b", text) if name not in names]

    assert wrong_in([*PAGES, *SOURCES], missing) == []


# ---- the test itself ----


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("'/dev/video0?format=Y16&width=640'", []),
        ("'/dev/video0?format=Y16&widht=640'", ["widht"]),
        ("clip.mp4?corp=0,0,640,512", ["corp"]),
        ("rtsp://HOST/PATH#crop=0,0,640,512", []),
        ("rtsp://HOST/PATH#corp=0,0,640,512", ["corp"]),
        ("sim:seed=1,altitude=60", []),
        ("sim:seed=1,altitud=60", ["altitud"]),
        ("sim:sed=1,altitude=60", ["sed"]),
        ("FOLDER?key=value", []),
    ],
)
def test_a_wrong_key_is_found(text: str, wrong: list[str]) -> None:
    assert wrong_keys(text) == wrong


def test_words_are_found() -> None:
    assert A_WORD.findall("the `health` of ``this`` and `two words` or `shutter_frames`") == [
        "health",
        "shutter_frames",
    ]
    assert "shutter_frames" in code()
    assert "shuter_frames" not in code()
