"""Writes THIRD_PARTY_NOTICES.md from pyproject.toml and the metadata of the installed packages:

python -m tests.release.notices > THIRD_PARTY_NOTICES.md

In the environment of the tests (make notices compares), where everything is installed that it names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

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
    "tomli": "MIT",
}
# extras of the aircraft: what their packages bring with them stands in the notices, too
ON_BOARD = ("cptv", "foxglove", "mavlink", "mqtt", "signed", "tiff", "web")
# brought by versions that the environment of the tests does not have: of Python 3.10 (JetPack 6)
OLDER = {
    "coloredlogs": ("MIT License", "onnxruntime before 1.24"),
    "exceptiongroup": ("MIT License", "anyio before Python 3.11"),
    "humanfriendly": ("MIT License", "coloredlogs"),
    "mpmath": ("BSD License", "sympy"),
    "sympy": ("BSD License", "onnxruntime before 1.24"),
}
LONGEST = 100  # a text of the whole licence is no name of one
HEAD = """# Third-party notices

thermal-edge is licensed under Apache-2.0 (file `LICENSE`). It holds no code of the packages below: pip installs them
beside it, each under its own licence. What it does hold of others stands further down.
Written by `python -m tests.release.notices`.

| package | version | licence | needed by |
|---|---|---|---|
"""
BROUGHT = """
What these bring with them, on the aircraft (of `[cluster]`, `[coco]`, `[docs]`, `[export]`, `[parquet]` and
`[test]`, which stay on the ground,
pip's own list is the whole one: `pip list`). Which of them are installed hangs on Python and on the package's version.

| package | licence | brought by |
|---|---|---|
"""
TAIL = """
The wheels of `opencv-python` bring FFmpeg (LGPL-2.1) and Qt 5 (LGPL-3) with them; their file `LICENSE-3RD-PARTY.txt`
names every part. Those of `pynacl` bring libsodium (ISC). Those of `foxglove-sdk` for glibc 2.28 and later bring
libwebrtc (BSD-3, in a build of LiveKit's, Apache-2.0) and parts of FFmpeg (LGPL-2.1) for a service that is not started
here; the file in their folder `sboms` names every part. TensorRT, CUDA and JetPack are NVIDIA's, under its own
terms, and are no part of thermal-edge. Nor is OpenVINO (Apache-2.0), which `--backend openvino` uses where its user has
installed it.

## In the page of a run

`edge/sinks/web/static` holds these, as their authors made them, each with its licence beside it:

| library | version | licence | copyright |
|---|---|---|---|
| leaflet | 1.9.4 | BSD-2-Clause | 2010-2023 Volodymyr Agafonkin, 2010-2011 CloudMade |
| pmtiles | 4.5.0 | BSD-3-Clause | 2021 Protomaps LLC |
| fflate | in pmtiles | MIT | 2023 Arjun Barrett |

## The bundled model

`edge/models/hituav-r18` was trained on **HIT-UAV**: Suo et al., "HIT-UAV: A high-altitude infrared thermal dataset for
Unmanned Aerial Vehicle-based object detection", Scientific Data 10, 227 (2023), doi 10.1038/s41597-023-02066-6,
licence CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). Training cropped, mirrored and scaled its frames,
varied their grey levels and mixed simulated flights in. The body's first weights were those of torchvision's ResNet18
(BSD-3-Clause), trained on ImageNet. `model.json` and the model card carry the credit.

## Pictures of the documentation

The first two frames of `docs/simulator.jpg` are real: frames of flight 152 of the **BAMBI** project, made smaller, the
first with its nine labelled deer (https://github.com/HugoMarkoff/BAMBI_BBox_Corrections). The boxes of these nine
are in `benchmarks/accuracy/real_animals.json`, too; the other boxes there are by thermal-edge. Both are under the MIT
licence:

> Copyright (c) 2026 BAMBI Project
>
> Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
> documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
> rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
> persons to whom the Software is furnished to do so, subject to the following conditions:
>
> The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
> Software.
>
> THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
> WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
> COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
> OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

All else is simulated by thermal-edge: the other ten frames there, and `docs/animals.jpg`, `docs/coverage.png`,
`docs/demo.jpg`, `docs/page.png`, `docs/page_tablet.png`, `docs/report.png`, `docs/report_tablet.png`,
`docs/review.png`, `docs/landscape.jpg`, `docs/map.png` and `docs/model.jpg`.
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


def brought(project: dict[str, Any]) -> list[tuple[str, str, str]]:
    """``(package, licence, what brings it)`` of what the packages of the aircraft need besides.

    As they are installed here. Raises ValueError where one of them is not, or names no licence.
    """
    optional = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for extra in ON_BOARD for line in optional[extra])]
    asked = [Requirement(line) for line in lines]
    own = {_name(one.name) for one in asked}
    found: dict[str, set[str]] = {}
    waiting = sorted({_name(one.name) for one in asked if one.marker is None or one.marker.evaluate()})
    while waiting:
        package = waiting.pop()
        try:
            needs = [Requirement(line) for line in requires(package) or ()]
        except PackageNotFoundError:
            raise ValueError(f"{package} is not installed here: run make notices, which makes .venv-test") from None
        for need in needs:
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                if (name := _name(need.name)) not in own | found.keys():
                    waiting.append(name)
                found.setdefault(name, set()).add(package)
    rows = {name: (licence_of(name), ", ".join(sorted(by))) for name, by in found.items() if name not in own}
    return [(name, *row) for name, row in sorted({**OLDER, **rows}.items())]


def _name(package: str) -> str:
    """As package indexes compare names."""
    return re.sub(r"[-_.]+", "-", package).lower()


def page(
    project: dict[str, Any],
    licence: Callable[[str], str] = licence_of,
    more: Sequence[tuple[str, str, str]] = (),
) -> str:
    """The whole file. ``more``: see `brought`."""
    rows: dict[tuple[str, str], list[str]] = {}
    for package, version, need in requirements(project):
        rows.setdefault((package, version), []).append(need)
    lines = [
        f"| {package} | {version} | {licence(package)} | {', '.join(needs)} |"
        for (package, version), needs in sorted(rows.items(), key=lambda row: row[0][0].lower())
    ]
    return HEAD + "\n".join(lines) + "\n" + BROUGHT + "".join(f"| {' | '.join(row)} |\n" for row in more) + TAIL


def project_table() -> dict[str, Any]:
    """``[project]`` of pyproject.toml. Raises ImportError before Python 3.11."""
    read: Callable[[str], dict[str, Any]] = import_module("tomllib").loads
    table: dict[str, Any] = read((ROOT / "pyproject.toml").read_text())["project"]
    return table


if __name__ == "__main__":
    print(page(project_table(), more=brought(project_table())), end="")
