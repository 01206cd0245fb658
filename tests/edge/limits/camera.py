"""Limits of `edge/camera`: sources."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

MIB = 1024 * 1024

LIMITS: dict[str, dict[str, tuple[Any, str]]] = {
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
    "camera.decode.misread": {
        "ALIKE": (
            16.0,
            "levels: 1 or 2 in 8-bit frames read as 16 bits, 30 and more in real counts",
        ),
        "FEWEST": (8, "chosen: counts of a scene have 1 to 15 high bytes, 8-bit frames 170"),
        "SEEN": (16, "pixels; chosen: a mean of so many"),
        "MOSTLY": (0.75, "0 in counts, 1 in 8-bit frames"),
        "APART": (
            100.0,
            "times: at most 1 in counts, 12,000 in float temperatures, 26 in columns with an offset of 150",
        ),
    },
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
    "camera.images.files": {"MOST_LOOKED": (1000, "chosen: a fifth of a second; a camera's folder has 999 pictures")},
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
        "TALL": (4, "chosen: sensors are wider than high; a phone's picture is 2.2 times as high as wide"),
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
}
