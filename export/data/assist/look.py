"""A source as flight sees it: every frame through the reader, the normaliser and the detector of `edge run`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from edge.camera import open_camera
from edge.data import Result
from edge.errors import InputError
from edge.model.thresholds import Filter, Thresholds
from edge.pipeline import stream
from edge.seams import Camera, Engine
from edge.track.follower import Follower
from export.data.assist.links import Links, Step
from export.data.assist.proposals import Proposed, proposed
from export.data.clean import dhash
from export.data.dataset import LabelledSet, labelled_frame
from export.data.runs import flights_of, run_of


@dataclass(frozen=True)
class Seen:
    """One frame of a source. ``name``: of its picture, without ending. ``flight``: what it belongs to, as a folder is
    called. ``followed``: whether the source's frames follow each other in time. ``t``: seconds by the source's own
    time; where they do not follow each other the stills' numbers. ``look``: see `dhash`.
    """

    source: str
    seq: int
    name: str
    flight: str
    followed: bool
    t: float
    utc: str | None
    origin: str | float | None
    width: int
    height: int
    look: int
    proposed: Proposed


def look(source: str, engine: Engine, lowest: Thresholds, tell: Callable[[int, int | None], None]) -> list[Seen]:
    """Every frame of ``source`` in which the model was asked. ``lowest``: the scores from which detections are shown.
    ``tell`` is given how many frames are done, and how many there are, None = not known.

    Raises InputError where the source is live or no frame of it can be looked at, CameraError and EngineError as
    flight does.
    """
    results: list[tuple[int, str | None, str | float | None, int]] = []
    with open_camera(source, reconnect_s=0) as camera:
        check_file_source(source, camera)
        followed = not camera.independent
        links = Links(lowest)
        steps = links.steps
        faintest = Follower.faintest(lowest)
        shown = Filter(faintest.values[-1], by_class=faintest.to_json())
        with stream(camera, engine, policy="every", filter=shown) as flown:
            for done, result in enumerate(flown, 1):
                tell(done, camera.frames)
                if not result.inferred:
                    continue
                if followed:
                    links.add(result)
                else:
                    steps.append(_alone(result))
                frame = result.frame
                utc = None if frame.utc is None else frame.utc.isoformat()
                results.append((frame.seq, utc, frame.origin, dhash(result.picture)))
    if not results:
        raise InputError(f"source {source!r} gives no frame that can be looked at: expected one or more")
    names = picture_names(source, [(seq, origin) for seq, _, origin, _ in results])
    flights, times = (
        ([_plain(source)] * len(steps), [step.t for step in steps]) if followed else _by_name(source, names)
    )
    return [
        Seen(source, seq, name, flight, followed, t, utc, origin, step.width, step.height, seen, one)
        for (seq, utc, origin, seen), name, flight, t, step, one in zip(
            results, names, flights, times, steps, proposed(steps, lowest, followed), strict=True
        )
    ]


def check_file_source(source: str, camera: Camera) -> None:
    """Raises InputError for a camera that is live: its frames cannot be read a second time."""
    if camera.live:
        way = "give sim:live=0" if source.startswith("sim:") else "record it first (edge run --record), give rec:FOLDER"
        raise InputError(f"source {source!r} is live: expected files or a recording, which can be read again; {way}")


def _alone(result: Result) -> Step:
    found, frame = result.detections, result.frame
    ids = np.full(len(found), -1, np.int32)
    return Step(result.t_source, frame.width, frame.height, found.boxes, found.scores, found.labels, ids)


def picture_names(source: str, frames: list[tuple[int, str | float | None]]) -> list[str]:
    """Names without endings, a different one for each frame: of a still its own, of others the source's and the frame's
    number. ``frames``: ``seq`` and ``origin`` of each. Stills that differ in their ending alone keep it.
    """
    stems = [_still(origin) if isinstance(origin, str) else f"{_plain(source)}_{seq:06d}" for seq, origin in frames]
    twice = {stem for stem, count in Counter(stems).items() if count > 1}
    return [
        f"{PurePosixPath(origin.partition('#')[0]).suffix[1:]}_{stem}"
        if stem in twice and isinstance(origin, str)
        else stem
        for stem, (_, origin) in zip(stems, frames, strict=True)
    ]


def _still(origin: str) -> str:
    file, _, page = origin.partition("#")
    path = PurePosixPath(file)
    stem = _word("__".join((*path.parts[:-1], path.stem)))
    return f"{stem}_p{int(page):03d}" if page else stem


def _plain(source: str) -> str:
    """What a source is called: its file's or folder's name; of a recording inside a run's folder that folder's."""
    path = Path(source.removeprefix("rec:").partition("?")[0])
    name = path.resolve().parent.name if path.name in ("recording", "") else path.stem
    return _word(name)


def _word(text: str) -> str:
    """As a file can be called everywhere."""
    return re.sub(r"[^\w.-]+", "_", text).strip("._") or "frames"


def _by_name(source: str, names: list[str]) -> tuple[list[str], list[float]]:
    """Flights and numbers of stills, as their names tell them; else their folder, and their order."""
    paths = {Path(_plain(source), f"{name}.png"): i for i, name in enumerate(names)}
    frames = tuple(labelled_frame(path, 1, 1, [], [], []) for path in paths)
    flights, times = [""] * len(names), [0.0] * len(names)
    for flight, members in flights_of(LabelledSet((), frames)).items():
        called = _word(flight.rpartition("-")[0])  # without its last number, which grows with the set
        for i, member in enumerate(members):
            index, run = paths[member.path], run_of(member.path)
            flights[index], times[index] = called, float(run[1] if run else i)
    return flights, times
