"""Keys of programs, and what is kept of a secret that cannot be guessed."""

import hashlib
import hmac
import re
import secrets
import string
from typing import Final

_KEY: Final = re.compile(r"grk_([a-z0-9]{10})_([0-9a-f]{64})")
_LETTERS: Final = string.ascii_lowercase + string.digits


def new_key() -> tuple[str, str]:
    """Id and secret of a new key (256 bits)."""
    return "".join(secrets.choice(_LETTERS) for _ in range(10)), secrets.token_hex(32)


def key_text(key_id: str, secret: str) -> str:
    """A key as programs send it.

    >>> key_parts(key_text("0123456789", "ab" * 32)) == ("0123456789", "ab" * 32)
    True
    """
    return f"grk_{key_id}_{secret}"


def key_parts(text: str) -> tuple[str, str] | None:
    """Id and secret of a key as it was sent; None where it is none."""
    found = _KEY.fullmatch(text)
    return None if found is None else (found[1], found[2])


def digest(secret: str) -> str:
    """What is kept of a secret that cannot be guessed: its SHA-256."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def is_digest_of(secret: str, kept: str) -> bool:
    """Whether this is the secret; takes as long whether it is or not."""
    return hmac.compare_digest(digest(secret), kept)
