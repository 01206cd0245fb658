"""What a user of a Jetson is told to run; docs/jetson.md has the whole story."""

from __future__ import annotations

CLOSE_OTHERS = ": close other programs, or log out of the desktop (sudo systemctl isolate multi-user.target)"
OLDEST_TENSORRT = (10, 3)  # takes every precision from the ONNX file; JetPack 6.1
TENSORRT = "sudo apt install python3-libnvinfer"  # the same on JetPack 6 and 7
ENVIRONMENT = "make the virtual environment with --system-site-packages"
# compiled, some minutes; numpy 1, since the board's OpenCV was built for it
PYCUDA = "PATH=/usr/local/cuda/bin:$PATH pip install 'pycuda>=2024.1' 'numpy<2'"
# CUDA 13 changed cuCtxCreate: inducer/pycuda issue 485, pull request 487
PYCUDA_JETPACK_7 = "PATH=/usr/local/cuda/bin:$PATH pip install 'pycuda>=2025.1.2' 'numpy<2'"
ONNXRUNTIME = "pip install 'onnxruntime>=1.18,<1.24' 'numpy<2'"
ONNXRUNTIME_JETPACK_7 = "pip install 'onnxruntime>=1.18' 'numpy<2'"
