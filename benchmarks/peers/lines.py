"""What a run prints, and the same as a section of a page."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.peers.result import DetectorResult, LoopResult, Peers, Spread

WIDTH = 48
AGE = "age of a frame when its detections are there"
BUSY_SAID = "So the times mean little and are left out here; `benchmarks/results/peers.json` holds them."


def printed(peers: Peers) -> Iterator[str]:
    """Lines for a terminal."""
    yield f"one frame, ms; {peers.load}"
    yield f"{'':{WIDTH}s}{'min':>8s}{'median':>8s}{'max':>8s}{'CPU':>8s}  times as long as ours (middle half; CPU)"
    for d in peers.detectors:
        plain = d.what.replace("`", "")
        if d.absent:
            yield f"{plain:{WIDTH}s}  not measured: {d.absent}"
        elif d.ms and d.cpu_ms:
            shown = "".join(f"{v:8.1f}" for v in (d.ms.min, d.ms.median, d.ms.max, d.cpu_ms.median))
            yield f"{plain:{WIDTH}s}{shown}  {_ratio(d)}"
    if said := peers.verdict():
        yield said
    yield f"a camera at {peers.rate:g} Hz with {peers.buffers} buffers, ours as the detector; {peers.loops_load}"
    yield f"{'':{WIDTH}s}{'frames/s':>9s}{'work ms':>9s}  {AGE}, ms: min, median, max"
    for loop in peers.loops:
        age = ", ".join(f"{v:.0f}" for v in (loop.age_ms.min, loop.age_ms.median, loop.age_ms.max))
        plain = loop.what.replace("`", "")
        yield f"{plain:{WIDTH}s}{loop.fps:9.2f}{loop.work_ms.median:9.1f}  {age}"
    if (times := peers.staleness()) is not None:
        yield f"in the plain loop a frame is {times:.1f} times as old as in ours when its detections are there"
    if peers.load.busy or (peers.loops and peers.loops_load.busy):
        yield "the machine was busy: compare the ratios, not the times"
    yield peers.left_out


def section(peers: Peers) -> str:
    """Markdown: the tables, and what the figures hold for."""
    host, versions = peers.host, ", ".join(f"{name} {v}" for name, v in sorted(peers.versions.items()))
    lines = [
        f"`{peers.command}`, {peers.date}, {peers.processor}, {host['cores']} cores, {peers.threads} threads for each. "
        f"{versions}. {max((d.rounds for d in peers.detectors), default=0)} rounds.",
        f"While the detectors were timed, {peers.load}; while the loops were, {peers.loops_load}. {BUSY_SAID}"
        if peers.load.busy or peers.loops_load.busy
        else f"While the detectors were timed, {peers.load}; while the loops were, {peers.loops_load}.",
        "",
        "| detector | times as long as ours (middle half of the rounds) | by processor time | ms a frame: least, "
        "median, most | objects of ours that it finds |",
        "|---|---:|---:|---:|---:|",
        *(_row(d, peers.load.busy) for d in peers.detectors),
        "",
    ]
    if said := peers.verdict():
        lines += [said, ""]
    lines += [
        f"| loop at a camera of {peers.rate:g} Hz | {AGE}, in times of one detection: least, median, most | the same, "
        "ms | frames/s | frames never looked at |",
        "|---|---:|---:|---:|---:|",
        *(_loop_row(loop, peers.loops[0].work_ms.median, peers.loops_load.busy) for loop in peers.loops),
        "",
        "How it was measured:",
        "",
        *(f"- {line}" for line in peers.method),
        f"- {peers.left_out}",
    ]
    return "\n".join(lines) + "\n"


def _row(d: DetectorResult, busy: bool) -> str:
    if d.absent or d.ms is None or d.cpu_ms is None:
        return f"| {d.what} | not measured: {d.absent} | | | |"
    same = "-" if d.same is None else f"{d.same.found} of {d.same.objects}, {d.same.added} others"
    ms = "-" if busy else _three(d.ms)
    if d.ratio is None:
        return f"| {d.what} | {_ratio(d)} | | {ms} | {same} |"
    r = d.ratio
    return f"| {d.what} | {r.median:.2f} ({r.low:.2f} to {r.high:.2f}) | {r.cpu:.2f} | {ms} | {same} |"


def _loop_row(loop: LoopResult, detection_ms: float, busy: bool) -> str:
    """``detection_ms``: of the plain loop, which does nothing else."""
    age = loop.age_ms
    times = ", ".join(f"{v / detection_ms:.1f}" for v in (age.min, age.median, age.max))
    ms, fps = ("-", "-") if busy else (_three(age), f"{loop.fps:.2f}")
    return f"| {loop.what} | {times} | {ms} | {fps} | {loop.left_out:.0%} |"


def _ratio(d: DetectorResult) -> str:
    if d.ratio is not None:
        r = d.ratio
        said = f"{r.median:.2f} ({r.low:.2f} to {r.high:.2f}; {r.cpu:.2f})"
        return said if d.same is None else f"{said}; {d.same}"
    return f"no ratio: {d.same.refused if d.same else 'it was not compared'}"


def _three(s: Spread) -> str:
    return f"{s.min:.0f}, {s.median:.0f}, {s.max:.0f}"
