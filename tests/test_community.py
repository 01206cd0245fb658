"""What contributors meet first: issue forms, the workflow, the commit hooks; they fit the repository they stand in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.children import run_child

ROOT = Path(__file__).resolve().parents[1]
FORMS = sorted(ROOT.glob(".github/ISSUE_TEMPLATE/*.yml"))
KINDS = {"board", "bug", "camera", "detection", "feature"}


def yaml_of(path: Path) -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def test_there_is_a_form_for_each_kind_of_report() -> None:
    assert {path.stem for path in FORMS} == KINDS | {"config"}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_form_is_one_that_the_hosting_site_takes(kind: str) -> None:
    """GitHub's syntax for issue forms: a form with a fault is not shown, and nobody is told."""
    form = yaml_of(ROOT / f".github/ISSUE_TEMPLATE/{kind}.yml")
    assert set(form) == {"name", "description", "labels", "body"}
    asked = [item for item in form["body"] if item["type"] != "markdown"]
    assert any(item.get("validations", {}).get("required") for item in asked)
    assert len({item["id"] for item in asked}) == len(asked)
    for item in form["body"]:
        assert item["type"] in {"markdown", "input", "textarea", "dropdown"}
        assert set(item) <= {"type", "id", "attributes", "validations"}
        attributes = item["attributes"]
        assert set(attributes) <= {"label", "description", "render", "options", "value"}
        assert attributes["value"] if item["type"] == "markdown" else attributes["label"]
        assert ("options" in attributes) == (item["type"] == "dropdown")
        assert all(isinstance(option, str) for option in attributes.get("options", ()))  # a bare Yes is a bool


def test_the_workflow_runs_the_tests_and_may_only_read() -> None:
    (path,) = ROOT.glob(".github/workflows/*")
    workflow = yaml_of(path)
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    assert set(job) == {"runs-on", "timeout-minutes", "steps"}
    *actions, last = job["steps"]
    assert last == {"run": "make test"}
    for action in actions:
        assert re.fullmatch(r"actions/[\w-]+@(v\d+|[0-9a-f]{40})", action["uses"])
    assert actions[0]["with"] == {"persist-credentials": False}


def test_the_commit_hooks_are_the_tools_of_the_tests() -> None:
    """No hook names a version: it runs what constraints.txt says, as make lint does."""
    config = yaml_of(ROOT / ".pre-commit-config.yaml")
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert all(hook["language"] == "system" for hook in hooks)
    run = [hook["entry"].replace(" --fix", "") for hook in hooks]
    makefile = (ROOT / "Makefile").read_text()
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert recipe is not None
    lint = recipe[1].replace("$(TEST)", ".venv-test").replace(" --check", "").replace(" .\n", "\n").split("\n")
    assert run == [line.strip() for line in lint if line]
    every = re.search(r"^test:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert every is not None
    assert [line.strip() for line in recipe[1].splitlines() if line.strip() not in every[1]] == []
    constraints = (ROOT / "constraints.txt").read_text()
    assert all(re.search(rf"^{tool}==", constraints, re.MULTILINE) for tool in ("ruff", "mypy"))


def test_what_pre_commit_would_run_is_ignored_by_git() -> None:
    done = run_child(["git", "check-ignore", ".venv-test/bin/ruff"], cwd=ROOT, capture_output=True)
    if done.returncode == 128:
        pytest.skip("needs a git checkout")
    assert done.returncode == 0


def test_the_table_of_the_case_book_names_every_file_of_it() -> None:
    listed = re.findall(r"^\| `(test_\w+\.py)`", (ROOT / "tests/cases/README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in (ROOT / "tests/cases").glob("test_*.py"))
