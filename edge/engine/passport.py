"""The passport of an engine: what ``model.engine`` was built from, by what and on what board.

TensorRT ties an engine to its own version and to the GPU, and explains neither: a wrong engine ends in
``'NoneType' object has no attribute 'create_execution_context'``, or runs with another board's tactics.
So the builder writes ``model.engine.json`` beside the engine, and it is read before TensorRT sees
the engine. Nothing is ever rebuilt behind the user's back: every mismatch names the command.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from edge.engine.device import Device
from edge.errors import BundleError
from edge.model.bundle import MODEL_JSON, ONNX_FP16, WEIGHTS, Bundle, sha256
from edge.system.files import write_whole
from edge.system.host import host_facts, power_facts

FORMAT = 1
ENGINE = "model.engine"
PASSPORT = "model.engine.json"

_DRIVER_VERSION = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, slots=True)
class Target:
    """A machine as an engine sees it; None where it could not be told, and then it is not compared.

    ``tensorrt``: version as the Python package gives it, "10.3.0" or "10.13.3.9". ``device`` ..
    ``cuda``: see `Device`. ``board``: the device tree's model name. ``driver``: version of NVIDIA's
    kernel module. ``l4t``: "36.4.3" on a Jetson. ``power_mode``: name that ``nvpmodel -q`` gives.
    """

    tensorrt: str | None = None
    device: str | None = None
    compute_capability: str | None = None
    sm_count: int | None = None
    memory_mib: int | None = None
    cuda: str | None = None
    board: str | None = None
    driver: str | None = None
    l4t: str | None = None
    power_mode: str | None = None

    @classmethod
    def here(cls, tensorrt: str | None = None, device: Device | None = None) -> Target:
        """This machine, now: what the caller knows of TensorRT and the GPU, and what the system tells.

        Asks ``nvpmodel`` for the power mode, which takes some tens of milliseconds on a board.
        """
        host = host_facts()
        return cls(
            tensorrt=tensorrt,
            device=device.name if device else None,
            compute_capability=device.compute_capability if device else None,
            sm_count=device.sm_count if device else None,
            memory_mib=device.memory_mib if device else None,
            cuda=device.cuda if device else None,
            board=host["board"],
            driver=driver_version(_text(_DRIVER_VERSION)),
            l4t=host["l4t"],
            power_mode=power_facts()["mode"],
        )


@dataclass(frozen=True, slots=True)
class Passport:
    """Content of ``model.engine.json``.

    ``engine_sha256``, ``onnx_sha256``, ``model_json_sha256``: of ``model.engine`` and of the
    ``model.fp16.onnx`` (see `graph_sha256`) and ``model.json`` it was built from. ``target``: the machine that
    built it. ``options``: the builder's settings. ``build_seconds``: how long that took.
    """

    engine_sha256: str
    onnx_sha256: str
    model_json_sha256: str
    target: Target
    options: Mapping[str, Any] = field(default_factory=dict)
    build_seconds: float = 0.0

    def write(self, folder: Path) -> None:
        """Write ``model.engine.json`` into ``folder``, whole. Raises OSError."""
        content = {"format": FORMAT, **asdict(self)}
        write_whole(folder / PASSPORT, (json.dumps(content, indent=2) + "\n").encode())

    @classmethod
    def read(cls, folder: Path) -> Passport:
        """Read ``folder/model.engine.json``.

        Raises FileNotFoundError where there is none, ValueError (saying what is wrong with it) where
        it is no passport or one of another format.
        """
        raw = json.loads((folder / PASSPORT).read_bytes())  # a UnicodeDecodeError is a ValueError too
        if not isinstance(raw, dict) or raw.get("format") != FORMAT:
            got = raw.get("format") if isinstance(raw, dict) else type(raw).__name__
            raise ValueError(f"its format is {got!r}, this version of thermal-edge reads {FORMAT}")
        try:
            known = {f.name for f in fields(Target)}
            return cls(
                engine_sha256=str(raw["engine_sha256"]),
                onnx_sha256=str(raw["onnx_sha256"]),
                model_json_sha256=str(raw["model_json_sha256"]),
                target=Target(**{name: raw["target"][name] for name in known}),
                options=dict(raw["options"]),
                build_seconds=float(raw["build_seconds"]),
            )
        except KeyError as error:
            raise ValueError(f"it has no {error}") from None
        except TypeError as error:
            raise ValueError(str(error)) from None


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


def graph_sha256(bundle: Bundle) -> str:
    """Of all that TensorRT compiles: ``model.fp16.onnx``'s sha256, or of that and ``model.weights``'s, in hex.

    "" where the bundle has no ``model.fp16.onnx``.
    """
    digests = [bundle.files[name] for name in (ONNX_FP16, WEIGHTS) if name in bundle.files]
    if ONNX_FP16 not in bundle.files or len(digests) == 1:
        return bundle.files.get(ONNX_FP16, "")
    return hashlib.sha256("".join(digests).encode()).hexdigest()


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
        passport = Passport.read(bundle.path)
    except FileNotFoundError:
        what = f"{ENGINE} has no passport ({PASSPORT})"
        why = "nobody can tell from which model, by which TensorRT and for which board it was built"
        if not trust_engine:
            why += " (if you can: --trust-engine)"
        return [Mismatch(what, why, "warn" if trust_engine else "refuse", fix)]
    except (OSError, ValueError) as error:
        return [refuse(f"{PASSPORT} cannot be read ({error})", "the engine's origin is unknown")]

    found = []
    try:
        digest = sha256(bundle.path / ENGINE)
    except OSError as error:
        return [refuse(f"{ENGINE} cannot be read ({error.strerror})", "it would fail in TensorRT too")]
    if digest != passport.engine_sha256:
        why = "it is damaged, half copied or another model's, and TensorRT would run what it says"
        found.append(refuse(f"{ENGINE} is not the file that {PASSPORT} describes", why))
    # model.json's own digests were verified when the bundle was loaded
    if graph_sha256(bundle) != passport.onnx_sha256:
        found.append(refuse(f"{ENGINE} was built from another {ONNX_FP16}", "it holds other weights"))
    if sha256(bundle.path / MODEL_JSON) != passport.model_json_sha256:
        why = "classes, pixels or thresholds may be others than those the engine was built with"
        found.append(refuse(f"{MODEL_JSON} was changed after {ENGINE} was built", why))
    return found + _machine_mismatches(passport.target, here, fix)


def require_passport(bundle: Bundle, here: Target, trust_engine: bool = False) -> list[Mismatch]:
    """`check_passport`, for whoever is about to load the engine: returns the warnings.

    Raises BundleError with every reason where one of them is a refusal.
    """
    found = check_passport(bundle, here, trust_engine)
    refusals = [m for m in found if m.severity == "refuse"]
    if refusals:
        reasons = "; ".join(f"{m.what}: {m.why}" for m in refusals)
        commands = ", ".join(dict.fromkeys(m.fix for m in refusals))
        raise BundleError(f"engine {bundle.path / ENGINE} refused: {reasons}: run: {commands}")
    return found


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
    compare("warn", "its tactics were timed at other clocks: latency is not what it was", power_mode="power mode")
    return found


def driver_version(text: str) -> str | None:
    """Version ("540.4.0") in ``/proc/driver/nvidia/version``, None where there is no NVIDIA driver."""
    match = re.search(r"NVRM version:.*?\s(\d+\.\d[\d.]*)", text)
    return match[1] if match else None


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
