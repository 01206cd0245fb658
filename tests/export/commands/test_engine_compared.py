"""``edge-export engine`` with all its processes, on the simulated driver: built, compared, and compared again."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.engine.passport_check import check_passport, raise_refusals
from edge.errors import BundleError
from edge.model.bundle import Bundle
from edge.model.passport import Passport, Target
from tests.conftest import HEIGHT, WIDTH, write_bundle
from tests.cuda_sim.process import Ended, fly_each, simulator_or_skip
from tests.support.half_detector import with_float16_graph


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, and frames with a warm thing in each."""
    folder = tmp_path_factory.mktemp("compared")
    with_float16_graph(write_bundle(folder / "deer"), (folder / "deer/model.onnx").read_bytes())
    (folder / "frames").mkdir()
    for i in range(4):
        picture = np.full((HEIGHT, WIDTH), 70, np.uint8)
        picture[8:16, 8 * i : 8 * i + 8] = 250
        cv2.imwrite(str(folder / f"frames/{i}.png"), picture)
    return folder


@pytest.fixture(scope="module")
def ended(folder: Path) -> list[Ended]:
    """The engine built; then compared again, when it gives other classes."""
    words = ["engine", str(folder / "deer"), "--frames", str(folder / "frames")]
    settings = {"XDG_CACHE_HOME": str(folder / "cache"), "COLUMNS": "300"}
    again = ([*words, "--compare-only", "--quiet"], {**settings, "TRT_SIM_WRONG": "class"})
    return fly_each(simulator_or_skip(), [(words, settings), again], "edge-export")


def test_an_engine_that_agrees_is_put_in_place(ended: list[Ended], folder: Path) -> None:
    built = ended[0]
    assert (built.code, built.err) == (0, "")
    found = "4 detections found by both, 0 lost, 0 added; of 12 weaker ones 12 found by both"
    assert f"on 4 frames ({folder / 'frames'}): {found}; largest difference of a box 0 px, of a score 0\n" in built.out
    assert built.out.endswith(f"next: edge run --source S --model {folder / 'deer'} --backend trt --out DIR\n")


def test_an_engine_that_is_wrong_later_does_not_fly(ended: list[Ended], folder: Path) -> None:
    again = ended[1]
    assert (again.code, again.out, again.err.count("\n")) == (1, "", 1)
    wrong = "the engine gives wrong results: it loses 4 of the 4 detections that ONNX Runtime finds"
    assert again.err.startswith(f"edge-export: {wrong} (compared with ONNX Runtime ")
    assert "): its passport says so now, and edge run refuses it: build another with" in again.err
    bundle = Bundle.load(folder / "deer")
    passport = Passport.read(bundle.path)
    assert passport.comparison is not None
    assert (passport.comparison.lost, passport.comparison.added) == (4, 4)
    assert passport.comparison.versions["tensorrt"] == passport.target.tensorrt == "10.3.0"
    with pytest.raises(BundleError, match="gives wrong results: it loses 4 of the 4 detections"):
        raise_refusals(bundle, check_passport(bundle, Target()))
    files = {"model.json", "model.onnx", "model.fp16.onnx", "model.engine", "model.engine.json"}
    files.add("model.engine.layers.json")  # still those of the engine that is there
    assert {path.name for path in bundle.path.iterdir()} == files
