"""A replayed flight against the flight's own ``detections.jsonl``, line by line."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from edge.data import Result
from edge.errors import InputError, ReplayError
from edge.measure.detections_json import is_header, to_json
from edge.system.declared import json_file
from edge.system.files import read_limited, reason_of

MADE_OF_IT = ("track", "position")  # of what the detector found; a flight of before has none, and both need more
SETTINGS = (
    "backend",
    "engine",
    "model",
    "model_files",
    "threshold",
    "thresholds",
    "normalise",
    "tiling",
)  # of a report
MOST_BYTES = 8 << 30  # of a flight's detections: a million frames with crowds in them


class Verifier:
    """Compares what the detector finds now with what it found then; lines are matched by ``seq``.

    The detector must get the very frames that the flight's got, `seqs`, and no other: normalising and repair
    have a memory. Where one of them is missing from the recording, what follows may rightly differ: until the
    shutter closes, which wipes the memory of normalising, and wherever pixels were repaired, then or now. Such
    lines are counted apart (``unsettled``), not as different. Tracks and positions, which are made of what the detector
    found, are not compared: a track depends on every frame before, a position on the lens and the ground that were
    given.

    ``same``, ``different``, ``missing``, ``spared``: lines so far; missing are those whose frame did not come, spared
    those for which the engine was not asked in flight, as the board was in trouble.
    """

    def __init__(self, path: Path, classes: Sequence[str]) -> None:
        """``path``: detections.jsonl of the flight; it is read whole, now. Raises InputError."""
        self.path = path
        self.same = self.different = self.unsettled = self.missing = self.spared = 0
        self._classes = classes
        self._then, self._repaired, self._spared = _read_lines(path)
        self._left = iter(self._then)  # in the flight's order
        self._settled = True  # nothing is missing since the shutter last closed
        self._whole = True  # nothing is missing
        self._first: str | None = None

    @property
    def seqs(self) -> Collection[int]:
        """The frames that the flight's detector took."""
        return self._then.keys()

    def write(self, result: Result) -> None:
        """Take the next result of the replay; its ``seq`` is one of `seqs`."""
        seq = result.frame.seq
        for expected in self._left:
            if expected == seq:
                break
            self.missing += 1
            self._settled = self._whole = False
        then, now = self._then[seq], _essence(to_json(result, self._classes))
        if seq in self._spared:
            self.spared += 1
        elif then == now:
            self.same += 1
        elif self._settled and (self._whole or not ("repaired" in result.frame.flags or seq in self._repaired)):
            self.different += 1
            self._first = self._first or _difference(seq, then, now)
        else:
            self.unsettled += 1
        if "ffc" in result.frame.flags:
            self._settled = True

    def end_of_source(self) -> None:
        """The recording is over: what has not come is missing."""
        self.missing += sum(1 for _ in self._left)

    def report(self, backend: str) -> dict[str, object]:
        """The counts, the first difference and the verdict in a sentence, as in report.json."""
        return {
            "file": str(self.path),
            "compared": self.same + self.different,
            "different": self.different,
            "first_difference": self._first,
            "unsettled": self.unsettled,
            "missing": self.missing,
            "verdict": self._verdict(backend),
        }

    def _verdict(self, backend: str) -> str:
        if self.different or not self.same:
            return "not the same"
        line = f"{self.same} of {len(self._then)} lines of {self.path}: detections the same byte for byte ({backend})"
        if self.missing:
            line += f"; {self.missing} frames are not in the recording"
        if self.spared:
            line += f"; {self.spared} not compared: the flight did not search them, see degraded in its report"
        if self.unsettled:
            line += (
                f"; {self.unsettled} not compared: frames before them are missing, on which normalising and repair "
                "depend"
            )
        return line

    def error(self, report: dict[str, Any]) -> ReplayError | None:
        """What is to be told where detections differ, or nothing could be compared.

        ``report``: of this run. Where the flight's is beside the file, what was set otherwise is named.
        """
        if self.different:
            compared = self.same + self.different
            changed = _changed(self.path.with_name("report.json"), report)
            why = f"; the flight had {changed}: run with the same" if changed else ""
            return ReplayError(f"{self.different} of {compared} frames differ from {self.path}: {self._first}{why}")
        if not self.same:
            return ReplayError(f"nothing could be compared: no frame of {self.path} was replayed; is it this flight's?")
        return None


def _read_lines(path: Path) -> tuple[dict[int, str], set[int], set[int]]:
    """``{seq: what was found}`` in the order of the file, the seq of repaired frames, and of those not searched.

    A last line that a power cut halved is left out.
    """
    try:
        data = read_limited(path, MOST_BYTES)
    except OSError as error:
        raise InputError(f"--verify {path}: {reason_of(error)}; expected the detections.jsonl of the flight") from None
    then: dict[int, str] = {}
    repaired: set[int] = set()
    spared: set[int] = set()
    before = -1
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            item = json.loads(line)
            if number == 1 and is_header(item):
                continue
            seq, found = item["seq"], _essence(item)
            if not isinstance(item["detections"], list):
                raise TypeError
            in_repair = "repaired" in item.get("flags", ())
            is_spared = item.get("inferred") is False and "ffc" not in item.get("flags", ())
        except (ValueError, LookupError, TypeError, RecursionError):
            raise InputError(
                f"--verify {path}: line {number} is no line of a detections.jsonl; give the flight's"
            ) from None
        if type(seq) is not int or seq <= before:
            raise InputError(
                f"--verify {path}: line {number} has seq {str(seq)[:20]} after {before}; expected one flight in order"
            )
        then[seq], before = found, seq
        if in_repair:
            repaired.add(seq)
        if is_spared:
            spared.add(seq)
    if not then:
        raise InputError(f"--verify {path}: it holds no line, so there is nothing to compare")
    return then, repaired, spared


def _essence(item: dict[str, Any]) -> str:
    """What is compared, as text: whether the engine was asked, and all that it found."""
    found = [
        {key: value for key, value in one.items() if key not in MADE_OF_IT} if isinstance(one, dict) else one
        for one in item["detections"]
    ]
    return json.dumps([item.get("inferred", True), found], separators=(",", ":"))


def _difference(seq: int, then: str, now: str) -> str:
    (inferred_then, found_then), (inferred_now, found_now) = json.loads(then), json.loads(now)
    if inferred_then != inferred_now:
        return f"frame {seq}: the engine was {'' if inferred_then else 'not '}asked in the flight, now the other way"
    if len(found_then) != len(found_now):
        return f"frame {seq}: {len(found_then)} detections in the flight, {len(found_now)} now"
    otherwise = (
        f"frame {seq}: the same, but written otherwise than this version does"  # 1 for 1.0, keys in another order
    )
    pairs = enumerate(zip(found_then, found_now, strict=True))
    i, a, b = next(((i, a, b) for i, (a, b) in pairs if a != b), (0, {}, {}))
    if not (isinstance(a, dict) and isinstance(b, dict)):
        return f"frame {seq}, detection {i}: no object in the file"
    key = next((key for key in (*b, *a) if a.get(key) != b.get(key)), None)
    if key is None:
        return otherwise
    return f"frame {seq}, detection {i}: {key} {a.get(key)} in the flight, {b.get(key)} now"


def _changed(path: Path, report: dict[str, Any]) -> str:
    """What the flight's report says otherwise than this one, by name; nothing where there is none."""
    try:
        then = json_file(path)
        changed = [key for key in SETTINGS if key in then and then[key] != report[key]]
        if "threshold" in changed:  # then those of the classes differ, too
            changed = [key for key in changed if key != "thresholds"]
        return ", ".join(
            f"{'other' if key == 'thresholds' else 'another'} {key}"
            if isinstance(then[key] or report[key], dict)
            else f"{key} {then[key]} (here {report[key]})"
            for key in changed
        )
    except (OSError, ValueError, TypeError):
        return ""
