"""Where results go. A sink has two methods, `write` and `close`; a run puts each behind `Background`.

The kinds that there are stand in `edge/sinks/open.py`, one file each.
"""

from __future__ import annotations

from edge.seams import Sink
from edge.sinks.background import Background
from edge.sinks.draw import draw
from edge.sinks.jsonl import JsonlSink
from edge.sinks.pictures import PicturesSink
from edge.sinks.spec import SinkContext, SinkSpec
from edge.sinks.video import VideoSink

__all__ = ["Background", "JsonlSink", "PicturesSink", "Sink", "SinkContext", "SinkSpec", "VideoSink", "draw"]
