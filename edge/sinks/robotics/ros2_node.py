"""A node of ROS 2 that publishes vision_msgs/Detection2DArray. It needs a sourced ROS 2, Humble or later: rclpy and
vision_msgs come with it, and are on no package index.

It was tried with a stand-in of rclpy's interface, never with a ROS.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

try:
    import rclpy
    from builtin_interfaces.msg import Time
    from rclpy.context import Context
    from rclpy.node import Node
    from rclpy.signals import SignalHandlerOptions
    from std_msgs.msg import Header
    from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose
except ImportError as error:  # also where it was built for another Python
    raise ImportError(
        f"ROS 2 cannot be used here ({error}): source /opt/ros/humble/setup.bash (or that of your ROS), install "
        "ros-humble-vision-msgs, and start edge with the Python that this ROS was made for",
        name=error.name,
    ) from error

from edge.data import Result, class_name
from edge.errors import SinkError
from edge.seams import Sink
from edge.sinks.robotics.stamps import NS, capture_ns

NODE = "thermal_edge"
QUEUE = 10  # messages that ROS keeps for a slow subscriber
FRAME = "thermal_camera"  # frame_id: of the camera; where it is on the aircraft is the user's to say (tf)

log = logging.getLogger(__name__)


class Ros2Sink(Sink):
    """Publishes a message for each frame that was searched; an empty one means: looked at, and nothing found.

    It has a context of its own: ROS's handlers of signals are not installed, arguments of the command line are not
    read, and a program that uses rclpy itself is left alone. Nothing is received, so nothing spins.
    """

    def __init__(self, topic: str, classes: Sequence[str]) -> None:
        """Raises SinkError where ROS refuses."""
        self._topic, self._classes, self._sent, self._closed = topic, classes, 0, False
        self._context = Context()
        try:
            rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
            self._node = Node(NODE, context=self._context, enable_rosout=False, start_parameter_services=False)
            self._publisher = self._node.create_publisher(Detection2DArray, topic, QUEUE)
        except Exception as error:  # rclpy has many
            raise SinkError(f"ros2 {topic}: {error}: look at ROS_DOMAIN_ID and RMW_IMPLEMENTATION") from error
        log.info("ros2: publishes on %s", topic)

    def write(self, result: Result) -> None:
        """Publish the detections of one frame. Raises SinkError where ROS refuses."""
        if not result.inferred:
            return
        try:
            self._publisher.publish(message_of(result, self._classes))
        except Exception as error:
            raise SinkError(f"ros2 {self._topic}: {error}") from error
        self._sent += 1

    def link_report(self) -> dict[str, Any]:
        """What was published; whether anybody took it, nobody says."""
        return {
            "to": self._topic,
            "sent": self._sent,
            "waiting": 0,
            "dropped": 0,
            "refused": 0,
            "reconnects": 0,
            "away": False,
            "error": None,
        }

    def close(self) -> None:
        """End the node. May be called twice."""
        if self._closed:
            return
        self._closed = True
        try:
            self._node.destroy_node()
            rclpy.shutdown(context=self._context)
        except Exception as error:  # at the end nobody needs it any more
            log.debug("ros2 raised at its end: %r", error)


def message_of(result: Result, classes: Sequence[str]) -> Any:
    """The detections of a frame as Detection2DArray: boxes in pixels of the frame, ``id`` the number of the track, "" =
    none. The hypothesis has no pose: where the body is in space, this message does not say.
    """
    ns = capture_ns(result.frame)
    header = Header(stamp=Time(sec=ns // NS, nanosec=ns % NS), frame_id=FRAME)
    found = result.detections
    numbers = [-1] * len(found) if found.track_ids is None else found.track_ids.tolist()
    rows = zip(found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), numbers, strict=True)
    message = Detection2DArray(header=header)
    for (x1, y1, x2, y2), score, label, number in rows:
        guess = ObjectHypothesisWithPose()
        guess.hypothesis.class_id, guess.hypothesis.score = class_name(classes, label), score
        one = Detection2D(header=header, results=[guess], id=str(number) if number > 0 else "")
        middle = getattr(one.bbox.center, "position", one.bbox.center)  # vision_msgs 4; before, x and y stood there
        middle.x, middle.y = (x1 + x2) / 2, (y1 + y2) / 2
        one.bbox.size_x, one.bbox.size_y = x2 - x1, y2 - y1
        message.detections.append(one)
    return message
