"""Tokens of an outside provider: what is believed, what is not, and what they amount to."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from fastapi.testclient import TestClient

import callers
from api.app import create_app
from api.settings import Settings
from api.tokens import Provider, provider_of
from geo_risk.errors import FileError, Forbidden, ParameterError, Unauthenticated
from layers._catalog import catalog
from layers._store.accounts import shown_to_all

GRANTS = """
[[grants]]
value = "chiefs"
role = "admin"
[[grants]]
value = "duty"
role = "operator"
clearance = "internal"
areas = ["towns:w"]
writes = ["shelters"]
"""


@pytest.fixture
def bureau(tmp_path: Path) -> callers.Bureau:
    return callers.Bureau(tmp_path, GRANTS)


@pytest.fixture
def provider(bureau: callers.Bureau) -> Provider:
    return provider_of(bureau.file)


def test_a_token_amounts_to_the_first_grant_whose_value_it_holds(bureau: callers.Bureau, provider: Provider) -> None:
    duty = provider.caller(bureau.token(preferred_username="Wang"))
    assert (duty.role, duty.clearance, duty.by) == ("operator", "internal", "jwt")
    assert (duty.areas, duty.writes) == ({"towns:w"}, {"shelters"})
    assert (duty.actor, duty.display) == ("jwt:u-7", "Wang")
    assert provider.caller(bureau.token(groups=["duty", "chiefs"])).role == "admin"
    assert provider.caller(bureau.token(groups="duty")).role == "operator"


@pytest.mark.parametrize("groups", [[], ["other"], None, 5, {"duty": True}, ["DUTY"], [["duty"]]])
def test_who_is_in_no_grant_has_no_role(groups: Any, bureau: callers.Bureau, provider: Provider) -> None:
    with pytest.raises(Forbidden, match="gives no role here; where: groups"):
        provider.caller(bureau.token(groups=groups))


ANOTHER = ed25519.Ed25519PrivateKey.generate()


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.test"}, {"iss": None}, {"aud": "another"}, {"aud": None}, {"aud": ["another"]}, {"exp": None},
        {"exp": 1}, {"exp": "soon"}, {"sub": None}, {"sub": 5}, {"sub": ""}, {"sub": "a\nb"}, {"sub": "x" * 101},
        {"exp": 10**400}, {"exp": "9" * 5000},
        {"nbf": 9_000_000_000}, {"signed_by": ANOTHER}, {"kid": "two"},
        {"algorithm": "HS256", "signed_by": "a shared secret of thirty-three bytes"},
    ],
)  # fmt: skip
def test_what_is_not_believed(claims: dict[str, Any], bureau: callers.Bureau, provider: Provider) -> None:
    with pytest.raises(Unauthenticated, match="the token is not valid, or not any more"):
        provider.caller(bureau.token(**claims))


def test_what_a_token_says_must_be_understood_is_not_skipped(bureau: callers.Bureau, provider: Provider) -> None:
    claims = {"iss": "https://bureau.test", "aud": "geo-risk", "sub": "u-7", "groups": ["duty"], "exp": 9_000_000_000}
    for header, believed in (({}, True), ({"crit": ["only-at-night"], "only-at-night": True}, False)):
        token = jwt.encode(claims, bureau.secret, algorithm="EdDSA", headers={"kid": "one", **header})
        with nullcontext() if believed else pytest.raises(Unauthenticated, match="the token is not valid"):
            assert provider.caller(token).role == "operator"


def unsigned(**header: Any) -> str:
    """A token whose header says what it likes."""
    parts = ({"alg": "none", "typ": "JWT"} | header, {"iss": "https://bureau.test", "aud": "geo-risk", "sub": "x", "exp": 9e9})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def deep(depth: int = 1500) -> str:
    return base64.urlsafe_b64encode(b'{"a":' + b"[" * depth + b"]" * depth + b"}").decode().rstrip("=") + ".e30.e30"


@pytest.mark.parametrize(
    "token", ["", "a", "a.b.c", "....", unsigned(), unsigned(alg="EdDSA"), unsigned(crit=["x"]), deep(), "é.é.é"]
)
def test_what_is_no_token(token: str, provider: Provider) -> None:
    with pytest.raises(Unauthenticated, match="the token is not valid"):
        provider.caller(token)


def test_a_public_key_is_no_shared_secret(tmp_path: Path) -> None:
    """The provider's public key, taken as the secret of a symmetric signature, makes no token (key confusion)."""
    secret = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = secret.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    bureau = callers.Bureau(tmp_path, GRANTS)
    (tmp_path / "keys.json").write_bytes(public)
    bureau.file.write_text(bureau.file.read_text().replace("EdDSA", "RS256"))
    provider = provider_of(bureau.file)
    assert provider.caller(bureau.token(signed_by=secret, algorithm="RS256", kid=None)).role == "operator"
    forged = jwt.api_jws.PyJWS()
    forged._algorithms["HS256"].prepare_key = lambda key: key  # type: ignore[method-assign]
    claims = json.dumps({"iss": "https://bureau.test", "aud": "geo-risk", "sub": "x", "exp": 9e9, "groups": ["chiefs"]}).encode()
    with pytest.raises(Unauthenticated, match="the token is not valid"):
        provider.caller(forged.encode(claims, public, algorithm="HS256"))  # type: ignore[arg-type]


@pytest.mark.parametrize("late_s", [20, 40])
def test_clocks_may_be_off_by_half_a_minute(late_s: float, bureau: callers.Bureau, provider: Provider) -> None:
    token = bureau.token(exp=time.time() - late_s)
    if late_s < 30:
        assert provider.caller(token).role == "operator"
    else:
        with pytest.raises(Unauthenticated, match="not any more"):
            provider.caller(token)


def test_a_token_that_was_believed_is_not_when_it_is_over(bureau: callers.Bureau, provider: Provider) -> None:
    token = bureau.token(exp=int(time.time()) - 27)
    assert provider.caller(token) is provider.caller(token)  # remembered
    time.sleep(3.1)
    with pytest.raises(Unauthenticated, match="not any more"):
        provider.caller(token)


def test_keys_that_are_replaced_end_the_old_ones_tokens(bureau: callers.Bureau, provider: Provider, tmp_path: Path) -> None:
    old = bureau.token()
    provider.caller(old)
    newer = callers.Bureau(tmp_path, GRANTS)
    (tmp_path / "keys.json").write_text((tmp_path / "keys.json").read_text() + " ")
    provider.refresh()
    assert provider.caller(newer.token()).role == "operator"
    with pytest.raises(Unauthenticated, match="not valid"):
        provider.caller(old)
    (tmp_path / "keys.json").write_text("broken")
    provider.refresh()
    assert provider.caller(newer.token()).role == "operator"  # what cannot be read changes nothing


def pem(secret: Any) -> bytes:
    return secret.private_bytes(  # type: ignore[no-any-return]
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (b"", "keys cannot be used"), (b"{}", "keys cannot be used"), (b'{"keys": []}', "none, or a secret one"),
        (b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', "none, or a secret one"), (b"-----BEGIN PUBLIC KEY-----", "keys cannot"),
        (b'{"keys": [1]}', "keys cannot"), (b'{"keys": {"a": 1}}', "keys cannot"), (b'{"keys": 5}', "keys cannot"),
        (pem(ed25519.Ed25519PrivateKey.generate()), "a secret one"), (pem(ec.generate_private_key(ec.SECP256R1())), "keys cannot"),
    ],
)  # fmt: skip
def test_keys_that_are_none_or_secret_stop_the_service(keys: bytes, says: str, bureau: callers.Bureau, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(keys)
    with pytest.raises(FileError, match=says):
        provider_of(bureau.file)


@pytest.mark.parametrize(
    ("was", "said"),
    [
        ('["EdDSA"]', '["HS256"]'), ('["EdDSA"]', '["none"]'), ('["EdDSA"]', "[]"), ("issuer", "isuer"), ('"admin"', '"king"'),
        ("[[grants]]", "[[grant]]"), ("=", "=="),
    ],
)  # fmt: skip
def test_a_file_that_is_not_understood_stops_the_service(was: str, said: str, bureau: callers.Bureau) -> None:
    bureau.file.write_text(bureau.file.read_text().replace(was, said, 1))
    with pytest.raises(FileError, match="the token provider's file cannot be used"):
        provider_of(bureau.file)


@pytest.mark.parametrize(
    ("was", "said", "says"),
    [
        ('["shelters"]', '["shelterz"]', "no such layers"), ('["towns:w"]', '["rivers:w"]', "where: areas"),
        ('role = "admin"', 'role = "admin"\nareas = ["towns:w"]', "an admin is one everywhere"),
        ('role = "admin"', 'role = "admin"\nreads = ["aeds"]', "a figure must not depend on who asks"),
    ],
)  # fmt: skip
def test_a_grant_that_no_account_may_have_stops_the_service(was: str, said: str, says: str, bureau: callers.Bureau) -> None:
    bureau.file.write_text(bureau.file.read_text().replace(was, said, 1))
    with pytest.raises(ParameterError, match=says):
        provider_of(bureau.file)


def test_a_grant_hides_what_can_be_hidden(tmp_path: Path) -> None:
    reads = sorted(shown_to_all(catalog()))
    bureau = callers.Bureau(tmp_path, f'[[grants]]\nvalue = "duty"\nrole = "viewer"\nreads = {json.dumps(reads)}\n')
    assert provider_of(bureau.file).caller(bureau.token()).sight.layers == set(reads)


@pytest.fixture
def service(small_store: Path, bureau: callers.Bureau, tmp_path: Path) -> Iterator[TestClient]:
    copy = tmp_path / "store.sqlite"
    copy.write_bytes(small_store.read_bytes())
    settings = Settings(store=copy, token_provider=bureau.file)
    with TestClient(create_app(settings), raise_server_exceptions=False) as opened:
        yield opened


def test_a_token_opens_doors_and_needs_no_csrf_token(service: TestClient, bureau: callers.Bureau) -> None:
    caller = service.get("/session", headers=bureau.headers()).json()["caller"]
    assert (caller["name"], caller["role"], caller["by"]) == ("jwt:u-7", "operator", "jwt")
    assert service.post("/closures", json={}, headers=bureau.headers()).status_code == 400
    assert service.post("/closures", json={}, headers=bureau.headers(groups=["nobody"])).status_code == 403
    assert service.get("/layers", headers=bureau.headers(exp=1)).status_code == 401
    assert service.get("/accounts", headers=bureau.headers()).status_code == 403
    assert service.get("/accounts", headers=bureau.headers(groups=["chiefs"])).status_code == 200
