"""People and programs for tests: one of each role with a key of its own, and clients that act as them.

`settle` puts them into a store; their keys are the same in every store, so that a test needs nothing but a name:
``acting(client, "operator").post(...)``. Nobody has a password: hashing one takes 0.1 s; `give_password` gives one.
"""

import datetime as dt
import hashlib
import json
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519
from fastapi.testclient import TestClient

from api.keys import digest, key_text
from api.passwords import hashed
from api.use import enrolment
from layers._store import Store, accounts, open_store
from layers._store.accounts import CLEARANCE, VERBS, Account, Key, at_least
from layers._store.records import now, stamp

PASSWORD = "four words nobody guesses"
ROLES = ("wall", "viewer", "field", "operator", "admin")
TOWN = "town_operator"
"""An operator of the small city's town "w" alone."""
MAKER = "tests"


def settle(store: Store | Path) -> None:
    """One account and one key of each role, and an operator of one town."""
    if isinstance(store, Path):
        with open_store(store) as opened:
            settle(opened)
        return
    for role in ROLES:
        add_account(store, role)
        add_key(store, role)
    add_account(store, TOWN, role="operator", areas={"towns:w"})
    add_key(store, TOWN)


def add_account(store: Store, name: str, **given: Any) -> str:
    """An account; its id is its name. Its role is its name too, unless said otherwise."""
    role = given.pop("role", name)
    sets = {what: frozenset(given.pop(what)) for what in ("reads", "writes", "areas") if given.get(what) is not None}
    account = Account(
        id=name, name=name, role=role, clearance=given.pop("clearance", CLEARANCE[role]), created_at=now(), created_by=MAKER,
        **sets, **given,
    )  # fmt: skip
    store.transact(enrolment.prepare)
    store.transact(lambda connection: accounts.add_account(connection, account))
    return name


def add_key(store: Store, name: str, scopes: Collection[str] = (), days: float = 90, label: str = "") -> str:
    """A key of an account, as it is sent; without scopes it may do all that the role may. ``label`` tells several apart."""
    with store.read() as connection:
        role = accounts.account_of(connection, name).role
    allowed = frozenset(scopes) or {verb for verb, least in VERBS.items() if at_least(role, least)}
    key_id, secret = _parts(name, label)
    until = stamp(dt.datetime.now(dt.UTC) + dt.timedelta(days=days))
    key = Key(
        id=key_id, account_id=name, secret_sha256=digest(secret), title=label, scopes=frozenset(allowed), created_at=now(),
        created_by=MAKER, expires_at=until,
    )  # fmt: skip
    store.transact(lambda connection: accounts.add_key(connection, key))
    return key_text(key_id, secret)


def give_password(store: Store, name: str, password: str = PASSWORD) -> None:
    """Let an account sign in by password."""
    kept = hashed(password)
    store.transact(lambda connection: accounts.change_account(connection, name, password=kept))


def key(name: str, label: str = "") -> str:
    """The key that `settle` or `add_key` gave to that account."""
    return key_text(*_parts(name, label))


def headers(name: str, label: str = "") -> dict[str, str]:
    """What a request must carry to be that caller's; nothing for ``anonymous``."""
    return {} if name == "anonymous" else {"Authorization": f"Bearer {key(name, label)}"}


class Acting:
    """A client that acts as somebody. The service and its other clients stay as they are."""

    def __init__(self, client: TestClient, carried: dict[str, str]) -> None:
        self.client, self.carried = client, carried

    def request(self, method: str, url: str, **given: Any) -> Any:
        """One request as this caller."""
        carried = self.carried | dict(given.pop("headers", None) or {})
        return self.client.request(method, url, headers=carried, **given)

    def get(self, url: str, **given: Any) -> Any:
        return self.request("GET", url, **given)

    def post(self, url: str, **given: Any) -> Any:
        return self.request("POST", url, **given)

    def put(self, url: str, **given: Any) -> Any:
        return self.request("PUT", url, **given)

    def patch(self, url: str, **given: Any) -> Any:
        return self.request("PATCH", url, **given)

    def delete(self, url: str, **given: Any) -> Any:
        return self.request("DELETE", url, **given)


def acting(client: TestClient, name: str, label: str = "") -> Acting:
    """The client acting as that caller."""
    return Acting(client, headers(name, label))


def _parts(name: str, label: str) -> tuple[str, str]:
    secret = hashlib.sha256(f"{name} {label}".encode()).hexdigest()
    return secret[:10], secret


class Bureau:
    """An outside provider: its key, the file that describes it to the service, and the tokens it gives."""

    def __init__(self, folder: Path, grants: str = '[[grants]]\nvalue = "duty"\nrole = "operator"\n') -> None:
        self.secret = ed25519.Ed25519PrivateKey.generate()
        public = jwt.algorithms.OKPAlgorithm.to_jwk(self.secret.public_key(), as_dict=True)
        (folder / "keys.json").write_text(json.dumps({"keys": [{**public, "kid": "one", "alg": "EdDSA"}]}), encoding="utf-8")
        self.file = folder / "provider.toml"
        stated = 'issuer = "https://bureau.test"\naudience = "geo-risk"\nalgorithms = ["EdDSA"]\nkeys = "keys.json"\n'
        self.file.write_text(stated + grants, encoding="utf-8")

    def token(self, *, kid: str | None = "one", signed_by: Any = None, algorithm: str = "EdDSA", **claims: Any) -> str:
        """A token for an hour, of a duty officer unless claims say otherwise; a claim of None is left out."""
        usual = {"iss": "https://bureau.test", "aud": "geo-risk", "sub": "u-7", "groups": ["duty"], "exp": time.time() + 3600}
        said = {name: value for name, value in (usual | claims).items() if value is not None}
        head = {} if kid is None else {"kid": kid}
        return jwt.encode(said, signed_by or self.secret, algorithm=algorithm, headers=head)

    def headers(self, **claims: Any) -> dict[str, str]:
        """What a request with such a token carries."""
        return {"Authorization": f"Bearer {self.token(**claims)}"}
