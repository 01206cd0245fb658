"""How near the simulated frames of wild ground are to real ones: grey levels, sharpness, contrast, size.

python benchmarks/accuracy/simulated_animals.py [--frames 150] [--seed 900] [--real DIR] [--sheet FILE.jpg]

DIR is ../shared/data: animals/ holds eleven 8-bit frames of one real flight (MIT, BAMBI project), whose 40 red deer
`real_animals.json` labels, hituav/val frames with people (CC BY 4.0). Real frames are only looked at.
Without DIR nothing is compared, and the reason is printed. ``--sheet`` writes real and simulated frames side by side.

The enlarged frames of animals/ are brought back to 640x512. All figures are of 8-bit grey; every box is measured in the
same way: a body's level is the 95th percentile inside its box, or the 5th where that is farther from the ground, the
ground is what lies within 8 px around the box. Spread is 1.4826 times the median absolute difference to the median.
Length and width are those of the largest part that is farther from the ground than half of the level, after a blur of
0.75 px: four standard deviations along its axes, which for an ellipse are these.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import at_least
from edge.sim.wild.frame import make_frame
from edge.sim.wild.seen import ANIMAL_ROOM, LABEL_MARGIN_PX

Grey = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float64]
Rows = dict[str, list[float]]

ROOT = Path(__file__).resolve().parents[2]
LABELS = Path(__file__).with_name("real_animals.json")
SQUARE, SCALE, TOP = 1024, 0.625, 64  # of the enlarged frames; the rows of the frame in them
RING, BLOCK = 8, 32
OF_FRAME = (
    "grey mean",
    "grey spread (std)",
    "spread within 32 px",
    "noise (grey levels)",
    "sharpness (Laplacian / spread)",
    "slope of power spectrum",
)
OF_BODY = (
    "body minus ground (grey levels)",
    "body minus ground (spreads)",
    "longer side (px)",
    "shorter side (px)",
    "length of a body / its width",
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=at_least(1), default=150, help="how many frames to simulate")
    parser.add_argument("--seed", type=at_least(0), default=900)
    parser.add_argument("--real", type=Path, default=ROOT.parent / "shared" / "data", metavar="DIR")
    parser.add_argument("--sheet", type=Path, metavar="FILE.jpg")
    asked = parser.parse_args(arguments)
    if not (asked.real / "animals").is_dir():
        print(f"skipped: {asked.real / 'animals'} is not there: the real frames to compare with; give --real DIR")
        return 0
    start = time.process_time()
    simulated = list(simulated_frames(asked.frames, asked.seed))
    took = (time.process_time() - start) / max(1, asked.frames)
    real = list(real_frames(asked.real / "animals"))
    people = list(hituav_frames(asked.real / "hituav"))
    print(f"{len(real)} real frames, {len(people)} of HIT-UAV val (night, people), {len(simulated)} simulated")
    print(f"a simulated frame: {took:.2f} s of processor time\n")
    print(
        f"{'':<34}{'real: min  median  max':>26}{'HIT-UAV: p5  median  p95':>28}"
        f"{'simulated: p5  median  p95':>30}  inside"
    )
    tables = [figures(frames) for frames in (real, people, simulated)]
    for name in (*OF_FRAME, *OF_BODY):
        cells = [
            np.percentile([v for v in t[name] if np.isfinite(v)] or [np.nan], q)
            for t, q in zip(tables, ((0, 50, 100), (5, 50, 95), (5, 50, 95)), strict=True)
        ]
        texts = ["".join(f"{v:8.2f}" for v in cell) for cell in cells]
        inside = cells[2][0] <= cells[0][1] <= cells[2][2]
        print(f"{name:<34}{texts[0]:>26}{texts[1]:>28}{texts[2]:>30}  {'yes' if inside else 'NO'}")
    print(f"\nlabels of people {room(people, 50)}, of the deer {room(real, 12)};")
    print(f"the simulator's have {LABEL_MARGIN_PX:g} px, half the blur, and of animals {ANIMAL_ROOM:g} of the side")
    if asked.sheet:
        write_sheet(asked.sheet, real, simulated)
    return 0


def simulated_frames(count: int, seed: int) -> Iterator[tuple[Grey, Boxes]]:
    """8-bit frames and the boxes of the animals that are to be found."""
    for index in range(count):
        frame = make_frame(seed, index, 1.0)
        pixels = frame.pixels.astype(np.uint8)
        boxes = np.array([b.box for b in frame.bodies if b.name == "animal" and b.found_by_eye]).reshape(-1, 4)
        yield small(pixels, boxes) if pixels.shape[0] == SQUARE else (pixels, boxes)


def real_frames(folder: Path) -> Iterator[tuple[Grey, Boxes]]:
    """Frames of the real flight and the boxes of their deer."""
    coco = json.loads(LABELS.read_text())
    names = {image["id"]: image["file_name"] for image in coco["images"]}
    for path in sorted(folder.glob("*.jpg")):
        found = [a["bbox"] for a in coco["annotations"] if names[a["image_id"]] == path.name]
        boxes = np.array(found, np.float64).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        yield small(np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8), boxes)


def hituav_frames(folder: Path, most: int = 60) -> Iterator[tuple[Grey, Boxes]]:
    """Night frames of HIT-UAV's val part with people, and their boxes."""
    labels = folder / "annotations" / "val.json"
    if not labels.exists():
        return
    coco = json.loads(labels.read_text())
    night = [image for image in coco["images"] if image["filename"].startswith("1_")]
    for image in night[:: max(1, len(night) // most)]:
        found = [a["bbox"] for a in coco["annotation"] if a["image_id"] == image["id"] and a["category_id"] == 0]
        boxes = np.array(found, np.float64).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        yield np.asarray(cv2.imread(str(folder / "val" / image["filename"]), cv2.IMREAD_GRAYSCALE), np.uint8), boxes


def small(pixels: Grey, boxes: Boxes) -> tuple[Grey, Boxes]:
    """A frame that was enlarged to a square, at its own 640x512."""
    shrunk = cv2.resize(pixels, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_AREA)[TOP : TOP + 512]
    return np.asarray(shrunk, np.uint8), boxes * SCALE - np.array([0, TOP, 0, TOP])


def figures(frames: Sequence[tuple[Grey, Boxes]]) -> Rows:
    """Every figure of every frame and body by name."""
    rows: Rows = {name: [] for name in (*OF_FRAME, *OF_BODY)}
    for pixels, boxes in frames:
        for name, value in zip(OF_FRAME, of_frame(pixels), strict=True):
            rows[name].append(value)
        for box in boxes:
            for name, value in zip(OF_BODY, of_body(pixels, box), strict=True):
                rows[name].append(value)
    return rows


def of_frame(pixels: Grey) -> tuple[float, ...]:
    """The figures of `OF_FRAME`; black edges are left out."""
    grey = pixels.astype(np.float64)[16:-16, 32:-32]
    cells = grey[: grey.shape[0] // BLOCK * BLOCK, : grey.shape[1] // BLOCK * BLOCK]
    cells = cells.reshape(grey.shape[0] // BLOCK, BLOCK, -1, BLOCK).transpose(0, 2, 1, 3).reshape(-1, BLOCK * BLOCK)
    within = float(np.median(cells.std(axis=1)))
    # what a plane and a slope do not explain, of 3x3 px (Immerkaer 1996)
    second = cv2.filter2D(grey, -1, np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float64))
    noise = float(np.sqrt(np.pi / 2) / 6 * np.abs(second[1:-1, 1:-1]).mean())
    sharp = float(cv2.Laplacian(grey, cv2.CV_64F).std() / max(grey.std(), 0.1))
    return float(grey.mean()), float(grey.std()), within, noise, sharp, slope(grey)


def slope(grey: npt.NDArray[np.float64]) -> float:
    """Exponent of power against frequency, 0.02 to 0.25 cycles a pixel."""
    side = 448
    part = grey[:side, :side] - grey[:side, :side].mean()
    window = np.hanning(side)
    power = np.abs(np.fft.rfft2(part * window[:, None] * window)) ** 2
    f = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    edges = np.geomspace(0.02, 0.25, 13)
    middle = np.sqrt(edges[1:] * edges[:-1])
    means = [power[(f >= a) & (f < b)].mean() + 1e-6 for a, b in pairwise(edges)]
    return float(np.polyfit(np.log(middle), np.log(means), 1)[0])


def of_body(pixels: Grey, box: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """The figures of `OF_BODY`."""
    ring, inside = around(pixels, box)
    ground = float(np.median(ring))
    spread = 1.4826 * float(np.median(np.abs(ring - ground))) + 0.5
    ends = np.percentile(inside, (5, 95)) - ground
    level = float(ends[np.abs(ends).argmax()])
    sides = sorted((box[2:] - box[:2]).tolist())
    return level, level / spread, sides[1], sides[0], slenderness(pixels, box, ground, level)


def slenderness(pixels: Grey, box: npt.NDArray[np.float64], ground: float, level: float) -> float:
    """Length of a body over its width; NaN where less than 12 px stand out."""
    h, w = pixels.shape
    x1, y1, x2, y2 = np.round(box).astype(int).clip(0, (w, h, w, h)).tolist()
    inside = cv2.GaussianBlur(pixels, (0, 0), 0.75)[y1:y2, x1:x2].astype(np.float64) - ground
    count, marks, stats, _ = cv2.connectedComponentsWithStats((inside / (level or 1.0) > 0.5).astype(np.uint8))
    if count < 2 or stats[1:, cv2.CC_STAT_AREA].max() < 12:
        return float("nan")
    places = np.nonzero(marks == 1 + stats[1:, cv2.CC_STAT_AREA].argmax())
    narrow, along = np.sqrt(np.linalg.eigvalsh(np.cov(np.stack(places))))
    return float(along / max(narrow, 0.25))


def around(pixels: Grey, box: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Grey levels around a box, without black edges, and inside."""
    h, w = pixels.shape
    x1, y1, x2, y2 = np.round(box).astype(int).clip(0, (w, h, w, h)).tolist()
    x2, y2 = max(x2, x1 + 1), max(y2, y1 + 1)
    whole = pixels[max(0, y1 - RING) : y2 + RING, max(0, x1 - RING) : x2 + RING].astype(np.float64)
    out = np.ones(whole.shape, bool)
    top, left = y1 - max(0, y1 - RING), x1 - max(0, x1 - RING)
    out[top : top + y2 - y1, left : left + x2 - x1] = False
    ring = whole[out & (whole > 3)]
    return (ring if ring.size else whole.ravel()), pixels[y1:y2, x1:x2].astype(np.float64).ravel()


def room(frames: Sequence[tuple[Grey, Boxes]], least: float) -> str:
    """How far labels reach beyond where brightness has fallen to half; of bodies ``least`` levels warmer."""
    found = []
    for pixels, boxes in frames:
        for box in boxes:
            x1, y1, x2, y2 = np.round(box).astype(int).tolist()
            ring, inside = around(pixels, box)
            peak, ground = float(np.percentile(inside, 97)), float(np.median(ring))
            if peak - ground < least or min(x1, y1) < 8 or x2 > 632 or y2 > 504:
                continue
            warm = (pixels[y1 - 6 : y2 + 6, x1 - 6 : x2 + 6] > (peak + ground) / 2).astype(np.uint8)
            count, marks, stats, _ = cv2.connectedComponentsWithStats(warm)
            middle = marks[warm.shape[0] // 2, warm.shape[1] // 2]
            if count < 2 or not middle:
                continue
            left, top, wide, high, _ = stats[middle].tolist()
            if left and top and left + wide < warm.shape[1] and top + high < warm.shape[0]:
                found += [left - 6, top - 6, x2 - x1 + 6 - left - wide, y2 - y1 + 6 - top - high]
    if not found:
        return "are not there"
    return f"leave {np.median(found):.1f} px on each side of half brightness (median of {len(found) // 4} bodies)"


def write_sheet(path: Path, real: Sequence[tuple[Grey, Boxes]], simulated: Sequence[tuple[Grey, Boxes]]) -> None:
    """Two real frames, then ten simulated ones with animals, their boxes drawn; at most about 200 kB."""
    most = sorted(real, key=lambda frame: len(frame[1]))[-1:]
    chosen = [*most, *[f for f in real if not len(f[1])][-1:], *[f for f in simulated if len(f[1])][:10]]
    tiles = []
    for pixels, boxes in chosen:
        tile = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
        for x1, y1, x2, y2 in np.round(boxes).astype(int).tolist():
            cv2.rectangle(tile, (x1 - 1, y1 - 1), (x2 + 1, y2 + 1), (80, 220, 80), 1)
        tiles.append(cv2.resize(tile, (400, 320), interpolation=cv2.INTER_AREA))
    rows = [np.hstack(tiles[i : i + 3]) for i in range(0, len(tiles) // 3 * 3, 3)]
    cv2.imwrite(str(path), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 72])
    print(f"{path}: the first two frames are real")


if __name__ == "__main__":
    sys.exit(main())
