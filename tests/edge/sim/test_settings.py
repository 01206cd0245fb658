"""What a ``sim:`` source may say."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import SourceError
from edge.sim.settings import SimulatorSettings, parse_settings

ROWS = {row.name: row for row in fields(SimulatorSettings)}


def test_both_spellings_and_none() -> None:
    expected = SimulatorSettings(seed=7, altitude=80.5)
    assert parse_settings("sim:seed=7,altitude=80.5") == expected
    assert parse_settings("sim:?seed=7&altitude=80.5") == expected
    assert parse_settings("SIM: seed = 7 , altitude=80.5") == expected
    assert parse_settings("sim:") == parse_settings("sim:?") == SimulatorSettings()


def test_every_setting_has_a_row_with_meaning_and_a_default_in_range() -> None:
    for row in ROWS.values():
        assert row.metadata["meaning"]
        assert row.metadata["low"] <= row.default <= row.metadata["high"]
    assert isinstance(SimulatorSettings().width, int)
    assert isinstance(SimulatorSettings().fps, float)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("sim:altitude=high", ["altitude", "'high'", "5 to 500 m"]),
        ("sim:altitude=-5", ["altitude=-5", "5 to 500 m"]),
        ("sim:altitude=nan", ["altitude=nan", "5 to 500 m"]),
        ("sim:width=640.5", ["width", "'640.5'", "whole number"]),
        ("sim:live=2", ["live=2", "0 or 1"]),
        ("sim:wings=2", ["'wings'", "altitude", "ffc_flag"]),
        ("sim:seed=1,seed=2", ["seed", "twice"]),
        ("sim:seed", ["'seed'", "key=value"]),
        ("sim:seed=1,,fps=3", ["''", "key=value"]),
        ("sim:ffc_interval=1,ffc_duration=2", ["ffc_duration=2", "ffc_interval=1", "shorter"]),
        ("sim:altitude=500,focal=5,pixel=100,pitch=-90", ["altitude=500", "focal=5", "2"]),
        ("sim:focal=4,pitch=-30", ["pitch=-30", "focal=4", "horizon"]),
        ("simulator", ["'simulator'", "sim:key=value"]),
    ],
)
def test_what_is_wrong_is_named_with_what_is_right(source: str, words: list[str]) -> None:
    with pytest.raises(SourceError) as caught:
        parse_settings(source)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("number", ["1" * 400, "-" + "9" * 330])
def test_a_number_that_no_float_holds_is_refused_too(number: str) -> None:
    with pytest.raises(SourceError, match=r"^sim: frames=-?\d{11,12}\.\.\.: expected a whole number from 0 to"):
        parse_settings(f"sim:frames={number}")


@given(st.sampled_from(sorted(ROWS)), st.floats(allow_nan=True))
def test_a_number_is_taken_or_refused_by_its_range(name: str, value: float) -> None:
    row = ROWS[name]
    fits = row.metadata["low"] <= value <= row.metadata["high"] and row.type == "float"
    try:
        settings = parse_settings(f"sim:{name}={value!r}")
    except SourceError as error:
        message = str(error)
    else:
        assert fits
        assert getattr(settings, name) == value
        return
    assert name in message
    # a lens and an altitude, each fine alone, may not go together
    assert not fits or name in ("altitude", "focal", "pixel", "pitch", "ffc_duration", "ffc_interval")


@given(st.text(max_size=40))
def test_any_text_gives_settings_or_a_source_error(text: str) -> None:
    try:
        settings = parse_settings("sim:" + text)
    except SourceError:
        return
    assert isinstance(settings, SimulatorSettings)


def test_ground_sample_distance() -> None:
    # 60 m straight down through 19 mm on 17 um: 60 * 17e-6 / 19e-3
    assert SimulatorSettings(pitch=-90.0).gsd == pytest.approx(0.05368, abs=1e-5)
    assert SimulatorSettings(pitch=-30.0, height=64).gsd == pytest.approx(2 * 0.05368, abs=2e-5)
