"""edge doctor: cameras with known faults in, what it says of them out; and this machine, and a made-up one."""

from __future__ import annotations

import dataclasses
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

import edge.app.machine as machine
import edge.commands.doctor as doctor_module
import edge.engine.readiness as readiness
from edge.app.source_check import Examination, examine, problems
from edge.commands.console import Screen
from edge.commands.doctor import doctor, rows
from edge.commands.main import main
from edge.data import Frame, TemperatureScale
from edge.engine.device import Device
from edge.errors import CameraError, EngineError, SinkError, SourceError
from edge.model.passport import Passport, Target
from edge.seams import Camera
from edge.thermal.normalise import DEFAULT_16BIT, normalise
from tests.conftest import shared
from tests.trt_sim.plan import add_engine


def scene(seed: int, dtype: Any = np.uint16) -> npt.NDArray[Any]:
    """Smooth ground of 14 bits and some noise."""
    ground = np.linspace(7000, 9000, 80)[None] + np.linspace(0, 300, 64)[:, None]
    counts = ground + np.random.default_rng(seed).normal(0, 5, (64, 80))
    return (counts / 50).astype(dtype) if dtype == np.uint8 else counts.astype(dtype)


class Scripted(Camera):
    """Gives ``pictures`` at ``times``, each handed over ``late`` seconds after; then ends or breaks."""

    description, frames, closed = "scripted", None, False

    def __init__(
        self,
        pictures: list[npt.NDArray[Any]],
        times: list[float] | None = None,
        late: float = 0.0,
        fps: float | None = 25.0,
        live: bool = True,
        seqs: list[int] | None = None,
        ending: Exception | None = None,
        scale: TemperatureScale | None = None,
    ) -> None:
        self.fps, self.live, self.late, self.ending, self.scale = fps, live, late, ending, scale
        self.times = [100 + 0.04 * i for i in range(len(pictures))] if times is None else times
        self.seqs = list(range(len(pictures))) if seqs is None else seqs
        self.pictures, self.given, self.now = pictures, 0, 99.9

    def read(self) -> Frame | None:
        i = self.given
        if i == len(self.pictures):
            if self.ending:
                raise self.ending
            return None
        self.given += 1
        self.now = self.times[i] + self.late
        return Frame(self.pictures[i], self.seqs[i], self.times[i], temperature=self.scale)

    def close(self) -> None:
        self.closed = True


def look(camera: Scripted, seconds: float = 5.0) -> Examination:
    return examine(camera, seconds, clock=lambda: camera.now)


def test_a_good_camera() -> None:
    pictures = [scene(i) for i in range(51)]
    found = look(Scripted(pictures, late=0.012, scale=TemperatureScale(0.04)))
    assert problems(found) == []
    assert (found.frames, found.duplicates, found.lost, found.shutter) == (51, 0, 0, 0)
    assert (found.size, found.bits_a_pixel, found.bits, found.unused) == ((80, 64), 16, 14, 0)
    assert (found.low, found.high) == (min(p.min() for p in pictures), max(p.max() for p in pictures))
    assert found.fps == pytest.approx(25)
    assert (found.interval_ms, found.jitter_ms, found.uneven) == ({"p50": 40.0}, {"p50": 0.0}, 0)
    assert found.latency_ms == {"p50": 12.0}  # 50 frames carry no other percentile
    assert found.first_ms == pytest.approx(112)
    said = dict(rows(found, 0.5))
    assert said["rate"] == "25.00 frames a second, announced 25"
    assert said["temperature"].startswith("0.04 K a count, most ")
    assert said["age when it comes"] == "p50 12.00 ms"


def test_each_count_stands_under_its_name() -> None:
    found = Examination(frames=9, duplicates=5, lost=3, shutter=2, size=(80, 64), bits_a_pixel=16)
    assert dict(rows(found, 0.5))["frames"] == "9, 5 duplicates, 3 lost, 2 with the shutter shut"


def test_it_stops_after_the_time() -> None:
    camera = Scripted([scene(i) for i in range(100)])
    assert look(camera, 2.0).frames == pytest.approx(49, abs=1)


def test_percentiles_of_uneven_times() -> None:
    gaps = np.full(100, 0.04)
    gaps[[20, 60]] = 0.15
    times = list(100 + np.concatenate([[0], np.cumsum(gaps)]))
    found = look(Scripted([scene(i) for i in range(101)], times, fps=None))
    assert (found.jitter_ms, found.uneven) == ({"p50": 0.0}, 2)  # the 2 of 100 that come 110 ms late
    assert ["uneven: 2 of 100 frames come more than 20 ms early or late" in line for line in problems(found)] == [True]


def saying(found: Examination, *words: str) -> None:
    lines = problems(found)
    assert len(lines) == 1
    assert all(word in lines[0] for word in words), lines
    assert "\n" not in lines[0]


def test_faults() -> None:
    good = [scene(i) for i in range(26)]
    saying(look(Scripted([p.byteswap() for p in good])), "two bytes are the wrong way round")
    saying(look(Scripted([(p >> 6) << 8 for p in good])), "lowest 8 bits are never set")
    saying(look(Scripted([p >> 6 for p in good])), "hold 8 bits", "raw format")
    saying(look(Scripted([np.full((64, 80), 7000, np.uint16)])), "the same value", "shutter")
    saying(look(Scripted([np.pad(good[0], ((0, 450), (0, 560)), "edge")])), "2 telemetry rows", "camera=boson")
    saying(look(Scripted([p[:63] for p in good])), "3 telemetry rows", "camera=lepton")
    saying(look(Scripted([np.pad(good[0], ((0, 320), (0, 176)), "edge")])), "192 rows above", "camera=infiray")
    grey = scene(0, np.uint8)
    saying(look(Scripted([np.where(grey > 160, 255, grey).astype(np.uint8)])), "are white", "AGC")
    saying(look(Scripted([(grey // 20 + 100).astype(np.uint8)])), "hardly any contrast", "raw counts")
    saying(look(Scripted(good, fps=60)), "25.0 frames a second come, 60 were announced")
    saying(look(Scripted(good, late=0.4)), "400 ms old", "drop=true")
    saying(look(Scripted(good, seqs=[*range(13), *range(16, 29)])), "3 frames were lost or damaged")
    assert look(Scripted(good, ending=CameraError("unplugged"))).broke == "unplugged"
    assert problems(look(Scripted([], ending=CameraError("unplugged")))) == []  # told by the error itself
    saying(look(Scripted([])), "the source is empty")


def test_a_slow_sensor_in_a_fast_stream() -> None:
    found = look(Scripted([scene(i // 3) for i in range(30)]))
    assert found.duplicates == 20
    saying(found, "20 of 30 frames repeat", "7.8 new ones a second", "9 Hz")


def test_files_have_no_rate_to_measure() -> None:
    found = look(Scripted([scene(i) for i in range(5)], live=False))
    assert (found.fps, found.interval_ms, found.latency_ms) == (None, {}, {})
    assert problems(found) == []


# ---- the command


def run(source: str | None, folder: Path, seconds: float = 0.2) -> str:
    out = io.StringIO()
    doctor(Screen(file=out, width=200), source, folder, seconds)
    return out.getvalue()


def test_simulated_camera(tmp_path: Path) -> None:
    said = run("sim:", tmp_path / "new" / "folder")
    assert "640 x 512, 16 bit" in said
    assert "0.01 K a count" in said
    assert "rate" in said
    picture = cv2.imread(str(tmp_path / "new" / "folder" / "doctor.png"), cv2.IMREAD_UNCHANGED)
    assert picture.shape == (512, 640)
    assert picture.std() > 5
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["doctor.png"]


def test_still_and_video(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_module, "MODEL", tiny_bundle)  # the real one takes a second a frame
    still = shared("data", "raw16", "M2EA_DJI_0001_R_raw16.npy")
    assert "17228 .. 20036" in run(str(still), tmp_path)
    truth = normalise(np.load(still), DEFAULT_16BIT)
    assert np.array_equal(cv2.imread(str(tmp_path / "doctor.png"), cv2.IMREAD_UNCHANGED), truth)
    said = run(f"{shared('data', 'hituav_clip', 'hituav_clip.avi')}?live=1", tmp_path, 0.4)
    assert "640 x 512, 8 bit" in said
    assert "announced 10" in said


def test_a_camera_that_breaks_is_shown_nevertheless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    camera = Scripted([scene(0)], ending=CameraError("no new frame for 2.5 s"))
    monkeypatch.setattr(doctor_module, "open_camera", lambda source, reconnect_s: camera)
    assert main(["doctor", "--source", "/dev/video0", "--out", str(tmp_path)]) == 1
    said, error = capsys.readouterr()
    assert "80 x 64, 16 bit" in said
    assert error == "edge: no new frame for 2.5 s\n"
    assert (tmp_path / "doctor.png").is_file()
    assert camera.closed


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        run("nothing.mp4", tmp_path)
    assert main(["doctor", "--source", "nothing.mp4"]) == 2
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="cannot write .*file/doctor.png: File exists: give another --out"):
        run("sim:live=0", tmp_path / "file", 0.01)


# ---- the machine


def facts(folder: Path) -> dict[str, machine.Fact]:
    return {fact.name: fact for fact in machine.machine_facts(folder)}


def test_this_machine(tmp_path: Path) -> None:
    found = facts(tmp_path)
    assert cv2.__version__ in found["OpenCV"].value
    assert found["ONNX Runtime"].todo == ""
    assert "GB in" in found["free disk"].value
    said = run(None, tmp_path)
    assert "free disk" in said
    assert not list(tmp_path.iterdir())


@pytest.fixture
def patch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def put(name: str, value: Any) -> None:
        monkeypatch.setattr(machine, name, value)

    return put


def test_a_jetson_without_its_libraries(
    tmp_path: Path, patch: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = {"board": "Orin Nano", "cpu": "", "cores": 6, "memory_mib": 7600, "system": "", "l4t": "R36"}
    patch("host_facts", lambda: host)
    patch("power_facts", lambda: {"mode": None, "governor": "powersave", "cpu_mhz": 700, "celsius": {"cpu": 91.0}})
    monkeypatch.setattr(readiness, "find_device", lambda: Device("Orin", "8.7", 8, 7600, "12.6"))
    for name in ("tensorrt", "pycuda", "pycuda.driver"):
        monkeypatch.setitem(sys.modules, name, None)
    patch("LEAST_DISK_GB", 1e9)
    found = facts(tmp_path)
    assert found["machine"].value.startswith("Orin Nano, 6 cores")
    assert "nvpmodel" in found["power mode"].todo
    assert "jetson_clocks" in found["CPU governor"].todo
    assert "throttles" in found["hottest"].todo
    assert "compute capability 8.7" in found["GPU"].value
    assert "make room" in found["free disk"].todo
    # the same commands as everywhere else
    assert found["TensorRT"].todo == f"JetPack 6 and 7: {readiness.TENSORRT}; and {readiness.ENVIRONMENT}"
    assert found["CUDA calls"].value.startswith("by ctypes, pycuda is not needed")
    assert found["CUDA calls"].todo == ""
    monkeypatch.setattr(readiness, "find_device", lambda: (_ for _ in ()).throw(EngineError("no NVIDIA driver")))
    assert facts(tmp_path)["GPU"].todo == "no NVIDIA driver"


def test_the_clocks_of_a_gpu(tmp_path: Path, patch: Callable[..., None]) -> None:
    power = {"mode": None, "governor": None, "cpu_mhz": None, "celsius": {}}
    patch("power_facts", lambda: {**power, "gpu_mhz": 306, "gpu_max_mhz": 624, "over_current_events": 27})
    found = facts(tmp_path)
    assert found["GPU clock"].value == "306 MHz now, 624 MHz at most"
    assert found["over-current"].value == "27 times since the board was started"
    assert "stronger supply" in found["over-current"].todo
    patch("power_facts", lambda: {**power, "gpu_mhz": None, "gpu_max_mhz": None, "over_current_events": 0})
    assert not {"GPU clock", "over-current"} & set(facts(tmp_path))


def test_the_engine_of_the_bundled_model(
    tmp_path: Path, tiny_bundle: Path, patch: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    patch("MODEL", add_engine(tiny_bundle, target=Target()))
    said = facts(tmp_path)["model.engine"]
    assert "compared with ONNX Runtime 1.23.2 on 8 frames (sim:live=0): 31 detections found by both" in said.value
    assert said.todo == ""
    dataclasses.replace(Passport.read(tiny_bundle), comparison=None).write(tiny_bundle)
    said = facts(tmp_path)["model.engine"]
    assert "was never compared with ONNX Runtime" in said.value
    assert said.todo == f"edge-export engine {tiny_bundle} --compare-only"


def test_opencv(tmp_path: Path, patch: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "    FFMPEG:   NO\n    GStreamer:     YES (1.20.3)\n")
    patch("_version", lambda package: "4.8" if package.startswith("opencv") else "")
    monkeypatch.setattr(cv2, "__version__", "4.8.0")
    found = facts(tmp_path)
    assert "they overwrite each other: pip uninstall opencv-python " in found["OpenCV"].todo
    assert "RTSP do not work" in found["FFmpeg: files, RTSP"].todo
    assert found["GStreamer: gst:"] == machine.Fact("GStreamer: gst:", "yes (1.20.3)")
    patch("_version", lambda package: "")
    monkeypatch.setattr(cv2, "__version__", "4.6.0")
    assert facts(tmp_path)["OpenCV"].todo == "expected 4.8 or newer"


def test_packages_that_do_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brokenpackage.py").write_text("raise ImportError('libnvinfer.so.10: cannot open')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert readiness._import("brokenpackage") == "cannot be loaded: libnvinfer.so.10: cannot open"
    assert readiness._import("no_such_package.part") == "not installed"


def test_cameras(tmp_path: Path, patch: Callable[..., None]) -> None:
    patch("DEV", tmp_path)
    patch("BY_ID", tmp_path / "by-id")
    assert facts(tmp_path)["V4L2 cameras"].value == "none"
    for name in ("video10", "video2"):
        (tmp_path / name).touch(mode=0o600)
    (tmp_path / "by-id").mkdir()
    (tmp_path / "by-id" / "usb-FLIR_Boson-video-index0").symlink_to(tmp_path / "video2")
    found = [fact.value for fact in machine.machine_facts(tmp_path) if fact.name == "V4L2 camera"]
    assert found == [
        f"{tmp_path}/video2, {tmp_path}/by-id/usb-FLIR_Boson-video-index0",
        f"{tmp_path}/video10",
    ]
    patch("os", type("os", (), {**vars(machine.os), "access": staticmethod(lambda *_: False)}))
    assert "usermod -aG video" in facts(tmp_path)["V4L2 camera"].todo
