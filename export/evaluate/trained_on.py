"""Which frames a detector has seen: its flights by name and its pictures by hash, small enough for ``model.json``.

Training writes it, evaluation compares: figures on frames of flights that were trained on are too good, whoever made
the split. A model that goes on from another has seen what that one had.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from edge.data import Pixels
from export.data.dataset import LabelledFrame, LabelledSet
from export.data.runs import GAP, flights_of, run_of

SEEN = "seen"  # in what training writes about itself
KEY = 5  # bytes of a picture's hash: of 1e5 and 1e3 pictures two are taken for one by chance once in 1e4 comparisons


def key_of(pixels: Pixels) -> bytes:
    """`KEY` bytes that are the same for the same picture, whatever its file: (H, W) uint8 or uint16."""
    whole = hashlib.sha256(f"{pixels.shape} {pixels.dtype.str}".encode())
    whole.update(pixels.tobytes())
    return whole.digest()[:KEY]


def packed(parts: Iterable[bytes]) -> str:
    """Text for JSON of keys of one length, in any order."""
    return base64.b64encode(b"".join(sorted(parts))).decode()


def unpacked(text: str) -> frozenset[bytes]:
    """The keys of `packed`. Raises ValueError for another text."""
    whole = base64.b64decode(text, validate=True)
    if len(whole) % KEY:
        raise ValueError(f"{len(whole)} bytes are no keys")
    return frozenset(whole[i : i + KEY] for i in range(0, len(whole), KEY))


class _Stored(msgspec.Struct):
    frames: int
    flights: str
    pictures: str
    unknown: list[str] = []


@dataclass(frozen=True)
class TrainedOn:
    """``frames``: different pictures, all trainings of the model together; at least so many where some are unknown.
    ``flights``: as `flights_of` calls them, RUN:FIRST-LAST. ``pictures``: `key_of` each. ``unknown``: names of models
    that it goes on from, or was taught by, which do not say what they have seen.
    """

    frames: int
    flights: frozenset[str]
    pictures: frozenset[bytes]
    unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: LabelledSet, keys: Sequence[bytes]) -> TrainedOn:
        """Of the frames of one training; ``keys``: `key_of` each."""
        pictures = frozenset(keys)
        return cls(len(pictures), frozenset(flights_of(data)), pictures)

    @classmethod
    def said_by(cls, record: Mapping[str, Any]) -> TrainedOn | None:
        """What the record of a training says; None where it does not, or not in words of this version."""
        try:
            said = msgspec.convert(record.get(SEEN), _Stored)
            flights = zlib.decompress(base64.b64decode(said.flights, validate=True)).decode().split("\n")
            pictures = unpacked(said.pictures)  # older records counted a frame once for each training
            return cls(len(pictures), frozenset(filter(None, flights)), pictures, tuple(said.unknown))
        except (msgspec.ValidationError, ValueError, zlib.error):
            return None

    def after(self, record: Mapping[str, Any], name: str) -> TrainedOn:
        """With what the model ``name`` had seen, by the record of its training."""
        before = TrainedOn.said_by(record)
        if before is None:
            return TrainedOn(self.frames, self.flights, self.pictures, tuple(dict.fromkeys((*self.unknown, name))))
        pictures = self.pictures | before.pictures
        return TrainedOn(
            len(pictures),
            self.flights | before.flights,
            pictures,
            tuple(dict.fromkeys((*self.unknown, *before.unknown))),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, in few characters."""
        flights = zlib.compress("\n".join(sorted(self.flights)).encode(), 9)
        return {
            "frames": self.frames,
            "flights": base64.b64encode(flights).decode(),
            "pictures": packed(self.pictures),
            "unknown": list(self.unknown),
        }

    def overlap(self, data: LabelledSet, keys: Sequence[bytes], by: str = "name", gap: int = GAP) -> Overlap:
        """Which frames of ``data`` it knows; ``keys``: `key_of` each. ``by`` "folder": names are used again from flight
        to flight, so that only pictures are compared; ``gap``: as in `flights_of`.
        """
        spans: dict[str, list[tuple[int, int, str]]] = {}
        for flight in self.flights if by == "name" else ():
            run, _, numbers = flight.rpartition(":")
            first, _, last = numbers.partition("-")
            spans.setdefault(run, []).append((int(first), int(last), flight))
        flights = tuple(_flight(frame, spans, gap) for frame in data.frames)
        return Overlap(flights, tuple(key in self.pictures for key in keys))


@dataclass(frozen=True)
class Overlap:
    """For each frame: ``flights``, the flight that was trained on, of which it is, or None; ``same``, whether it is one
    of the pictures.
    """

    flights: tuple[str | None, ...]
    same: tuple[bool, ...]

    @property
    def known(self) -> tuple[bool, ...]:
        """Whether a frame is of such a flight, or such a picture."""
        return tuple(bool(flight) or same for flight, same in zip(self.flights, self.same, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Counts for the JSON of an evaluation."""
        return {
            "frames_of_its_flights": sum(flight is not None for flight in self.flights),
            "its_pictures": sum(self.same),
            "flights": sorted({flight for flight in self.flights if flight}),
        }


def _flight(frame: LabelledFrame, spans: Mapping[str, Sequence[tuple[int, int, str]]], gap: int) -> str | None:
    run, number = run_of(frame.path) or (frame.path.parent.name, 0)
    near = (name for first, last, name in spans.get(run, ()) if first - gap <= number <= last + gap)
    return next(near, None)


def told_of(trained: TrainedOn | None, overlap: Overlap | None, who: str) -> list[str]:
    """Lines for a person: which of the frames ``who``, a model, was trained on."""
    if trained is None or overlap is None:
        return [f"{who} does not say which frames it was trained on: whether these are among them is not known"]
    lines = []
    count, of_flights, same = len(overlap.same), [f for f in overlap.flights if f], sum(overlap.same)
    if of_flights:
        names = sorted(set(of_flights))
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        lines.append(
            f"{len(of_flights)} of {count} frames are, by their names, of flights that the model was trained on "
            f"({', '.join(names[:3])}{more}): figures on them are better than on a new flight. Where other flights "
            "bear the same names: --flights folder"
        )
    if same:
        lines.append(f"{same} of {count} frames are pictures that the model was trained on: they measure its memory")
    if not lines:
        least = "at least " if trained.unknown else ""
        lines.append(
            f"none of the {count} frames is one of the {least}{trained.frames} that the model was trained on, or of "
            f"their {len(trained.flights)} flights"
        )
    if trained.unknown:
        lines.append(
            f"what {', '.join(dict.fromkeys(trained.unknown))} had seen, from which it goes on or learnt, is not known"
        )
    return lines


def digest(data: LabelledSet, version: int = 2) -> str:
    """Changes when a class does, or of a frame its name, size, temperature scale, data set, a box or an ignored region.

    ``version`` 1: as earlier versions wrote it, of classes, names and boxes alone. It has no "2:" in front.
    """
    if version == 1:
        whole = hashlib.sha256(" ".join(data.classes).encode())
        for frame in data.frames:
            whole.update(frame.path.name.encode() + frame.boxes.tobytes() + frame.labels.tobytes())
        return whole.hexdigest()[:16]
    whole = hashlib.sha256(repr(data.classes).encode())
    for frame in data.frames:
        scale = (frame.temperature.gain, frame.temperature.offset) if frame.temperature else None
        about = (frame.path.name, frame.width, frame.height, scale, frame.source, len(frame.boxes), len(frame.ignored))
        whole.update(repr(about).encode() + frame.boxes.tobytes() + frame.labels.tobytes() + frame.ignored.tobytes())
    return f"{version}:{whole.hexdigest()[:16]}"
