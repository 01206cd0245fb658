"""NormaliseSpec: which normalisation, with which parameters, in which version.

Training, evaluation and flight must turn counts into grey in the same way, so the choice is a value that
is stored beside the model, compared and refused: a method's name, its parameters, and the version of its
arithmetic. A stored spec is always complete; a later change of a default cannot change an old model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.errors import BundleError, InputError

Param = float | str

# Raised by one whenever a method would give another byte for the same counts and parameters.
VERSIONS: dict[str, int] = {
    "anchored": 1,
    "clahe": 1,
    "identity": 1,
    "minmax": 1,
    "percentile": 1,
    "plateau": 1,
    "window": 1,
}

# None: no default, must be given.
DEFAULTS: dict[str, dict[str, Param | None]] = {
    "anchored": {
        "below": 3.0,  # MADs below the median that are black
        "above": 6.0,  # MADs above the median that are white, ...
        "above_kelvin": 10.0,  # ... but at least so many kelvin
        "above_unscaled": 9.0,  # MADs above the median where a count's worth in kelvin is unknown
        "min_mad_kelvin": 0.7,  # flat ground at dawn: noise is not stretched, cold roofs stay off black
        "max_kelvin": 60.0,  # widest window: fire over much of the frame
        "min_mad_counts": 8.0,  # min_mad_kelvin where a count's worth in kelvin is unknown
        "weight": 0.125,  # of the newest frame in the smoothed window; 1 = no smoothing
    },
    "clahe": {"clip_limit": 2.0, "tiles": 8.0, "low": 0.1, "high": 99.9},
    "identity": {},
    "minmax": {},
    "percentile": {"low": 1.0, "high": 99.0},
    "plateau": {"plateau": 0.001},  # part of the frame's pixels that one count may weigh at most
    "window": {"low": None, "high": None, "unit": "counts"},
}


@dataclass(frozen=True)
class NormaliseSpec:
    """A normalisation method with its parameters and version; complete and checked when made.

    ``method``: a name of `DEFAULTS`. ``params``: by name, what is left out gets its default. ``version``:
    of the method's arithmetic; only the version of this build is accepted.

    Raises InputError where the method, a parameter or the version is unknown or out of range.
    """

    method: str
    params: Mapping[str, Param] = field(hash=False)
    version: int

    def __post_init__(self) -> None:
        if self.method not in VERSIONS:
            raise InputError(f"normalise method {self.method!r} is unknown: expected one of {', '.join(VERSIONS)}")
        if type(self.version) is not int or self.version != VERSIONS[self.method]:
            raise InputError(
                f"normalise method '{self.method}' is of version {self.version!r}, this build has version "
                f"{VERSIONS[self.method]}: use the thermal-edge release the model was made with, or export "
                "the model again"
            )
        object.__setattr__(self, "params", _complete(self.method, self.params))
        wrong = _out_of_range(self)
        if wrong:
            raise InputError(f"normalise method '{self.method}': {wrong}")

    def __str__(self) -> str:
        """As `parse` reads it, every parameter named."""
        params = ",".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.method}:{params}" if params else self.method

    def number(self, name: str) -> float:
        """The numeric parameter of this name."""
        return float(self.params[name])

    def to_json(self) -> dict[str, str | int | dict[str, Param]]:
        """``{"method": ..., "params": {...}, "version": ...}`` for model.json, every parameter named."""
        return {"method": self.method, "params": dict(self.params), "version": self.version}

    @classmethod
    def from_json(cls, obj: object) -> NormaliseSpec:
        """The spec that `to_json` wrote. Raises BundleError for anything this build would not do exactly."""
        if not isinstance(obj, Mapping) or set(obj) != {"method", "params", "version"}:
            raise BundleError(f"normalise entry is {obj!r}: expected an object with method, params and version")
        if not isinstance(obj["method"], str) or not isinstance(obj["params"], Mapping):
            raise BundleError(f"normalise entry is {obj!r}: expected method as text and params as an object")
        try:
            return cls(obj["method"], obj["params"], obj["version"])
        except InputError as error:
            raise BundleError(str(error)) from None

    @classmethod
    def parse(cls, text: str) -> NormaliseSpec:
        """The spec of a command line, as ``percentile:low=1,high=99`` or ``anchored``.

        Raises InputError where it cannot be read.
        """
        method, _, rest = text.strip().partition(":")
        params: dict[str, Param] = {}
        for item in filter(None, rest.split(",")):
            name, equals, value = (part.strip() for part in item.partition("="))
            if not (name and equals and value) or name in params:
                raise InputError(f"normalise '{text}': '{item}' is not one name=value; expected method:name=value,...")
            try:
                params[name] = float(value)
            except ValueError:
                params[name] = value
        return cls(method, params, VERSIONS.get(method, 1))


def _complete(method: str, given: Mapping[str, object]) -> dict[str, Param]:
    """``given`` with the defaults of ``method`` filled in, in the defaults' order and types."""
    defaults = DEFAULTS[method]
    unknown = [repr(name) for name in given if name not in defaults]
    if unknown:
        known = f"it has {', '.join(defaults)}" if defaults else "it has none"
        raise InputError(f"normalise method '{method}' has no parameter {', '.join(unknown)}: {known}")
    params: dict[str, Param] = {}
    for name, default in defaults.items():
        value = given.get(name, default)
        if value is None:
            raise InputError(f"normalise method '{method}' needs a value for {name}")
        if isinstance(default, str):
            if not isinstance(value, str):
                raise InputError(f"normalise method '{method}': {name} is {value!r}, expected a word")
            params[name] = value
        else:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise InputError(f"normalise method '{method}': {name} is {value!r}, expected a finite number")
            params[name] = float(value)
    return params


def _out_of_range(spec: NormaliseSpec) -> str:
    """What is wrong with the values, or '' where they are fine."""
    p = spec.number
    if spec.method == "anchored":
        for name in ("below", "above", "above_unscaled", "min_mad_kelvin", "min_mad_counts"):
            if p(name) <= 0:
                return f"{name} is {p(name):g}, expected more than 0"
        if p("above_kelvin") < 0:
            return f"above_kelvin is {p('above_kelvin'):g}, expected 0 or more"
        narrowest = p("below") * p("min_mad_kelvin") + max(p("above_kelvin"), p("above") * p("min_mad_kelvin"))
        if p("max_kelvin") < narrowest:
            return f"max_kelvin is {p('max_kelvin'):g}, expected {narrowest:g} or more, the narrowest window"
        if not 0 < p("weight") <= 1:
            return f"weight is {p('weight'):g}, expected more than 0 and at most 1"
    if spec.method in ("percentile", "clahe") and not 0 <= p("low") < p("high") <= 100:
        return f"low is {p('low'):g} and high {p('high'):g}, expected 0 <= low < high <= 100 per cent"
    if spec.method == "clahe":
        if p("clip_limit") <= 0:
            return f"clip_limit is {p('clip_limit'):g}, expected more than 0"
        if p("tiles") not in range(1, 65):
            return f"tiles is {p('tiles'):g}, expected a whole number from 1 to 64"
    if spec.method == "plateau" and not 0 < p("plateau") <= 1:
        return f"plateau is {p('plateau'):g}, expected more than 0 and at most 1 (1 = no plateau)"
    if spec.method == "window":
        if spec.params["unit"] not in ("counts", "celsius"):
            return f"unit is {spec.params['unit']!r}, expected counts or celsius"
        if p("low") >= p("high"):
            return f"low is {p('low'):g} and high {p('high'):g}, expected low < high"
    return ""


# 8-bit sources have gone through the camera's own AGC: a second one would only add its faults.
DEFAULT_8BIT = NormaliseSpec.parse("identity")
DEFAULT_16BIT = NormaliseSpec.parse("anchored")
