"""Where results go. A sink has two methods, `write` and `close`; a slow one runs behind `Background`."""

from __future__ import annotations

from edge.recording.recorder import Recorder
from edge.recording.verify import Verifier
from edge.sinks.background import Background, Sink
from edge.sinks.jsonl import JsonlSink
from edge.sinks.video import VideoSink, draw

__all__ = ["Background", "JsonlSink", "Recorder", "Sink", "Verifier", "VideoSink", "draw"]
