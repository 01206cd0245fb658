"""What boards can do at most: dense products in half precision, and bytes from memory."""

from __future__ import annotations

from dataclasses import dataclass

from edge.errors import InputError


@dataclass(frozen=True, slots=True)
class Board:
    """``mode``: the power mode that the figures are of. ``tflops``: dense float16 products on the GPU's tensor cores,
    1e12 multiplications and additions a second. ``gbytes_s``: memory, 1e9 bytes a second. ``source``: where both come
    from, and what is derived.
    """

    name: str
    mode: str
    tflops: float
    gbytes_s: float
    source: str


# Orin's tensor core does 256 multiplications with addition a clock in float16 (dense): 64 of them at 1.3 GHz are 42.6,
# a quarter of the 170 sparse INT8 TOPS that NVIDIA gives for the GPU of AGX Orin 64. TOPS in data sheets are INT8,
# sparse, and of NX and AGX with the DLA's: no basis for float16
_CORES = "derived from tensor cores x 256 x 2 x clock"
BOARDS = (
    Board("orin-nano-super", "MAXN_SUPER, 1020 MHz", 16.7, 102.0,
          f"float16 {_CORES}, 32 cores; 67 sparse INT8 TOPS / 4 agrees; 102 GB/s: NVIDIA, Orin Nano Super"),
    Board("orin-nano-super-25w", "25W, 918 MHz", 15.0, 102.0,
          f"float16 {_CORES}, 32 cores; that 25W keeps 102 GB/s is not verified"),
    Board("orin-nano-15w", "15W before Super, 625 MHz", 10.2, 68.0,
          f"float16 {_CORES}, 32 cores; 40 sparse INT8 TOPS / 4 agrees; 68 GB/s: NVIDIA, Orin Nano 8GB"),
    Board("orin-nx-16", "MAXN, 918 MHz", 15.0, 102.4,
          f"float16 {_CORES}, 32 cores; 102.4 GB/s: NVIDIA, Orin NX, not verified"),
    Board("orin-nx-16-super", "MAXN_SUPER, 1173 MHz", 19.2, 102.4,
          f"float16 {_CORES}, 32 cores; 102.4 GB/s: NVIDIA, Orin NX, not verified"),
    Board("agx-orin-32", "MAXN, 930 MHz", 26.7, 204.8,
          f"float16 {_CORES}, 56 cores; 204.8 GB/s: NVIDIA, AGX Orin, not verified"),
    Board("agx-orin-64", "MAXN, 1300 MHz", 42.6, 204.8,
          f"float16 {_CORES}, 64 cores; 171 sparse INT8 TOPS / 4 agrees (NVIDIA Deep-Learning-Accelerator-SW, README); "
          "204.8 GB/s: NVIDIA, AGX Orin, not verified"),
    Board("agx-orin-64-50w", "50W", 27.2, 204.8,
          "float16 derived from 109 sparse INT8 TOPS / 4 (NVIDIA Deep-Learning-Accelerator-SW, README); that 50W keeps "
          "204.8 GB/s is not verified"),
    Board("agx-orin-64-30w", "30W", 10.2, 204.8,
          "float16 derived from 41 sparse INT8 TOPS / 4 (NVIDIA Deep-Learning-Accelerator-SW, README); that 30W keeps "
          "204.8 GB/s is not verified"),
    Board("thor-t5000", "MAXN", 258.5, 273.0,
          "258.5 dense float16 TFLOPS: pytorch/TensorRT#3813; 273 GB/s: NVIDIA, Thor, not verified"),
)  # fmt: skip


def board_named(name: str) -> Board:
    """The board of that name.

    Raises InputError, with the names that there are.
    """
    for board in BOARDS:
        if board.name == name:
            return board
    raise InputError(f"--board {name}: not known; expected one of {', '.join(board.name for board in BOARDS)}")
