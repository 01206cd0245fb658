"""Sums over time in few steps, however long a flight is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class Strip:
    """Sums and largest values over time in at most ``most`` steps: where a flight is longer, a step becomes longer.

    ``step_s``: seconds of a step.
    """

    def __init__(self, sums: tuple[str, ...], tops: tuple[str, ...], most: int = 1024, step_s: float = 1.0) -> None:
        self.step_s, self.steps = step_s, 0
        self._most = most
        self._rows = {name: i for i, name in enumerate((*sums, *tops))}
        self._sums = len(sums)
        self._table = np.zeros((len(self._rows), most))

    def add(self, t: float, **values: float) -> None:
        """Note these at ``t`` seconds; a time before 0 counts for 0."""
        step = int(max(t, 0.0) / self.step_s)
        while step >= self._most:
            self._fold()
            step = int(max(t, 0.0) / self.step_s)
        self.steps = max(self.steps, step + 1)
        for name, value in values.items():
            row = self._rows[name]
            if row < self._sums:
                self._table[row, step] += value
            elif value > self._table[row, step]:
                self._table[row, step] = value

    def __getitem__(self, name: str) -> npt.NDArray[np.float64]:
        """(steps,) float64."""
        return self._table[self._rows[name], : self.steps]

    def _fold(self) -> None:
        pairs = self._table.reshape(len(self._rows), -1, 2)
        half = np.concatenate((pairs[: self._sums].sum(2), pairs[self._sums :].max(2)))
        self._table = np.concatenate((half, np.zeros_like(half)), axis=1)
        self.step_s, self.steps = 2 * self.step_s, -(-self.steps // 2)
