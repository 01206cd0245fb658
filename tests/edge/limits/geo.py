"""Limits of `edge/geo`: positions."""

from __future__ import annotations

from typing import Any

MIB = 1024 * 1024

LIMITS: dict[str, dict[str, tuple[Any, str]]] = {
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
    "geo.camera": {
        "EDGE_PX": (1.0, "chosen: edges of boxes are rounded"),
        "FOCAL_MM": ((1.0, 2000.0), "chosen: a Lepton has 1.8 mm, border cameras 1000 mm"),
        "NARROWEST_DEG": (0.3, "chosen: 1400 mm over 640 pixels of 12 um"),
        "PITCH_UM": ((1.0, 100.0), "chosen: thermal pixels are 8 to 51 um"),
        "WIDEST_DEG": (175.0, "chosen: a pinhole camera sees less than 180 degrees"),
    },
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
}
