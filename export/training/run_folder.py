"""The folder of a training run: what is written there, whole or not at all, and how a killed run goes on.

state.pth      weights, their EMA, optimiser, step: to resume from; replaced whole, every few minutes
model.pth      the EMA of the weights and what detector they are of: to evaluate, to export
train.json     the settings, the data's digest, where the weights came from; a run with others cannot be resumed
log.csv        step, seconds, learning rate and losses
ap.csv         step, seconds, average precision on frames that are not trained on, where some were given
curves.png     both, drawn
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from edge.errors import InputError, SinkError
from edge.system.files import reason_of, write_whole
from export.detector.entries import RECORD
from export.training.curves import draw_curves

# settings whose names have changed: a run that was started before can still be resumed
_RENAMED = {"average": "ema", "shares": "sampling_weights", "mistakes": "hard_examples"}
# settings that runs of before did not keep: what they were there is not known
_ADDED = {"start", "backbone"}


class RunFolder:
    """``settings``: plain values for JSON, what the run depends on. ``before``: those of them that an earlier version
    put into other words, in these.

    Raises InputError where the folder cannot be used, or holds a run with other settings.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> None:
        self.path, self._before = path, before or {}
        self._keeps_start = True
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._same_settings(json.loads(json.dumps(settings)))
        except OSError as error:
            raise InputError(f"--out {path} cannot be used ({reason_of(error)}): give another folder") from None

    def _same_settings(self, expected: dict[str, Any]) -> None:
        file = self.path / "train.json"
        if not file.exists():
            write_whole(file, (json.dumps(expected, indent=2) + "\n").encode())
        try:
            found = _with_new_names(json.loads(file.read_text()))
        except (ValueError, AttributeError):
            raise InputError(f"{file} is broken: remove the folder, or give another --out") from None
        self._keeps_start = "start" in found
        same = {k: (expected[k], self._before.get(k, expected[k])) for k in expected if k in found or k not in _ADDED}
        differing = [k for k in same if found.get(k) not in same[k]]
        if differing:
            raise InputError(
                f"{self.path} holds a run with another {', '.join(differing)}: use the same settings to go on with "
                "it, or another --out"
            )

    def restore(self, take: Callable[[dict[str, Any]], None]) -> None:
        """Give ``take`` the state that was saved last, if there is one. Raises InputError where it is broken."""
        self._read("state.pth", take)

    def record_of_before(self) -> dict[str, Any] | None:
        """What model.pth says of its training, where train.json is of a version that did not keep the start; None for
        other runs, and where there is no model.pth. Raises InputError where it is broken.
        """
        records: list[dict[str, Any]] = []
        if not self._keeps_start:
            self._read("model.pth", lambda content: records.append(content.get(RECORD) or {}))
        return records[0] if records else None

    def _read(self, name: str, take: Callable[[dict[str, Any]], None]) -> None:
        file = self.path / name
        if not file.exists():
            return
        try:
            take(torch.load(file, map_location="cpu", weights_only=True))  # it may come from a GPU
        except Exception as error:  # a broken archive raises half a dozen different classes
            first = (str(error).splitlines() or ["?"])[0]
            raise InputError(f"{file} cannot be resumed from ({first}): give another --out") from None

    def save(self, state: Mapping[str, Any], model: Mapping[str, Any]) -> None:
        """Replace state.pth, model.pth and the curves. Raises SinkError; the files before stay whole then."""
        try:
            for name, content in (("state.pth", state), ("model.pth", model)):
                buffer = io.BytesIO()
                torch.save(dict(content), buffer)
                write_whole(self.path / name, buffer.getvalue())
            logs = self.path / "ap.csv", self.path / "log.csv"
            if any(log.exists() for log in logs):
                write_whole(self.path / "curves.png", draw_curves(*logs))
        except OSError as error:
            raise SinkError(
                f"checkpoint in {self.path} could not be written ({reason_of(error)}): make space"
            ) from None

    def last_good(self) -> str:
        """For an error message: which checkpoint there is."""
        file = self.path / "model.pth"
        return f"the last good checkpoint is {file}" if file.exists() else "there is no checkpoint yet"

    def append(self, name: str, row: Mapping[str, str], tell: Callable[[str], None]) -> None:
        """A line more in a CSV file, which gets a head where it is new; ``tell`` hears where that fails."""
        file = self.path / name
        try:
            head = [] if file.exists() else [list(row)]
            with file.open("a", newline="") as opened:
                csv.writer(opened).writerows([*head, list(row.values())])
        except OSError as error:  # a log is not worth the run
            tell(f"{file} could not be written ({reason_of(error)})")


def _with_new_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        _RENAMED.get(name, name): _with_new_names(value) if isinstance(value, dict) else value
        for name, value in settings.items()
    }
