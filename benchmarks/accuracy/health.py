"""Which conditions are told of good pictures, and of the same pictures inverted; and what judging costs.

    python benchmarks/accuracy/health.py SOURCE [SOURCE ...] [--model BUNDLE] [--frames N]

SOURCE: white-hot, without anything drawn into it: a folder of stills, a video. Each frame is judged as the first one of
a flight, then all of them one after the other, and some drawn at random, as of a flight whose scene changes. Then the
palette changes in flight, at each frame in turn. The rates in docs are those of HIT-UAV's validation part.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import at_least, run
from edge.app.settings import MODEL
from edge.camera import open_camera
from edge.data import Detections, Frame, RawDetections
from edge.engine import open_engine
from edge.health.inversion import Inversion
from edge.health.polarity import Polarity
from edge.health.scene import Health
from edge.model.transform import Preprocessor, to_detections
from edge.seams import Engine

DRAWS, OF_EACH = 3000, (8, 12)
Seen = tuple[Frame, np.ndarray, np.ndarray, RawDetections, Detections]  # frame, picture, image, raw, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--model", default=str(MODEL))
    parser.add_argument("--frames", type=at_least(1), default=10**9)
    arguments = parser.parse_args()
    with open_engine(arguments.model, "ort") as engine:
        for source in arguments.sources:
            with open_camera(source) as camera:
                frames = [frame for frame, _ in zip(iter(camera.read, None), range(arguments.frames), strict=False)]
            straight = [look(engine, frame) for frame in frames]
            print(f"{source}: {len(frames)} frames")
            if frames[0].pixels.dtype == np.uint8:
                inverse = [look(engine, Frame(np.bitwise_not(f.pixels), f.seq, f.t_capture)) for f in frames]
                judge("as it is", engine, straight, inverse)
                judge("inverted", engine, inverse, straight)
                print(f"  a palette that changes in flight: {changes([frame.pixels for frame in frames])}")
            else:
                judge("as it is", engine, straight, straight)


def look(engine: Engine, frame: Frame) -> Seen:
    picture, image, box = Preprocessor(engine.bundle).forward(frame)
    raw = engine.infer(image)
    return frame, picture, image, raw, to_detections(raw, box, engine.bundle.thresholds, frame)


def judge(name: str, engine: Engine, seen: list[Seen], inverse: list[Seen]) -> None:
    alone: Counter[str] = Counter()
    together: Counter[str] = Counter()
    flight, ms, first = Health(engine.bundle), [], {}
    for i, (frame, picture, image, raw, found) in enumerate(seen):
        once = Health(engine.bundle)
        for health, counted in ((once, alone), (flight, together)):
            health.ask_inverted(frame, image, raw, lambda _, i=i: inverse[i][3])  # type: ignore[misc]
            began = time.thread_time()
            names = health.judge(frame, picture, 0.0, found)
            if health is flight:
                ms.append((time.thread_time() - began) * 1e3)
                first |= {one: i for one in names if one not in first}
            counted.update(names)
    print(f"  {name}: each alone {dict(alone)}; one after the other {dict(together)}, first at {first}")
    print(f"    judging, the model's looks apart: median {np.median(ms):.2f}, mean {np.mean(ms):.2f} ms of one core")
    if seen[0][0].pixels.dtype == np.uint8:
        told = {of: draws(engine, seen, inverse, of) for of in OF_EACH if of <= len(seen)}
        print(f"    {DRAWS} draws, black_hot of each so many frames: {told}")


def changes(flight: list[np.ndarray]) -> str:
    """Whether one is told of the frames as they are, and of how many places at which it changes it is told at once."""
    whole, ms, wrongly, told = Inversion(), [], 0, 0
    for pixels in flight:
        began = time.thread_time()
        wrongly += whole.look(pixels)
        ms.append((time.thread_time() - began) * 1e3)
    for i in range(1, len(flight)):
        once = Inversion()
        told += [once.look(pixels) for pixels in (*flight[max(i - 3, 0) : i], np.bitwise_not(flight[i]))][-1]
    cost = f"median {np.median(ms):.2f}, mean {np.mean(ms):.2f} ms of one core"
    return f"told {wrongly} times of the frames as they are, at {told} of {len(flight) - 1} places; {cost}"


def draws(engine: Engine, seen: list[Seen], inverse: list[Seen], of: int) -> int:
    """How many of `DRAWS` flights of ``of`` frames drawn at random look black-hot at their end."""
    rng, told = np.random.default_rng(0), 0
    for _ in range(DRAWS):
        polarity = Polarity()
        for i in rng.choice(len(seen), of, replace=False):
            _, _, image, raw, _ = seen[i]
            polarity.look(image, raw, engine.bundle.score_threshold, lambda _, i=i: inverse[i][3])  # type: ignore[misc]
        told += polarity.figure >= 1
    return told


if __name__ == "__main__":
    run(main)
