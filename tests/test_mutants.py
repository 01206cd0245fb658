"""`make mutants` itself: a toy module in a toy checkout, with a test that notices one change and not another."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("cosmic_ray", reason="cosmic-ray is not installed (see the Makefile)")

from benchmarks.mutants import areas, campaign, sites
from tests.support.children import run_child

QUIET = {"PYTEST_ADDOPTS": "", "PYTHONDONTWRITEBYTECODE": "1"}

TOY = """\
from __future__ import annotations

import logging

log = logging.getLogger(__name__)
LIMIT = 3
UNSEEN = 5


def small(number: int | None, *, loud: bool = False) -> bool:
    if loud:
        log.debug("of %d", 1 + 1)
    return number is not None and number < LIMIT
"""
TEST = """\
from edge.toy import small


def test_small():
    assert small(2)
    assert not small(3)
"""


def toy(tmp_path: Path) -> Path:
    files = {"edge/__init__.py": "", "edge/toy.py": TOY, "tests/test_toy.py": TEST}
    files["pyproject.toml"] = "[tool.pytest.ini_options]\naddopts = '--import-mode=importlib'\npythonpath = ['.']\n"
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    run_child(["git", "init", "--quiet", tmp_path], check=True)
    return tmp_path


def described(found: list[sites.Mutant]) -> set[tuple[int, str]]:
    return {(mutant.start[0], mutant.operator) for mutant in found}


def test_changes_are_where_they_can_be_seen() -> None:
    """No annotation, no default's type, no bare star, nothing that is only logged."""
    assert described(sites.mutants_of("edge/toy.py", TOY)) == {
        (6, "NumberReplacer"),
        (7, "NumberReplacer"),
        (10, "ReplaceFalseWithTrue"),
        (11, "AddNot"),
        (13, "ReplaceComparisonOperator_IsNot_Is"),
        (13, "ReplaceAndWithOr"),
        *((13, f"ReplaceComparisonOperator_Lt_{to}") for to in ("Eq", "NotEq", "LtE", "Gt", "GtE")),
    }


def test_a_seed_draws_the_same_changes_and_each_place_once_before_any_twice() -> None:
    drawn = sites.sample({"edge/toy.py": TOY}, 5, "1:toy")
    assert drawn == sites.sample({"edge/toy.py": TOY}, 5, "1:toy")
    assert drawn != sites.sample({"edge/toy.py": TOY}, 5, "2:toy")
    assert len({(mutant.start, mutant.end) for mutant, _ in drawn}) == 5
    assert all(text != TOY for _, text in drawn)
    every = [mutant for mutant, _ in sites.sample({"edge/toy.py": TOY}, 99, "1:toy")]
    assert set(every) == set(sites.mutants_of("edge/toy.py", TOY))
    assert len(every) == len(set(every))
    assert len({(mutant.start, mutant.end) for mutant in every[:7]}) == sites.places_in({"edge/toy.py": TOY}) == 7


def test_a_change_is_shown_by_its_line() -> None:
    found = [m for m in sites.mutants_of("edge/toy.py", TOY) if m.start[0] == 6]
    texts = [sites.mutated(TOY, mutant) for mutant in found]
    assert [sites.diff("edge/toy.py", TOY, str(text)) for text in texts] == [
        "-LIMIT = 3\n+LIMIT = 4",
        "-LIMIT = 3\n+LIMIT = 2",
    ]


@pytest.mark.parametrize(
    ("line", "lines", "at_import"),
    [(6, range(6, 7), True), (10, range(10, 11), True), (11, range(11, 12), False), (13, range(13, 14), False)],
)
def test_what_runs_with_a_line(line: int, lines: range, at_import: bool) -> None:
    column = len(TOY.splitlines()[line - 1]) - 1
    assert sites.place(TOY, (line, column)) == sites.Place(lines, at_import)


def test_every_area_has_its_least_and_the_others_their_share() -> None:
    assert campaign.shares({"a": 900, "b": 100, "c": 20}, 102, 15) == {"a": 90, "b": 15, "c": 15}


def test_an_area_is_found_by_a_file_in_it_and_a_wrong_one_is_told() -> None:
    assert [(area.source, part) for area, part in areas.chosen("edge/thermal/spec.py")] == [
        ("edge/thermal", "edge/thermal/spec.py")
    ]
    assert [area.source for area, _ in areas.chosen("export")] == ["export/graph"]
    with pytest.raises(ValueError, match=r"edge/thermals: no area; expected one of edge/pipeline\.py, edge/model"):
        areas.chosen("edge/thermals")
    root = campaign.ROOT
    assert all(area.files(root) and area.tests(root) for area in areas.AREAS)


ALONE = """\
import json, sys
from pathlib import Path
from benchmarks.mutants import areas, copies, running
root, kept = Path(sys.argv[1]), Path(sys.argv[2])
area = areas.Area("edge/toy.py", ("tests/test_toy.py",))
copy = copies.Copy(root)
known = running.covered(area, root, copy, kept)
source = (root / "edge/toy.py").read_text()
fates = {}
for name, (old, new) in json.loads(sys.argv[3]).items():
    (copy.tree / "edge/toy.py").write_text(source.replace(old, new))
    pid, limit = running.start(copy, area, list(known.seconds), known.seconds, kept / "killer")
    fates[name] = running.wait(pid, 1.5 if name == "endless" else limit)
copy.close()
print(json.dumps([known.figures, list(known.seconds), fates, (kept / "killer").read_text(), copy.folder.exists()]))
"""
CHANGES = {
    "bound": ("number < LIMIT", "number <= LIMIT"),
    "constant": ("UNSEEN = 5", "UNSEEN = 6"),
    "endless": ("    return", "    while True:\n        __import__('time').sleep(0.1)\n    return"),
}


def test_one_change_is_noticed_and_one_is_not(tmp_path: Path) -> None:
    """In a process of its own: it forks, and must not have imported what it changes."""
    root = toy(tmp_path / "checkout")
    command = [sys.executable, "-c", ALONE, root, tmp_path / "kept", json.dumps(CHANGES)]
    done = run_child(command, cwd=campaign.ROOT, capture_output=True, text=True, env={**os.environ, **QUIET})
    assert done.returncode == 0, done.stderr
    figures, tests, fates, killer, left = json.loads(done.stdout.splitlines()[-1])
    assert figures == {"statements": 9, "covered": 8, "branches": 2, "taken": 1}
    assert tests == ["tests/test_toy.py::test_small"]
    assert fates == {"bound": 1, "constant": 0, "endless": None}
    assert killer == tests[0]
    assert not left
