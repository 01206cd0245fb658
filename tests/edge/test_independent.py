"""Stills without a rate are each looked at as the first: alone, in a folder, in a replay, in evaluation."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edge.camera import open_camera
from edge.data import Frame, Scale, TemperatureScale
from edge.engine import open_engine
from edge.model.bundle import Bundle
from edge.model.transform import Preprocessor
from edge.pipeline import stream
from edge.recording import Origin, Recording, RecordingWriter
from edge.recording.contents import Header
from edge.recording.format import HEADER, pack
from edge.recording.recorder import Recorder
from edge.seams import Camera, CameraWrapper, as_camera
from edge.thermal.correct.correction import Correction
from edge.thermal.temperature import PlanckScale

PLANCK = PlanckScale(14985.9296875, 1398.0999755859375, 1.0, -6233, 0.011283216997981071)


def folder(path: Path) -> Path:
    """Six scenes of 16-bit counts that do not follow each other, each a little colder and wider than the one before."""
    path.mkdir()
    rng = np.random.default_rng(0)
    for i in range(6):
        scene = rng.normal(0, 60 * (i + 1), (64, 80)) + 30000 - 30 * i
        scene[20:30, 20:30] += 900
        cv2.imwrite(str(path / f"f{i}.png"), scene.astype(np.uint16))
    return path


def pictures(source: str, bundle: Path) -> list[npt.NDArray[np.uint8]]:
    with open_camera(source) as camera, open_engine(bundle, "null") as engine:
        return [result.picture for result in stream(camera, engine)]


def same(a: list[npt.NDArray[np.uint8]], b: list[npt.NDArray[np.uint8]]) -> bool:
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_a_folder_and_its_files_one_by_one(tmp_path: Path, tiny_bundle: Path) -> None:
    stills = folder(tmp_path / "stills")
    together = pictures(str(stills), tiny_bundle)
    alone = [pictures(str(path), tiny_bundle)[0] for path in sorted(stills.iterdir())]
    assert same(together, alone)
    bundle = Bundle.load(tiny_bundle)
    evaluated = []
    for path in sorted(stills.iterdir()):
        with open_camera(path) as camera:
            frame = camera.read()
        assert frame is not None
        evaluated.append(Preprocessor(bundle).forward(frame)[0])  # as `edge-export eval` looks at each
    assert same(together, evaluated)
    assert not same(together, pictures(f"{stills}?fps=5", tiny_bundle))  # frames of a film are smoothed


def test_correction_leaves_them_alone() -> None:
    rng = np.random.default_rng(1)
    correct = Correction(independent=True)
    for seq in range(300):
        pixels = rng.integers(7000, 7100, (64, 80)).astype(np.uint16)
        pixels[30, 40] = 9000  # a hot pixel to a camera that moves
        frame = Frame(pixels, seq, 0.0)
        assert correct(frame) is frame


def test_who_is_independent(tmp_path: Path) -> None:
    stills = folder(tmp_path / "stills")
    for source, expected in ((stills, True), (f"{stills}?fps=5", False), ("sim:live=0,frames=1", False)):
        with open_camera(source) as camera:
            assert camera.independent is expected
            assert CameraWrapper(camera).independent is expected

    class Foreign:
        independent = True

        def read(self) -> None:
            return None

        def close(self) -> None:
            return None

    assert as_camera(Foreign()).independent
    assert not Camera.independent


def test_a_recording_keeps_it(tmp_path: Path, tiny_bundle: Path) -> None:
    stills = folder(tmp_path / "stills")
    with open_camera(stills) as camera, Recorder.behind(camera, tmp_path / "r") as recorder:
        for frame in iter(camera.read, None):
            recorder.write(frame)
    assert Recording(tmp_path / "r").header.origin.independent
    assert same(pictures(f"rec:{tmp_path / 'r'}", tiny_bundle), pictures(str(stills), tiny_bundle))


def test_recordings_of_before_are_read_as_before(tmp_path: Path) -> None:
    header = Header.here("r", 0, Origin("stills", live=False, fps=None)).to_json()
    assert "independent" not in header  # written only where it is so: an older reader sees nothing new
    assert not Header.from_json(header).origin.independent
    assert Header.from_json({**header, "independent": True}).origin.independent
    assert pack(HEADER, header)


@pytest.mark.parametrize("scale", [None, TemperatureScale(0.04, -3.0), PLANCK], ids=["none", "linear", "Planck"])
def test_scales_are_recorded_bit_for_bit(tmp_path: Path, scale: Scale | None) -> None:
    writer = RecordingWriter(tmp_path / "r", Origin("a camera", live=False, fps=None), reserve=0)
    writer.write(Frame(np.full((4, 5), 15000, np.uint16), 0, 0.0, temperature=scale))
    writer.close()
    (frame,) = Recording(tmp_path / "r")
    assert frame.temperature == scale
    assert type(frame.temperature) is type(scale)
