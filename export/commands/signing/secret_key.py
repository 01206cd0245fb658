"""A secret key of minisign: read from its file, and used to sign. Nothing of it is printed or kept."""

from __future__ import annotations

import base64
import binascii
import getpass
import hashlib
import sys
from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import InputError
from edge.model.signed.signature import HASHED, PUBLIC, TRUSTED, PublicKey, key_id, read_lines
from edge.system.files import reason_of

SCRYPT, PLAIN = b"Sc", b"\0\0"  # how it is encrypted
CHECKSUM = b"B2"
LENGTH = 158  # bytes: 3 x 2 of the kinds, salt 32, two limits of 8, and 104 that may be encrypted
SECRET = slice(54, 158)  # id 8, key 64, checksum 32
MOST_MEMORY = 2**31  # of scrypt, bytes; minisign -G takes half of it


@dataclass(frozen=True)
class SecretKey:
    """``id``: 8 bytes; ``seed``: 32 bytes; ``public``: what it signs is checked with."""

    id: bytes
    seed: bytes = field(repr=False)
    public: PublicKey

    @classmethod
    def read(cls, path: Path) -> SecretKey:
        """Of a file that ``minisign -G`` wrote; asks for its password where it has one.

        Raises InputError where it cannot be read, is none, or the password is wrong.
        """
        try:
            lines = read_lines(path)
        except OSError as error:
            raise InputError(
                f"key {path} cannot be read ({reason_of(error)}): expected a secret key, as minisign -G writes it"
            ) from None
        except ValueError as error:
            raise InputError(f"key {path}: {error}: expected a secret key, as minisign -G writes it") from None
        try:
            data = base64.b64decode(lines[1] if len(lines) == 2 else "", validate=True)
        except (binascii.Error, ValueError):
            data = b""
        kinds = data[:2], data[4:6]
        if len(data) != LENGTH or kinds != (PUBLIC, CHECKSUM) or data[2:4] not in (SCRYPT, PLAIN):
            raise InputError(
                f"key {path} is no secret key of minisign: expected the file that minisign -G writes with "
                "no .pub at its end"
            )
        secret = data[SECRET]
        if data[2:4] == SCRYPT:
            secret = _decrypted(data, path)
            # without a password minisign leaves the checksum empty
            if hashlib.blake2b(PUBLIC + secret[:72], digest_size=32).digest() != secret[72:]:
                raise InputError(f"key {path} cannot be opened: the password is wrong, or the file is damaged")
        return cls._whole(secret, path)

    @classmethod
    def _whole(cls, secret: bytes, path: Path) -> SecretKey:
        from nacl.signing import SigningKey

        number, key = secret[:8], secret[8:72]
        public = SigningKey(key[:32]).verify_key.encode()
        if public != key[32:]:
            raise InputError(f"key {path} is damaged: its two halves do not belong together")
        return cls(number, key[:32], PublicKey(key_id(number), public))

    def sign(self, data: bytes, comment: str) -> bytes:
        """The content of a signature's file. ``comment``: one line, is signed too."""
        from nacl.signing import SigningKey

        key = SigningKey(self.seed)
        signature = key.sign(hashlib.blake2b(data, digest_size=64).digest()).signature
        whole = key.sign(signature + comment.encode()).signature
        lines = (
            f"untrusted comment: signature by key {self.public.id}, made by edge-export",
            base64.b64encode(HASHED + self.id + signature).decode(),
            TRUSTED + comment,
            base64.b64encode(whole).decode(),
        )
        return ("\n".join(lines) + "\n").encode()


def _password(path: Path) -> bytes:
    """From the terminal, without showing it; of a program, the first line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass(f"password of {path}: ").encode()
    return sys.stdin.readline().rstrip("\r\n").encode()


def _decrypted(data: bytes, path: Path) -> bytes:
    """The secret part, by the password that is asked for. Raises InputError where checking it would take too much."""
    operations, memory = (int.from_bytes(data[at : at + 8], "little") for at in (38, 46))
    cost, parallel = scrypt_cost(operations, memory)
    need = 128 * 8 * (2**cost + parallel + 2)
    if need > MOST_MEMORY or parallel > 64:
        raise InputError(
            f"key {path}: its password takes {need / 1e9:.1f} GB to check: expected at most {MOST_MEMORY / 1e9:.1f}"
        )
    stream = hashlib.scrypt(
        _password(path), salt=data[6:38], n=2**cost, r=8, p=parallel, maxmem=need + 2**20, dklen=104
    )
    return bytes(a ^ b for a, b in zip(data[SECRET], stream, strict=True))


def scrypt_cost(operations: int, memory: int) -> tuple[int, int]:
    """``(log2 of n, p)`` of scrypt with r = 8, as libsodium makes them of its two limits."""
    operations = max(operations, 32768)
    if operations < memory // 32:
        return _log2(operations // 32), 1
    cost = _log2(memory // 1024)
    return cost, min(operations // 4 >> cost, 0x3FFFFFFF) // 8


def _log2(most: int) -> int:
    cost = 1
    while cost < 63 and 2**cost <= most // 2:
        cost += 1
    return cost
