"""A stand-in for the parts of ROS 2 that docs/examples/ros2_node.py needs, so that it runs where there is no ROS.

The messages have the fields of their definitions and, as rosidl's Python classes do, take no other field and no other
type: sensor_msgs/msg/Image and std_msgs/msg/Header (ros2/common_interfaces), vision_msgs 4 (ros-perception/vision_msgs:
Detection2DArray, Detection2D, ObjectHypothesisWithPose, ObjectHypothesis, BoundingBox2D, Pose2D, Point2D),
rcl_interfaces/msg/SetParametersResult. As in rclpy, `spin` calls subscriptions in its own thread and ends with
ExternalShutdownException, and a logger refuses one line of code that logs at two levels.
"""

from __future__ import annotations

import array
import queue
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest


class Message:
    """``FIELDS``: name -> what makes the empty value; its type is the field's type."""

    FIELDS: ClassVar[dict[str, Callable[[], Any]]] = {}

    def __init__(self, **values: Any) -> None:
        unknown = values.keys() - self.FIELDS.keys()
        assert not unknown, f"{type(self).__name__} has no field {unknown}"
        for name, empty in self.FIELDS.items():
            setattr(self, name, values.get(name, empty()))

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.FIELDS:
            raise AttributeError(f"{type(self).__name__} has no field {name}")
        kind = type(self.FIELDS[name]())
        assert isinstance(value, kind), f"{type(self).__name__}.{name} is {type(value)}: expected {kind}"
        super().__setattr__(name, value)


def message(name: str, **fields: Callable[[], Any]) -> Any:
    return type(name, (Message,), {"FIELDS": fields})


Time = message("Time", sec=int, nanosec=int)
Header = message("Header", stamp=Time, frame_id=str)
Image = message(
    "Image", header=Header, height=int, width=int, encoding=str, is_bigendian=int, step=int,
    data=lambda: array.array("B"),
)  # fmt: skip
Point2D = message("Point2D", x=float, y=float)
Pose2D = message("Pose2D", position=Point2D, theta=float)
BoundingBox2D = message("BoundingBox2D", center=Pose2D, size_x=float, size_y=float)
PoseWithCovariance = message("PoseWithCovariance")  # nobody fills it
ObjectHypothesis = message("ObjectHypothesis", class_id=str, score=float)
ObjectHypothesisWithPose = message("ObjectHypothesisWithPose", hypothesis=ObjectHypothesis, pose=PoseWithCovariance)
Detection2D = message("Detection2D", header=Header, results=list, bbox=BoundingBox2D, id=str)
Detection2DArray = message("Detection2DArray", header=Header, detections=list)
SetParametersResult = message("SetParametersResult", successful=bool, reason=str)


class ExternalShutdownException(Exception):
    pass


class Logger:
    def __init__(self, lines: list[tuple[str, str]]) -> None:
        self.lines = lines
        self._levels: dict[tuple[str, int], str] = {}

    def _log(self, level: str, text: str) -> None:
        caller = sys._getframe(2)
        place = (caller.f_code.co_filename, caller.f_lineno)
        assert self._levels.setdefault(place, level) == level, "Logger severity cannot be changed between calls."
        self.lines.append((level, text))

    def info(self, text: str) -> None:
        self._log("info", text)

    def warning(self, text: str) -> None:
        self._log("warning", text)

    def fatal(self, text: str) -> None:
        self._log("fatal", text)


class Ros:
    """One context: ``parameters`` are set from the command line, ``published`` is what the node sent, ``lines`` what
    it logged; ``clock``: the node's time, seconds.
    """

    def __init__(self, parameters: dict[str, Any], clock: Callable[[], float] = time.time) -> None:
        self.parameters, self.clock = parameters, clock
        self.published: queue.Queue[Any] = queue.Queue()
        self.lines: list[tuple[str, str]] = []
        self.destroyed = False
        self.set_parameters: Callable[[list[Any]], Any] | None = None
        self._sent: queue.Queue[Any] = queue.Queue()
        self._take: Callable[[Any], None] | None = None
        self._subscribed = threading.Event()
        self._ok = threading.Event()

    def send(self, image: Any) -> None:
        """Another node publishes an image; `spin` hands it over. Waits for the subscription: before it, it is lost."""
        assert self._subscribed.wait(20)
        self._sent.put(image)

    # ---- rclpy

    def init(self) -> None:
        self._ok.set()

    def try_shutdown(self) -> None:
        self._ok.clear()
        self._sent.put(None)

    def spin(self, node: Any) -> None:
        while (image := self._sent.get()) is not None and self._ok.is_set():
            assert self._take is not None
            self._take(image)
        raise ExternalShutdownException

    def node(self, name: str) -> Any:
        logger = Logger(self.lines)
        return SimpleNamespace(
            declare_parameter=lambda key, usual: SimpleNamespace(value=self.parameters.get(key, usual)),
            add_on_set_parameters_callback=lambda call: setattr(self, "set_parameters", call),
            create_subscription=self._subscribe,
            create_publisher=self._publisher,
            get_logger=lambda: logger,
            get_clock=lambda: SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=round(self.clock() * 1e9))),
            destroy_node=lambda: setattr(self, "destroyed", True),
        )

    def _subscribe(self, kind: type, topic: str, take: Callable[[Any], None], qos: Any) -> None:
        assert (kind, topic, qos.depth) == (Image, "image", 1)
        self._take = take
        self._subscribed.set()

    def _publisher(self, kind: type, topic: str, depth: int) -> Any:
        assert (kind, topic) == (Detection2DArray, "detections")
        return SimpleNamespace(publish=self.published.put)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What ``import rclpy`` and the others find until the test ends."""
        modules: dict[str, dict[str, Any]] = {
            "rclpy": {"init": self.init, "spin": self.spin, "try_shutdown": self.try_shutdown},
            "rclpy.executors": {"ExternalShutdownException": ExternalShutdownException},
            "rclpy.node": {"Node": self.node},
            "rclpy.qos": {
                "QoSProfile": SimpleNamespace,
                "HistoryPolicy": SimpleNamespace(KEEP_LAST=1),
                "ReliabilityPolicy": SimpleNamespace(BEST_EFFORT=2),
            },
            "rcl_interfaces.msg": {"SetParametersResult": SetParametersResult},
            "sensor_msgs.msg": {"Image": Image},
            "vision_msgs.msg": {
                "Detection2D": Detection2D,
                "Detection2DArray": Detection2DArray,
                "ObjectHypothesisWithPose": ObjectHypothesisWithPose,
            },
        }
        for name in {*modules, *(name.partition(".")[0] for name in modules)}:
            module = ModuleType(name)
            vars(module).update(modules.get(name, {}))
            monkeypatch.setitem(sys.modules, name, module)
