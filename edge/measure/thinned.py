"""Values in time, kept evenly and few, however long a flight is."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Thinned(Generic[T]):
    """Values at least ``apart`` seconds from each other, at most ``most`` of them: of more every second one goes."""

    def __init__(self, apart: float, most: int) -> None:
        self.at: list[float] = []
        self.values: list[T] = []
        self._apart, self._most = apart, most

    def due(self, t: float) -> bool:
        """Whether a value at ``t`` would be kept."""
        return not self.at or abs(t - self.at[-1]) >= self._apart

    def note(self, t: float, value: T) -> None:
        """Keep it, if it is due."""
        if not self.due(t):
            return
        self.at.append(t)
        self.values.append(value)
        if len(self.at) > self._most:
            del self.at[1::2], self.values[1::2]
            self._apart *= 2
