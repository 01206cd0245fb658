"""A sysfs of the test's own, to plug USB cameras into."""

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
