"""What a video file promises about itself: so a recording that broke off is told from one that ended.

OpenCV gives one number, CAP_PROP_FRAME_COUNT. It may be counted in the index (AVI, MP4), or be duration x
rate (Matroska, MPEG-TS), or include frames that an edit list hides (an MP4 cut without re-encoding). A
decoder that meets a cut-off file just stops, as at a good end. The containers' own headers tell more.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path

from edge.camera.decode.avi import avi_size, is_raw_16_bit, video_streams
from edge.camera.decode.kinds import HEAD, container_of
from edge.camera.decode.matroska import matroska_size
from edge.camera.decode.mp4 import read_mp4


@dataclass(frozen=True)
class Promise:
    """``container``: its name in `edge.camera.decode.kinds`, or None where it is none that is read.
    ``size``: bytes the container says the file has, or None. ``counted``: its index counts the frames.
    ``timed``: its header says how long it lasts. ``shown``: frames that an MP4's edit list lets be seen, ``hidden``:
    those that it leaves out; ``starts_s``: seconds before the first is shown. ``tracks``: streams of video, as far as
    is known. ``varies``: an MP4's rate is not constant. ``whole_s``: frames missing behind this time were cut off.
    ``raw_16_bit``: an AVI that does not say what its 16 bits a pixel mean. ``closed``: False for an MP4 without index.
    ``second``: the byte at which another MP4 begins in the same file, 0 = there is none.
    """

    container: str | None = None
    size: int | None = None
    counted: bool = False
    timed: bool = False
    shown: int | None = None
    hidden: int = 0
    starts_s: float = 0.0
    tracks: int = 1
    varies: bool = False
    whole_s: float = math.inf
    raw_16_bit: bool = False
    closed: bool = True
    second: int = 0


def read_promise(path: Path) -> Promise:
    """What the container's headers say; nothing is decoded.

    Raises OSError where the file cannot be read. Damaged headers promise nothing.
    """
    with path.open("rb") as file:
        name = container_of(file.read(HEAD))
        try:
            if name == "AVI":
                return Promise(
                    name,
                    avi_size(file),
                    counted=True,
                    tracks=video_streams(file),
                    raw_16_bit=is_raw_16_bit(file),
                )
            if name == "MP4":
                mp4 = read_mp4(file)
                return Promise(
                    name,
                    mp4.size,
                    mp4.counted,
                    shown=mp4.shown,
                    hidden=mp4.hidden,
                    starts_s=mp4.starts_s,
                    tracks=mp4.tracks,
                    varies=mp4.varies,
                    whole_s=mp4.whole_s,
                    closed=mp4.closed,
                    second=mp4.second,
                )
            if name == "Matroska":
                return Promise(name, matroska_size(file), timed=True)
        except (struct.error, ValueError, IndexError, OverflowError):
            pass
    return Promise(name)
