"""The checks of make release-check, on made-up releases: each finds what it is for. The command itself runs by make."""

from __future__ import annotations

import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from edge.app.settings import MODEL
from tests.release import check, checks, notices, sbom
from tests.support.children import run_child

ROOT = Path(__file__).resolve().parents[1]
TRACKED = ["README.md", "edge/__init__.py", "edge/models/deer/model.onnx", "edge/py.typed", "export/__init__.py",
           "tests/test_release.py"]  # fmt: skip
PROGRAM = [name for name in TRACKED if name.startswith(("edge/", "export/"))]
INFO = "thermal_edge-0.2.0.dist-info"
WHEEL = [*PROGRAM, f"{INFO}/METADATA", f"{INFO}/licenses/LICENSE", f"{INFO}/licenses/THIRD_PARTY_NOTICES.md"]
SDIST = [*(f"t-0.2.0/{name}" for name in [*PROGRAM, *checks.NOTES, *checks.PAGES, *checks.MADE]),
         "t-0.2.0/thermal_edge.egg-info/PKG-INFO", "t-0.2.0/"]  # fmt: skip
PYPROJECT = '[project]\nname = "thermal-edge"\nversion = "0.2.0"\n[tool.x]\nversion = "9"\n'
CHANGELOG = (
    "# Changes\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n- A word\n\n## [0.1.0] - 2026-11-26\n\n- The first\n"
)


# ---- the version and what is told of it


def test_one_version() -> None:
    assert checks.same_version(PYPROJECT, CHANGELOG, "thermal-edge 0.2.0\n") == []


@pytest.mark.parametrize(
    ("pyproject", "changelog", "command", "wrong"),
    [
        (PYPROJECT, CHANGELOG, "thermal-edge 0.1.0\n", ["edge --version says 0.1.0: expected 0.2.0, as pyproject"]),
        (PYPROJECT, CHANGELOG.replace("0.2.0", "0.3.0"), "thermal-edge 0.2.0", ["CHANGELOG.md says 0.3.0"]),
        (PYPROJECT, "## [0.2.0]\n", "thermal-edge 0.2.0", ["CHANGELOG.md says None"]),  # without a day
        (PYPROJECT.replace('"0.2.0"', '"0.2.1"'), CHANGELOG, "thermal-edge 0.2.0", ["CHANGELOG", "edge --version"]),
    ],
)
def test_another_version_is_found(pyproject: str, changelog: str, command: str, wrong: list[str]) -> None:
    said = checks.same_version(pyproject, changelog, command)
    assert len(said) == len(wrong)
    assert all(line.startswith(start) for line, start in zip(said, wrong, strict=True))


def test_changes_are_told_under_their_version() -> None:
    assert checks.told_changes(CHANGELOG, "0.2.0") == []
    assert checks.told_changes(CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n- New\n"), "0.2.0") == [
        "CHANGELOG.md has lines under Unreleased: move them under the version that is released"
    ]
    for changelog in (CHANGELOG.replace("- A word\n", ""), CHANGELOG.replace("0.2.0", "0.1.9")):
        assert checks.told_changes(changelog, "0.2.0") == [
            "CHANGELOG.md says nothing under 0.2.0: expected what changed for users"
        ]


# ---- the wheel and the source archive


def test_a_good_wheel_and_archive() -> None:
    assert checks.wheel_contents(WHEEL, TRACKED) == []
    assert checks.sdist_contents(SDIST, TRACKED) == []
    assert checks.size("w", checks.MOST_BYTES) == []


@pytest.mark.parametrize("lost", ["edge/py.typed", "edge/models/deer/model.onnx", "export/__init__.py"])
def test_a_lost_file_is_found(lost: str) -> None:
    assert checks.wheel_contents([name for name in WHEEL if name != lost], TRACKED) == [f"the wheel lacks {lost}"]
    inside = [name for name in SDIST if not name.endswith(lost)]
    assert checks.sdist_contents(inside, TRACKED) == [f"the source archive lacks {lost}"]


@pytest.mark.parametrize("more", ["tests/test_release.py", "edge/models/deer/model.engine", "benchmarks/figures.py"])
def test_a_file_too_many_is_found(more: str) -> None:
    assert checks.wheel_contents([*WHEEL, more], TRACKED) == [
        f"the wheel holds {more}: expected tracked files of edge/ and export/ only"
    ]
    assert checks.sdist_contents([*SDIST, f"t-0.2.0/{more}"], TRACKED) == [
        f"the source archive holds {more}: see MANIFEST.in"
    ]


@pytest.mark.parametrize("name", sorted(checks.NOTES))
def test_a_lost_licence_is_found(name: str) -> None:
    inside = [path for path in WHEEL if not path.endswith(name)]
    assert checks.wheel_contents(inside, TRACKED) == [f"the wheel lacks {name} below its .dist-info/licenses"]
    inside = [path for path in SDIST if not path.endswith(name)]
    assert checks.sdist_contents(inside, TRACKED) == [f"the source archive lacks {name}"]


def test_a_wheel_that_grew_is_found() -> None:
    assert checks.size("w", 41_000_000) == ["w has 41.0 MB: expected at most 40.0 MB"]
    assert len(checks.size("w", checks.MOST_BYTES + 1)) == 1


def test_wheels_are_compared_file_by_file(tmp_path: Path) -> None:
    found = []
    for number, text in enumerate(("a", "a", "b")):
        path = tmp_path / f"{number}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("edge/x.py", text)
            archive.writestr(f"edge/only{number // 2}.py", "")
            archive.writestr("t.dist-info/RECORD", str(number))  # holds all the others' digests
        found.append(checks.digests(path))
    assert checks.same_wheel(found[0], found[1]) == []
    assert [line.partition(" ")[0] for line in checks.same_wheel(found[0], found[2])] == [
        *("edge/only0.py", "edge/only1.py", "edge/x.py")
    ]


# ---- the checkout


def test_what_is_not_committed_is_found() -> None:
    assert checks.clean_tree("") == []
    assert checks.clean_tree(" M edge/data.py\n?? new.py\n") == [
        "edge/data.py is not committed",
        "new.py is not committed",
    ]


@pytest.mark.parametrize(
    "text", ["see /home/anna/x.py", "=/home/meg", "open('/root/a')", "/Users/me/b", "cd /mnt/data", "=/work/c"]
)
def test_a_path_of_a_machine_is_found(text: str) -> None:
    (line,) = checks.machine_paths({"a.md": f"first\n{text}\n"})
    assert line.startswith("a.md:2: /")


@pytest.mark.parametrize(
    "text", ["~/thermal", "/dev/video0", "/sys/class", "https://x.org/home/me", "a/work/b", "/etc/x", "/home/me/deer"]
)
def test_other_paths_are_none(text: str) -> None:
    assert checks.machine_paths({"a.md": text}) == []


def test_notices_that_are_not_what_is_installed_are_found() -> None:
    assert checks.stale_notices("a", "a") == []
    (line,) = checks.stale_notices("a", "b")
    assert line.endswith("python -m tests.release.notices > THIRD_PARTY_NOTICES.md")


# ---- the bill of materials


def part(name: str, version: str = "1") -> dict[str, Any]:
    return {"type": "library", "name": name, "version": version, "bom-ref": f"{name}=={version}"}


def bill(*names: str) -> dict[str, Any]:
    """As cyclonedx-py tells of an environment in which everything needs everything after it."""
    refs = [f"{name}==1" for name in names]
    return {
        "metadata": {"component": {"bom-ref": "root"}},
        "components": [part(name) for name in names],
        "dependencies": [
            {"ref": "root", "dependsOn": refs},
            *({"ref": ref, "dependsOn": refs[i + 1 :]} for i, ref in enumerate(refs)),
        ],
    }


def test_the_bill_holds_the_model_and_no_tools() -> None:
    model = sbom.model_component(MODEL)
    made = sbom.with_model(bill("numpy", "pip", "rich"), model)
    assert [one["name"] for one in made["components"]] == ["numpy", "rich", "hituav-r18"]
    assert {one["ref"]: one.get("dependsOn") for one in made["dependencies"]} == {
        "root": ["model-hituav-r18", "numpy==1", "rich==1"],
        "numpy==1": ["rich==1"],
        "rich==1": None,
        "model-hituav-r18": None,
    }
    bundle = json.loads((MODEL / "model.json").read_text())
    assert {one["name"]: one["hashes"][0]["content"] for one in model["components"]} == bundle["files"]
    assert {"name": "thermal-edge:data:licence", "value": bundle["data"]["licence"]} in model["properties"]


def test_the_bill_holds_what_the_page_holds() -> None:
    found = sbom.page_components(sbom.PAGE)
    assert [(one["name"], one["version"]) for one in found] == [("leaflet", "1.9.4"), ("pmtiles", "4.5.0")]
    assert {one["name"] for one in found} == {path.name for path in sbom.PAGE.iterdir() if path.is_dir()}
    assert f"Leaflet {found[0]['version']}," in (sbom.PAGE / "leaflet/leaflet.js").read_text()
    assert f"pmtiles {found[1]['version']} " in (sbom.PAGE / "pmtiles/LICENSE.txt").read_text()
    made = {**bill("rich"), **sbom.with_model(bill("rich"), found[0])}
    assert checks.unnamed(made, "| leaflet | 1.9.4 |\n| rich | 1 |\n") == []
    (line,) = checks.unnamed(made, "| rich | 1 |\n")
    assert line.startswith("leaflet 1.9.4 has no row")


def test_a_bill_that_is_wrong_is_found() -> None:
    rows = "| package | licence |\n|---|---|\n| Num.Py | BSD |\n| rich | MIT |\n"
    good = json.dumps(bill("num-py", "rich"))
    assert checks.sbom([good, good], rows, ["num_py>=1.2; python_version < '3.11'"]) == []
    assert checks.sbom([good, good + " "], rows, []) == ["two bills of materials of one environment differ"]
    assert checks.sbom([good, good], rows, ["lap>=0.5"]) == ["the bill of materials lacks lap>=0.5"]
    (line,) = checks.sbom([good, good], rows.replace("rich", "rick"), [])
    assert line.startswith("rich 1 has no row in THIRD_PARTY_NOTICES.md")
    here = json.dumps({"at": "/home/anna/x", **bill()})
    assert [line.partition(" ")[0] for line in checks.sbom([here, here], rows, [])] == ["the"]


def test_what_the_aircrafts_packages_bring_has_rows_too() -> None:
    pytest.importorskip("nacl", reason="needs all extras of make test")
    rows = notices.brought(project())
    assert ("mdurl", "MIT License", "markdown-it-py") in rows
    assert ("sympy", "BSD License", "onnxruntime before 1.24") in rows
    assert not {"numpy", "torch"} & {name for name, *_ in rows}
    kept = (ROOT / "THIRD_PARTY_NOTICES.md").read_text()
    assert [row for row in rows if f"| {row[0]} | " not in kept] == []


def test_a_demo_that_ended_early_is_found() -> None:
    assert checks.demo_ran('{"frames": 3}', 3) == []
    assert checks.demo_ran('{"frames": 2}', 3) == ["edge demo --frames 3 reports 2 frames"]


def test_what_is_wrong_is_printed_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.tell("wheel", [], "274 files")
    assert not check.tell("wheel", ["lacks a", "lacks b"], "274 files")
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["wheel", "274", "files"],
        ["wheel", "2", "wrong"],
        ["lacks", "a"],
        ["lacks", "b"],
    ]


def test_a_command_that_fails_ends_it() -> None:
    assert check.out_of(sys.executable, "-c", "print('good')") == "good\n"
    with pytest.raises(SystemExit, match=r"release-check: .* failed:\nhalf\nno disk"):
        check.out_of(sys.executable, "-c", "import sys; print('half'); sys.exit('no disk')")


def test_links_that_an_index_cannot_follow() -> None:
    text = "[a](docs/a.md) ![b](docs/b.jpg) [c](https://x.org/c) [d](#part) [a](docs/a.md)"
    assert checks.relative_links(text) == ["docs/a.md", "docs/b.jpg"]


# ---- the notices


def project() -> dict[str, Any]:
    pytest.importorskip("tomllib", reason="needs Python 3.11")
    return notices.project_table()


def test_every_dependency_stands_in_the_notices_with_its_range() -> None:
    text = (ROOT / "THIRD_PARTY_NOTICES.md").read_text()
    brought = text.partition(notices.BROUGHT)[2].removesuffix(notices.TAIL)
    rows = [(name, said, by) for name, said, by in (line[2:-2].split(" | ") for line in brought.splitlines())]
    kept = text.splitlines()
    expected = notices.page(project(), licence=lambda _: "?", more=rows).splitlines()
    for said, wanted in zip(kept, expected, strict=True):
        said_cells, wanted_cells = said.split(" | "), wanted.split(" | ")
        assert said_cells[:2] + said_cells[3:] == wanted_cells[:2] + wanted_cells[3:]
        assert "| ? |" not in said
    assert sum(line.startswith("| ") for line in kept) > len(project()["dependencies"])


def test_the_notices_say_of_every_picture_whether_it_is_real() -> None:
    pictures = {f"docs/{p.name}" for p in (ROOT / "docs").rglob("*") if p.suffix in (".jpg", ".png")}
    text = (ROOT / "THIRD_PARTY_NOTICES.md").read_text()
    assert set(re.findall(r"`(docs/\w+\.(?:jpg|png))`", text)) == pictures
    assert text.endswith(notices.TAIL)
    assert "`docs/simulator.jpg` are real" in text
    assert "Copyright (c) 2026 BAMBI Project" in text


def test_a_requirement_is_read_with_its_range_and_marker() -> None:
    table = {"dependencies": ["a>=1,<2; python_version < '3.11'", "b"], "optional-dependencies": {"x": ["b", "c.d~=1"]}}
    assert list(notices.requirements(table)) == [
        ("a", ">=1,<2", "everyone where python_version < '3.11'"),
        ("b", "any", "everyone"),
        ("b", "any", "`[x]`"),
        ("c.d", "~=1", "`[x]`"),
    ]
    row = next(line for line in notices.page(table, licence=str.upper).splitlines() if line.startswith("| b"))
    assert row == "| b | any | B | everyone, `[x]` |"


def test_a_package_without_a_licence_is_no_row() -> None:
    with pytest.raises(ValueError, match="no-such-package: its metadata names no licence; look at its licence file"):
        notices.licence_of("no-such-package")
    assert notices.licence_of("numpy").startswith("BSD")


def test_the_change_log_begins_with_the_present_version() -> None:
    """Between releases, too: what is installed is the newest release, and what came after stands above it."""
    changelog = (ROOT / "CHANGELOG.md").read_text()
    version = str(project()["version"])
    assert checks.same_version((ROOT / "pyproject.toml").read_text(), changelog, f"thermal-edge {version}\n") == []
    assert changelog.index("\n## [Unreleased]\n") < changelog.index(f"\n## [{version}] - ")


def test_no_page_or_module_names_a_machine() -> None:
    done = run_child(
        ["git", "ls-files", "-z", "*.py", "*.md", "Makefile", "*.toml"], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"needs a git checkout: {done.stderr.strip()}")
    files = [name for name in done.stdout.split("\0") if name and not name.startswith("tests/")]
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in files if (ROOT / name).is_file()}
    assert texts
    assert checks.machine_paths(texts) == []
