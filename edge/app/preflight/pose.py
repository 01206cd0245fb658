"""Does the pose come, which parts of it, and how old is it?"""

from __future__ import annotations

import time
from collections.abc import Iterator

from edge.app.preflight.plan import Plan
from edge.app.preflight.side_by_side import Line
from edge.data import Pose
from edge.geo.budget import ASSUMED
from edge.geo.dem import Dem
from edge.geo.placing import PlacingSettings
from edge.pose import Moment, PoseSource, open_pose

WAIT_S = 5.0  # for an autopilot's first pose: it must be heard, asked, and send place and attitude
LOOK_S = 0.1
NEEDS = ("lens", "ground", "mounting", "coverage", "cot")  # options that are of no use without a pose

UNTOLD = f"how far its times are off is not told, {ASSUMED.time_s:g} s is taken"


def pose_lines(plan: Plan) -> Iterator[Line]:
    """Open the mission's poses; of an autopilot wait for the first one."""
    options = plan.options
    where = PlacingSettings.parse(options.get("lens"), options.get("ground"), options.get("mounting"))
    ground = where.ground if isinstance(where.ground, Dem) else None
    text = options.get("pose")
    if text is None:
        asked = [name for name in NEEDS if name in options]
        first = str(options["source"][0])
        if not asked or first.startswith(("rec:", "sim:")):
            yield Line("pose", "green", "none is asked for" if not asked else "of the source itself")
        else:
            yield Line(
                "pose", "yellow", f"none, and {', '.join(asked)} need one: no positions", "add [pose] to the mission"
            )
        return
    with open_pose(text, options["source"], ground) as source:
        if not text.startswith("mavlink:"):
            assumed = "; ".join(source.assumed)
            yield Line("pose", "yellow" if assumed else "green", f"{source.description}", assumed)
            return
        yield _live(source)


def _live(source: PoseSource) -> Line:
    end, why = time.monotonic() + WAIT_S, ""
    while time.monotonic() < end:
        now = time.monotonic() - LOOK_S  # frames are that old when they are looked at
        pose, why = source.at(Moment(now))
        if pose is not None:
            return Line("pose", "green", f"{source.description}: {_parts(pose)}")
        time.sleep(LOOK_S)
    counts = {name: n for name, n in source.counts.items() if n}
    heard = ", ".join(f"{name} {n}" for name, n in list(counts.items())[:6])
    if not heard:
        todo = "power the autopilot, check the address or line, and let it send to this machine"
        return Line("pose", "red", f"{source.description}: nothing was heard in {WAIT_S:g} s ({why})", todo)
    todo = "wait for a GPS fix; pose.mount says how a camera without a gimbal is fixed"
    return Line("pose", "yellow", f"{source.description}: no pose: {why}; heard: {heard}", todo)


def _parts(pose: Pose) -> str:
    place = f"{pose.latitude:.6f}, {pose.longitude:.6f}, {pose.height:.1f} m above ground"
    height = f" ({pose.height_source})" if pose.height_source else ""
    told = pose.sigma_time_s
    late = f"times within {told * 1000:.0f} ms" if told is not None else UNTOLD
    return f"{place}{height}, yaw {pose.yaw:.0f}, pitch {pose.pitch:.0f}, roll {pose.roll:.0f} degrees, {late}"
