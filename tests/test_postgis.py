"""The store on a real PostgreSQL: refused and told, locked, lost in mid-commit, killed under load, many processes on one log."""

import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import psycopg
import pytest
import shapely
from conftest import require_small_disk
from gis_people import let_in
from sqlalchemy.exc import OperationalError
from test_migrate import shape
from test_store import LAYERS, ME, PADS, VALUES, names, pads

from geo_risk.errors import OutcomeUnknown, ParameterError, StoreCorrupt, StoreFull, StoreUnavailable
from layers._frame import typed
from layers._store import Batch, Change, Reply, ReplyKey, log, migrate, open_store, postgis
from layers._store.postgis import CommitUnknown, PostgisDatabase
from layers._store.store import open_database
from postgis_server import running

PHONE = Batch("team 7", "report", "report")


@pytest.fixture
def url(postgis_server, made_in_postgis):
    return postgis_server.fresh(made_in_postgis)


@pytest.fixture
def store(url):
    with open_store(url, layers=LAYERS, wait_s=0.3) as opened:
        yield opened


@pytest.fixture(scope="module")
def own_server(postgis_server):
    """A server that may be killed."""
    with running(postgis_server.bin) as server:
        yield server


# the same log

def fill(store):
    places = [shapely.Point(120.123456789, 30), None, *[shapely.Point(-180, 90)] * 3]
    store.apply("pads", typed(PADS, VALUES, places, list("abcde")), ME)
    store.apply("pads", pads({"a": "A2"}, derived=["beds"]), Batch("x", "y", "county.csv"))
    store.apply("zones", typed(LAYERS["zones"], {}, [shapely.MultiPolygon([shapely.box(0, 0, 1, 1)])], ["z"]), ME)
    late = Change(layer="pads", fid="b", op="patch", values={"beds": 7}, observed_at="2020-01-01T00:00:00.000000Z", skew_s=-90)
    store.write(PHONE, [late, Change(layer="pads", fid="b", op="patch", values={"area_m2": 1e23, "open": False})])
    store.remove("pads", ["c"], ME)
    store.apply("pads", pads({"d": "D"}), ME, replace=True)


def test_the_same_writes_make_the_same_log_to_the_last_bit(place, tmp_path, monkeypatch):
    heads = []
    for where in (place, tmp_path / "other.db"):
        seconds = count()
        monkeypatch.setattr(log, "now", lambda seconds=seconds: f"2026-01-02T03:04:{next(seconds):02}.000000Z")
        with open_store(where, layers=LAYERS) as store:
            fill(store)
            heads.append(store.verify())
    assert heads[0] == heads[1]


def test_an_ordinary_user_owns_the_store_and_the_roles_of_the_page_look_through_its_windows(own_server):
    page = (Path(__file__).parents[1] / "docs" / "postgis.md").read_text(encoding="utf-8")
    (made,) = re.findall(r"<!-- run: roles -->\n```sql\n(.*?)```", page, re.DOTALL)
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", own_server.url()], input=made, text=True, check=True)
    with open_store(own_server.url("geo_risk", "geo_risk"), layers=LAYERS) as store:
        fill(store)
        store.transact(lambda connection: let_in(connection, "anna"))
        store.verify()
    with psycopg.connect(own_server.url(), autocommit=True) as connection:
        connection.execute("CREATE ROLE anna LOGIN IN ROLE geo_risk_editor")
    with psycopg.connect(own_server.url("geo_risk", "anna"), autocommit=True) as anna:
        anna.execute("UPDATE geo_risk_edit.layer_pads SET beds = 5 WHERE fid = 'a'")
    with open_store(own_server.url("geo_risk", "geo_risk"), layers=LAYERS) as store:
        assert store.history("pads", "a")[-1].actor == "anna"
        store.verify()


def test_postgis_may_be_in_a_schema_of_its_own(postgis_server):
    with psycopg.connect(postgis_server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE apart TEMPLATE template0 ENCODING 'UTF8'")
    with psycopg.connect(postgis_server.url("apart"), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA gis; CREATE EXTENSION postgis SCHEMA gis")
    with open_store(postgis_server.url("apart"), layers=LAYERS) as store:
        fill(store)
        store.transact(lambda connection: let_in(connection, "postgres"))
        with psycopg.connect(postgis_server.url("apart"), autocommit=True) as connection:
            moved = "'SRID=4326;MULTIPOINT(1 2)'::gis.geometry"
            connection.execute(f"UPDATE geo_risk_edit.layer_pads SET shape = {moved} WHERE fid = 'a'")
        store.verify()
        assert store.history("pads", "a")[-1].reason == "edited in a GIS"
        assert store.snapshot().frames["pads"].geometry["a"] == shapely.Point(1, 2)


# refused and told

@pytest.mark.parametrize("url", ["postgres", "sqlite:///x.db", "postgresql://user:secret@host", "postgresql://[", "http://host/x", "postgresql://a:secret@host/x?no=such"])
def test_a_url_of_something_else_is_refused_and_never_shown(url):
    with pytest.raises(ParameterError, match=r"not one of PostgreSQL; where: GEO_RISK_DATABASE_URL") as caught:
        PostgisDatabase(url, 1.0)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_says_so_without_the_password():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(StoreUnavailable, match=r"does not answer.*where: 127\.0\.0\.1/x") as caught:
            open_store(f"postgresql://anna:secret@127.0.0.1:{held.getsockname()[1]}/x")
    assert "secret" not in f"{caught.value} {caught.value.__cause__}"


def test_a_database_that_cannot_hold_a_store_is_refused(postgis_server):
    with psycopg.connect(postgis_server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE plain TEMPLATE template0")
        connection.execute("CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    for name, text in {"plain": "no PostGIS.*CREATE EXTENSION postgis", "ascii": "cannot hold a store.*got: 15, SQL_ASCII"}.items():
        with pytest.raises(StoreUnavailable, match=text):
            open_store(postgis_server.url(name))
    with pytest.raises(StoreUnavailable, match="does not answer"):
        open_store(postgis_server.url("absent"))


def test_no_store_where_none_is_to_be_made(postgis_url):
    with pytest.raises(StoreUnavailable, match=r"there is no store; where: 127\.0\.0\.1/store_"):
        open_store(postgis_url, create=False)


def test_a_newer_schema_is_refused(url):
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE geo_risk.meta SET value = '3' WHERE key = 'schema'")
    with pytest.raises(StoreUnavailable, match="newer version; expected: schema 2 or lower; got: schema 3"):
        open_store(url, layers=LAYERS)


def test_a_user_who_may_not_write_is_told_and_nothing_changes(url, postgis_server):
    with psycopg.connect(url) as connection:
        connection.execute("DROP ROLE IF EXISTS weak; CREATE ROLE weak LOGIN")
        connection.execute("GRANT USAGE ON SCHEMA geo_risk TO weak; GRANT SELECT ON ALL TABLES IN SCHEMA geo_risk TO weak")
    with open_store(postgis_server.url(url.rpartition("/")[2], "weak"), layers=LAYERS) as store:
        with pytest.raises(StoreUnavailable, match=r"does not let this user in, or do this.*SQLSTATE 42501"):
            store.apply("pads", pads({"a": "A"}), ME)
        assert store.snapshot().revision == 0


STATES = {
    "53100": (StoreFull, "disk is full"), "53200": (StoreUnavailable, "no more"), "53300": (StoreUnavailable, "no more"),
    "57P01": (StoreUnavailable, "does not answer"), "08006": (StoreUnavailable, "does not answer"),
    "57014": (StoreUnavailable, "took too long"), "55P03": (StoreUnavailable, "somebody else is writing"),
    "40P01": (StoreUnavailable, "somebody else is writing"), "28P01": (StoreUnavailable, "does not let this user in"),
    "25006": (StoreUnavailable, "takes no changes"),
    "58030": (StoreUnavailable, "disk did not take or give"), "XX001": (StoreCorrupt, "files are damaged"),
    "42P01": (StoreCorrupt, "not as this version makes them"), "23505": (StoreCorrupt, "not as this version makes them"),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_what_postgresql_reports_is_told_as_one_of_our_errors(store, state):
    kind, text = STATES[state]
    with pytest.raises(kind, match=f"{text}.*got: SQLSTATE {state}"), store.database.told():
        raise OperationalError("SELECT", {}, psycopg.errors.lookup(state)())


def test_statements_and_waits_are_bounded(store):
    with store.read() as connection:
        asked = [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in ("statement_timeout", "lock_timeout")]
        isolation = connection.exec_driver_sql("SHOW transaction_isolation").scalar_one()
        durable = connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()
    assert (asked, isolation, durable) == (["2min", "300ms"], "repeatable read", "on")


def test_reads_see_one_state_from_start_to_end(store):
    with store.read() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM revisions").scalar_one()
        store.apply("pads", pads({"a": "A"}), ME)
        assert connection.exec_driver_sql("SELECT count(*) FROM revisions").scalar_one() == before


def test_a_locked_store_says_so_and_changes_nothing(url, store):
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE geo_risk.edits IN EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailable, match=r"somebody else is writing.*nothing was changed"):
            store.apply("pads", pads({"a": "A"}), ME)
        assert store.snapshot().revision == 0
    assert store.apply("pads", pads({"a": "A"}), ME).new == 1


def test_ids_are_in_the_order_that_python_sorts_them(store):
    ids = ["é", "a", "Z", "_", "汉", "1", "10", "2", "𠮷", "\ue000"]
    store.apply("pads", pads(dict.fromkeys(ids, "A")), ME)
    assert list(store.snapshot().frames["pads"].index) == sorted(ids)


def test_a_flipped_byte_is_found(url, store):
    store.apply("pads", pads({"a": "A", "b": "B"}), ME)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE geo_risk.revisions SET geometry = set_byte(geometry, 9, 1) WHERE seq = 2")
    with pytest.raises(StoreCorrupt, match="where: revision 2"):
        store.verify()


# what is announced

def test_other_processes_changes_are_heard(url, store):
    heard = threading.Event()
    stop = store.database.listen(heard.set)
    assert heard.wait(20)  # the first look
    heard.clear()
    with open_store(url, layers=LAYERS) as other:
        other.apply("pads", pads({"a": "A"}), ME)
    assert heard.wait(20)
    stop()
    assert names(store) == {"a": "A"}


def test_what_was_undone_is_not_announced(url, store):
    heard, first = [], threading.Event()
    stop = store.database.listen(lambda: (heard.append(1), first.set()))
    assert first.wait(20)
    before = len(heard)
    with pytest.raises(StoreUnavailable, match="given up"):
        store.transact(give_up)
    time.sleep(0.7)
    stop()
    assert len(heard) == before


def give_up(connection):
    connection.exec_driver_sql("SELECT pg_notify('geo_risk', '1')")
    raise StoreUnavailable("given up")


# the answer to COMMIT that never came

class Between:
    """A proxy that passes bytes on, until a COMMIT: that one it passes on, and cuts the line before the answer."""

    def __init__(self, port):
        self._port, self.cut, self.open = port, False, True
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if not self.open:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._port))
            threading.Thread(target=self._both_ways, args=(client, server), daemon=True).start()

    def _both_ways(self, client, server):
        with client, server:
            back = threading.Thread(target=self._pass_back, args=(server, client), daemon=True)
            back.start()
            self._pass_on(client, server)
            back.join(10)

    def _pass_on(self, client, server):
        while data := _received(client):
            if self.cut and b"COMMIT\0" in data:
                self.cut = False
                client.shutdown(socket.SHUT_RDWR)
            _sent(server, data)
        _ended(server)

    def _pass_back(self, server, client):
        while data := _received(server):
            if not _sent(client, data):
                break
        _ended(client)

    def close(self):
        self._listening.close()


def _received(line):
    try:
        return line.recv(65536)
    except OSError:
        return b""


def _ended(line):
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _sent(line, data):
    try:
        line.sendall(data)
    except OSError:
        return False
    return True


@contextmanager
def cut_off(url, postgis_server):
    """A store reached over a line that can be cut."""
    between = Between(postgis_server.port)
    with open_store(url.replace(f":{postgis_server.port}/", f":{between.port}/") + "?sslmode=disable", layers=LAYERS) as store:
        store.apply("pads", pads({"a": "A"}), ME)
        yield store, between
    between.close()


def test_a_commit_without_an_answer_is_asked_for_and_was_kept(url, postgis_server):
    with cut_off(url, postgis_server) as (store, between):
        between.cut = True
        assert store.apply("pads", pads({"b": "B"}), ME).revision == 2
        assert not between.cut


def test_a_commit_that_nobody_can_be_asked_about_is_not_known_and_its_key_settles_it(url, postgis_server, monkeypatch):
    monkeypatch.setattr(postgis, "SETTLED_S", 0.3)
    change = Change(layer="pads", fid="b", op="create", values={"name": "B"})
    sent = {"reply_key": ReplyKey("anna", "k1", "0" * 64), "compose": lambda written: Reply(201, (), b"made")}
    with cut_off(url, postgis_server) as (store, between):
        between.cut, between.open = True, False
        with pytest.raises(OutcomeUnknown, match=r"not known whether the change was kept.*same idempotency key"):
            store.write(PHONE, [change], **sent)
        between.open = True
        time.sleep(0.2)
        again = written_in_the_end(store, change, sent)
        assert (again.replayed, again.reply.body, store.verify().revisions) == (True, b"made", 2)


def written_in_the_end(store, change, sent):
    ends = time.monotonic() + 20
    while True:
        try:
            return store.write(PHONE, [change], **sent)
        except StoreUnavailable:
            assert time.monotonic() < ends
            time.sleep(0.1)


def test_a_transaction_that_the_server_ended_was_not_kept(store):
    def ended(connection):
        mine = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with open_database_of(store) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (mine,))

    with pytest.raises(StoreUnavailable, match="does not answer, or ended the connection; nothing was changed"):
        store.transact(ended)
    assert written_in_the_end(store, Change(layer="pads", fid="b", op="create", values={}), {}).revision == 1


def open_database_of(store):
    return psycopg.connect(store.database._dsn, autocommit=True)


@pytest.mark.parametrize(("status", "expected"), [("committed", True), ("aborted", False), ("in progress", CommitUnknown)])
def test_the_outcome_is_the_servers_word(url, monkeypatch, status, expected):
    monkeypatch.setattr(postgis, "SETTLED_S", 0.2)
    with psycopg.connect(url) as connection:
        (xid,) = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
        if status == "in progress":
            with pytest.raises(CommitUnknown):
                postgis._was_committed(url, xid)
            return
        (connection.commit if status == "committed" else connection.rollback)()
    assert postgis._was_committed(url, xid) is expected


# killed

def more_than(number, answered):
    ends = time.monotonic() + 20
    while len(answered) <= number and time.monotonic() < ends:
        time.sleep(0.02)
    assert len(answered) > number


def test_killed_under_load_and_started_again_nothing_answered_is_lost(own_server):
    url = own_server.fresh()
    answered, waited_s, stop = [], [0.0], threading.Event()
    with open_store(url, layers=LAYERS) as store:
        def load(worker):
            for number in count():
                if stop.is_set():
                    return
                fid, began = f"{worker}-{number:05}", time.monotonic()
                try:
                    store.apply("pads", pads({fid: "A"}), ME)
                    answered.append(fid)
                except StoreUnavailable:
                    waited_s.append(time.monotonic() - began)
                    time.sleep(0.05)

        threads = [threading.Thread(target=load, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            more_than(len(answered) + 4, answered)
            own_server.kill()
            time.sleep(0.1)
            own_server.start()
        more_than(len(answered), answered)
        stop.set()
        for thread in threads:
            thread.join(30)
        assert max(waited_s) < 30  # a connection has 5 s, the outcome of a commit 3.5, on a machine that has time
        assert set(answered) <= set(store.snapshot().frames["pads"].index)
        store.verify()


def test_reads_go_on_from_the_last_snapshot_and_it_heals(own_server):
    with open_store(own_server.fresh(), layers=LAYERS) as store:
        store.apply("pads", pads({"a": "A"}), ME)
        last = store.snapshot()
        heard = threading.Event()
        store.database.listen(heard.set)
        own_server.kill()
        for call in (store.snapshot, lambda: store.apply("pads", pads({"b": "B"}), ME)):
            began = time.monotonic()
            with pytest.raises(StoreUnavailable, match="does not answer"):
                call()
            assert time.monotonic() - began < 2
        assert store.last_snapshot is last
        heard.clear()
        own_server.start()
        assert store.snapshot() is last
        assert heard.wait(8)


WRITER = """
import sys
from test_store import LAYERS, ME, pads
from layers._store import open_store
with open_store(sys.argv[1], layers=LAYERS) as store:
    for number in range(25):
        store.apply("pads", pads({f"{sys.argv[2]}-{number}": "A"}), ME)
"""


def test_several_processes_write_one_log(url, store):
    environment = {"PYTHONPATH": "tests:.", "PATH": "/usr/bin:/bin"}
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url, str(n)], env=environment) for n in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert (store.verify().revisions, len(names(store))) == (50, 50)


def test_a_full_disk_says_so_changes_nothing_and_heals(url, store, postgis_server, tmp_path_factory):
    folder = postgis_server.folder / "small"
    folder.mkdir()
    require_small_disk(folder, "size=6m,uid=postgres,mode=700")
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
            connection.execute("ALTER TABLE geo_risk.revisions SET TABLESPACE small")
        many = pads({f"{n:05}": "A" * 1000 for n in range(7_000)})
        with pytest.raises(StoreFull, match=r"disk is full; nothing was changed.*53100"):
            store.apply("pads", many, ME)
        assert store.verify().revisions == 0
        subprocess.run(["mount", "-o", "remount,size=60m", folder], check=True)
        assert store.apply("pads", many, ME).new == 7_000
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER TABLE geo_risk.revisions SET TABLESPACE pg_default")
            connection.execute("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


# schemas

def test_an_older_schema_waits_for_the_word_that_it_was_backed_up(postgis_url):
    database = open_database(postgis_url)
    with database.connect(writes=True) as connection, connection.begin():
        migrate.upgrade(connection, None, to=1)
    with pytest.raises(StoreUnavailable, match=r"got: schema 1; next: back it up \(pg_dump"):
        open_store(postgis_url, layers=LAYERS)
    assert migrate.migrate(database, backed_up=True) == migrate.Migrated(before=1, after=2, backup=None)
    database.close()
    with open_store(postgis_url, layers=LAYERS) as store:
        fill(store)
        store.verify()


def test_the_steps_make_the_tables_of_a_new_store(postgis_url, url):
    database = open_database(postgis_url)
    with database.connect(writes=True) as connection, connection.begin():
        migrate.upgrade(connection, None)
        steps = shape(connection)
    database.close()
    with open_store(url, layers=LAYERS) as store, store.read() as connection:
        assert steps == shape(connection)
