"""What a YOLO data set says of itself: its classes by number, and which pictures are in which part.

Ultralytics and Roboflow write data.yaml, Darknet and CVAT's YOLO 1.1 obj.names with obj.data, LabelImg and Label Studio
classes.txt. Where a folder has several, they must agree.
"""

from __future__ import annotations

import re
import reprlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from edge.errors import InputError
from export.data.text_file import clean_name, read_lines, read_text, some

LISTS = ("classes.txt", "labels/classes.txt", "obj.names", "_darknet.labels", "train/_darknet.labels")
_EXPECTED = "expected names: [person, car], or a line '0: person' for each class"
MOST_DEEP = 50  # brackets in each other, or lists in lists
MOST_YAML = 1 << 17  # characters; PyYAML's time grows with the square of some of them
_PARTS = ("train", "val", "valid", "test")


@dataclass(frozen=True)
class YoloNames:
    """``names`` by the numbers that label files use, in their order. ``parts``: what a YAML file or obj.data says of
    train, val and test, as written. ``base``: the folder that they are relative to. ``keypoints``: numbers a line has
    behind its box.
    """

    names: dict[int, str]
    parts: dict[str, list[str]]
    base: Path
    keypoints: int = 0


class _Loader(yaml.BaseLoader):
    """Texts only, as a class may be called no, on or 1e3; and a key that comes twice is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next((key for key in keys if keys.count(key) > 1), None) if len(set(keys)) < len(keys) else None
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"key {twice!r} comes twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_names(root: Path) -> YoloNames:
    """What the files of ``root`` say. Raises InputError where none names classes, or two do not agree."""
    found: dict[Path, YoloNames] = {}
    for file in sorted((*root.glob("*.yaml"), *root.glob("*.yml")), key=lambda f: (f.stem != "data", f.name)):
        of_yaml = _from_yaml(file)
        if of_yaml:
            found[file] = of_yaml
    for name in LISTS:
        if (root / name).is_file():
            found[root / name] = YoloNames(_from_list(root / name), {}, root)
    if not found and names_of(root.resolve().parent):  # one part of a set: its names stand above it
        above = read_names(root.resolve().parent)
        return YoloNames(above.names, {}, root, above.keypoints)
    if not found:
        raise InputError(f"{root} names no classes: expected classes.txt, obj.names, or data.yaml with names")
    first, names = next(iter(found.items()))
    for file, other in found.items():
        if other.names != names.names:
            raise InputError(f"{first} and {file} do not name the same classes: remove the one that is wrong")
    if (root / "obj.data").is_file():
        return YoloNames(names.names, _from_darknet(root / "obj.data", names.names), root)
    return names


def names_of(folder: Path) -> bool:
    """Whether a folder has a file that usually names classes."""
    return (folder / "data.yaml").is_file() or any((folder / name).is_file() for name in LISTS)


def _from_list(file: Path) -> dict[int, str]:
    lines = read_lines(file, "class list")
    for i, (number, line) in enumerate(lines, 1):
        if number != i or line.startswith("#"):
            what = "is empty" if number != i else f"is {line[:60]!r}"
            raise InputError(f"{file}, line {i} {what}: expected a class in each line, the first is number 0")
    return _unique(file, dict(enumerate(line for _, line in lines)))


def _from_darknet(file: Path, names: dict[int, str]) -> dict[str, list[str]]:
    pairs = [
        (key.strip(), value.strip()) for _, line in read_lines(file, "list") for key, _, value in [line.partition("=")]
    ]
    entries = dict(pairs)
    _check_count(file, "classes", entries.get("classes", ""), names)
    return {key: [entries[key]] for key in _PARTS if entries.get(key)}


def _from_yaml(file: Path) -> YoloNames | None:
    """Entry ``names`` of a YAML file, a list or an object by number, and its parts; None where it has no names."""
    text = read_text(file, "data set")
    if len(text) > MOST_YAML:
        raise InputError(f"{file} has {len(text)} characters: {_EXPECTED}")
    if _depth(text) > MOST_DEEP:  # PyYAML's time grows with the square of it
        raise InputError(f"{file} cannot be read as YAML (nested too deeply): {_EXPECTED}")
    try:
        content = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        why = " ".join(str(error).split())
        raise InputError(f"{file} cannot be read as YAML ({why[:300]}): {_EXPECTED}") from None
    names = content.get("names") if isinstance(content, dict) else None
    if not names:
        return None
    numbered = dict(enumerate(names)) if isinstance(names, list) else names
    wrong = InputError(f"{file} has names {reprlib.repr(names)}: {_EXPECTED}")
    try:
        order = sorted(numbered.items(), key=lambda item: int(item[0]))
        found = {int(number): name for number, name in order}
    except (AttributeError, ValueError):
        raise wrong from None
    if len(found) < len(numbered) or any(not isinstance(name, str) or not name.strip() for name in found.values()):
        raise wrong
    if min(found) < 0:
        raise wrong
    _check_count(file, "nc", content.get("nc", ""), found)
    base = content.get("path", "")
    parts = {key: _texts(content[key]) for key in _PARTS if content.get(key)}
    shape = content.get("kpt_shape")
    keypoints = 0
    if isinstance(shape, list) and len(shape) == 2 and all(isinstance(n, str) and n.isdecimal() for n in shape):
        keypoints = min(int(shape[0][:6]), 10_000) * min(int(shape[1][:6]), 10)
    return YoloNames(_unique(file, found), parts, file.parent / (base if isinstance(base, str) else ""), keypoints)


def _depth(text: str) -> int:
    """How deep its brackets, and its lists in lists on one line, stand in each other, at most."""
    depth = deepest = 0
    for mark in text:
        depth = max(0, depth + (mark in "[{") - (mark in "]}"))
        deepest = max(deepest, depth)
    lists = (re.match(r"[\s?-]*", line) for line in text.splitlines())
    return max(deepest, *(found[0].count("-") + found[0].count("?") for found in lists if found), 0)


def _texts(value: Any) -> list[str]:
    return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str) and v]


def _check_count(file: Path, key: str, written: Any, names: dict[int, str]) -> None:
    """Numbers may have holes: the count is of names, or of numbers up to the largest."""
    if isinstance(written, str) and written and written not in (str(len(names)), str(max(names, default=-1) + 1)):
        raise InputError(f"{file} has {key} {written[:20]} and {len(names)} names: expected as many names as classes")


def _unique(file: Path, names: dict[int, str]) -> dict[int, str]:
    clean: dict[int, str] = {}
    for number, text in names.items():
        name = clean_name(text, f"{file}: class {number} is called")
        for other, known in clean.items():
            if known.casefold() == name.casefold():
                raise InputError(
                    f"{file}: classes {other} ({known!r}) and {number} ({name!r}) have one name: give them two"
                )
        clean[number] = name
    return clean


def in_words(names: dict[int, str]) -> str:
    """``0 person, 1 car``, for a message."""
    return some([f"{number} {name}" for number, name in names.items()], 12)
