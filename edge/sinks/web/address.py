"""Where the page is: ``--web HOST:PORT``, its token and its map."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from edge.camera.options import split_query
from edge.errors import InputError, SourceError
from edge.sinks.web.gate import OPENS
from edge.system.files import open_regular, reason_of
from edge.system.listening import EXPECTED, ListenAddress, addresses_here

KEYS = ("token", "map")
LEAST_TOKEN, MOST_TOKEN = 16, 256  # letters: fewer can be guessed
TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{LEAST_TOKEN},{MOST_TOKEN}}}")
TOKEN_BYTES = 16  # of one that is made here: 22 letters
WILD = ("0.0.0.0", "::", "")
MOST_SHOWN = 4  # addresses of this machine that are told


@dataclass(frozen=True, slots=True)
class WebAddress:
    """``HOST:PORT``, or ``PORT`` of this machine alone. ``token``: a file with the word that opens the page, None: one
    is made where other machines reach it. ``tiles``: a file of map tiles (PMTiles), None: a plain grid.
    """

    at: ListenAddress
    token: Path | None = None
    tiles: Path | None = None

    @classmethod
    def parse(cls, text: str) -> WebAddress:
        """``HOST:PORT?token=FILE&map=FILE``. Raises InputError for anything else."""
        try:
            rest, options = split_query(text)
        except SourceError:
            rest, options = "", {}
        if set(options) - set(KEYS) or not all(options.values()):
            raise InputError(f"web {text!r}: {EXPECTED}, perhaps with map or token, as in 9100?map=FILE")
        token, tiles = (Path(options[name]) if name in options else None for name in KEYS)
        return cls(ListenAddress.parse(rest, "web"), token, tiles)

    def __str__(self) -> str:
        given = {"token": self.token, "map": self.tiles}
        told = "&".join(f"{name}={quote(str(path), safe='/.~-')}" for name, path in given.items() if path is not None)
        return f"{self.at}?{told}" if told else str(self.at)

    def secret(self) -> str:
        """The token: of its file, or a new one. Raises InputError where the file holds none."""
        if self.token is None:
            return secrets.token_urlsafe(TOKEN_BYTES)
        try:
            with open_regular(self.token) as file:
                text = file.read(MOST_TOKEN + 2).decode().strip()
        except OSError as error:
            raise InputError(f"web, the file {self.token}: {reason_of(error)}; expected a file with a token") from None
        except UnicodeDecodeError:
            text = ""
        if not TOKEN.fullmatch(text):
            letters = f"{LEAST_TOKEN} to {MOST_TOKEN} letters, digits, - or _"
            raise InputError(f"web, the file {self.token}: expected a token, one line of {letters}")
        return text

    def urls(self, token: str) -> list[str]:
        """Where a browser finds it. ``token``: stands in them; "" = none is needed, or it is known."""
        hosts = addresses_here()[:MOST_SHOWN] if self.at.host in WILD else [self.at.host]
        shown = [f"[{host}]" if ":" in host else host for host in hosts or ["localhost"]]
        return [f"http://{host}:{self.at.port}/" + (f"?{OPENS}={token}" if token else "") for host in shown]
