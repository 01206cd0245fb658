"""thermal-edge as a ROS 2 node: newest thermal image in, detections out. docs/embedding.md says how to start it."""

import logging
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from rcl_interfaces.msg import SetParametersResult
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

import edge
from edge.data import class_name
from edge.health.conditions import HealthLog

BUNDLED = str(Path(edge.__file__).parent / "models/hituav-r18")
NEWEST = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
BYTES = {"mono8": 1, "8UC1": 1, "mono16": 2, "16UC1": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class RosFrame(edge.Frame):
    header: Any  # of the image: the detections get the same one


def pixels_of(image):
    """(height, width) uint8 or uint16, a copy without the padding at the end of each row."""
    size = BYTES.get(image.encoding)
    if size is None:
        raise edge.CameraError(f"the image's encoding is {image.encoding!r}: expected one of {', '.join(BYTES)}")
    row = image.width * size
    if image.step < row or len(image.data) != image.step * image.height:
        raise edge.CameraError(
            f"the image has {len(image.data)} bytes in rows of {image.step}: expected step * height = "
            f"{image.step * image.height} bytes, and rows of {row} or more for {image.width} pixels of {size} bytes"
        )
    rows = np.frombuffer(image.data, np.uint8).reshape(image.height, image.step)[:, :row].copy()
    if size == 1:
        return rows
    return rows.view(">u2" if image.is_bigendian else "<u2").astype(np.uint16)


class Images(edge.Camera):
    """The images of a topic. ROS calls `take` in its thread, thermal-edge calls `read` in another one."""

    description, live = "ROS topic", True

    def __init__(self, node):
        self._node, self._warned, self._closed = node, False, False
        self._changed, self._newest, self._came, self._given = threading.Condition(), None, 0, 0
        self._subscription = node.create_subscription(Image, "image", self.take, NEWEST)

    def take(self, image):
        stamp = image.header.stamp
        age = (self._node.get_clock().now().nanoseconds - stamp.sec * 10**9 - stamp.nanosec) / 1e9
        if not -1 < age < 60:  # it was not set, or two machines' clocks differ: a latency from it would mean nothing
            if not self._warned:
                self._node.get_logger().warning(
                    f"the stamps of the images are {age:.3f} s old by this node's clock: expected the time of capture; "
                    "the time of arrival is taken instead"
                )
            self._warned, age = True, 0.0
        with self._changed:
            self._newest, self._came = (image, time.monotonic() - age), self._came + 1
            self._changed.notify()

    def read(self):
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._closed)
            if self._closed:
                return None
            (image, t_capture), self._newest, seq = self._newest, None, self._came
        return RosFrame(pixels_of(image), seq, t_capture, header=image.header)

    def close(self):
        with self._changed:
            self._closed = True
            self._changed.notify()


def message_of(result, classes):
    header, found = result.frame.header, result.detections
    message = Detection2DArray(header=header)
    for (x1, y1, x2, y2), score, label in zip(found.boxes.tolist(), found.scores.tolist(), found.labels, strict=True):
        guess = ObjectHypothesisWithPose()  # its pose stays empty: where the body is in space, nobody knows
        guess.hypothesis.class_id, guess.hypothesis.score = class_name(classes, label), score
        one = Detection2D(header=header, results=[guess])
        one.bbox.center.position.x, one.bbox.center.position.y = (x1 + x2) / 2, (y1 + y2) / 2
        one.bbox.size_x, one.bbox.size_y = x2 - x1, y2 - y1
        message.detections.append(one)
    return message


class ToRos(logging.Handler):
    """What thermal-edge logs, in ROS's log; rclpy wants a line of code of its own for each level."""

    def __init__(self, logger):
        super().__init__(logging.INFO)
        self._logger = logger

    def emit(self, record):
        if record.levelno >= logging.WARNING:
            self._logger.warning(record.getMessage())
        else:
            self._logger.info(record.getMessage())


def filter_of(threshold):
    return edge.Filter(threshold if threshold >= 0 else None)  # below 0: the bundle's own


def detect(node, stop):
    """Until ``stop`` is set. The thread that makes the engine uses it and closes it: here the main thread."""
    model = node.declare_parameter("model", BUNDLED).value
    shown = filter_of(node.declare_parameter("threshold", -1.0).value)
    publisher = node.create_publisher(Detection2DArray, "detections", 10)
    threading.Thread(target=spin, args=(node, stop), name="spin", daemon=True).start()
    with (
        edge.open_engine(model) as engine,
        Images(node) as camera,
        edge.stream(camera, engine, filter=shown, stop=stop) as results,
    ):

        def changed(parameters):  # in the thread of `spin`: the filter may be set from any thread
            for parameter in parameters:
                if parameter.name == "threshold":
                    try:
                        results.filter = filter_of(parameter.value)
                    except edge.InputError as error:
                        return SetParametersResult(successful=False, reason=str(error))
            return SetParametersResult(successful=True)

        node.add_on_set_parameters_callback(changed)
        health = HealthLog()
        for result in results:
            for line in health.add(result):
                node.get_logger().warning(line.text)
            if result.inferred:  # an empty message means: looked at, and nothing found
                publisher.publish(message_of(result, engine.bundle.classes))


def spin(node, stop):
    try:
        rclpy.spin(node)
    except ExternalShutdownException:  # Ctrl-C, SIGTERM, or `main` at its end
        pass
    finally:
        stop.set()


def main():
    rclpy.init()
    node, stop = Node("thermal_edge"), threading.Event()
    log, to_ros = logging.getLogger("edge"), ToRos(node.get_logger())
    log.addHandler(to_ros)
    log.setLevel(logging.INFO)
    try:
        detect(node, stop)
    except KeyboardInterrupt:
        pass
    except edge.EdgeError as error:
        node.get_logger().fatal(str(error))
        return error.exit_code
    finally:
        log.removeHandler(to_ros)
        rclpy.try_shutdown()  # ends `spin`
        stop.wait(1)
        node.destroy_node()
    return 0


if __name__ == "__main__":
    sys.exit(main())
