"""Limits of `edge/pose`: where the aircraft was."""

from __future__ import annotations

from typing import Any

MIB = 1024 * 1024

LIMITS: dict[str, dict[str, tuple[Any, str]]] = {
    "pose.attach": {"MOST_TOLD": (20, "chosen: what a person reads of one flight; the report counts all")},
    "pose.clock": {
        "WINDOW_S": (30.0, "usual quartz drifts apart by a millisecond or two in it"),
        "REORDER_S": (1.0, "chosen: far less than a reboot takes"),
        "EARLY_S": (5.0, "a real flight's log begins with messages that are 2 s late, by its radio"),
        "LATE_S": (60.0, "chosen: a link that stood still for a minute is no new clock"),
        "AGREE_S": (1.0, "delays of a real flight's radio differ by as much"),
        "NEW_CLOCK": (3, "chosen: one message that is wrong is no reboot"),
        "CORRECTED_S": (0.3, "3 m at 10 m/s"),
        "BIN_S": (10.0, "three bins are WINDOW_S"),
        "LONGEST_ROUND_TRIP_S": (1.0, "chosen: a longer one tells the time to half a second only"),
        "SYNC_WINDOW_S": (10.0, "a hundred answers"),
        "SYNC_OFF_S": (1.0, "chosen: the delay of a link is less"),
        "GPS_KEPT": (30, "half a minute at 1 Hz"),
        "GPS_LEAST": (3, "chosen: a single one may be wrong"),
        "GPS_STEP_S": (2.0, "chosen: far more than a message is late"),
        "LATEST_S": (4102444800.0, "2100-01-01 UTC"),
        "MOST_ASKED": (32, "more than ten a second in LONGEST_ROUND_TRIP_S"),
    },
    "pose.dialect": {
        "HIGHEST_OF_V1": (255, "a version 1 frame has one byte for the number of its message"),
        "MOST_HELD": (4096, "bytes; the longest frame has 280"),
        "SIGNING_BEGAN": (1420070400, "2015-01-01, MAVLink's message signing"),
    },
    "pose.exif": {"HEAD": (1 << 20, "bytes; APP1 segments of 64 kB stand first"), "MOST_TIFF": (64 * MIB, "chosen")},
    "pose.heights": {
        "MOST_M": (20_000.0, "metres; nothing flies higher"),
        "ABSOLUTE_SIGMA_M": (10.0, "chosen: altitudes 50 m off were seen (ArduPilot's issue 32983)"),
    },
    "pose.klv": {
        "MOST_BYTES": (1 << 30, "chosen: an hour of video with its packets"),
        "MOST_PACKET": (64 << 10, "bytes; packets of a flight have some hundred"),
        "LONGEST_TAG": (4, "28 bits; ST 0601 has numbers up to some 150"),
        "SPARE": (16 * MIB, "chosen: a second of adding up"),
    },
    "pose.link": {
        "MOST_READ": (4096, "bytes; a datagram has at most 1500"),
        "BUFFER": (64 << 10, "bytes; half a second of a flood"),
        "CONNECT_S": (2.0, "chosen: closing waits for it"),
        "BAUD": (57600, "the usual rate of telemetry ports"),
        "MOST_KEY_FILE": (1024, "chosen: a passphrase"),
    },
    "pose.mavlink": {
        "TICK_S": (0.02, "half of that is what it adds to a round trip at most"),
        "SYNC_S": (0.1, "ten a second"),
        "HEARTBEAT_S": (1.0, "MAVLink's own"),
        "ASK_S": (5.0, "chosen: rates that were forgotten by a reboot come back"),
        "LOST_S": (3.0, "three heartbeats"),
        "AGAIN_S": (1.0, "chosen"),
        "KEEP_S": (30.0, "chosen: no frame is that old"),
        "SLICE_S": (0.1, "chosen: ten decisions a second"),
        "MOST_A_SLICE": (16 << 10, "160 kB a second; a serial line of 921600 baud brings 92"),
        "MOST_MESSAGES": (200, "ten times what was asked for"),
    },
    "pose.options": {"MOST_OFFSET_S": (100_000.0, "a day and more")},
    "pose.rotation": {"LOCK": (1e-7, "of double precision the root, and a little")},
    "pose.series": {
        "MOVES_M_S": (1.0, "chosen: receivers that stand still report less"),
        "FROZEN_S": (2.0, "receivers that tell a position once a second lose one now and then"),
        "GAP_S": (1.5, "old DJI aircraft write once a second"),
        "AHEAD_S": (0.25, "two positions of ten a second, and the link"),
        "LEAST_BASE": (0.5, "chosen: noise is made three times larger at most"),
        "FASTEST_M_S": (100.0, "no aircraft that looks for animals"),
        "SLACK_M": (15.0, "positions of four digits step by 11 m"),
        "FASTEST_DEG_S": (720.0, "chosen: twice as fast as racing multicopters are set to turn"),
        "SLACK_DEG": (20.0, "chosen"),
        "FASTEST_CLIMB_M_S": (40.0, "chosen: metres that become feet at 30 m jump by 68"),
        "SLACK_CLIMB_M": (10.0, "chosen: barometers settle"),
        "METRES_A_DEGREE": (111_195.0, "6371 km x pi / 180"),
        "ZOOM_OFF": (0.01, "chosen: 0.3 m at the edge of 50 m of ground"),
    },
    "pose.srt": {
        "MOST_BYTES": (64 * MIB, "an hour at 60 subtitles a second is 50 MB"),
        "MOST_CUE": (4096, "characters; a subtitle has some hundred"),
        "TEN_THOUSANDTHS": (10_000, "DJI's older subtitles: dzoom_ratio 10000 is 1"),
    },
    "pose.tlog": {
        "MOST_BYTES": (1 << 30, "a day of flight at 10 kB a second"),
        "LONGEST": (300, "bytes; 8 and the longest frame"),
        "FIRST_US": (1_000_000_000_000_000, "2001"),
        "LAST_US": (4_102_444_800_000_000, "2100"),
    },
    "pose.vehicle": {
        "UNTOLD_S": (0.1, "as geo.budget takes it where no time is told"),
        "FIX_S": (3.0, "chosen: GPS_RAW_INT comes twice a second"),
        "SAME_DELAY_S": (2.0, "chosen: delays of a real flight's radio change within seconds"),
    },
}
