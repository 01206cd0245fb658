"""What a source string says of how its picture is looked at: ``crop``, ``mask``, ``palette``, ``camera``, ``endian``,
``kelvin``.

They stand behind the ``?`` of a file, a folder, a device, a simulation and a recording. Behind a URL the ``?`` belongs
to the server, and a pipeline may hold anything: there they stand at the end, behind a ``#``, which no server sees.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from edge.camera.devices.profiles import PROFILES, Profile, profile_of
from edge.camera.options import VIEW_KEYS, Options, split_query
from edge.errors import SourceError
from edge.system.text import repr_without_passwords

CROP = "x,y,w,h in pixels of the picture, such as 0,0,640,512"
BLACK_HOT, WHITE_HOT = "black-hot", "white-hot"
COLOURS = frozenset({"ironbow", "iron", "rainbow", "jet", "hot", "inferno", "arctic", "lava", "plasma", "isotherm"})


@dataclass(frozen=True)
class ViewOptions:
    """``name``: the source without them, for messages. ``crop``: x, y, width, height of the part that is looked at,
    pixels. ``mask``: file that says where not to look. ``palette``: of an 8-bit picture. ``profile``: of the camera
    that the pixels are from; ``kelvin``: whether the user gave what a count is worth.
    """

    name: str
    crop: tuple[int, int, int, int] | None = None
    mask: Path | None = None
    palette: str | None = None
    profile: Profile | None = None
    kelvin: bool = False

    __repr__ = repr_without_passwords


def take_view(text: str, before: str, keys: tuple[str, ...] = VIEW_KEYS) -> tuple[str, ViewOptions | None]:
    """The source without its options of ``keys``, and those; None where it has none.

    ``before``: the mark before them, ``?`` or ``#``. Raises SourceError where one is not as it must be.
    """
    rest, pairs = _split_fragment(text) if before == "#" else _split_query(text, keys)
    if not pairs:
        return text, None
    return rest, _read(Options(rest, pairs))


def _split_query(text: str, keys: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """Only what is ours is taken out; the rest stays as it was written, and is checked by the kind of source."""
    if os.path.exists(text):  # a file that is there may have a question mark in its name
        return text, {}
    path, _, query = text.rpartition("?")
    pieces = query.split("&") if path else []
    ours = [piece for piece in pieces if piece.partition("=")[0] in keys]
    others = "&".join(piece for piece in pieces if piece not in ours)
    _, pairs = split_query(f"{path}?{'&'.join(ours)}") if ours else ("", {})
    return f"{path}?{others}" if others else path, pairs


def _split_fragment(text: str) -> tuple[str, dict[str, str]]:
    base, _, query = text.rpartition("#")
    if not base or not re.match(r"[a-z_]+=[^@!]*$", query):  # a password, or a piece of a pipeline
        return text, {}
    _, pairs = split_query(f"{base}?{query}")
    if unknown := sorted(pairs.keys() - set(VIEW_KEYS)):
        raise SourceError(
            f"source {base!r}: unknown option {', '.join(unknown)} after the '#'; expected {', '.join(VIEW_KEYS)}"
        )
    return base.rstrip(), pairs


def _read(options: Options) -> ViewOptions:
    camera, endian, kelvin = take_profile(options)
    given = (camera, endian, kelvin) != (None, None, None)
    return ViewOptions(
        name=options.name,
        crop=options.take("crop", _crop, CROP),
        mask=options.take("mask", _file, "a PNG file, black where not to look"),
        palette=options.take("palette", lambda text: _palette(text, options.name), f"{BLACK_HOT} or {WHITE_HOT}"),
        profile=profile_of(camera, endian, kelvin) if given else None,
        kelvin=kelvin is not None,
    )


def take_profile(options: Options) -> tuple[str | None, str | None, float | None]:
    """``camera``, ``endian`` and ``kelvin``, as `profile_of` takes them. Raises SourceError."""
    return (
        options.take("camera", {name: name for name in PROFILES}.__getitem__, f"one of {', '.join(PROFILES)}"),
        options.take("endian", {"big": "big", "little": "little"}.__getitem__, "big or little"),
        options.take("kelvin", _kelvin, "kelvin a count, above 0 and up to 10, such as 0.01"),
    )


def _crop(text: str) -> tuple[int, int, int, int]:
    x, y, width, height = (int(part) for part in text.split(","))
    if min(x, y) < 0 or min(width, height) < 1:
        raise ValueError(text)
    return x, y, width, height


def _file(text: str) -> Path:
    if not text:
        raise ValueError(text)
    return Path(text)


def _palette(text: str, name: str) -> str:
    if text in COLOURS:
        raise SourceError(
            f"source {name!r}: palette={text}: a colour palette cannot be turned back into heat: each maker has its "
            f"own, and colours are reduced to brightness; expected {BLACK_HOT} or {WHITE_HOT}: record white-hot"
        )
    if text not in (BLACK_HOT, WHITE_HOT):
        raise ValueError(text)
    return text


def _kelvin(text: str) -> float:
    value = float(text)
    if not 0 < value <= 10:
        raise ValueError(text)
    return value
