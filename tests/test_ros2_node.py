"""docs/examples/ros2_node.py against a stand-in of ROS 2: never in a ROS installation."""

from __future__ import annotations

import array
import logging
import runpy
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import edge
from tests.support.ros_stub import Header, Image, Ros, Time

NODE = Path(__file__).resolve().parents[1] / "docs/examples/ros2_node.py"
H, W = 64, 80
WAIT_S = 20


def image_of(pixels: np.ndarray, padding: int = 0, big: bool = False, stamp: float | None = None, **other: Any) -> Any:
    """``pixels`` as a camera driver sends them; ``padding``: bytes behind each row."""
    size = pixels.itemsize
    rows = pixels.astype(pixels.dtype.newbyteorder(">" if big else "<")).view(np.uint8).reshape(len(pixels), -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=255)
    sec, fraction = divmod(time.time() if stamp is None else stamp, 1)
    values = {
        "header": Header(stamp=Time(sec=int(sec), nanosec=int(fraction * 1e9)), frame_id="thermal"),
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "encoding": {1: "mono8", 2: "mono16"}[size],
        "is_bigendian": int(big),
        "step": rows.shape[1],
        "data": array.array("B", rows.tobytes()),
    }
    return Image(**{**values, **other})


def scene(seed: int = 0, dtype: Any = np.uint16) -> np.ndarray:
    """One warm body on even ground: it fills 7 of 8 columns of the cell of 8x8 px at (8, 16)."""
    low, high, body = (29000, 29020, 29900) if dtype == np.uint16 else (60, 64, 250)
    pixels = np.random.default_rng(seed).integers(low, high, (H, W), dtype=dtype)
    pixels[16:24, 8:15] = body
    return pixels


@pytest.fixture
def ros(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ros]:
    made = Ros({"model": str(tiny_bundle), "threshold": 0.9})
    made.install(monkeypatch)
    log = logging.getLogger("edge")
    before, level = list(log.handlers), log.level
    yield made
    made.try_shutdown()
    assert log.handlers == before, "expected the node to give back what it put into the log"
    log.setLevel(level)


@pytest.fixture
def node(ros: Ros) -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(NODE)))


def started(node: SimpleNamespace) -> Future[int]:
    """The node's `main` in a thread of its own; the fixture ends it."""
    ended: Future[int] = Future()
    threading.Thread(target=lambda: ended.set_result(node.main()), daemon=True).start()
    return ended


# ---- an image into pixels


@pytest.mark.parametrize("padding", [0, 1, 16])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pixels_come_without_padding_and_in_their_byte_order(
    dtype: Any, big: bool, padding: int, node: SimpleNamespace
) -> None:
    message = image_of(scene(dtype=dtype), padding, big)
    pixels = node.pixels_of(message)
    assert pixels.dtype == dtype
    assert np.array_equal(pixels, scene(dtype=dtype))
    message.data[0] ^= 1
    assert np.array_equal(pixels, scene(dtype=dtype)), "expected a copy: the frame owns its pixels"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"encoding": "bgr8"}, "encoding is 'bgr8': expected one of mono8, 8UC1, mono16, 16UC1"),
        ({"encoding": "32FC1"}, "encoding is '32FC1'"),
        ({"step": 159}, r"has 10240 bytes in rows of 159: expected step \* height = 10176 .* rows of 160 or more"),
        ({"height": 63}, "expected .* = 10080 bytes"),
        ({"width": 81}, "rows of 162 or more for 81 pixels of 2 bytes"),
        ({"data": array.array("B", b"12")}, "has 2 bytes"),
    ],
)
def test_an_image_that_cannot_be_is_refused_in_a_line(wrong: Any, said: str, node: SimpleNamespace) -> None:
    with pytest.raises(edge.CameraError, match=said):
        node.pixels_of(image_of(scene(), **wrong))


# ---- the camera


def test_the_newest_image_is_read_and_those_before_are_counted(ros: Ros, node: SimpleNamespace) -> None:
    camera = node.Images(ros.node(""))
    for seed in range(3):
        camera.take(image_of(scene(seed), stamp=1.5))
    first = camera.read()
    camera.take(image_of(scene(7)))
    assert (first.seq, camera.read().seq) == (3, 4)
    assert np.array_equal(first.pixels, scene(2))
    assert (first.header.stamp.sec, first.header.stamp.nanosec) == (1, 500_000_000)


@pytest.mark.parametrize(("age", "taken"), [(0.25, 0.25), (-0.5, -0.5), (59, 59), (61, 0), (-1.5, 0)])
def test_a_stamp_becomes_time_of_capture(age: float, taken: float, ros: Ros, node: SimpleNamespace) -> None:
    ros.clock = lambda: 1000.0
    camera = node.Images(ros.node(""))
    for _ in range(2):
        camera.take(image_of(scene(), stamp=1000 - age))
        frame = camera.read()
        assert frame.t_arrival - frame.t_capture == pytest.approx(taken, abs=0.2)
    assert [level for level, text in ros.lines if f"{age:.3f} s old by this node's clock" in text] == (
        [] if taken else ["warning"]
    )


def test_close_wakes_a_read_that_waits(ros: Ros, node: SimpleNamespace) -> None:
    camera = node.Images(ros.node(""))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(camera.read)
        camera.close()
        assert waiting.result(WAIT_S) is None


# ---- the node


def test_images_in_detections_out_until_ros_is_shut_down(ros: Ros, node: SimpleNamespace) -> None:
    ended = started(node)
    sent = image_of(scene(), padding=4, big=True)
    ros.send(sent)
    message = ros.published.get(timeout=WAIT_S)
    assert message.header is sent.header
    (found,) = message.detections
    assert found.header is sent.header
    assert (found.bbox.center.position.x, found.bbox.center.position.y) == (12, 20)
    assert (found.bbox.size_x, found.bbox.size_y, found.bbox.center.theta, found.id) == (8, 8, 0, "")
    (guess,) = found.results
    assert guess.hypothesis.class_id == "Person"
    assert 0.9 <= guess.hypothesis.score < 0.99

    # what thermal-edge logs stands in ROS's log
    for level in ("info", "warning"):
        getattr(logging.getLogger("edge.camera"), level)("camera %s", level)
        assert (level, f"camera {level}") in ros.lines

    # what is shown can be changed while it runs
    assert ros.set_parameters is not None
    assert ros.set_parameters([SimpleNamespace(name="threshold", value=0.99)]).successful
    ros.send(image_of(scene(1)))
    assert ros.published.get(timeout=WAIT_S).detections == []
    refused = ros.set_parameters([SimpleNamespace(name="threshold", value=1.5)])
    assert (refused.successful, refused.reason) == (False, "threshold 1.5: expected a score from 0 to 1")
    assert ros.set_parameters([SimpleNamespace(name="threshold", value=-1.0)]).successful  # the bundle's: 0.5
    ros.send(image_of(scene(2)))
    assert len(ros.published.get(timeout=WAIT_S).detections) >= 1

    # so does what is wrong with a picture: here all of it is plain black or white
    ros.send(image_of(np.where(scene(3, np.uint8) % 2, 255, 0).astype(np.uint8)))
    ros.published.get(timeout=WAIT_S)
    assert [
        line for level, line in ros.lines if level == "warning" and line.startswith("health: saturated from frame 4")
    ]

    assert not ended.done()
    ros.try_shutdown()
    assert ended.result(WAIT_S) == 0
    assert ros.destroyed
    for thread in threading.enumerate():
        if thread.name in ("spin", "capture"):
            thread.join(WAIT_S)
            assert not thread.is_alive(), thread.name


def test_nothing_is_said_of_a_picture_of_the_closed_shutter(
    ros: Ros, node: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut = threading.Event()

    def closed(frame: edge.Frame) -> bool:
        if frame.seq == 2:
            shut.set()
        return frame.seq == 2

    monkeypatch.setattr(edge.Frame, "shutter_closed", property(closed))
    ended = started(node)
    images = [image_of(scene(seed)) for seed in range(3)]
    ros.send(images[0])
    assert ros.published.get(timeout=WAIT_S).header is images[0].header
    ros.send(images[1])
    assert shut.wait(WAIT_S)
    ros.send(images[2])
    assert ros.published.get(timeout=WAIT_S).header is images[2].header
    ros.try_shutdown()
    assert ended.result(WAIT_S) == 0


def test_an_encoding_without_heat_ends_the_node_with_one_line(ros: Ros, node: SimpleNamespace) -> None:
    ended = started(node)
    ros.send(image_of(scene(), encoding="rgb16"))
    assert ended.result(WAIT_S) == 1
    (line,) = [text for level, text in ros.lines if level == "fatal"]
    assert line == "the image's encoding is 'rgb16': expected one of mono8, 8UC1, mono16, 16UC1"
    assert ros.published.empty()
    assert ros.destroyed


def test_a_model_that_is_not_there_ends_it_too(ros: Ros, node: SimpleNamespace) -> None:
    ros.parameters["model"] = "/nowhere"
    assert started(node).result(WAIT_S) == 2
    assert [level for level, _ in ros.lines] == ["fatal"]
