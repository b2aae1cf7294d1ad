"""What QGIS and GeoServer see of the PostGIS store: a typed view a layer, by what its readers may know; edits through one.

All SQL here is made from declarations: names of declared columns (lower-case letters, digits, underscores) and quoted literals.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from geoalchemy2 import Geometry as Shape
from sqlalchemy.schema import CreateColumn

from layers._check.values import DASHES, LARGEST_INT, TEXT_CHARACTERS
from layers._layer import SENSITIVITIES, Column, Derivation, Geometry, Layer, RowCheck
from layers._store import accounts, audit, editors
from layers._store.accounts import GRANTED_BY, ROLES, shown_to_all
from layers._store.chain import GENESIS
from layers._store.grants import CLOSURES, SHUTS, SIGNIFICANT, code_column, least_role
from layers._store.schema import META, declared
from layers._store.sql import insert_or_replace


class Window(NamedTuple):
    """A schema of views: who may look through it, and the sensitivities of the columns in it."""

    schema: str
    role: str
    sensitivities: tuple[str, ...]
    edits: bool = False

    @property
    def clearance(self) -> str:
        """What an account must be cleared for to look through."""
        return self.sensitivities[-1]


WINDOWS: Final = (
    Window("geo_risk_map", "geo_risk_reader", SENSITIVITIES[:1]),
    Window("geo_risk_map_internal", "geo_risk_internal", SENSITIVITIES[:2]),
    Window("geo_risk_edit", "geo_risk_editor", SENSITIVITIES, edits=True),
    Window("geo_risk_edit_internal", "geo_risk_editor_internal", SENSITIVITIES[:2], edits=True),
    Window("geo_risk_edit_public", "geo_risk_editor_public", SENSITIVITIES[:1], edits=True),
)
"""Columns are left out of a view, not forbidden in it: a client that asks for all of a table's columns gets those it may read."""

_SHAPES: Final[Mapping[Geometry, str]] = {
    Geometry.POINT: "MULTIPOINT", Geometry.LINE: "MULTILINESTRING", Geometry.AREA: "MULTIPOLYGON",
}
_VIEWED: Final[Mapping[type, str]] = {dt.date: "{name}::date AS {name}"}
_JSON: Final[Mapping[str, str]] = {
    "str": "geo_risk.json_text({value})", "int": "geo_risk.json_whole({value})", "float": "geo_risk.json_float({value})",
    "bool": "geo_risk.json_bool({value})", "date": "geo_risk.json_text({value})",
}
_CONTROLS: Final = r"[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]"
_BLANKS: Final = "".join(character for character in map(chr, range(1, 0x3001)) if character.isspace())
_SEEN: Final = "seen_revision"
"""A column that holds nothing: whoever edits may say in it which revision he saw, for QGIS sends no value that stayed as it was."""
_VIEWS: Final = "views"
"""The key in the table *meta* under which the views' text is known by its digest."""


def make(connection: sa.Connection, layers: Mapping[str, Layer], extension: str) -> None:
    """Shapes, functions, views and rights anew, as the layers declare them."""
    for kept in (accounts, audit, editors):
        kept.prepare(connection)
    # until the transaction ends: the extension may be in a schema of its own
    _say(connection, f"SET LOCAL search_path = geo_risk, {extension}")
    for layer in layers.values():
        _add_shape(connection, layer, extension)
    for statement in (*statements(layers, extension), *_leftovers(connection, layers)):
        _say(connection, statement)
    _grant(connection)
    insert_or_replace(connection, META, [(_VIEWS, digest(layers, extension))])


def are_made(connection: sa.Connection, layers: Mapping[str, Layer], extension: str) -> bool:
    """Whether the views are those of these declarations and this version."""
    found = connection.execute(sa.select(META.c.value).where(META.c.key == _VIEWS)).scalar_one_or_none()
    return found == digest(layers, extension)


def digest(layers: Mapping[str, Layer], extension: str) -> str:
    """SHA-256 of all that `make` would say."""
    return hashlib.sha256("\n".join(statements(layers, extension)).encode()).hexdigest()


def statements(layers: Mapping[str, Layer], extension: str) -> Iterator[str]:
    """Functions, then every window's views; a view whose columns are as they were keeps the rights it has."""
    yield _functions(layers, extension)
    for window in WINDOWS:
        yield f"CREATE SCHEMA IF NOT EXISTS {window.schema}"
        for layer in _seen_through(window, layers):
            yield from _view(window, layer, shown_to_all(layers), extension)


def shapes_differ(connection: sa.Connection, table: str, extension: str) -> bool:
    """Whether a row's shape is another than its bytes say."""
    if not _has_shape(connection, table):
        return False
    kept, same = (f"{extension}.st_asbinary({shape})" for shape in ("shape", _shape_of(extension)))
    query = f"SELECT EXISTS (SELECT FROM geo_risk.{_named(table)} WHERE {kept} IS DISTINCT FROM {same})"  # noqa: S608 - declared names
    return bool(connection.exec_driver_sql(query).scalar_one())


def editable(layer: Layer) -> bool:
    """Whether edits in a GIS can be held to all its rules over several columns: PostgreSQL is told every one of them."""
    return all(check.of_sql is not None for check in layer.checks)


def window_of(clearance: str) -> Window:
    """The widest window to edit through that an account of this clearance may use.

    >>> window_of("internal").schema
    'geo_risk_edit_internal'
    """
    return next(window for window in WINDOWS if window.edits and window.clearance == clearance)


def _seen_through(window: Window, layers: Mapping[str, Layer]) -> list[Layer]:
    return [layer for layer in layers.values() if layer.sensitivity in window.sensitivities]


def _leftovers(connection: sa.Connection, layers: Mapping[str, Layer]) -> Iterator[str]:
    """Views of layers that are no more, or may no longer be seen there."""
    inspected = sa.inspect(connection)
    for window in WINDOWS:
        wanted = {f"layer_{layer.id}" for layer in _seen_through(window, layers)}
        for name in inspected.get_view_names(schema=window.schema) if inspected.has_schema(window.schema) else ():
            if name not in wanted:
                yield f"DROP VIEW {window.schema}.{_named(name)} CASCADE"


def _view(window: Window, layer: Layer, figures: frozenset[str], extension: str) -> Iterator[str]:
    name = f"{window.schema}.layer_{layer.id}"
    readable = _readable(window, layer)
    columns = [
        "fid", *(_viewed(column) for column in layer.columns if column.name in readable),
        *(["derived"] if _tells_derived(window, layer) else []),
        "source", "updated_at", "revision", *([f"NULL::bigint AS {_SEEN}"] if window.edits else []),
        *(["shape"] if layer.geometry is not Geometry.NONE else []),
    ]  # fmt: skip
    where = f" WHERE geo_risk.may_read({', '.join(_who(window, layer, figures))})" if window.edits else ""
    view = f"VIEW {name} AS SELECT {', '.join(columns)} FROM geo_risk.{_table(layer)}{where};"  # noqa: S608 - declared names
    yield (
        f"DO $view$ BEGIN CREATE OR REPLACE {view} EXCEPTION WHEN invalid_table_definition THEN"
        f" DROP VIEW {name} CASCADE; CREATE {view} END $view$"
    )
    yield f"COMMENT ON VIEW {name} IS {_text(layer.title['zh'])}"
    for column in layer.columns:
        if column.name in readable:
            yield f"COMMENT ON COLUMN {name}.{_named(column.name)} IS {_text(column.titled('zh'))}"
    if window.edits:
        yield from _edited(window, layer, figures, extension)


def _readable(window: Window, layer: Layer) -> frozenset[str]:
    return frozenset(column.name for column in layer.readable(window.sensitivities))


def _tells_derived(window: Window, layer: Layer) -> bool:
    """Whether the column *derived* is there: it names columns, among them such as may not be read."""
    return window.edits and len(_readable(window, layer)) == len(layer.columns)


def _who(window: Window, layer: Layer, figures: frozenset[str]) -> tuple[str, ...]:
    """What the function *editor* is asked: the layer, who may know of it, whether all must see it, and the window's clearance."""
    return _text(layer.id), _text(layer.sensitivity), str(layer.id in figures).lower(), _text(window.clearance)


def _edited(window: Window, layer: Layer, figures: frozenset[str], extension: str) -> Iterator[str]:
    """Every edit goes through a function: without one PostgreSQL would itself write what a simple view shows, past the log."""
    function = "edited_on_the_map"
    if editable(layer):
        function = f"{window.schema.removeprefix('geo_risk_')}_{layer.id}"
        yield _function(function, window, layer, figures, extension)
        yield f"REVOKE ALL ON FUNCTION geo_risk.{function}() FROM PUBLIC"
    yield (
        f"CREATE OR REPLACE TRIGGER edited INSTEAD OF INSERT OR UPDATE OR DELETE ON {window.schema}.layer_{layer.id}"
        f" FOR EACH ROW EXECUTE FUNCTION geo_risk.{function}()"
    )


def _function(function: str, window: Window, layer: Layer, figures: frozenset[str], extension: str) -> str:
    kinds, readable = dict(declared(layer)), _readable(window, layer)
    layer_id, sensitivity, always, clearance = _who(window, layer, figures)
    told = _tells_derived(window, layer)
    kept = ["fid", *(["derived"] if told else []), "source", "updated_at"]
    return _sql("edit.sql").format(
        function=function, table=_table(layer), layer=layer_id, sensitivity=sensitivity, always=always, clearance=clearance,
        least=_text(least_role(layer)), kept=_text(", ".join(kept)), kept_new=", ".join(map(_new, kept)),
        kept_old=", ".join(f"OLD.{_named(name)}" for name in kept),
        values="\n".join(line for column in layer.columns for line in _checked(layer, column, readable)),
        shape="\n".join(_placed(layer, extension)),
        was_here=_was_within(layer), is_here=_is_within(layer, readable),
        measured_gone=_measured(layer, "false"), measured=_measured(layer, _alike(layer, extension)),
        derived="\n".join(line for rule in layer.derivations for line in _to_derive(layer, rule, readable)),
        checks="\n".join(line for check in layer.checks for line in _held_to(layer, check, readable)),
        properties=", ".join(f"""'"{name}":' || {_json(name, kind, readable)}""" for name, kind in kinds.items()),
        names=", ".join(map(_named, kinds)), stored=", ".join(_stored(name, kind, readable) for name, kind in kinds.items()),
        told_derived="    NEW.derived := derived_columns;" if told else "",
    )  # fmt: skip


def _stored(name: str, kind: str, readable: frozenset[str]) -> str:
    """The value that the store keeps: of a column that the window does not show, the one that is there."""
    if name == "derived":
        return "derived_columns"
    if name not in readable:
        return f"now.{_named(name)}"
    return f"geo_risk.iso_date({_new(name)})" if kind == "date" else _new(name)


def _json(name: str, kind: str, readable: frozenset[str]) -> str:
    return _JSON[kind].format(value=_stored(name, kind, readable))


def _meant(layer: Layer, name: str, readable: frozenset[str]) -> str:
    """The value that a rule is held against, in its column's type."""
    if name in readable:
        return _new(name)
    return f"now.{_named(name)}::date" if layer.column(name).type is dt.date else f"now.{_named(name)}"


def _was_within(layer: Layer) -> str:
    """A line that stops whoever is limited to areas where the feature did not lie in them."""
    code = code_column(layer)
    inside = _inside(layer, "now.geometry", "NULL" if code is None else f"now.{_named(code.name)}", "now")
    return f"    IF editor.areas IS NOT NULL THEN {inside} END IF;"


def _is_within(layer: Layer, readable: frozenset[str]) -> str:
    """The same for the feature as it is to be, where it is new or was moved: to lay areas out takes the longest of all."""
    code = code_column(layer)
    value = "NULL" if code is None else _meant(layer, code.name, readable)
    by = [name for name in (*([code.name] if code else []), *(SHUTS if layer.id == CLOSURES else ())) if name in readable]
    is_now, was = (", ".join((place, *(f"{row}.{_named(name)}" for name in by))) for row, place in _PLACES)
    moved = f"TG_OP = 'INSERT' OR ROW({is_now}) IS DISTINCT FROM ROW({was})"
    return f"    IF editor.areas IS NOT NULL AND ({moved}) THEN {_inside(layer, 'place', value, 'NEW')} END IF;"


_PLACES: Final = (("NEW", "place"), ("now", "now.geometry"))


def _inside(layer: Layer, place: str, code: str, row: str) -> str:
    inside = f"geo_risk.lies_within(editor.areas, {place}, {code})"
    if layer.id == CLOSURES:
        # a circle on the globe and whole roads are for the service to lay out
        shuts = ", ".join(f"{row}.{_named(name)}" for name in SHUTS)
        inside = f"CASE WHEN num_nonnulls({shuts}) = 0 THEN {inside} END"
    return f"PERFORM geo_risk.require_within({_text(layer.id)}, {inside});"


def _measured(layer: Layer, alike: str) -> str:
    """A line that stops whoever is limited to areas from moving the limits; nothing in other layers."""
    if layer.id not in GRANTED_BY:
        return ""
    return f"    IF editor.areas IS NOT NULL THEN PERFORM geo_risk.require_measures_alike({_text(layer.id)}, {alike}); END IF;"


def _alike(layer: Layer, extension: str) -> str:
    was, is_now = (
        f"{extension}.st_asbinary({extension}.st_normalize({extension}.st_geomfromwkb({place})))"
        for place in ("now.geometry", "place")
    )
    code = code_column(layer)
    same = "" if code is None else f" AND {_new(code.name)} IS NOT DISTINCT FROM now.{_named(code.name)}"
    return f"TG_OP = 'UPDATE' AND {was} IS NOT DISTINCT FROM {is_now}{same}"


def _to_derive(layer: Layer, rule: Derivation, readable: frozenset[str]) -> Iterator[str]:
    """Lines that refuse a change after which the store would derive a value anew: that is the service's to do."""
    inputs = ", ".join(_meant(layer, name, readable) for name in rule.inputs)
    value, name = _meant(layer, rule.column, readable), _text(rule.column)
    missing = f"({value} IS NULL OR {name} = ANY (string_to_array(derived_columns, ',')))"
    touched = ", ".join(map(_text, (rule.column, *rule.inputs)))
    expected = f"a value given by hand with this change, or the change made on the map: it is derived from {', '.join(rule.inputs)}"
    yield f"    IF {missing} AND changed && ARRAY[{touched}]::text[] AND num_nonnulls({inputs}) > 0 THEN"
    yield f"        {_refused(layer, (rule.column,), expected, readable)}"
    yield "    END IF;"


def _held_to(layer: Layer, check: RowCheck, readable: frozenset[str]) -> Iterator[str]:
    """Lines that hold the row to a rule over several columns: one that rejects refuses, another is told of as a warning."""
    if check.severity == "warning" and not readable.issuperset(check.columns):
        return
    values = {name: _meant(layer, name, readable) for name in check.columns}
    expected = f"{check.title['en']} ({check.title['zh']})"
    say = "refuse" if check.severity == "error" else "warn"
    told = _refused(layer, check.columns, expected, readable, say)
    yield f"    IF NOT ({(check.of_sql or '').format_map(values)}) THEN {told} END IF;"


def _refused(layer: Layer, names: Iterable[str], expected: str, readable: frozenset[str], say: str = "refuse") -> str:
    """What says that values break a rule; columns that the window does not show are not named."""
    told = [f"{name} ({layer.column(name).title['zh']})" for name in names]
    if not readable.issuperset(names):
        told, expected = ["hidden"], "what agrees with what is there and you may not see"
    return f"PERFORM geo_risk.{say}({_text(layer.id)}, {_text(', '.join(told))}, {_text(expected)});"


def _checked(layer: Layer, column: Column, readable: frozenset[str]) -> Iterator[str]:
    """Lines that hold a value to its column's declaration, where it is new or was changed."""
    if column.name not in readable:
        if column.required:
            yield f"    IF TG_OP = 'INSERT' THEN {_refused(layer, (column.name,), '', readable)} END IF;"
        return
    new, old = _new(column.name), f"OLD.{_named(column.name)}"
    if meant := _MEANT.get(column.type):
        yield f"    {new} := {meant.format(value=new)};"
    yield f"    IF TG_OP = 'INSERT' OR {new} IS DISTINCT FROM {old} THEN"
    for broken, expected in _rules(column, new):
        yield f"        IF {broken} THEN {_refused(layer, (column.name,), expected, readable)} END IF;"
    yield f"        changed := changed || {_text(column.name)}::text;"
    yield "    END IF;"


def _rules(column: Column, new: str) -> Iterator[tuple[str, str]]:
    """What breaks the declaration, as SQL that is true where it is broken, and what is expected."""
    if column.required:
        yield f"{new} IS NULL", "a value"
    for broken, expected in _TYPE_RULES[column.type]:
        yield broken.format(value=new), expected
    if column.minimum is not None or column.maximum is not None:
        kind = "double precision" if column.type is float else "numeric"
        for bound, sign in ((column.minimum, "<"), (column.maximum, ">")):
            if bound is not None:
                yield f"{new} {sign} {_text(repr(bound))}::{kind}", _range(column)
    if column.choices:
        ids = [choice.id for choice in column.choices]
        yield f"{new} <> ALL (ARRAY[{', '.join(map(_text, ids))}])", "one of " + ", ".join(ids)
    if column.pattern is not None:
        yield f"{new} !~ {_text(f'^(?:{column.pattern})$')}", f"a text of the form {column.pattern}"


def _range(column: Column) -> str:
    bounds = (("from", column.minimum), ("to", column.maximum))
    return " ".join(f"{word} {bound!r}" for word, bound in bounds if bound is not None)


_MEANT: Final[Mapping[type, str]] = {str: "geo_risk.meant({value})", float: "{value} + 0.0"}
"""Texts without blanks at their ends; no negative zero."""
_TYPE_RULES: Final[Mapping[Any, tuple[tuple[str, str], ...]]] = {
    str: (
        (f"length({{value}}) > {TEXT_CHARACTERS}", f"at most {TEXT_CHARACTERS} characters"),
        (f"{{value}} ~ '{_CONTROLS}'", "text without control characters"),
    ),
    int: ((f"abs({{value}}::numeric) > {LARGEST_INT}", f"a whole number up to {LARGEST_INT}"),),
    float: (("{value} = ANY ('{{NaN,Infinity,-Infinity}}'::double precision[])", "a finite number"),),
    dt.date: (
        ("{value} < '0001-01-01'::date OR {value} > '9999-12-31'::date", "a day of the years 1 to 9999"),
    ),
    bool: (),
}


def _placed(layer: Layer, extension: str) -> Iterator[str]:
    """Lines that hold a shape to the layer's kind and give its bytes; one that was not moved keeps the bytes it had."""
    if layer.geometry is Geometry.NONE:
        return
    one, optional = layer.geometry is Geometry.POINT, layer.place_optional
    yield "    place := now.geometry;"
    yield f"    IF TG_OP = 'INSERT' OR {extension}.st_asbinary(NEW.shape) IS DISTINCT FROM {extension}.st_asbinary(OLD.shape) THEN"
    yield f"        fault := geo_risk.misplaced(NEW.shape, {one}, {optional});"
    yield f"        IF fault IS NOT NULL THEN PERFORM geo_risk.refuse({_text(layer.id)}, 'shape', fault); END IF;"
    yield "        place := geo_risk.wkb(NEW.shape);"
    yield "        changed := changed || 'shape'::text;"
    yield "    END IF;"


def _add_shape(connection: sa.Connection, layer: Layer, extension: str) -> None:
    """The column that PostGIS indexes, computed from the bytes that the log holds; there from the table's making on."""
    if layer.geometry is Geometry.NONE or _has_shape(connection, f"current_{layer.id}"):
        return
    column = sa.Column(
        "shape", Shape(_SHAPES[layer.geometry], srid=4326, spatial_index=False), sa.Computed(_shape_of(extension), persisted=True),
    )
    table = sa.Table(f"current_{layer.id}", sa.MetaData(), column)
    connection.exec_driver_sql(
        f"ALTER TABLE geo_risk.{_table(layer)} ADD COLUMN {CreateColumn(column).compile(dialect=connection.dialect)}"
    )
    sa.Index(f"shapes_of_{layer.id}", table.c.shape, postgresql_using="gist").create(connection)


def _has_shape(connection: sa.Connection, table: str) -> bool:
    found = "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'shape' AND NOT attisdropped)"
    return bool(connection.exec_driver_sql(found, (f"geo_risk.{_named(table)}",)).scalar_one())


def _shape_of(extension: str) -> str:
    return f"{extension}.st_multi({extension}.st_geomfromwkb(geometry, 4326))"


def _grant(connection: sa.Connection) -> None:
    """Rights of the roles that there are; a role that its administrator has not made sees nothing."""
    there = connection.exec_driver_sql("SELECT rolname FROM pg_roles WHERE starts_with(rolname, 'geo_risk_')").scalars()
    for statement in grants(there):
        _say(connection, statement)


def grants(there: Iterable[str]) -> Iterator[str]:
    """What makes each of these roles look through its window."""
    roles = frozenset(there)
    for window in WINDOWS:
        if window.role in roles:
            rights = "SELECT, INSERT, UPDATE, DELETE" if window.edits else "SELECT"
            yield f"GRANT USAGE ON SCHEMA {window.schema} TO {window.role}"
            yield f"GRANT {rights} ON ALL TABLES IN SCHEMA {window.schema} TO {window.role}"


def _functions(layers: Mapping[str, Layer], extension: str) -> str:
    filled = {
        "{postgis}": extension, "{dashes}": ", ".join(map(_text, sorted(DASHES))), "{blanks}": _text(_BLANKS),
        "{roles}": _list(ROLES), "{sensitivities}": _list(SENSITIVITIES),
        "{areas}": "\nUNION ALL\n".join(_areas(layers)) or _NO_AREAS,
        "{genesis}": f"decode({_text(GENESIS.hex())}, 'hex')",
    }  # fmt: skip
    text = _sql("functions.sql")
    for mark, value in filled.items():
        text = text.replace(mark, value)
    return text


_NO_AREAS: Final = "SELECT NULL::text, NULL::text, NULL::text, NULL::integer, NULL::bytea WHERE false"


def _areas(layers: Mapping[str, Layer]) -> Iterator[str]:
    """A query a layer that grants name areas of, as the function *areas_of* puts them together."""
    for layer_id in GRANTED_BY:
        code = code_column(layers[layer_id]) if layer_id in layers else None
        if code is not None:
            table = _named(f"current_{layer_id}")
            named = (
                f"SELECT substr(named, {len(layer_id) + 2}) FROM jsonb_array_elements_text(areas_of.areas::jsonb) AS named"  # noqa: S608 - declared names
                f" WHERE starts_with(named, {_text(f'{layer_id}:')})"
            )
            yield (
                f"SELECT {_text(layer_id)}, t.fid, t.{_named(code.name)}, {SIGNIFICANT[layer_id]}, t.geometry"  # noqa: S608 - declared names
                f" FROM geo_risk.{table} t WHERE t.fid = ANY (ARRAY({named}))"
            )


def _list(values: Iterable[str]) -> str:
    return f"ARRAY[{', '.join(map(_text, values))}]"


def _say(connection: sa.Connection, statement: str) -> None:
    # the driver reads a per cent sign as the beginning of a value's mark
    connection.exec_driver_sql(statement.replace("%", "%%"))


@cache
def _sql(name: str) -> str:
    return files("layers._store.postgis_sql").joinpath(name).read_text(encoding="utf-8")


def _viewed(column: Column) -> str:
    return _VIEWED.get(column.type, "{name}").format(name=_named(column.name))


def _table(layer: Layer) -> str:
    return _named(f"current_{layer.id}")


def _new(name: str) -> str:
    return f"NEW.{_named(name)}"


def _named(name: str) -> str:
    return f'"{name}"'


def _text(value: str) -> str:
    """A text as an SQL literal that no setting reads otherwise."""
    quoted = value.replace("'", "''")
    return f"'{quoted}'" if "\\" not in value else "E'" + quoted.replace("\\", "\\\\") + "'"
