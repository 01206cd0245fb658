"""The site that ``make docs`` makes of the pages, as far as it is seen quickly."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import edge
import export
from edge.data import FLAGS
from edge.engine.select import BACKENDS
from tests.support.house import modules
from tests.test_docs import PAGES, ROOT, WITH_NAMES
from tests.test_house import ROOMS

SITE = runpy.run_path(str(ROOT / "docs/site/pages.py"))  # the part of the site that is ours
# stages of a frame, and counts of frames
REPORTED = {"wait", "correct", "normalise", "infer", "postprocess", "track", "locate", "health", "consumer"}
REPORTED |= {"dropped", "duplicates", "lost", "shutter_frames", "unconverged", "overflowed", "reconnects", "policy"}


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
