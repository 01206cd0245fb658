"""What the live page keeps in a real browser: seconds against its JavaScript's memory and its elements.

    python benchmarks/speed/page_heap.py http://127.0.0.1:8080 [--every SECONDS]

Opens the page of a flight that runs (`edge run --web 8080`) in headless Chromium and looks until the flight is over.
Memory is that of the page's own scripts, right after the garbage has been collected; elements are nodes of its
document, listeners those of its events. At the end a line is fitted to the later three quarters.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed

from tests.support.browser import Browser, missing, opened

LEAST_LINES = 4  # for a fit
OVER = ("The run has ended", "Connection lost")  # what the page's state says then


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--every", type=float, default=15.0, help="seconds between two lines (default: 15)")
    asked = parser.parse_args()
    if why := missing():
        parser.error(why)
    with opened() as browser:
        browser.open(asked.url)
        lines = watch(browser, asked.every)
    later = np.array(lines[len(lines) // 4 :])
    if len(later) >= LEAST_LINES:
        slopes = [float(np.polyfit(later[:, 0] / 60, later[:, i], 1)[0]) for i in (1, 2)]
        print(f"Chromium: in a minute more: {slopes[0]:+.3f} MB, {slopes[1]:+.1f} elements", flush=True)


def watch(browser: Browser, every_s: float) -> list[tuple[float, float, float, float]]:
    """A line every so many seconds, until the flight is over: seconds, MB, elements, listeners."""
    for command in ("Performance.enable", "HeapProfiler.enable"):
        browser.driver.execute_cdp_cmd(command, {})
    begun, lines = time.monotonic(), []
    while not any(word in browser.text("#state-text") for word in OVER):
        browser.driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
        metrics = browser.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        found = {one["name"]: float(one["value"]) for one in metrics}
        heap, nodes, listeners = (found[name] for name in ("JSHeapUsedSize", "Nodes", "JSEventListeners"))
        lines.append((time.monotonic() - begun, heap / 1e6, nodes, listeners))
        print(
            "Chromium: {0[0]:6.0f} s {0[1]:8.2f} MB {0[2]:7.0f} elements {0[3]:6.0f} listeners".format(lines[-1])
            + f"; {browser.text('#state-text')}",
            flush=True,
        )
        time.sleep(every_s)
    return lines


if __name__ == "__main__":
    main()
