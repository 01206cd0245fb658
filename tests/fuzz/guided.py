"""Cases that are led by which lines of the readers they reach, with atheris where it is installed.

atheris (Apache 2.0) puts libFuzzer around Python: of two cases that reach the same lines one is kept, and what reaches
new ones is changed further. Half of the changes are libFuzzer's, half those of `tests.fuzz.mutate`.
"""

from __future__ import annotations

import importlib.util
import os
import random
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from tests.fuzz.folder import put
from tests.fuzz.mutate import MOST
from tests.fuzz.target import Target

INSTALL = "atheris is not installed: pip install atheris (it exists for CPython 3.11 to 3.13 on Linux)"
READERS = ["edge", "export", "cptv", "tifffile"]  # their lines count
LAST = "last"  # file with the case that is being run
LONGEST = 1 << 16  # bytes of a case, or of the largest good file


def installed() -> bool:
    """Whether atheris is."""
    return importlib.util.find_spec("atheris") is not None


def watched_imports() -> AbstractContextManager[None]:
    """Inside, what is imported of `READERS` tells which of its lines run."""
    import atheris

    context: AbstractContextManager[None] = atheris.instrument_imports(include=READERS)
    return context


def search(
    target: Target, seeds: Mapping[str, bytes], seed: int, folder: Path, begin: int, run: Callable[[int, bytes], bool]
) -> None:
    """Give cases to ``run``, with their numbers from ``begin`` on, until it says False; then this process ends."""
    import atheris

    files = list(seeds.values())
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate((*files, *(file.read_bytes() for file in target.kept()))):
        put(corpus / str(number), data)
    number = begin

    def one(data: bytes) -> None:
        nonlocal number
        put(folder / LAST, data)
        if not run(number, data):
            os._exit(0)  # libFuzzer knows no other end
        number += 1

    def mutate(data: bytes, most: int, number: int) -> bytes:
        rng = random.Random(number)
        changed = bytes(atheris.Mutate(data, most)) if rng.random() < 0.5 else target.changed(bytes(data), files, rng)
        return changed[:most]

    longest = min(max(LONGEST, *(2 * len(data) for data in files)), MOST)
    # time, memory and what is printed are looked at here, not by libFuzzer
    settings = ("-verbosity=0", "-timeout=0", "-rss_limit_mb=0", "-detect_leaks=0", f"-artifact_prefix={folder}/")
    atheris.Setup(
        [target.name, *settings, f"-seed={seed + begin}", f"-max_len={longest}", str(corpus)],
        one,
        custom_mutator=mutate,
    )
    atheris.Fuzz()
