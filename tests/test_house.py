"""The house: which room may import which, what stands at the top, how full a folder and how long a file is."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

import pytest

from tests.support.house import Arrow, arrows, circles, folders, lengths, modules, upward

ROOT = Path(__file__).resolve().parents[1]
# from the highest to the lowest: imports point down
ROOMS = {
    "edge": (
        "commands", "archive", "app", "pipeline", "sinks", "track", "geo", "pose", "health", "engine", "recording",
        "model", "camera", "sim", "thermal", "measure", "seams", "system", "data", "errors",
    ),
    "export": ("commands", "training", "evaluate", "parity", "tensorrt", "graph", "data", "detector"),
}  # fmt: skip
# literal tables: what they name as a string is imported when it is asked for, and may stand in any room
TABLES = frozenset(
    {
        "edge/camera/open.py",
        "edge/engine/select.py",
        "edge/sinks/open.py",
        "export/commands/main.py",
    }
)
AT_THE_TOP = {"edge": {"pipeline", "data", "errors", "seams"}, "export": set[str]()}
MOST_FILES = 16
# a file of over 300 lines wants to be two, one of under 20 belongs to its neighbour: the exceptions, over 320 never
LONG, SHORT, MOST_LINES = 300, 20, 320
ODD = {"edge/camera/live/loss.py", "edge/data.py"}
# what edge/ never imports, and what one file of it may
HEAVY = {"torch", "torchvision", "export", "onnx"}
ONLY_IN = {
    "dask": {"edge/archive/cluster.py"},
    "distributed": {"edge/archive/cluster.py"},
    "pyarrow": {"edge/archive/merge/parquet.py"},
    "tensorrt": {"edge/engine/trt.py"},
    "pycuda": {"edge/engine/cuda.py"},
    "onnxruntime": {"edge/engine/onnx_runtime.py"},
    "openvino": {"edge/engine/openvino.py"},
    "foxglove": {"edge/sinks/robotics/foxglove_server.py"},
    "paho": {"edge/sinks/live/mqtt_link.py"},
    "rclpy": {"edge/sinks/robotics/ros2_node.py"},
    "pymavlink": {"edge/pose/dialect.py"},
    "nacl": {"edge/model/signed/signature.py"},
    "starlette": {"edge/app/review/routes.py", "edge/sinks/web/app.py", "edge/sinks/web/live.py"},
    "uvicorn": {"edge/sinks/web/connection.py", "edge/sinks/web/server.py"},
}
ASKS = "edge/engine/readiness.py"  # whether they are installed: by name, with importlib

KNOWN = {name for package in ROOMS for name in modules(ROOT, package)}


@lru_cache
def built() -> list[Arrow]:
    """Ours: read when the first test asks, once."""
    return arrows(ROOT, tuple(ROOMS))


# ---- the order ----


@pytest.mark.parametrize("package", ROOMS)
def test_imports_point_down(package: str) -> None:
    assert upward(built(), ROOMS[package], package, TABLES) == []


def test_nothing_runs_in_a_circle() -> None:
    assert circles(built(), TABLES) == []


def test_nobody_inside_imports_the_whole_package() -> None:
    """``import edge`` loads every room: below the top that is a circle that happens to work."""
    assert [str(arrow) for arrow in built() if arrow.imported in ROOMS and not arrow.loaded] == []


def test_only_what_is_a_table_is_excused() -> None:
    named = {str(arrow.path) for arrow in built() if arrow.loaded and arrow.imported in KNOWN}
    assert named >= TABLES


# ---- what is heavy: the aircraft's side never needs torch or the export side ----


def heavy(arrow: Arrow) -> str | None:
    """What is wrong with one import, if anything."""
    package, path = arrow.imported.partition(".")[0], str(arrow.path)
    if package in HEAVY:
        return str(arrow)
    if package in ONLY_IN and path not in ONLY_IN[package] and not (arrow.loaded and path == ASKS):
        return str(arrow)
    return None


def test_edge_imports_nothing_heavy() -> None:
    assert [wrong for arrow in arrows(ROOT, ("edge",)) if (wrong := heavy(arrow))] == []


# ---- the rooms ----


@pytest.mark.parametrize("package", ROOMS)
def test_only_the_path_of_the_data_stands_at_the_top(package: str) -> None:
    top = {path.stem for path in (ROOT / package).glob("*.py")}
    assert top == {"__init__"} | AT_THE_TOP[package]


@pytest.mark.parametrize("package", ROOMS)
def test_every_room_says_in_a_line_what_it_is(package: str) -> None:
    silent = []
    for folder in folders(ROOT, package):
        path = ROOT / folder / "__init__.py"
        said = ast.get_docstring(ast.parse(path.read_text())) if path.exists() else None
        first = (said or "").partition("\n")[0]
        if len(first) < 20 or not first.endswith((".", ":")):
            silent.append(folder)
    assert silent == [], "expected an __init__.py that begins with a docstring of one sentence"


@pytest.mark.parametrize("package", ROOMS)
def test_a_folder_holds_one_idea(package: str) -> None:
    full = {folder: len(files) for folder, files in folders(ROOT, package).items() if len(files) > MOST_FILES}
    assert not full, f"at most {MOST_FILES} files, without __init__.py"


def test_no_file_is_too_long_to_read_or_too_short_to_open() -> None:
    lines = {path: n for package in ROOMS for path, n in lengths(ROOT, package).items()}
    assert {path: n for path, n in lines.items() if n > MOST_LINES} == {}
    assert {path: n for path, n in lines.items() if (n > LONG or n < SHORT) and path not in ODD} == {}
    assert set(lines) >= ODD


# ---- the test itself: what it must find in small houses ----

BUILT = {
    "edge/__init__.py": "from edge.pipeline import stream",
    "edge/pipeline.py": "import edge.camera.open\nfrom edge import data",
    "edge/camera/__init__.py": "",
    "edge/camera/open.py": "import importlib\nfrom edge.data import Frame\nT = {'rec:': 'edge.recording.replay:R'}",
    "edge/recording/__init__.py": "",
    "edge/recording/replay.py": "from edge.camera import open",
    "edge/seams.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from edge.recording import replay",
    "edge/data.py": "",
}


def house(root: Path, changed: dict[str, str]) -> list[Arrow]:
    for name, text in {**BUILT, **changed}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return arrows(root, ("edge",))


def test_a_good_house_stands(tmp_path: Path) -> None:
    found = house(tmp_path, {})
    assert upward(found, ROOMS["edge"], "edge", TABLES) == []
    assert circles(found, TABLES) == []
    assert ("edge.camera.open", "edge.recording.replay", True) in {(a.importer, a.imported, a.loaded) for a in found}
    assert not [arrow for arrow in found if arrow.imported == "edge"]


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("edge/data.py", "import edge.pipeline", "edge.data imports edge.pipeline: pipeline is above data"),
        ("edge/data.py", "from edge.camera.open import x", "edge.data imports edge.camera.open: camera is above data"),
        ("edge/data.py", "def f():\n    from edge import pipeline", ":2: edge.data imports edge.pipeline"),
        ("edge/data.py", "class A:\n    try:\n        import edge.seams\n    finally: pass", ":3: edge.data imports"),
        ("edge/data.py", "from . import seams", "edge.data imports edge.seams: seams is above data"),
        ("edge/data.py", "from .seams import Camera", "edge.data imports edge.seams: seams is above data"),
        ("edge/camera/video.py", "from ..recording import replay", "edge.camera.video imports edge.recording.replay"),
        ("edge/camera/__init__.py", "from ..recording.replay import R", "edge.camera imports edge.recording.replay"),
        ("edge/data.py", "if TYPE_CHECKING:\n    pass\nelse:\n    import edge.seams", ":4: edge.data imports"),
        ("edge/data.py", "import importlib\nT = {'a': 'edge.seams:Camera'}", "edge.data names edge.seams"),
        ("edge/data.py", "import importlib\nT = ('edge.camera.open.f', 1)", "names edge.camera.open:"),
        ("edge/data.py", "from importlib import import_module as i\ni('edge.seams')", "names edge.seams"),
        ("edge/data.py", "T = 'edge.seams'  # for a table elsewhere", "edge.data names edge.seams"),
        ("edge/data.py", "__import__('edge.seams')", "edge.data names edge.seams"),
        ("edge/data.py", "import importlib\nf = lambda k: f'edge.camera.{k}'", "names edge.camera:"),
        ("edge/camera/open.py", "import edge.recording.replay", "edge.camera.open imports edge.recording.replay"),
        ("edge/camera/video.py", "import importlib\nR = 'edge.recording.replay'", "recording is above camera"),
        ("edge/kitchen/__init__.py", "import edge.data", "edge.kitchen stands in no place of the order"),
        ("edge/data.py", "import edge.kitchen", "edge.kitchen stands in no place of the order"),
    ],
)  # fmt: skip
def test_a_wrong_arrow_is_found(tmp_path: Path, path: str, text: str, complaint: str) -> None:
    wrong = upward(house(tmp_path, {path: text}), ROOMS["edge"], "edge", TABLES)
    assert len(wrong) == 1
    assert complaint in wrong[0]
    assert wrong[0].startswith(path)


@pytest.mark.parametrize(
    "text",
    ["T = 'edge'", "import importlib\n'see edge.seams'", "'edge.kitchen'", "'edge/seams.py'", "'my.edge.seams'"],
)
def test_a_word_is_no_arrow(tmp_path: Path, text: str) -> None:
    assert upward(house(tmp_path, {"edge/data.py": text}), ROOMS["edge"], "edge", TABLES) == []


@pytest.mark.parametrize("text", ["import edge", "import edge as e", "from edge import stream", "from . import stream"])
def test_the_whole_package_is_found(tmp_path: Path, text: str) -> None:
    assert [a.importer for a in house(tmp_path, {"edge/data.py": text}) if a.imported == "edge"] == ["edge.data"]


def test_a_circle_is_found(tmp_path: Path) -> None:
    files = {
        "edge/camera/a.py": "import edge.camera.b",
        "edge/camera/b.py": "def f():\n    import edge.camera.c",
        "edge/camera/c.py": "from edge.camera.a import x",
    }
    assert circles(house(tmp_path, files), TABLES) == [
        "edge.camera.a -> edge.camera.b -> edge.camera.c -> edge.camera.a"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "import torch",
        "def f():\n    from torchvision.ops import nms",
        "import importlib\nimportlib.import_module('torch.nn')",
        "from importlib import import_module as i\nTABLE = {'a': 'export.graph.static:StaticDetector'}",
        "import onnxruntime as ort",
        "__import__('tensorrt')",
    ],
)
def test_a_heavy_import_is_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "edge").mkdir()
    (tmp_path / "edge" / "data.py").write_text(text)
    assert [wrong for arrow in arrows(tmp_path, ("edge",)) if (wrong := heavy(arrow))]


def test_folders_and_lengths_are_counted(tmp_path: Path) -> None:
    house(tmp_path, {"edge/camera/long.py": "x = 1\n" * 321})
    assert [str(path) for path in folders(tmp_path, "edge")["edge/camera"]] == [
        "edge/camera/long.py",
        "edge/camera/open.py",
    ]
    assert lengths(tmp_path, "edge")["edge/camera/long.py"] == 321
