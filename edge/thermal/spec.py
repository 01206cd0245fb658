"""NormaliseSpec: which normalisation, with which parameters, in which version.

Training, evaluation and flight must turn counts into grey in the same way, so the choice is a value that
is stored beside the model, compared and refused: a method's name, its parameters, and the version of its
arithmetic. A stored spec is always complete; a later change of a default cannot change an old model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct, to_builtins

from edge.errors import BundleError, InputError
from edge.system.declared import MOST, declared

Param = float | str
Number = Annotated[float, Meta(ge=-MOST, le=MOST)]
Positive = Annotated[float, Meta(gt=0, le=MOST)]
NotNegative = Annotated[float, Meta(ge=0, le=MOST)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Part = Annotated[float, Meta(gt=0, le=1)]


class _Params(Struct):
    """The parameters of a method, those of an old model too.

    ``version``: raised by one whenever the method would give another byte for the same counts and parameters.
    """

    version: ClassVar[int] = 1


class _Identity(_Params):
    pass


class _MinMax(_Params):
    pass


class _Anchored(_Params):
    below: Positive = 3.0  # MADs below the median that are black
    above: Positive = 6.0  # MADs above the median that are white, ...
    above_kelvin: NotNegative = 10.0  # ... but at least so many kelvin
    above_unscaled: Positive = 9.0  # MADs above the median where a count's worth in kelvin is unknown
    min_mad_kelvin: Positive = 0.7  # flat ground at dawn: noise is not stretched, cold roofs stay off black
    max_kelvin: Number = 60.0  # widest window: fire over much of the frame
    min_mad_counts: Positive = 8.0  # min_mad_kelvin where a count's worth in kelvin is unknown
    weight: Part = 0.125  # of the newest frame in the smoothed window; 1 = no smoothing

    def __post_init__(self) -> None:
        narrowest = self.below * self.min_mad_kelvin + max(self.above_kelvin, self.above * self.min_mad_kelvin)
        if self.max_kelvin < narrowest:
            raise ValueError(f"max_kelvin is {self.max_kelvin:g}: expected {narrowest:g} or more, the narrowest window")


class _Percentile(_Params):
    low: Percent = 1.0
    high: Percent = 99.0

    def __post_init__(self) -> None:
        _check_ends(self.low, self.high)


class _Clahe(_Params):
    clip_limit: Positive = 2.0
    tiles: Annotated[float, Meta(ge=1, le=64)] = 8.0
    low: Percent = 0.1
    high: Percent = 99.9

    def __post_init__(self) -> None:
        _check_ends(self.low, self.high)
        if not self.tiles.is_integer():
            raise ValueError(f"tiles is {self.tiles:g}: expected a whole number from 1 to 64")


class _Plateau(_Params):
    plateau: Part = 0.001  # part of the frame's pixels that one count may weigh at most; 1 = no plateau


class _Window(_Params):
    low: Number
    high: Number
    unit: str = "counts"

    def __post_init__(self) -> None:
        _check_ends(self.low, self.high)
        if self.unit not in ("counts", "celsius"):
            raise ValueError(f"unit is {self.unit!r}: expected counts or celsius")


def _check_ends(low: float, high: float) -> None:
    if not low < high:
        raise ValueError(f"low is {low:g} and high {high:g}: expected low < high")


METHODS: dict[str, type[_Params]] = {
    "anchored": _Anchored,
    "clahe": _Clahe,
    "identity": _Identity,
    "minmax": _MinMax,
    "percentile": _Percentile,
    "plateau": _Plateau,
    "window": _Window,
}


class StoredSpec(Struct, forbid_unknown_fields=True):
    """A spec as model.json holds it. ``params`` are checked by their method's own type, see `METHODS`."""

    method: Annotated[str, Meta(extra_json_schema={"enum": list(METHODS)})]
    params: dict[str, Any]
    version: int


@dataclass(frozen=True)
class NormaliseSpec:
    """A normalisation method with its parameters and version; complete and checked when made.

    ``method``: a name of `METHODS`. ``params``: by name, what is left out gets its default. ``version``:
    of the method's arithmetic; only the version of this build is accepted.

    Raises InputError where the method, a parameter or the version is unknown or out of range.
    """

    method: str
    params: Mapping[str, Param] = field(hash=False)
    version: int

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"normalise method {self.method!r} is unknown: expected one of {', '.join(METHODS)}")
        ours = METHODS[self.method].version
        if type(self.version) is not int or self.version != ours:
            raise InputError(
                f"normalise method '{self.method}' is of version {self.version!r}, this build has version "
                f"{ours}: use the thermal-edge release the model was made with, or export "
                "the model again"
            )
        object.__setattr__(self, "params", _complete(self.method, self.params))

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
        try:
            stored = declared(obj, StoredSpec)
        except ValueError as error:
            raise BundleError(f"normalise entry: {error}") from None
        return cls.from_stored(stored)

    @classmethod
    def from_stored(cls, stored: StoredSpec) -> NormaliseSpec:
        """The spec that stands in a model.json. Raises BundleError for anything this build would not do exactly."""
        try:
            return cls(stored.method, stored.params, stored.version)
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
        return cls(method, params, METHODS.get(method, _Params).version)


def _complete(method: str, given: Mapping[str, object]) -> dict[str, Param]:
    """``given`` with the defaults of ``method`` filled in, in the order and types of its declaration."""
    kind = METHODS[method]
    known = kind.__struct_fields__
    unknown = [repr(name) for name in given if name not in known]
    if unknown:
        has = f"it has {', '.join(known)}" if known else "it has none"
        raise InputError(f"normalise method '{method}' has no parameter {', '.join(unknown)}: {has}")
    needed = known[: len(known) - len(kind.__struct_defaults__)]
    if missing := [name for name in needed if name not in given]:
        raise InputError(f"normalise method '{method}' needs a value for {missing[0]}")
    try:
        params: dict[str, Param] = to_builtins(declared(dict(given), kind))
    except ValueError as error:
        raise InputError(f"normalise method '{method}': {error}") from None
    return params


# 8-bit sources have gone through the camera's own AGC: a second one would only add its faults.
DEFAULT_8BIT = NormaliseSpec.parse("identity")
DEFAULT_16BIT = NormaliseSpec.parse("anchored")
