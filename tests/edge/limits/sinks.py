"""Limits of `edge/sinks`: where results go."""

from __future__ import annotations

from typing import Any

MIB = 1024 * 1024

LIMITS: dict[str, dict[str, tuple[Any, str]]] = {
    "sinks.spare": {"MOST": (1000, "chosen: a start a minute for 16 hours")},
    "sinks.background": {
        "FULL_S": (0.005, "chosen: a sixth of a frame at 30 Hz"),
        "IDLE_S": (0.25, "with a sink's 0.5 s below the second that is promised"),
    },
    "sinks.jsonl": {"SYNC_S": (0.5, "with IDLE_S, and a sync that takes its time, below the second that is promised")},
    "sinks.live.courier": {
        "MOST": (1000, "messages that wait: some 500 kB"),
        "RATE_HZ": (10.0, "chosen: radios in the field carry little"),
        "RECENT_S": (30.0, "three times what TCP takes to notice that nobody is there"),
        "FIRST_DELAY_S": (1.0, "as of a camera"),
        "LONGEST_DELAY_S": (30.0, "a radio that is back is used within half a minute"),
        "GRACE_S": (1.0, "who ends a run waits no longer than 2 s, for all of it"),
    },
    "sinks.live.known": {
        "GROWN": (1.05, "chosen: the mean of a thousand positions is computed a hundred times, not a thousand"),
        "GONE_S": (10.0, "as of a track's line"),
        "BETTER": (0.7, "half the area"),
        "AGAIN_S": (5.0, "chosen: a mark that jumps more often cannot be read"),
        "REPEAT_S": (10.0, "an ATAK that has just seen a new sender passes its first event over"),
    },
    "sinks.live.cot": {"STALE_S": (3600.0, "chosen: longer than a battery flies")},
    "sinks.live.link": {
        "WAIT_S": (3.0, "chosen: the sink's own thread waits, nobody else"),
        "DEAD_S": (10.0, "chosen"),
        "HOPS": (1, "positions of people stay in the local network"),
    },
    "sinks.live.broker": {
        "MOST_TOPIC": (200, "bytes; chosen: brokers take 65,000"),
        "MOST_LOGIN": (1024, "bytes; chosen: a name and a password"),
        "PORTS": ({"mqtt": 1883, "mqtts": 8883}, "IANA's"),
    },
    "sinks.live.tls": {
        "MOST_PEM": (16 * MIB, "a bundle of all authorities has 200 kB"),
        "SETTLE_S": (0.5, "a round trip by a satellite; most servers send session tickets at once"),
        "NOT_YET": (9, "X509_V_ERR_CERT_NOT_YET_VALID of openssl/x509_vfy.h"),
        "EXPIRED": (10, "X509_V_ERR_CERT_HAS_EXPIRED"),
        "NAMES": ((62, 64), "X509_V_ERR_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH"),
        "UNKNOWN_SIGNER": ((2, 18, 19, 20, 21), "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT to _VERIFY_LEAF_SIGNATURE"),
    },
    "sinks.live.wire": {"MOST_READ": (4096, "as much as is looked at in a slice")},
    "sinks.live.mavlink_out": {"MOST_A_SLICE": (4096, "what a ground station says in a second is less")},
    "sinks.coverage.sink": {
        "EVERY_S": (5.0, "chosen: a gap is known before the aircraft has left it"),
        "REST": (20, "at most a twentieth of the time"),
        "DEPTH": (120, "chosen: longer than a look for gaps takes; 120 MB at 640x512"),
    },
    "sinks.coverage.picture": {
        "SIDE_PX": (900, "as of the map"),
        "LEAST_PX": (640, "chosen: the legend is as wide"),
    },
    "sinks.tracks.track_file": {
        "EVERY_S": (10.0, "chosen: what a power cut costs of a map"),
        "MOST_TRACKS": (20_000, "chosen: 20 MB of memory, with pictures 200 MB"),
    },
    "sinks.tracks.counts": {
        "EVERY_S": (60.0, "chosen: what a power cut costs of a count"),
        "FOOTPRINT_S": (0.5, "chosen: at 10 m/s ground of 5 m"),
        "SPEEDS": ({"person": 1.0, "animal": 0.3, "vehicle": 0.0}, "m/s, chosen: a walk with its halts, and grazing"),
        "REST": (20, "as of the files of tracks: a twentieth of one thread's time"),
        "MOST_OF_A_CLASS": (2000, "chosen: 16 s of one core where all may be the same, 0.3 s in one pass"),
        "MOST_SEEN": (8000, "an hour; as the report keeps them"),
        "UNKNOWN_SPEED": (0.3, "m/s, chosen: as of an animal"),
    },
    "sinks.tracks.jsonl": {
        "RESERVE_BYTES": (64 * MIB, "as of the pictures"),
        "DEPTH": (300, "chosen: a card that cleans up holds nothing up; 300 MB at 640x512"),
    },
    "sinks.tracks.map": {
        "SIDE_PX": (900, "chosen: fits a screen"),
        "APART_S": (0.2, "chosen: at 10 m/s 2 m of the way"),
        "MOST_SEEN": (20_000, "an hour"),
        "MOST_TRACKS": (20_000, "as of the files of tracks"),
    },
    "sinks.pictures": {"RESERVE_BYTES": (64 * MIB, "chosen: detections of an hour")},
    "sinks.video": {
        "DEFAULT_FPS": (10.0, "chosen: of sources that do not tell theirs"),
        "LONGEST_GAP_S": (5.0, "its docstring: gaps over 5 s are cut short"),
        "RESERVE_BYTES": (64 * MIB, "chosen: detections of an hour"),
        "LOOK_EVERY": (32, "pictures; chosen"),
    },
    "sinks.robotics.foxglove": {"DEPTH": (2, "who watches wants the newest")},
    "sinks.robotics.foxglove_server": {
        "QUALITY": (80, "chosen: noise of a thermal picture costs much above it"),
        "BACKLOG": (16, "chosen: three seconds of pictures"),
        "MOST_TRACKS": (1000, "150 kB of GeoJSON"),
        "IMAGE_S": (0.2, "chosen: 5 a second, 200 kB/s of 640x512"),
        "STATS_S": (1.0, "chosen: a plot needs no more"),
    },
    "sinks.robotics.ros2": {
        "MOST_TOPIC": (200, "characters; DDS takes 255, with what ROS puts before it"),
        "DEPTH": (8, "as of --mavlink-out"),
    },
    "sinks.web.address": {
        "LEAST_TOKEN": (16, "chosen: 62 letters to the 16th cannot be tried"),
        "TOKEN_BYTES": (16, "128 bits"),
        "MOST_SHOWN": (4, "chosen: a board has two networks or three"),
    },
    "sinks.web.connection": {
        "MOST_CONNECTIONS": (64, "a browser keeps six: eight of them, and some"),
        "SEND_BYTES": (128 * 1024, "chosen: three pictures of 640x512"),
    },
    "sinks.web.events": {"MOST": (500, "chosen: five hours at a hundred an hour")},
    "sinks.web.gate": {"COOKIE_S": (86_400, "a day")},
    "sinks.web.guarded": {
        "HEADER_BYTES": (16_384, "as h11's own limit of a head that is not complete"),
        "BODY_BYTES": (65_536, "chosen: some lines of JSON"),
        "BODY_S": (10.0, "as system.budget.WEB_STALL_S"),
        "A_SECOND": (200.0, "chosen: a moved map asks for some fifty tiles"),
        "AT_ONCE": (500.0, "chosen: a reload is 15 requests, and somebody holds the key"),
    },
    "sinks.web.live": {
        "MOST_READERS": (8, "chosen"),
        "MOST_VIEWERS": (4, "chosen: 4 Mbit/s each at 640x512"),
        "MOST_COVERAGE": (8 << 20, "chosen: a browser draws no more"),
    },
    "sinks.web.marks": {
        "MOST_MARKS": (2000, "chosen: 240 kB as JSON"),
        "MOST_WAY": (900, "chosen: a quarter of an hour at a point a second, then sparser"),
    },
    "sinks.web.page": {"MOST_LIVE": (4000, "four times the tracks that one tracker follows: track.tracker.MOST")},
    "sinks.names": {
        "GAP": (3, "px, chosen"),
        "ROWS": ((1, 2), "chosen: longer lines would cross the animals"),
    },
    "sinks.web.picture": {
        "HERD": (12, "chosen: so many names have room in 480 x 384 px"),
        "FOOT": (20, "px: a line of text"),
        "LARGEST_PX": (960, "chosen: half a screen of 1920"),
        "SMALLEST_PX": (480, "chosen: labels are 10 px high"),
        "QUALITY": (80, "chosen: 40 kB at 640x512"),
    },
    "sinks.web.streams": {
        "PICTURES_HZ": (10.0, "chosen: a person follows it"),
        "STATE_S": (0.5, "chosen: figures that change oftener cannot be read"),
        "LOOK_S": (0.2, "chosen: the end of a run waits for it, a third of system.budget.WEB_JOIN_S at most"),
        "AGAIN_MS": (2000, "chosen"),
    },
    "sinks.faint": {
        "A_MINUTE": (20, "chosen: docs/review.md, 25 MB an hour of 20 kB each"),
        "MINUTE_S": (60.0, "a minute"),
    },
}
