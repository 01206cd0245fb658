"""Writes THIRD_PARTY_NOTICES.md from pyproject.toml and the metadata of the installed packages:

python -m tests.release.notices > THIRD_PARTY_NOTICES.md
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# where the metadata says nothing, or a package is not in the environment of the tests: what its licence file says
BY_HAND = {
    "faster-coco-eval": "Apache-2.0",
    "mkdocs": "BSD-2-Clause",
    "mkdocs-material": "MIT",
    "mkdocstrings": "ISC",
    "mkdocstrings-python": "ISC",
    "paho-mqtt": "EPL-2.0 OR BSD-3-Clause",
    "pymavlink": "LGPL-3.0-or-later",
}
LONGEST = 100  # a text of the whole licence is no name of one
HEAD = """# Third-party notices

thermal-edge is licensed under Apache-2.0 (file `LICENSE`). It holds no code of the packages below: pip installs them
beside it, each under its own licence. Written by `python -m tests.release.notices`.

| package | version | licence | needed by |
|---|---|---|---|
"""
TAIL = """
The wheels of `opencv-python` bring FFmpeg (LGPL-2.1) and Qt 5 (LGPL-3) with them; their file `LICENSE-3RD-PARTY.txt`
names every part. TensorRT, CUDA and JetPack are NVIDIA's, under its own terms, and are no part of thermal-edge.

## The bundled model

`edge/models/hituav-r18` was trained on **HIT-UAV**: Suo et al., "HIT-UAV: A high-altitude infrared thermal dataset for
Unmanned Aerial Vehicle-based object detection", Scientific Data 10, 227 (2023), doi 10.1038/s41597-023-02066-6,
licence CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). Training cropped, mirrored and scaled its frames,
varied their grey levels and mixed simulated flights in. The body's first weights were those of torchvision's ResNet18
(BSD-3-Clause), trained on ImageNet. `model.json` and the model card carry the credit.
"""


def requirements(project: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """``(package, version range, what needs it)`` for each line of pyproject's table ``project``."""
    extras = {"everyone": project["dependencies"], **project["optional-dependencies"]}
    for extra, lines in extras.items():
        for line in lines:
            said = re.fullmatch(r"([\w.-]+)\s*([^;]*?)\s*(?:;\s*(.*))?", line)
            if said is None:
                raise ValueError(f"{line!r}: expected a name, a version range and perhaps a marker")
            where = f" where {said[3]}" if said[3] else ""
            yield said[1], said[2] or "any", (extra if extra == "everyone" else f"`[{extra}]`") + where


def licence_of(package: str) -> str:
    """What the installed package's metadata says, in the order of their precision, else what `BY_HAND` says.

    Raises ValueError where neither says anything.
    """
    try:
        said = metadata(package)
    except PackageNotFoundError:
        said = None
    if said is not None:
        if expression := said.get_all("License-Expression"):
            return str(expression[0])
        classifiers = [str(line).rpartition(":: ")[2] for line in said.get_all("Classifier") or ()]
        named = [line for line in classifiers if line.endswith(("License", "(LGPLv3)"))]
        text = "".join(said.get_all("License") or ()).strip()
        if named or (text and len(text) < LONGEST and "\n" not in text):
            return named[0] if named else text
    if package in BY_HAND:
        return BY_HAND[package]
    raise ValueError(f"{package}: its metadata names no licence; look at its licence file, and add it to BY_HAND")


def page(project: dict[str, Any], licence: Callable[[str], str] = licence_of) -> str:
    """The whole file."""
    rows: dict[tuple[str, str], list[str]] = {}
    for package, version, need in requirements(project):
        rows.setdefault((package, version), []).append(need)
    lines = [
        f"| {package} | {version} | {licence(package)} | {', '.join(needs)} |"
        for (package, version), needs in sorted(rows.items(), key=lambda row: row[0][0].lower())
    ]
    return HEAD + "\n".join(lines) + "\n" + TAIL


def project_table() -> dict[str, Any]:
    """``[project]`` of pyproject.toml. Raises ImportError before Python 3.11."""
    read: Callable[[str], dict[str, Any]] = import_module("tomllib").loads
    table: dict[str, Any] = read((ROOT / "pyproject.toml").read_text())["project"]
    return table


if __name__ == "__main__":
    print(page(project_table()), end="")
