"""Where results go. A sink has two methods, `write` and `close`; a slow one runs behind `Background`."""

from __future__ import annotations

from edge.seams import Sink
from edge.sinks.background import Background
from edge.sinks.jsonl import JsonlSink
from edge.sinks.video import VideoSink, draw

__all__ = ["Background", "JsonlSink", "Sink", "VideoSink", "draw"]
