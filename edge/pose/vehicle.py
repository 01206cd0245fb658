"""What an autopilot's messages say, over time: position, height, attitude, gimbal; together they are the pose.

It knows the messages by their fields, not the library that decoded them; see `edge.pose.dialect`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edge.data import Pose
from edge.pose.clock import NOT_KNOWN, BootClock, Clock, Placing
from edge.pose.rotation import FRAMES, GimbalFrame, Rotation, of_angles, of_quaternion, to_north
from edge.pose.series import NO_FIX, NOT_A_NUMBER, Place, Series, Stillness, heights, place_error, places, rotations

# GIMBAL_DEVICE_FLAGS of MAVLink's common.xml
YAW_LOCK, YAW_IN_VEHICLE_FRAME, YAW_IN_EARTH_FRAME = 16, 32, 64
DOWN = 25  # MAV_SENSOR_ROTATION_PITCH_270: a rangefinder that looks at the ground
GROUND_STATION, NO_AUTOPILOT = 6, 8  # MAV_TYPE, MAV_AUTOPILOT
FIX_3D = 3  # GPS_FIX_TYPE
FIX_S = 3.0  # an older word on the fix tells nothing
LEAST_UPRIGHT = math.cos(math.radians(30))  # a rangefinder that looks more aside than this measures something else
UNTOLD_S = 0.1  # a time that nobody tells, beside others that are known: as geo's budget takes it for a whole pose
SAME_DELAY_S = 2.0  # how long the delay of one message stands for that of the next
OF_THE_AUTOPILOT = frozenset({"ATTITUDE", "GLOBAL_POSITION_INT", "GPS_RAW_INT", "TERRAIN_REPORT"})
OTHER, NO_TIME = "of another system", "no message with a time came just before"
RANGEFINDER, TERRAIN, ABOVE_HOME = "rangefinder", "terrain of the autopilot", "above take-off"


@dataclass(frozen=True, slots=True)
class Mounting:
    """How the camera sits. ``fixed``: its angles to the aircraft, where no gimbal turns it. ``frame``: what a gimbal's
    angles are measured from, where it is not as its messages say: ``earth`` (north and horizon), ``vehicle`` (yaw from
    the nose, pitch and roll from the horizon), ``body`` (all from the airframe).
    """

    fixed: Rotation | None = None
    frame: GimbalFrame | None = None


class Vehicle:
    """The messages of one autopilot. ``counts``: what became of them. Not for two threads at a time.

    ``system``: its number; None until the first heartbeat of an autopilot. ``assumed``: what was taken for granted.
    """

    def __init__(
        self,
        mounting: Mounting,
        clock: Clock,
        system: int | None = None,
        keep_s: float = math.inf,
        others: Callable[[int], Clock] = lambda _: BootClock(),
    ) -> None:
        """``clock``: of the autopilot. ``others(component)`` makes that of a gimbal or sensor that counts time itself.
        ``system``: listen to this one only. ``keep_s``: seconds of samples that are kept.
        """
        self.system = system
        self.component: int | None = None  # the autopilot's
        self.clock = clock
        self.clocks: dict[int, Clock] = {}  # of other components
        self.counts: Counter[str] = Counter()
        self.assumed: dict[str, None] = {}
        self._mounting = mounting
        self._others = others
        self._known: dict[int, tuple[int, int]] = {}  # restarts and corrections of each component's clock, as handled
        self._fix: tuple[float, int, float] | None = None  # when, GPS_FIX_TYPE, sigma
        self._placing = NOT_KNOWN  # of the message that is read
        self._told: tuple[float, float] | None = None  # arrival and time of the newest message that has a time
        self._gimbal: tuple[int, int, int] | None = None
        self._still = Stillness()
        self.position = places(keep_s=keep_s)
        self.attitude = rotations("attitude of the aircraft", keep_s)
        self._heights = {name: heights(f"height ({name})", keep_s) for name in (RANGEFINDER, TERRAIN, ABOVE_HOME)}
        self._gimbals = {frame: rotations("gimbal attitude", keep_s) for frame in FRAMES}

    # ---- messages ----

    def take(self, message: Any, arrival: float) -> None:
        """Take a decoded message that came at ``arrival``, seconds of the clock that `at` is asked by."""
        kind = message.get_type()
        if kind == "HEARTBEAT":
            self._heartbeat(message)
            return
        if self.system is None or message.get_srcSystem() != self.system:
            self.counts[OTHER] += 1
            return
        component = message.get_srcComponent()
        if component != self.component and kind in OF_THE_AUTOPILOT:
            self.counts[f"{kind}: of another component"] += 1
            return
        reader = {
            "ATTITUDE": self._attitude,
            "GLOBAL_POSITION_INT": self._position,
            "GPS_RAW_INT": self._gps,
            "DISTANCE_SENSOR": self._distance,
            "TERRAIN_REPORT": self._terrain,
            "GIMBAL_DEVICE_ATTITUDE_STATUS": self._gimbal_device,
            "MOUNT_STATUS": self._mount_status,
        }.get(kind)
        if reader is None:
            return
        boot_ms = getattr(message, "time_boot_ms", None)
        if boot_ms is None:
            t, why = self._untimed(arrival)
            self._placing = NOT_KNOWN
        else:
            clock = self._clock_of(component)
            t, why = clock.take(boot_ms / 1000, arrival)
            self._placing = Placing(clock.offset, clock.sigma_s)
            if t is not None and clock is self.clock:
                self._told = arrival, t
            if (clock.restarts, clock.corrections) != self._known.get(component, (0, 0)):
                self._interrupt(component, clock)
        if t is not None:
            why = reader(message, t)
        self.counts[f"{kind}: {why}" if why else kind] += 1

    def _heartbeat(self, message: Any) -> None:
        if message.type == GROUND_STATION or message.autopilot == NO_AUTOPILOT:
            return
        if self.system is None:
            self.system = message.get_srcSystem()
        if message.get_srcSystem() == self.system:
            if self.component is None:
                self.component = message.get_srcComponent()
            self.counts["HEARTBEAT"] += 1

    def _clock_of(self, component: int) -> Clock:
        if component == self.component:
            return self.clock
        if component not in self.clocks:
            self.clocks[component] = self._others(component)
        return self.clocks[component]

    def _interrupt(self, component: int, clock: Clock) -> None:
        """It was started again, so that nothing of before goes on; or the times of before are wrong."""
        restarts, corrections = self._known.get(component, (0, 0))
        interrupted: list[Series[Any]] = [self._heights[RANGEFINDER], *self._gimbals.values()]
        if clock is self.clock:
            interrupted += [self.position, self.attitude, self._heights[TERRAIN], self._heights[ABOVE_HOME]]
            if clock.restarts != restarts:
                self.counts["restarts of the autopilot's clock"] += 1
                self._fix = self._told = None
                self._still = Stillness()
        for series in interrupted:
            if clock.corrections != corrections:
                series.clear()
            series.interrupt()
        self._known[component] = clock.restarts, clock.corrections

    def _untimed(self, arrival: float) -> tuple[float | None, str]:
        """When a message without a time was made, if it took as long as the newest one with a time."""
        if self._told is None or not 0 <= arrival - self._told[0] < SAME_DELAY_S:
            return None, NO_TIME
        return arrival - self._told[0] + self._told[1], ""

    def _attitude(self, message: Any, t: float) -> str:
        roll, pitch, yaw = message.roll, message.pitch, message.yaw
        if not all(map(math.isfinite, (roll, pitch, yaw))):
            return NOT_A_NUMBER
        return self.attitude.add(t, of_angles(*map(math.degrees, (yaw, pitch, roll))), self._placing)

    def _position(self, message: Any, t: float) -> str:
        sigma = math.nan
        if self._fix is not None and abs(t - self._fix[0]) < FIX_S:
            if self._fix[1] < FIX_3D:
                return NO_FIX
            sigma = self._fix[2]
        place = Place(message.lat / 1e7, message.lon / 1e7, math.hypot(message.vx, message.vy) / 100, sigma)
        why = place_error(place)
        if not why and self._still.ends(t, place):
            self.position.interrupt()  # nothing is mixed across the time in which it was frozen
        why = why or self._still.why or self.position.add(t, place, self._placing)
        if not why:
            self._heights[ABOVE_HOME].add(t, message.relative_alt / 1000)
        return why

    def _gps(self, message: Any, t: float) -> str:
        accuracy = getattr(message, "h_acc", 0)
        self._fix = t, message.fix_type, accuracy / 1000 if accuracy else math.nan
        return ""

    def _distance(self, message: Any, t: float) -> str:
        if message.orientation != DOWN:
            return "does not look down"
        if getattr(message, "signal_quality", 0) == 1:
            return "no signal"
        if not message.min_distance < message.current_distance < message.max_distance:
            return "out of range"
        return self._heights[RANGEFINDER].add(t, message.current_distance / 100)

    def _terrain(self, message: Any, t: float) -> str:
        if message.spacing == 0 or not math.isfinite(message.current_height):
            return "no terrain data"
        return self._heights[TERRAIN].add(t, message.current_height)

    def _gimbal_device(self, message: Any, t: float) -> str:
        who = (message.get_srcSystem(), message.get_srcComponent(), getattr(message, "gimbal_device_id", 0))
        self._gimbal = self._gimbal or who
        if who != self._gimbal:
            return "of another gimbal"
        earth, vehicle = message.flags & YAW_IN_EARTH_FRAME, message.flags & YAW_IN_VEHICLE_FRAME
        if self._mounting.frame:
            frame, said = self._mounting.frame, "gimbal= of the command"
        elif earth and vehicle:
            return "says that its yaw is in two frames"
        elif earth or vehicle:
            frame, said = "earth" if earth else "vehicle", "its flags"
        else:
            frame, said = "earth" if message.flags & YAW_LOCK else "vehicle", "the flag YAW_LOCK, as of old"
        rotation = of_quaternion(*message.q)
        if rotation is None:
            return NOT_A_NUMBER
        self._assume(f"gimbal: GIMBAL_DEVICE_ATTITUDE_STATUS, yaw in the {frame} frame by {said}")
        return self._gimbals[frame].add(t, rotation, self._placing)

    def _mount_status(self, message: Any, t: float) -> str:
        if self._gimbal is not None:
            return "the gimbal speaks for itself"
        frame: GimbalFrame = self._mounting.frame or "vehicle"
        how = "gimbal= of the command" if self._mounting.frame else "the usual way, which the message does not say"
        self._assume(f"gimbal: MOUNT_STATUS, angles in the {frame} frame by {how}; it has no time of its own")
        angles = (message.pointing_c / 100, message.pointing_a / 100, message.pointing_b / 100)
        return self._gimbals[frame].add(t, of_angles(*angles), self._placing)

    def _assume(self, line: str) -> None:
        self.assumed[line] = None

    # ---- poses ----

    def at(self, t: float) -> tuple[Pose | None, str]:
        """The camera's pose at ``t``, or None and why there is none."""
        place, why = self.position.at(t)
        if place is None:
            return None, f"the position is {self._still.why}" if self._still.why and t > self.position.last_t else why
        attitude, why = self.attitude.at(t)
        if attitude is None:
            return None, why
        height, source = self._height(t, attitude)
        if height is None:
            return None, source
        camera, frame, why = self._camera(t, attitude)
        if camera is None:
            return None, why
        yaw, pitch, roll = camera.angles
        return Pose(
            place.latitude,
            place.longitude,
            height,
            yaw,
            pitch,
            roll,
            sigma_position_m=None if math.isnan(place.sigma) else place.sigma,
            sigma_time_s=self._sigma_time(t, frame),
            speed_m_s=place.speed,
            height_source=source,
        ), ""

    def _height(self, t: float, attitude: Rotation) -> tuple[float | None, str]:
        """Metres above the ground, and by what; or None and why."""
        found, _ = self._heights[RANGEFINDER].at(t)
        if found is not None and attitude.upright >= LEAST_UPRIGHT:
            return found * attitude.upright, RANGEFINDER
        for name in (TERRAIN, ABOVE_HOME):
            found, why = self._heights[name].at(t)
            if found is not None:
                if name == ABOVE_HOME:
                    self._assume("height: above take-off, the ground taken as flat")
                return found, name
        return None, why

    def _sigma_time(self, t: float, frame: GimbalFrame | None) -> float | None:
        """How far the samples' times may be off, seconds; None: none is known. A height's matters less."""
        used: list[Series[Any]] = [self.position, self.attitude, *([] if frame is None else [self._gimbals[frame]])]
        known = [sigma for series in used if (sigma := series.sigma_s(t)) is not None]
        if len(known) in (0, len(used)):
            return max(known, default=None)
        untold = " and ".join(one.name for one in used if one.sigma_s(t) is None)
        self._assume(f"time: that of the {untold} is not told: {UNTOLD_S:g} s more than the other times are off")
        return max(known) + UNTOLD_S

    def _camera(self, t: float, attitude: Rotation) -> tuple[Rotation | None, GimbalFrame | None, str]:
        """From the camera to north, east, down, and the frame of the gimbal that turns it; or why that is not known."""
        if self._mounting.fixed is not None:
            return attitude @ self._mounting.fixed, None, ""
        why = "no gimbal attitude came: mount=YAW,PITCH,ROLL says how the camera is fixed"
        newest: tuple[float, GimbalFrame] = max((series.last_t, frame) for frame, series in self._gimbals.items())
        order: list[GimbalFrame] = [newest[1], *(frame for frame in FRAMES if frame != newest[1])]
        for frame in order:
            series: Series[Rotation] = self._gimbals[frame]
            if not len(series):
                continue
            gimbal, why = series.at(t)
            if gimbal is not None:
                return to_north(gimbal, frame, attitude), frame, ""
        return None, None, why
