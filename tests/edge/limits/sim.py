"""Limits of `edge/sim`: the simulated flight."""

from __future__ import annotations

from typing import Any

LIMITS: dict[str, dict[str, tuple[Any, str]]] = {
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
}
