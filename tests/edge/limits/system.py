"""Limits of `edge/system`: time-outs and the machine."""

from __future__ import annotations

from typing import Any

MIB = 1024 * 1024

LIMITS: dict[str, dict[str, tuple[Any, str]]] = {
    "system.wall_clock": {
        "JUMP_S": (0.05, "chosen: slewing moves a clock by 0.0005 s a second"),
        "TIME_ERROR": (5, "sys/timex.h"),
        "APART_S": (0.002, "chosen: far more than two calls take, far less than JUMP_S"),
        "TRIES": (5, "chosen"),
    },
    "system.budget": {
        "WATCHDOG_S": (90.0, "three times HUNG_S: the run ends itself, with its report, before a manager ends it"),
        "EXTEND_S": (30.0, "chosen: asked for each 10 s while an engine is loaded"),
        "SERVICE_STOP_S": (30.0, "longer than CLOSE_S and KEEP_S together: else a manager cuts the closing off"),
        "RESTART_S": (5.0, "chosen"),
        "HUNG_S": (30.0, "docs/flying.md: a call that does not return for 30 s ends the run"),
        "LOAD_S": (300.0, "as edge.app.bench.cold_start.LONGEST_S: an engine from a slow card"),
        "STOP_S": (0.8, "with LOOK_S and KEEP_STOP_S below the 2 s that a person waits"),
        "KEEP_STOP_S": (0.6, "see STOP_S"),
        "KEEP_S": (5.0, "chosen: slower sinks are left behind when an engine hangs"),
        "CLOSE_S": (15.0, "chosen: MANY tracks of edge.track.counting are counted in 2 s of a quick core"),
        "HELD_S": (35.0, "HUNG_S and KEEP_S: the watchdog speaks first"),
        "UNHEARD_S": (1.5, "with two of its looks below the 2 s that a person waits"),
        "LOOK_S": (0.1, "chosen: ten looks a second"),
        "LATE_S": (2.0, "chosen: twenty looks"),
        "CAMERA_STOP_S": (1.5, "docs/reference/seams.md: a read ends within a second or two of close"),
        "WEBHOOK_S": (5.0, "chosen: the sink's own thread waits, nobody else"),
        "MAVLINK_OUT_S": (1.0, "below the 2 s of a stop; its thread looks fifty times a second"),
        "POSE_JOIN_S": (1.0, "as MAVLINK_OUT_S"),
        "POWER_MODE_S": (2.0, "chosen: nvpmodel reads a file"),
        "WEB_REQUEST_S": (5.0, "chosen: a browser sends a head in one packet; slowloris does not"),
        "WEB_STALL_S": (10.0, "chosen: a radio that is away for longer has lost the connection"),
        "WEB_JOIN_S": (1.0, "with the tick of uvicorn's loop, 0.1 s, below the 2 s of a stop"),
        "REVIEW_LOCK_S": (2.0, "chosen: a write takes milliseconds, on a slow card half a second"),
        "REVIEW_BODY_S": (5.0, "chosen: 64 KiB over 100 kbit/s"),
    },
    "system.cpu": {"PAIR_BITS": (7, "as export.graph.int8.rewrite writes; 2 * 255 * 64 = 32640 fits 16 bits")},
    "system.sampler": {"PERIOD_S": (1.0, "chosen: as often as heat changes")},
    "system.text": {
        "MOST_SHOWN": (4000, "characters; chosen: a longer line was made to be"),
        "SHOWN_END": (1000, "characters; chosen: longer than what is expected, which stands at the end"),
    },
    "system.declared": {
        "SHOWN": (60, "characters; chosen: a message is one line"),
        "MOST_JSON": (64 * MIB, "TensorRT's layers, the largest, have a few MiB"),
    },
    "system.listening": {"WAITING": (8, "chosen: twice as many as are answered at a time")},
}
