"""Writes requirements/*.txt: every package of the demo and of the tests, by version and by the hashes of its files.

python -m tests.release.pins --uv build/pins/bin/uv, or make pins

The hashes are those of all platforms and of Pythons from 3.10 (demo) or 3.11 (test) on, as the index names them now:
pip installs what it downloads only if it is one of these files. torch and torchvision are in none of them: machines
take those from mirrors with builds of their own.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.release.checks import package_name
from tests.release.notices import ROOT, project_table
from tests.support.children import run_child

FOLDER = ROOT / "requirements"
BUILD = "setuptools>=77.0.3"  # builds the package itself: with it there, pip fetches nothing for that
NOT_HASHED = {"torch", "torchvision"}
# as the Makefile installs them
EXTRAS = (*("cluster", "cptv", "export", "foxglove", "mavlink", "mqtt", "parquet", "signed", "test", "tiff", "web"),)
ALONE = ("attrs", "cosmic-ray", "coverage", "parso")  # without what they would bring
HEAD = "# Written by make pins: versions of constraints.txt, hashes of the Python Package Index. Do not edit.\n"


def inputs(project: dict[str, Any]) -> dict[str, tuple[str, list[str]]]:
    """What each file is made of: name -> (oldest Python, requirements)."""
    extras = project["optional-dependencies"]
    more = [line for extra in EXTRAS for line in extras[extra] if package_name(line) not in NOT_HASHED]
    return {
        "demo.txt": ("3.10", [*project["dependencies"], BUILD]),
        "test.txt": ("3.11", [*project["dependencies"], *more, "tensorrt-rtx", BUILD]),
        "alone.txt": ("3.11", list(ALONE)),
    }


def constraints(text: str) -> str:
    """constraints.txt, as far as it binds: from Python 3.11 on."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return "".join(f"{line} ; python_version >= '3.11'\n" for line in lines)


def compiled(uv: Path, name: str, oldest: str, lines: Sequence[str], folder: Path) -> str:
    """One file's text. Ends the program with uv's complaint where it fails."""
    (folder / "in.txt").write_text("".join(f"{line}\n" for line in lines))
    (folder / "constraints.txt").write_text(constraints((ROOT / "constraints.txt").read_text()))
    words = [uv, "pip", "compile", folder / "in.txt", "-c", folder / "constraints.txt", "--universal", "--quiet"]
    words += ["--python-version", oldest, "--generate-hashes", "--no-header", "--no-annotate", "--no-config"]
    words += ["--no-deps"] if name == "alone.txt" else []
    done = run_child(words, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        sys.exit(f"pins: {name}: {done.stderr}")
    return HEAD + str(done.stdout)


def pinned(text: str) -> dict[str, list[str]]:
    """Versions by package of a file; raises ValueError for a package without a hash."""
    found: dict[str, list[str]] = {}
    for entry in re.split(r"\n(?=[\w])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip()):
        first = entry.partition("\n")[0]
        name, version = re.match(r"([\w.-]+)==([^\s;]+)", first).groups()  # type: ignore[union-attr]
        if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry):
            raise ValueError(f"{name} {version} has no hash: make pins")
        found.setdefault(package_name(name), []).append(version)
    return found


def main() -> int:
    """Write them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--uv", type=Path, required=True)
    uv = parser.parse_args().uv.absolute()
    FOLDER.mkdir(exist_ok=True)
    work = ROOT / "build/pins"
    work.mkdir(parents=True, exist_ok=True)
    for name, (oldest, lines) in inputs(project_table()).items():
        text = compiled(uv, name, oldest, lines, work)
        (FOLDER / name).write_text(text)
        print(f"requirements/{name}: {sum(map(len, pinned(text).values()))} versions, {text.count('sha256:')} hashes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
