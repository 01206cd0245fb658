"""What is mutated, and which tests are asked: an area's own tests first, then others that run its code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

OF_ALL = ("tests/test_frozen.py",)  # reads every file


@dataclass(frozen=True)
class Area:
    """``source``: a file or a folder. ``own``, ``more``: files and folders of tests, all relative to the root."""

    source: str
    own: tuple[str, ...]
    more: tuple[str, ...] = ()

    def files(self, root: Path) -> list[str]:
        """The Python files of the area, relative to ``root``, in order."""
        path = root / self.source
        found = [path] if path.is_file() else sorted(path.rglob("*.py"))
        return [str(file.relative_to(root)) for file in found]

    def tests(self, root: Path) -> list[str]:
        """The files of its tests, its own first."""
        found: list[str] = []
        for name in (*self.own, *self.more, *OF_ALL):
            path = root / name
            files = [path] if path.is_file() else sorted(path.rglob("test_*.py"))
            found += [str(file.relative_to(root)) for file in files]
        return list(dict.fromkeys(found))


LIMITS = "tests/edge/test_limits.py"  # the values of constants, each with its reason
# without the whole exports of test_static.py and test_onnx_graph.py: two thirds of the time, and they ask of thousands
# of values together what these ask of few
GRAPH = (
    "tests/export/graph/stages",
    "tests/export/graph/int8",
    *(
        f"tests/export/graph/test_{name}.py"
        for name in (
            "static_parts", "traced", "flops", "graph_files", "trt_operators", "folding", "half_weights", "precision",
            "supported", "shared_weights", "bundle",
        )
    ),
)  # fmt: skip
AREAS = (
    Area("edge/pipeline.py", ("tests/edge/test_pipeline.py",), ("tests/edge/app/test_run_parts.py",)),
    Area(
        "edge/model",
        ("tests/edge/model",),
        (
            "tests/edge/engine/test_outputs.py",
            "tests/edge/engine/test_passport.py",
            "tests/edge/test_kept.py",
            "tests/edge/engine/test_engine.py",
        ),
    ),
    Area("edge/thermal", ("tests/edge/thermal",), ("tests/edge/model/test_normalisers.py",)),
    Area("edge/recording", ("tests/edge/recording",), ("tests/edge/test_kept.py", LIMITS)),
    Area(
        "edge/measure",
        ("tests/edge/measure",),
        (
            "tests/edge/sinks/test_sinks.py",
            "tests/export/evaluate/test_average_precision.py",
            "tests/edge/app/bench/test_accuracy.py",
            LIMITS,
        ),
    ),
    Area("edge/camera/live", ("tests/edge/camera/live",), ("tests/edge/contracts/test_cameras.py", LIMITS)),
    Area("export/graph", GRAPH, ("tests/export/test_limits.py",)),
)


def chosen(path: str) -> list[tuple[Area, str]]:
    """The areas that ``path`` (of a file or folder, or "" for all) touches, each with the part of it that is meant.

    Raises ValueError, in one line, where no area does.
    """
    path = path.rstrip("/")
    found = []
    for area in AREAS:
        if not path or area.source == path or area.source.startswith(f"{path}/"):
            found.append((area, area.source))
        elif path.startswith(f"{area.source}/"):
            found.append((area, path))
    if not found:
        names = ", ".join(area.source for area in AREAS)
        raise ValueError(f"{path}: no area; expected one of {names}, or a file in one")
    return found
