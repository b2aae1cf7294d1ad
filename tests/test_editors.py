"""Edits in a GIS are held to what the login's account may: the same rights, rules, log and audit as over HTTP."""

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import psycopg
import pytest
import shapely
from conftest import missing
from gis_people import let_in, make_logins

import small_city
from api.caller import caller_of
from api.use.rights import judge_of, may_write, require_place
from geo_risk.errors import Conflict, Forbidden, NotFound, ParameterError
from layers._catalog import catalog, layer
from layers._store import Batch, Change, Feature, accounts, audit, editors, open_store, views

TOWN = frozenset({"towns:w"})
PEOPLE = {
    "ed_west": {"areas": TOWN},
    "ed_all": {},
    "ed_field": {"role": "field", "areas": TOWN, "clearance": "internal"},
    "ed_pads": {"writes": frozenset({"helipads"})},
    "ed_viewer": {"role": "viewer", "clearance": "internal"},
    "ed_low": {"clearance": "public"},
    "ed_out": {"disabled": True},
    "ed_blind": {"reads": frozenset(catalog()) - {"aeds"}},
}
WINDOWS = {login: views.window_of(given.get("clearance", "personal")) for login, given in PEOPLE.items()}
SHELTERS = "geo_risk_edit.layer_shelters"
ME = Batch(actor="t", reason="t", source="t")
HERE = "'SRID=4326;MULTIPOINT(0.001 0.001)'"


@pytest.fixture(scope="module")
def made(postgis_server):
    """The small city in the catalogue's layers, and a login for each of the people; one that belongs to no account."""
    make_logins(postgis_server, ed_stranger=views.window_of("personal"), **WINDOWS)
    url = postgis_server.fresh()
    with open_store(url) as store:
        county = small_city.frame("counties", {"c": (shapely.box(0, 0, 0.02, 0.01), {"name": "C", "code": "339900000000"})})
        for layer_id, frame in (small_city.frames() | {"counties": county}).items():
            store.apply(layer_id, frame, Batch(actor="test", reason="city", source="small"))
        for login, given in PEOPLE.items():
            store.transact(lambda connection, login=login, given=given: let_in(connection, login, **given))
    return url.rpartition("/")[2]


@pytest.fixture
def at(postgis_server, made):
    with opened(postgis_server, made) as found:
        yield found


@pytest.fixture(scope="module")
def still(postgis_server, made):
    """The same, for tests that change nothing."""
    with opened(postgis_server, made) as found:
        yield found


@contextmanager
def opened(postgis_server, made):
    url = postgis_server.fresh(made)
    connections = []

    def by(login):
        connections.append(
            psycopg.connect(
                postgis_server.url(url.rpartition("/")[2], login), autocommit=True, prepare_threshold=None, application_name="QGIS"
            )
        )
        return connections[-1]

    try:
        with open_store(url) as store:
            yield SimpleNamespace(store=store, by=by, url=url)
    finally:
        for connection in connections:
            connection.close()


def audited(store):
    with store.read() as connection:
        return audit.entries(connection)


# the audit

def test_each_edit_stands_in_the_audit_with_who_and_from_where(at):
    at.by("ed_west").execute(f"UPDATE {SHELTERS} SET occupancy = 101 WHERE fid = 'open'")
    entry, last = audited(at.store)[0], at.store.history("shelters", "open")[-1]
    assert (entry.actor, entry.address, entry.action) == ("ed_west", "127.0.0.1", "edited in a GIS")
    assert entry.subject == "layer shelters"
    assert entry.detail == {"application": "QGIS", "login": "ed_west", "op": "update", "revision": last.seq}
    assert (entry.batch_id, last.actor) == (at.store.batches()[0].id, "ed_west")
    at.store.verify()


def test_the_audit_goes_on_over_http_and_in_a_gis_by_one_chain(at):
    west = at.by("ed_west")
    for n in range(3):
        west.execute(f"INSERT INTO {SHELTERS} (name, capacity, shape) VALUES ('New', 1, {HERE})")
        at.store.transact(lambda connection, n=n: audit.append(connection, audit.Event(actor=f"key-{n}", action="refused")))
    assert [entry.actor for entry in audited(at.store)][:4] == ["key-2", "ed_west", "key-1", "ed_west"]
    with at.store.read() as connection:
        assert audit.verify_audit(connection).entries == 6


def test_an_edit_that_is_undone_stands_in_no_audit(at):
    west = at.by("ed_west")
    with west.transaction(force_rollback=True):
        west.execute(f"DELETE FROM {SHELTERS} WHERE fid = 'open'")
    assert (audited(at.store), at.store.verify().revisions) == ((), at.store.snapshot().revision)


def test_an_audit_that_was_cut_short_takes_no_more_edits(at):
    at.by("ed_west").execute(f"UPDATE {SHELTERS} SET occupancy = 101 WHERE fid = 'open'")
    with psycopg.connect(at.url, autocommit=True) as owner:
        owner.execute("DELETE FROM geo_risk.audit")
    with pytest.raises(psycopg.errors.DataCorrupted, match="the audit does not end at the head it states"):
        at.by("ed_west").execute(f"UPDATE {SHELTERS} SET occupancy = 102 WHERE fid = 'open'")


# who may look, and change

@pytest.mark.parametrize(
    ("login", "view", "text"),
    [
        ("ed_stranger", SHELTERS, "belongs to no account; where: login ed_stranger"),
        ("ed_out", SHELTERS, "belongs to no account; where: login ed_out"),
        ("postgres", SHELTERS, "belongs to no account; where: login postgres"),
        ("ed_blind", "geo_risk_edit.layer_aeds", "this account may not read this"),
        ("ed_low", SHELTERS, "permission denied for schema geo_risk_edit"),
        ("ed_field", SHELTERS, "permission denied for schema geo_risk_edit"),
    ],
)
def test_who_may_not_look_is_told_and_sees_no_empty_map(still, login, view, text):
    for statement in (f"SELECT * FROM {view}", f"DELETE FROM {view}", f"INSERT INTO {view} (name) VALUES ('x')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=text):
            still.by(login).execute(statement)


def test_an_account_that_is_let_in_no_more_sees_nothing_from_then_on(at):
    west = at.by("ed_west")
    assert west.execute(f"SELECT count(*) FROM {SHELTERS}").fetchone() == (2,)
    at.store.transact(lambda connection: accounts.change_account(connection, "acc-ed_west", clearance="internal"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="expected: clearance personal; got: internal"):
        west.execute(f"SELECT count(*) FROM {SHELTERS}")
    at.store.transact(lambda connection: accounts.change_account(connection, "acc-ed_west", disabled=True))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="belongs to no account"):
        west.execute(f"SELECT count(*) FROM {SHELTERS}")


@pytest.mark.parametrize(
    ("login", "hidden"),
    [("ed_all", set()), ("ed_field", {"phone", "derived"}), ("ed_low", {"phone", "keeper", "derived"})],
)
def test_a_window_has_the_columns_that_the_account_may_read(still, login, hidden):
    told = still.by(login).execute(f"SELECT * FROM {WINDOWS[login].schema}.layer_shelters LIMIT 0").description
    assert {column.name for column in layer("shelters").columns} | {"derived"} == {each.name for each in told} - {
        "fid", "source", "updated_at", "revision", "seen_revision", "shape",
    } | hidden  # fmt: skip


def test_what_a_window_does_not_show_stays_as_it_is(at):
    at.by("ed_field").execute("UPDATE geo_risk_edit_internal.layer_shelters SET occupancy = 7 WHERE fid = 'open'")
    row = at.store.snapshot().frames["shelters"].loc["open"]
    assert (row["occupancy"], row["phone"]) == (7, small_city.PHONE)
    at.store.verify()


@pytest.mark.parametrize("login", [login for login in PEOPLE if login != "ed_out"])
def test_a_layer_can_be_changed_in_a_gis_by_whom_it_can_be_over_http(still, login):
    caller = caller_of(account_of(still.store, login), "session")
    connection = still.by(login)
    assert {each.id: may_write(caller, each) for each in catalog().values()} == {
        each: is_let_change(connection, WINDOWS[login], each) for each in catalog()
    }


def account_of(store, login):
    with store.read() as connection:
        return accounts.account_named(connection, login)


def is_let_change(connection, window, layer_id):
    """Whether a new feature comes as far as its rules: an id that may not be is refused after the rights were asked."""
    try:
        connection.execute(f"INSERT INTO {window.schema}.layer_{layer_id} (fid) VALUES ('')")
    except psycopg.errors.CheckViolation:
        return True
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable):
        return False


# where

POINTS = {"west": (0.002, 0.002), "border": (0.01, 0.005), "corner": (0.0, 0.0), "east": (0.015, 0.005), "outside": (1, 1)}


@pytest.mark.parametrize(
    ("start", "end", "allowed"),
    [
        ("west", "border", True), ("border", "west", True), ("west", "corner", True), ("west", "east", False),
        ("east", "west", False), ("east", "east", False), ("west", "outside", False),
    ],
)  # fmt: skip
def test_a_town_moves_things_within_the_town_only(at, start, end, allowed):
    at.store.write(
        Batch(actor="t", reason="t", source="small"),
        [Change(layer="shelters", fid="x", op="put", values={"name": "X", "capacity": 1}, geometry=shapely.Point(POINTS[start]))],
    )
    before = at.store.snapshot().revision
    move = f"UPDATE {SHELTERS} SET occupancy = 1, shape = ST_Multi(ST_SetSRID(ST_MakePoint(%s, %s), 4326)) WHERE fid = 'x'"
    if allowed:
        at.by("ed_west").execute(move, POINTS[end])
    else:
        with pytest.raises(
            psycopg.errors.InsufficientPrivilege,
            match="may not change things here; where: layer shelters; expected: a feature that lies within the account's",
        ):
            at.by("ed_west").execute(move, POINTS[end])
    assert at.store.snapshot().revision == before + allowed
    at.store.verify()


def test_what_lies_in_the_next_town_is_neither_changed_nor_removed(still):
    west = still.by("ed_west")
    for statement in ("UPDATE geo_risk_edit.layer_helipads SET name = 'mine'", "DELETE FROM geo_risk_edit.layer_helipads"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="may not change things here; where: layer helipads"):
            west.execute(statement)


def test_limits_are_not_moved_by_whom_they_bind(at):
    west = at.by("ed_west")
    for statement in (
        "UPDATE geo_risk_edit.layer_towns SET code = '339900002000' WHERE fid = 'w'",
        "UPDATE geo_risk_edit.layer_towns SET shape = ST_Multi(ST_MakeEnvelope(0, 0, 0.009, 0.01, 4326)) WHERE fid = 'w'",
        "DELETE FROM geo_risk_edit.layer_towns WHERE fid = 'w'",
        "INSERT INTO geo_risk_edit.layer_towns (name, shape) VALUES ('x', ST_Multi(ST_MakeEnvelope(0, 0, 0.001, 0.001, 4326)))",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="may not change what its limits are measured by"):
            west.execute(statement)
    west.execute("UPDATE geo_risk_edit.layer_towns SET population = 9, shape = ST_Reverse(shape) WHERE fid = 'w'")
    assert at.store.snapshot().frames["towns"].loc["w", "population"] == 9


def is_let(judge, *features):
    try:
        judge(*features)
    except Forbidden:
        return False
    return True


def ground(rng, parts):
    """Two areas that share borders: corners on a coarse grid, so that many lie on one line."""
    x, y = rng.integers(1, parts, 2) / parts
    return {"towns:a": shapely.Polygon([(0, 0), (x, 0), (1, 1), (0, y)]), "counties:b": shapely.box(x, 0, 1.5, 1)}


def tried(rng, areas):
    """Shapes on, in and about the borders: corners, points of edges, edges, triangles of such points."""
    corners = [point for area in areas.values() for point in shapely.get_coordinates(area)]
    edges = [(a + b) / 2 for a, b in pairwise(corners)]
    places = [*corners, *edges, *(rng.random((10, 2)) * 1.6)]
    picks = [[places[at] for at in rng.choice(len(places), 3, replace=False)] for _ in range(15)]
    lines, triangles = [shapely.LineString(pick[:2]) for pick in picks], [shapely.Polygon(pick) for pick in picks]
    drawn = (shape for shape in (*lines, *triangles) if shape.is_valid and shape.length)
    return [*map(shapely.Point, places), *areas.values(), *drawn]


@pytest.mark.parametrize(("seed", "parts"), [(1, 8), (2, 8), (0, 7), (2, 7)])
def test_on_borders_postgis_decides_as_the_service_does(at, seed, parts):
    rng = np.random.default_rng(seed)
    areas = ground(rng, parts)
    for name, shape in areas.items():
        layer_id, _, fid = name.partition(":")
        at.store.apply(layer_id, small_city.frame(layer_id, {fid: (shape, {"name": fid})}), ME)
    snapshot, caller = at.store.snapshot(), caller_of(account_of(at.store, "ed_west"), "session")
    told = []
    with psycopg.connect(at.url) as owner:
        for held in ({"towns:a"}, {"counties:b"}, set(areas)):
            townsman, limits = replace(caller, areas=frozenset(held)), shapely.union_all([areas[name] for name in held])
            for shape in tried(rng, areas):
                feature = Feature(layer="helipads", fid="f", values={}, geometry=shapely.to_wkb(shape), source="s")
                ours = is_let(require_place, townsman, snapshot, layer("helipads"), feature)
                asked = (json.dumps(sorted(held)), feature.geometry)
                (theirs,) = owner.execute("SELECT geo_risk.lies_within(%s, %s, NULL)", asked).fetchone()
                told.append(theirs)
                # coordinates that no float can hold end up to one rounding beside the border that they were meant to lie on
                assert theirs == ours or (parts == 7 and is_at_border(limits, shape)), shape.wkt
    assert 0.1 < np.mean(told) < 0.9


def is_at_border(limits, shape):
    """Whether a shape lies within, but for a tenth of a micrometre."""
    return shapely.covers(limits.buffer(1e-12), shape) and not shapely.covers(limits.buffer(-1e-12), shape)


@pytest.mark.parametrize("code", ["339900001000", "339900001999", "339900002000", "339900000000", "330000000000", None])
@pytest.mark.parametrize("held", ["towns:w", "counties:c", "towns:gone"])
def test_without_a_place_the_code_decides_as_in_the_service(still, code, held):
    caller = caller_of(account_of(still.store, "ed_west"), "session")
    feature = Feature(layer="duty_holders", fid="f", values={"area_code": code}, geometry=None, source="s")
    townsman = replace(caller, areas=frozenset({held}))
    ours = is_let(require_place, townsman, still.store.snapshot(), layer("duty_holders"), feature)
    with psycopg.connect(still.url) as owner:
        assert owner.execute("SELECT geo_risk.lies_within(%s, NULL, %s)", (json.dumps([held]), code)).fetchone() == (ours,)


def test_a_closure_whose_place_only_the_service_can_lay_out_is_for_those_who_are_not_limited(at):
    insert = "INSERT INTO geo_risk_edit.layer_road_closures (title, cause, {}) VALUES ('x', 'flood', {})"
    circle = insert.format("centre_lon, centre_lat, radius_m", "0.005, 0.005, 10")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="one whose place is known on the map only"):
        at.by("ed_west").execute(circle)
    at.by("ed_all").execute(circle)
    at.by("ed_west").execute(insert.format("shape", "ST_Multi(ST_MakeEnvelope(0, 0, 0.001, 0.001, 4326))"))
    assert len(at.store.snapshot().frames["road_closures"]) == 2
    at.store.verify()


# rules over several columns

def test_every_rule_of_the_catalogue_over_several_columns_is_known_to_postgresql():
    assert [each.id for each in catalog().values() if not views.editable(each)] == []


def test_a_rule_over_several_columns_refuses(still):
    insert = "INSERT INTO geo_risk_edit.layer_road_closures (title, cause, radius_m) VALUES ('x', 'flood', 9)"
    with pytest.raises(psycopg.errors.CheckViolation, match=r"centre_lon.*expected: A circle has a centre and a radius"):
        still.by("ed_all").execute(insert)


def test_a_rule_that_rejects_nothing_is_told_as_a_warning(at):
    west, heard = at.by("ed_west"), []
    west.add_notice_handler(lambda notice: heard.append(notice.message_primary))
    west.execute(f"UPDATE {SHELTERS} SET occupancy = 401 WHERE fid = 'open'")
    assert len(heard) == 1
    assert "where: layer shelters, column occupancy (已安置人数), capacity (容纳人数); expected: Occupancy is at most" in heard[0]


@pytest.mark.parametrize(
    ("layer_id", "check"),
    [pytest.param(each.id, check, id=f"{each.id}-{check.id}") for each in catalog().values() for check in each.checks],
)
def test_a_rule_says_to_postgresql_what_it_says_to_python(still, layer_id, check):
    types = {name: layer(layer_id).column(name).type for name in check.columns}
    with psycopg.connect(still.url) as owner:
        for given in np.ndindex(*[4] * len(types)):
            row = {name: example(types[name], n) for name, n in zip(types, given, strict=True)}
            casts = {name: f"%({name})s::{SQL[kind.__name__]}" for name, kind in types.items()}
            (told,) = owner.execute(f"SELECT {check.of_sql.format_map(casts)}", row).fetchone()
            assert told == check.of_row(row), row


SQL = {"int": "bigint", "float": "double precision", "date": "date", "str": "text"}


def example(kind, n):
    return None if n == 0 else f"200{n}-01-01" if kind.__name__ == "date" else 2000 + n if kind is int else 2000.0 + n


def test_what_the_store_would_derive_anew_is_not_left_as_it_was(at):
    west = at.by("ed_west")
    with pytest.raises(psycopg.errors.CheckViolation, match=r"column capacity.*derived from area_m2, stay_class"):
        west.execute(f"INSERT INTO {SHELTERS} (name, area_m2, shape) VALUES ('x', 9, {HERE})")
    west.execute(f"INSERT INTO {SHELTERS} (fid, name, area_m2, capacity, shape) VALUES ('x', 'x', 9, 4, {HERE})")
    west.execute(f"UPDATE {SHELTERS} SET area_m2 = 10 WHERE fid = 'x'")
    assert at.store.snapshot().frames["shelters"].loc["x", "capacity"] == 4
    at.store.verify()


# lost updates

@pytest.mark.parametrize("column", ["seen_revision", "revision"])
def test_who_says_which_revision_he_saw_is_told_of_a_change_since(at, column):
    west = at.by("ed_west")
    (seen,) = west.execute(f"SELECT revision FROM {SHELTERS} WHERE fid = 'open'").fetchone()
    at.store.write(
        ME,
        [Change(layer="shelters", fid="open", op="patch", values={"occupancy": 300}, expects=seen)],
        judge=judge_of(caller_of(account_of(at.store, "ed_west"), "session"), at.store.snapshot()),
    )
    with pytest.raises(psycopg.errors.SerializationFailure, match=rf"expected: revision \d+; got: revision {seen}"):
        west.execute(f"UPDATE {SHELTERS} SET occupancy = 5, {column} = {seen} WHERE fid = 'open'")
    (current,) = west.execute(f"SELECT revision FROM {SHELTERS} WHERE fid = 'open'").fetchone()
    west.execute(f"UPDATE {SHELTERS} SET status = 'closed', {column} = {current} WHERE fid = 'open'")
    row = at.store.snapshot().frames["shelters"].loc["open"]
    assert (row["occupancy"], row["status"]) == (300, "closed")


def test_edits_in_a_gis_and_over_http_at_once_lose_nothing(at):
    def edit(n):
        at.by("ed_west").execute(f"UPDATE {SHELTERS} SET occupancy = {n} WHERE fid = 'open'")

    def write(n):
        at.store.write(
            ME, [Change(layer="shelters", fid="shut", op="patch", values={"occupancy": n})]
        )

    before = at.store.snapshot().revision
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(act, n) for n in range(1, 11) for act in (edit, write)]:
            with suppress(psycopg.errors.SerializationFailure):
                done.result(30)
    edited = len(audited(at.store))
    assert (at.store.verify().revisions, edited > 0) == (before + 10 + edited, True)


# programs

def test_qgis_reads_by_a_cursor_and_saves_by_key(at):
    west = at.by("ed_west")
    with west.transaction():
        west.execute(
            f'DECLARE q BINARY CURSOR FOR SELECT st_asbinary("shape", \'NDR\'), "fid", "name" FROM {SHELTERS}'
            ' WHERE "shape" && st_makeenvelope(0, 0, 1, 1, 4326)'
        )
        assert len(west.execute("FETCH FORWARD 2000 FROM q").fetchall()) == 2
    with west.transaction():
        insert = f'INSERT INTO {SHELTERS}("shape","name","capacity") VALUES (st_geomfromwkb($1::bytea,4326),$2,$3) RETURNING "fid"'
        west.execute(f"PREPARE addfeatures AS {insert}")
        wkb = shapely.to_wkb(shapely.MultiPoint([(0.001, 0.001)]), hex=True)
        (fid,) = west.execute(f"EXECUTE addfeatures('\\x{wkb}', 'New', 5)").fetchone()
        west.execute(f"""UPDATE {SHELTERS} SET "name"='Newer' WHERE "fid"='{fid}'""")
    assert at.store.snapshot().frames["shelters"].loc[fid, "name"] == "Newer"
    assert (at.store.batches()[0].actor, len(audited(at.store))) == ("ed_west", 2)
    at.store.verify()


def test_gdal_appends_within_the_town_and_is_refused_outside(at, postgis_server, tmp_path):
    if shutil.which("ogr2ogr") is None:
        missing("ogr2ogr", "apt-get install gdal-bin")

    def append(lon):
        point = {"type": "MultiPoint", "coordinates": [[lon, 0.005]]}
        properties = {"name": "From a file", "capacity": 3}
        source = tmp_path / "new.geojson"
        feature = {"type": "Feature", "properties": properties, "geometry": point}
        source.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
        to = f"PG:host=127.0.0.1 port={postgis_server.port} dbname={at.url.rpartition('/')[2]} user=ed_west"
        command = ["ogr2ogr", "-update", "-append", "-nln", SHELTERS, "--config", "PG_USE_COPY", "NO", to, str(source)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)

    before = at.store.snapshot().revision
    assert append(0.005).returncode == 0
    assert "may not change things here; where: layer shelters" in append(0.015).stderr
    assert at.store.verify().revisions == before + 1


# the list of logins

def test_logins_are_listed_with_their_accounts_and_removed(at):
    with at.store.read() as connection:
        assert {each.login: each.account.name for each in editors.listed(connection)} == {login: login for login in PEOPLE}
    at.store.transact(lambda connection: editors.remove(connection, "ed_west"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="belongs to no account"):
        at.by("ed_west").execute(f"SELECT * FROM {SHELTERS}")


@pytest.mark.parametrize(
    ("act", "error", "text"),
    [
        (lambda connection: editors.add(connection, "ed_west", "ed_all"), Conflict, "belongs to an account already"),
        (lambda connection: editors.add(connection, "ed_new", "nobody"), NotFound, "no such account"),
        (lambda connection: editors.add(connection, "长" * 22, "ed_all"), ParameterError, "expected: 1 to 63 bytes"),
        (lambda connection: editors.add(connection, "", "ed_all"), ParameterError, "this is no login"),
        (lambda connection: editors.remove(connection, "ed_new"), NotFound, "belongs to no account"),
    ],
)
def test_a_login_belongs_to_one_account(still, act, error, text):
    with pytest.raises(error, match=text):
        still.store.transact(act)
