"""A detector's settings: what they may be, and what is said where they are not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from edge.errors import InputError
from export.detector.configuration import Configuration


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"channels": 0}, "channels 0: expected a whole number, 1 or more"),
        ({"channels": 64.5}, "channels 64.5: expected a whole number, 1 or more"),
        ({"channels": True}, "channels True: expected a whole number, 1 or more"),
        ({"fpn_norm": "yes"}, "fpn_norm 'yes': expected true or false"),
        ({"pyramid": "bifpn"}, "pyramid 'bifpn': expected conv1, layer1, classic, fpn or last2"),
        ({"rpn_nms_thresh": math.nan}, "rpn_nms_thresh nan: expected 0..1"),
        ({"norm_eps": math.inf}, "norm_eps inf: expected 0 or more"),
        ({"roi_size": (8,)}, r"roi_size \(8,\): expected rows and columns, 1 or more"),
        ({"roi_size": (8, 0)}, r"roi_size \(8, 0\): expected rows and columns, 1 or more"),
        ({"anchor_sizes": ()}, r"anchor_sizes \(\(\),\): expected pixels above 0"),
        ({"anchor_sizes": [[4], [8, 0]]}, r"anchor_sizes \[\[4\], \[8, 0\]\]: expected pixels above 0"),
        ({"anchor_sizes": [[4], [8, 16]]}, "expected equally many anchors on every level"),
        ({"image_mean": (0.4,)}, "expected 1 or 3 values each"),
        ({"channels": "\ud800"}, r"a detector setting holds a text that is none: {'channels': '.ud800'}"),
        ({"sampling_ratio": 17}, "sampling_ratio 17: expected 1..16, or -1"),
        ({"chanels": 8, "depth": 18}, "no such detector setting: chanels, depth; expected anchor_sizes, "),
    ],
)
def test_what_came_and_what_is_expected(values: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        Configuration().changed(**values)
    assert "\n" not in str(caught.value)


def test_lists_and_whole_numbers_will_do() -> None:
    found = Configuration.from_json({"anchor_sizes": [8, 16], "aspect_ratios": [1, 2], "image_std": [1, 1, 1]})
    assert found.anchor_sizes == ((8, 16),)
    assert found.aspect_ratios == ((1.0, 2.0),)
    assert found.anchors_per_cell == 4
    assert Configuration().anchor_sizes == ((4, 8, 16, 32, 64),)  # a copy was made
