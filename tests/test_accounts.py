"""Accounts, keys, sessions and the audit as the store keeps them; and the command line over them."""

import inspect
import io
import json
import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

import callers
from api.caller import caller_of
from api.cli import account_commands
from api.passwords import matches
from api.use import enrolment
from api.use.enrolment import Changes, Doer, NewAccount, NewKey, said
from geo_risk.errors import Conflict, NotFound, ParameterError, StoreCorrupt
from layers._catalog import catalog
from layers._store import Store, accounts, open_store
from layers._store.accounts import Account, Session, compared, require_grants, require_scopes, shown_to_all
from layers._store.audit import Event, append, entries, last_sign_ins, verify_audit
from run_cli import run

ME = Doer("tests", "127.0.0.1")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store.sqlite") as opened:
        callers.settle(opened)
        yield opened


def account(**given: Any) -> Account:
    usual = {"id": "x", "name": "somebody", "role": "field", "clearance": "internal", "created_at": "t", "created_by": "me"}
    return Account(**usual | given)


def roll(store: Store) -> accounts.Roll:
    with store.read() as connection:
        return accounts.roll(connection)


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"name": "a"}, "name"), ({"name": " front"}, "name"), ({"name": "jwt:x"}, "name"), ({"name": "a/b"}, "name"),
        ({"name": "Anonymous"}, "name"), ({"name": "x" * 65}, "name"), ({"role": "king"}, "role"),
        ({"role": "wall", "clearance": "personal"}, "clearance"), ({"areas": frozenset({"rivers:1"})}, "areas"),
        ({"role": "admin", "clearance": "public", "areas": frozenset({"towns:w"})}, "areas"), ({"display": "a\0"}, "display"),
    ],
)  # fmt: skip
def test_what_no_account_may_be(given: dict[str, Any], where: str) -> None:
    with pytest.raises(ParameterError, match=f"this is no account; where: {where}"):
        account(**given)


@pytest.mark.parametrize("name", ["DUTY", " duty ", "ｄｕｔｙ", "Duty"])
def test_a_name_is_taken_however_it_is_written(name: str, store: Store) -> None:
    enrolment.add_account(store, NewAccount(name="duty", role="viewer"), None, ME)
    with pytest.raises(Conflict, match="there is an account of this name"):
        store.transact(lambda connection: accounts.add_account(connection, account(name=name.strip())))
    assert compared(name) == "duty"


def test_a_layer_that_figures_are_made_of_is_hidden_from_nobody() -> None:
    with pytest.raises(ParameterError, match=r"a figure must not depend on who asks; where: reads; expected: also .*towns"):
        require_grants(account(reads=frozenset({"aeds"})), catalog())
    require_grants(account(reads=frozenset(catalog()) - {"aeds", "duty_holders"}), catalog())
    assert {"towns", "counties", "roads", "road_closures", "shelters"} <= shown_to_all(catalog())


def test_a_grant_made_before_such_a_layer_came_does_not_hide_it() -> None:
    layers = caller_of(account(reads=frozenset({"aeds"})), "session").sight.layers or frozenset()
    assert layers == shown_to_all(catalog()) | {"aeds"}


def test_grants_name_layers_that_are_there() -> None:
    with pytest.raises(ParameterError, match="there are no such layers; where: writes"):
        require_grants(account(writes=frozenset({"shelterz"})), catalog())


@pytest.mark.parametrize(
    ("role", "scopes", "allowed"),
    [
        ("wall", {"read"}, True), ("wall", {"ask"}, False), ("viewer", {"read", "ask"}, True), ("viewer", {"write"}, False),
        ("field", {"write:shelters"}, True), ("field", {"close"}, False), ("operator", {"close"}, True),
        ("operator", {"admin"}, False), ("admin", {"admin"}, True), ("admin", set(), False), ("admin", {"rule"}, False),
        ("admin", {"write:shelterz"}, False), ("admin", {"close:shelters"}, False), ("admin", {"READ"}, False),
    ],
)  # fmt: skip
def test_a_key_may_no_more_than_its_account(role: str, scopes: set[str], allowed: bool) -> None:
    given = account(role=role, clearance="public")
    if allowed:
        require_scopes(given, scopes, catalog())
    else:
        with pytest.raises(ParameterError, match=r"cannot be allowed this|no such layers"):
            require_scopes(given, scopes, catalog())


def test_a_key_narrows_what_its_account_may(store: Store) -> None:
    callers.add_account(store, "reporter", role="operator", writes={"shelters", "aeds"})
    callers.add_key(store, "reporter", ["read", "write:shelters", "write:helipads", "close"])
    held = roll(store)
    caller = caller_of(held.accounts["reporter"], "key", next(each for each in held.keys.values() if each.account_id == "reporter"))
    assert caller.writes == {"shelters"}  # helipads and closures are not the account's, aeds not the key's
    assert (caller.may("write"), caller.may("close"), caller.may("ask"), caller.may("admin")) == (True, True, False, False)


def test_a_key_that_only_closes_writes_closures_and_nothing_else(store: Store) -> None:
    callers.add_key(store, "operator", ["close"], label="closer")
    held = roll(store)
    key = held.keys[callers.key("operator", "closer").split("_")[1]]
    assert caller_of(held.accounts["operator"], "key", key).writes == {"road_closures"}


def test_the_last_admin_stays(store: Store) -> None:
    for change in (Changes(disabled=True), Changes(role="viewer")):
        with pytest.raises(Conflict, match="the last admin"):
            enrolment.change_account(store, "admin", change, ME)
    enrolment.add_account(store, NewAccount(name="second", role="admin"), "hash", ME)
    assert enrolment.change_account(store, "admin", Changes(disabled=True), ME).disabled


@pytest.mark.parametrize(
    ("way", "gets_in"),
    [
        ("none", False), ("password", True), ("key", True), ("key that reads", False), ("key that is over", False),
        ("revoked", False),
    ],
)  # fmt: skip
def test_an_admin_who_cannot_get_in_is_not_the_other_one(way: str, gets_in: bool, store: Store) -> None:
    callers.add_account(store, "other", role="admin", password="hash" if way == "password" else None)
    if way in ("key", "revoked"):
        callers.add_key(store, "other")
    if way.startswith("key that"):
        callers.add_key(store, "other", **({"scopes": ["read"]} if way == "key that reads" else {"days": -1}))
    if way == "revoked":
        enrolment.revoke_key(store, callers.key("other").split("_")[1], ME)
    if gets_in:
        assert enrolment.change_account(store, "admin", Changes(role="viewer"), ME).role == "viewer"
        return
    with pytest.raises(Conflict, match="can get in by password or key"):
        enrolment.change_account(store, "admin", Changes(role="viewer"), ME)
    assert roll(store).named["admin"].role == "admin"


def test_two_admins_who_end_each_other_at_once_in_two_services_leave_one(place: Path | str) -> None:
    at_once = Barrier(2, timeout=10)

    def end(store: Store, name: str) -> bool:
        at_once.wait()
        try:
            return enrolment.change_account(store, name, Changes(disabled=True), ME).disabled
        except Conflict:
            return False

    with open_store(place) as one, open_store(place) as two, ThreadPoolExecutor(2) as threads:
        callers.settle(one)
        callers.add_account(one, "other", role="admin", password="hash")
        for _ in range(5):
            assert sorted(threads.map(end, (one, two), ("admin", "other"))) == [False, True]
            for name in ("admin", "other"):
                enrolment.change_account(one, name, Changes(disabled=False), ME)


def test_ending_sessions_ends_all_of_one_and_none_of_others(store: Store) -> None:
    begun_by = (("a", "operator", "2100"), ("b", "operator", "2100"), ("over", "field", "2026"), ("c", "viewer", "2100"))
    for token, name, until in begun_by:
        begun = Session(token_sha256=token, account_id=name, made_at="2025", seen_at="2025", expires_at=until)
        store.transact(lambda connection, begun=begun: accounts.add_session(connection, begun))
    told = {each["name"]: each["sessions"] for each in enrolment.listed_accounts(store)}
    assert (told["operator"], told["viewer"], told["field"]) == (2, 1, 0)
    enrolment.end_sessions(store, "operator", ME)
    assert set(roll(store).sessions) == {"c", "over"}
    assert [(each.action, each.subject) for each in enrolment.audited(store, None, 10)] == [("sessions_ended", "operator")]


def test_the_last_sign_in_is_the_last_that_was_let_in(store: Store) -> None:
    for outcome in ("ok", "ok", "refused"):
        store.transact(lambda connection, o=outcome: append(connection, Event(actor="field", action="sign_in", outcome=o)))
    entered = [each.at for each in enrolment.audited(store, None, 10) if each.outcome == "ok"]
    told = {each["name"]: each["signed_in_at"] for each in enrolment.listed_accounts(store)}
    assert (told["field"], told["viewer"]) == (max(entered), None)
    with store.read() as connection:
        assert last_sign_ins(connection, among=1) == {}  # only the last entry is looked at: the refused one


@pytest.mark.parametrize(
    ("change", "ends"),
    [({"disabled": True}, True), ({"password": "hash"}, True), ({"role": "viewer"}, True), ({"display": "A"}, False)],
)
def test_what_ends_sessions(change: dict[str, Any], ends: bool, store: Store) -> None:
    session = Session(token_sha256="t", account_id="operator", made_at="2026", seen_at="2026", expires_at="2100")
    store.transact(lambda connection: accounts.add_session(connection, session))
    store.transact(lambda connection: accounts.change_account(connection, "operator", **change))
    assert ("t" in roll(store).sessions) is not ends


def test_every_change_is_in_the_audit_and_no_secret_is(store: Store) -> None:
    enrolment.add_account(store, NewAccount(name="wang", role="field"), "argon-canary", ME)
    enrolment.change_account(store, "wang", Changes(role="operator", areas=frozenset({"towns:w"})), ME)
    enrolment.set_password(store, "wang", "argon-canary-2", ME)
    key, text = enrolment.add_key(store, NewKey(account="wang", scopes=frozenset({"read"})), ME)
    enrolment.revoke_key(store, key.id, ME)
    told = [(each.action, each.subject, each.actor, each.address) for each in reversed(enrolment.audited(store, None, 100))]
    actions = ("account_added", "account_changed", "password", "key_added", "key_revoked")
    assert told == [(action, "wang", "tests", "127.0.0.1") for action in actions]
    detail = json.dumps([dict(each.detail) for each in enrolment.audited(store, None, 100)])
    assert '"after": "operator", "before": "field"' in detail
    assert not any(secret in detail for secret in ("argon-canary", text, key.secret_sha256))


def test_a_change_that_is_refused_leaves_no_entry(store: Store) -> None:
    with pytest.raises(ParameterError, match="a figure must not depend on who asks"):
        enrolment.change_account(store, "viewer", Changes(reads=frozenset({"aeds"})), ME)
    assert enrolment.audited(store, None, 10) == ()
    assert roll(store).accounts["viewer"].reads is None


def test_lists_tell_no_hashes(store: Store) -> None:
    callers.give_password(store, "viewer")
    told = json.dumps([enrolment.listed_accounts(store), enrolment.listed_keys(store)])
    assert "argon2" not in told
    assert not any(key.secret_sha256 in told for key in roll(store).keys.values())


@pytest.mark.parametrize(("days", "role", "allowed"), [(366, "operator", True), (367, "operator", False), (400, "wall", True)])
def test_how_long_a_key_lasts(days: int, role: str, allowed: bool, store: Store) -> None:
    given = NewKey(account=role, scopes=frozenset({"read"}), days=days)
    if allowed:
        assert enrolment.add_key(store, given, ME)[0].expires_at > "2026"
    else:
        with pytest.raises(ParameterError, match="the key would last too long"):
            enrolment.add_key(store, given, ME)


def test_what_is_said_of_a_key_is_read_strictly() -> None:
    with pytest.raises(ParameterError, match="this is not understood; where: days") as refused:
        said(NewKey, {"account": "x", "scopes": ["read"], "days": 10_000, "title": "a"})
    assert "10000" not in str(refused.value)
    with pytest.raises(ParameterError, match="extra_forbidden"):
        said(NewAccount, {"name": "x", "role": "wall", "password_hash": "y"})


def events(store: Store, number: int) -> None:
    for each in range(number):
        store.transact(lambda connection, each=each: append(connection, Event(actor=f"a{each}", action="test", detail={"n": each})))


def test_the_audit_is_paged_and_verifies(store: Store) -> None:
    events(store, 5)
    with store.read() as connection:
        assert [each.id for each in entries(connection, limit=2)] == [5, 4]
        assert [each.id for each in entries(connection, before=4, limit=2)] == [3, 2]
        assert verify_audit(connection).entries == 5


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE audit SET actor = 'b' WHERE id = 2", "UPDATE audit SET detail = '{}' WHERE id = 3",
        "DELETE FROM audit WHERE id = 2", "DELETE FROM audit WHERE id = 3",
        "DELETE FROM audit", "UPDATE audit SET at = '2000' WHERE id = 1",
        "UPDATE audit SET hash = x'00' WHERE id = 3", "UPDATE audit SET id = 9 WHERE id = 3",
        "UPDATE audit SET batch_id = 1 WHERE id = 1", "DELETE FROM meta WHERE key = 'audit_head'",
    ],
)  # fmt: skip
def test_an_audit_that_was_tampered_with_shows(harm: str, tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with open_store(path) as store:
        store.transact(enrolment.prepare)
        events(store, 3)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(harm)
    with open_store(path) as store, store.read() as read, pytest.raises(StoreCorrupt, match="the audit does not agree with itself"):
        verify_audit(read)


def test_an_empty_audit_verifies(store: Store) -> None:
    store.transact(enrolment.prepare)
    with store.read() as connection:
        assert (verify_audit(connection).entries, entries(connection)) == (0, ())


def test_no_such_account_or_key(store: Store) -> None:
    with pytest.raises(NotFound, match="no such account"):
        enrolment.account_told(store, "nobody")
    with pytest.raises(NotFound, match="no such key"):
        enrolment.revoke_key(store, "none", ME)


def test_accounts_keys_sessions_and_the_audit_are_the_same_in_either_store(place: Path | str) -> None:
    with open_store(place) as store:
        callers.settle(store)
        enrolment.change_account(store, "viewer", Changes(display="张三", areas=frozenset({"towns:w"})), ME)
        key, _ = enrolment.add_key(store, NewKey(account="viewer", scopes=frozenset({"read"})), ME)
        session = Session(token_sha256="t", account_id="viewer", made_at="2026", seen_at="2026", expires_at="2100")
        store.transact(lambda connection: accounts.add_session(connection, session))
        store.transact(lambda connection: accounts.note_use(connection, {"t": "2027"}, {key.id: "2027"}))
        held = roll(store)
        assert (held.accounts["viewer"].display, held.accounts["viewer"].areas) == ("张三", {"towns:w"})
        assert (held.sessions["t"].seen_at, held.keys[key.id].used_at) == ("2027", "2027")
        store.transact(lambda connection: accounts.change_account(connection, "viewer", disabled=True))
        assert roll(store).sessions == {}
        with pytest.raises(Conflict, match="there is an account of this name"):
            enrolment.add_account(store, NewAccount(name="Viewer", role="viewer"), None, ME)
        with store.read() as connection:
            assert [each.action for each in entries(connection)] == ["key_added", "account_changed"]
            assert verify_audit(connection).entries == 2
        store.transact(lambda connection: append(connection, Event(actor="wall", action="sign_in")))
        signed = {each["name"]: each["signed_in_at"] for each in enrolment.listed_accounts(store)}
        assert [name for name, at in signed.items() if at] == ["wall"]


def test_the_generation_tells_of_every_change_but_use(store: Store) -> None:
    before = roll(store).generation
    store.transact(lambda connection: accounts.note_use(connection, {}, {"x": "2026"}))
    assert roll(store).generation == before
    enrolment.change_account(store, "viewer", Changes(display="A"), ME)
    assert roll(store).generation == before + 1


def typed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes on standard input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_the_first_admin_is_made_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "store.sqlite"
    typed(f"{callers.PASSWORD}\n", monkeypatch)
    assert "account Chief: admin, may read what is personal" in run("account", "add", "Chief", "--role", "admin", store=path)
    with open_store(path) as store:
        kept = roll(store).named["chief"].password
    assert kept is not None
    assert kept.startswith("$argon2id$")
    assert matches(callers.PASSWORD, kept)
    assert "Chief" in run("account", "list", store=path)


def test_a_password_is_generated_and_printed_once(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    told = run("account", "add", "clerk", "--role", "field", "--areas", "towns:w, towns:e", "--generate", store=path)
    password = told.rpartition("once): ")[2].strip()
    with open_store(path) as store:
        clerk = roll(store).named["clerk"]
    assert matches(password, clerk.password)
    assert clerk.areas == {"towns:w", "towns:e"}
    assert password not in run("account", "list", store=path)


@pytest.mark.parametrize("password", ["short", "", "passwordpassword", "aaaaaaaaaaaaaaaa", "clerkclerk2026!"])
def test_a_password_that_would_be_guessed_makes_no_account(password: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(f"{password}\n", monkeypatch)
    assert "the password" in run("account", "add", "clerk", "--role", "field", store=tmp_path / "store.sqlite", status=1)
    assert "clerk" not in run("account", "list", store=tmp_path / "store.sqlite")


def test_grants_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    run("account", "add", "team", "--role", "field", "--no-password", store=path)
    assert "areas: towns:w" in run("account", "grant", "team", "--areas", "towns:w", "--hide", "aeds,duty_holders", store=path)
    with open_store(path) as store:
        assert roll(store).named["team"].reads == frozenset(catalog()) - {"aeds", "duty_holders"}
    assert "reads: all" in run("account", "grant", "team", "--reads", "all", store=path)
    assert "cannot be hidden" in run("account", "grant", "team", "--hide", "towns", store=path, status=1)
    assert "disabled: True" in run("account", "disable", "team", store=path)
    assert "disabled: False" in run("account", "enable", "team", store=path)


def test_keys_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    run("account", "add", "wall1", "--role", "wall", "--no-password", store=path)
    text = run("key", "add", "wall1", "--scopes", "read", "--days", "400", store=path).split()[-1]
    key_id = text.split("_")[1]
    listed = run("key", "list", store=path)
    assert key_id in listed
    assert text not in listed
    assert f"key {key_id}: revoked" in run("key", "revoke", key_id, store=path)
    assert "cannot be allowed this" in run("key", "add", "wall1", "--scopes", "write", store=path, status=1)


def test_no_command_takes_a_password_as_an_argument() -> None:
    for command in (account_commands.account_add, account_commands.account_password, account_commands.key_add):
        assert not {"password", "secret", "key"} & set(inspect.signature(command).parameters)


def test_an_account_has_so_many_sessions_and_the_oldest_go(place: Path | str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "SESSIONS_MOST", 3)
    with open_store(place) as store:
        for name in ("viewer", "operator"):
            callers.add_account(store, name)
        for at in range(5):
            for name in ("viewer", "operator")[: 1 + (at == 0)]:
                begun = Session(
                    token_sha256=f"{name} {at}", account_id=name, made_at=f"2026-07-0{at + 1}", seen_at="2026", expires_at="2027"
                )
                store.transact(partial(accounts.add_session, session=begun))
        with store.read() as connection:
            assert sorted(accounts.roll(connection).sessions) == ["operator 0", "viewer 2", "viewer 3", "viewer 4"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [("张\u3000三 🚒", True), ("", True), ("Ann\u202egnol", False), ("a\nb", False), ("a\u2028b", False), ("\u200bli", False)],
)
def test_a_name_that_is_shown_is_one_line_that_reads_as_it_is_written(text: str, plain: bool) -> None:
    for model, given in (
        (NewAccount, {"name": "li", "role": "viewer", "display": text}), (Changes, {"display": text}),
        (NewKey, {"account": "li", "scopes": ["read"], "title": text}),
    ):  # fmt: skip
        with nullcontext() if plain else pytest.raises(ParameterError, match=r"this is not understood; where: (display|title)"):
            said(model, given)


@pytest.mark.parametrize("harm", ["role = 'king'", "reads = '{'", "clearance = 'all'"])
def test_a_row_that_cannot_be_understood_lets_nobody_in_and_the_others_hold(harm: str, store: Store) -> None:
    update = sa.text(f"UPDATE accounts SET {harm} WHERE id = 'operator'")
    store.transact(lambda connection: connection.execute(update))
    found = roll(store)
    assert ("operator" in found.accounts, "operator" in found.named) == (False, False)
    assert {key.account_id for key in found.keys.values()} == {*callers.ROLES, callers.TOWN} - {"operator"}


@pytest.mark.parametrize("name", ["unknown", "Several", "retention"])
def test_a_name_by_which_the_audit_means_somebody_else_is_nobodys(name: str, store: Store) -> None:
    with pytest.raises(ParameterError, match="this name means somebody else in the audit"):
        enrolment.add_account(store, NewAccount(name=name, role="viewer"), None, ME)
