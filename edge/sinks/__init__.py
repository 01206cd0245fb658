"""Where results go. A sink has two methods, `write` and `close`; a slow one runs behind `Background`."""

from __future__ import annotations

from edge.sinks.background import Background, Sink
from edge.sinks.jsonl import JsonlSink
from edge.sinks.overlay import VideoSink, draw

__all__ = ["Background", "JsonlSink", "Sink", "VideoSink", "draw"]
