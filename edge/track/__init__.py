"""Objects over time: which detections belong to one object, how the camera moved, how many there are.

tracker.py      detections of frame after frame -> ids, and what is known of a track
inputs.py       what comes in, checked
kalman.py       where tracks are, and how sure that is
association.py  which detection continues which track
registration.py by how much all detections lie beside their tracks
motion.py       how the camera moved, from the pictures
pose_motion.py  how the camera moved, from where it was
camera_motion.py the camera's motion for a frame, from poses where they tell it, else from pictures
follower.py     the step of the main path: numbers for the detections of one run
one_body.py     boxes of two classes on one body: which of them is followed
book.py         what is known of every track of a run, for those who write it
passes.py       which parts of a flight saw the same ground again
counting.py     tracks on the ground -> how many there are, with an interval and its proof
"""

from edge.track.follower import Follower
from edge.track.one_body import OneBody
from edge.track.tracker import Track, Tracker

__all__ = ["Follower", "OneBody", "Track", "Tracker"]
