"""Other ways to run the same detector, and another loop around it, beside ours in one run.

    python -m benchmarks.peers [--seconds 40] [--frames 8] [--only NAME,...] [--json FILE]

`make bench-peers` writes benchmarks/results/peers.json and the pages' tables. What is compared:
`benchmarks.peers.detectors`; how it is timed: `benchmarks.peers.turns`; the loops: `benchmarks.peers.loops`.

The others' parts are run as their packages bring them, none of their code is here: torchvision (BSD-3-Clause), ONNX
Runtime (MIT), OpenVINO and OpenCV (Apache-2.0). Ultralytics' YOLO is AGPL-3.0 and therefore not in the environment.
"""
