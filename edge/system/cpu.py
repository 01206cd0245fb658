"""Whether the processor multiplies bytes: what makes an INT8 graph faster than a float one."""

from __future__ import annotations

from pathlib import Path

from edge.system.files import read_text_or_none

CPUINFO = Path("/proc/cpuinfo")
# as Linux calls them: Intel and AMD, AVX-512 or not, Intel's matrix unit; ARM's dot products and matrix products
BYTE_PRODUCTS = ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")
PAIR_PRODUCTS = "avx2"  # adds two products of bytes in 16 bits, where AVX-512 without VNNI does the same
PAIR_BITS = 7  # weights for which such a sum fits: 2 * 255 * 64 is below 2**15


def byte_products(weight_bits: int = 8) -> tuple[str, ...]:
    """What this processor has to multiply bytes with weights of so many bits: of `BYTE_PRODUCTS`, else `PAIR_PRODUCTS`.

    () where it has nothing of it, or the system does not tell.
    """
    flags = _flags()
    found = tuple(flag for flag in BYTE_PRODUCTS if flag in flags)
    return found or ((PAIR_PRODUCTS,) if weight_bits <= PAIR_BITS and PAIR_PRODUCTS in flags else ())


def what_it_has(weight_bits: int) -> str:
    """`byte_products` in words."""
    found = ", ".join(byte_products(weight_bits))
    return f"{found}, enough for weights of {PAIR_BITS} bits" if found == PAIR_PRODUCTS else found


def what_it_lacks(weight_bits: int) -> str:
    """Where `byte_products` is (): a beginning of a sentence."""
    pairs = (PAIR_PRODUCTS,) if weight_bits <= PAIR_BITS else ()
    return f"this processor has none of {', '.join(BYTE_PRODUCTS + pairs)}"


def fewer_bits(weight_bits: int) -> str:
    """What to do where `byte_products` is () and would not be for other weights; else ''."""
    if byte_products(weight_bits) or not byte_products(PAIR_BITS):
        return ""
    return (
        f"; its {PAIR_PRODUCTS} is enough for weights of {PAIR_BITS} bits, which edge-export onnx --int8 writes, and "
        f"these have {weight_bits}: make the graph again"
    )


def _flags() -> frozenset[str]:
    """Of the first core."""
    for line in (read_text_or_none(CPUINFO) or "").splitlines():
        name, _, flags = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(flags.split())
    return frozenset()
