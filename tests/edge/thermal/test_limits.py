"""Every default and every limit of the normalising methods, and the numbers of the byte order, from both sides."""

from __future__ import annotations

import numpy as np
import pytest

from edge.errors import InputError
from edge.system.declared import MOST
from edge.thermal.byteorder import looks_swapped
from edge.thermal.normalise import Normaliser, normalise
from edge.thermal.spec import DEFAULT_8BIT, DEFAULT_16BIT, METHODS, NormaliseSpec


def test_the_defaults_are_part_of_the_format() -> None:
    """Whoever changes one changes what ``percentile`` means on a command line: then the page says so."""
    assert {name: str(NormaliseSpec.parse(name)) for name in METHODS if name != "window"} == {
        "anchored": "anchored:below=3.0,above=6.0,above_kelvin=10.0,above_unscaled=9.0,min_mad_kelvin=0.7,"
        "max_kelvin=60.0,min_mad_counts=8.0,weight=0.125",
        "clahe": "clahe:clip_limit=2.0,tiles=8.0,low=0.1,high=99.9",
        "identity": "identity",
        "minmax": "minmax",
        "percentile": "percentile:low=1.0,high=99.0",
        "plateau": "plateau:plateau=0.001",
    }
    assert str(NormaliseSpec.parse("window:low=1,high=2")) == "window:low=1.0,high=2.0,unit=counts"
    assert (NormaliseSpec.parse("identity"), NormaliseSpec.parse("anchored")) == (DEFAULT_8BIT, DEFAULT_16BIT)
    assert {kind.version for kind in METHODS.values()} == {1}


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        ("percentile:low=0", "percentile:low=-0.001"),
        ("percentile:high=100", "percentile:high=100.001"),
        ("percentile:low=98.999", "percentile:low=99"),
        ("clahe:tiles=1", "clahe:tiles=0"),
        ("clahe:tiles=64", "clahe:tiles=65"),
        ("clahe:clip_limit=0.001", "clahe:clip_limit=0"),
        (f"clahe:clip_limit={MOST}", f"clahe:clip_limit={MOST * 1.01}"),
        ("clahe:low=99.899", "clahe:low=99.9"),
        ("plateau:plateau=1", "plateau:plateau=1.001"),
        ("plateau:plateau=0.0001", "plateau:plateau=0"),
        ("anchored:weight=1", "anchored:weight=1.001"),
        ("anchored:weight=0.001", "anchored:weight=0"),
        ("anchored:above_kelvin=0", "anchored:above_kelvin=-0.001"),
        ("anchored:below=0.001", "anchored:below=0"),
        ("anchored:max_kelvin=12.1", "anchored:max_kelvin=12.09"),  # 3 x 0.7 + 10
        ("anchored:above=20,max_kelvin=16.1", "anchored:above=20,max_kelvin=16.09"),  # 3 x 0.7 + 20 x 0.7
        (f"window:low={-MOST},high={MOST}", f"window:low={-MOST * 1.01},high={MOST}"),
        (f"window:low=0,high={MOST}", f"window:low=0,high={MOST * 1.01}"),
    ],
)
def test_a_limit_from_both_sides(within: str, beyond: str) -> None:
    NormaliseSpec.parse(within)
    with pytest.raises(InputError, match="expected"):
        NormaliseSpec.parse(beyond)


@pytest.mark.parametrize(("high", "swapped"), [(8, False), (9, True)])
def test_eight_times_smoother(high: int, swapped: bool) -> None:
    """Steps of ``high`` x 256 + 1 counts, with the bytes swapped of 256 + ``high``: 7.8 and 8.7 times less."""
    pixels = np.random.default_rng(0).integers(0, 65536, (17, 40)).astype(np.uint16)
    pixels[::8] = np.where(np.arange(40) % 2, 256 * high + 1, 0)  # every 8th row is looked at
    assert looks_swapped(pixels) == swapped
    pixels[::8] |= 2 << 8  # the same difference, higher up
    assert looks_swapped(pixels[:1]) == swapped
    assert looks_swapped(pixels[:1, :2]) == swapped
    assert not looks_swapped(pixels[:1, :1])


@pytest.mark.parametrize(("high", "swapped"), [(60, False), (70, True)])
def test_smoother_than_a_count_is_no_smoother(high: int, swapped: bool) -> None:
    """One step in a row of 2000 pixels: a mean of 7.7 or 9.0 counts, against 8 times 1 instead of 0.2."""
    row = np.zeros((1, 2000), np.uint16)
    row[0, 1000:] = 256 * high + 1
    assert looks_swapped(row) == swapped


def test_every_count_of_a_window_has_its_grey() -> None:
    """100 counts a grey level, rounded half up."""
    counts = np.arange(26000, dtype=np.uint16)
    grey = normalise(counts[None], NormaliseSpec.parse("window:low=0,high=25500"))[0]
    assert grey.tolist() == [min((int(c) + 50) // 100, 255) for c in counts]


def test_every_count_of_a_histogram_has_its_grey() -> None:
    """Each of 2551 counts once: ten of them a grey level, rounded half up."""
    counts = np.arange(1000, 3551, dtype=np.uint16)
    grey = normalise(counts[None], NormaliseSpec.parse("plateau:plateau=1"))[0]
    assert grey.tolist() == [(c + 5) // 10 for c in range(2551)]


@pytest.mark.parametrize(
    ("text", "dtype", "ends"),
    [
        ("identity", np.uint8, (0, 255)),
        ("clahe", np.uint8, (0, 255)),
        ("minmax", np.uint8, (3, 200)),
        ("plateau", np.uint8, (3, 200)),
        ("plateau", np.uint16, (3, 200)),
        ("window:low=1,high=2.5", np.uint16, (1, 2.5)),
    ],
)
def test_the_counts_that_are_black_and_white(text: str, dtype: type, ends: tuple[float, float]) -> None:
    normaliser = Normaliser(NormaliseSpec.parse(text))
    assert (normaliser.low, normaliser.high) == (None, None)
    normaliser(np.array([[3, 5, 7], [100, 100, 200]], dtype))
    assert (normaliser.low, normaliser.high) == ends
