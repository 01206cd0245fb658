"""Which instructions for products of bytes a processor has, as Linux says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.system import cpu
from edge.system.cpu import byte_products


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model name\t: X\nflags\t\t: fpu avx2 avx512_vnni amx_int8 sse\n", ("avx512_vnni", "amx_int8")),
        ("flags : fpu avx2 avx_vnni\n", ("avx_vnni",)),
        ("BogoMIPS: 48\nFeatures\t: fp asimd asimddp i8mm\n", ("asimddp", "i8mm")),
        ("flags : fpu avx2 avx512_vnni_not\nbugs : avx_vnni\n", ()),
        ("flags : avx2\n\nflags : avx2 avx_vnni\n", ()),  # a core that lacks it decides
        ("", ()),
    ],
)
def test_what_the_first_core_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "cpuinfo")
    assert byte_products() == expected


@pytest.mark.parametrize(
    ("flags", "bits", "expected"),
    [
        ("avx avx2 sse", 8, ()),
        ("avx avx2 sse", 7, ("avx2",)),
        ("avx avx2 sse", 6, ("avx2",)),
        ("avx sse", 7, ()),
        ("avx2 avx512bw avx_vnni", 7, ("avx_vnni",)),
        ("asimd", 7, ()),
    ],
)
def test_pairs_are_enough_for_weights_of_7_bits(
    monkeypatch: pytest.MonkeyPatch, flags: str, bits: int, expected: tuple[str, ...]
) -> None:
    monkeypatch.setattr(cpu, "_flags", lambda: frozenset(flags.split()))
    assert byte_products(bits) == expected


def test_a_system_that_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "nothing")
    assert byte_products() == ()
