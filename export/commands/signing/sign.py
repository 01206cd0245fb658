"""``edge-export sign``: write signatures beside a bundle's ``model.json`` and what was made for it later."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from edge.engine.passport_check import check_passport, raise_refusals
from edge.errors import InputError
from edge.model.bundle import MODEL_JSON, Bundle
from edge.model.golden import FILE as GOLDEN
from edge.model.golden import PICTURE, read_golden
from edge.model.passport import ENGINE, PASSPORT, Target
from edge.model.recall import FILE as RECALL
from edge.model.recall import read_recall
from edge.model.signed.signature import SUFFIX, require_library
from edge.system.files import reason_of, write_whole
from export.commands.console import console_of, say
from export.commands.signing.secret_key import SecretKey


def add_sign_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command and its options."""
    parser = commands.add_parser(
        "sign",
        help="sign a bundle, for edge run --trusted-key",
        description="Sign model.json of a bundle, which lists the sha256 of every file of the model, and where they "
        "are there recall.json, the stored frame (golden.json, golden.png) and the passport of an engine, each in a "
        "file of its own: model.json.minisig. Keys are made by minisign -G.",
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="model folder")
    parser.add_argument(
        "--key",
        type=Path,
        required=True,
        metavar="FILE",
        help="secret key of minisign; its password is asked for, or read from standard input",
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.set_defaults(run=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Sign; returns 0."""
    require_library()
    bundle = Bundle.load(arguments.bundle)
    names = [MODEL_JSON]
    if (bundle.path / RECALL).exists():
        read_recall(bundle, bundle.classes[0], 0.0)
        names.append(RECALL)
    if (bundle.path / GOLDEN).exists():
        read_golden(bundle)
        names += [GOLDEN, PICTURE]
    if (bundle.path / ENGINE).exists():
        # of this bundle, as it is; for what board, the board itself sees
        raise_refusals(bundle, check_passport(bundle, Target()))
        names.append(PASSPORT)
    key = SecretKey.read(arguments.key)
    console = console_of(arguments.quiet)
    for name in names:
        comment = f"timestamp:{int(time.time())}\tfile:{name}\thashed"  # as minisign's own
        try:
            write_whole(bundle.path / (name + SUFFIX), key.sign((bundle.path / name).read_bytes(), comment))
        except OSError as error:
            raise InputError(f"{bundle.path / (name + SUFFIX)} cannot be written ({reason_of(error)})") from None
        say(console, f"{bundle.path / (name + SUFFIX)}  by key {key.public.id}")
    return 0
