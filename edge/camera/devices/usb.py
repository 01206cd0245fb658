"""Which USB camera a /dev/video* is, so that the same one is found again under another number.

A camera that was unplugged, or whose hub browned out, often comes back as another node: the old one is still
held, or another camera was faster. What stays is in sysfs: maker, product, serial number and interface.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edge.errors import SourceError
from edge.system.files import read_text_or_none

SYSFS = Path("/sys/class/video4linux")


@dataclass(frozen=True)
class UsbNode:
    """A V4L2 node of a USB camera. ``port``: where it is plugged in, such as ``1-2.3``."""

    path: str
    device: str  # major:minor
    port: str
    vendor: str
    product: str
    serial: str
    interface: str
    index: str  # a camera may have several nodes: picture, metadata
    name: str

    def is_as(self, other: UsbNode) -> bool:
        """Whether this may be the same camera: its make and serial number; where it is plugged in may differ."""
        return (self.vendor, self.product, self.serial, self.interface, self.index) == (
            *(other.vendor, other.product, other.serial, other.interface, other.index),
        )

    def __str__(self) -> str:
        serial = f", serial {self.serial}" if self.serial else ""
        return f"{self.name or 'camera'} ({self.vendor}:{self.product}{serial}, USB port {self.port})"


def usb_nodes() -> list[UsbNode]:
    """Every V4L2 node here that belongs to a USB camera."""
    nodes = (_read(entry) for entry in (sorted(SYSFS.iterdir()) if SYSFS.is_dir() else ()))
    return [node for node in nodes if node is not None]


class Place:
    """Where a camera is: its path, or, for a USB camera, wherever that camera is now."""

    def __init__(self, path: str) -> None:
        """``path``: /dev/video0, or a link to it such as /dev/v4l/by-id/..."""
        self._path = path
        self._usb: UsbNode | None = None
        self._twins: set[str] = set()

    def find(self) -> str:
        """The path to open. From the first time on that there is a USB camera, it is that camera's.

        Of two cameras of one make without serial numbers, the one that stayed is never taken for the one that
        was lost.

        Raises SourceError while the camera is not there, or cannot be told from another.
        """
        nodes = usb_nodes()
        if self._usb is None:
            here = _device(self._path)
            self._usb = next((node for node in nodes if node.device == here), None)
            if self._usb is None:  # not USB (CSI, a loopback, a container without sysfs): only its path is known
                return self._path
        alike = [node for node in nodes if node.is_as(self._usb) and node.port not in self._twins]
        same_port = [node for node in alike if node.port == self._usb.port]
        found = same_port or alike
        if len(found) != 1:
            why = "is not plugged in" if not found else "cannot be told from its twin: they have no serial number"
            others = ", ".join(f"{node.path} {node}" for node in nodes) or "none"
            raise SourceError(f"{self._path}: {self._usb} {why}; USB cameras here: {others}")
        self._usb = found[0]
        self._twins = {node.port for node in nodes if node.is_as(self._usb)} - {self._usb.port}
        return self._path if _device(self._path) == self._usb.device else self._usb.path


def _device(path: str) -> str:
    try:
        number = os.stat(path).st_rdev
    except OSError:
        return ""
    return f"{os.major(number)}:{os.minor(number)}"


def _read(entry: Path) -> UsbNode | None:
    interface = entry / "device"
    usb = interface.resolve().parent
    vendor = _text(usb / "idVendor")
    if not vendor:
        return None
    return UsbNode(
        path=f"/dev/{entry.name}",
        device=_text(entry / "dev"),
        port=usb.name,
        vendor=vendor,
        product=_text(usb / "idProduct"),
        serial=_text(usb / "serial"),
        interface=_text(interface / "bInterfaceNumber"),
        index=_text(entry / "index"),
        name=_text(entry / "name"),
    )


def _text(path: Path) -> str:
    return read_text_or_none(path) or ""
