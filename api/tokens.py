"""Tokens of an outside provider (JWT): checked with its keys from a file and turned into callers by a table, with no network.

The table is a TOML file (docs/roles.md): issuer, audience, the algorithms allowed, the file of keys (PEM or JWKS), the claim
that says what somebody is, and for each of its values a role and grants.
"""

import hashlib
import json
import logging
import threading
import time
import tomllib
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from jwt.algorithms import get_default_algorithms
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from api.caller import Caller
from geo_risk.errors import FileError, Forbidden, Unauthenticated
from layers._catalog import catalog
from layers._layer import Sensitivity
from layers._store.accounts import CLEARANCE, Account, Role, require_grants, shown_to_all
from layers._store.records import is_clean, now

_log = logging.getLogger(__name__)
_LEEWAY_S: Final = 30
_KEPT: Final = 1000
_LONGEST_NAME: Final = 100
_REQUIRED: Final = ("exp", "iss", "aud", "sub")
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Asymmetric ones only: whoever can check a token cannot make one."""


class Grant(BaseModel):
    """What somebody may whose claim has this value."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    value: Annotated[str, Field(min_length=1, max_length=200)]
    role: Role
    clearance: Sensitivity | None = None
    reads: frozenset[str] | None = None
    writes: frozenset[str] | None = None
    areas: frozenset[str] | None = None

    def account(self) -> Account:
        """The grant as the account it amounts to; `ParameterError` where no account may be so."""
        return Account(
            id=f"jwt {self.role}", name="provider", role=self.role, clearance=self.clearance or CLEARANCE[self.role],
            reads=self.reads, writes=self.writes, areas=self.areas, created_at=now(), created_by="token provider",
        )

    @model_validator(mode="after")
    def _may_be(self) -> Self:
        require_grants(self.account(), catalog())
        return self


class Trusted(BaseModel):
    """Whose tokens are believed, and what they amount to; the first grant whose value the claim holds counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    issuer: Annotated[str, Field(min_length=1)]
    audience: Annotated[str, Field(min_length=1)]
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)]
    keys: Path
    claim: Annotated[str, Field(min_length=1)] = "groups"
    name_claim: Annotated[str, Field(min_length=1)] = "preferred_username"
    grants: Annotated[tuple[Grant, ...], Field(min_length=1)]


class Provider:
    """An outside provider whose tokens are believed. Its file of keys is read anew when it changes."""

    def __init__(self, trusted: Trusted, keys: Path) -> None:
        self._trusted, self._path = trusted, keys
        self._stamp = _stamp(keys)
        self._keys = _keys_of(keys, trusted.algorithms)
        self._known: OrderedDict[bytes, Caller] = OrderedDict()
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Read the keys anew if their file changed; keys that cannot be read leave the ones there are, and are logged."""
        found = _stamp(self._path)
        if found == self._stamp:
            return
        self._stamp = found
        try:
            keys = _keys_of(self._path, self._trusted.algorithms)
        except FileError as error:
            _log.error("the token provider's keys stay as they were: %s", error.what)
            return
        with self._lock:
            self._keys = keys
            self._known.clear()

    def caller(self, token: str) -> Caller:
        """Whose token this is.

        Raises
        ------
        Unauthenticated
            It is not signed by the provider, is over, or is for somebody else.
        Forbidden
            It is valid, and none of the grants is for whoever it names.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        with self._lock:
            known, keys = self._known.get(digest), self._keys
        if known is not None and not _over(known):
            return known
        made = self._made(self._claims(token, keys))
        with self._lock:
            if keys is self._keys:
                self._known[digest] = made
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return made

    def _claims(self, token: str, keys: Mapping[str, jwt.PyJWK]) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            key = _key_for(keys, header.get("kid"))
            if key is None or header.get("alg") not in self._trusted.algorithms or "crit" in header:
                raise _refused()
            claims = dict(
                jwt.decode(
                    token, key, algorithms=list(self._trusted.algorithms), audience=self._trusted.audience,
                    issuer=self._trusted.issuer, leeway=_LEEWAY_S, options={"require": list(_REQUIRED)},
                )
            )
            return claims | {"exp": float(claims["exp"])}
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise _refused() from None

    def _made(self, claims: Mapping[str, Any]) -> Caller:
        said = claims.get(self._trusted.claim)
        values = said if isinstance(said, list) else [said]
        grant = next((each for each in self._trusted.grants if each.value in values), None)
        if grant is None:
            raise Forbidden(
                "the provider's token is valid, and gives no role here", where=self._trusted.claim,
                expected="a value that the table of grants names", then="ask an admin",
            )
        subject, display = claims["sub"], claims.get(self._trusted.name_claim)
        if not isinstance(subject, str) or not _plain(subject):
            raise _refused()
        account = grant.account()
        reads = None if account.reads is None else account.reads | shown_to_all(catalog())
        return Caller(
            id=f"jwt:{subject}", name=f"jwt:{subject}", display=display if isinstance(display, str) and _plain(display) else "",
            role=account.role, by="jwt", clearance=account.clearance, reads=reads, writes=account.writes, areas=account.areas,
            until=claims["exp"] + _LEEWAY_S,
        )


def provider_of(path: Path) -> Provider:
    """The provider that a file describes.

    Raises
    ------
    FileError
        It cannot be read, says what is not understood, allows what nobody may, or names keys that are none.
    """
    try:
        trusted = Trusted.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        faults = error.errors() if isinstance(error, ValidationError) else ()
        raise FileError(
            "the token provider's file cannot be used", where=path.name,
            expected="issuer, audience, algorithms, keys, claim, and grants of value and role",
            got="; ".join(f"{'.'.join(map(str, each['loc']))}: {each['type']}" for each in faults[:5]) or type(error).__name__,
            then="see docs/roles.md",
        ) from None
    return Provider(trusted, path.parent / trusted.keys)


def _keys_of(path: Path, algorithms: tuple[Algorithm, ...]) -> Mapping[str, jwt.PyJWK]:
    """The provider's public keys by id; one key of a PEM file has the id of the empty text."""
    try:
        content = path.read_bytes()
        if content.lstrip()[:1] == b"{":
            found = [jwt.PyJWK(each) for each in json.loads(content)["keys"] if each.get("kty") != "oct"]
            keys = {each.key_id or "": each for each in found}
        else:
            keys = {"": _from_pem(content, algorithms[0])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError, UnsupportedAlgorithm) as error:
        raise _no_keys(path, type(error).__name__) from None
    if not keys or any(key.key_type == "oct" or _is_private(key) for key in keys.values()):
        raise _no_keys(path, "none, or a secret one")
    return keys


def _from_pem(content: bytes, algorithm: str) -> jwt.PyJWK:
    kind = get_default_algorithms()[algorithm]
    public = kind.prepare_key(content)
    return jwt.PyJWK(json.loads(kind.to_jwk(public)) | {"alg": algorithm})


def _is_private(key: jwt.PyJWK) -> bool:
    return hasattr(key.key, "private_bytes")


def _key_for(keys: Mapping[str, jwt.PyJWK], key_id: object) -> jwt.PyJWK | None:
    if isinstance(key_id, str) and key_id in keys:
        return keys[key_id]
    return next(iter(keys.values())) if len(keys) == 1 and (key_id is None or "" in keys) else None


def _over(caller: Caller) -> bool:
    return time.time() >= caller.until


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _plain(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_NAME and text.isprintable() and is_clean(text)


def _refused() -> Unauthenticated:
    return Unauthenticated(
        "the token is not valid, or not any more", expected="a token of the bureau's provider, for this service, not over",
        then="sign in with the provider again",
    )


def _no_keys(path: Path, got: str) -> FileError:
    return FileError(
        "the token provider's keys cannot be used", where=path.name, expected="public keys, as PEM or JWKS", got=got,
        then="export its public keys again",
    )
