"""Rows: the disk is full, read-only, broken, or takes no more of one file; the power is cut."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable
from pathlib import Path

from edge.recording import Recording
from tests.faults.calls import Call, read_calls
from tests.faults.cut import Disk as AfterCut
from tests.faults.cut import put
from tests.faults.kept import kept
from tests.faults.row import Field, Row, Seen
from tests.faults.shim import ANY, BODIES, GROWING, Disk
from tests.faults.words import LIVE, of_file, run

FRAMES = 6
FILM = 150  # pictures; their lines are below the limit
PROMISED_S = 1.0  # of the flight's own time: what a power cut costs at most, see docs/service.md and docs/flying.md
OUTPUTS = ("--record", "--trace", "--csv")


def failing(error: int, on: bool, which: int, says: str) -> Callable[[Field], Seen]:
    """The nth call fails, for as many n as `Field.calls`, spread over those of a flight."""

    def fly(field: Field) -> Seen:
        seen = Seen(skipped=field.hangar.no_disk)
        if seen.skipped:
            return seen
        clean = Path(field.hangar.place("clean"), "out")
        words = run(field, of_file(FRAMES), clean, *OUTPUTS, finds=True)
        log = clean.with_name("log")
        seen.ended(field.hangar.fly(words, clean, 60, disk=Disk(which=which, log=str(log))), (0,))
        counted = [call for call in read_calls(log) if _counts(call, which)]
        lines: list[int] = []
        sample = _sample(len(counted), field.calls)
        for nth in sample:
            out = Path(field.hangar.place("full"), "out")
            words = run(field, of_file(FRAMES), out, *OUTPUTS, finds=True)
            begin = len(seen.wrong)
            ended = field.hangar.fly(words, out, 60, disk=Disk(nth, error, on, which))
            seen.ended(ended, (0, 1, 2), says if ended.code else "")
            found = seen.left(out, tidy=error != errno.EROFS) if out.exists() else None
            lines.append(len(found.lines) if found else 0)
            if ended.code == 0:
                seen.require(lines[-1] == FRAMES, f"{lines[-1]} of {FRAMES} lines, and exit code 0")
                seen.require(bool(found and found.report), "no report, and exit code 0")
            elif found and found.report:
                seen.require(found.report["ended"] == "failed", "exit code 1, and the report knows of nothing")
            call = counted[nth - 1]
            where = f"call {nth} ({call.kind} {Path(call.other or call.path).name})"
            seen.wrong[begin:] = [f"{where}: {wrong}" for wrong in seen.wrong[begin:]]
        whole = sum(n == FRAMES for n in lines)
        seen.kept = f"all {FRAMES} lines in {whole} of {len(sample)} flights, {min(lines)} at least; nothing half"
        seen.said = f"{len(sample)} of {len(counted)} calls: {seen.said}"
        return seen

    return fly


def _counts(call: Call, which: int) -> bool:
    """Whether `disk.c` counted it; what GROWING leaves out it cannot know exactly: all writes here are at the end."""
    return which == ANY or call.kind in {GROWING: "wam", BODIES: "wsa"}[which]


def _sample(n: int, most: int) -> list[int]:
    """So many of 1 to n, evenly, with both ends."""
    return sorted({1 + round(i * (n - 1) / max(min(n, most) - 1, 1)) for i in range(min(n, most))})


def too_large(field: Field) -> Seen:
    """A file size limit, as of a quota or of FAT: no file may pass 12 kB."""
    seen = Seen()
    out = Path(field.hangar.place("large"), "out")
    words = run(field, of_file(60), out, "--record", finds=True)
    seen.ended(field.hangar.fly(words, out, 60, limits={"FSIZE": 12_000}), (1,), "File too large")
    found = seen.left(out)
    seen.require(0 < len(found.lines) < 60, f"{len(found.lines)} lines under a limit of 12 kB")
    seen.require(found.recorded is not None and len(found.recorded) > 0, "nothing of the recording can be read")
    seen.require(bool(found.report and found.report["ended"] == "failed"), "no report that says so")
    return seen


def too_long_a_film(field: Field) -> Seen:
    """The same for the video, of which OpenCV tells no error."""
    seen = Seen()
    out = Path(field.hangar.place("film"), "out")
    ended = field.hangar.fly(run(field, of_file(FILM), out, "--video"), out, 60, limits={"FSIZE": 40_000})
    seen.ended(ended, (1,), "video.mkv: File too large")
    found = seen.left(out)
    seen.require(len(found.lines) == FILM, f"{len(found.lines)} of {FILM} lines")
    video = found.report["sinks"]["video"] if found.report else {}
    seen.require("File too large" in (video.get("error") or ""), f"the report says of the video: {video}")
    seen.require(bool(found.report and found.report["ended"] == "failed"), "no report that says so")
    return seen


def power_cut(chances: bool, again: bool = False) -> Callable[[Field], Seen]:
    """One flight whose every call is noted; then the disk after a cut at each of `Field.cuts` moments of it.

    ``chances``: of what was not synced, chance keeps some, torn; else nothing of it is kept. ``again``: it is the
    second flight into its folder, and what the first one has left must be there.
    """

    def fly(field: Field) -> Seen:
        seen = Seen(skipped=field.hangar.no_disk)
        if seen.skipped:
            return seen
        out = Path(field.hangar.place("cut"), "out")
        log, disk, chance = out.with_name("log"), AfterCut(str(out.parent)), random.Random(field.seed)
        if again:
            words = run(field, of_file(FRAMES), out, "--record", finds=True)
            seen.ended(field.hangar.fly(words, out, 60, disk=Disk(log=str(log))), (0,))
            for call in read_calls(log):
                disk.do(call)
        words = run(field, LIVE, out, "--record", "--csv", "--seconds", "3", finds=True)
        flight = field.hangar.start(words, out, disk=Disk(log=str(log)), turns=True)
        seen.ended(flight.end(60), (0,))
        own = flight.own_time()
        handed = sorted(own(frame.t_capture) for frame in Recording(out / "recording"))
        calls, most, folder = read_calls(log), 0, out
        moments = _sample(len(calls), field.cuts)
        for n, call in enumerate(calls, 1):
            disk.do(call)
            if n not in moments:
                continue
            at = own(calls[n].t if n < len(calls) else call.t)  # the last moment in which the disk is like this
            folder = put(disk.cut(chance if chances else None), field.hangar.place("after")) / "out"
            begin = len(seen.wrong)
            lines = _written(calls[:n], f"{out}/detections.jsonl", own)[1:]  # without that of the file itself
            owed = tuple(sum(t <= at - PROMISED_S for t in times) for times in (lines, handed))
            _after(seen, folder, owed)
            if again:
                first = [len(kept(one).lines) for one in (folder, folder / "earlier-1")]
                seen.require(FRAMES in first, f"of {FRAMES} lines of the flight before {first} are there")
            most = max(most, min(owed))
            seen.wrong[begin:] = [f"cut after call {n} of {len(calls)}: {wrong}" for wrong in seen.wrong[begin:]]
        seen.require(most > 0, "the flight was too short to owe anything")
        seen.ended(field.hangar.fly(run(field, of_file(2), folder, "--quiet"), folder, 60), (0,))
        seen.said = "nothing; the next run into the folder starts"
        seen.kept = (
            f"after {len(moments)} cuts: lines and recorded frames up to a second before, run.json; no half JSON"
        )
        seen.kept += "; all of the flight before" if again else ""
        return seen

    return fly


def _after(seen: Seen, folder: Path, owed: tuple[int, ...]) -> None:
    """Is what the flight owes there? ``owed``: lines, and recorded frames."""
    after = kept(folder)
    seen.wrong += after.bad
    seen.require(len(after.lines) >= owed[0], f"{len(after.lines)} lines, {owed[0]} were written a second before")
    recorded = len(after.recorded or [])
    seen.require(recorded >= owed[1], f"{recorded} frames recorded, {owed[1]} a second before {after.unread}")
    if any(owed):
        seen.require(after.start is not None, "no run.json")


def _written(calls: list[Call], path: str, own: Callable[[float], float]) -> list[float]:
    """When each write to a file was done, in the flight's own time."""
    files = {call.file for call in calls if call.kind == "o" and call.path == path}
    return [own(call.t) for call in calls if call.kind == "w" and call.file in files]


FULL = r"No space left on device"
OF_FILM = (
    "failed: exit code 0, and no word of a video that was cut off; whether its file takes another byte is tried every "
    "32 pictures"
)
OF_REPORT = "failed: no report at all; room for it is kept from the start on"
OF_NAMES = (
    "failed: all lines gone, as detections.jsonl had no safe name before the end of the flight; files of lines and the "
    "folder are synced with the folder above when they are made"
)
DISKS = [
    Row("disk full once, at each call", failing(errno.ENOSPC, False, ANY, FULL), 60),
    Row("disk full from a call on", failing(errno.ENOSPC, True, GROWING, FULL), 60, OF_REPORT, quick=True),
    Row("disk turns read-only, from a call on", failing(errno.EROFS, True, ANY, "Read-only file system"), 60),
    Row("I/O error of the disk once, at each call", failing(errno.EIO, False, ANY, "Input/output error"), 60),
    Row("I/O errors of the disk from a call on", failing(errno.EIO, True, BODIES, "Input/output error"), 60),
    Row("file size limit of 12 kB", too_large, 60),
    Row("file size limit of 40 kB, a video", too_long_a_film, 60, OF_FILM),
    Row("power cut, nothing unsynced is kept", power_cut(False), 60, OF_NAMES, quick=True),
    Row("power cut, a part of it is kept, torn", power_cut(True), 60, OF_NAMES),
    Row("power cut in the second flight into a folder", power_cut(True, again=True), 60, OF_NAMES),
]
