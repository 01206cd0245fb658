"""What a release must keep to: each check takes what it looks at and gives a line for everything that is wrong."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

MOST_BYTES = 40_000_000  # of a wheel: the bundled model is 26 MB of it
NOTES = {"LICENSE", "THIRD_PARTY_NOTICES.md"}
PAGES = {"CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "README.md", "pyproject.toml", "MANIFEST.in"}
MADE = {"PKG-INFO", "setup.cfg"}  # by setuptools, as is thermal_edge.egg-info
PROGRAM = ("edge/", "export/")
HEADING = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$", re.MULTILINE)
# a folder of somebody's machine; what a page shows of a made-up one stands in /home/me
A_MACHINE = re.compile(r"(?<![\w.~/-])/(?!home/me\b)(?:home|root|Users|mnt|work)/[\w.-]+")
AN_IMAGE_OR_LINK = re.compile(r"\]\(([^)\s]+)\)")


def same_version(pyproject: str, changelog: str, command: str) -> list[str]:
    """The version of pyproject.toml, of the newest release in CHANGELOG.md, and what ``edge --version`` printed."""
    declared = re.search(r'^version = "(.*)"$', pyproject, re.MULTILINE)
    expected = declared[1] if declared else None
    newest = HEADING.search(changelog)
    found = {
        "CHANGELOG.md": newest[1] if newest else None,
        "edge --version": command.strip().removeprefix("thermal-edge "),
    }
    return [f"{where} says {said}: expected {expected}, as pyproject.toml" for where, said in found.items()
            if said != expected]  # fmt: skip


def told_changes(changelog: str, pyproject_version: str) -> list[str]:
    """A release tells its changes, and nothing waits under Unreleased."""
    parts = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    text = {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}
    wrong = []
    if text.get("[Unreleased]"):
        wrong.append("CHANGELOG.md has lines under Unreleased: move them under the version that is released")
    own = next((body for heading, body in text.items() if heading.startswith(f"[{pyproject_version}]")), None)
    if not own:
        wrong.append(f"CHANGELOG.md says nothing under {pyproject_version}: expected what changed for users")
    return wrong


def wheel_contents(inside: Iterable[str], tracked: Iterable[str]) -> list[str]:
    """A wheel holds every tracked file of edge/ and export/, the licence and the notices, and nothing else."""
    names = set(inside)
    program = {name for name in names if ".dist-info/" not in name}
    expected = {name for name in tracked if name.startswith(PROGRAM)}
    licences = {PurePosixPath(name).name for name in names if ".dist-info/licenses/" in name}
    wrong = [f"the wheel lacks {name}" for name in sorted(expected - program)]
    wrong += [f"the wheel holds {name}: expected tracked files of edge/ and export/ only"
              for name in sorted(program - expected)]  # fmt: skip
    wrong += [f"the wheel lacks {name} below its .dist-info/licenses" for name in sorted(NOTES - licences)]
    return wrong


def size(name: str, size_bytes: int) -> list[str]:
    """``name`` has at most `MOST_BYTES`."""
    if size_bytes <= MOST_BYTES:
        return []
    return [f"{name} has {size_bytes / 1e6:.1f} MB: expected at most {MOST_BYTES / 1e6:.1f} MB"]


def sdist_contents(inside: Iterable[str], tracked: Iterable[str]) -> list[str]:
    """A source archive holds what a wheel is built from, and the pages that a reader wants beside it."""
    names = {name.partition("/")[2] for name in inside if not name.endswith("/")}
    names = {name for name in names if name and not name.startswith("thermal_edge.egg-info/")} - MADE
    expected = {name for name in tracked if name.startswith(PROGRAM)} | NOTES | PAGES
    wrong = [f"the source archive lacks {name}" for name in sorted(expected - names)]
    wrong += [f"the source archive holds {name}: see MANIFEST.in" for name in sorted(names - expected)]
    return wrong


def digests(wheel: Path) -> dict[str, str]:
    """The sha256 of each file in a wheel, but of the list of all of them."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            name: hashlib.sha256(archive.read(name)).hexdigest()
            for name in archive.namelist()
            if not name.endswith(("/RECORD", "/"))
        }


def same_wheel(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    """`digests` of the wheel from the checkout, and of the one from the source archive."""
    return [
        f"{name} differs between the wheel from the checkout and the one from the source archive"
        for name in sorted(first.keys() | second.keys())
        if first.get(name) != second.get(name)
    ]


def machine_paths(texts: Mapping[str, str]) -> list[str]:
    """``texts``: by file. No path of the machine that something was made on."""
    return [
        f"{name}:{number}: {found[0]} is a path of somebody's machine"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if (found := A_MACHINE.search(line))
    ]


def relative_links(readme: str) -> list[str]:
    """What a reader of the page on a package index cannot open: a warning, no fault."""
    return sorted({link for link in AN_IMAGE_OR_LINK.findall(readme) if "://" not in link and not link.startswith("#")})


def clean_tree(status: str) -> list[str]:
    """``status``: what ``git status --porcelain`` printed."""
    return [f"{line[3:]} is not committed" for line in status.splitlines()]


def stale_notices(kept: str, made: str) -> list[str]:
    """THIRD_PARTY_NOTICES.md, and what its command writes."""
    if kept == made:
        return []
    return [
        "THIRD_PARTY_NOTICES.md is not what its command writes: "
        "python -m tests.release.notices > THIRD_PARTY_NOTICES.md"
    ]


def package_name(text: str) -> str:
    """The package that a requirement, or a row of a table, begins with, as package indexes compare names."""
    found = re.match(r"(?:\| )?([\w.-]+)", text)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else ""


def unnamed(bill: Mapping[str, Any], notices: str) -> list[str]:
    """``bill``: a CycloneDX file. Every package in it has a row in THIRD_PARTY_NOTICES.md."""
    known = {package_name(line) for line in notices.splitlines() if line.startswith("| ")}
    return [
        f"{part['name']} {part['version']} has no row in THIRD_PARTY_NOTICES.md: see python -m tests.release.notices"
        for part in bill["components"]
        if part["type"] == "library" and package_name(part["name"]) not in known
    ]


def sbom(bills: Sequence[str], notices: str, needed: Iterable[str]) -> list[str]:
    """``bills``: the same environment's CycloneDX file, made twice. ``needed``: what the program cannot be without."""
    wrong = [] if bills[0] == bills[1] else ["two bills of materials of one environment differ"]
    bill = json.loads(bills[0])
    there = {package_name(part["name"]) for part in bill["components"]}
    wrong += [f"the bill of materials lacks {line}" for line in needed if package_name(line) not in there]
    return wrong + unnamed(bill, notices) + machine_paths({"the bill of materials": bills[0]})


def demo_ran(report: str, frames: int) -> list[str]:
    """``report``: the report.json of ``edge demo --frames N``, as it was installed from the source archive."""
    said = json.loads(report).get("frames")
    return [] if said == frames else [f"edge demo --frames {frames} reports {said} frames"]
