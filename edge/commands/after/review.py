"""``edge review``: look through the tracks of a flight in a browser, and say what is right and what was missed."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path

from edge.commands.options import Commands, Screens, add_command, add_quiet
from edge.errors import InputError
from edge.system.host import install_line

HERE = "127.0.0.1:8090"
EXTRA = "edge review needs starlette and uvicorn"


def add(commands: Commands) -> None:
    """The command and its options."""
    sub = add_command(commands, "review", execute, "review the tracks of a flight in a browser")
    sub.add_argument("folder", type=Path, metavar="DIR", help="what edge run --out wrote")
    sub.add_argument(
        "--web",
        default=HERE,
        metavar="HOST:PORT",
        help="where the page is (default: %(default)s, this machine alone); elsewhere its address holds a token, "
        "without which nothing is answered",
    )
    add_quiet(sub)


def execute(arguments: argparse.Namespace, screens: Screens) -> None:
    """Serve the page until Ctrl-C."""
    try:
        from edge.app.review.serve import serve
    except ImportError as error:
        raise InputError(f"{EXTRA}: {install_line('web')} ({error})") from None

    def say(address: str) -> None:  # its token is to be seen, so it is printed as it is
        line = f"open {address}   (Ctrl-C ends it)"
        screens.out.print(line, highlight=False, soft_wrap=True, markup=False, emoji=False)

    with suppress(KeyboardInterrupt):  # how it is meant to end
        serve(arguments.folder, arguments.web, say)
    if not arguments.quiet:
        for line in told(arguments.folder):
            screens.out.say(line)


def told(folder: Path) -> list[str]:
    """What a person should know at the end."""
    from edge.app.review.answers import Answers

    said = Answers(folder).everything()
    counts, tracks = said["review"]["counts"], said["tracks"]
    reviewed = sum(str(track["track"]) in said["review"]["tracks"] for track in tracks)
    words = ", ".join(f"{n} {name}" for name, n in counts.items())
    lines = [f"{reviewed} of {len(tracks)} tracks reviewed: {words}"]
    if said["review"]["torn"]:
        lines.append(
            f"{said['review']['torn']} lines of review.jsonl were left unfinished by a power cut and say nothing"
        )
    return lines
