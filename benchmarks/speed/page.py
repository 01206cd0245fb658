"""What an open page costs a flight: frames a second and processor time a frame, with and without browsers that look.

python benchmarks/speed/page.py [--frames N] [--rounds N] [--backend ort|null] [--json FILE]

Each flight is a process of its own: the simulated camera, every frame, the bundled model, --web. Whoever looks is
another process, which reads the picture and the events as fast as they come, once and four times. A round is one
flight of each kind, one after the other, told as it ends; what is printed then are the best frames a second of each
kind over all rounds, as others on the machine only ever take some, and their ratio to the best that nobody looked at;
and of processor time medians, and of the ratios to the flight of the same round that nobody looked at. Where the
machine is busy with others, frames a second tell little: the processor time of the flight itself tells more, and most
that of the page's own threads, milliseconds in each second. Memory is that in use after a third of the frames, and at
the end.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from benchmarks.command import run, whole

KINDS = (0, 1, 4)  # browsers
SOURCE = "sim:live=0,seed=3,altitude=60,people=5,deer=8"
MOST_LOSS = 0.05
WARM = 3  # frames that do not count


def memory_mb() -> float:
    """Of this process, in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def page_seconds() -> float:
    """Processor time of the page's two threads: its server, and the sink that hands results to it."""
    threads = [one for one in threading.enumerate() if one.name in ("web", "WebSink") and one.ident is not None]
    return sum(time.clock_gettime(time.pthread_getcpuclockid(one.ident)) for one in threads)


def fly(port: int, frames: int, backend: str) -> None:
    """One flight; prints what it cost as JSON."""
    import edge

    seen: list[tuple[float, float, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = edge.RunSettings(
            out=Path(folder) / "out", source=SOURCE, frames=frames, backend=backend, web=str(port), policy="every"
        )

        def look(_result: object) -> None:
            seen.append((time.perf_counter(), time.process_time(), memory_mb(), page_seconds()))

        report = edge.run(settings, watch=look)
    first, last, third = seen[WARM], seen[-1], seen[max(WARM, frames // 3)]
    count = len(seen) - 1 - WARM
    told = {
        "fps": count / (last[0] - first[0]),
        "cpu_ms": (last[1] - first[1]) / count * 1e3,
        "page_ms_a_second": (last[3] - first[3]) / (last[0] - first[0]) * 1e3,
        "memory_mb": [round(third[2], 1), round(last[2], 1)],
        "shown": report["sinks"]["web"]["written"],
    }
    print(json.dumps(told), flush=True)


def read(port: int, browsers: int) -> None:
    """So many browsers; prints what they got as JSON when the flight is over."""
    got = {"pictures": 0, "states": 0, "bytes": 0}
    memory: list[float] = []

    def take(path: str, mark: bytes, key: str) -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 10) as connected:
            connected.settimeout(None)  # a flight may take its time to begin
            connected.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            while data := connected.recv(1 << 16):
                got[key] += data.count(mark)
                got["bytes"] += len(data)
                if not memory:
                    memory.append(memory_mb())

    threads = [
        threading.Thread(target=take, args=of)
        for of in [("/picture.mjpeg", b"image/jpeg", "pictures"), ("/api/events", b"event: state", "states")] * browsers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(
        json.dumps({**got, "memory_mb": [round(memory[0], 1) if memory else None, round(memory_mb(), 1)]}), flush=True
    )


def flight(browsers: int, frames: int, backend: str) -> dict[str, Any]:
    """One flight with so many looking."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, __file__, "--frames", str(frames), "--backend", backend, "--port", str(port)]
    flying = subprocess.Popen([*words, "--as", "flight"], stdout=subprocess.PIPE, text=True)
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        if flying.poll() is not None:
            raise SystemExit("the flight has ended before it began")
        time.sleep(0.05)
    looking = None
    if browsers:
        words = [sys.executable, __file__, "--port", str(port), "--browsers", str(browsers), "--as", "browsers"]
        looking = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    told: dict[str, Any] = json.loads(flying.communicate()[0])
    if looking is not None:
        told["got"] = json.loads(looking.communicate()[0])
    return told


def main(frames: int, rounds: int, backend: str, file: Path | None) -> None:
    flights: dict[int, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for k in range(rounds):
        for kind in (*KINDS[k % len(KINDS) :], *KINDS[: k % len(KINDS)]):  # none is always the first
            flights[kind].append(one := flight(kind, frames, backend))
            print(f"  round {k + 1}, {kind or 'no'} browsers: {one['fps']:.2f} frames/s", file=sys.stderr, flush=True)
    print(f"{frames} frames, {rounds} rounds, backend {backend}, load of the machine {os.getloadavg()[0]:.1f}")
    print(
        f"{'who looks':<14}{'frames/s':>10}{'ratio':>8}{'CPU ms/frame':>14}{'ratio':>8}{'page ms/s':>11}"
        "  memory MB, pictures"
    )
    for kind, found in flights.items():
        fps, fps_ratio = best(found), best(found) / best(flights[0])
        cpu, cpu_ratio = middle(found, flights[0], "cpu_ms")
        last = found[-1]
        memory, page = last["memory_mb"], statistics.median(one["page_ms_a_second"] for one in found)
        more = f", {last['got']['pictures']}, browsers {last['got']['memory_mb']}" if kind else ""
        print(
            f"{kind or 'nobody'!s:<14}{fps:>10.2f}{fps_ratio:>8.3f}{cpu:>14.1f}{cpu_ratio:>8.3f}{page:>11.1f}"
            f"  {memory}{more}"
        )
    worst = min(best(found) / best(flights[0]) for found in flights.values())
    print(f"the most that was lost: {100 * (1 - worst):.1f} % of frames/s; expected: at most {100 * MOST_LOSS:.0f} %")
    if file is not None:
        file.write_text(json.dumps({"frames": frames, "backend": backend, "flights": flights}, indent=2) + "\n")


def best(found: Sequence[dict[str, Any]]) -> float:
    """The most frames a second of these flights."""
    return max(float(one["fps"]) for one in found)


def middle(found: Sequence[dict[str, Any]], alone: Sequence[dict[str, Any]], what: str) -> tuple[float, float]:
    """The median, and the median of the ratios by round."""
    ratios = [one[what] / other[what] for one, other in zip(found, alone, strict=True)]
    return statistics.median(one[what] for one in found), statistics.median(ratios)


def measure() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=partial(whole, "--frames"), default=150)
    parser.add_argument("--rounds", type=partial(whole, "--rounds"), default=3)
    parser.add_argument("--backend", default="ort")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--as", dest="role", choices=("flight", "browsers"), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--browsers", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.role == "flight":
        fly(asked.port, asked.frames, asked.backend)
    elif asked.role == "browsers":
        read(asked.port, asked.browsers)
    else:
        main(asked.frames, asked.rounds, asked.backend, asked.json)


if __name__ == "__main__":
    run(measure)
