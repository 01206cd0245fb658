"""The loop in your own hands: python docs/examples/own_loop.py MODEL NEXT_MODEL FRAMES"""

import logging
import signal
import sys
import threading
import time

import numpy as np

import edge


class MyCamera(edge.Camera):
    description, live, fps = "my driver", True, 30.0

    def __init__(self):
        self._closed, self._seq = threading.Event(), -1

    def read(self):  # in the capture thread
        if self._closed.wait(1 / self.fps):  # as if the driver waited; `close` wakes it
            raise edge.CameraError("my driver was closed")
        counts = np.random.default_rng().normal(29000, 20, (512, 640)).astype(np.uint16)  # new memory for each frame
        self._seq += 1
        return edge.Frame(counts, self._seq, time.monotonic())

    def close(self):  # from any thread
        self._closed.set()


class MySink(edge.Sink):
    def write(self, result):  # in a thread of its own
        print(result.frame.seq, len(result.detections), f"{result.latency_ms:.0f} ms, {result.dropped} dropped")


logging.basicConfig(level=logging.INFO)  # the library prints nothing: what it has to say goes to the logger "edge"
model, next_model, frames = sys.argv[1], sys.argv[2], int(sys.argv[3])
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())  # from outside: results end, also while the camera is silent
shown = {frames // 3: edge.Filter(0.9), frames // 2: edge.Filter(min_size_px=12)}

with (
    MyCamera() as camera,
    edge.open_engine(model) as engine,  # this thread makes it, uses it and closes it
    edge.open_engine(next_model) as next_engine,
    edge.Background(MySink(), depth=30, lossless=False) as sink,  # if it is slow, results are left out
    edge.stream(camera, engine, stop=stop) as results,
):
    for n, result in enumerate(results, 1):
        sink.write(result)
        results.filter = shown.get(n, results.filter)  # from the next frame on
        if n == frames // 2:
            results.replace_engine(next_engine)  # between two results, in this thread
        if n == frames:
            stop.set()
print(f"{sink.written} written, {sink.skipped} left out, error: {sink.error}")
