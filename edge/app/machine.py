"""What this machine can do for the pipeline, and for each thing that is missing, the command that fixes it."""

from __future__ import annotations

import os
import platform
import re
import shutil
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import cv2

from edge.app.settings import MODEL
from edge.camera.devices.usb import usb_nodes
from edge.engine.readiness import Probe, onnxruntime_need, openvino_need
from edge.model.bundle import Bundle
from edge.model.passport import ENGINE
from edge.system.host import host_facts, power_facts

BY_ID, DEV = Path("/dev/v4l/by-id"), Path("/dev")
LEAST_DISK_GB = 5.0  # half an hour of raw 640x512 at 30 Hz, compressed, is some 15 GB; detections are some MB
OPENCV_PACKAGES = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")


@dataclass(frozen=True)
class Fact:
    """One thing looked at. ``todo``: what to do about it; "" where all is well."""

    name: str
    value: str
    todo: str = ""


def machine_facts(folder: Path) -> list[Fact]:
    """Everything, in the order of the data's way. ``folder``: where results would be written."""
    jetson = host_facts()["l4t"] is not None
    return [*system_facts(jetson), *_opencv(), *_cameras(), *_inference(jetson), _disk(folder)]


def system_facts(jetson: bool) -> list[Fact]:
    """The machine, its power mode, clocks and heat."""
    host, power = host_facts(), power_facts()
    board = host["board"] or host["cpu"]
    facts = [
        Fact("machine", f"{board}, {host['cores']} cores, {host['memory_mib']} MiB, {host['l4t'] or host['system']}"),
        Fact("Python", platform.python_version()),
    ]
    if jetson:
        mode = power["mode"]
        todo = "" if mode else "see it with: nvpmodel -q; without it a latency means nothing"
        facts.append(Fact("power mode", mode or "unknown", todo))
    if power.get("gpu_mhz") is not None:
        facts.append(Fact("GPU clock", f"{power['gpu_mhz']} MHz now, {power['gpu_max_mhz']} MHz at most"))
    if power.get("over_current_events"):
        count = f"{power['over_current_events']} times since the board was started"
        facts.append(Fact("over-current", count, "it lowers the clocks: a stronger supply, or a lower power mode"))
    if power["governor"]:
        slow = power["governor"] == "powersave"
        todo = "clocks stay low: sudo jetson_clocks, or set the governor to performance" if slow else ""
        facts.append(Fact("CPU governor", f"{power['governor']}, {power['cpu_mhz']} MHz now", todo))
    if power["celsius"]:
        name, hottest = max(power["celsius"].items(), key=lambda item: float(item[1]))
        todo = "it throttles soon (lowers its clocks): cool it" if hottest > 85 else ""
        facts.append(Fact("hottest", f"{hottest:.0f} deg C ({name})", todo))
    return facts


def _opencv() -> list[Fact]:
    build = cv2.getBuildInformation()
    where = os.path.dirname(cv2.__file__)
    installed = [name for name in OPENCV_PACKAGES if _version(name)]
    todo = ""
    if len(installed) > 1:
        todo = f"they overwrite each other: pip uninstall {' '.join(installed)}, then install one"
    elif tuple(int(part) for part in cv2.__version__.split(".")[:2]) < (4, 8):
        todo = "expected 4.8 or newer"
    facts = [Fact("OpenCV", f"{cv2.__version__} ({', '.join(installed) or 'from the system'}, {where})", todo)]
    for name, label, missing in (
        ("FFMPEG", "FFmpeg: files, RTSP", "video files and RTSP do not work: pip install opencv-python"),
        ("v4l/v4l2", "V4L2: USB cameras", "/dev/video* does not work: pip install opencv-python"),
        (
            "GStreamer",
            "GStreamer: gst:",
            "only for gst: pipelines: the system's OpenCV (JetPack's own on a Jetson, elsewhere apt install "
            "python3-opencv), an environment made with --system-site-packages, and no opencv-python in it",
        ),
    ):
        there = re.search(rf"{re.escape(name)}:\s+YES(.*)", build)
        facts.append(Fact(label, f"yes{there[1]}" if there else "no", "" if there else missing))
    return facts


def _cameras() -> list[Fact]:
    by_device = {os.path.realpath(link): str(link) for link in sorted(BY_ID.glob("*"))}
    usb = {node.path: node for node in usb_nodes()}
    nodes = sorted(DEV.glob("video[0-9]*"), key=lambda path: (len(path.name), path.name))
    if not nodes:
        return [Fact("V4L2 cameras", "none", "plug one in; if it is: dmesg | tail, and see v4l2-ctl --list-devices")]
    facts = []
    for node in map(str, nodes):
        name = f", {usb[node]}" if node in usb else ""
        name += ", not its picture (metadata)" if node in usb and usb[node].index not in ("", "0") else ""
        link = f", {by_device[node]}" if node in by_device else ""
        allowed = os.access(node, os.R_OK | os.W_OK)
        todo = "" if allowed else "no permission: sudo usermod -aG video $USER, then log in again"
        facts.append(Fact("V4L2 camera", f"{node}{name}{link}", todo))
    return facts


def _inference(jetson: bool) -> list[Fact]:
    gpu, *libraries = Probe().libraries
    openvino = openvino_need()
    needs = [onnxruntime_need(), *([openvino] if openvino else []), gpu]
    needs += libraries if jetson or gpu.met else []
    if (MODEL / ENGINE).is_file():  # of the bundled model; of another one: edge info
        needs += Probe(Bundle.load(MODEL)).engine
    fine = [need.state == "ready" or (need is gpu and not jetson) for need in needs]
    return [
        Fact(need.name, need.text, "" if ok else "; ".join(need.fix) or need.text)
        for need, ok in zip(needs, fine, strict=True)
    ]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _disk(folder: Path) -> Fact:
    free_gb = shutil.disk_usage(folder).free / 1e9
    todo = "too little for a flight's recording: make room" if free_gb < LEAST_DISK_GB else ""
    return Fact("free disk", f"{free_gb:.1f} GB in {folder.resolve()}", todo)
