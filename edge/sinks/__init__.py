"""Where results go. A sink has two methods, `write` and `close`; a slow one runs behind `Background`."""

from __future__ import annotations

from edge.sinks.background import Background, Sink
from edge.sinks.jsonl import JsonlSink
from edge.sinks.overlay import VideoSink, draw
from edge.sinks.recorder import Recorder
from edge.sinks.verify import Verifier

__all__ = ["Background", "JsonlSink", "Recorder", "Sink", "Verifier", "VideoSink", "draw"]
