"""How right proposed boxes are, by where they come from: the detector, a track's faint detections, filled in, flickers.

    edge-export data propose CLIP.avi --out out/proposals
    python benchmarks/accuracy/proposals.py out/proposals/proposals.json ANNOTATIONS.json
    python benchmarks/accuracy/proposals.py --simulated 60

ANNOTATIONS as benchmarks/accuracy/clip.py has them, frames in the order of the clip. A box is right where it lies on
a labelled object of its class with IoU 0.5 or more, one box an object, sure detections first. DontCare counts neither
way.

--simulated N: no model, but the true boxes of a simulated flight of N frames, 6 a second, as detections: of each box a
sixth is missed, a sixth is faint, corners err by 0.5 px (one sigma), and each frame has two sure and four faint boxes
where nothing is. What tracks make of them is judged by the truth.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import at_least, read_json, run
from edge.data import Detections, Result
from edge.measure.matching import iou, match
from edge.model.normalisers import Normalisers
from edge.sim.camera import Simulator
from edge.sim.settings import SimulatorSettings
from export.data.assist.links import Links
from export.data.assist.proposals import proposed

KINDS = ("detector", "flicker", "faint, of a track", "filled in")


def kind_of(box: Mapping[str, Any]) -> str:
    """One of `KINDS`."""
    if box["source"] == "detector":
        return "flicker" if box.get("flicker") else "detector"
    return "filled in" if box.get("interpolated") else "faint, of a track"


def counted(content: Mapping[str, Any], truth: Mapping[str, Any], least: float = 0.5) -> tuple[Counter[Any], int]:
    """How many boxes are right and wrong, by (kind, whether right); and how many objects there are in the frames."""
    names = {category["id"]: category["name"] for category in content["categories"]}
    known = {category["id"]: category["name"] for category in truth["categories"]}
    counts: Counter[Any] = Counter()
    there = 0
    for image in content["images"]:
        number = int(re.findall(r"\d+", Path(image["file_name"]).stem)[-1])
        objects = truth["frames"][number]["objects"]
        ignored = np.array([known[o["category_id"]] == "DontCare" for o in objects], bool)
        there += int((~ignored).sum())
        rows = [box for box in content["annotations"] if box["image_id"] == image["id"]]
        rows.sort(key=lambda box: (KINDS.index(kind_of(box)), -box["score"]))
        overlaps = iou(_corners([b["bbox"] for b in rows]), _corners([o["bbox_xywh"] for o in objects]))
        same = np.array(
            [[i or names[b["category_id"]] == known[o["category_id"]] for o, i in zip(objects, ignored, strict=True)]
             for b in rows], bool
        ).reshape(len(rows), len(objects))  # fmt: skip
        for box, partner in zip(rows, match(overlaps, least, allowed=same, preferred=~ignored), strict=True):
            if partner < 0 or not ignored[partner]:
                counts[kind_of(box), bool(partner >= 0)] += 1
    return counts, there


def simulated(frames: int, seed: int = 7) -> tuple[dict[str, Any], dict[str, Any]]:
    """Proposals and truth of a simulated flight, as `counted` takes them; see the head of this file."""
    rng = np.random.default_rng(seed)
    links, lowest, there = Links(0.5), 0.5, []
    settings = SimulatorSettings(frames=frames, fps=6.0, live=0, seed=seed)
    with Simulator(settings) as camera:
        for frame in iter(camera.read, None):
            truth = frame.truth
            seen = truth.visible >= 0.5
            there.append({"objects": [
                {"category_id": int(not kept), "bbox_xywh": [x1, y1, x2 - x1, y2 - y1]}
                for (x1, y1, x2, y2), kept in zip(truth.boxes.tolist(), seen, strict=True)
            ]})  # fmt: skip
            luck = rng.random(len(truth.boxes))
            boxes = truth.boxes + rng.normal(0, 0.5, truth.boxes.shape)
            corner = rng.uniform((0, 0), (600, 470), (6, 2))
            boxes = np.concatenate((boxes[seen & (luck > 1 / 6)], np.concatenate((corner, corner + 14), axis=1)))
            faint = np.concatenate((luck[seen & (luck > 1 / 6)] < 1 / 3, np.arange(6) >= 2))
            inside = np.asarray(boxes.clip(0, np.tile((frame.width, frame.height), 2)), np.float32)
            good = (inside[:, 2:] > inside[:, :2]).all(axis=1)
            scores = np.where(faint, 0.3, 0.8).astype(np.float32)[good]
            found = Detections(inside[good], scores, np.zeros(len(scores), np.int32), frame.width, frame.height)
            picture = Normalisers().grey(frame.pixels, frame.temperature)
            links.add(Result(frame=frame, detections=found, t_result=0.0, picture=picture, t_source=frame.seq / 6))
    content: dict[str, Any] = {"categories": [{"id": 0, "name": "body"}], "images": [], "annotations": []}
    for number, one in enumerate(proposed(links.steps, lowest)):
        content["images"].append({"id": number, "file_name": f"{number}.png"})
        for p in one.boxes:
            x1, y1, x2, y2 = p.box
            content["annotations"].append(
                {"image_id": number, "category_id": 0, "bbox": [x1, y1, x2 - x1, y2 - y1], "score": p.score,
                 "source": p.source, "interpolated": p.interpolated, "flicker": p.flicker}
            )  # fmt: skip
    return content, {"categories": [{"id": 0, "name": "body"}, {"id": 1, "name": "DontCare"}], "frames": there}


def _corners(rows: Sequence[Sequence[float]]) -> Any:
    xywh = np.array(rows, np.float32).reshape(-1, 4)
    return np.concatenate((xywh[:, :2], xywh[:, :2] + xywh[:, 2:]), axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE", help="proposals.json and ANNOTATIONS")
    parser.add_argument("--simulated", type=at_least(1), metavar="N", help="true boxes of a simulated flight instead")
    asked = parser.parse_args()
    if len(asked.files) != (0 if asked.simulated else 2):
        parser.error("expected proposals.json and ANNOTATIONS, or --simulated N")
    if asked.simulated:
        content, truth = simulated(asked.simulated)
    else:
        content = read_json(asked.files[0], "categories", "images", "annotations")
        truth = read_json(asked.files[1], "categories", "frames")
    counts, there = counted(content, truth)
    print(f"{len(content['images'])} frames, {there} objects, IoU 0.5")
    print(f"{'proposed by':<20}{'right':>7}{'wrong':>7}{'right, per cent':>17}")
    for kind in KINDS:
        right, wrong = counts[kind, True], counts[kind, False]
        part = f"{100 * right / (right + wrong):.0f}" if right + wrong else "-"
        print(f"{kind:<20}{right:>7}{wrong:>7}{part:>17}")
    found = sum(counts[kind, True] for kind in KINDS)
    print(f"of the objects {100 * found / max(there, 1):.1f} per cent have a box, by sure detections alone "
          f"{100 * (counts['detector', True] + counts['flicker', True]) / max(there, 1):.1f}")  # fmt: skip


if __name__ == "__main__":
    run(main)
