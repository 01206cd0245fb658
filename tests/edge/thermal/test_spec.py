"""NormaliseSpec: complete, comparable, and strict about what it does not know."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import BundleError, InputError
from edge.thermal import DEFAULT_8BIT, DEFAULT_16BIT, NormaliseSpec
from edge.thermal.spec import METHODS

COMPLETE = [
    DEFAULT_8BIT,
    DEFAULT_16BIT,
    *(NormaliseSpec.parse(t) for t in ("minmax", "percentile", "plateau", "clahe", "window:low=1,high=2")),
]


@pytest.mark.parametrize("spec", COMPLETE, ids=lambda spec: spec.method)
def test_round_trips(spec: NormaliseSpec) -> None:
    assert NormaliseSpec.from_json(json.loads(json.dumps(spec.to_json(), allow_nan=False))) == spec
    assert NormaliseSpec.parse(str(spec)) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert copy.deepcopy(spec) == spec
    assert hash(copy.deepcopy(spec)) == hash(spec)


@given(st.floats(0, 49), st.floats(50, 100))
def test_numbers_keep_every_digit(low: float, high: float) -> None:
    spec = NormaliseSpec("percentile", {"low": low, "high": high}, 1)
    assert NormaliseSpec.parse(str(spec)) == spec
    assert NormaliseSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_defaults_are_filled_in_so_that_a_stored_spec_is_complete() -> None:
    spec = NormaliseSpec.parse(" percentile: low = 2 ")
    assert spec.to_json() == {"method": "percentile", "params": {"low": 2.0, "high": 99.0}, "version": 1}
    assert spec == NormaliseSpec("percentile", {"high": 99, "low": 2}, 1)
    assert set(DEFAULT_16BIT.params) >= {"below", "above", "above_kelvin", "weight"}


def test_what_was_given_is_copied() -> None:
    given_params: dict[str, float | str] = {"low": 5.0}
    spec = NormaliseSpec("percentile", given_params, 1)
    given_params["low"] = 7.0
    spec.to_json()["params"]["low"] = 8.0  # type: ignore[index]
    assert spec.number("low") == 5.0


def stored(**changes: object) -> dict[str, object]:
    return {"method": "percentile", "params": {"low": 1.0, "high": 99.0}, "version": 1, **changes}


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (stored(method="gamma"), f"'gamma' is unknown: expected one of {', '.join(sorted(METHODS))}$"),
        (stored(version=2), "'percentile' is of version 2, this build has version 1: .* export"),
        (stored(version="1"), "version is '1': expected a whole number"),
        (stored(version=True), "version is True: expected a whole number"),
        (stored(params={"low": 1, "hihg": 99}), "no parameter 'hihg': it has low, high"),
        (stored(method="identity"), "'identity' has no parameter 'low', 'high': it has none"),
        (stored(params={"low": "1"}), "low is '1': expected a number"),
        (stored(params={"low": True}), "low is True: expected a number"),
        (stored(params={"low": float("nan")}), "low is nan: expected a number, 0 or more"),
        (stored(params={"low": 10**400}), "low is 1000000000.*: expected a number"),
        (stored(params={"low": [1.0]}), "low is .*: expected a number"),
        (stored(method="window", params={"low": 1}), "'window' needs a value for high"),
        (stored(method=["percentile"]), "method is .*: expected a text"),
        (stored(params=None), "params is None: expected an object"),
        (stored(extra=1), "it has 'extra', which is unknown"),
        ({"method": "identity"}, "it has no 'params'"),
        ("identity", "expected an object"),
        (None, "expected an object"),
    ],
)
def test_what_this_build_would_not_do_exactly_is_refused(obj: object, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        NormaliseSpec.from_json(obj)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is unknown: expected one of"),
        ("agc", "'agc' is unknown"),
        ("percentile:1,99", "'1' is not one name=value"),
        ("percentile:low=", "'low=' is not one name=value"),
        ("percentile:low=1,low=2", "'low=2' is not one name=value"),
        ("percentile:low=one", "low is 'one': expected a number"),
        ("percentile:low=inf", "low is inf: expected a number, 100 or less"),
        ("percentile:low=99,high=1", "low is 99 and high 1: expected low < high"),
        ("percentile:high=101", "high is 101.0: expected a number, 100 or less"),
        ("window:low=1,high=1", "expected low < high"),
        ("window:low=1,high=2,unit=kelvin", "'kelvin': expected counts or celsius"),
        ("window:low=1,high=2,unit=3", "unit is 3.0: expected a text"),
        ("window:low=nan,high=1", "low is nan: expected a number"),
        ("plateau:plateau=1.5", "plateau is 1.5: expected a number, 1 or less"),
        ("clahe:tiles=65", "tiles is 65.0: expected a number, 64 or less"),
        ("plateau:plateau=0", "plateau is 0.0: expected a number, more than 0"),
        ("clahe:tiles=2.5", "tiles is 2.5: expected a whole number"),
        ("clahe:clip_limit=0", "clip_limit is 0"),
        ("clahe:low=3,high=2", "low is 3 and high 2"),
        ("anchored:weight=0", "weight is 0.0: expected a number, more than 0"),
        ("anchored:weight=1.5", "weight is 1.5"),
        ("anchored:below=-1", "below is -1"),
        ("anchored:above_kelvin=-1", "above_kelvin is -1"),
        ("anchored:max_kelvin=11", "max_kelvin is 11: expected 12.1 or more, the narrowest window"),
    ],
)
def test_bad_command_lines_say_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        NormaliseSpec.parse(text)
    assert not isinstance(caught.value, BundleError)
