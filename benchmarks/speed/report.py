"""How long does the report after landing take? Of a flight that this makes: half an hour at 30 frames a second.

    python benchmarks/speed/report.py [--minutes 30] [--fps 30] [--tracks 400] [--flights 1] [--seen 3]
        [--pictured N] [--keep FOLDER]
    python benchmarks/speed/report.py --tracks 1000000 --seen 0.1 --pictured 1000    a flight in which all went wrong

The folder has all files of a live flight over a field: detections with poses, positions and tracks, pictures of each
track, counts, coverage, clock and report. Printed: seconds of the whole command in a process of its own, with Python's
start; the most memory that it took; the size of the page.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import at_least
from edge.geo.wgs84 import metres_a_degree

HOME = 47.397742, 8.545594
BEGAN = datetime(2026, 5, 1, 4, 30, tzinfo=timezone.utc)
CLASSES = ("Deer", "Person", "Car")
LENS = [1117.6, 1117.6, 320.0, 256.0]
HEIGHT_M, SPEED, LINE_M, APART_M = 60.0, 8.0, 400.0, 25.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--tracks", type=at_least(1), default=400)
    parser.add_argument("--flights", type=at_least(1), default=1)
    parser.add_argument("--seen", type=float, default=3.0, help="seconds that an object stays in the picture")
    parser.add_argument("--pictured", type=at_least(1), help="so many tracks have pictures (default: all)")
    parser.add_argument("--keep", type=Path, help="make the flights there, and leave them")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = arguments.keep or Path(name)
        folders = [root / f"flight-{i + 1}" for i in range(arguments.flights)]
        for i, folder in enumerate(folders):
            pictured = arguments.tracks if arguments.pictured is None else arguments.pictured
            make(folder, arguments.minutes * 60, arguments.fps, arguments.tracks, i, arguments.seen, pictured)
        measure(folders, root / "survey")


def measure(folders: list[Path], out: Path) -> None:
    command = [sys.executable, "-m", "edge.commands.main", "report", *map(str, folders), "--out", str(out), "--quiet"]
    begin = time.perf_counter()
    subprocess.run(command, check=True, cwd=Path(__file__).resolve().parents[2])
    took = time.perf_counter() - begin
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = sum(sum(1 for _ in (folder / "detections.jsonl").open("rb")) - 1 for folder in folders)
    tracks = sum(sum(1 for _ in (folder / "tracks.jsonl").open("rb")) for folder in folders)
    page = (out / "report.html").stat().st_size / 1e6
    print(
        f"{len(folders)} flight(s), {lines} frames, {tracks} tracks: {took:.1f} s "
        f"({usage.ru_utime + usage.ru_stime:.1f} s of processor time), {usage.ru_maxrss / 1024:.0f} MiB, "
        f"report.html {page:.1f} MB; {os.cpu_count()} cores"
    )


def make(folder: Path, seconds: float, fps: float, tracks: int, seed: int, seen_s: float, pictured: int) -> None:
    """A flight to and fro over a field; ``tracks`` of objects that stand there, one after the other, each ``seen_s`` in
    the picture; the first ``pictured`` of them have three pictures.
    """
    (folder / "crops").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, 0])
    # the same animals for all flights, found from other places: a second flight over the same ground
    world = np.random.default_rng(7)
    a_latitude, a_longitude = metres_a_degree(HOME[0])
    began = BEGAN + timedelta(minutes=40 * seed)
    frames = int(seconds * fps)
    starts = np.sort(world.uniform(0, max(seconds - seen_s, 1.0), tracks))
    labels = world.choice(3, tracks, p=(0.7, 0.2, 0.1))
    side = world.uniform(-12, 12, tracks)
    found: list[list[int]] = [[] for _ in range(frames)]
    for i, start in enumerate(starts):
        for k in range(int(start * fps), min(int(start * fps) + max(int(seen_s * fps), 1), frames)):
            found[k].append(i)

    def where(t: float) -> tuple[float, float, float]:
        line, along = divmod(t * SPEED, LINE_M)
        back = int(line) % 2
        return (LINE_M - along if back else along), APART_M * (int(line) % 20), 270.0 if back else 90.0

    def place(east: float, north: float) -> tuple[float, float]:
        return round(HOME[0] + north / a_latitude, 7), round(HOME[1] + east / a_longitude, 7)

    first = {"format": 1, "frame": {"width": 640, "height": 512}, "crop": None, "classes": CLASSES, "model": "bench"}
    thresholds = dict.fromkeys(CLASSES, 0.5)
    with (folder / "detections.jsonl").open("w") as out:
        out.write(json.dumps({**first, "thresholds": thresholds}) + "\n")
        for k in range(frames):
            t = k / fps
            east, north, yaw = where(t)
            boxes = []
            for i in found[k]:
                x, y = 320 + side[i] * 18, 512 - 480 * (t - starts[i]) / seen_s
                box = [round(x - 8, 2), round(max(y - 8, 0), 2), round(x + 8, 2), round(y + 8, 2)]
                spot = place(east + rng.normal(0, 1), north + side[i] + rng.normal(0, 1))
                boxes.append(
                    {
                        "box": box, "score": round(rng.uniform(0.6, 0.99), 4), "label": int(labels[i]),
                        "class": CLASSES[labels[i]], "track": i + 1, "position": [*spot, 1.5],
                    }
                )  # fmt: skip
            pose = [*place(east, north), HEIGHT_M, yaw, -90.0, 0.0]
            flags = ["ffc"] if k % int(fps * 180) < 3 else []
            line = {
                "seq": k + k // 900,
                "t": 1000.0 + t,
                "utc": None,
                "flags": flags,
                "pose": pose,
                "detections": boxes,
            }
            out.write(json.dumps(line if not flags else {**line, "inferred": False}) + "\n")
    write_tracks(
        folder, rng, starts, labels, fps, lambda i, t: place(where(t)[0], where(t)[1] + side[i]), seen_s, pictured
    )
    (folder / "report.json").write_text(json.dumps(report_of(began, seconds, fps)))
    moment = {**moment_of(began), "jump_s": None}
    (folder / "clock.jsonl").write_text(json.dumps(moment) + "\n")
    (folder / "counts.json").write_text(json.dumps(counts_of(labels)))


def write_tracks(
    folder: Path,
    rng: np.random.Generator,
    starts: np.ndarray,
    labels: np.ndarray,
    fps: float,
    place: Callable[[int, float], tuple[float, float]],
    seen_s: float,
    pictured: int,
) -> None:
    picture = np.zeros((48, 48), np.uint8)
    with (folder / "tracks.jsonl").open("w") as out:
        for i, start in enumerate(starts.tolist()):
            crops = []
            for n in range(1, 4) if i < pictured else ():
                picture[:] = rng.normal(70, 8, picture.shape)
                cv2.ellipse(picture, (24, 24), (9, 5), float(rng.uniform(0, 180)), 0, 360, 230, -1)
                crops.append(f"crops/{i + 1:06d}-{n}.png")
                cv2.imwrite(str(folder / crops[-1]), picture)
            lat, lon = place(i, start + seen_s / 2)
            line = {
                "track": i + 1, "label": int(labels[i]), "class": CLASSES[labels[i]], "first_seq": int(start * fps),
                "last_seq": int((start + seen_s) * fps), "first_t": 1000 + start, "last_t": 1000 + start + seen_s,
                "first_utc": None, "last_utc": None, "frames": max(int(seen_s * fps), 1),
                "score": round(rng.uniform(0.7, 0.99), 4), "best_seq": int(start * fps), "box": [300, 200, 316, 216],
                "origin": None, "celsius": [12.0, 18.0, 26.5],
                "position": {"lat": lat, "lon": lon, "sigma_m": 1.5}, "crops": crops,
            }  # fmt: skip
            out.write(json.dumps(line) + "\n")


def moment_of(began: datetime) -> dict[str, object]:
    return {"t": 1000.0, "utc": began.isoformat(timespec="milliseconds"), "state": "synchronised", "by": "system"}


def report_of(began: datetime, seconds: float, fps: float) -> dict[str, object]:
    moment, frames = moment_of(began), int(seconds * fps)
    steps = [
        {
            "t": 1000 + seconds * part, "utc": began.isoformat(), "step": "lower rate", "begins": begins,
            "because": "heat", "value": 96.0, "limit": 95.0,
        }
        for part, begins in ((0.5, True), (0.6, False))
    ]  # fmt: skip
    first = {"seq": 9000, "t": 1000 + seconds / 3, "utc": None}
    return {
        "frames": frames, "fps": fps, "dropped": frames // 900, "duplicates": 0, "lost": 0, "ended": "stopped",
        "position": {
            "placed": 1, "refused": {}, "camera": "a lens", "intrinsics": LENS,
            "ground": "level, 0 m above that below the camera", "assumed": [],
        },
        "clock": {"first": moment, "last": moment, "jumps": 0, "largest_jump_s": None, "error": None},
        "health": {"low_contrast": {"frames": 200, "times": 2, "first": first}},
        "degraded": {"steps": steps, "more": 0, "seconds": {"lower rate": seconds / 10}, "frames_between": 0},
        "model": "bench", "model_files": {"model.onnx": "0" * 64}, "started": began.isoformat(),
        "thresholds": dict.fromkeys(CLASSES, 0.5), "seconds": seconds,
    }  # fmt: skip


def counts_of(labels: np.ndarray) -> dict[str, object]:
    counts = {}
    for label, name in enumerate(CLASSES):
        animals = [[int(i) + 1] for i in np.flatnonzero(labels == label)]
        n, spread = len(animals), math.ceil(len(animals) / 10)
        counts[name] = {
            "tracks": n, "count": n, "low": n - spread, "high": n + spread, "level": 0.9,
            "method": "made for this benchmark", "animals": animals,
        }  # fmt: skip
    return counts


if __name__ == "__main__":
    main()
