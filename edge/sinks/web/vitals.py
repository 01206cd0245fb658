"""How a run is, as the page shows it, and what changed in it since the last look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from edge.health.conditions import CONDITIONS
from edge.sinks.web.events import Events

TROUBLE = ("waiting", "late", "hung")
STATES = {
    "starting": "Starting",
    "detecting": "Detecting",
    "waiting": "Waiting",
    "late": "No results",
    "hung": "Hung",
    "ending": "Ending",
}


class Vitals(NamedTuple):
    """``state``: see `edge.app.status.board.State`; ``doing``: in words; ``seconds``: for how long; ``age_s``: of the
    last result. ``degraded``: what was given up, in words. ``links``: what became of what was sent, by its name, see
    `Sink.link_report`. ``failed``: sinks that have stopped. ``disk_free``: bytes. Nothing is known of what is None.
    """

    state: str
    doing: str
    seconds: float
    age_s: float | None
    uptime_s: float
    frames: int = 0
    dropped: int = 0
    duplicates: int = 0
    lost: int = 0
    fps: float | None = None
    latency_ms: Mapping[str, float] = {}
    tracks: Mapping[str, int] = {}
    following: int = 0
    conditions: frozenset[str] = frozenset()
    degraded: tuple[str, ...] = ()
    links: Mapping[str, Mapping[str, Any]] = {}
    failed: tuple[str, ...] = ()
    disk_free: int | None = None
    recording: str | None = None
    model: str | None = None
    backend: str | None = None
    mission: str | None = None


class Changes:
    """Tells ``events`` what is another one than at the last look: the camera, links, sinks."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._trouble = ""
        self._away: set[str] = set()
        self._failed: set[str] = set()

    def note(self, now: Vitals) -> None:
        """Look at how the run is now."""
        if now.state in TROUBLE and now.frames and not self._trouble:
            self._trouble = now.doing or now.state
            self._events.add("camera", "warning", f"No results: {self._trouble}")
        elif now.state == "detecting" and self._trouble:
            self._events.add("camera", "good", f"Results come again; before: {self._trouble}")
            self._trouble = ""
        away = {name for name, link in now.links.items() if link.get("away")}
        for name in sorted(away - self._away):
            why = now.links[name].get("error")
            self._events.add("link", "warning", f"Link {name} is away" + (f": {why}" if why else ""))
        for name in sorted(self._away - away):
            self._events.add("link", "good", f"Link {name} is back")
        for name in sorted(set(now.failed) - self._failed):
            self._events.add("sink", "warning", f"{name} has stopped: it writes nothing more")
        self._away, self._failed = away, self._failed | set(now.failed)


def in_words(now: Vitals) -> dict[str, Any]:
    """As JSON, for the page."""
    return {
        "state": now.state,
        "state_words": STATES.get(now.state, now.state),
        "doing": now.doing,
        "seconds": now.seconds,
        "age_s": now.age_s,
        "uptime_s": now.uptime_s,
        "frames": now.frames,
        "dropped": now.dropped,
        "duplicates": now.duplicates,
        "lost": now.lost,
        "fps": now.fps,
        "latency_ms": dict(now.latency_ms),
        "tracks": dict(now.tracks),
        "following": now.following,
        "conditions": [{"name": name.replace("_", " "), "words": meaning(name)} for name in sorted(now.conditions)],
        "degraded": list(now.degraded),
        "links": [
            {"name": name, **{key: link.get(key) for key in ("to", "sent", "waiting", "dropped", "away", "error")}}
            for name, link in sorted(now.links.items())
        ],
        "failed": list(now.failed),
        "disk_free": now.disk_free,
        "recording": now.recording,
        "model": now.model,
        "backend": now.backend,
        "mission": now.mission,
    }


def meaning(condition: str) -> str:
    """What a condition means, in words."""
    known = CONDITIONS.get(condition)
    return known.meaning if known else condition.replace("_", " ")
