"""Schemas: an older store is copied first, brought forward in one transaction, and verifies; a newer one is refused."""

import json
import re
import sqlite3
import subprocess
import sys
from hashlib import sha256

import pytest
import sqlalchemy as sa
from test_store import LAYERS, ME, names, pads

from api.cli import main
from geo_risk.errors import StoreCorrupt, StoreUnavailable
from layers._store import migrate, open_store
from layers._store.schema import METADATA, SCHEMA
from layers._store.store import open_database

OLD_TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE meta ("key" TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY ("key")) STRICT, WITHOUT ROWID;
CREATE TABLE batches (id INTEGER NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL, source TEXT NOT NULL, file_sha256 TEXT,
    note TEXT NOT NULL, recorded_at TEXT NOT NULL, PRIMARY KEY (id)) STRICT;
CREATE TABLE revisions (seq INTEGER NOT NULL, batch_id INTEGER NOT NULL, layer TEXT NOT NULL, fid TEXT NOT NULL, op TEXT NOT NULL,
    properties TEXT, geometry BLOB, hash BLOB NOT NULL, PRIMARY KEY (seq), FOREIGN KEY(batch_id) REFERENCES batches (id)) STRICT;
CREATE INDEX revisions_of_feature ON revisions (layer, fid);
CREATE TABLE current_pads (fid TEXT NOT NULL, area_m2 REAL, beds INTEGER, checked_on TEXT, derived TEXT, name TEXT, open INTEGER,
    geometry BLOB, source TEXT NOT NULL, updated_at TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (fid))
    STRICT, WITHOUT ROWID;
CREATE TABLE current_people (fid TEXT NOT NULL, derived TEXT, name TEXT,
    geometry BLOB, source TEXT NOT NULL, updated_at TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (fid))
    STRICT, WITHOUT ROWID;
CREATE TABLE current_zones (fid TEXT NOT NULL, derived TEXT, name TEXT,
    geometry BLOB, source TEXT NOT NULL, updated_at TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (fid))
    STRICT, WITHOUT ROWID;
INSERT INTO batches VALUES (1, 'clerk', 'yearly list', 'city.csv', NULL, '', '2026-01-02T03:04:05.000006Z');
"""
POINT_120_30 = bytes.fromhex("0101000000" + "0000000000005e40" + "0000000000003e40")
FIRST = '{"beds":10,"name":"A"}'
PLAIN = [["derived", "str"], ["name", "str"]]
COLUMNS = {
    "pads": [["area_m2", "float"], ["beds", "int"], ["checked_on", "date"], ["derived", "str"], ["name", "str"], ["open", "bool"]],
    "people": PLAIN, "zones": PLAIN,
}  # fmt: skip


def netstrings(*fields):
    """Fields as the released version 0.1 wrote them, after docs/store.md."""
    texts = [field.encode() if isinstance(field, str) else field for field in fields]
    return b"".join(b"-," if text is None else str(len(text)).encode() + b":" + text + b"," for text in texts)


@pytest.fixture
def old(tmp_path):
    """A store of schema 1 with one pad, made by SQL text."""
    path = tmp_path / "store.db"
    batch = sha256(netstrings("1", "clerk", "yearly list", "city.csv", None, "", "2026-01-02T03:04:05.000006Z")).digest()
    first = sha256(netstrings(bytes(32), "1", batch, "pads", "a", "create", FIRST, POINT_120_30)).digest()
    with sqlite3.connect(path) as connection:
        connection.executescript(OLD_TABLES)
        connection.execute("INSERT INTO revisions VALUES (1, 1, 'pads', 'a', 'create', ?, ?, ?)", (FIRST, POINT_120_30, first))
        row = ("a", None, 10, None, None, "A", None, POINT_120_30, "city.csv", "2026-01-02T03:04:05.000006Z", 1)
        connection.execute(f"INSERT INTO current_pads VALUES ({', '.join('?' * len(row))})", row)
        stated = {"schema": "1", "head": f"1:{first.hex()}"}
        stated |= {f"columns.{layer_id}": json.dumps(columns, separators=(",", ":")) for layer_id, columns in COLUMNS.items()}
        connection.executemany("INSERT INTO meta VALUES (?, ?)", stated.items())
    connection.close()
    return path


def backups(path):
    return sorted(path.parent.glob("*.backup"))


def stated(path, key):
    with sqlite3.connect(path) as connection:
        (value,) = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    connection.close()
    return value


def shape(connection):
    """Columns and indexes of the tables that every store has."""
    inspected = sa.inspect(connection)
    return {
        name: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in inspected.get_columns(name)],
            sorted((index["name"], tuple(index["column_names"])) for index in inspected.get_indexes(name)),
            inspected.get_pk_constraint(name)["constrained_columns"],
        )
        for name in METADATA.tables
    }


def test_an_old_store_is_copied_first_brought_forward_and_verifies(old):
    head = stated(old, "head")
    with open_store(old, layers=LAYERS) as store:
        assert names(store) == {"a": "A"}
        verified = store.verify()
    assert f"1:{verified.head}" == head
    (backup,) = backups(old)
    assert backup.name.startswith("store.db.schema-1.2")
    assert (stated(old, "schema"), stated(backup, "schema"), stated(backup, "head")) == (str(SCHEMA), "1", head)
    assert backup.stat().st_mode & 0o777 == 0o600


def test_the_backup_can_be_put_back_and_brought_forward_again(old):
    open_store(old, layers=LAYERS).close()
    (backup,) = backups(old)
    with open_store(backup, layers=LAYERS) as store:
        assert store.history("pads", "a")[0].actor == "clerk"


def test_what_is_written_after_it_goes_on_in_the_same_chain(old):
    with open_store(old, layers=LAYERS) as store:
        store.apply("pads", pads({"a": "A2"}), ME)
        assert [revision.op for revision in store.history("pads", "a")] == ["create", "update"]
        assert store.verify().revisions == 2


def test_a_store_of_this_schema_is_left_alone(tmp_path):
    for _ in range(2):
        with open_store(tmp_path / "store.db", layers=LAYERS) as store:
            migrated = migrate.migrate(store.database)
    assert migrated == migrate.Migrated(before=SCHEMA, after=SCHEMA, backup=None)
    assert backups(tmp_path / "store.db") == []


def test_migrated_tables_are_those_of_a_new_store(old, tmp_path):
    open_store(old, layers=LAYERS).close()
    open_store(tmp_path / "new.db", layers=LAYERS).close()
    databases = [open_database(path) for path in (old, tmp_path / "new.db")]
    with databases[0].connect() as migrated, databases[1].connect() as new:
        assert shape(migrated) == shape(new)


def test_the_steps_alone_make_the_tables_of_a_new_store(tmp_path):
    database = open_database(tmp_path / "steps.db", create=True)
    with database.connect(writes=True) as connection, connection.begin():
        migrate.upgrade(connection, None)
    with open_store(tmp_path / "new.db", layers=LAYERS) as new, new.read() as other, database.connect() as one:
        assert shape(one) == shape(other)
    database.close()
    with open_store(tmp_path / "steps.db", layers=LAYERS) as store:
        assert store.verify().revisions == 0


def test_a_step_that_fails_leaves_the_store_as_it_was(old, monkeypatch):
    def broken(connection, before):
        connection.exec_driver_sql("ALTER TABLE revisions ADD COLUMN source TEXT")
        connection.exec_driver_sql("SELECT no_such_function()")

    monkeypatch.setattr(migrate, "upgrade", broken)
    with pytest.raises(StoreCorrupt, match="nothing was changed"):
        open_store(old, layers=LAYERS)
    with sqlite3.connect(old) as connection:
        assert "source" not in [row[1] for row in connection.execute("PRAGMA table_info(revisions)")]
    connection.close()
    assert stated(old, "schema") == "1"


def test_a_store_of_a_newer_schema_is_refused_and_not_touched(old):
    with sqlite3.connect(old) as connection:
        connection.execute("UPDATE meta SET value = '3' WHERE key = 'schema'")
    connection.close()
    before = old.read_bytes()
    with pytest.raises(StoreUnavailable, match=r"newer version.*expected: schema 2 or lower.*got: schema 3"):
        open_store(old, layers=LAYERS)
    assert (old.read_bytes(), backups(old)) == (before, [])


def test_a_log_that_was_cut_short_is_not_migrated(old):
    with sqlite3.connect(old) as connection:
        connection.execute("DELETE FROM revisions")
    connection.close()
    with pytest.raises(StoreCorrupt, match="does not end at the head it states"):
        open_store(old, layers=LAYERS)
    assert (backups(old), stated(old, "schema")) == ([], "1")


def test_a_long_store_waits_for_the_command(old, monkeypatch):
    monkeypatch.setattr(migrate, "AT_START_BYTES", 100)
    with pytest.raises(StoreUnavailable, match="run geo-risk migrate"):
        open_store(old, layers=LAYERS)
    database = open_database(old)
    assert migrate.migrate(database).before == 1
    database.close()


def test_two_that_start_at_once_migrate_once(old):
    code = "import sys; from pathlib import Path; from test_store import LAYERS; from layers._store import open_store;"
    code += "print(open_store(Path(sys.argv[1]), layers=LAYERS).verify().revisions)"
    environment = {"PYTHONPATH": "tests:.", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", code, str(old)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    assert [each.communicate(timeout=60)[0].split() for each in started] == [["1"], ["1"]]
    assert len(backups(old)) == 1


def test_the_command_says_what_it_did(old, capsys, monkeypatch):
    for expected in (r"schema 1 to 2; the store before is store\.db\.schema-1\.", "nothing to do: the store has schema 2"):
        monkeypatch.setattr(sys, "argv", ["geo-risk", "migrate", "--store", str(old)])
        with pytest.raises(SystemExit, match="0"):
            main.main()
        assert re.search(expected, capsys.readouterr().out)
