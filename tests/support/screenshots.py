"""Pictures of the pages for docs/: ``python -m tests.support.screenshots docs`` makes them anew, in minutes.

A simulated flight with the bundled model is run, its live page and, after it, its reviewing page and the report of
`edge demo` are opened in Chromium. With ``--every`` also at other sizes, light and dark, to look at.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from tests.support.browser import Browser, missing, opened
from tests.support.children import popen, run_child
from tests.support.shown_page import free_port

EDGE = (sys.executable, "-m", "edge.commands.main")
SIZES = {"desk": (1920, 1080), "laptop": (1366, 768), "tablet": (820, 1180)}
KEPT = {("page", "desk"): "page", ("page", "tablet"): "page_tablet", ("review", "laptop"): "review"}
KEPT |= {("report", "tablet"): "report_tablet"}
MOST_BYTES = 200_000
COLOURS, GREYS = 180, (64, 40, 26, 18)  # of a picture that would be larger: as many greys as fit
PATIENCE_S = 240.0


def main() -> None:
    """As the first line of this file says."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--every", action="store_true", help="all sizes, light and dark, under names of their own")
    parser.add_argument("--seconds", type=float, default=75.0, help="of the flight, before the live page is taken")
    told = parser.parse_args()
    if why := missing():
        parser.error(why)
    with TemporaryDirectory() as work, opened() as browser:
        flight, shots = Path(work) / "flight", Shots(browser, told.folder, told.every)
        with answering(flight, told.seconds) as url:
            browser.open(url)
            browser.wait(lambda: "interval" in browser.text("#counts-note"), told.seconds + PATIENCE_S)
            browser.wait(lambda: browser.count("#map .mark-name") > 1, PATIENCE_S)
            shots.take("page")
        with command("review", str(flight), "--web", str(port := free_port())):
            open_when_there(browser, f"http://127.0.0.1:{port}/review")
            time.sleep(2.0)  # its pictures
            shots.take("review")
        run_child([*EDGE, "demo", "--quiet", "--out", f"{work}/demo"], check=True)
        browser.open(Path(work, "demo", "report.html").as_uri())
        shots.take("report")


class Shots:
    """Pictures of what a browser shows. ``every``: all sizes, light and dark; else those that docs/ keeps."""

    def __init__(self, browser: Browser, folder: Path, every: bool) -> None:
        self._browser, self._folder, self._every = browser, folder, every

    def take(self, page: str) -> None:
        """At each size, of the page that is open now."""
        for size, (width, height) in SIZES.items():
            kept = KEPT.get((page, size))
            for dark in (False, True) if self._every else (False,):
                name = f"{page}_{size}_{'dark' if dark else 'light'}" if self._every else kept
                if name is None:
                    continue
                self._browser.resize(width, height)
                self._browser.dark(dark)
                time.sleep(1.5)  # a new picture, a new state
                path = self._browser.screenshot(self._folder / f"{name}.png")
                print(path if self._every else smaller(path), flush=True)
        self._browser.dark(False)


def smaller(path: Path) -> Path:
    """The file with fewer colours where it is too large for docs/. Raises ValueError where that does not help."""
    with Image.open(path) as picture:
        whole = picture.convert("RGB")
    found = sorted(whole.getcolors(1 << 24) or [], reverse=True)
    bright = [c for _, c in found if isinstance(c, tuple) and max(c) - min(c) > 24][:COLOURS]
    for greys in GREYS:
        if path.stat().st_size <= MOST_BYTES:
            break
        few = Image.new("P", (1, 1))
        grey = [3 * [round(255 * i / (greys - 1))] for i in range(greys)]
        few.putpalette([value for colour in [*grey, *bright] for value in colour])
        whole.quantize(palette=few, dither=Image.Dither.NONE).save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path} has {path.stat().st_size} bytes, expected at most {MOST_BYTES}")
    return path


@contextmanager
def command(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """`edge` with these words, as long as the block runs; then it is ended as by Ctrl-C."""
    process = popen([*EDGE, *words], stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)


@contextmanager
def answering(folder: Path, seconds: float) -> Iterator[str]:
    """The address of a simulated flight into this folder that goes on for as long as the block runs."""
    port, frames = free_port(), int(8 * (seconds + 3 * PATIENCE_S))
    source = f"sim:frames={frames},seed=3,fps=4,live=0"  # no frame is dropped, on a slow machine too
    words = ("--source", source, "--out", str(folder), "--backend", "ort", "--coverage", "--record", "--faint")
    with command("run", *words, "--quiet", "--web", str(port)) as process:
        end = time.monotonic() + PATIENCE_S
        while not list(folder.glob("detections.jsonl")):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"edge run has not begun: exit code {process.returncode}")
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/"


def open_when_there(browser: Browser, url: str) -> None:
    """Open it as soon as somebody answers there."""

    def there() -> bool:
        browser.open(url)
        return True

    browser.wait(there, PATIENCE_S)


if __name__ == "__main__":
    main()
