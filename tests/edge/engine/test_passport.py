"""The passport refuses what would fail or lie in the air, warns of what may, and says how to fix it."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.engine import passport_check as module
from edge.engine.device import Device
from edge.engine.passport_check import Mismatch, check_passport, driver_version, raise_refusals, this_machine
from edge.errors import BundleError
from edge.model.bundle import ONNX_FP16, Bundle, sha256
from edge.model.passport import ENGINE, PASSPORT, BuildClocks, Passport, Target, schema
from edge.system.host import l4t_version
from tests.trt_sim.plan import AGREES

ORIN = Target(
    tensorrt="10.3.0",
    device="Orin",
    compute_capability="8.7",
    sm_count=8,
    memory_mib=7620,
    cuda="12.6",
    board="NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super",
    driver="540.4.0",
    l4t="36.4.3",
    power_mode="MAXN_SUPER",
    gpu_max_mhz=1020,
)


@pytest.fixture
def built(tiny_bundle: Path) -> Bundle:
    """A bundle with a float16 graph, an engine and its passport, as the builder leaves them on `ORIN`."""
    (tiny_bundle / ONNX_FP16).write_bytes(b"a graph for TensorRT")
    bundle = Bundle.load(tiny_bundle)
    files = {**bundle.files, ONNX_FP16: sha256(tiny_bundle / ONNX_FP16)}
    bundle = dataclasses.replace(bundle, files=files)
    bundle.write_json()
    (tiny_bundle / ENGINE).write_bytes(b"machine code")
    Passport(
        engine_sha256=sha256(tiny_bundle / ENGINE),
        onnx_sha256=files[ONNX_FP16],
        model_json_sha256=sha256(tiny_bundle / "model.json"),
        target=ORIN,
        options={"workspace_mib": 1024},
        build_seconds=311.2,
        clocks=BuildClocks(gpu_mhz=1020, over_current_events=0),
        comparison=AGREES,
    ).write(tiny_bundle)
    return Bundle.load(tiny_bundle)


def require_passport(bundle: Bundle, here: Target, trust_engine: bool = False) -> list[Mismatch]:
    """As for an engine that is about to be loaded: the warnings."""
    found = check_passport(bundle, here, trust_engine)
    raise_refusals(bundle, found)
    return found


def test_the_board_that_built_it_flies_it(built: Bundle) -> None:
    assert check_passport(built, ORIN) == []
    assert require_passport(built, ORIN) == []


@pytest.mark.parametrize(
    ("change", "severity", "words"),
    [
        ({"tensorrt": "10.3.1"}, "refuse", "TensorRT 10.3.0, here 10.3.1"),
        ({"tensorrt": "10.3.0.30"}, "refuse", "TensorRT 10.3.0, here 10.3.0.30"),
        ({"compute_capability": "11.0"}, "refuse", "compute capability 8.7, here 11.0"),
        ({"sm_count": 16, "board": "NVIDIA Jetson AGX Orin"}, "warn", "multiprocessors 8, here 16"),
        ({"l4t": "36.4.4"}, "warn", "L4T 36.4.3, here 36.4.4"),
        ({"driver": "540.5.0"}, "warn", "driver 540.4.0, here 540.5.0"),
        ({"cuda": "12.9"}, "warn", "CUDA 12.6, here 12.9"),
        ({"power_mode": "15W"}, "warn", "power mode MAXN_SUPER, here 15W"),
        ({"gpu_max_mhz": 624}, "warn", "highest GPU clock in MHz 1020, here 624"),
    ],
)
def test_another_machine(built: Bundle, change: dict[str, object], severity: str, words: str) -> None:
    (mismatch,) = check_passport(built, dataclasses.replace(ORIN, **change))
    assert mismatch.severity == severity
    assert words in mismatch.what
    assert mismatch.why
    assert mismatch.fix == f"edge-export engine {built.path}"


def test_a_few_mib_of_reserved_memory_are_no_other_board(built: Bundle) -> None:
    assert check_passport(built, dataclasses.replace(ORIN, memory_mib=7618)) == []


@given(known=st.sets(st.sampled_from([f.name for f in dataclasses.fields(Target)])))
def test_what_cannot_be_told_is_not_compared(known: set[str]) -> None:
    here = Target(**dict.fromkeys(known, "something else"))  # type: ignore[arg-type]
    found = module._machine_mismatches(ORIN, here, "fix")
    groups = [
        {"tensorrt"},
        {"compute_capability"},
        {"board", "device", "sm_count"},
        {"l4t", "driver", "cuda"},
        {"power_mode", "gpu_max_mhz"},
    ]
    assert len(found) == sum(bool(group & known) for group in groups)


@pytest.mark.parametrize("name", [ENGINE, "model.json"])
def test_one_changed_byte_is_refused(built: Bundle, name: str) -> None:
    path = built.path / name
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)
    (mismatch,) = check_passport(built, ORIN)
    assert mismatch.severity == "refuse"
    assert name in mismatch.what


def test_an_engine_of_another_graph_is_refused(built: Bundle) -> None:
    """A new export into the same folder: the graph and model.json are new, the engine is not."""
    (built.path / ONNX_FP16).write_bytes(b"a newer graph")
    files = {**built.files, ONNX_FP16: sha256(built.path / ONNX_FP16)}
    dataclasses.replace(built, files=files).write_json()
    found = check_passport(Bundle.load(built.path), ORIN)
    assert [m.severity for m in found] == ["refuse", "refuse"]
    assert ONNX_FP16 in found[0].what
    assert "model.json" in found[1].what


def test_no_engine(built: Bundle) -> None:
    (built.path / ENGINE).unlink()
    with pytest.raises(BundleError, match=r"has no model\.engine.*run: edge-export engine"):
        require_passport(built, ORIN)


def test_an_engine_without_passport_needs_trust(built: Bundle) -> None:
    (built.path / PASSPORT).unlink()
    with pytest.raises(BundleError, match="has no passport"):
        require_passport(built, ORIN)
    (warning,) = require_passport(built, ORIN, trust_engine=True)
    assert warning.severity == "warn"


def test_trust_does_not_excuse_a_passport_that_does_not_fit(built: Bundle) -> None:
    (built.path / ENGINE).write_bytes(b"another engine")
    with pytest.raises(BundleError, match="is not the file"):
        require_passport(built, ORIN, trust_engine=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "Expecting value"),
        (b"[]", "format is 'list'"),
        (b'{"format": 99}', "format is 99"),
        (b'{"format": 1}', "it has no 'engine_sha256'"),
        (b"{\xff}", "codec"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"format": 1, "a": ' + b"9" * 400 + b"}", "a whole number of 400 digits"),
        (b'{"format": 1, "a": "\\ud800"}', "surrogates not allowed"),
        (b'{"format": true}', "format is True: expected a whole number"),
    ],
)
def test_a_broken_passport_is_refused_whatever_the_trust(built: Bundle, text: bytes, words: str) -> None:
    (built.path / PASSPORT).write_bytes(text)
    with pytest.raises(BundleError, match=words):
        require_passport(built, ORIN, trust_engine=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw["target"].update(sm_count="8"), "target.sm_count is '8': expected a whole number or null"),
        (lambda raw: raw["target"].update(tensorrt=10.3), "target.tensorrt is 10.3: expected a text or null"),
        (lambda raw: raw["target"].pop("tensorrt"), "target has no 'tensorrt'"),
        (lambda raw: raw.update(target=None), "target is None: expected an object"),
        (lambda raw: raw.update(build_seconds=float("nan")), "build_seconds is nan: expected a number, 0 or more"),
        (lambda raw: raw.update(options=[1]), r"options is \[1\]: expected an object"),
        (lambda raw: raw.update(engine_sha256=5), "engine_sha256 is 5: expected a text"),
    ],
)
def test_a_passport_says_which_field_is_wrong(
    built: Bundle, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    raw = json.loads((built.path / PASSPORT).read_text())
    change(raw)
    (built.path / PASSPORT).write_text(json.dumps(raw))
    with pytest.raises(BundleError, match=words) as caught:
        require_passport(built, ORIN)
    assert "\n" not in str(caught.value)


def test_what_a_later_version_adds_is_left_alone(built: Bundle) -> None:
    raw = json.loads((built.path / PASSPORT).read_text())
    raw["compared"] = {"frames": 20}
    raw["target"]["kernel"] = "5.15"
    (built.path / PASSPORT).write_text(json.dumps(raw))
    assert Passport.read(built.path).target == ORIN


def test_the_schema_has_what_a_passport_has(built: Bundle) -> None:
    raw, whole = json.loads((built.path / PASSPORT).read_text()), schema()
    form = whole["$defs"][whole["$ref"].rpartition("/")[2]]
    assert set(raw) == set(form["properties"]) == {*form["required"], "clocks", "comparison"}
    target = whole["$defs"]["Target"]
    required = form["properties"]["target"]["required"]
    assert set(raw["target"]) == set(target["properties"]) == {*required, "gpu_max_mhz"}


def test_a_passport_of_the_first_version_is_read_and_its_engine_was_never_compared(built: Bundle) -> None:
    raw = json.loads((built.path / PASSPORT).read_text())
    del raw["clocks"], raw["comparison"], raw["target"]["gpu_max_mhz"]
    (built.path / PASSPORT).write_text(json.dumps(raw))
    (mismatch,) = require_passport(built, ORIN)
    assert str(mismatch) == (
        "model.engine was never compared with ONNX Runtime: TensorRT can give wrong numbers without a word: "
        f"run: edge-export engine {built.path} --compare-only"
    )


def with_comparison(built: Bundle, **change: Any) -> None:
    passport = Passport.read(built.path)
    comparison = dataclasses.replace(AGREES, **change)
    dataclasses.replace(passport, comparison=comparison).write(built.path)


def test_an_engine_that_loses_detections_is_refused(built: Bundle) -> None:
    with_comparison(built, both=28, lost=3)
    with pytest.raises(BundleError) as caught:
        require_passport(built, ORIN, trust_engine=True)
    said = str(caught.value)
    assert "model.engine gives wrong results: it loses 3 of the 31 detections that ONNX Runtime finds" in said
    assert said.endswith(f"run: edge-export engine {built.path} --optimization-level 3")
    assert "\n" not in said


def test_an_engine_that_finds_more_is_told_and_flies(built: Bundle) -> None:
    with_comparison(built, added=2)
    (mismatch,) = require_passport(built, ORIN)
    assert "detections that only the engine finds: 2" in mismatch.what
    assert mismatch.fix == f"edge-export engine {built.path} --compare-only --frames DIR"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lost": -1}, "comparison.lost is -1: expected a whole number, 0 or more"),
        ({"both": "31"}, "comparison.both is '31': expected a whole number"),
        ({"most_score": float("nan")}, "comparison.most_score is nan"),
        ({"versions": []}, r"comparison.versions is \[\]: expected an object"),
    ],
)
def test_a_broken_comparison_is_refused(built: Bundle, change: dict[str, Any], words: str) -> None:
    raw = json.loads((built.path / PASSPORT).read_text())
    raw["comparison"].update(change)
    (built.path / PASSPORT).write_text(json.dumps(raw))
    with pytest.raises(BundleError, match=words):
        require_passport(built, ORIN)


def test_the_level_to_try_next_is_another_one() -> None:
    assert [module.other_level(level) for level in (3, 2, 5, None)] == [2, 3, 3, 3]


@pytest.mark.parametrize("field", ["target", "options", "build_seconds"])
@pytest.mark.parametrize("value", [None, "x", 3])
def test_a_passport_with_a_strange_field_is_read_or_refused(built: Bundle, field: str, value: object) -> None:
    raw = json.loads((built.path / PASSPORT).read_text())
    raw[field] = value
    (built.path / PASSPORT).write_text(json.dumps(raw))
    assert {m.severity for m in check_passport(built, ORIN)} <= {"refuse"}


def test_every_reason_and_one_command_in_the_refusal(built: Bundle) -> None:
    here = dataclasses.replace(ORIN, tensorrt="11.4.1", compute_capability="11.0", power_mode="120W")
    with pytest.raises(BundleError) as caught:
        require_passport(built, here)
    text = str(caught.value)
    assert "TensorRT 10.3.0, here 11.4.1" in text
    assert "compute capability 8.7, here 11.0" in text
    assert "power mode" not in text  # that alone would not keep it on the ground
    assert text.count("edge-export engine") == 1
    assert "\n" not in text


def test_the_command_survives_a_path_with_spaces(built: Bundle) -> None:
    folder = built.path.rename(built.path.with_name("my deer"))
    (folder / ENGINE).unlink()
    (mismatch,) = check_passport(Bundle.load(folder), ORIN)
    assert shlex.split(mismatch.fix) == ["edge-export", "engine", str(folder)]


def test_round_trip(built: Bundle) -> None:
    read = Passport.read(built.path)
    assert read.target == ORIN
    assert read.options == {"workspace_mib": 1024}
    assert read.clocks == BuildClocks(1020, 0)
    assert read.comparison == AGREES
    read.write(built.path)
    assert Passport.read(built.path) == read


def test_facts_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    driver = tmp_path / "driver"
    driver.write_text(DRIVER)
    monkeypatch.setattr(module, "_DRIVER_VERSION", driver)
    monkeypatch.setattr(module, "host_facts", lambda: {"board": "NVIDIA Jetson AGX Orin", "l4t": "36.4.3"})
    monkeypatch.setattr(module, "power_facts", lambda: {"mode": "MAXN", "gpu_max_mhz": 1300})
    here = this_machine("10.3.0", Device("Orin", "8.7", 16, 62841, "12.6"))
    assert here == Target(
        "10.3.0", "Orin", "8.7", 16, 62841, "12.6", "NVIDIA Jetson AGX Orin", "35.3.1", "36.4.3", "MAXN", 1300
    )


def test_a_laptop_has_neither() -> None:
    here = this_machine()
    assert here.tensorrt is None
    assert here.compute_capability is None


# /etc/nv_tegra_release as L4T writes it
RELEASE = "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8\n"
# /proc/driver/nvidia/version of an Orin NX, nix-community/nixGL issue 139
DRIVER = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  35.3.1  Release Build  "
    "(buildbrain@mobile-u64-6289-d7000)  Sun Mar 19 08:09:33 PDT 2023\n"
    "GCC version:  gcc version 9.3.0 (Buildroot 2020.08) \n"
)


def test_versions_of_l4t_and_of_the_driver() -> None:
    assert l4t_version(RELEASE) == "36.4.3"
    assert l4t_version("") is None
    assert driver_version(DRIVER) == "35.3.1"
    desktop = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\n"
    assert driver_version(desktop) == "535.183.01"
    assert driver_version("") is None
