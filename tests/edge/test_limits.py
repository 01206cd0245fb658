"""Times, rates, sizes and thresholds of `edge`: each value with where it comes from, and the order that they keep.

Here stands what no cheap test can show by what happens; the others are shown where they act. A value that changes
changes here too, with its new reason; "chosen" says that nothing was measured for it.
Those of the normalisers and of the correction: tests/edge/thermal.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from edge.camera.images.exif import EXIF_IFD, FRACTION, TAKEN

MIB = 1024 * 1024

# module: {name: (value, where it comes from)}
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
    "sinks.spare": {"MOST": (1000, "chosen: a start a minute for 16 hours")},
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
    "system.wall_clock": {
        "JUMP_S": (0.05, "chosen: slewing moves a clock by 0.0005 s a second"),
        "TIME_ERROR": (5, "sys/timex.h"),
        "APART_S": (0.002, "chosen: far more than two calls take, far less than JUMP_S"),
        "TRIES": (5, "chosen"),
    },
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
    "app.status.address": {"WAITING": (8, "chosen: twice as many as are answered at a time")},
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
    },
    "camera.capture": {
        "MAX_FPS": (1000.0, "as edge.camera.options.RATE says"),
        "MAX_COUNT": (1e9, "chosen: an endless stream has a count of some trillions"),
    },
    "camera.cptv": {
        "LARGEST": (4096, "thermal sensors end at 1280; a damaged header must not ask for gigabytes"),
        "ZERO": (timedelta(0), "no time"),
        "FFC": (timedelta(seconds=1), "Lepton engineering data sheet: its shutter is shut for 0.9 s"),
        "MOST_UNPACKED": (64 * MIB, "chosen: a bomb unpacks to more, and takes minutes"),
        "MOST_RATIO": (20, "chosen: real files unpack to three times their size"),
    },
    "camera.decode.avi": {
        "MAX_RIFFS": (1 << 16, "OpenDML's RIFFs of 1 GB: 64 TB"),
        "HEADERS": (64 * 1024, "chosen: the streams' headers stand in it"),
    },
    "camera.decode.grey": {
        "COLOUR_SPREAD": (16 / 255, "JPEG and H.264 leave a few levels between channels, palettes tens"),
        "COLOUR_PART": (0.05, "chosen: marks and isotherms on a white-hot picture stay below"),
        "SOME_COLOUR": (0.0002, "0 in HIT-UAV's frames and in 42 MPEG-4 clips"),
        "SMALL": (3 * 65536, "values of a 256x256 colour picture"),
    },
    "camera.decode.kinds": {
        "HEAD": (256 * 1024, "chosen: over a second of a stream of 2 Mbit/s"),
        "SYNC": (0x47, "ISO/IEC 13818-1: sync byte"),
        "PACKET": (188, "ISO/IEC 13818-1: transport packet"),
        "IN_A_ROW": (8, "by chance once in 256^8"),
        "TS_STEPS": (
            {188: "MPEG-TS", 192: "MPEG-TS (M2TS)", 204: "MPEG-TS (with parity)"},
            "13818-1; Blu-ray's 4 bytes of time; DVB's 16 of parity",
        ),
    },
    "camera.decode.matroska": {"MAX_EBML": (4096, "the EBML header has some 40 bytes")},
    "camera.decode.mp4": {
        "MAX_MOOV": (256 * MIB, "chosen: hours of video have a few MB of index"),
        "MAX_SAMPLES": (4_194_304, "19 hours at 60 Hz"),
        "MAX_EDITS": (4096, "chosen"),
        "MAX_WORK": (134_217_728, "frames x edits; chosen"),
        "MAX_BOXES": (1_048_576, "two a second: 145 hours"),
        "REORDERED": (16, "H.264 and H.265: at most 16 frames are held back"),
    },
    "camera.decode.pictures": {
        "LOOK_AHEAD": (64, "chosen: 2 s at 30 Hz"),
        "BEFORE_A_KEY_FRAME": (1024, "chosen: 34 s at 30 Hz"),
        "BYTES_SLACK": (8, "a RIFF or box header"),
    },
    "camera.decode.radiometric": {
        "APP2": (0xE2, "ITU-T T.81, table B.1"),
        "APP3": (0xE3, "ITU-T T.81, table B.1"),
        "APP15": (0xEF, "ITU-T T.81, table B.1"),
        "DJI_HEIGHT": (512, "M2EA, M3T, H20N"),
        "DJI_WIDTH": (640, "M2EA, M3T, H20N"),
        "SENSORS": (((512, 640), (1024, 1280)), "the same, and the H30T"),
        "ALIKE": (0.35, "real pairs of counts and picture correlate by 0.7 and more"),
        "LEAST": (32768, "bytes: less is no picture of counts"),
    },
    "camera.decode.strangers": {
        "SENSORS": (
            {
                (640, 512),
                (640, 480),
                (384, 288),
                (320, 256),
                (320, 240),
                (256, 192),
                (160, 120),
                (80, 60),
                (1280, 1024),
            },
            "data sheets of Boson, Tau, Lepton, InfiRay, Hikmicro, DJI H30T",
        ),
        "TEXT": (16384, "bytes that are looked at; chosen"),
        "SHORT": (200, "bytes; chosen: a note without an end of line"),
    },
    "camera.decode.timeline": {
        "LINK_S": (60.0, "chosen, see the docstring of its module"),
        "FILE_S": (2.0, "cameras stand still for up to 2 s behind their shutter"),
        "FEW": (10, "chosen, see the docstring of its module"),
        "WINDOW": (64, "steps; chosen: two seconds at 30 Hz"),
        "ENOUGH": (3, "chosen, see the docstring of its module"),
        "NEAR": (0.25, "of a period; chosen: far above the 1 ms by which Matroska rounds, at 60 Hz"),
        "MOST": (0.6, "chosen, see the docstring of its module"),
        "SOME": (0.2, "chosen, see the docstring of its module"),
        "NEARLY_ALL": (0.9, "chosen, see the docstring of its module"),
        "DRIFT": (0.01, "of a hole; chosen: how well the period is known"),
    },
    "camera.devices.profiles": {"PLAUSIBLE_C": ((-60.0, 400.0), "deg C, of the median of a scene; chosen")},
    "camera.images.filetype": {"HEAD": (64, "the longest mark that is asked for ends before")},
    "camera.images.flir": {
        "RAW_DATA": (1, "ExifTool, FLIR tags: record 0x01"),
        "CAMERA_INFO": (32, "ExifTool, FLIR tags: record 0x20"),
        "MOST_RECORDS": (1000, "chosen: a damaged file may say any number"),
    },
    "camera.images.jpeg": {
        "APP1": (0xE1, "ITU-T T.81, table B.1"),
        "APP2": (0xE2, "ITU-T T.81, table B.1"),
        "START_OF_SCAN": (0xDA, "ITU-T T.81, table B.1"),
        "LARGE": (MIB, "bytes; chosen: the first picture of a video ends before"),
        "MOST_SCANS": (100, "chosen: progressive pictures have about ten"),
        "MOST_SCANNED": (1 << 30, "16 scans of the largest picture take 2 s"),
    },
    "camera.images.limits": {
        "MOST_PIXELS": (64 * MIB, "survey cameras have 61 million"),
        "MOST_BYTES": (128 * MIB, "64 million counts of 16 bits; with what is made of them below 300 MB"),
        "MOST_CHUNKS": (100_000, "800 MB in chunks of 8 kB"),
        "START_OF_FRAME": (
            {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF},
            "ITU-T T.81, table B.1: without DHT, JPG and DAC",
        ),
    },
    "camera.images.npy": {
        "MOST_HEADER": (4096, "numpy writes some 100 bytes"),
        "CHANNELS": ((2, 3, 4), "grey with alpha, colour, colour with alpha"),
    },
    "camera.images.order": {"NANOSECONDS": (8, "digits: microseconds have 6, nanoseconds 9 less zeros at the end")},
    "camera.images.tiff": {
        "WHITE_IS_0": (0, "TIFF 6.0: PhotometricInterpretation"),
        "BLACK_IS_0": (1, "TIFF 6.0"),
        "RGB": (2, "TIFF 6.0"),
        "PALETTE": (3, "TIFF 6.0"),
        "YCBCR": (6, "TIFF 6.0"),
        "REDUCED": (1, "TIFF 6.0: NewSubfileType, bit 0"),
        "MASK": (4, "TIFF 6.0: NewSubfileType, bit 2"),
        "OPENCV_READS": ((5, 8, 32773, 32946), "TIFF 6.0 and Adobe: LZW, deflate, packbits, old deflate"),
        "MOST_PAGES": (100_000, "an hour at 27 Hz"),
    },
    "camera.images.values": {
        "COLDEST": (-60.0, "deg C, of the median of a scene; chosen"),
        "HOTTEST": (150.0, "deg C, of the median of a scene; chosen"),
        "COLDEST_PIXEL": (-123.0, "deg C, 150 K; chosen: a clear night sky is warmer"),
        "UNITS": ({"celsius": 273.15, "kelvin": 0.0}, "BIPM: 0 deg C is 273.15 K"),
    },
    "camera.live.intake": {
        "AHEAD_S": (1.0, "chosen: clocks of driver and system differ by a little"),
        "BEFORE_S": (60.0, "chosen: no queue of a camera is that long"),
    },
    "camera.live.latest": {
        "JOIN_S": (0.3, "chosen: a read of 9 Hz returns within 0.11 s, one that hangs is left"),
        "LOOK_S": (0.1, "chosen: ten looks a second"),
    },
    "camera.live.reconnect": {"GAPS_KEPT": (100, "chosen: in the report, the newest; all are counted")},
    "camera.live.timeout": {
        "OPEN_S": (20.0, "above the network's own 10 s and a Boson's 3 s"),
        "STALL_S": (5.0, "above the network's own 4 s and a shutter's 2 s"),
        "CLOSE_S": (0.5, "two of them are the second that close() promises, below the 2 s of a stop"),
        "MAX_HUNG": (8, "threads; chosen"),
        "LOOK_S": (0.1, "chosen: ten looks a second"),
    },
    "camera.raw_counts": {
        "LARGEST": (8192, "pixels a side; chosen, as a model's"),
        "MOST_HEADER": (1 << 30, "bytes before the first frame; chosen"),
    },
    "camera.streams": {
        "OPEN_TIMEOUT_MS": (10_000, "chosen: a GOP may pass before FFmpeg knows the size"),
        "READ_TIMEOUT_MS": (4_000, "IP cameras stand still for 2 s behind their shutter"),
        "LOOK_AHEAD": (64, "as of files"),
    },
    "camera.v4l2": {
        "FIRST_FRAME_S": (5.0, "a Boson needs 3 s after power-up"),
        "STALL_S": (2.5, "cores freeze for up to 2 s behind their shutter"),
        "RETRY_S": (0.01, "chosen: a third of a frame at 30 Hz"),
        "OLDEST_S": (5.0, "chosen: older is of another clock"),
    },
    "camera.video": {
        "AHEAD": (8, "pictures; chosen: their times tell a rate"),
        "FRAMES_SLACK": (1, "writers differ by the last frame"),
        "SECONDS_SLACK": (1.0, "writers round the duration"),
        "SAME_RATE": (0.1, "frames a second: 29.97 and 30 are one rate"),
    },
    "camera.view.mask": {"MOST_BYTES": (64 * MIB, "of a PNG; chosen")},
    "commands.doctor": {"SECONDS": (5.0, "its help says 5; 45 frames of the slowest sensor, 9 Hz")},
    "engine.cpu_graph": {
        "ROUNDS": (5, "chosen: with float frames of 0.25 s it takes two seconds"),
        "ENOUGH": (0.9, "of float's time; chosen: closer, another start might choose otherwise"),
    },
    "engine.cuda": {
        "_STREAM_NON_BLOCKING": (1, "cuda.h: CU_STREAM_NON_BLOCKING"),
        "_CAPTURE_THREAD_LOCAL": (1, "cuda.h: CU_STREAM_CAPTURE_MODE_THREAD_LOCAL"),
        "_SCHEDULE_SPIN": (1, "cuda.h: CU_CTX_SCHED_SPIN"),
        "_PRIMARY_CONTEXT_ACTIVE": (708, "cuda.h: CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE"),
    },
    "engine.device": {
        "_MULTIPROCESSOR_COUNT": (16, "cuda.h: CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT"),
        "_CAPABILITY_MAJOR": (75, "cuda.h: CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR"),
        "_CAPABILITY_MINOR": (76, "cuda.h: CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR"),
    },
    "model.recall": {
        "LEAST_BOXES": (20, "chosen: one object more or less is 0.05"),
        "CONTRASTS": ((1.0, 2.0, 4.0, 8.0), "chosen: 130, 342, 237, 351 persons of HIT-UAV val; below 1 they are lost"),
    },
    "model.signed.signature": {
        "MOST_KEY_BYTES": (16_384, "a comment of minisign has at most 8 kB"),
        "MOST_SIGNED_BYTES": (64_000_000, "chosen: the largest, a table of recall, has some 50 kB"),
    },
    "model.comparison": {
        "MARGIN": (0.03, "as edge-export check's FLOAT16.score: tests/export/tensorrt/test_compare.py"),
        "LEAST_IOU": (0.9, "as edge-export check's FLOAT16.iou"),
        "LEAST_BELOW": (0.5, "chosen: a wrong engine gives next to nothing of them"),
        "FEW": (2, "chosen: suppression alone may take as many"),
    },
    "engine.readiness": {"OLDEST_TENSORRT": ((10, 3), "JetPack 6.1")},
    "engine.tiled": {"KEPT_SIZES": (16, "chosen: a folder of stills may have as many sizes as it has stills")},
    "model.golden": {
        "LEAST_IOU": (0.5, "as AP50"),
        "MARGIN": (0.1, "INT8 moves scores of the stored frame by 0.013, TensorRT by 0.0005"),
    },
    "model.tiles_merged": {
        "CUT_PX": (3.0, "chosen: boxes of a model end so near to where a body is cut"),
        "AGREE": (0.5, "chosen: between 0.5 and 0.6, a model takes two boxes for one body itself"),
        "INSIDE": (0.7, "chosen"),
        "LARGE": (0.75, "the margins of both borders leave so much of the overlap"),
    },
    "model.tiling": {
        "OVERLAP": (0.125, "64 px of a model of 640x512: 3 times a person of HIT-UAV (median 19.5 px)"),
        "LEAST_SCALE": (0.9, "1280x1024 in four tiles: 0.936"),
        "MOST_SCALE": (4.0, "chosen: further is a blur"),
        "MOST_OF": (0.9, "chosen: a tile of nearly all gains nothing"),
        "MOST_TILES": (16, "2560x2048 for 640x512"),
    },
    "engine.trt": {"ALIGNMENT": (256, "NvInfer.h: device memory given to a context")},
    "geo.align": {
        "LEAST_OBJECTS": (4, "chosen: two of them fix a shift, four tell whether they agree"),
        "APART_DEG": (60.0, "chosen: half of a tilt's shift shows at 60 degrees, all of it at 180"),
        "GAP_S": (10.0, "chosen: a drone that flew on sees another field"),
        "TURN_DEG": (30.0, "chosen: a gimbal's yaw wanders by less"),
        "MOST_OF_A_PASS": (16, "chosen: more of one pass share their errors"),
        "WANDER_M": (1.0, "of a receiver from pass to pass, chosen"),
        "WALKS_M_S": (0.25, "chosen: a grazing deer goes 0.1 to 0.4 m/s"),
        "SURE": (4.0, "standard deviations, chosen: 100 objects on 4 passes"),
        "STRAYS": (3.0, "chosen"),
        "LEAST_STRAY_M": (1.0, "chosen: the receiver's wander"),
        "BEST": (0.6, "chosen: up to two fifths may walk"),
        "MOST_REJECTED": (0.5, "of the objects: half must stand still"),
        "MOST_LEFT": (0.6, "of the distances before, chosen"),
        "GOOD_LEFT_M": (0.75, "m, chosen"),
        "DRIFT_M_S": (0.08, "m/s, chosen: a receiver drifts by less"),
        "MOST_UNSURE": (0.5, "of what the fit moves, chosen"),
    },
    "geo.align_fit": {
        "HUBER": (2.0, "standard deviations, chosen"),
        "MEDIAN_2D": (1.386, "2 ln 2: the median of chi squared of two dimensions"),
    },
    "geo.budget": {"MINOR": (1.32, "fitted to the exact radius of 68.27 %: within 0.9 % for every shape")},
    "geo.calibration": {
        "MOST_BYTES": (MIB, "a calibration has some kB"),
        "HALF": (0.5, "OpenCV counts from a pixel's middle"),
        "MOST_DEEP": (16, "a calibration has three; OpenCV 5.0's parser crashes at some ten thousand"),
    },
    "geo.camera": {"EDGE_PX": (1.0, "chosen: edges of boxes are rounded")},
    "geo.coverage.contrast": {
        "EVERY_S": (0.5, "chosen: at 8 m/s and 60 m a sixth of the picture goes by"),
        "EVERY_PX": (4, "as of thermal.windows.background"),
        "LEAST_PIXELS": (100, "chosen: rounding is then averaged to 0.03 grey levels"),
        "CURVED": (frozenset({"clahe", "plateau"}), "the methods of thermal.normalise that equalise"),
    },
    "geo.coverage.coverage": {"LONGEST_S": (1.0, "chosen: a camera of 1 Hz still has a dwell")},
    "geo.coverage.footprint": {
        "STEPS": (32, "twice: to a pixel in a picture of 1024"),
        "LEAST": (1 / 8, "chosen: less of the picture is no look at the ground"),
    },
    "geo.coverage.gaps": {
        "BETWEEN": (1.0, "a survey's line that was left out is less than two pictures wide"),
        "ENCLOSED": (2 / 3, "an inner corner of searched ground has 0.56 of its outline"),
        "RIM": (0.25, "chosen: half a picture; rims of turns are narrower"),
        "NARROW": (3, "cells; chosen"),
        "MOST_SHAPES": (200, "chosen: what a person looks at, and a file that is quickly written"),
    },
    "geo.coverage.grid": {
        "TILE": (128, "cells, chosen: a footprint lies in two to four of them"),
        "MOST_TILES": (128, "of 576 KiB: 72 MiB"),
        "MOST_SIDE": (2048, "cells: a look for gaps in so much ground takes a tenth of a second"),
        "MOST_IN_VIEW": (128 * 128, "cells: what bounds the cost of a frame"),
        "CELLS_A_SIDE": (48, "chosen: half a metre of the 27 m that a picture is from 50 m"),
        "WIDEST": (8, "chosen: with wider cells an outline says little"),
        "AWAY_S": (5.0, "as of edge.track.passes"),
    },
    "geo.coverage.search": {
        "SIZES_M": ({"person": 0.8, "animal": 0.9, "vehicle": 2.8}, "m, chosen: a person lying, a deer, a car"),
        "UNKNOWN_M": (0.8, "m, chosen: as of a person"),
        "LEAST_PX": (8.0, "the smallest size of person that was measured: edge/models/hituav-r18/recall.json"),
        "LEAST_FRAMES": (3, "chosen: a track needs two"),
        "LEAST_OF_STILLS": (1, "stills are not followed"),
    },
    "geo.dem": {"SEGMENT_M": (250.0, "the Earth curves 1.2 mm in half of it")},
    "geo.dem_files": {
        "MOST_POSTS": (64 * MIB, "256 MB as float32; a tile of an arc second has 13 million"),
        "VOID": (-32768, "SRTM"),
        "LOWEST_M": (-600.0, "the Dead Sea's shore is at -430"),
        "HIGHEST_M": (9000.0, "Mount Everest is 8849"),
        "SRTM_SIGMA_M": (4.0, "chosen: see the file"),
        "OTHER_SIGMA_M": (4.0, "chosen: see the file"),
    },
    "geo.lenses": {
        "PITCH_UM": (
            {
                ("boson", 640): 12.0,
                ("boson", 320): 12.0,
                ("infiray", 256): 12.0,
                ("lepton", 160): 12.0,
                ("lepton", 80): 17.0,
            },
            "data sheets",
        ),
    },
    "geo.locate": {
        "STEEPEST_DEG": (75.0, "1 degree at 60 m is 16 m there"),
        "HIGHEST_LATITUDE": (89.0, "chosen"),
        "HIGHEST_M": (20_000.0, "chosen: above all aircraft; a pose in millimetres is beyond it"),
    },
    "geo.positions": {"HIGH_BY_LONG": (1.0, "chosen: a deer; benchmarks/ground/position.py shows the others")},
    "geo.track_position": {"LEAST_NOISE_M": (0.01, "chosen: else a frame without noise has a weight without end")},
    "health.ladder": {
        "SURE_S": (3.0, "chosen: three looks"),
        "DOWN_S": (10.0, "chosen: a second of work cools a die in seconds, a heat sink in a minute; see DISK_LEAST"),
        "UP_S": (30.0, "chosen: three times DOWN_S, so that a board near its limit does not swing"),
        "TIMES": (2.0, "chosen: half the work"),
        "EVERY": (3, "chosen: at 9 Hz three searches a second, of tracks that live 1 s unseen"),
    },
    "health.strain": {
        "HEAT_MARGIN": (5.0, "K, chosen: a bench calls 3 K near (NEAR_TRIP), and this is to come first"),
        "HEAT_BACK": (5.0, "K, chosen"),
        "MEMORY_LEAST": (256 * MIB, "chosen: two recorder queues of 42 MB and a video encoder's"),
        "DISK_LEAST": (1_000_000_000, "SURE_S + DOWN_S and some: 30 s of 640x512x2 bytes at 30 Hz are 590 MB"),
        "BACK_TIMES": (2.0, "chosen"),
        "EVENTS_S": (60.0, "chosen"),
        "AGE_S": (1.0, "chosen: at 10 m/s the aircraft is 10 m further"),
        "AGE_TIMES": (4.0, "twice what the newest frame of a slot can be at most: an interval and the work"),
    },
    "health.pace": {
        "NEWEST": (1 / 16, "chosen: as health.scene smooths"),
        "LONGEST": (4.0, "as track.tracker"),
        "MOST_S": (2.0, "chosen: well below the 30 s of a watchdog"),
    },
    "health.fixed": {
        "SHRINK": (4, "px; chosen, with it real flights near hover are quiet"),
        "ALIKE": (0.35, "correlation; chosen with benchmarks/accuracy/health.py"),
        "STRUCTURED": (0.3, "correlation; chosen with benchmarks/accuracy/health.py"),
        "THIN_PX": (5, "px; chosen: strokes of burned-in letters"),
        "THIN": (40, "levels; chosen"),
        "STEADY": (20, "levels; chosen: more than an encoder changes a line"),
        "AT_FIRST": (8, "chosen: text is told soon after the start"),
        "EVERY": (6, "chosen: each look costs time"),
        "WINDOW": (32, "looks; chosen: six seconds at 30 Hz"),
        "LOOKS": ({4, 8, 12, 16, 24, 32}, "looks; chosen: a scene that moves is told early, one that crawls late"),
        "LEAST_PX": (40, "chosen: a few letters have more, moving scenes none"),
        "WHITE": (245, "levels; chosen: saturated"),
        "STARK": (90, "levels; chosen"),
        "LETTERS": (5, "of HIT-UAV's 290 frames none has more than one such piece"),
        "LETTER_PX": (8, "px; chosen"),
        "BASELINE_PX": (3, "px; chosen: one row of letters after an encoder"),
        "SAME_PX": (1.5, "px; chosen"),
        "SAME_SIZE": (0.2, "of its side; chosen"),
        "LEAST_TIMES": (8, "looks; chosen"),
        "MOST_BOXES": (64, "chosen: that are followed at once"),
    },
    "health.polarity": {
        "TIMES": (1.3, "over 8 of HIT-UAV's frames the inverse never has more"),
        "MORE": (1.1, "bodies a look; chosen"),
        "MORE_AT_FIRST": (0.9, "see MORE"),
        "OF_NEWEST": (0.15, "chosen: weight of the newest look"),
        "MOST_BETWEEN": (64, "frames: 1/64 of the engine's time is below 2 %"),
    },
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
    "measure.meter": {
        "RECENT": (100, "results; chosen"),
        "RECENT_LATENCY": (662, "results: what p99 needs, see measure.percentiles"),
    },
    "measure.average_precision": {"ALL": ((0.0, float("inf")), "px^2: every size")},
    "system.cpu": {"PAIR_BITS": (7, "as export.graph.int8.rewrite writes; 2 * 255 * 64 = 32640 fits 16 bits")},
    "system.sampler": {"PERIOD_S": (1.0, "chosen: as often as heat changes")},
    "measure.histogram": {
        "ERROR": (0.001, "docs and report.json promise 0.1 %"),
        "LEAST": (1e-4, "ms: 0.1 us, below the clock's step"),
        "MOST": (1e8, "ms: 28 hours"),
    },
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
    },
    "pose.srt": {
        "MOST_BYTES": (64 * MIB, "an hour at 60 subtitles a second is 50 MB"),
        "MOST_CUE": (4096, "characters; a subtitle has some hundred"),
    },
    "pose.tlog": {
        "MOST_BYTES": (1 << 30, "a day of flight at 10 kB a second"),
        "LONGEST": (300, "bytes; 8 and the longest frame"),
        "FIRST_US": (1_000_000_000_000_000, "2001"),
        "LAST_US": (4_102_444_800_000_000, "2100"),
    },
    "pose.vehicle": {
        "FIX_S": (3.0, "chosen: GPS_RAW_INT comes twice a second"),
        "SAME_DELAY_S": (2.0, "chosen: delays of a real flight's radio change within seconds"),
    },
    "recording.codec": {"LEVEL": (1, "benchmarks/speed/recording.py: level 3 takes twice the time for the same size")},
    "recording.contents": {
        "FORMAT": (1, "kept flights of tests/edge/kept/v1"),
        "MAX_TEXT": (2048, "characters; chosen"),
    },
    "recording.format": {
        "MAX_META": (65536, "bytes; chosen"),
        "MAX_PIXEL_BYTES": (64 * MIB, "two times 4096x4096 counts; chosen"),
        "MAX_PAYLOAD": (65 * MIB, "and what noise grows by"),
    },
    "recording.reader": {"END_WITHIN": (4096, "bytes; chosen: a page")},
    "recording.recorder": {
        "FULL_S": (0.005, "chosen: a sixth of a frame at 30 Hz"),
        "DEPTH": (64, "chosen: 2 s at 30 Hz, 42 MB of 640x512 in 16 bit"),
    },
    "recording.replay": {"LONGEST_WAIT_S": (5.0, "an outage of an hour is not sat out")},
    "recording.writer": {
        "SEGMENT_S": (60.0, "chosen: a lost file costs a minute at most"),
        "SEGMENT_BYTES": (256 * MIB, "FAT takes no file over 4 GiB"),
        "SYNC_S": (0.5, "README: a power cut costs at most the last second"),
        "RESERVE_BYTES": (256 * MIB, "chosen: the detections outlive the recording"),
        "PARTS": (4, "removing one leaves three quarters of the budget"),
        "END_BYTES": (128, "more than an end mark takes"),
    },
    "sim.camera": {"BODY_BLUR_SIGMAS": (1.0, "chosen: how far a body's warmth is seen beyond its outline")},
    "sim.flight": {
        "HOME_LATITUDE": (47.397742, "PX4 SITL's home, Zurich"),
        "HOME_LONGITUDE": (8.545594, "PX4 SITL's home, Zurich"),
        "LINES": (4, "even: the circuit closes"),
        "SIDELAP": (0.25, "chosen, part of the frame's width"),
        "_SHAKE_HZ": ((0.31, 0.83, 2.1), "chosen: body sway, gusts, the motors' beat"),
        "_SWAY_M_PER_DEG": (2.0, "chosen"),
    },
    "sim.ground": {
        "KELVIN_PER_COUNT": (0.01, "FLIR TLinear, high gain"),
        "MAX_PIXELS": (12e6, "24 MB in 16 bit"),
        "TREES_PER_HECTARE": (38, "chosen: a park"),
        "MAX_TREES": (800, "chosen"),
        "CLUTTER_PER_HECTARE": (30, "chosen"),
        "MAX_CLUTTER": (1500, "chosen"),
    },
    "sim.layout": {
        "ROAD_WIDTH_M": (7.0, "chosen: two lanes of 3.5 m"),
        "WALK_WIDTH_M": (2.2, "chosen"),
        "PATH_WIDTH_M": (2.6, "chosen"),
        "DRIVE_WIDTH_M": (6.0, "chosen"),
        "BAY_WIDTH_M": (2.6, "chosen"),
        "BAY_LENGTH_M": (5.2, "chosen"),
    },
    "sim.paint": {
        "MIN_VISIBLE": (0.1, "chosen: less is no truth to hold against a detector"),
        "_REACH_M": (3.0, "m; chosen"),
    },
    "sim.placement": {
        "LYING_SHARE": (0.08, "chosen, of people"),
        "STANDING_SHARE": (0.35, "chosen, of people"),
        "BEDDED_SHARE": (0.2, "chosen, of deer"),
        "GRAZING_SHARE": (0.4, "chosen, of deer"),
        "DRIVING_SHARE": (0.25, "chosen, of cars"),
        "WARM_ENGINE_SHARE": (0.25, "chosen, of parked cars"),
        "SUN_WARM_SHARE": (0.25, "chosen, of parked cars"),
        "BAYS_TAKEN": (0.6, "chosen, of the car park's"),
        "WHERE_PEOPLE_ARE": ({"road": 0.33, "path": 0.17, "lot": 0.15, "grass": 0.35}, "parts of 1; chosen"),
        "GROUP_SIZES": ((1, 1, 1, 2, 2, 3, 4), "chosen"),
    },
    "sim.sensor": {"FFC_STEP_K": (0.15, "K, 1 sigma; chosen")},
    "sim.settings": {
        "MIN_GSD_M": (0.005, "m a pixel; chosen"),
        "MAX_GSD_M": (2.0, "m a pixel; chosen: a car is two pixels"),
        "MIN_DEPRESSION_DEG": (15.0, "chosen: flatter, a flat ground fills the picture with haze"),
    },
    "sim.shapes": {
        "CORE_C": ({"person": 34.0, "deer": 38.0}, "deg C; skin of a clothed person, core of a deer"),
        "STRIDE_M": ({"person": 1.4, "deer": 1.2}, "m; two steps of a person; chosen"),
        "STEPS": (32, "drawings a stride; chosen"),
    },
    "sinks.background": {
        "FULL_S": (0.005, "chosen: a sixth of a frame at 30 Hz"),
        "IDLE_S": (0.25, "with a sink's 0.7 s below the second that is promised"),
    },
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
    },
    "sinks.coverage.picture": {
        "SIDE_PX": (900, "as of the map"),
        "LEAST_PX": (640, "chosen: the legend is as wide"),
    },
    "sinks.tracks.track_file": {"EVERY_S": (10.0, "chosen: what a power cut costs of a map")},
    "sinks.tracks.counts": {
        "EVERY_S": (60.0, "chosen: what a power cut costs of a count"),
        "FOOTPRINT_S": (0.5, "chosen: at 10 m/s ground of 5 m"),
        "SPEEDS": ({"person": 1.0, "animal": 0.3, "vehicle": 0.0}, "m/s, chosen: a walk with its halts, and grazing"),
        "UNKNOWN_SPEED": (0.3, "m/s, chosen: as of an animal"),
    },
    "sinks.tracks.jsonl": {"RESERVE_BYTES": (64 * MIB, "as of the pictures")},
    "sinks.tracks.map": {
        "SIDE_PX": (900, "chosen: fits a screen"),
        "APART_S": (0.2, "chosen: at 10 m/s 2 m of the way"),
    },
    "app.mounting": {
        "EVERY_S": (30.0, "chosen: counts.json is written anew every 60 s"),
        "MOST_TRACKS": (200, "chosen: with 6 sightings each a fit takes less than half a second"),
        "MOST_SIGHTINGS": (6, "chosen: sightings of one pass share their errors"),
        "LEAST_OBJECTS": (10, "chosen: with 6 and 7, and wrong merges among them, a fit was 2 degrees off"),
        "MOST_MOVING": (0.5, "chosen: as many as stand had to be left out where a fit was a degree off"),
        "SURE": (2.0, "standard deviations, chosen"),
    },
    "track.association": {"FAINT_LIMIT": (10.0, "chosen: noise a size and a half beside costs more, see test_tracker")},
    "track.counting": {
        "MANY": (200, "chosen: 500 tracks then take about 2 s of one core"),
        "LEAST_DRAWS": (20, "benchmarks/ground/counting.py measures with as many"),
    },
    "track.herds": {
        "HERD_M": (20.0, "chosen on the first 80 flights of benchmarks/ground/counting.py, of 15, 20, 25 and 40"),
        "WAVES": (16, "chosen: a sum of so many is nearly normal"),
    },
    "track.kalman": {"UNSTEADY": (6.0, "sizes a second in a second, chosen: three times an animal's")},
    "track.book": {
        "VIEWS": (3, "chosen: two could both be bad ones"),
        "APART_S": (0.5, "chosen: neighbours show the same"),
        "CONTEXT": (2.0, "chosen: the object and as much around it"),
        "LEAST_PX": (48, "chosen: a few pixels alone tell nobody anything"),
        "MOST_POSITIONS": (1000, "chosen: 33 s at 30 Hz, and what one object takes of the memory is bounded"),
    },
    "track.follower": {
        "FAINT": (0.4, "chosen: 0.2 where 0.5 is shown"),
        "SQUARE": (0.02, "chosen: 6 px at the side of a picture of 640"),
    },
    "measure.track_lines": {"MAX_BYTES": (256 * MIB, "chosen: half a million tracks of 500 bytes")},
    "measure.read_detections": {"MAX_LINE": (4 * MIB, "thousands of detections in one frame")},
    "sinks.pictures": {"RESERVE_BYTES": (64 * MIB, "chosen: detections of an hour")},
    "sinks.video": {
        "DEFAULT_FPS": (10.0, "chosen: of sources that do not tell theirs"),
        "LONGEST_GAP_S": (5.0, "its docstring: gaps over 5 s are cut short"),
        "RESERVE_BYTES": (64 * MIB, "chosen: detections of an hour"),
        "LOOK_EVERY": (32, "pictures; chosen"),
    },
    "model.onnx_weights": {"MOST_FIELDS": (5_000_000, "chosen: a second or two; a detector's graph has some 10,000")},
    "measure.labelled_frames": {"MOST_BYTES": (1 << 30, "COCO's own largest has 470 MB")},
    "recording.verify": {"MOST_BYTES": (8 << 30, "a million frames with crowds in them")},
    "app.after.hand_over": {"MOST_PICTURE": (16 * MIB, "crops have a few kB")},
    "system.text": {
        "MOST_SHOWN": (4000, "characters; chosen: a longer line was made to be"),
        "SHOWN_END": (1000, "characters; chosen: longer than what is expected, which stands at the end"),
    },
    "system.declared": {
        "SHOWN": (60, "characters; chosen: a message is one line"),
        "MOST_JSON": (64 * MIB, "TensorRT's layers, the largest, have a few MiB"),
    },
}


NEED_A_GPU = {"edge.engine.cuda", "edge.engine.trt"}  # they are read, not imported


def written(module: str, name: str) -> Any:
    """The value of a constant, as it stands in the file."""
    path = Path(__file__).resolve().parents[2] / f"{module.replace('.', '/')}.py"
    found = [
        node.value
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    return ast.literal_eval(found[0])


def rows() -> Iterator[Any]:
    for module, names in LIMITS.items():
        for name, (value, why) in names.items():
            yield pytest.param(f"edge.{module}", name, value, why, id=f"{module}.{name}")


@pytest.mark.parametrize(("module", "name", "value", "why"), list(rows()))
def test_it_is_what_its_reason_says(module: str, name: str, value: Any, why: str) -> None:
    found = written(module, name) if module in NEED_A_GPU else getattr(import_module(module), name)
    assert (set(found) if isinstance(value, set) else found) == value, why


def test_exif_tags_are_those_of_exif_2_32() -> None:
    assert (EXIF_IFD, TAKEN, FRACTION) == (34665, 36867, 37521)


# ---- the order that times keep, so that the one who knows most says why ----


def seconds(*names: str) -> list[float]:
    values = []
    for name in names:
        module, _, constant = name.rpartition(".")
        value = getattr(import_module(f"edge.{module}"), constant)
        values.append(value / 1000 if constant.endswith("_MS") else value)
    return values


@pytest.mark.parametrize(
    "order",
    [
        # a source's own time-out comes first: it says more than "the call does not return"
        ("camera.streams.OPEN_TIMEOUT_MS", "camera.live.timeout.OPEN_S"),
        ("camera.streams.READ_TIMEOUT_MS", "camera.live.timeout.STALL_S"),
        ("camera.v4l2.STALL_S", "camera.live.timeout.STALL_S"),
        ("camera.v4l2.FIRST_FRAME_S", "camera.live.timeout.OPEN_S"),
        # a picture that stands still: a flag, a count, a word to a person, then the camera is opened again
        (
            "camera.live.frozen.RESUMES_S",
            "camera.live.frozen.FROZEN_S",
            "camera.live.frozen.TOLD_S",
            "camera.live.frozen.HUNG_S",
            "system.budget.HUNG_S",
        ),
        # what waits for a slow writer looks more often than the writer is due
        ("recording.recorder.FULL_S", "recording.writer.SYNC_S"),
        ("sinks.background.FULL_S", "sinks.background.IDLE_S"),
        ("system.budget.LOOK_S", "system.budget.STOP_S", "system.budget.HUNG_S"),
        ("camera.live.reconnect.FIRST_DELAY_S", "camera.live.reconnect.LONGEST_DELAY_S"),
        ("camera.live.latest.LOOK_S", "camera.live.latest.JOIN_S", "camera.live.timeout.CLOSE_S"),
    ],
)
def test_times_keep_their_order(order: tuple[str, ...]) -> None:
    found = seconds(*order)
    assert found == sorted(set(found))


def test_what_the_pages_promise_in_seconds() -> None:
    stop, look = seconds("system.budget.STOP_S", "system.budget.LOOK_S")
    assert stop + look < 2  # who asks a run to stop is answered within 2 s
    sync, idle = seconds("recording.writer.SYNC_S", "sinks.background.IDLE_S")
    assert sync + sync / 4 < 1  # a power cut costs at most the last second of a recording
    assert 0.7 + idle < 1  # and of the detections, see edge/sinks/jsonl.py
