"""Passwords: which are fit, how they are kept (argon2id), and how one is checked without telling whose there are."""

import secrets
import unicodedata
from functools import cache
from typing import Final

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from geo_risk.errors import ParameterError

SHORTEST: Final = 12
_LONGEST: Final = 200
_DISTINCT: Final = 5
_NAME_COUNTS: Final = 4
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_COMMON: Final = frozenset({
    "123456789012", "1234567890123", "12345678901234", "123123123123", "qwertyuiop12", "qwertyuiopas", "qwertyuiop123",
    "1qaz2wsx3edc", "1q2w3e4r5t6y", "q1w2e3r4t5y6", "passwordpassword", "password1234", "password12345", "administrator",
    "administrator1", "changeme1234", "letmeinletmein", "iloveyou1234", "welcome12345", "woaini1314520", "abcdefghijkl",
    "abcd1234abcd", "abc123456789", "a12345678901", "admin1234567", "adminadminadmin", "qazwsxedcrfv", "zxcvbnmasdfg",
    "asdfghjklqwe", "correcthorsebatterystaple", "georiskgeorisk", "geo-risk-admin",
})  # fmt: skip
"""Those of length 12 and more that lists of stolen passwords begin with, and those that the name of this software invites."""


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


@cache
def _nobodys() -> str:
    """A hash that no password has: checked where there is no account, so that the answer takes as long."""
    return _hasher().hash(secrets.token_hex(32))


def warm() -> None:
    """Make what is made once, so that the first answer takes no longer than the others."""
    _nobodys()


def hashed(password: str) -> str:
    """What is kept of a password: argon2id with a salt of its own; some 0.1 s and 64 MB."""
    return _hasher().hash(_normal(password))


def matches(password: str, kept: str | None) -> bool:
    """Whether this is the password; without one kept it never is, and that takes as long to say."""
    try:
        right = _hasher().verify(_normal(password)[:_LONGEST], kept or _nobodys())
    except UnknownHashError:
        return False
    return right and kept is not None


def require_fit(password: str, name: str) -> None:
    """Stop a password that would be guessed.

    Raises
    ------
    ParameterError
        It is too short or too long, common, made of few characters, or holds the account's name.
    """
    plain = _normal(password)
    easy = plain.casefold()
    for wrong, what in (
        (len(plain) < SHORTEST, "the password is too short"),
        (len(plain) > _LONGEST, "the password is too long"),
        (len(set(easy)) < _DISTINCT, "the password is made of very few characters"),
        (easy in _COMMON, "the password is one that is tried first"),
        (len(name) >= _NAME_COUNTS and _normal(name).casefold() in easy, "the password holds the name"),
    ):
        if wrong:
            raise ParameterError(
                what, where="password", expected=f"{SHORTEST} to {_LONGEST} characters that nobody guesses, such as four words",
                then="choose another",
            )


def generated() -> str:
    """A password to be read aloud: four groups of five letters and digits that are not taken for each other (99 bits).

    >>> [len(group) for group in generated().split("-")]
    [5, 5, 5, 5]
    """
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))


def _normal(password: str) -> str:
    # the same letters typed on two keyboards are the same password
    return unicodedata.normalize("NFKC", password)
