"""Does a bundle's engine fit the bundle and this machine? Its passport says what it was made from, by what and where.

TensorRT ties an engine to its own version and to the GPU, and explains neither: a wrong engine ends in
``'NoneType' object has no attribute 'create_execution_context'``, or runs with another board's tactics.
So the passport is read before TensorRT sees the engine. Nothing is ever rebuilt behind the user's back: every
mismatch names the command.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.engine.device import Device
from edge.errors import BundleError, EngineError
from edge.model.bundle import MODEL_JSON, ONNX_FP16, Bundle, sha256
from edge.model.passport import ENGINE, PASSPORT, Passport, Target, graph_sha256
from edge.model.signed.signature import NotSigned
from edge.system.files import read_text_or_none, reason_of
from edge.system.host import host_facts, power_facts

_SIGN = "edge-export sign"
_DRIVER_VERSION = Path("/proc/driver/nvidia/version")


def this_machine(tensorrt: str | None = None, device: Device | None = None) -> Target:
    """This machine, now: what the caller knows of TensorRT and the GPU, and what the system tells.

    Asks ``nvpmodel`` for the power mode, which takes some tens of milliseconds on a board.
    """
    host, power = host_facts(), power_facts()
    return Target(
        tensorrt=tensorrt,
        device=device.name if device else None,
        compute_capability=device.compute_capability if device else None,
        sm_count=device.sm_count if device else None,
        memory_mib=device.memory_mib if device else None,
        cuda=device.cuda if device else None,
        board=host["board"],
        driver=driver_version(read_text_or_none(_DRIVER_VERSION) or ""),
        l4t=host["l4t"],
        power_mode=power["mode"],
        gpu_max_mhz=power["gpu_max_mhz"],
    )


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One way in which the engine does not fit the bundle or this machine.

    ``what``: what came and what was expected. ``why``: why it matters. ``severity``: ``refuse`` or
    ``warn``. ``fix``: the exact command.
    """

    what: str
    why: str
    severity: Literal["refuse", "warn"]
    fix: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}: run: {self.fix}"


def check_passport(bundle: Bundle, here: Target, trust_engine: bool = False) -> list[Mismatch]:
    """Everything about ``bundle``'s engine that does not fit the bundle's files or ``here``.

    Reads the engine once to hash it; neither TensorRT nor CUDA is touched. ``trust_engine``: an
    engine without a passport gives a warning and is not refused; one whose passport does not fit is
    refused all the same. An empty list is a clean bill.
    """
    fix = f"edge-export engine {shlex.quote(str(bundle.path))}"

    def refuse(what: str, why: str) -> Mismatch:
        return Mismatch(what, why, "refuse", fix)

    if not (bundle.path / ENGINE).is_file():
        return [refuse(f"{bundle.path} has no {ENGINE}", "engines are built on the board that flies")]
    try:
        passport = Passport.read(bundle)
    except FileNotFoundError:
        what = f"{ENGINE} has no passport ({PASSPORT})"
        why = "nobody can tell from which model, by which TensorRT and for which board it was built"
        if bundle.trusted:
            return [refuse(what, why)]
        if not trust_engine:
            why += " (if you can: --trust-engine)"
        return [Mismatch(what, why, "warn" if trust_engine else "refuse", fix)]
    except NotSigned as error:
        why = "an engine is code, and whoever can write into the folder can put both there"
        return [Mismatch(f"{PASSPORT} {error}", why, "refuse", f"{_SIGN} {shlex.quote(str(bundle.path))} --key FILE")]
    except (OSError, ValueError) as error:
        return [refuse(f"{PASSPORT} cannot be read ({error})", "the engine's origin is unknown")]

    found = []
    try:
        engine, model_json = sha256(bundle.path / ENGINE), sha256(bundle.path / MODEL_JSON)
    except OSError as error:
        return [refuse(f"{error.filename} cannot be read ({reason_of(error)})", "it would fail in TensorRT too")]
    if engine != passport.engine_sha256:
        why = "it is damaged, half copied or another model's, and TensorRT would run what it says"
        found.append(refuse(f"{ENGINE} is not the file that {PASSPORT} describes", why))
    # model.json's own digests were verified when the bundle was loaded
    if graph_sha256(bundle) != passport.onnx_sha256:
        found.append(refuse(f"{ENGINE} was built from another {ONNX_FP16}", "it holds other weights"))
    if model_json != passport.model_json_sha256:
        why = "classes, pixels or thresholds may be others than those the engine was built with"
        found.append(refuse(f"{MODEL_JSON} was changed after {ENGINE} was built", why))
    return found + _comparison_mismatches(passport, fix) + _machine_mismatches(passport.target, here, fix)


def engine_bytes(bundle: Bundle) -> bytes:
    """``model.engine``, to be run. Of a bundle whose signature was checked: only if it is still what its signed
    passport says, since the files may be others now than those that `check_passport` saw.

    Raises OSError; EngineError where it is not.
    """
    data = (bundle.path / ENGINE).read_bytes()
    if bundle.trusted is None:
        return data
    try:
        passport = Passport.read(bundle)
        same = passport.engine_sha256 == hashlib.sha256(data).hexdigest()
        same = same and passport.onnx_sha256 == graph_sha256(bundle)
    except (OSError, ValueError):
        same = False
    if not same:
        raise EngineError(f"{bundle.path / ENGINE} or its passport was changed after it was checked: start again")
    return data


def raise_refusals(bundle: Bundle, found: Sequence[Mismatch]) -> None:
    """Raises BundleError with every reason where one of what `check_passport` found is a refusal."""
    refusals = [m for m in found if m.severity == "refuse"]
    if refusals:
        reasons = "; ".join(f"{m.what}: {m.why}" for m in refusals)
        commands = ", ".join(dict.fromkeys(m.fix for m in refusals))
        raise BundleError(f"engine {bundle.path / ENGINE} refused: {reasons}: run: {commands}")


def _comparison_mismatches(passport: Passport, fix: str) -> list[Mismatch]:
    """What the comparison with ONNX Runtime says, or that there is none."""
    compared = passport.comparison
    if compared is None:
        why = "TensorRT can give wrong numbers without a word"
        return [Mismatch(f"{ENGINE} was never compared with ONNX Runtime", why, "warn", f"{fix} --compare-only")]
    if compared.refusals:
        level = passport.options.get("optimization_level")
        again = f"{fix} --optimization-level {other_level(level)}"
        return [
            Mismatch(f"{ENGINE} gives wrong results: {'; '.join(compared.refusals)}", str(compared), "refuse", again)
        ]
    if compared.doubts:
        again = f"{fix} --compare-only --frames DIR"
        return [Mismatch(f"{ENGINE}: {'; '.join(compared.doubts)}", str(compared), "warn", again)]
    return []


def other_level(level: object) -> int:
    """The optimization level to try where an engine of ``level`` is wrong: TensorRT takes other tactics then."""
    return 2 if level == 3 else 3


def _machine_mismatches(built: Target, here: Target, fix: str) -> list[Mismatch]:
    found = []

    def compare(severity: Literal["refuse", "warn"], why: str, **names: str) -> None:
        other = [
            f"{label} {getattr(built, name)}, here {getattr(here, name)}"
            for name, label in names.items()
            if None not in (getattr(built, name), getattr(here, name)) and getattr(built, name) != getattr(here, name)
        ]
        if other:
            found.append(Mismatch(f"{ENGINE} was built with {'; '.join(other)}", why, severity, fix))

    compare("refuse", "an engine runs only in the TensorRT that built it", tensorrt="TensorRT")
    compare("refuse", "an engine is machine code for one GPU generation", compute_capability="compute capability")
    compare(
        "warn",
        "its tactics were timed on another board: slower than it need be, and TensorRT gives no promise",
        board="board",
        device="GPU",
        sm_count="multiprocessors",
    )
    compare(
        "warn",
        "NVIDIA promises engines for the driver stack that they were built on",
        l4t="L4T",
        driver="driver",
        cuda="CUDA",
    )
    compare(
        "warn",
        "its tactics were timed at other clocks: latency is not what it was",
        power_mode="power mode",
        gpu_max_mhz="highest GPU clock in MHz",
    )
    return found


def driver_version(text: str) -> str | None:
    """Version ("540.4.0") in ``/proc/driver/nvidia/version``, None where there is no NVIDIA driver."""
    match = re.search(r"NVRM version:.*?\s(\d+\.\d[\d.]*)", text)
    return match[1] if match else None
