"""Limits of `edge/engine`: engines."""

from __future__ import annotations

from typing import Any

LIMITS: dict[str, dict[str, tuple[Any, str]]] = {
    "engine.cpu_graph": {
        "ROUNDS": (5, "chosen: with float frames of 0.25 s it takes two seconds"),
        "ENOUGH": (0.9, "of float's time; chosen: closer, another start might choose otherwise"),
    },
    "engine.cuda": {
        "_STREAM_NON_BLOCKING": (1, "cuda.h: CU_STREAM_NON_BLOCKING"),
        "_CAPTURE_THREAD_LOCAL": (1, "cuda.h: CU_STREAM_CAPTURE_MODE_THREAD_LOCAL"),
        "_SCHEDULE_SPIN": (1, "cuda.h: CU_CTX_SCHED_SPIN"),
        "_PRIMARY_CONTEXT_ACTIVE": (708, "cuda.h: CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE"),
    },
    "engine.device": {
        "_MULTIPROCESSOR_COUNT": (16, "cuda.h: CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT"),
        "_CAPABILITY_MAJOR": (75, "cuda.h: CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR"),
        "_CAPABILITY_MINOR": (76, "cuda.h: CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR"),
    },
    "engine.readiness": {"OLDEST_TENSORRT": ((10, 3), "JetPack 6.1")},
    "engine.tiled": {"KEPT_SIZES": (16, "chosen: a folder of stills may have as many sizes as it has stills")},
    "engine.trt": {"ALIGNMENT": (256, "NvInfer.h: device memory given to a context")},
}
