"""What really is in a simulated frame, and the frame that carries it."""

from __future__ import annotations

from dataclasses import dataclass

from edge.data import Float32, Frame, Int32


@dataclass(frozen=True, slots=True)
class Truth:
    """What really is in a simulated frame.

    ``boxes``: (N, 4) float32 xyxy, sensor pixels, clipped to the frame. ``names``: N class names
    in lower case (``person``, ``deer``, ``car``). ``visible``: (N,) float32, 0..1, the part of the
    body that is seen: inside the frame, and not behind trees. ``bodies``: (N,) int32, which body of the flight each is,
    from 0 on, or None where nobody says.
    """

    boxes: Float32
    names: tuple[str, ...]
    visible: Float32
    bodies: Int32 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedFrame(Frame):
    """A `Frame` of the simulator. ``truth``: what is in it; a recording does not keep it."""

    truth: Truth
