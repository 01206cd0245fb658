"""Classes of labels and of a detector are matched by name, never by their place in a list.

Labels of one team name their classes in the order of a tool, those of another in the order of the alphabet: a figure of
one class under the name of another looks like any other figure.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge.errors import InputError
from export.data.dataset import LabelledSet


@dataclass(frozen=True)
class ClassChoice:
    """What --classes and --ignore-classes say. ``chosen``: classes that count, each with its name in the labels, where
    several may become one; () = all. ``ignored``: classes whose boxes become ignored regions.
    """

    chosen: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()

    @classmethod
    def parse(cls, chosen: str | None, ignored: str | None) -> ClassChoice:
        """``NAME,NAME=LABEL,...`` and ``NAME,...``; None: not given. InputError for an empty or repeated one."""
        pairs = [word.partition("=") for word in _words("--classes", chosen)]
        choice = cls(
            tuple((name.strip(), (label if equal else name).strip()) for name, equal, label in pairs),
            tuple(_words("--ignore-classes", ignored)),
        )
        if not all(name and label for name, label in choice.chosen):
            raise InputError(f"--classes {chosen}: expected NAME, or NAME=LABEL where the labels call it otherwise")
        return choice

    @property
    def names(self) -> tuple[str, ...]:
        """Those chosen, as they are to be called."""
        return tuple(dict.fromkeys(name for name, _ in self.chosen))

    def called(self, label: str) -> str:
        """What the class of the labels of this name is called."""
        return next((name for name, of in self.chosen if _same(of, label)), label)

    def of(self, data: LabelledSet, where: str, elsewhere: Sequence[str] = (), empty: bool = False) -> LabelledSet:
        """``data`` with these classes.

        ``where``: whose labels they are, for messages. ``elsewhere``: names that may be given although ``data`` has no
        such class: to be ignored, and with ``empty`` to be chosen, as classes without a box. Raises InputError for
        other unknown names.
        """
        data = self._renamed(data, where, elsewhere, empty)
        here = [name for name in self.ignored if _among(name, data.classes)]
        _check_known("--ignore-classes", set(self.ignored) - set(here), (*data.classes, *elsewhere), where)
        if here:
            data = data.ignoring(here)
        if not data.classes:
            raise InputError(f"--ignore-classes {','.join(self.ignored)}: {where} has no other class left")
        if not self.chosen:
            return data
        absent = [name for name in self.names if not _among(name, data.classes)]
        _check_known("--classes", absent, (*data.classes, *(elsewhere if empty else ())), where)
        if absent:
            note = f"{where} has no box of {', '.join(absent)}: each one that is found counts as false"
            data = replace(data, classes=(*data.classes, *absent), notes=(*data.notes, note))
        return data.with_classes(self.names)

    def _renamed(self, data: LabelledSet, where: str, elsewhere: Sequence[str], empty: bool) -> LabelledSet:
        for name, label in self.chosen:
            if not _among(name, (*data.classes, *elsewhere)):
                may_be_empty = elsewhere if empty and name == label else ()
                _check_known("--classes", [label], (*data.classes, *may_be_empty), where)
        called = [self.called(label) for label in data.classes]
        classes = tuple({name.casefold(): name for name in reversed(called)}.values())[::-1]
        place = {name.casefold(): i for i, name in enumerate(classes)}
        label_of = np.array([place[name.casefold()] for name in called], np.int64)
        frames = tuple(replace(frame, labels=label_of[frame.labels]) for frame in data.frames)
        return replace(data, classes=classes, frames=frames)


def names_without(count: int, data: LabelledSet, choice: ClassChoice, detector: str, where: str) -> tuple[str, ...]:
    """Names for the ``count`` classes of a detector that has none: those of --classes, else the labels' in their order.

    Raises InputError where these are more or fewer.
    """
    names = choice.names or choice.of(data, where).classes
    if len(names) != count:
        raise InputError(
            f"{detector} has {count} classes without names, {'--classes' if choice.chosen else where} has "
            f"{', '.join(names)}: give --classes with the names of its {count} classes, in its order"
        )
    return names


def matched(data: LabelledSet, known: Sequence[str], choice: ClassChoice, detector: str, where: str) -> LabelledSet:
    """``data`` with those classes of a detector that are evaluated, in the order of ``known``, the detector's.

    ``detector``, ``where``: whose classes and whose labels, for messages. What is left out stands in the notes. Raises
    InputError where a class of the labels is unknown to the detector, or the labels lack one, and the choice does not
    say what to do.
    """
    chosen = choice.of(data, where, known, empty=True)
    unknown = [name for name in chosen.classes if name not in known]
    lacking = [name for name in known if name not in chosen.classes and not _among(name, choice.ignored)]
    if unknown or (lacking and not choice.chosen):
        ways = ways_out(chosen.classes, known)
        if not unknown:  # frames of a campus, say: how often does it see an animal there?
            every = _quoted((*chosen.classes, *lacking))
            ways += f"; --classes {every}, if the frames show no {' or '.join(lacking)}: each one found counts as false"
        raise InputError(
            f"the classes of {detector} are {', '.join(known)}, those of {where} {', '.join(chosen.classes)}: expected "
            f"the same names, in any order; {ways}"
        )
    kept = [name for name in known if name in chosen.classes]
    result = chosen.with_classes(kept)
    gone = [name for name in known if name not in kept]
    note = f"not evaluated: what {detector} finds of {', '.join(gone)}"
    return replace(result, notes=(*result.notes, note)) if gone else result


def near_names(name: str, others: Iterable[str]) -> list[str]:
    """Those of ``others`` that may be meant: of another case, number or spelling."""
    plain = {other: _plain(other) for other in others}
    close = difflib.get_close_matches(_plain(name), plain.values(), n=3, cutoff=0.8)
    return [other for other, text in plain.items() if text in close]


def ways_out(labels: Sequence[str], known: Sequence[str]) -> str:
    """For a message: which options make ``labels`` those that a detector of ``known`` finds."""
    unknown, both = [name for name in labels if name not in known], [name for name in known if name in labels]
    lacking = [name for name in known if name not in labels]
    meant = {name: near[0] for name in unknown if (near := near_names(name, lacking))}
    ways = []
    if meant:
        pairs = ", ".join(f"{name!r} is nearly {other!r}" for name, other in meant.items())
        every = [f"{meant[name]}={name}" if name in meant else name for name in labels if name in meant or name in both]
        ways.append(f"{pairs}: if they are the same, --classes {_quoted(every)}")
    if both:
        ways.append(f"--classes {_quoted(both)} takes these alone")
    if unknown and both:
        rest = f"--classes {_quoted(both)} --ignore-classes" if lacking else "--ignore-classes"
        ways.append(f"{rest} {_quoted(unknown)} makes the boxes of the others ignored regions")
    return "; ".join(ways) or "--classes NAME=LABEL,... says which is which"


def _check_known(option: str, names: Iterable[str], known: Sequence[str], where: str) -> None:
    for name in names:
        if not _among(name, known):
            near = near_names(name, known)
            hint = f"; is {' or '.join(near)} meant?" if near else ""
            raise InputError(
                f"{option} {name}: {where} has no such class: expected of {', '.join(dict.fromkeys(known))}{hint}"
            )


def _words(option: str, text: str | None) -> list[str]:
    words = [word.strip() for word in text.split(",")] if text is not None else []
    if not all(words) or len({word.rpartition("=")[2].strip().casefold() for word in words}) < len(words):
        raise InputError(f"{option} {text!r}: expected names with commas between them, each once")
    return words


def _quoted(names: Sequence[str]) -> str:
    text = ",".join(names)
    return f"'{text}'" if set(text) & set(" &;()'$*?") else text


def _among(name: str, names: Iterable[str]) -> bool:
    return any(_same(name, other) for other in names)


def _same(name: str, other: str) -> bool:
    return name.casefold() == other.casefold()


def _plain(name: str) -> str:
    text = " ".join(name.casefold().replace("_", " ").replace("-", " ").split())
    return {"people": "person", "persons": "person"}.get(text, text.removesuffix("s"))
