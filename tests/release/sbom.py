"""Writes which packages a runtime environment holds, and the bundled models, as CycloneDX (a bill of materials):

python -m tests.release.sbom FILE --tool build/sbom/bin/cyclonedx-py --python .venv/bin/python

No network is needed. The same environment gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.model.bundled import bundled_models
from tests.release.checks import unnamed
from tests.release.notices import ROOT
from tests.support.children import run_child

PAGE = ROOT / "edge/sinks/web/static"
LIBRARIES = {"leaflet": ("1.9.4", "BSD-2-Clause"), "pmtiles": ("4.5.0", "BSD-3-Clause")}  # that the page holds
SPEC = "1.6"  # of CycloneDX: what readers of such files know
TOOLS = {"pip", "setuptools", "wheel"}  # in every environment, and no part of the program


def environment(tool: Path, python: Path) -> dict[str, Any]:
    """What ``python`` has installed, as cyclonedx-py tells it. Ends the program with its complaint where it fails."""
    words = [tool, "environment", "--spec-version", SPEC, "--output-reproducible", "--output-format", "JSON"]
    done = run_child(
        [*words, "--pyproject", ROOT / "pyproject.toml", "--output-file", "-", python], capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{tool} failed:\n{done.stderr}")
    bom: dict[str, Any] = json.loads(done.stdout)
    return bom


def model_component(folder: Path) -> dict[str, Any]:
    """A bundle: its hash, that of each of its files, and what it was trained on."""
    content = (folder / "model.json").read_bytes()
    said = json.loads(content)

    def sha(digest: str) -> list[dict[str, str]]:
        return [{"alg": "SHA-256", "content": digest}]

    return {
        "type": "machine-learning-model",
        "bom-ref": f"model-{said['name']}",
        "name": said["name"],
        "hashes": sha(hashlib.sha256(content).hexdigest()),
        "properties": [
            {"name": f"thermal-edge:data:{key}", "value": said["data"][key]} for key in ("citation", "licence", "name")
        ],
        "components": [
            {"type": "file", "bom-ref": f"model-{said['name']}/{name}", "name": name, "hashes": sha(digest)}
            for name, digest in sorted(said["files"].items())
        ],
    }


def page_components(folder: Path) -> list[dict[str, Any]]:
    """The libraries that stand among the files of the page, each with the hash of its script."""
    return [
        {
            "type": "library",
            "bom-ref": f"{name}@{version}",
            "name": name,
            "version": version,
            "licenses": [{"license": {"id": licence}}],
            "hashes": [
                {"alg": "SHA-256", "content": hashlib.sha256((folder / name / f"{name}.js").read_bytes()).hexdigest()}
            ],
        }
        for name, (version, licence) in LIBRARIES.items()
    ]


def with_model(bom: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """The bill with the model, or another part, of which the program is made as of its packages; without pip."""
    kept = [part for part in bom["components"] if part["name"] not in TOOLS]
    left = {part["bom-ref"] for part in bom["components"]} - {part["bom-ref"] for part in kept}
    root = bom["metadata"]["component"]["bom-ref"]
    needs = {entry["ref"]: set(entry.get("dependsOn", ())) for entry in bom["dependencies"] if entry["ref"] not in left}
    needs[root] = needs.get(root, set()) | {model["bom-ref"]}
    needs[model["bom-ref"]] = set()
    depends = [
        {"ref": ref, **({"dependsOn": sorted(others - left)} if others - left else {})} for ref, others in needs.items()
    ]
    return {**bom, "components": [*kept, model], "dependencies": sorted(depends, key=lambda entry: str(entry["ref"]))}


def of(tool: Path, python: Path) -> str:
    """The file's text."""
    bom = environment(tool, python)
    for part in (*page_components(PAGE), *map(model_component, bundled_models())):
        bom = with_model(bom, part)
    return json.dumps(bom, indent=2, sort_keys=True) + "\n"


def main() -> int:
    """Write it; exit code 1 where it names a package that the notices do not."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--tool", type=Path, required=True)
    parser.add_argument("--python", type=Path, required=True)
    asked = parser.parse_args()
    bill = of(asked.tool, asked.python)
    asked.file.parent.mkdir(parents=True, exist_ok=True)
    asked.file.write_text(bill)
    print(f"{asked.file}: {len(json.loads(bill)['components'])} packages and bundled models, CycloneDX {SPEC}")
    wrong = unnamed(json.loads(bill), (ROOT / "THIRD_PARTY_NOTICES.md").read_text())
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
