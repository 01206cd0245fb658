"""The engine seam: one method, `infer`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from edge.data import RawDetections
from edge.model.bundle import Bundle

Self = TypeVar("Self", bound="Engine")


class Engine(Protocol):
    """A loaded detector. One thread uses it, the one that made it.

    ``bundle``: what it was made from. ``backend``: ``ort``, ``trt`` or ``null``. ``description``:
    one line for a person. ``notes``: what that person should know before flying, one line each.
    ``chosen``: why it is this backend. ``versions``: of the libraries that compute.
    """

    bundle: Bundle
    backend: str
    description: str
    notes: Sequence[str]
    chosen: str
    versions: Mapping[str, str]

    def infer(self, image: npt.NDArray[np.uint8]) -> RawDetections:
        """Detect in one normalised image.

        ``image``: (H, W) uint8 white-hot grey of the bundle's input size; it may be reused once
        this returns. The result is a copy and stays valid.

        Raises EngineError where the library or the device fails.
        """
        ...

    def close(self) -> None:
        """Release the device. May be called twice."""
        ...

    def __enter__(self: Self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
