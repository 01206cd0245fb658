"""One Pascal VOC file: what a tool wrote into it, before anything is made of it."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from edge.errors import InputError
from export.data.boxes import Box, turned, turns
from export.data.text_file import clean_name, mark_of, read_bytes

_DECLARED = re.compile(r"\s*<\?xml[^>]*?\?>")
_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
WHAT = "Pascal VOC annotation"


@dataclass(frozen=True)
class VocObject:
    """``box``: xmin, ymin, xmax, ymax as written; with ``degrees``, of the box before it was turned about its middle.
    ``exact``: ``box`` is in continuous pixels whatever the file's other boxes are.
    """

    name: str
    box: Box
    difficult: bool
    degrees: float = 0.0
    exact: bool = False

    def upright(self, shift: Box) -> Box:
        """The upright box around the object, after ``shift`` was added to what is written."""
        box = self.box if self.exact else tuple(a + b for a, b in zip(self.box, shift, strict=True))
        x1, y1, x2, y2 = box
        return turned((x1, y1, x2, y2), self.degrees) if turns(self.degrees) else (x1, y1, x2, y2)


@dataclass(frozen=True)
class VocFile:
    """``picture``: its name as written, or None. ``width`` and ``height``: 0 where they are not given. ``source``: what
    the file says of where it comes from, in lower case.
    """

    path: Path
    picture: str | None
    width: int
    height: int
    source: str
    objects: tuple[VocObject, ...]


def read_voc_file(path: Path) -> VocFile:
    """One file. Raises InputError, naming the object, where it is no Pascal VOC annotation."""
    clean_name(path.name, f"{str(path.parent)!a} holds a file called")
    root = _xml(path)
    if root.tag != "annotation":
        raise InputError(f"{path} is no {WHAT}: its first element is <{root.tag[:40]}>, expected <annotation>")
    sides = [root.findtext(f"size/{side}", "") for side in ("width", "height")]
    width, height = (int(v) if v is not None and 0 < v < 1e6 else 0 for v in map(_number, sides))
    source = " ".join(root.findtext(f"source/{part}", "") for part in ("database", "annotation")).casefold().strip()
    name = root.findtext("filename", "").strip() or None
    objects = tuple(_object(path, i, thing) for i, thing in enumerate(root.findall("object"), 1))
    return VocFile(path, name, width if height else 0, height if width else 0, source, objects)


def _object(path: Path, i: int, thing: ElementTree.Element) -> VocObject:
    where = f"{path}, object {i}"
    name = clean_name(thing.findtext("name", ""), f"{where} is called")
    marked = thing.findtext("difficult", "0").strip().casefold()
    difficult = marked in ("true", "yes") or bool(_number(marked) or 0)  # LabelMe's "Unspecified" is no mark
    if thing.find("bndbox") is None and thing.find("robndbox") is not None:  # roLabelImg's, and HIT-UAV's rotate_xml
        x, y, w, h, angle = _numbers(where, name, thing, "robndbox", ("cx", "cy", "w", "h", "angle"))
        box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        return VocObject(name, box, difficult, math.degrees(angle), exact=True)
    if thing.find("bndbox") is None:
        there = ", ".join(sorted({f"<{child.tag}>" for child in thing}))[:200]
        raise InputError(f"{where} ({name}) has no <bndbox>, only {there}: expected xmin, ymin, xmax, ymax in one")
    x1, y1, x2, y2 = _numbers(where, name, thing, "bndbox", ("xmin", "ymin", "xmax", "ymax"))
    attributes = {a.findtext("name", ""): a.findtext("value", "") for a in thing.findall("attributes/attribute")}
    return VocObject(name, (x1, y1, x2, y2), difficult, _number(attributes.get("rotation", "0")) or 0.0)


def _numbers(where: str, name: str, thing: ElementTree.Element, kind: str, keys: tuple[str, ...]) -> list[float]:
    texts = {key: thing.findtext(f"{kind}/{key}", "nothing").strip() for key in keys}
    found = {key: _number(text) for key, text in texts.items()}
    for key, value in found.items():
        if value is None:
            raise InputError(f"{where} ({name}) has {texts[key][:40]!r} as <{key}> of its <{kind}>: expected a number")
    return [value for value in found.values() if value is not None]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _xml(path: Path) -> ElementTree.Element:
    """The root element. A file is in the encoding that its mark or its declaration names, else in UTF-8."""
    data = read_bytes(path, WHAT)
    declared = _ENCODING.match(data[:200].lstrip())
    encoding = mark_of(data) or (declared[1].decode() if declared else "utf-8")
    try:
        text = data.decode(encoding)
        if "<!DOCTYPE" in text[:2000] or "<!ENTITY" in text:
            raise InputError(f"{path} is no {WHAT}: it defines a document type or entities, which none needs")
        return ElementTree.fromstring(_DECLARED.sub("", text, count=1))
    except (UnicodeError, LookupError) as error:
        raise InputError(f"{path} is no {WHAT} in {encoding}, its encoding ({error}): convert it to UTF-8") from None
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is no {WHAT} ({error})") from None
