"""``gst:`` for real, in a process of the system's Python where its OpenCV has GStreamer."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import cv2
import lap
import msgspec
import pytest

from edge.camera import open_camera
from edge.camera.gstreamer import has_gstreamer
from edge.errors import SourceError
from tests.conftest import ROOT
from tests.support.children import run_child
from tests.support.inside_gstreamer import CHECKS

SCRIPT = ROOT / "tests/support/inside_gstreamer.py"
NEEDS = (
    "python3-opencv gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav gir1.2-gst-rtsp-server-1.0 python3-gi "
    "python3-zstandard python3-msgspec, and lap"
)


@pytest.fixture(scope="module")
def wrong() -> dict[str, str]:
    """What went wrong with each check; "" where nothing did. They are forked from one: that takes a second to start."""
    python = shutil.which("python3", path=os.defpath)
    if python is None:
        pytest.skip("the system has no Python 3")
    with tempfile.TemporaryDirectory() as folder:
        # Debian 12 has no packages of these: ours will do where both Pythons are of one version
        for package in (lap, msgspec):
            Path(folder, package.__name__).symlink_to(Path(package.__file__).parent)
        done = run_child(
            [python, "-W", "error", str(SCRIPT), "all"],
            capture_output=True,
            text=True,
            timeout=220,
            env={**os.environ, "PYTHONPATH": folder},
        )
    if done.returncode == 3:
        pytest.skip(f"{done.stdout.strip()}; needs an OpenCV with GStreamer (Debian: apt install {NEEDS})")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(line) for line in done.stdout.splitlines())


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", CHECKS)
def test_gstreamer(name: str, wrong: dict[str, str]) -> None:
    assert wrong[name] == ""


@pytest.mark.skipif(has_gstreamer(), reason="this OpenCV has GStreamer")
def test_pips_opencv_says_how_to_get_it() -> None:
    with pytest.raises(SourceError, match=r"without GStreamer.*apt install python3-opencv.*pip uninstall") as caught:
        open_camera("gst:videotestsrc ! video/x-raw,format=GRAY16_LE ! appsink")
    assert cv2.__version__ in str(caught.value)
