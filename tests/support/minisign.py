"""Keys and signatures as minisign 0.11 makes them, without the tool: of a test, so their secret is none."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

# made by the tool: minisign -G -W, and minisign -S -t 'of a test' of a file with the bytes SIGNED
SIGNED = b"deer\n"
PUBLIC_KEY = "RWQt5mowFhynVNqbE6FqeFFQrqQdd6BAAEUt4bPeD+Tv/6z/T44BXz0Q"
KEY_ID = "54A71C16306AE62D"
SECRET_FILE = (
    "untrusted comment: minisign encrypted secret key\n"
    f"RWQAAEIy{'A' * 64}LeZqMBYcp1RsA7pGOf4FL5VHrZwPDOWyPzstB4uUdevfr60XvrqKTtqbE6Fq"
    f"eFFQrqQdd6BAAEUt4bPeD+Tv/6z/T44BXz0Q{'A' * 43}=\n"
)
SIGNATURE = """untrusted comment: signature from minisign secret key
RUQt5mowFhynVFvbiCNJxj/63W3bhvyGb78gBUpRsgksx+WCs8N9kKQgi9SP8l3Sruo2zuWtgFXzSagw+X0NJUQaGDOAGtFu3g0=
trusted comment: of a test
SlAeBwbJrRrYNDy8qUe74F5DFG8rgHEXnV3JyKGyYqv/CLw17RIpBhKh5oGjG96K9BZgSTEFxgEA9jOgjXriCQ==
"""
OLD_SIGNATURE = """untrusted comment: signature from minisign secret key
RWQt5mowFhynVDqOB3FJdbpVGZZAJV5JO8h8NCYciqiuUzU9xNLcbYmp3uBos8I7JeTCo/MxMAd4Z7X991FZjnaydDgneaL7rQE=
trusted comment: of a test
XZqv/OwsO2vR/yccvEYSZhdHfRfGLFKq/dQt2pPDoVNNEP0XyZyBorMuT9jnY2bfjStd/q37RjK0mrd9goMQBg==
"""


class Keys:
    """A pair made of ``name``. ``public``: RW...; ``id``: as minisign prints it."""

    def __init__(self, name: str) -> None:
        from nacl.signing import SigningKey

        self._signing = SigningKey(hashlib.sha256(name.encode()).digest())
        self._id = name.encode().ljust(8, b"\0")[:8]
        self._raw = self._signing.verify_key.encode()
        self.id = self._id[::-1].hex().upper()
        self.public = base64.b64encode(b"Ed" + self._id + self._raw).decode()

    def signature(self, data: bytes, comment: str = "of a test", kind: bytes = b"ED") -> str:
        """The content of a signature's file."""
        signed = self._signing.sign(hashlib.blake2b(data, digest_size=64).digest()).signature
        whole = self._signing.sign(signed + comment.encode()).signature
        line, last = (base64.b64encode(part).decode() for part in (kind + self._id + signed, whole))
        return f"untrusted comment: \n{line}\ntrusted comment: {comment}\n{last}\n"

    def sign(self, path: Path) -> None:
        """Put a signature beside a file."""
        path.with_name(path.name + ".minisig").write_text(self.signature(path.read_bytes()))

    def secret_file(self, path: Path, password: str = "", limits: tuple[int, int] = (32768, 2**24)) -> Path:
        """A file with the secret key, encrypted where there is a ``password``. ``limits``: of libsodium's scrypt."""
        key = self._id + bytes(self._signing) + self._raw
        secret, salt, kind = key + bytes(32), bytes(32), b"\0\0"
        if password:
            kind, salt = b"Sc", bytes(range(32))
            secret = key + hashlib.blake2b(b"Ed" + key, digest_size=32).digest()
            stream = hashlib.scrypt(password.encode(), salt=salt, n=1024, r=8, p=1, maxmem=2**24, dklen=104)
            secret = bytes(a ^ b for a, b in zip(secret, stream, strict=True))
        numbers = b"".join(limit.to_bytes(8, "little") for limit in limits)
        line = base64.b64encode(b"Ed" + kind + b"B2" + salt + numbers + secret).decode()
        path.write_text(f"untrusted comment: of a test\n{line}\n")
        return path
