"""What the site shows of files that lie outside docs/, and what becomes of links to files that it does not show.

Called by MkDocs, see mkdocs.yml. The pages read the same where they lie, in an editor or where the code is hosted.
"""

from __future__ import annotations

import posixpath
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHOWN = {  # page of the site: the file whose text it is
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
    "conduct.md": "CODE_OF_CONDUCT.md",
    "model-card.md": "edge/models/hituav-r18/MODEL_CARD.md",
}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s:]+)(#[^)\s]*)?\)")


def source_of(page: str) -> str:
    """Where the text of a page lies, from the root of the repository: ``docs/labels.md`` of ``labels.md``."""
    return SHOWN.get(page, f"docs/{page}")


def relinked(text: str, page: str) -> str:
    """The text of ``page`` with every link, written for where the file lies, made one of the site.

    A link to a page or to another file below docs/ leads there. A file that the site does not hold is named by its
    path in the repository.
    """
    folder = posixpath.dirname(source_of(page))
    pages = {file: name for name, file in SHOWN.items()}

    def link(match: re.Match[str]) -> str:
        mark, words, target, anchor = match.groups()
        path = posixpath.normpath(posixpath.join(folder, target))
        there = pages.get(path, path.removeprefix("docs/") if path.startswith("docs/") else None)
        if there is None:
            return f"{words} (`{path}`)" if words.strip("`") != path else f"`{path}`"
        return f"{mark}[{words}]({posixpath.relpath(there, posixpath.dirname(page) or '.')}{anchor or ''})"

    # what stands in a block of code is no link
    parts = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in parts)


class _Loaded(HTMLParser):
    """What a browser fetches to show a page, and not only where somebody clicks. ``found``: addresses elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {"src", "srcset", "poster", "data"} | ({"href"} if tag in ("link", "image", "use") else set())
        self.found += [value for name, value in attrs if name in names and value and elsewhere(value)]
        self.found += [url for name, value in attrs if name == "style" for url in remote_in_css(value or "")]


def elsewhere(address: str) -> bool:
    """Whether it names another host."""
    return re.match(r"(?:https?:)?//", address.strip()) is not None


def remote_in_css(text: str) -> list[str]:
    """What a style sheet would fetch from another host."""
    found = re.findall(r"""(?:url\(|@import)\s*["']?([^"')\s;]+)""", text)
    return [address for address in found if elsewhere(address)]


def remote_in_html(text: str) -> list[str]:
    """What a page would fetch from another host."""
    page = _Loaded()
    page.feed(text)
    return page.found


def on_files(files: Any, config: Any) -> Any:
    """Add the pages whose text lies elsewhere."""
    from mkdocs.structure.files import File

    for page, file in SHOWN.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / file)))
    return files


def on_post_build(*, config: Any) -> None:
    """The site is read where there is no network: nothing of it may lie elsewhere."""
    from mkdocs.exceptions import PluginError

    for path in sorted(Path(config.site_dir).rglob("*")):
        look = {".html": remote_in_html, ".css": remote_in_css}.get(path.suffix)
        if look and (found := look(path.read_text(encoding="utf-8"))):
            raise PluginError(f"{path} would be shown with {found[0]}: expected files of the site alone")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Called with each page before it is rendered."""
    return relinked(markdown, page.file.src_uri)
