"""A sysfs of the test's own, to plug USB cameras into, and one as a Jetson Orin Nano has it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import edge.camera.devices.usb as usb


class FakeSysfs:
    """Nodes are called as devices that exist here: null (1:3), zero (1:5), full (1:7)."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._devices, self._nodes = folder / "devices", folder / "class"
        self._nodes.mkdir()
        monkeypatch.setattr(usb, "SYSFS", self._nodes)

    def plug(self, node: str, port: str = "1-2", serial: str = "S1", product: str = "0100", index: str = "0") -> None:
        device_folder = self._devices / port
        entry = device_folder / f"{port}:1.0" / "video4linux" / node
        entry.mkdir(parents=True)
        for name, text in {"idVendor": "1e4e", "idProduct": product, "serial": serial}.items():
            if text:
                (device_folder / name).write_text(f"{text}\n")
        (entry.parents[1] / "bInterfaceNumber").write_text("00\n")
        number = os.stat(f"/dev/{node}").st_rdev
        (entry / "dev").write_text(f"{os.major(number)}:{os.minor(number)}\n")
        (entry / "index").write_text(f"{index}\n")
        (entry / "name").write_text("PureThermal: Lepton\n")
        (entry / "device").symlink_to(entry.parents[1])
        (self._nodes / node).symlink_to(entry)

    def unplug(self, node: str) -> None:
        (self._nodes / node).unlink()


# as JetPack 6 shows them on an Orin Nano; what else is there nobody reads here
ORIN = {
    "class/devfreq/17000000.gpu/cur_freq": "918000000",
    "class/devfreq/17000000.gpu/max_freq": "918000000",
    "class/devfreq/17000000.gpu/available_frequencies": "306000000 612000000 918000000 1020000000",
    "class/devfreq/15340000.vic/cur_freq": "115200000",
    "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1510400",
    "devices/system/cpu/cpu0/cpufreq/scaling_max_freq": "1510400",
    "devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "1728000",
    "devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "729600",
    "devices/system/cpu/cpu1/cpufreq/scaling_max_freq": "1510400",
    "devices/system/cpu/cpu1/cpufreq/cpuinfo_max_freq": "1728000",
    "class/thermal/thermal_zone0/type": "cpu-thermal",
    "class/thermal/thermal_zone0/temp": "51250",
    "class/thermal/thermal_zone0/trip_point_0_temp": "104500",
    "class/thermal/thermal_zone0/trip_point_0_type": "critical",
    "class/thermal/thermal_zone0/trip_point_1_temp": "99000",
    "class/thermal/thermal_zone0/trip_point_1_type": "passive",
    "class/thermal/thermal_zone1/type": "gpu-thermal",
    "class/thermal/thermal_zone1/temp": "49500",
    "class/hwmon/hwmon0/name": "pwmfan",
    "class/hwmon/hwmon1/name": "soctherm_oc",
    "class/hwmon/hwmon1/oc1_event_cnt": "0",
    "class/hwmon/hwmon1/oc2_event_cnt": "0",
    "class/hwmon/hwmon1/oc3_event_cnt": "7",
    "class/hwmon/hwmon2/name": "pwm_tach",
    "class/hwmon/hwmon2/rpm": "1820",
    "class/hwmon/hwmon3/name": "ina3221",
    "class/hwmon/hwmon3/in1_label": "VDD_IN",
    "class/hwmon/hwmon3/in1_input": "4992",
    "class/hwmon/hwmon3/curr1_input": "1320",
    "class/hwmon/hwmon3/in2_label": "VDD_CPU_GPU_CV",
    "class/hwmon/hwmon3/in2_input": "4984",
    "class/hwmon/hwmon3/curr2_input": "400",
    "class/hwmon/hwmon3/in3_label": "VDD_SOC",
    "class/hwmon/hwmon3/in3_input": "4984",
    "class/hwmon/hwmon3/curr3_input": "240",
    "class/hwmon/hwmon3/in4_input": "12",
}


def orin(folder: Path, **changed: str) -> Path:
    """A /sys of an Orin Nano in ``folder``; ``changed``: other texts, by the end of the path with ``__`` for ``/``."""
    for name, text in ORIN.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{text}\n")
    for end, text in changed.items():
        (name,) = (name for name in ORIN if name.endswith(end.replace("__", "/")))
        (folder / name).write_text(f"{text}\n")
    return folder
