"""Several sets, trained on together, teach each other's gaps: where one labels people and another shows people without
boxes, the frames of the other teach that a person is background. Whether it shows any, only its owner knows: asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from edge.errors import InputError
from export.data.dataset import LabelledSet
from export.evaluate.classes import ClassChoice

OPTION = "--shows-no"
_EXPECTED = f"expected {OPTION} SET:CLASS,..., where SET is one of"


def check_labelled(sets: Mapping[str, LabelledSet], choice: ClassChoice, shows_no: Sequence[str]) -> list[str]:
    """Whether each set has every class that is trained; ``sets``: by their paths as they were given. ``shows_no``:
    ``SET:CLASS,...`` each, classes of which a set shows nothing that is not marked.

    Returns lines that say what the frames of which set teach. Raises InputError where a set lacks a class and nobody
    says that its frames show none, and for an answer that fits no gap.
    """
    trained = _trained(sets, choice)
    gaps = {path: [name for name in trained if name.casefold() not in _known(sets[path], choice)] for path in sets}
    answered = _answers(shows_no, gaps)
    notes = []
    for path, lacking in gaps.items():
        left = [name for name in lacking if name.casefold() not in answered[path]]
        if left:
            raise InputError(_question(path, left, sets, choice))
        empty = [] if len(sets) == 1 else [name for name, count in sets[path].count().items() if not count]
        none = [*lacking, *(name for name in map(choice.called, empty) if name in trained)]
        if none:
            notes.append(f"{path} has no box of {', '.join(none)}: its frames teach that they show none")
    return notes


def _trained(sets: Mapping[str, LabelledSet], choice: ClassChoice) -> list[str]:
    """Names of the classes that are trained, each once."""
    ignored = {name.casefold() for name in choice.ignored}
    there = [choice.called(label) for data in sets.values() for label in data.classes]
    known = {name.casefold() for name in there}
    named = [name for name in choice.names or there if name.casefold() in known]
    return list({name.casefold(): name for name in reversed(named) if name.casefold() not in ignored}.values())[::-1]


def _known(data: LabelledSet, choice: ClassChoice) -> set[str]:
    return {choice.called(label).casefold() for label in data.classes}


def _answers(shows_no: Sequence[str], gaps: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """By path, the classes of which it shows none, in lower case."""
    answered: dict[str, set[str]] = {path: set() for path in gaps}
    for text in shows_no:
        said, _, names = text.rpartition(":")
        paths = [path for path in gaps if said in (path, PurePath(path).name)]
        words = [word.strip() for word in names.split(",")]
        if len(paths) != 1 or not all(words):
            several = "several sets are called so; " if len(paths) > 1 else ""
            raise InputError(f"{OPTION} {text}: {several}{_EXPECTED} {', '.join(gaps)}")
        lacking = {name.casefold() for name in gaps[paths[0]]}
        for word in words:
            if word.casefold() not in lacking:
                there = ", ".join(gaps[paths[0]]) or "none"
                raise InputError(f"{OPTION} {text}: {word} is no class that {paths[0]} lacks: it lacks {there}")
            answered[paths[0]].add(word.casefold())
    return answered


def _question(path: str, left: Sequence[str], sets: Mapping[str, LabelledSet], choice: ClassChoice) -> str:
    names = ",".join(left)
    having = [other for other in sets if {name.casefold() for name in left} & _known(sets[other], choice)]
    short = path if [PurePath(p).name for p in sets].count(PurePath(path).name) > 1 else PurePath(path).name
    answer = f"{short}:{names}"
    quoted = f"'{answer}'" if set(answer) & set(" &;()'$*?") else answer
    return (
        f"{path} has no class {', '.join(left)}, which {' and '.join(having)} has: what its frames show of it would be "
        f"learnt as background. If they show none, or mark it as ignored: {OPTION} {quoted}; else label it there, or "
        f"train without it: --ignore-classes {names}, or --classes"
    )
