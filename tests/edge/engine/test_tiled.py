"""An engine in tiles: what it finds is what an engine of the frame's size finds, and what it costs is told."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edge
from edge.engine.tiled import TiledEngine, tiling_of
from edge.model.bundle import Bundle
from edge.model.tiling import Tiling
from edge.model.transform import Preprocessor
from edge.pipeline import stream
from tests.support.toy_engine import ToyEngine

LEVELS = (120, 160, 200, 240)


class Blobs(edge.Engine):
    """Finds every connected patch of each grey level of `LEVELS`; its level is its score."""

    backend, description = "blobs", "blobs"
    notes, chosen, versions = ("a note",), "asked for", {"blobs": "1"}

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.images: list[np.ndarray] = []
        self.converged = self.finite = True
        self.released = 0

    def _infer(self, image: np.ndarray) -> edge.RawDetections:
        self.images.append(image)
        boxes, scores = [], []
        for level in LEVELS:
            _, _, stats, _ = cv2.connectedComponentsWithStats((image == level).astype(np.uint8))
            for x, y, width, height, _ in stats[1:].tolist():
                if min(width, height) > 2:  # thinner ones are edges of others, shrunk
                    boxes.append((x, y, x + width, y + height))
                    scores.append(level / 255)
        order = np.argsort(scores)[::-1]
        self.last_ms = {"look": 2.0}
        return edge.RawDetections(
            np.array(boxes, np.float32).reshape(-1, 4)[order],
            np.array(scores, np.float32)[order],
            np.zeros(len(order), np.int32),
            self.converged,
            self.finite,
        )

    def _release(self) -> None:
        self.released += 1


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return replace(Bundle.load(tiny_bundle), width=320, height=256)


@pytest.fixture
def inner(bundle: Bundle) -> Blobs:
    return Blobs(bundle)


def tiled(inner: edge.Engine, text: str = "2x2") -> TiledEngine:
    return TiledEngine(inner, Tiling.parse(text))


def scene(seed: int) -> np.ndarray:
    """600x480, which is two tiles of 320x256 at their own size each way: bodies, none touching another."""
    rng, image = np.random.default_rng(seed), np.zeros((480, 600), np.uint8)
    taken = np.zeros(image.shape, bool)
    for _ in range(60):
        width, height = rng.integers(4, 24, 2)
        x, y = rng.integers(0, 600 - width), rng.integers(0, 480 - height)
        if seed % 2:  # at the seams: the borders of the tiles are at 280 and 320, 224 and 256
            x, y = rng.integers(270, 325) - width // 2, rng.integers(215, 260) - height // 2
        if not taken[max(y - 1, 0) : y + height + 1, max(x - 1, 0) : x + width + 1].any():
            taken[y : y + height, x : x + width] = True
            image[y : y + height, x : x + width] = rng.choice(LEVELS)
    return image


def found(raw: edge.RawDetections) -> list[tuple[float, ...]]:
    return sorted((*box, score) for box, score in zip(raw.boxes.tolist(), raw.scores.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(10))
def test_what_tiles_find_is_what_one_look_of_the_frames_size_finds(inner: Blobs, bundle: Bundle, seed: int) -> None:
    image = scene(seed)
    expected = Blobs(replace(bundle, width=600, height=480)).infer(image)
    assert len(expected.scores) > 4
    assert found(tiled(inner).infer(image)) == found(expected)
    assert [one.shape for one in inner.images] == [(256, 320)] * 5


def test_boxes_of_enlarged_tiles_are_in_pixels_of_the_frame(inner: Blobs) -> None:
    image = np.zeros((256, 320), np.uint8)
    image[100:112, 150:170] = 200
    raw = tiled(inner).infer(image)
    assert raw.scores.tolist() == [np.float32(200 / 255)]
    assert np.abs(raw.boxes[0] - [150, 100, 170, 112]).max() <= 1.5


def test_a_frame_of_the_models_size_is_looked_at_once_by_auto(inner: Blobs) -> None:
    image = np.zeros((256, 320), np.uint8)
    image[100:112, 150:170] = 200
    raw = tiled(inner, "auto").infer(image)
    assert raw.boxes.tolist() == [[150, 100, 170, 112]]
    assert len(inner.images) == 1
    assert np.array_equal(inner.images[0], image)


def test_any_size_and_no_other_type(inner: Blobs) -> None:
    engine = tiled(inner, "auto")
    for size in ((480, 600), (256, 320), (480, 600), (100, 100)):
        engine.infer(np.zeros(size, np.uint8))
    assert [(row["width"], row["height"]) for row in engine.report()["frames"]] == [(320, 256), (600, 480), (100, 100)]
    for image in (np.zeros((4, 4), np.float32), np.zeros((1, 4, 4), np.uint8), np.zeros((0, 4), np.uint8)):
        with pytest.raises(edge.EngineError, match=r"expected uint8 \(height, width\)"):
            engine.infer(image)


def test_sizes_that_are_kept_for_the_report_do_not_grow(inner: Blobs) -> None:
    engine = tiled(inner, "auto")
    for width in range(100, 130):
        engine.infer(np.zeros((80, width), np.uint8))
    assert [row["width"] for row in engine.report()["frames"]] == list(range(114, 130))


def test_it_is_the_engine_inside(inner: Blobs) -> None:
    with tiled(inner) as engine:
        assert (engine.backend, engine.description, engine.bundle) == ("blobs", "blobs", inner.bundle)
        assert (engine.notes, engine.chosen, engine.versions) == (inner.notes, inner.chosen, inner.versions)
    engine.close()
    assert inner.released == 1
    with pytest.raises(edge.EngineError, match="closed"):
        engine.infer(np.zeros((480, 600), np.uint8))


def test_the_time_of_all_calls_is_told(inner: Blobs) -> None:
    engine = tiled(inner)
    engine.infer(np.zeros((480, 600), np.uint8))
    assert engine.last_ms["look"] == 10.0
    assert set(engine.last_ms) == {"cut", "look", "merge"}
    assert min(engine.last_ms.values()) > 0


@pytest.mark.parametrize("what", ["converged", "finite"])
def test_what_one_call_has_to_say_is_said(inner: Blobs, what: str) -> None:
    engine, image = tiled(inner), np.zeros((480, 600), np.uint8)
    assert getattr(engine.infer(image), what) is True
    setattr(inner, what, False)
    assert getattr(engine.infer(image), what) is False


def test_the_cost_is_told_before_the_first_call(inner: Blobs, caplog: pytest.LogCaptureFixture) -> None:
    engine = tiled(inner)
    with caplog.at_level(logging.INFO, "edge"):
        for _ in range(2):
            engine.infer(np.zeros((480, 600), np.uint8))
    (line,) = caplog.messages
    assert line == (
        "tiles: 600x480 is cut into 2x2 tiles of 320x256, each at its own size for the model's 320x256; with the whole "
        "frame that is 5 calls of the engine"
    )


# ---- in the pipeline ----


def test_the_normaliser_sees_the_whole_frame_once(inner: Blobs) -> None:
    """One cold and one warm half: each tile by itself would be grey."""
    counts = np.full((480, 600), 7000, np.uint16)
    counts[:, 300:] = 7400
    engine = tiled(inner)
    picture, image, box = Preprocessor(engine.bundle, tiling=tiling_of(engine)).forward(edge.Frame(counts, 0, 0.0))
    assert image is picture
    assert (box.scale_x, box.scale_y) == (1, 1)
    engine.infer(image)
    left, right = inner.images[0], inner.images[1]
    assert left[0, 0] == picture[0, 0]
    assert right[0, -1] == picture[0, -1] != left[0, 0]


class Still(edge.Camera):
    """Two frames with one body at a seam."""

    description, independent = "still", True

    def __init__(self, pixels: np.ndarray) -> None:
        other = pixels.copy()
        other[0, 0] = 1
        self._left = [edge.Frame(one, i, time.monotonic()) for i, one in enumerate((pixels, other))]

    def read(self) -> edge.Frame | None:
        return self._left.pop(0) if self._left else None


def test_a_stream_gives_boxes_of_the_frame_and_the_scale_of_its_tiles(inner: Blobs) -> None:
    pixels = np.full((480, 600), 90, np.uint8)
    pixels[240:250, 296:308] = 240
    results = list(stream(Still(pixels), tiled(inner)))
    assert [r.detections.boxes.tolist() for r in results] == [[[296, 240, 308, 250]]] * 2
    assert all("scale" not in r.warnings for r in results)
    assert {"engine.cut", "engine.look", "engine.merge"} <= set(results[0].stages_ms)
    plain = list(stream(Still(pixels), Blobs(inner.bundle)))
    assert all("scale" in r.warnings for r in plain)
    assert "shrunk to 0.533" in plain[0].seen["scale"]


def test_an_engine_can_be_replaced_by_one_in_tiles_and_back(inner: Blobs, bundle: Bundle) -> None:
    pixels = np.full((480, 600), 90, np.uint8)
    pixels[240:252, 296:308] = 240
    plain = Blobs(bundle)
    results = stream(Still(pixels), plain)
    first = next(results)
    assert results.replace_engine(tiled(inner)) is plain
    second = next(results)
    assert ("scale" in first.warnings, "scale" in second.warnings) == (True, False)
    assert second.detections.boxes.tolist() == [[296, 240, 308, 252]]


def test_open_engine_in_tiles(tiny_bundle: Path) -> None:
    with edge.open_engine(tiny_bundle, "ort", tiles="2x2") as engine, edge.open_engine(tiny_bundle, "ort") as plain:
        assert tiling_of(engine) == Tiling(2, 2)
        assert tiling_of(plain) is None
        image = np.full((120, 150), 20, np.uint8)
        image[80:88, 94:102] = 250  # a cell of the last tile, which begins at 70, 56
        raw = engine.infer(image)
        assert raw.boxes[raw.scores > 0.5].tolist() == [[94, 80, 102, 88]]
        with pytest.raises(edge.EngineError, match="expected uint8"):
            plain.infer(image)
    with pytest.raises(edge.InputError, match="expected auto"):
        edge.open_engine(tiny_bundle, "ort", tiles="9x9")


def test_a_run_gets_tiles_with_its_engine_and_not_beside_one(tiny_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(edge.InputError, match="expected auto"):
        edge.RunSettings(out=tmp_path, tiles="0x0")
    engine: Any = ToyEngine(Bundle.load(tiny_bundle))
    with pytest.raises(edge.InputError, match="tiles belong to the engine"):
        edge.run(edge.RunSettings(out=tmp_path / "a", source="x", tiles="2x2"), engine=engine)
