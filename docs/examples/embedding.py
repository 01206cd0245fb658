"""thermal-edge in a program of your own: python docs/examples/embedding.py FOLDER MODEL FRAMES"""

import sys
import time

import numpy as np

import edge


class MyCamera(edge.Camera):
    description, live, fps, seq = "my driver", True, 30.0, -1

    def read(self):  # waits for the next frame; None would end the run
        time.sleep(1 / self.fps)
        self.seq += 1  # by one for every frame that the sensor made: a gap is counted as lost
        counts = np.random.default_rng().normal(29000, 20, (512, 640)).astype(np.uint16)
        return edge.Frame(counts, self.seq, time.monotonic())


class MySink(edge.Sink):
    def write(self, result):  # in a thread of its own: detection does not wait for it
        print(result.frame.seq, result.detections.boxes.tolist(), f"{result.latency_ms:.0f} ms")


settings = edge.RunSettings(out=sys.argv[1], model=sys.argv[2], frames=int(sys.argv[3]))
sink = edge.SinkSpec("mine", None, lambda _: MySink())  # None: it writes no file of its own
with MyCamera() as camera:
    report = edge.run(settings, camera=camera, sinks=[sink])
