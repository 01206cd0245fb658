"""--ros2 against a stand-in for rclpy and vision_msgs (tests/support/ros_stub.py): no ROS was ever there."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edge.commands.main import main
from edge.errors import InputError, SinkError
from edge.sinks.robotics.ros2 import parse, spec_of
from edge.sinks.spec import SinkContext
from tests.support import ros_stub
from tests.support.track_lines import tracked

UTC = datetime(2026, 5, 1, 4, 30, 0, 250_000, tzinfo=timezone.utc)
Pose2DOfVersion3 = ros_stub.message("Pose2D", x=float, y=float, theta=float)


class Context:
    """As rclpy's: begun once, ended once."""

    state = "new"


class Ros:
    """``said``: calls in their order. ``refuses``: raised by `create_publisher`, then by `publish`."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.published: list[Any] = []
        self.refuses: dict[str, Exception] = {}

    def init(self, *, args: list[str], context: Context, signal_handler_options: str) -> None:
        assert (args, context.state) == ([], "new")
        context.state = "ok"
        self.said.append(("init", signal_handler_options))

    def shutdown(self, *, context: Context) -> None:
        assert context.state == "ok"
        context.state = "over"
        self.said.append("shutdown")

    def node(self, name: str, *, context: Context, enable_rosout: bool, start_parameter_services: bool) -> Ros:
        assert context.state == "ok"
        self.said.append((name, enable_rosout, start_parameter_services))
        return self

    def create_publisher(self, kind: Any, topic: str, depth: int) -> Ros:
        if error := self.refuses.get("create"):
            raise error
        self.said.append((kind.__name__, topic, depth))
        return self

    def publish(self, message: Any) -> None:
        if error := self.refuses.get("publish"):
            raise error
        self.published.append(message)

    def destroy_node(self) -> None:
        self.said.append("destroyed")


@pytest.fixture
def ros(monkeypatch: pytest.MonkeyPatch) -> Ros:
    made = Ros()
    modules: dict[str, dict[str, Any]] = {
        "rclpy": {"init": made.init, "shutdown": made.shutdown},
        "rclpy.context": {"Context": Context},
        "rclpy.node": {"Node": made.node},
        "rclpy.signals": {"SignalHandlerOptions": type("S", (), {"NO": "no", "ALL": "all"})},
        "builtin_interfaces.msg": {"Time": ros_stub.Time},
        "std_msgs.msg": {"Header": ros_stub.Header},
        "vision_msgs.msg": {
            name: getattr(ros_stub, name) for name in ("Detection2D", "Detection2DArray", "ObjectHypothesisWithPose")
        },
    }
    for name in {*modules, *(name.partition(".")[0] for name in modules)}:
        module = ModuleType(name)
        vars(module).update(modules.get(name, {}))
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "edge.sinks.robotics.ros2_node", raising=False)
    yield made  # type: ignore[misc]
    sys.modules.pop("edge.sinks.robotics.ros2_node", None)


def sink_of(tmp_path: Path, topic: str = "/thermal/detections") -> Any:
    spec_of(topic).check(tmp_path)
    return spec_of(topic).make(SinkContext(tmp_path, ("Person", "deer")))


def test_a_message_for_each_frame_that_was_searched(ros: Ros, tmp_path: Path) -> None:
    sink = sink_of(tmp_path)
    sink.write(tracked(0, 50.0, [3, -1], utc=UTC))
    sink.write(replace(tracked(1, 50.1, [], utc=UTC), inferred=False))
    sink.write(tracked(2, 50.2, [], utc=UTC))
    first, empty = ros.published
    assert (first.header.stamp.sec, first.header.stamp.nanosec) == (1_777_609_800, 250_000_000)
    assert (first.header.frame_id, empty.detections) == ("thermal_camera", [])
    one, other = first.detections
    assert one.header is first.header
    assert (one.id, other.id) == ("3", "")
    (guess,) = one.results
    assert (guess.hypothesis.class_id, guess.hypothesis.score) == ("Person", 0.5)
    assert (one.bbox.center.position.x, one.bbox.center.position.y) == (10.0, 12.0)
    assert (one.bbox.size_x, one.bbox.size_y) == (10.0, 12.0)
    assert sink.link_report()["sent"] == 2


def test_vision_msgs_before_version_4(ros: Ros, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = ros_stub.message("BoundingBox2D", center=Pose2DOfVersion3, size_x=float, size_y=float)
    old = ros_stub.message("Detection2D", header=ros_stub.Header, results=list, bbox=box, id=str)
    monkeypatch.setattr(sys.modules["vision_msgs.msg"], "Detection2D", old)
    sink_of(tmp_path).write(tracked(0, 50.0, [3], utc=UTC))
    centre = ros.published[0].detections[0].bbox.center
    assert (centre.x, centre.y) == (10.0, 12.0)


def test_its_own_context_without_handlers_of_signals(ros: Ros, tmp_path: Path) -> None:
    sink = sink_of(tmp_path)
    sink.close()
    sink.close()
    assert ros.said == [
        ("init", "no"), ("thermal_edge", False, False), ("Detection2DArray", "/thermal/detections", 10), "destroyed",
        "shutdown",
    ]  # fmt: skip


def test_what_ros_refuses_stops_the_sink(ros: Ros, tmp_path: Path) -> None:
    sink = sink_of(tmp_path)
    ros.refuses["publish"] = RuntimeError("no more")
    with pytest.raises(SinkError, match="ros2 /thermal/detections: no more"):
        sink.write(tracked(0, 50.0, [3]))
    ros.refuses["create"] = ValueError("bad topic")
    with pytest.raises(SinkError, match="bad topic: look at ROS_DOMAIN_ID"):
        sink_of(tmp_path)


def test_a_run_publishes(ros: Ros, tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = [
        "run",
        "--source",
        "sim:width=80,height=64,frames=4,live=0",
        "--model",
        str(tiny_bundle),
        "--out",
        str(out),
    ]
    assert main([*words, "--backend", "null", "--quiet", "--ros2", "/thermal/detections"]) == 0
    link = json.loads((out / "report.json").read_text())["links"]["ros2"]
    assert (link["to"], link["sent"]) == ("/thermal/detections", len(ros.published))
    assert ros.published
    assert ros.said[-1] == "shutdown"


def test_without_ros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rclpy", None)
    monkeypatch.delitem(sys.modules, "edge.sinks.robotics.ros2_node", raising=False)
    with pytest.raises(
        InputError, match=r"--ros2: ROS 2 cannot be used here \(.*\): source /opt/ros/humble/setup.bash"
    ):
        spec_of("x").check(tmp_path)


def test_topics() -> None:
    for text in ("/thermal/detections", "x", "a_b/c1"):
        assert parse(text) == text
    for text in ("", "/", "//x", "1a", "a__b", "a b", "a/", "~/x", "a-b", "ä", "x" * 201):
        with pytest.raises(InputError, match="expected the name of a topic"):
            parse(text)
