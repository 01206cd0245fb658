"""``--ros2``: the detections of each frame on a topic of ROS 2, by the rclpy and vision_msgs of the user's own ROS."""

from __future__ import annotations

import re
from pathlib import Path

from edge.errors import InputError
from edge.seams import Sink
from edge.sinks.spec import SinkContext, SinkSpec

TOPIC = re.compile(r"/?[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*(?:/[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*)*", re.ASCII)
MOST_TOPIC = 200  # characters; DDS takes 255, with what ROS puts before it
EXPECTED = "expected the name of a topic: letters, digits, _ and /, such as /thermal/detections"
DEPTH = 8


def parse(text: str) -> str:
    """The name of a topic as ROS 2 takes it. Raises InputError for anything else."""
    if len(text) > MOST_TOPIC or not TOPIC.fullmatch(text):
        raise InputError(f"{text!r}: {EXPECTED}")
    return text


def spec_of(topic: str) -> SinkSpec:
    """The sink of a run that publishes there."""

    def make(context: SinkContext) -> Sink:
        from edge.sinks.robotics.ros2_node import Ros2Sink

        return Ros2Sink(topic, context.classes)

    def check(_path: Path) -> None:
        try:
            from edge.sinks.robotics.ros2_node import Ros2Sink  # noqa: F401 - whether it can be
        except ImportError as error:
            raise InputError(f"--ros2: {error}") from None

    return SinkSpec("ros2", None, make, lossless=False, depth=DEPTH, check=check)
