"""What QGIS and GeoServer see of the store in PostGIS, and edits through it: the same log, byte for byte."""

import datetime as dt
import json
import math
import re
import shutil
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import psycopg
import pytest
import shapely
from conftest import missing
from gis_people import let_in, make_logins
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_store import ME

from geo_risk.errors import StoreCorrupt
from layers import shelters
from layers._catalog import catalog
from layers._check.values import DASHES
from layers._frame import typed
from layers._layer import Choice, Column, Geometry, Layer, RowCheck, Style
from layers._store import open_store, views
from layers._store.rows import canonical, encoded
from layers._store.schema import declared

STYLE = Style(icon="h", colour="#000000")


def titled(word):
    return {"en": word, "zh": f"{word}表"}


HALLS = Layer(
    id="halls", title=titled("Halls"), geometry=Geometry.POINT, style=STYLE, group="response",
    columns=(
        Column("name", str, required=True, title=titled("name")),
        Column("beds", int, minimum=0, maximum=100, title=titled("beds")),
        Column("area_m2", float, minimum=0.1, title=titled("area")),
        Column("open", bool, title=titled("open")),
        Column("date", dt.date, title=titled("date")),
        Column("status", str, choices=(Choice("open", "Open", "开放"), Choice("closed", "Closed", "关闭")), title=titled("status")),
        Column("code", str, pattern="[0-9]{3}", title=titled("code")),
        Column("keeper", str, sensitivity="internal", title=titled("keeper")),
        Column("phone", str, sensitivity="personal", title=titled("phone")),
    ),
)  # fmt: skip
AREAS = Layer(
    id="areas", title=titled("Areas"), geometry=Geometry.AREA, style=STYLE, group="response", place_optional=True,
    columns=(Column("name", str, title=titled("name")),),
)  # fmt: skip
CALLS = Layer(
    id="calls", title=titled("Calls"), geometry=Geometry.NONE, style=STYLE, group="people", sensitivity="internal",
    columns=(Column("who", str, title=titled("who")),),
)  # fmt: skip
RULED = Layer(
    id="ruled", title=titled("Ruled"), geometry=Geometry.NONE, style=STYLE, group="response",
    columns=(Column("low", int, title=titled("low")),),
    checks=(RowCheck("never", ("low",), lambda rows: rows["low"] > 0, titled("never"), severity="error"),),
)  # fmt: skip
LAYERS = {layer.id: layer for layer in (HALLS, AREAS, CALLS, RULED)}
BOX, HOLED = shapely.box(120, 30, 121, 31), shapely.box(0, 0, 9, 9) - shapely.box(1, 1, 2, 2)


@pytest.fixture(scope="module")
def roles(postgis_server):
    """Somebody for each window; the group roles are the administrator's to make, once a server."""
    make_logins(postgis_server, **{f"{window.role.removeprefix('geo_risk_')}_anna": window for window in views.WINDOWS})


@pytest.fixture(scope="module")
def made(postgis_server, roles):
    url = postgis_server.fresh()
    with open_store(url, layers=LAYERS) as store:
        store.transact(lambda connection: let_in(connection, "editor_anna"))
    return url.rpartition("/")[2]


@pytest.fixture
def at(postgis_server, made):
    """A store with one hall, and connections to its database as different people."""
    with one_hall(postgis_server, made) as opened:
        yield opened


@pytest.fixture(scope="module")
def still(postgis_server, made):
    """The same, for tests that change nothing."""
    with one_hall(postgis_server, made) as opened:
        yield opened


@contextmanager
def one_hall(postgis_server, made):
    url = postgis_server.fresh(made)
    opened = []

    def by(user):
        opened.append(psycopg.connect(postgis_server.url(url.rpartition("/")[2], user), autocommit=True))
        return opened[-1]

    with open_store(url, layers=LAYERS) as store:
        hall = {"name": ["School"], "beds": [10], "area_m2": [0.1], "open": [True], "date": [dt.date(2024, 2, 29)],
                "status": ["open"], "code": ["007"], "keeper": ["Li"], "phone": ["139"], "derived": ["beds,area_m2"]}  # fmt: skip
        store.apply("halls", typed(HALLS, hall, [shapely.Point(120, 30)], ["a"]), ME)
        yield SimpleNamespace(store=store, by=by, url=url)
    for connection in opened:
        connection.close()


@pytest.fixture(scope="module")
def sql(postgis_server, made):
    """The owner's connection, to try single functions."""
    url = postgis_server.fresh(made)
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
        yield connection


def edited(connection, statement, *values):
    return connection.execute(statement, values)


def columns(connection, view):
    return [column.name for column in connection.execute(f"SELECT * FROM {view} LIMIT 0").description]


# functions: what PostgreSQL writes is what Python writes

SETTINGS = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70).map(float)


@SETTINGS
@given(value=FLOATS)
@example(1e16)
@example(9999999999999998.0)
@example(1e-5)
@example(0.0001)
@example(1e22)
@example(1e23)
@example(-0.0)
@example(5e-324)
@example(2.0**53 + 2)
@example(-1.7976931348623157e308)
def test_numbers_are_written_as_python_writes_them(sql, value):
    (told,) = sql.execute("SELECT geo_risk.json_float(%s::float8 + 0.0)", (value,)).fetchone()
    assert told == repr(value + 0.0)


def test_forty_thousand_numbers_are_written_as_python_writes_them(sql):
    rng = np.random.default_rng(7)
    bits = rng.integers(0, 2**64, 20_000, dtype=np.uint64).tobytes()
    values = [*struct.unpack(f"<{len(bits) // 8}d", bits), *(rng.integers(2**53, 2**63, 20_000).astype(float))]
    values += [2.0**power for power in range(-1074, 1024)] + [float(f"1e{power}") for power in range(-323, 309)]
    values = [float(value) for value in values if math.isfinite(value)]
    found = sql.execute("SELECT geo_risk.json_float(v) FROM unnest(%b::float8[]) WITH ORDINALITY u(v, n) ORDER BY n", (values,))
    assert [(value, told) for value, (told,) in zip(values, found, strict=True) if told != repr(value)] == []


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@SETTINGS
@given(value=TEXTS)
@example("\"\\/\b\f\n\r\t\x01\x1f\x7f\x85\u2028汉字𠮷{{7*191}}</script>")
def test_texts_are_written_as_python_writes_them(sql, value):
    (told,) = sql.execute("SELECT geo_risk.json_text(%s)", (value,)).fetchone()
    assert told == json.dumps(value, ensure_ascii=False)


@SETTINGS
@given(value=TEXTS)
@example("　避难所\u00a0")
@example(" － ")
def test_blanks_and_dashes_are_read_as_an_import_reads_them(sql, value):
    (told,) = sql.execute("SELECT geo_risk.meant(%s)", (value,)).fetchone()
    assert told == (None if not value.strip() or value.strip() in DASHES else value.strip())


@SETTINGS
@given(value=st.dates())
def test_days_are_written_as_python_writes_them(sql, value):
    assert sql.execute("SELECT geo_risk.iso_date(%s)", (value,)).fetchone() == (value.isoformat(),)


@SETTINGS
@given(value=st.none() | TEXTS)
def test_fields_are_written_with_their_length(sql, value):
    field = None if value is None else value.encode()
    expected = b"-," if field is None else str(len(field)).encode() + b":" + field + b","
    told = sql.execute("SELECT geo_risk.netstring(%s::text), geo_risk.netstring(%s::bytea)", (value, field)).fetchone()
    assert told == (expected, expected)


SHAPES = [
    shapely.Point(-0.0, 1e-300), shapely.Point(179.99999999999997, -90), shapely.LineString([(0, 0), (0.1, 0.2), (1, 1)]),
    shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (3, 3)]]), BOX, HOLED, shapely.MultiPolygon([BOX, HOLED]),
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.geom_type)
def test_shapes_are_written_as_python_writes_them(sql, shape):
    sent = shapely.to_wkb(shape, hex=True)
    (told,) = sql.execute("SELECT geo_risk.wkb(st_multi(st_setsrid(st_geomfromwkb(decode(%s, 'hex')), 4326)))", (sent,)).fetchone()
    assert told == shapely.to_wkb(shape, byte_order=1, output_dimension=2, include_srid=False)


PATTERNS = sorted({column.pattern for layer in catalog().values() for column in layer.columns if column.pattern})


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_mean_to_postgresql_what_they_mean_to_python(sql, pattern):
    @settings(max_examples=60, deadline=None)
    @given(value=st.from_regex(pattern, fullmatch=True) | st.from_regex(pattern) | TEXTS)
    def agrees(value):
        clean = value.replace("\0", "")
        assert sql.execute("SELECT %s ~ %s", (clean, f"^(?:{pattern})$")).fetchone() == (bool(re.fullmatch(pattern, clean)),)

    agrees()


# windows: who sees what

def test_a_reader_sees_typed_public_columns_of_public_layers(still):
    reader = still.by("reader_anna")
    view = "geo_risk_map.layer_halls"
    assert columns(reader, view) == [
        "fid", "name", "beds", "area_m2", "open", "date", "status", "code", "source", "updated_at", "revision", "shape",
    ]  # fmt: skip
    row = reader.execute(f"SELECT fid, beds, area_m2, open, date, st_astext(shape) FROM {view}").fetchone()
    assert row == ("a", 10, 0.1, True, dt.date(2024, 2, 29), "MULTIPOINT((120 30))")
    assert reader.execute("SELECT obj_description(%s::regclass)", (view,)).fetchone() == ("Halls表",)


@pytest.mark.parametrize(
    "relation",
    [
        "geo_risk_map_internal.layer_halls", "geo_risk_map_internal.layer_calls", "geo_risk_edit.layer_halls",
        "geo_risk.current_halls", "geo_risk.revisions", "geo_risk.meta",
    ],
)
def test_a_reader_is_let_into_nothing_else(still, relation):
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for schema"):
        still.by("reader_anna").execute(f"SELECT * FROM {relation}")


def test_what_is_internal_is_seen_through_the_internal_window(still):
    internal = still.by("internal_anna")
    assert "keeper" in columns(internal, "geo_risk_map_internal.layer_halls")
    assert "phone" not in columns(internal, "geo_risk_map_internal.layer_halls")
    assert columns(internal, "geo_risk_map_internal.layer_calls")[:2] == ["fid", "who"]
    with pytest.raises(psycopg.errors.UndefinedTable, match="does not exist"):
        still.by("postgres").execute("SELECT * FROM geo_risk_map.layer_calls")


@pytest.mark.parametrize("window", views.WINDOWS[:2], ids=lambda window: window.schema)
def test_only_one_window_can_be_edited_through(still, window):
    user = window.role.removeprefix("geo_risk_") + "_anna"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        still.by(user).execute(f"UPDATE {window.schema}.layer_halls SET name = 'x'")


def test_an_editor_cannot_write_the_log_itself(still):
    editor = still.by("editor_anna")
    for statement in ("SELECT geo_risk.log_edit('halls', 'a', 'delete', NULL, NULL, NULL)", "DELETE FROM geo_risk.revisions"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            editor.execute(statement)


def test_places_are_found_by_the_index(still):
    plan = still.by("postgres")
    plan.execute("SET enable_seqscan = off")
    told = plan.execute("EXPLAIN SELECT fid FROM geo_risk_map.layer_halls WHERE shape && st_makeenvelope(119, 29, 121, 31, 4326)")
    assert "shapes_of_halls" in "\n".join(line for (line,) in told)


# edits: the same log

def test_an_edit_is_a_revision_like_any_other(at):
    at.by("editor_anna").execute("UPDATE geo_risk_edit.layer_halls SET name = '学校\"1\"', beds = 12 WHERE fid = 'a'")
    _, second = at.store.history("halls", "a")
    assert (second.op, second.actor, second.reason, second.source) == ("update", "editor_anna", "edited in a GIS", "city.csv")
    assert second.changes == {"name": ("School", '学校"1"'), "beds": (10, 12), "derived": ("beds,area_m2", "area_m2")}
    assert at.store.verify().revisions == 2
    assert at.store.snapshot().frames["halls"].loc["a", "beds"] == 12


def test_a_feature_drawn_in_a_gis_gets_an_id(at):
    editor = at.by("editor_anna")
    made = editor.execute(
        "INSERT INTO geo_risk_edit.layer_halls (name, shape) VALUES ('New', 'SRID=4326;MULTIPOINT(121 31)') RETURNING fid, revision"
    ).fetchone()
    assert (made[0].startswith("gis:"), made[1]) == (True, 2)
    frame = at.store.snapshot().frames["halls"]
    assert (frame.loc[made[0], "source"], frame.loc[made[0], "geometry"]) == ("gis", shapely.Point(121, 31))
    assert at.store.verify().features == 2


def test_a_feature_deleted_in_a_gis_stays_in_its_history(at):
    at.by("editor_anna").execute("DELETE FROM geo_risk_edit.layer_halls WHERE fid = 'a'")
    assert [revision.op for revision in at.store.history("halls", "a")] == ["create", "delete"]
    assert (at.store.verify().features, at.store.snapshot().frames["halls"].empty) == (0, True)


def test_one_transaction_is_one_batch_and_undone_is_undone(at):
    editor = at.by("editor_anna")
    insert = "INSERT INTO geo_risk_edit.layer_areas (fid, name) VALUES (%s, 'x')"
    with editor.transaction():
        edited(editor, insert, "1")
        edited(editor, insert, "2")
        with editor.transaction(force_rollback=True):
            edited(editor, insert, "3")
    with editor.transaction(force_rollback=True):
        edited(editor, insert, "4")
    edited(editor, insert, "5")
    assert [(batch.id, batch.actor) for batch in at.store.batches()] == [(3, "editor_anna"), (2, "editor_anna"), (1, ME.actor)]
    assert list(at.store.snapshot().frames["areas"].index) == ["1", "2", "5"]
    assert at.store.verify().revisions == 4


def test_a_savepoint_undone_before_the_first_edit_leaves_a_batch_to_the_next(at):
    editor = at.by("editor_anna")
    with editor.transaction():
        with editor.transaction(force_rollback=True):
            edited(editor, "INSERT INTO geo_risk_edit.layer_areas (fid) VALUES ('1')")
        edited(editor, "INSERT INTO geo_risk_edit.layer_areas (fid) VALUES ('2')")
    assert at.store.verify().revisions == 2


def test_saving_what_did_not_change_logs_nothing(still):
    still.by("editor_anna").execute("UPDATE geo_risk_edit.layer_halls SET name = ' School ', shape = shape, area_m2 = 0.1")
    assert still.store.snapshot().revision == 1


NAN_POINT = shapely.to_wkb(shapely.MultiPoint([(float("nan"), 1)]), hex=True, include_srid=False)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("name = NULL", r"column name \(name表\); expected: a value"),
        ("name = '－'", "expected: a value"),
        ("name = repeat('x', 2001)", "at most 2000 characters"),
        ("name = E'a\\u0007b'", "text without control characters"),
        ("beds = -1", "column beds.*expected: from 0.0 to 100.0"),
        ("beds = 101", "expected: from 0.0 to 100.0"),
        ("beds = 9007199254740993", "a whole number up to 9007199254740992"),
        ("area_m2 = 0.09999999999999999", "expected: from 0.1"),
        ("area_m2 = 'NaN'", "a finite number"),
        ("area_m2 = 'Infinity'", "a finite number"),
        ("date = '0001-01-01 BC'", "a day of the years 1 to 9999"),
        ("date = 'infinity'", "a day of the years 1 to 9999"),
        ("status = 'ajar'", "expected: one of open, closed"),
        ("code = '12'", "a text of the form"),
        ("code = E'123\\n4'", "a text of the form"),
        ("fid = 'b'", "what the store keeps by itself"),
        ("source = 'me'", "what the store keeps by itself"),
        ("updated_at = ''", "what the store keeps by itself"),
        ("revision = 7", "meanwhile.*expected: revision 1; got: revision 7"),
        ("shape = NULL", "column shape; expected: a place"),
        ("shape = 'SRID=4326;MULTIPOINT EMPTY'", "expected: a place"),
        ("shape = 'SRID=4326;MULTIPOINT(180.1 0)'", "longitude -180 to 180"),
        (f"shape = st_setsrid(st_geomfromwkb('\\x{NAN_POINT}'), 4326)", "longitude -180 to 180"),
        ("shape = 'SRID=4326;MULTIPOINT(1 1, 2 2)'", "one point"),
        ("shape = 'SRID=4490;MULTIPOINT(1 1)'", "SRID"),
        ("shape = 'SRID=4326;MULTIPOINT Z (1 1 1)'", "has Z dimension"),
        ("shape = 'SRID=4326;MULTILINESTRING((1 1, 2 2))'", "does not match column type"),
    ],
)
def test_what_breaks_the_declaration_is_refused_and_nothing_changes(still, change, text):
    with pytest.raises(psycopg.Error, match=text):
        still.by("editor_anna").execute(f"UPDATE geo_risk_edit.layer_halls SET {change} WHERE fid = 'a'")
    assert still.store.verify().revisions == 1


def test_a_border_that_crosses_itself_is_refused(still):
    with pytest.raises(psycopg.errors.CheckViolation, match="a border that does not cross itself"):
        still.by("editor_anna").execute(
            "INSERT INTO geo_risk_edit.layer_areas (shape) VALUES ('SRID=4326;MULTIPOLYGON(((0 0, 2 2, 2 0, 0 2, 0 0)))')"
        )


def test_a_layer_with_a_rule_that_postgresql_does_not_know_is_edited_on_the_map(at):
    assert (views.editable(shelters.LAYER), views.editable(RULED)) == (True, False)
    at.store.apply("ruled", typed(RULED, {"low": [1]}, [None], ["r"]), ME)
    for statement in ("INSERT INTO {} (low) VALUES (1)", "UPDATE {} SET low = -1", "DELETE FROM {}"):
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="this layer is edited on the map; where: layer_ruled"):
            at.by("editor_anna").execute(statement.format("geo_risk_edit.layer_ruled"))
    at.store.verify()


def test_a_value_that_broke_the_rules_before_does_not_hold_up_another_change(at):
    at.store.apply("halls", typed(HALLS, {"name": ["Old"], "beds": [500]}, [None], ["old"]), ME)
    at.by("editor_anna").execute("UPDATE geo_risk_edit.layer_halls SET status = 'closed' WHERE fid = 'old'")
    assert at.store.snapshot().frames["halls"].loc["old", ["beds", "status"]].tolist() == [500, "closed"]


def test_of_two_who_edit_the_same_feature_at_once_the_second_is_told(at):
    one, other, update = at.by("editor_anna"), at.by("editor_anna"), "UPDATE geo_risk_edit.layer_halls SET beds = beds + 1"
    with ThreadPoolExecutor(1) as threads:
        with one.transaction():
            one.execute(update)
            waiting = threads.submit(other.execute, update)
            assert not wait([waiting], timeout=0.5).done
        with pytest.raises(psycopg.errors.SerializationFailure, match="somebody changed this feature meanwhile"):
            waiting.result(10)
    assert at.store.snapshot().frames["halls"].loc["a", "beds"] == 11


def test_a_transaction_that_sees_an_older_log_makes_no_edits(still):
    editor = still.by("editor_anna")
    editor.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="read committed"), editor.transaction():
        editor.execute("DELETE FROM geo_risk_edit.layer_halls")


def test_edits_and_writes_of_the_service_share_one_chain(at):
    editor = at.by("editor_anna")
    for n in range(3):
        edited(editor, "INSERT INTO geo_risk_edit.layer_areas (fid, name) VALUES (%s, 'gis')", f"g{n}")
        at.store.apply("areas", typed(AREAS, {"name": ["file"]}, [BOX], [f"f{n}"]), ME)
    assert at.store.verify().revisions == 7
    assert [batch.actor for batch in reversed(at.store.batches())][1:3] == ["editor_anna", ME.actor]


HALL = st.fixed_dictionaries(
    {
        "name": TEXTS.filter(lambda text: text and text.strip() == text and text.isprintable() and text not in DASHES),
        "beds": st.none() | st.integers(0, 100),
        "area_m2": st.none() | st.floats(0.1, allow_infinity=False) | st.integers(1, 10**18).map(float),
        "open": st.none() | st.booleans(),
        "date": st.none() | st.dates(),
        "status": st.sampled_from([None, "open", "closed"]),
        "code": st.none() | st.from_regex("[0-9]{3}", fullmatch=True),
        "phone": st.none() | st.from_regex("[0-9]{3}", fullmatch=True),
    }
)


def test_an_edit_logs_what_python_would_have_logged(at):
    editor = at.by("editor_anna")

    @settings(max_examples=60, deadline=None)
    @given(hall=HALL, lon=st.floats(-180, 180), lat=st.floats(-90, 90))
    def logs_the_same(hall, lon, lat):
        assert_logged_as_python_would(at, editor, hall, shapely.Point(lon, lat))

    logs_the_same()
    at.store.verify()


def assert_logged_as_python_would(at, editor, hall, place):
    named = ", ".join(f'"{name}"' for name in hall)
    (fid,) = editor.execute(
        f"INSERT INTO geo_risk_edit.layer_halls ({named}, shape)"
        f" VALUES ({', '.join(['%s'] * len(hall))}, st_geomfromwkb(%s, 4326)) RETURNING fid",
        (*hall.values(), shapely.to_wkb(shapely.MultiPoint([place]))),
    ).fetchone()
    frame = typed(HALLS, {name: [value] for name, value in hall.items()}, [place], [fid])
    ((expected,),) = encoded(HALLS, frame)
    with at.store.read() as connection:
        logged = connection.exec_driver_sql("SELECT properties, geometry FROM revisions WHERE fid = %s", (fid,)).one()
    assert tuple(logged) == (expected.properties, expected.geometry)


def test_a_tampered_shape_or_row_is_found(at):
    with psycopg.connect(at.url, autocommit=True) as owner:
        owner.execute("UPDATE geo_risk.current_halls SET beds = 11")
    with pytest.raises(StoreCorrupt, match=r"current row is not what the log says.*feature a"):
        at.store.verify()


def test_views_follow_the_declarations_and_keep_rights_given_by_hand(at, postgis_server):
    at.store.transact(lambda connection: let_in(connection, "reader_anna"))
    at.by("postgres").execute("GRANT USAGE ON SCHEMA geo_risk_edit TO reader_anna")
    at.by("postgres").execute("GRANT SELECT, UPDATE ON geo_risk_edit.layer_halls TO reader_anna")
    wider = HALLS.columns[1].__class__("beds", int, minimum=0, maximum=1000, title=titled("beds"))
    changed = Layer(**{**vars_of(HALLS), "columns": (HALLS.columns[0], wider, *HALLS.columns[2:])})
    at.store.close()
    with open_store(at.url, layers={"halls": changed}) as store:
        at.by("reader_anna").execute("UPDATE geo_risk_edit.layer_halls SET beds = 1000")
        assert store.snapshot().frames["halls"].loc["a", "beds"] == 1000
    with pytest.raises(psycopg.errors.UndefinedTable):
        at.by("postgres").execute("SELECT * FROM geo_risk_map.layer_areas")


def vars_of(layer):
    return {name: getattr(layer, name) for name in ("id", "title", "geometry", "columns", "style", "group")}


def test_every_layer_of_the_catalogue_can_be_viewed(postgis_server, roles):
    url = postgis_server.fresh()
    with open_store(url) as store:
        store.verify()
        with psycopg.connect(url) as connection:
            for layer_id in catalog():
                for window in views.WINDOWS:
                    assert columns(connection, f"{window.schema}.layer_{layer_id}")[0] == "fid"


def test_gdal_reads_the_views(still, postgis_server):
    source = f"PG:host=127.0.0.1 port={postgis_server.port} dbname={still.url.rpartition('/')[2]} user=reader_anna"
    if shutil.which("ogrinfo") is None:
        missing("ogrinfo", "apt-get install gdal-bin")
    told = subprocess.run(["ogrinfo", "-ro", "-so", source, "geo_risk_map.layer_halls"], capture_output=True, text=True, check=True)
    lines = [line.strip() for line in told.stdout.splitlines()]
    assert {"Geometry: Multi Point", "Feature Count: 1", "Geometry Column = shape"} <= set(lines)
    assert {"date: Date (0.0)", "beds: Integer64 (0.0)", "area_m2: Real (0.0)", "open: Integer(Boolean) (1.0)"} <= set(lines)


def test_canonical_text_of_nothing_is_an_empty_object():
    assert canonical(declared(AREAS), [[None]] * 2, 1) == ["{}"]
