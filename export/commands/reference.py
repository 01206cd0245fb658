"""``edge-export reference``: a script for the user's own program, whose detections a bundle is compared with."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.errors import InputError
from edge.system.files import reason_of, write_whole
from export.commands.console import console_of, say

SCRIPT = Path(__file__).parents[1] / "parity" / "reference_script.py"


def add_reference_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``reference`` to the subcommands; its ``run`` default is `run_reference`."""
    what = "write a script that saves what your own program finds, to compare a bundle with"
    parser = commands.add_parser(
        "reference",
        help=what,
        description=f"{what}. It needs torch, torchvision, numpy and your code, nothing of thermal-edge. Run it "
        "where that runs: python reference.py --images DIR --out reference.json --model package.module:function "
        "--weights FILE, or change its two marked functions; then here: edge-export check BUNDLE --images DIR "
        "--reference reference.json.",
    )
    parser.set_defaults(run=run_reference)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("reference.py"),
        metavar="FILE.py",
        help="script to write (default: %(default)s); - prints it",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the file that is there")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def run_reference(arguments: argparse.Namespace) -> int:
    """The subcommand; returns 0. Raises InputError where the script cannot be written."""
    text = SCRIPT.read_text(encoding="utf-8")
    out: Path = arguments.out
    if str(out) == "-":
        console_of(False).print(text.rstrip("\n"), highlight=False, soft_wrap=True, markup=False, emoji=False)
        return 0
    if out.exists() and not arguments.overwrite:
        raise InputError(f"{out} exists already, perhaps with your changes in it: give another name, or --overwrite")
    try:
        write_whole(out, text.encode())
    except OSError as error:
        raise InputError(f"{out} cannot be written ({reason_of(error)}): give another file") from None
    console = console_of(arguments.quiet)
    say(console, f"{out} written. In your program's environment:")
    say(console, f"  python {out} --images DIR --out reference.json --model package.module:function --weights FILE")
    say(console, "or change its two functions marked EDIT; then here:")
    say(console, "  edge-export check BUNDLE --images DIR --reference reference.json")
    return 0
