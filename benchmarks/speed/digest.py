"""What comes out around the engine, frame after frame, as one digest a flight: the same of two versions of the code?

    python benchmarks/speed/digest.py --frames 300 [source ...]      # sources beside the simulated flights
    python benchmarks/speed/digest.py --figures                      # what health measures in the last frame, too

In place of the engine stands one that finds boxes by chance, the same in each run, also some outside of the picture or
without an area. The digest holds, of each frame: corrected pixels, flags, the grey picture, the model's input, how many
bad pixels are known, detections with their temperatures, warnings and their words. Health's own figures are printed to
9 digits with --figures.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import at_least
from edge.app.settings import MODEL
from edge.camera import open_camera
from edge.data import Frame, RawDetections
from edge.model.bundle import Bundle
from edge.pipeline import Stream, stream
from edge.seams import Camera, CameraWrapper, Engine
from edge.thermal.normalise import NormaliseSpec

SIM = "sim:live=0"
FLIGHTS = (
    f"{SIM},fps=10,dead=0.0005,ffc_interval=0",
    f"{SIM},fps=10,dead=0.0005,ffc_interval=0,width=320,height=256,column_noise=0.2",
    f"{SIM},fps=30,dead=0.002,ffc_interval=5,ffc_flag=0,seed=3,width=160,height=120",
    f"{SIM},fps=5,dead=0.001,ffc_interval=7,seed=7,width=322,height=250,column_noise=0.1",
    f"{SIM},fps=9,dead=0,speed=0,jitter=0,seed=2,width=161,height=123",  # a hover
    f"{SIM},fps=30,seed=5,width=800,height=620,speed=20,column_noise=0.1",
    f"{SIM},fps=30,seed=6,width=33,height=47,pixel=50",
)
METHODS = ("percentile", "minmax", "plateau", "clahe", "window:low=5,high=40,unit=celsius")
BOXES = 12  # a frame


class Grey8(CameraWrapper):
    """The same camera after a processing of its own: 8-bit pictures, and in each a cross that does not move."""

    def read(self) -> Frame | None:
        frame = super().read()
        if frame is None:
            return None
        grey = np.clip((frame.pixels.astype(np.int64) - 28000) // 8, 0, 255).astype(np.uint8)
        grey[grey.shape[0] // 2, 4:60] = grey[4:60, grey.shape[1] // 2] = 255
        return replace(frame, pixels=grey, temperature=None)


class ByChance(Engine):
    """Finds boxes anywhere, and keeps what it was shown."""

    backend, description = "null", "boxes by chance"

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self._rng = np.random.default_rng(0)
        self.shown = hashlib.sha256()

    def _infer(self, image: npt.NDArray[np.uint8]) -> RawDetections:
        self.shown.update(np.ascontiguousarray(image).tobytes())
        corner = self._rng.uniform(-20, 660, (BOXES, 2))
        boxes = np.concatenate([corner, corner + self._rng.uniform(-3, 60, (BOXES, 2))], axis=1).astype(np.float32)
        boxes[0] = (100, 100, 120, 130)  # one that stays
        scores = np.sort(self._rng.uniform(0, 1, BOXES).astype(np.float32))[::-1]
        return RawDetections(boxes, scores, self._rng.integers(0, 3, BOXES).astype(np.int32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=at_least(1), default=300)
    parser.add_argument("source", nargs="*")
    parser.add_argument("--figures", action="store_true")
    arguments = parser.parse_args()
    for name, camera, bundle in flights(arguments.source):
        with camera, ByChance(bundle) as engine:
            results = stream(camera, engine)
            said, count = of_flight(results, engine, arguments.frames)
            print(f"{said} {count} frames: {name}", flush=True)
            if arguments.figures:
                print("   ", " ".join(f"{figure:.9g}" for figure in results._state.health._picture))
            results.close()


def flights(more: list[str]) -> Iterator[tuple[str, Camera, Bundle]]:
    bundle = Bundle.load(MODEL)
    for source in (*FLIGHTS, *more):
        yield source, open_camera(source), bundle
    for source in FLIGHTS[1:4]:
        yield f"8-bit, {source}", Grey8(open_camera(source)), bundle
    for method in METHODS:
        with_it = bundle.with_normaliser(NormaliseSpec.parse(method), override=True)
        yield f"{method}, {FLIGHTS[3]}", open_camera(FLIGHTS[3]), with_it


def of_flight(results: Stream, engine: ByChance, most: int) -> tuple[str, int]:
    """``(SHA-256 of all that came out, number of frames)``."""
    said, count = hashlib.sha256(), 0
    for result in results:
        frame, found = result.frame, result.detections
        for array in (frame.pixels, result.picture, found.boxes, found.scores, found.labels, found.celsius):
            if array is not None:
                said.update(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        words = (
            sorted(frame.flags),
            sorted(result.warnings),
            sorted(result.seen.items()),
            results._state.correct.bad_pixels,
        )
        said.update(repr(words).encode())
        count += 1
        if count == most:
            break
    said.update(engine.shown.digest())
    return said.hexdigest(), count


if __name__ == "__main__":
    main()
