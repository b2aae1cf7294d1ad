"""What is kept how long: rules forget answers and sessions; a cut of the log is archived, said aloud, and still verifies."""

import datetime as dt
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import shapely

from geo_risk.errors import NotFound, ParameterError, StoreCorrupt
from layers._catalog import catalog
from layers._store import Batch, Change, Reply, ReplyKey, Store, audit, open_store, retention
from layers._store.backup import backup, check
from layers._store.cuts import Retained, require_kept, retained
from layers._store.records import stamp
from layers._store.retention import TABLES, forget, plan, retain
from layers._tables import table

AEDS = catalog()["aeds"]
LATER = dt.timedelta(days=1)


def opened(path: Path) -> Store:
    return open_store(path, layers={"aeds": AEDS})


def put(store: Store, fid: str, name: str, observed_at: str | None = None) -> int:
    wanted = Change(
        layer="aeds", fid=fid, op="put", values={"name": name, "phone": f"secret of {name}"}, geometry=shapely.Point(120, 30),
        observed_at=observed_at,
    )  # fmt: skip
    return store.write(Batch("clerk", "list", "list.csv"), [wanted]).revision


def moment(store: Store) -> str:
    """The time of the last batch."""
    return store.batches(1)[0].recorded_at


def cut(store: Store, before: str, folder: Path) -> Retained:
    folder.mkdir(exist_ok=True)
    return retain(store, before, folder, actor="keeper", reason="personal data is kept for five years", report=lambda _: None)


def names(store: Store, revision: int) -> dict[str, str]:
    return store.features_at("aeds", revision)["name"].to_dict()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Revisions 1-3 make a, b, c; 4 changes a; 5 removes b. Then 6 changes a, 7 makes d."""
    place = tmp_path / "store.db"
    with opened(place) as store:
        for fid in "abc":
            put(store, fid, f"{fid} first")
        put(store, "a", "a second")
        store.remove("aeds", ["b"], Batch("clerk", "gone", "list.csv"))
        (tmp_path / "until").write_text(moment(store))
        put(store, "a", "a third")
        put(store, "d", "d first")
    return place


@pytest.fixture
def until(path) -> str:
    return path.with_name("until").read_text()


def test_a_plan_counts_what_stays_and_what_goes(path, until):
    with opened(path) as store, store.read() as connection:
        found = plan(connection, until)
    # of the five, the last of a (4), the end of b (5) and c (3) stay
    assert (found.cut, found.until, found.kept, found.removed) == (5, until, 3, 2)


def test_a_cut_log_verifies_to_the_same_head(path, until, tmp_path):
    with opened(path) as store:
        before, then, now = store.verify(), names(store, 5), names(store, 7)
        done = cut(store, until, tmp_path / "archive")
        assert store.verify() == before
        assert (names(store, 5), names(store, 7)) == (then, now)
        assert (done.cut, done.removed) == (5, 2)
        assert put(store, "e", "e first") == 8
        assert [each.seq for each in store.history("aeds", "a")] == [4, 6]
    with opened(path) as store:
        assert store.verify().revisions == 8


def test_the_archive_holds_what_was_cut(path, until, tmp_path):
    with opened(path) as store:
        head = store.verify().head
        done = cut(store, until, tmp_path / "archive")
    assert check(tmp_path / "archive" / done.archive).head == head
    with opened(tmp_path / "archive" / done.archive) as archive:
        assert names(archive, 4) == {"a": "a second", "b": "b first", "c": "c first"}


def test_what_was_cut_is_in_no_byte_of_the_file(path, until, tmp_path):
    files = [path, path.with_name("store.db-wal")]
    with opened(path) as store:
        assert any(b"secret of a first" in file.read_bytes() for file in files if file.exists())
        cut(store, until, tmp_path / "archive")
        left = b"".join(file.read_bytes() for file in files if file.exists())
    assert b"secret of a first" not in left
    assert b"secret of b first" not in left
    assert b"secret of c first" in left


def test_the_past_before_a_cut_is_refused(path, until, tmp_path):
    with opened(path) as store:
        earlier = store.batches(10)[-1].recorded_at
        done = cut(store, until, tmp_path / "archive")
        with pytest.raises(ParameterError, match="the log before this revision was archived; where: revision; expected: 5 to 7"):
            store.features_at("aeds", 4)
        with store.read() as connection:
            with pytest.raises(ParameterError, match=r"archived; where: moment.*next: ask the archive .* at revision 5"):
                require_kept(connection, earlier)
            require_kept(connection, until)
            assert retained(connection) == done


def test_a_late_report_still_finds_the_end_of_what_was_removed(path, until, tmp_path):
    with opened(path) as store:
        earlier = store.batches(10)[-1].recorded_at
        cut(store, until, tmp_path / "archive")
        put(store, "b", "b seen long ago", earlier)
        assert "b" not in store.snapshot().frames["aeds"].index
        assert store.verify().features == 3


def test_a_log_may_be_cut_again(path, until, tmp_path):
    with opened(path) as store:
        cut(store, until, tmp_path / "archive")
        before = store.verify()
        done = cut(store, moment(store), tmp_path / "archive")
        assert (done.cut, done.removed, store.verify()) == (7, 1, before)
        with pytest.raises(NotFound, match="nothing to archive before that moment"):
            cut(store, moment(store), tmp_path / "archive")
        assert backup(store, tmp_path / "archive").head == before.head


def test_a_cut_needs_a_reason(path, until, tmp_path):
    with opened(path) as store, pytest.raises(ParameterError, match="needs a reason"):
        retain(store, until, tmp_path, actor="keeper", reason=" ", report=lambda _: None)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("UPDATE revisions SET properties = replace(properties, 'a second', 'A second') WHERE seq = 4", "a cut of the log left"),
        ("UPDATE revisions SET hash = zeroblob(32) WHERE seq = 3", "a cut of the log left"),
        ("UPDATE batches SET actor = 'another' WHERE id = 3", "a cut of the log left"),
        ("DELETE FROM revisions WHERE seq = 3", "a cut of the log left"),
        ("DELETE FROM revisions WHERE seq = 6", "a revision, or its batch"),
        ("UPDATE meta SET value = replace(value, 'five years', 'ten years') WHERE key = 'retained'", "audit does not know"),
        ("DELETE FROM audit", "audit does not agree with itself"),
        ("DELETE FROM meta WHERE key = 'retained'", "a revision, or its batch"),
        ("UPDATE meta SET value = '{}' WHERE key = 'retained'", "retained"),
    ],
)
def test_what_a_cut_left_is_guarded(path, until, tmp_path, change, text):
    with opened(path) as store:
        cut(store, until, tmp_path / "archive")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(change)
    with opened(path) as store, pytest.raises(StoreCorrupt, match=text):
        store.verify()


def test_old_answers_and_ended_sessions_are_forgotten(path):
    key = ReplyKey("phone", "key-1", "0" * 64)
    wanted = Change(layer="aeds", fid="x", op="put", values={"name": "x"}, geometry=shapely.Point(1, 2))
    today = dt.datetime.now(dt.UTC)
    with opened(path) as store:
        store.write(Batch("phone", "report", "phone"), [wanted], reply_key=key, compose=lambda _: Reply(201, (), b""))
        assert forget(store, today + 6 * LATER) == {"replies": 0, "sessions": 0, "attempts": 0}
        assert forget(store, today + 8 * LATER) == {"replies": 1, "sessions": 0, "attempts": 0}
        assert store.verify().revisions == 8


def test_the_rules_name_tables_that_are_there():
    assert {row["what"] for row in table("retention")["row"]} == set(TABLES)
    assert all(row["column"] in TABLES[row["what"]].c for row in table("retention")["row"])


def test_a_cut_is_an_entry_of_the_audit(path, until, tmp_path):
    with opened(path) as store:
        done = cut(store, until, tmp_path / "archive")
        with store.read() as connection:
            actor, detail = connection.exec_driver_sql("SELECT actor, detail FROM audit WHERE action = 'log cut'").one()
    assert (actor, json.loads(detail)["baseline_sha256"]) == ("keeper", done.baseline_sha256)
    assert until < stamp(dt.datetime.now(dt.UTC))


AUDIT_RULE = '''
[[row]]
what = "audit"
column = "at"
keep_days = 30
title = { en = "The audit", zh = "审计" }
source = "a test"
checked = "here"
'''


@pytest.fixture
def audit_rule(tmp_path, monkeypatch):
    """A deployment's own rule: the audit is kept 30 days."""
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "retention.toml").write_text(AUDIT_RULE, encoding="utf-8")
    monkeypatch.setenv("GEO_RISK_TABLES", str(folder))


def noted(store: Store, *subjects: str) -> None:
    def work(connection):
        audit.prepare(connection)
        audit.append(connection, *(audit.Event(actor="li", action="sign_in", subject=each) for each in subjects))

    store.transact(work)


def subjects(store: Store) -> list[str]:
    with store.read() as connection:
        return [each.subject for each in reversed(audit.entries(connection))]


def in_days(days: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) + days * LATER


def test_the_audit_is_kept_whole_without_a_rule(path):
    with opened(path) as store:
        noted(store, "a")
        assert "audit" not in forget(store, in_days(10_000))
        assert subjects(store) == ["a"]


def aged(store: Store, monkeypatch: pytest.MonkeyPatch) -> str:
    """Entries a and b of 40 days ago, c of 20 days ago; the hash of b."""
    for days, names in ((-40, "ab"), (-20, "c")):
        with monkeypatch.context() as clock:
            clock.setattr(audit, "now", lambda days=days: stamp(in_days(days)))
            noted(store, *names)
    with store.read() as connection:
        return bytes(connection.exec_driver_sql(f"SELECT hash FROM {audit_table(store)} WHERE subject = 'b'").scalar_one()).hex()


def audit_table(store: Store) -> str:
    return "audit" if store.database.name == "sqlite" else "geo_risk.audit"


@pytest.mark.usefixtures("audit_rule")
def test_the_audit_is_cut_off_by_a_rule_and_says_so(place, monkeypatch):
    """a and b go, an entry says so, and the chain goes on from the hash of b."""
    with open_store(place) as store:
        hash_b = aged(store, monkeypatch)
        assert forget(store) == {"audit": 2}
        assert subjects(store) == ["c", "entry 2"]
        with store.read() as connection:
            told = audit.entries(connection, limit=1)[0]
            assert audit.verify_audit(connection).entries == 2
        assert (told.action, told.actor, told.detail["removed"], told.detail["hash"]) == ("audit cut", "retention", 2, hash_b)
        assert forget(store) == {"audit": 0}
        noted(store, "d")
        assert forget(store, in_days(31)) == {"audit": 3}
        assert subjects(store) == ["entry 5"]
        store.verify()


@pytest.mark.usefixtures("audit_rule")
def test_a_long_audit_is_cut_off_in_parts(path, monkeypatch):
    monkeypatch.setattr(retention, "_PART", 2)
    with opened(path) as store:
        noted(store, *"abcde")
        assert forget(store, in_days(31)) == {"audit": 5}
        assert subjects(store) == ["entry 2", "entry 4", "entry 5"]
        assert store.verify().revisions == 7


@pytest.mark.usefixtures("audit_rule")
def test_what_the_audit_says_of_a_cut_of_the_log_outlasts_every_rule(path, until, tmp_path):
    with opened(path) as store:
        cut(store, until, tmp_path / "archive")
        for days in (31, 62, 93):
            assert forget(store, in_days(days))["audit"] == 1
            store.verify()
        backup(store, tmp_path / "again.db", lambda _: None)
    assert check(tmp_path / "again.db", lambda _: None).revision == 7


@pytest.mark.usefixtures("audit_rule")
@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM audit WHERE id = 3", "DELETE FROM meta WHERE key = 'audit_cut'",
        "UPDATE meta SET value = replace(value, '\"removed\":2', '\"removed\":1') WHERE key = 'audit_cut'",
        "UPDATE audit SET detail = replace(detail, '\"removed\":2', '\"removed\":1')",
        "DELETE FROM audit WHERE action = 'audit cut'", "UPDATE audit SET at = '2000' WHERE id = 3",
        "INSERT INTO audit SELECT 2, at, actor, address, action, subject, outcome, detail, batch_id, hash FROM audit WHERE id = 3",
    ],
)  # fmt: skip
def test_what_a_cut_of_the_audit_left_is_guarded(path, monkeypatch, harm):
    with opened(path) as store:
        aged(store, monkeypatch)
        forget(store)
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(harm).rowcount > 0
    with opened(path) as store, pytest.raises(StoreCorrupt, match="the audit does not agree with itself"):
        store.verify()


@pytest.mark.usefixtures("audit_rule")
def test_what_was_cut_off_the_audit_is_overwritten_in_the_file(path):
    with opened(path) as store:
        noted(store, "the name of somebody")
        store.transact(lambda connection: connection.exec_driver_sql("PRAGMA secure_delete = OFF"))
        forget(store, in_days(31))
        with store.read() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
        secure = store.transact(lambda connection: connection.exec_driver_sql("PRAGMA secure_delete").scalar_one())
    assert b"the name of somebody" not in path.read_bytes()
    assert secure == 0


def test_one_of_several_forgets_and_another_if_it_did_not_end(place, monkeypatch):
    due = in_days(-0.5)
    with open_store(place) as one, open_store(place) as other:
        assert one.transact(lambda connection: retention.begin(connection, due))
        assert not other.transact(lambda connection: retention.begin(connection, due))
        with monkeypatch.context() as clock:
            clock.setattr(retention, "_LEASE", dt.timedelta(0))
            assert other.transact(lambda connection: retention.begin(connection, due))
        other.transact(retention.end)
        assert not one.transact(lambda connection: retention.begin(connection, due))
        assert one.transact(lambda connection: retention.begin(connection, in_days(1)))


def program() -> str:
    """The check for an outsider, out of the documentation."""
    page = (Path(__file__).parents[1] / "docs" / "store.md").read_text(encoding="utf-8")
    return page.rpartition("```python\n")[2].partition("```")[0]


def outsider(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", "-c", program(), str(path)], capture_output=True, text=True)


def test_the_outsiders_program_follows_late_reports_and_a_cut(path, until, tmp_path):
    with opened(path) as store:
        put(store, "c", "c seen before", store.batches(10)[-1].recorded_at)
        assert store.history("aeds", "c")[-1].op == "late"
        head = store.verify().head
        for _ in range(2):
            said = outsider(path)
            assert said.stdout == f"8 revisions, head {head}\n", said.stderr
            if retained_now(store) is None:
                cut(store, until, tmp_path / "archive")


def retained_now(store: Store) -> Retained | None:
    with store.read() as connection:
        return retained(connection)


def test_the_outsiders_program_sees_what_was_changed_below_a_cut(path, until, tmp_path):
    with opened(path) as store:
        cut(store, until, tmp_path / "archive")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE revisions SET observed_at = '2020-01-01T00:00:00.000000Z' WHERE seq = 4")
    assert "what the cut at revision 5 left is not what it left then" in outsider(path).stderr
