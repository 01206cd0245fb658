"""Where the aircraft was and where the camera looked when a frame was taken; never guessed.

open.py      from a text to a source of poses
source.py    what a source must be
series.py    samples in time, and what lies between them
attach.py    a camera whose frames have their poses
"""

from edge.pose.open import open_pose
from edge.pose.source import Moment, PoseSource

__all__ = ["Moment", "PoseSource", "open_pose"]
