"""The crops of each step: drawn in their turn, or ahead of it by processes of their own, since a GPU is done with a
step before one processor has drawn the next.
"""

from __future__ import annotations

import signal
import warnings
from collections.abc import Generator, Iterator
from typing import Any

import cv2
import numpy as np
from torch.utils.data import DataLoader, Dataset

from edge.errors import EdgeError, InputError
from export.training.augment import Crop
from export.training.crops import Crops

AHEAD = 4  # steps that each worker is ahead, at most


def batches(crops: Crops, seed: int, batch: int, steps: range, workers: int = 0) -> Generator[list[Crop]]:
    """For each of ``steps`` its ``batch`` crops, drawn from (``seed``, step) alone: the same with any ``workers``.

    ``workers``: processes that draw ahead; 0: drawn here, when they are asked for. They end with the iterator.

    Raises InputError for a frame that cannot be read, EdgeError where a worker has ended.
    """
    drawn = _Drawn(crops, seed, batch)
    each = drawn.ahead(steps, workers) if workers else map(drawn.__getitem__, steps)
    for _ in steps:
        try:
            one = next(each)
        except RuntimeError as error:
            if not workers:
                raise
            why = str(error).splitlines()[0]
            raise EdgeError(
                f"a process that draws crops ended ({why}): is memory short? give fewer --workers"
            ) from None
        if isinstance(one, str):
            raise InputError(one)
        yield one


class _Drawn(Dataset[list[Crop] | str]):
    """The crops of a step, by its number; or, in words, why there are none: a worker would raise a traceback."""

    def __init__(self, crops: Crops, seed: int, batch: int) -> None:
        self._crops, self._seed, self._batch = crops, seed, batch

    def __getitem__(self, step: int) -> list[Crop] | str:
        try:
            return [self._crops.draw(np.random.default_rng((self._seed, step, i))) for i in range(self._batch)]
        except EdgeError as error:
            return str(error)

    def ahead(self, steps: range, workers: int) -> Iterator[list[Crop] | str]:
        """The same of each of ``steps``, by ``workers`` processes."""
        cv2.setNumThreads(1)  # a worker is a copy of this process, in which OpenCV would wait for threads left behind
        before = signal.getsignal(signal.SIGCHLD)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="This DataLoader will create")  # so many were asked for
            loader = DataLoader(
                self,
                batch_size=None,
                sampler=steps,
                num_workers=workers,
                prefetch_factor=AHEAD,
                collate_fn=_as_it_is,
            )
            each = iter(loader)
        # torch's handler would raise in the middle of a step; without it, a worker that ended is told between two
        signal.signal(signal.SIGCHLD, before or signal.SIG_DFL)
        return each


def _as_it_is(drawn: Any) -> Any:
    return drawn
