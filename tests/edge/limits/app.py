"""Limits of `edge/app`: what commands do."""

from __future__ import annotations

from typing import Any

MIB = 1024 * 1024

LIMITS: dict[str, dict[str, tuple[Any, str]]] = {
    "app.bench.bench": {
        "FORMAT": (1, "docs/schemas/bench.schema.json"),
        "IDLE_SAMPLES": (5, "chosen: looks at the power before anything is computed"),
        "IDLE_PERIOD_S": (1.0, "chosen: as often as the sampler looks"),
        "TOLD_S": (30.0, "chosen: a run of 600 s says 20 times that it lives"),
    },
    "app.bench.cold_start": {"LONGEST_S": (300.0, "chosen: a first start reads the engine from a slow card")},
    "app.bench.held": {"HELD": (32, "21 MB of 640x512 counts: 32 x 655360 bytes")},
    "app.bench.machine_state": {
        "LEAST_SAMPLES": (10, "chosen: for a slope"),
        "NEAR_TRIP": (3.0, "deg C, chosen"),
        "GPU_BELOW": (0.98, "chosen: clocks are told in steps of some MHz"),
        "CPU_BELOW": (0.9, "chosen: the fastest core seldom keeps the very top"),
        "OTHERS_PERCENT": (20.0, "of the machine, chosen: a fifth of two cores shows in every stage"),
        "BUSY_PERCENT": (50.0, "of a core, chosen: below it a processor may rest"),
    },
    "app.bench.rates": {
        "MOST_LOSS": (0.05, "what benchmarks of robots' pipelines allow"),
        "STEPS": (7, "chosen: a hundredth of the interval"),
        "CLOSE": (0.02, "chosen: runs differ by as much"),
        "LEAST_FRAMES": (60, "3 of them are MOST_LOSS"),
        "WARM_UP_S": (0.5, "chosen: the engine is warm already"),
    },
    "app.bench.settings": {
        "SECONDS": (60.0, "chosen: a minute"),
        "PUBLISHED_SECONDS": (600.0, "what benchmarks of servers ask for"),
        "PUBLISHED_RUNS": (5, "as benchmarks of robots' pipelines"),
        "WARM_UP_S": (5.0, "chosen: caches and clocks settle"),
        "RESULTS": (662, "what p99 needs, see edge.measure.percentiles"),
        "MOST_TIMES": (1.5, "chosen: a minute's bench ends within 90 s"),
        "RATES": ((10.0, 30.0, 60.0), "usual rates of thermal cameras, and twice the fastest"),
    },
    "app.demo": {
        "FRAMES": (48, "README's measured row is of 48 frames"),
        "SHEET_ROWS": (2, "docs/demo.jpg shows six frames, two rows of three"),
        "SHEET_COLUMNS": (3, "see SHEET_ROWS"),
        "LEAST_VISIBLE": (0.5, "as export/data/simulate.py labels: a body seen by less than half is an ignored region"),
    },
    "app.degrade.degrader": {
        "PERIOD_S": (1.0, "as system.sampler"),
        "RECENT_S": (2.0, "chosen: two looks"),
        "LEAST": (3, "chosen: for a median"),
        "MOST_STEPS": (200, "230 bytes each, and all else 40 kB, fit into REPORT_ROOM"),
    },
    "app.degrade.engine_deaths": {
        "DEATHS": (3, "chosen"),
        "WITHIN_S": (600.0, "chosen: three starts of a minute each, with room"),
        "MOST_BYTES": (1 << 16, "chosen: a hundred times what it holds"),
        "MOST_TEXT": (500, "chosen: a line"),
    },
    "app.loop": {
        "SINKS_PART": (0.6, "chosen: a report is written in a tenth of a second"),
        "GRACE_S": (1.0, "chosen: a camera of 1 Hz still gives the frame that a time limit waits for"),
    },
    "app.machine": {"LEAST_DISK_GB": (5.0, "a third of the 15 GB that half an hour of raw 640x512 at 30 Hz takes")},
    "app.model_look": {"ASKED": (4, "chosen: each costs a call of the engine")},
    "app.mission.folder": {"MOST": (100_000, "chosen: a flight an hour for eleven years")},
    "app.mission.lines": {"DEEPEST": (20, "a mission is 3 deep; a parser that calls itself ends at some hundred")},
    "app.mission.mission": {"MOST_SECRET": (4096, "chosen: a URL is as long at most")},
    "app.mission.read": {
        "MOST_BYTES": (1 << 16, "one with every key is 7 kB"),
        "MOST_SAID": (20, "chosen: a screen"),
    },
    "app.preflight.camera": {
        "GOOD": (0.8, "chosen: a fifth fewer found is worth a word"),
        "READ_S": (2.0, "chosen: of the 8 s; 18 frames at 9 Hz, more than low contrast needs to settle"),
        "USUAL_PX": (20.0, "the middle of the persons in HIT-UAV"),
    },
    "app.preflight.clocks": {
        "JUMP_S": (0.05, "chosen: slewing moves a clock by 0.0005 s a second"),
        "LOOK_S": (1.0, "chosen"),
    },
    "app.clock.watch": {"EVERY_S": (1.0, "chosen: a jump of 0.05 s in it is no slewing, which is 0.0005 s a second")},
    "app.preflight.disk": {"PROBE": (4 << 20, "chosen: a second on a card that writes 4 MB/s")},
    "app.preflight.links": {"WAIT_S": (3.0, "as of the links themselves, sinks.live.link")},
    "app.preflight.pose": {
        "LOOK_S": (0.1, "chosen"),
        "WAIT_S": (5.0, "an autopilot says its heartbeat each second, and is asked again after 5 s"),
    },
    "app.preflight.preflight": {
        "BUDGET_S": (8.0, "under 10 s with the start of the program"),
        "BUSY": (1.5, "programs a core, chosen: each third step waits for another program's"),
        "BUNDLE_S": (4.0, "chosen: half; sha256 of 30 MB takes 0.1 s"),
    },
    "app.scale_check": {
        "LEAST_PX": (13.0, "5th percentile of the longer side of Person in HIT-UAV val: 13 px"),
        "MOST_ENLARGED": (2.0, "chosen: what is enlarged holds no more detail"),
    },
    "app.source_check": {
        "MOST_FRAMES": (2000, "of a file: a minute at 30 Hz is 1800"),
        "UNEVEN": (0.01, "part of the intervals; chosen: more than 1 in 100"),
        "ARRIVAL_MS": (1.0, "chosen: a clock read twice differs by microseconds"),
    },
    "app.run": {"REPORT_ROOM": (256 * 1024, "bytes; a report of a run with 100 outages has 40 kB")},
    "app.status.board": {
        "LATE_S": (10.0, "twice system.budget.CAMERA_STALL_S"),
        "FIGURES_S": (1.0, "chosen: a percentile of 662 values takes a tenth of a millisecond"),
    },
    "app.status.http": {
        "MOST_BYTES": (4096, "chosen: curl sends 80, Prometheus 400"),
        "MOST_CONNECTIONS": (4, "chosen: a person, Prometheus and two more"),
        "LOOK_S": (0.2, "chosen: the end of a run waits for it"),
        "LAST_S": (0.1, "chosen: a machine near by has answered by then"),
    },
    "app.status.pages": {"AGAIN_S": (0.5, "chosen: Prometheus asks every 15 s")},
    "app.watch.manager": {"STATUS_S": (1.0, "a line a second at most")},
    "app.watch.watchdog": {"SAY_S": (0.2, "chosen: with STOP_S, LOOK_S and KEEP_STOP_S below the 2 s of a stop")},
    "app.watch.guard": {"LAST_S": (1.0, "chosen: it ends within a tick, 0.1 s")},
    "app.watch.guard_process": {"TICK_S": (0.1, "as the watchdog looks")},
    "app.service.pace": {
        "SOON_S": (60.0, "chosen: a run of a minute has seen frames"),
        "FIRST_S": (5.0, "as RESTART_S"),
        "LONGEST_S": (60.0, "chosen: nobody looks for anything meanwhile, and a journal takes a start a minute"),
        "FREE": (2, "chosen: one failure, and one more, may be by chance"),
    },
    "app.service.systemctl": {"SECONDS": (60.0, "twice SERVICE_STOP_S: to disable --now waits for the stop")},
    "app.watch.awaited": {"TICK_S": (0.1, "as the watchdog looks")},
    "commands.doctor": {"SECONDS": (5.0, "its help says 5; 45 frames of the slowest sensor, 9 Hz")},
    "app.bench.picture": {
        "BINS": (60, "chosen: bars of 9 px"),
        "MANY": (600, "chosen: one in two pixels"),
        "ROOM": (1.15, "chosen"),
    },
    "app.bench.compare": {
        "MOST_RESULTS": (1 << 30, "chosen: days at the highest rate"),
        "DRAWS": (2000, "chosen: 50 beyond either end of the 95 %"),
        "LEVEL": (95, "%, usual"),
        "BLOCK": (20, "results, chosen: slow ones come in rows"),
    },
    "app.bench.accuracy": {"MIN_IOU": (0.5, "AP50")},
    "app.mounting": {
        "EVERY_S": (30.0, "chosen: counts.json is written anew every 60 s"),
        "MOST_TRACKS": (200, "chosen: with 6 sightings each a fit takes less than half a second"),
        "MOST_SIGHTINGS": (6, "chosen: sightings of one pass share their errors"),
        "LEAST_OBJECTS": (10, "chosen: with 6 and 7, and wrong merges among them, a fit was 2 degrees off"),
        "MOST_MOVING": (0.5, "chosen: as many as stand had to be left out where a fit was a degree off"),
        "SURE": (2.0, "standard deviations, chosen"),
    },
    "app.after.hand_over": {"MOST_PICTURE": (16 * MIB, "crops have a few kB")},
    "app.compare.boxes": {
        "LEAST_IOU": (0.3, "a box of 10 px that is off by 5 px has 0.33"),
        "MOVED_IOU": (0.5, "below it a box misses its object by the usual measure"),
    },
    "app.compare.tracks": {"LEAST_PART": (0.5, "chosen: a track that was lost half of the time is the same")},
    "app.compare.same_frames": {"SAME_S": (2e-6, "times are written to the microsecond")},
    "app.compare.tally": {"EDGES_PX": ((8, 16, 32, 64), "chosen: an animal from 60 m has 8 to 30 px")},
    "app.compare.crops": {
        "MOST_PICTURE": (MIB, "a crop has a few kB"),
        "MOST_READ": (20_000, "eleven minutes of a film of 30 frames a second"),
        "AROUND": (2.0, "as the pictures in crops/"),
        "LEAST_PX": (48, "as the pictures in crops/"),
    },
    "app.compare.files": {"MOST_SHOWN": (48, "chosen: 0.3 MB of pictures")},
    "app.compare.page": {"MOST_TRACKS": (60, "chosen: 1 MB of pictures")},
    "app.compare.page_tables": {"MOST_CHANGES": (60, "chosen")},
    "app.compare.map_svg": {
        "LEAST_M": (10.0, "the errors alone are some metres"),
        "MOST_POINTS": (2000, "200 kB of SVG"),
    },
    "app.review.keep": {
        "RESERVE_BYTES": (64 * MIB, "as sinks.pictures"),
        "MOST_JSON": (1 << 16, "chosen: a hundred times what it holds"),
    },
    "app.review.line": {
        "MOST_TRACKS": (10_000, "chosen: a flight's longest selection"),
        "MOST_LINE": (128 * 1024, "MOST_TRACKS numbers of ten digits and a comma, and room"),
        "MOST_LINES": (200_000, "chosen: a line each three seconds for a week"),
        "MOST_NUMBER": (2**31 - 1, "an int32, as track numbers are"),
        "LONGEST_NAME": (80, "chosen"),
    },
    "app.review.store": {"MOST_BYTES": (64 * MIB, "200,000 lines of 300 bytes"), "AGAIN_S": (0.02, "chosen: a write")},
    "app.review.flight": {"MOST_PICTURE": (16 * MIB, "as app.after.hand_over")},
    "app.review.answers": {"MOST_BODY": (64 * 1024, "4,000 tracks, as the page sends at once, of ten digits")},
    "app.review.pictures": {
        "LOOKED_AT": (8, "chosen: people with a frame before them, 8 MB of 640x512 counts and pictures"),
        "RECENT": (20, "chosen: with APART_S five seconds; 13 MB of 640x512 counts"),
        "APART_S": (0.25, "chosen: who presses a key is that late"),
    },
    "app.review.serve": {"LOOK_S": (0.2, "chosen: five looks a second")},
}
