"""Every time-out of a run in one place: where it comes from, and that each is below half of the watchdog's.

So the one who knows most speaks first: a driver's own time-out before the camera's, the camera's before the loop's, the
loop's before the service manager's. Times that only say how often something is done stand where it is done.
"""

from __future__ import annotations

# ---- the outermost: the service manager's ----
WATCHDOG_S = (
    90.0  # WatchdogSec of the unit: three times HUNG_S, so that the program ends itself, with its report, first
)
EXTEND_S = 30.0  # what a start that goes on asks the manager for, again and again
SERVICE_STOP_S = 30.0  # TimeoutStopSec of the unit: longer than CLOSE_S and KEEP_S together
RESTART_S = 5.0  # RestartSec of the unit

# ---- the run's own watchdog ----
HUNG_S = 30.0  # no model that is worth flying takes as long for a frame, and no disk as long for a line
LOAD_S = (
    300.0  # before the first frame only, when no watchdog of a manager runs: an engine from a slow card, a cold GPU
)
STOP_S = 0.8  # who asks a process to stop is answered within 2 s, whatever it does
KEEP_STOP_S = 0.6  # then, for what has to be kept
KEEP_S = 5.0  # the same where nobody waits: sinks that take longer are left behind
CLOSE_S = 15.0  # of one sink after a stop: the count of a long flight takes some seconds on a small board
HELD_S = 35.0  # without a sign of the watchdog itself: longer than HUNG_S, so that it speaks first
CAMERA_STOP_S = 1.5  # a read that a closed camera still holds: the seam says "within a second or two"
UNHEARD_S = 1.5  # a stop that it did not take: longer than LOOK_S by far, and below the 2 s of a stop
LOOK_S = 0.1  # how often it looks
LATE_S = 2.0  # a look that came so much later: the process itself was stopped, and nothing in it hung

# ---- a camera ----
CAMERA_OPEN_S = 20.0  # the sources' own time-outs are shorter, and say more
CAMERA_STALL_S = 5.0  # IP cameras stand still for 2 s while their shutter is closed
CAMERA_CLOSE_S = 0.5  # twice, and with CAPTURE_JOIN_S below the 2 s of a stop
CAPTURE_JOIN_S = 0.3

# ---- links: threads of their own wait, nobody else ----
LINK_S = 3.0  # for a connection, and for a peer to take what is sent
WEBHOOK_S = 5.0  # for a connection, and for an answer
STATUS_S = 2.0  # for a request of --status to come, and for its answer to be taken
WEB_REQUEST_S = 5.0  # for a request's head to come, of --web
WEB_STALL_S = 10.0  # for a browser that takes nothing of its answer
WEB_JOIN_S = 1.0  # at the end, for the page's answers that are under way
CLOCK_JOIN_S = 0.3  # at the end, for a last line of clock.jsonl
COURIER_S = 1.0  # at the end, for what still waits: below the 2 s of a stop
MAVLINK_OUT_S = 1.0  # at the end
POSE_CONNECT_S = 2.0
POSE_JOIN_S = 1.0  # at the end

# ---- what people say of the tracks ----
REVIEW_LOCK_S = 2.0  # for another writer of review.jsonl, who takes milliseconds
REVIEW_BODY_S = 5.0  # for what a page says to come, over a slow link

# ---- the look at the board ----
KEEP_FREE_JOIN_S = 0.2  # at the end: a disk that hangs holds nothing up
DEGRADE_JOIN_S = 0.2  # at the end: a sensor that hangs holds nothing up

# ---- edge doctor --mission: an answer in under ten seconds, two of them for the start of the program ----
PREFLIGHT_S = 8.0  # of all checks, each in a thread of its own: what hangs is cut off, and holds no other
PREFLIGHT_MODEL_S = 4.0  # of these, until the model's files were read and compared with their sha256

# ---- facts about the machine, for the report ----
POWER_MODE_S = 2.0  # nvpmodel answers from a file
