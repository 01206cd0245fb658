"""Clocks, heat and watts as a Jetson shows them, and what becomes of a sensor that does not answer."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from edge.system.sampler import Sampler
from edge.system.sensors import Limits, Reading, Sensors, total_watts
from tests.support.fake_sysfs import orin


def test_every_figure_of_an_orin_under_its_name(tmp_path: Path) -> None:
    sensors = Sensors(orin(tmp_path))
    assert sensors.read() == Reading(
        cpu_mhz=(729, 1510),
        gpu_mhz=918,
        celsius={"cpu-thermal": 51.25, "gpu-thermal": 49.5},
        watts={"VDD_IN": 6.589, "VDD_CPU_GPU_CV": 1.994, "VDD_SOC": 1.196},
        events={"oc1": 0, "oc2": 0, "oc3": 7},
        fan_rpm=1820,
    )
    assert sensors.limits() == Limits(1510, 1728, 918, 1020, {"cpu-thermal": 99.0})
    assert sensors.has_power


def test_what_does_not_answer_is_left_out(tmp_path: Path) -> None:
    root = orin(tmp_path, thermal_zone1__temp="", in1_label="NC", curr2_input="asleep")
    sensors = Sensors(root)
    (root / "class/devfreq/17000000.gpu/cur_freq").unlink()
    (root / "class/hwmon/hwmon1/oc2_event_cnt").unlink()
    found = sensors.read()
    assert found.gpu_mhz is None
    assert found.celsius == {"cpu-thermal": 51.25}
    assert found.watts == {"VDD_SOC": 1.196}
    assert found.events == {"oc1": 0, "oc3": 7}


def test_a_sensor_that_answers_try_again_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sensors = Sensors(orin(tmp_path))

    def again(self: Path, **_: Any) -> str:
        raise TypeError("can't concat NoneType to bytes")  # what Python makes of EAGAIN

    monkeypatch.setattr(Path, "read_text", again)
    assert sensors.read() == Reading()


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    sensors = Sensors(tmp_path)
    assert sensors.read() == Reading()
    assert sensors.limits() == Limits()
    assert not sensors.has_power


def test_another_meter_of_power_and_the_counter_of_a_hot_processor(tmp_path: Path) -> None:
    for name, text in {
        "class/hwmon/hwmon0/name": "amdgpu",
        "class/hwmon/hwmon0/power1_input": "12500000",
        "class/hwmon/hwmon0/power1_label": "PPT",
        "class/hwmon/hwmon0/fan1_input": "900",
        "devices/system/cpu/cpu0/thermal_throttle/package_throttle_count": "3",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = Sensors(tmp_path).read()
    assert (found.watts, found.events, found.fan_rpm) == ({"PPT": 12.5}, {"cpu_throttled": 3}, 900)


def test_the_input_is_the_total_else_all_rails() -> None:
    assert total_watts({"VDD_SOC": 1.0, "VDD_IN": 6.5}) == (6.5, ("VDD_IN",))
    assert total_watts({"VDD_GPU_SOC": 4.0, "VDD_CPU_CV": 2.0}) == (6.0, ("VDD_GPU_SOC", "VDD_CPU_CV"))
    assert total_watts({}) is None


def test_a_sample_counts_since_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, used, busy = [10.0], [5.0], [(100, 1000)]
    monkeypatch.setattr("edge.system.sampler.time.process_time", lambda: used[0])
    monkeypatch.setattr("edge.system.sampler._jiffies", lambda: busy[0])
    sampler = Sampler(Sensors(orin(tmp_path)), clock=lambda: now[0])
    now[0], used[0], busy[0] = 12.0, 8.0, (250, 1200)
    first = sampler.take()
    assert (first.t, first.cpu_percent, first.machine_percent) == (12.0, 150.0, 75.0)
    assert 10 < first.rss_mib < 10_000
    assert first.reading.gpu_mhz == 918
    now[0], used[0] = 13.0, 8.25
    assert (sampler.take().cpu_percent, sampler.samples[1].machine_percent) == (25.0, None)
    item = first.to_json()
    assert (item["gpu_mhz"], item["watts"]["VDD_IN"], "reading" in item) == (918, 6.589, False)
    assert len(sampler.stop()) == 2
    assert sampler.stop() == []


def test_the_thread_samples_until_it_is_stopped(tmp_path: Path) -> None:
    sampler = Sampler(Sensors(tmp_path), period_s=0.002)
    sampler.start()
    while len(sampler.samples) < 3:
        pass
    taken = sampler.stop()
    assert len(taken) >= 3
    assert all(a.t < b.t for a, b in itertools.pairwise(taken))
