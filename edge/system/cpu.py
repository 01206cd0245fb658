"""Whether the processor multiplies bytes: what makes an INT8 graph faster than a float one."""

from __future__ import annotations

from pathlib import Path

from edge.system.files import read_text_or_none

CPUINFO = Path("/proc/cpuinfo")
# as Linux calls them: Intel and AMD, AVX-512 or not, Intel's matrix unit; ARM's dot products and matrix products
BYTE_PRODUCTS = ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")


def byte_products() -> tuple[str, ...]:
    """Those of `BYTE_PRODUCTS` that this processor has; () where it has none, or the system does not tell."""
    for line in (read_text_or_none(CPUINFO) or "").splitlines():
        name, _, flags = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return tuple(flag for flag in BYTE_PRODUCTS if flag in flags.split())
    return ()
