"""`edge doctor`: from which figure on it says something, one step below and one step above, and each unit it prints."""

from __future__ import annotations

import io
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

import edge.app.machine as machine
import edge.system.host as host
import edge.system.sensors as sensors
from edge.app.bench.bench import bench
from edge.app.bench.settings import BenchSettings
from edge.app.source_check import Examination, examine, problems
from edge.commands.console import Screen
from edge.commands.doctor import rows
from edge.commands.info import show_machine
from edge.data import Frame, TemperatureScale
from edge.seams import Camera
from edge.system.sensors import Sensors


def found(**more: Any) -> Examination:
    """A camera of 16 bit with which nothing is wrong, but for ``more``."""
    good = {"frames": 31, "size": (80, 64), "bits_a_pixel": 16, "low": 6000, "high": 9000, "bits": 14, "fps": 30.0}
    return Examination(**{**good, **more})


EIGHT = {"bits_a_pixel": 8, "bits": 8, "low": 3, "high": 255, "std": 20.0}


@pytest.mark.parametrize(
    ("fine", "wrong", "word"),
    [
        ({"unused": 7}, {"unused": 8}, "lowest 8 bits"),
        ({"bits": 9}, {"bits": 8}, "16-bit pixels that hold 8 bits"),
        ({"low": 8999}, {"low": 9000}, "the same value"),
        ({**EIGHT, "saturated": 0.05}, {**EIGHT, "saturated": 0.06}, "6% of the pixels are white"),
        ({**EIGHT, "std": 8.0}, {**EIGHT, "std": 7.9}, "std 7.9 of 255"),
        ({"nominal_fps": 33.0}, {"nominal_fps": 33.4}, "30.0 frames a second come, 33.4 were announced"),
        ({"nominal_fps": 27.4}, {"nominal_fps": 27.2}, "30.0 frames a second come, 27.2 were announced"),
        ({"latency_ms": {"p50": 100.0}}, {"latency_ms": {"p50": 101.0}}, "101 ms old"),
        (
            {"frames": 201, "interval_ms": {"p50": 40.0}, "uneven": 2},
            {"frames": 201, "interval_ms": {"p50": 40.0}, "uneven": 3},
            "uneven: 3 of 200 frames come more than 20 ms early or late, where one comes each 40 ms",
        ),
        ({"lost": 0}, {"lost": 1}, "1 frames were lost"),
        ({"duplicates": 0}, {"duplicates": 20}, "20 of 31 frames repeat the one before, 10.0 new ones a second"),
    ],
)
def test_one_step_below_and_above(fine: dict[str, Any], wrong: dict[str, Any], word: str) -> None:
    assert problems(found(**fine)) == []
    said = problems(found(**wrong))
    assert [word in line for line in said] == [True]


def test_each_figure_and_its_unit() -> None:
    told = dict(
        rows(
            found(
                frames=31,
                duplicates=5,
                lost=3,
                shutter=2,
                low=14000,
                usual=(14150, 15150),
                high=15999,
                unused=1,
                temperature=TemperatureScale(0.02, 0.15),
                first_ms=112.4,
                nominal_fps=59.94,
                interval_ms={"p50": 33.0},
                jitter_ms={"p50": 2.0},
                latency_ms={"p50": 12.0},
            ),
            0.25,
        )
    )
    assert told == {
        "source": "",
        "opened in": "0.25 s, first frame 112 ms later",
        "pixels": "80 x 64, 16 bit",
        "values": "14000 .. 15999, most 14150 .. 15150, bits used 1 .. 13",
        "temperature": "0.02 K a count, most 10.0 .. 30.0 deg C",
        "frames": "31, 5 duplicates, 3 lost, 2 with the shutter shut",
        "rate": "30.00 frames a second, announced 59.94",
        "interval": "p50 33.00 ms",
        "jitter": "p50 2.00 ms",
        "age when it comes": "p50 12.00 ms",
    }


@pytest.mark.parametrize(
    ("usual", "said"),
    [((29315, 31315), "20.0 .. 40.0 deg C"), ((25001, 39999), "deg C"), ((25000, 30000), ""), ((29315, 40000), "")],
)
def test_counts_that_look_like_hundredths_of_a_kelvin(usual: tuple[int, int], said: str) -> None:
    told = dict(rows(found(usual=usual), 0.0))["temperature"]
    assert said in told
    assert ("FLIR TLinear counts of 0.01 K" in told) == bool(said)


class Still(Camera):
    """Frames that are handed over ``late`` seconds after they were taken, one each 40 ms."""

    def __init__(self, pixels: list[np.ndarray], late: float) -> None:
        self.pixels, self.late, self.now, self.live, self.fps, self.frames = pixels, late, 100.0, True, None, None
        self.description, self.given = "still", 0

    def read(self) -> Frame | None:
        if self.given == len(self.pixels):
            return None
        taken = 100 + 0.04 * self.given
        self.given, self.now = self.given + 1, taken + self.late
        return Frame(self.pixels[self.given - 1], self.given, taken)


@pytest.mark.parametrize(("late", "known"), [(0.0009, False), (0.0011, True)])
def test_a_time_that_is_the_arrivals_is_no_age(late: float, known: bool) -> None:
    camera = Still([np.full((4, 4), i, np.uint8) for i in range(9)], late)
    assert bool(examine(camera, 9.0, clock=lambda: camera.now).latency_ms) is known


def test_what_is_measured_of_the_pixels() -> None:
    rising = np.arange(10_000, dtype=np.uint16).reshape(100, 100)  # the 1st and 99th of 100 parts: 100 and 9899
    white = rising.copy()
    white[:3] = 65535
    camera = Still([rising, white], 0.0)
    looked = examine(camera, 9.0, clock=lambda: camera.now)
    assert looked.saturated == pytest.approx(0.03)
    assert (looked.low, looked.high, looked.bits) == (0, 65535, 16)
    assert looked.usual == (399, 65535)
    alone = Still([rising], 0.0)
    looked = examine(alone, 9.0, clock=lambda: alone.now)
    assert looked.usual == (99, 9899)
    assert looked.std == pytest.approx(10_000 / 12**0.5, rel=1e-6)
    assert (looked.size, looked.bits, looked.unused) == ((100, 100), 14, 0)


# ---- the machine ----


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Writes what /sys says of a machine that is not this one."""
    monkeypatch.setattr(sensors, "SYS", tmp_path / "sys")
    monkeypatch.setattr(host, "_nvpmodel", lambda: "MAXN")

    def write(path: str, text: str) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    return write


def test_clocks_are_mhz_and_temperatures_degrees(made_up: Callable[[str, str], None]) -> None:
    made_up("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1510400\n")  # kHz
    made_up("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "schedutil\n")
    made_up("sys/class/thermal/thermal_zone0/temp", "48625\n")  # thousandths of a degree
    made_up("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
    made_up("sys/class/thermal/thermal_zone1/temp", "-2500\n")
    made_up("sys/class/devfreq/17000000.gpu/cur_freq", "306000000\n")  # Hz
    made_up("sys/class/devfreq/17000000.gpu/max_freq", "624750000\n")
    made_up("sys/class/devfreq/15340000.vic/cur_freq", "115200000\n")
    made_up("sys/class/hwmon/hwmon3/oc1_event_cnt", "2\n")
    made_up("sys/class/hwmon/hwmon3/oc3_event_cnt", "27\n")
    assert host.power_facts() == {
        "mode": "MAXN",
        "governor": "schedutil",
        "cpu_mhz": 1510,
        "gpu_mhz": 306,
        "gpu_max_mhz": 624,
        "over_current_events": 29,
        "celsius": {"cpu-thermal": 48.625, "thermal_zone1": -2.5},
    }


@pytest.mark.parametrize("name", ["17000000.gpu", "17000000.ga10b", "17000000.gv11b", "gpu-gpc-0"])
def test_the_gpus_of_jetsons(name: str, made_up: Callable[[str, str], None]) -> None:
    """As JetPack 6, JetPack 5 and Thor call them; Thor's ``gpu-nvd-0`` decodes video."""
    made_up(f"sys/class/devfreq/{name}/cur_freq", "918000000\n")
    made_up("sys/class/devfreq/gpu-nvd-0/cur_freq", "1\n")
    assert Sensors().gpu_mhz() == 918
    assert Sensors().limits().gpu_mhz is None


def test_a_machine_that_tells_no_clock(made_up: Callable[[str, str], None]) -> None:
    made_up("sys/class/hwmon/hwmon0/temp1_input", "1\n")
    assert (Sensors().gpu_mhz(), Sensors().over_current_events()) == (None, None)
    power = host.power_facts()
    assert (power["cpu_mhz"], power["governor"], power["celsius"]) == (None, None, {})


def test_memory_is_mib() -> None:
    kib = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal:"))
    assert host.host_facts()["memory_mib"] == pytest.approx(int(kib.split()[1]) / 1024, rel=0.01)


@pytest.mark.parametrize(
    ("celsius", "governor", "said"),
    [(85.0, "schedutil", []), (85.1, "schedutil", ["hottest"]), (40.0, "powersave", ["CPU governor"])],
)
def test_what_is_said_of_heat_and_clocks(
    celsius: float, governor: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    power = {"mode": None, "governor": governor, "cpu_mhz": 900, "celsius": {"gpu": celsius, "cpu": 20.0}}
    monkeypatch.setattr(machine, "power_facts", lambda: power)
    facts = machine.system_facts(jetson=False)
    assert [fact.name for fact in facts if fact.todo] == said
    told = {fact.name: fact.value for fact in facts}
    assert told["hottest"] == f"{celsius:.0f} deg C (gpu)"
    assert told["CPU governor"] == f"{governor}, 900 MHz now"


@pytest.mark.parametrize(("free", "told", "enough"), [(5.0e9, "5.0 GB", True), (4.94e9, "4.9 GB", False)])
def test_free_disk(free: float, told: str, enough: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free, total=9e9, used=1e9))
    fact = machine._disk(tmp_path)
    assert fact.value == f"{told} in {tmp_path.resolve()}"
    assert (fact.todo == "") is enough


@pytest.mark.parametrize(("version", "old"), [("4.7.9", True), ("4.8.0", False), ("5.0.0", False)])
def test_the_oldest_opencv(version: str, old: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "__version__", version)
    monkeypatch.setattr(machine, "_version", lambda _: "")
    assert ("4.8 or newer" in machine._opencv()[0].todo) is old


def test_a_bench_counts_memory_in_mib(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrusage", lambda _: SimpleNamespace(ru_maxrss=7 * 1024 + 512))  # kB on Linux
    source = "sim:live=0,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames=12"
    settings = BenchSettings(str(tiny_bundle), source, seconds=0.01, warm_up_s=0.0, cold_start=False, backend="null")
    assert bench(settings).report["peak_memory_mib"] == 7


def test_what_can_run_stands_beside_its_name() -> None:
    out = io.StringIO()
    need = {"name": "driver", "state": "missing", "text": "no driver", "fix": ["apt install x"]}
    show_machine(
        {
            "board": "a board",
            "l4t": "36.4.3",
            "backends": {"ort": {"runs": True, "needs": []}, "trt": {"runs": False, "needs": [need]}},
            "auto": "ort: no GPU",
        },
        Screen(file=out, width=100),
    )
    assert [" ".join(line.split()) for line in out.getvalue().splitlines() if line] == [
        "on this machine (a board, L4T 36.4.3)",
        "--backend ort can run",
        "--backend trt cannot run",
        "driver: missing: no driver",
        "apt install x",
        "--backend auto takes ort: no GPU",
    ]
