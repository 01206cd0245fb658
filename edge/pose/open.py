"""From a text such as ``tlog:FILE`` to a source of poses. A new kind is one file and one row of `KINDS`."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import NamedTuple

from edge.errors import InputError
from edge.pose.options import Spec
from edge.pose.source import GroundModel, PoseSource


class Kind(NamedTuple):
    """One kind of pose. ``prefix``: what it begins with. ``module``: its file, imported when it is used, whose
    ``open_source(spec: Spec) -> PoseSource`` opens it. ``written``: how, for messages. ``keys``: its options.
    """

    prefix: str
    module: str
    written: str
    keys: tuple[str, ...]


TIMES = ("start", "offset")
KINDS = (
    Kind(
        "mavlink:",
        "edge.pose.mavlink",
        "mavlink:udp:HOST:PORT, mavlink:tcp:HOST:PORT, mavlink:/dev/ttyN",
        ("mount", "gimbal", "system", "baud", "signing"),
    ),
    Kind("tlog:", "edge.pose.tlog", "tlog:FILE", (*TIMES, "mount", "gimbal", "system")),
    Kind("srt:", "edge.pose.srt", "srt:FILE", ("offset", "mount", "camera", "altitude", "ground")),
    Kind("klv:", "edge.pose.klv", "klv:FILE", TIMES),
    Kind("exif", "edge.pose.exif", "exif", ("mount", "camera", "altitude", "ground")),
)


def open_pose(pose: str, sources: Sequence[str] = (), model: GroundModel | None = None) -> PoseSource:
    """Open what ``pose`` names; the caller closes it.

    - ``mavlink:udp:HOST:PORT``, ``mavlink:tcp:HOST:PORT``, ``mavlink:/dev/ttyN?baud=921600``: an autopilot, live
    - ``tlog:FILE``: an ArduPilot telemetry log
    - ``srt:FILE``: the subtitles that a DJI aircraft writes beside its video
    - ``klv:FILE``: MISB ST 0601, bare or in an MPEG transport stream
    - ``exif``: of stills, EXIF and XMP in the images themselves

    ``sources``: what the frames come from, see `edge.open_camera`; ``exif`` reads there. Options behind a ``?``: each
    module's ``open_source`` names its own. ``model``: the ground, which ``srt`` and ``exif`` take from altitudes above
    the sea where they have no other height.

    Raises InputError, in one line, for anything that cannot be opened as asked.
    """
    known = ", ".join(kind.written for kind in KINDS)
    for kind in KINDS:
        if pose == kind.prefix or (pose.startswith(kind.prefix) and (kind.prefix[-1] == ":" or pose[4:5] == "?")):
            break
    else:
        words = [kind.prefix for kind in KINDS]
        near = get_close_matches(pose.partition(":")[0] + ":", words, n=1)
        meant = f"; is {near[0]} meant?" if near else ""
        raise InputError(f"pose {pose!r}: no kind of poses begins like that{meant}; expected {known}")
    spec = Spec.parse(pose, pose[len(kind.prefix) :], kind.keys, tuple(sources), model)
    try:
        module = import_module(kind.module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "edge":
            raise
        raise InputError(f"pose {pose!r}: {error}") from error
    source: PoseSource = module.open_source(spec)
    return source
