"""Limits of `edge/health`: health and the degrade ladder."""

from __future__ import annotations

from typing import Any

MIB = 1024 * 1024

LIMITS: dict[str, dict[str, tuple[Any, str]]] = {
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
    "health.inversion": {
        "PX": (3264, "64x51: 640x512 in blocks of 10x10 px; chosen"),
        "LEAST_PX": (1800, "48x38; HIT-UAV's frames in smaller ones are like another's negative by chance"),
        "LEAST_SIDE": (20, "px; chosen"),
        "SHADE": (9, "px; chosen: with 15 more of HIT-UAV's frames are like another's negative"),
        "FAINT": (0.05, "levels; chosen"),
        "MOVED": (0.2, "of a side; chosen: 0.25 took frames of HIT-UAV for negatives, 0.15 missed more of the clip"),
        "ALIKE": (0.65, "correlation; of HIT-UAV's frames in order 0.52 at most are like a negative, 0.62 of crops"),
        "RATHER": (0.2, "correlation; chosen: skies and rows are like themselves and like their negative"),
        "BACK": (3, "chosen: two pictures in between may show nothing"),
    },
    "health.polarity": {
        "TIMES": (1.3, "over 8 of HIT-UAV's frames the inverse never has more"),
        "MORE": (1.1, "bodies a look; chosen"),
        "MORE_AT_FIRST": (0.9, "see MORE"),
        "OF_NEWEST": (0.15, "chosen: weight of the newest look"),
        "MOST_BETWEEN": (64, "frames: 1/64 of the engine's time is below 2 %"),
        "IN_DOUBT": (16, "frames; chosen: with 3 three times as many flights of HIT-UAV's frames looked black-hot"),
        "AT_FIRST": (4, "frames, each of which is looked at; chosen"),
    },
}
