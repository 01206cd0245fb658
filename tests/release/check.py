"""Everything that must hold before a release, on this checkout: python -m tests.release.check, or make release-check.

Builds the wheel and the source archive into dist/, looks into both, builds the wheel again out of the archive,
installs the archive where nothing else is and runs it there. Exit code 1 where something is wrong; all of it is said.
"""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tests.release import checks, sbom
from tests.release.notices import ROOT, brought, page, project_table
from tests.support.children import run_child

DIST = ROOT / "dist"
NOT_TEXT = {".jpg", ".png", ".onnx", ".weights", ".npy", ".tiff", ".tif", ".mp4", ".mkv", ".thr", ".bin"}
# made-up machines of the tests are meant
PARTS = ("edge/", "export/", "docs/", "benchmarks/")


def out_of(*command: object, cwd: Path = ROOT) -> str:
    """What a command prints; ends the program with its complaint where it fails."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = run_child(command, cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"release-check: {' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return str(done.stdout)


def venv(folder: Path) -> Path:
    """A new environment; its Python."""
    out_of(sys.executable, "-m", "venv", folder)
    return folder / "bin/python"


def tell(what: str, wrong: list[str], good: str) -> bool:
    """Print one check. Whether it holds."""
    print(f"{what:<16} {good if not wrong else f'{len(wrong)} wrong'}", flush=True)
    for line in wrong:
        print(f"{'':<16} {line}")
    return not wrong


def main() -> int:
    pyproject, changelog = ((ROOT / name).read_text() for name in ("pyproject.toml", "CHANGELOG.md"))
    project, notices = project_table(), (ROOT / "THIRD_PARTY_NOTICES.md").read_text()
    tracked = [name for name in out_of("git", "ls-files", "-z").split("\0") if name]
    texts = {
        name: (ROOT / name).read_text(encoding="utf-8")
        for name in tracked
        if (name.startswith(PARTS) or "/" not in name) and Path(name).suffix not in NOT_TEXT
    }
    held = [
        tell("tree", checks.clean_tree(out_of("git", "status", "--porcelain")), "everything is committed"),
        tell("changes", checks.told_changes(changelog, project["version"]), "told in CHANGELOG.md"),
        tell("paths", checks.machine_paths(texts), f"none of a machine, in {len(texts)} files"),
        tell(
            "notices",
            checks.stale_notices(notices, page(project, more=brought(project))),
            "every dependency with its licence",
        ),
    ]
    shutil.rmtree(DIST, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tools = venv(folder / "tools")
        out_of(
            tools, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", "build", "cyclonedx-bom", "twine"
        )
        out_of("git", "clone", "--quiet", ROOT, folder / "clone")
        out_of(tools, "-m", "build", "--outdir", DIST, folder / "clone")  # the wheel out of the archive
        out_of(tools, "-m", "build", "--wheel", "--outdir", folder / "direct", folder / "clone")
        (sdist,), (wheel,), (direct,) = DIST.glob("*.tar.gz"), DIST.glob("*.whl"), (folder / "direct").glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            inside = archive.namelist()
        with tarfile.open(sdist) as source:
            names = [entry.name for entry in source if entry.isfile()]
        megabytes = f"{len(inside)} files, {wheel.stat().st_size / 1e6:.1f} MB"
        wrong = checks.wheel_contents(inside, tracked) + checks.size(wheel.name, wheel.stat().st_size)
        held.append(tell("wheel", wrong, f"{wheel.name}: {megabytes}, at most {checks.MOST_BYTES / 1e6:.1f}"))
        held.append(tell("source archive", checks.sdist_contents(names, tracked), f"{sdist.name}: {len(names)} files"))
        held.append(tell("rebuilt", checks.same_wheel(checks.digests(direct), checks.digests(wheel)), "the same wheel"))
        out_of(tools, "-m", "twine", "check", "--strict", wheel, sdist)
        tell("metadata", [], "valid, the description can be shown")

        python = venv(folder / "user")
        out_of(python, "-m", "pip", "install", "--quiet", sdist)
        bills = [sbom.of(tools.parent / "cyclonedx-py", python) for _ in range(2)]
        wrong = checks.sbom(bills, notices, project["dependencies"])
        (DIST / f"{sdist.name.removesuffix('.tar.gz')}.cdx.json").write_text(bills[0])
        held.append(tell("SBOM", wrong, "CycloneDX, the same twice; every package is in the notices"))
        said = out_of(python.parent / "edge", "--version", cwd=folder)
        held.append(tell("version", checks.same_version(pyproject, changelog, said), project["version"]))
        out_of(python.parent / "edge", "demo", "--frames", 3, "--out", folder / "demo", cwd=folder)
        ran = checks.demo_ran((folder / "demo/report.json").read_text(), 3)
        held.append(tell("installed", ran, "edge demo runs from the archive, outside of the checkout"))
    if links := checks.relative_links((ROOT / "README.md").read_text()):
        print(f"{'warning':<16} on a package index these of README.md lead nowhere: {', '.join(links)}")
    print("ready to release" if all(held) else "not ready")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
