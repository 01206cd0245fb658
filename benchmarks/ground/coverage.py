"""Whether the map of searched ground is right, what it costs, and what the probability of detection rests on.

python benchmarks/ground/coverage.py [repeats]

**Truth.** Flights over level ground with a 640x512 camera of 13.5 mm. The truth is drawn apart from the map: each
frame's true footprint, filled in cells of 5 cm. ``both``: square metres that map and truth have in common, of those
that either has. ``gap``: ground that was left out on purpose, as the truth has it and as the map says it, and how many
metres the two are apart where that is spread over the gap's outline; beside it the side of the map's cells.

**Cost.** Milliseconds of a thread for one frame (half and 99 of 100; every fifth is looked at for contrast), for
one look for gaps, and the memory of the cells. Both repeated, the fastest round is printed: other programs make a round
slower, never faster.

**Recall.** What the bundled model finds of persons, by size, and of each class by contrast: ``recall.json``, with
the 95 % interval (Wilson) of each.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import number_of, run
from benchmarks.ground.flights import CAMERA
from edge.app.settings import MODEL
from edge.data import Detections, Frame, Pose, Result
from edge.geo.coverage.coverage import Coverage
from edge.geo.coverage.gaps import parts_of
from edge.geo.coverage.search import Search
from edge.geo.locate import locate
from edge.geo.wgs84 import metres_a_degree, wrapped
from edge.model.bundle import Bundle
from edge.model.recall import FILE, RecallJson, read_recall

WIDTH, HEIGHT = CAMERA.width, CAMERA.height
FINE_M = 0.05
PIXELS = np.zeros((HEIGHT, WIDTH), np.uint8)
SEARCH = Search("Person", 0.8, 8.0, 1)
ROWS = {  # home; lines, metres to the east; pitch, height
    "nadir, 60 m": ((47.4, 8.5), (0, 25, 50, 75), -90.0, 60.0),
    "nadir, 60 m, a line left out": ((47.4, 8.5), (0, 25, 75, 100), -90.0, 60.0),
    "60 deg down, 60 m": ((47.4, 8.5), (0, 25, 50, 75), -60.0, 60.0),
    "nadir, 90 m, southern hemisphere, a line left out": ((-35.3, 149.1), (0, 38, 114, 152), -90.0, 90.0),
    "nadir, 60 m, across the 180th meridian, a line left out": ((64.0, 179.999), (0, 25, 75, 100), -90.0, 60.0),
}
SPEED, FPS, LENGTH = 8.0, 10.0, 160.0


def poses(row: str) -> Iterator[tuple[float, Pose]]:
    """Lines to the north and back."""
    home, easts, pitch, height = ROWS[row]
    a_latitude, a_longitude = metres_a_degree(home[0])
    t = 0.0
    for i, east in enumerate(easts):
        for along in np.arange(0, LENGTH, SPEED / FPS):
            north, yaw = (along, 0.0) if i % 2 == 0 else (LENGTH - along, 180.0)
            place = home[0] + north / a_latitude, float(wrapped(home[1] + east / a_longitude))
            yield t, Pose(*place, height, yaw, pitch)
            t += 1 / FPS
        t += 8.0


def results(row: str) -> list[Result]:
    corners = [(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)]
    return [
        Result(
            frame=Frame(PIXELS, seq, t, pose=pose),
            detections=Detections.none(WIDTH, HEIGHT),
            t_result=t,
            picture=PIXELS,
            t_source=t,
            footprint=locate(corners, CAMERA, pose)[:, :2],
        )
        for seq, (t, pose) in enumerate(poses(row))
    ]


def truth(row: str, coverage: Coverage) -> tuple[float, float]:
    """Part that map and truth have in common, and square metres of the gap by the truth (its bare part between the
    lines).
    """
    local, cell = coverage.local, coverage.grid.cell_m
    assert local is not None
    (part,) = parts_of(coverage.grid, coverage.search)
    times = round(cell / FINE_M)
    seen = np.zeros([n * times for n in part.states.shape], np.uint8)
    for one in results(row):
        assert one.footprint is not None
        fine = (local.metres(one.footprint) / cell - (part.column, part.row)) * times
        cv2.fillConvexPoly(seen, np.rint(fine * 256 - 128).astype(np.int32), (1,), cv2.LINE_8, 8)
    mapped = np.repeat(np.repeat(part.states > 0, times, 0), times, 1)
    both = np.count_nonzero(mapped & (seen > 0)) / np.count_nonzero(mapped | (seen > 0))
    rows = np.flatnonzero(seen.any(1))
    inner = seen[rows[0] : rows[-1] + 1]
    columns = np.flatnonzero(inner.any(0))
    bare = inner[:, columns[0] : columns[-1] + 1] == 0
    wide = bare.all(0)  # between two lines nobody sees anything
    return both, float(np.count_nonzero(wide)) * bare.shape[0] * FINE_M**2


def show_truth() -> None:
    print("truth: cell m, in common %, gap of the truth m2, gap of the map m2, apart m")
    for row in ROWS:
        coverage = Coverage(SEARCH, None, (WIDTH, HEIGHT))
        for one in results(row):
            coverage.add(one)
        found = coverage.look_through().findings
        both, gap = truth(row, coverage)
        said = f"  {row}: {coverage.grid.cell_m:g}, {100 * both:.2f}, {gap:.0f}, {found.gap_m2:.0f}"
        if gap:
            outline = 2 * (LENGTH + gap / LENGTH)
            said += f", {abs(found.gap_m2 - gap) / outline:.2f}"
        print(f"{said} ({len(found.gaps)} gap{'s' * (len(found.gaps) != 1)})")


def show_cost(repeats: int) -> None:
    row = "nadir, 60 m, a line left out"
    flight = results(row)
    recall = read_recall(bundle := Bundle.load(MODEL), SEARCH.name, bundle.thresholds[SEARCH.name])
    noise = np.random.default_rng(1).integers(90, 110, PIXELS.shape).astype(np.uint8)
    flight = [replace(one, picture=noise) for one in flight]
    frames, looks, coverage = [], [], None
    for _ in range(repeats):
        coverage = Coverage(SEARCH, recall, (WIDTH, HEIGHT))
        taken = []
        for one in flight:
            begin = time.thread_time()
            coverage.add(one)
            taken.append(1e3 * (time.thread_time() - begin))
        frames.append(np.percentile(taken, [50, 99]))
        begin = time.thread_time()
        coverage.look_through()
        looks.append(1e3 * (time.thread_time() - begin))
    assert coverage is not None
    half, most = np.array(frames).min(0)
    tiles = coverage.grid.tiles
    print(f"cost: a frame {half:.2f} ms (half), {most:.2f} ms (99 of 100), over {len(flight)} frames")
    print(f"  a look for gaps in {coverage.state.findings.seen_m2 / 1e4:.1f} ha: {min(looks):.0f} ms")
    print(f"  cells: {len(tiles)} tiles, {sum(tile.nbytes for tile in tiles.values()) / 2**20:.1f} MiB")


def show_recall() -> None:
    bundle = Bundle.load(MODEL)
    table = msgspec.json.decode((bundle.path / FILE).read_bytes(), type=RecallJson)
    at = min(i for i, score in enumerate(table.scores) if score >= bundle.thresholds[SEARCH.name] - 1e-9)
    print(
        f"recall of Person on {table.frames} frames of {table.labels}, score {table.scores[at]:g}: px, of, part, 95 %"
    )
    one = table.classes["Person"]
    for low, high, n, found in zip(table.edges_px, table.edges_px[1:], one.boxes, one.found, strict=False):
        if n:
            a, b = wilson(found[at], n)
            print(f"  {low:g} to {high:g}: {n}, {found[at] / n:.2f}, {a:.2f} to {b:.2f}")
    for name, each in table.classes.items():
        if (more := each.by_contrast) is None:
            continue
        print(f"{name} by contrast (stands out by {more.grey:g} grey levels, the median): from, of, part, 95 %")
        for i, low in enumerate(table.contrasts):
            n, hits = sum(row[i] for row in more.boxes), sum(row[i][at] for row in more.found)
            if n:
                a, b = wilson(hits, n)
                print(f"  {low:g}: {n}, {hits / n:.2f}, {a:.2f} to {b:.2f}")


def wilson(found: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a part."""
    part = found / n
    middle = part + z * z / (2 * n)
    half = z * math.sqrt(part * (1 - part) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def main() -> None:
    repeats = number_of("repeats", 5)
    show_truth()
    show_cost(repeats)
    show_recall()


if __name__ == "__main__":
    run(main)
