"""Who signed a file of a bundle: a signature of minisign beside it, checked with a key that the user trusts.

``model.json.minisig`` covers ``model.json``, which lists the sha256 of every file of the model. What is made later,
the passport of an engine and ``recall.json``, has a signature of its own beside it or none.

The files are those of https://jedisct1.github.io/minisign: Ed25519 over the BLAKE2b-512 of the file, and over that
signature with the trusted comment. The older kind, over the file itself, is not taken.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from edge.errors import InputError
from edge.system.files import reason_of
from edge.system.host import install_line

SUFFIX = ".minisig"
PUBLIC, HASHED = b"Ed", b"ED"  # of a public key, and of a signature over a hash
ID_BYTES, KEY_BYTES, SIGNATURE_BYTES = 8, 32, 64
MOST_KEY_BYTES = 16_384  # of a file with a key or a signature: a comment has at most 8 kB
MOST_SIGNED_BYTES = 64_000_000  # of a file that is signed: it is held in memory
TRUSTED, UNTRUSTED = "trusted comment: ", "untrusted comment:"

KEY = re.compile(r"RW[A-Za-z0-9+/]{54}")  # what base64 makes of "Ed" and 40 bytes
_SECRET = re.compile("RW(RTY0|QAAE)Iy")  # and of "Ed", "Sc" or two zeros, "B2"


class NotSigned(ValueError):
    """A file that is not what a trusted key signed. Says what came and what was expected."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """``id``: 16 hex digits as minisign prints them: a name, no proof. ``raw``: 32 bytes of Ed25519."""

    id: str
    raw: bytes

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """A key, ``RW...``, or the name of a file that ``minisign -G`` wrote.

        Raises InputError where it is neither, or PyNaCl, which checks signatures, is not installed.
        """
        require_library()
        if KEY.fullmatch(text):
            return cls._decoded(text, text)
        try:
            lines = read_lines(Path(text))
        except OSError as error:
            raise InputError(
                f"trusted key {text!r} cannot be read ({reason_of(error)}): expected the file that minisign -G wrote "
                "with .pub at its end, or the key in it, 56 characters that begin with RW"
            ) from None
        except ValueError as error:
            raise InputError(f"trusted key {text!r}: {error}: expected the file FILE.pub of minisign -G") from None
        return cls._decoded(text, lines[1] if len(lines) == 2 and lines[0].startswith(UNTRUSTED) else "")

    @classmethod
    def _decoded(cls, name: str, text: str) -> PublicKey:
        data = base64.b64decode(text) if KEY.fullmatch(text) else b""
        if len(data) != len(PUBLIC) + ID_BYTES + KEY_BYTES or not data.startswith(PUBLIC):
            secret = ", it is a secret one, which stays with who signs" if _SECRET.match(text) else ""
            raise InputError(
                f"trusted key {name!r} holds no public key of minisign{secret}: expected the file FILE.pub of "
                "minisign -G, or the key in it, 56 characters that begin with RW"
            )
        return cls(key_id(data[2:10]), data[10:])


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as its file says it; nothing is checked yet. ``key``: whose id it names. ``raw``: 64 bytes.
    ``comment``: what was signed with it; ``whole``: 64 bytes, over ``raw`` and ``comment``.
    """

    key: str
    raw: bytes
    comment: str
    whole: bytes

    @classmethod
    def read(cls, path: Path) -> Signature:
        """Raises FileNotFoundError where there is none, another OSError as the disk gives it, ValueError (saying what
        is wrong with it) where it is none.
        """
        lines = read_lines(path)
        if len(lines) != 4 or not lines[0].startswith(UNTRUSTED) or not lines[2].startswith(TRUSTED):
            raise ValueError("it is no signature of minisign: expected 4 lines, two of them comments")
        said, whole = _bytes_of(lines[1]), _bytes_of(lines[3])
        if len(said) != 2 + ID_BYTES + SIGNATURE_BYTES or len(whole) != SIGNATURE_BYTES:
            raise ValueError("it is no whole signature: it was cut off or changed")
        if said[:2] != HASHED:
            raise ValueError("it is a signature of an older kind: expected one of minisign 0.10 or newer")
        return cls(key_id(said[2:10]), said[10:], lines[2][len(TRUSTED) :], whole)

    def check(self, data: bytes, key: PublicKey) -> None:
        """Raises NotSigned where ``key`` did not sign ``data``, or not with this comment."""
        if self.key != key.id:
            raise NotSigned(f"is signed by key {self.key}: expected key {key.id}")
        digest = hashlib.blake2b(data, digest_size=64).digest()
        if not _verified(key.raw, digest, self.raw):
            raise NotSigned(f"is not the file that key {key.id} signed: one of the two was changed, or is another's")
        if not _verified(key.raw, self.raw + self.comment.encode(), self.whole):
            raise NotSigned(f"has a signature whose comment is not the one that key {key.id} signed")


def signed_bytes(folder: Path, name: str, key: PublicKey) -> bytes:
    """The bytes of ``folder / name``, read once, and found to be what ``key`` signed.

    Raises NotSigned where they are not, or there is no signature that can be read; OSError where the file itself
    cannot be read.
    """
    data = _read(folder / name, MOST_SIGNED_BYTES)
    beside = name + SUFFIX
    try:
        signature = Signature.read(folder / beside)
    except FileNotFoundError:
        raise NotSigned(f"is not signed, there is no {beside}: expected a signature of key {key.id}") from None
    except OSError as error:
        raise NotSigned(f"has a {beside} that cannot be read ({reason_of(error)})") from None
    except ValueError as error:
        raise NotSigned(f"has a {beside} that cannot be read ({error})") from None
    signature.check(data, key)
    return data


def signer(folder: Path, name: str) -> str:
    """Id of the key that a signature names, "" where there is none that can be read. Nobody has checked it."""
    try:
        return Signature.read(folder / (name + SUFFIX)).key
    except (OSError, ValueError):
        return ""


def key_id(data: bytes) -> str:
    """The 8 bytes as minisign prints them."""
    return data[::-1].hex().upper()


def read_lines(path: Path) -> list[str]:
    """Of a small file of text, such as a key. Raises OSError; ValueError where it is none."""
    try:
        return _read(path, MOST_KEY_BYTES).decode().rstrip("\r\n").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        raise ValueError("it is no text") from None


def _read(path: Path, most: int) -> bytes:
    """Raises OSError; ValueError for what is no file, such as a pipe that would be waited for, or is too large."""
    if path.exists() and not path.is_file():
        raise ValueError(f"{path.name} is no file")
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{path.name} has more than {most} bytes")
    return data


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def require_library() -> None:
    """Raises InputError where PyNaCl, which checks signatures, is not installed."""
    try:
        import nacl.bindings  # noqa: F401
    except ImportError:
        raise InputError(f"signatures need PyNaCl, which is not installed: {install_line('signed')}") from None


def _verified(key: bytes, message: bytes, signature: bytes) -> bool:
    from nacl.exceptions import BadSignatureError
    from nacl.signing import VerifyKey

    try:
        VerifyKey(key).verify(message, signature)
    except BadSignatureError:
        return False
    return True
