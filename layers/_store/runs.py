"""Assessment runs beside the log: whole texts that are added and read, never changed or removed."""

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from geo_risk.errors import NotFound, ParameterError, shown
from layers._store.records import is_clean
from layers._store.schema import TEXT

_TABLES: Final = sa.MetaData()
_RUNS: Final = sa.Table(
    "runs", _TABLES,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", TEXT, nullable=False, unique=True),
    sa.Column("question", TEXT, nullable=False),
    sa.Column("title", TEXT, nullable=False),
    sa.Column("digest", TEXT, nullable=False),
    sa.Column("made_at", TEXT, nullable=False),
    sa.Column("actor", TEXT, nullable=False),
    sa.Column("content", TEXT, nullable=False),
    sqlite_strict=True,
)


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run as the store keeps it: what a list shows, and the whole of it as JSON text (empty in a list)."""

    id: str
    question: str
    title: str
    digest: str
    made_at: str
    actor: str
    content: str = ""

    def __post_init__(self) -> None:
        for name, text in vars(self).items():
            if not is_clean(text):
                raise ParameterError(
                    f"a run's {name} cannot be stored", where=name, expected="no NUL, no lone surrogate", got=shown(text),
                )


def add(connection: sa.Connection, record: RunRecord) -> None:
    """Append a run; the table is made with the first, so that older stores need no change.

    Raises
    ------
    ParameterError
        A run of that id is there already.
    """
    _TABLES.create_all(connection)
    if connection.execute(sa.select(_RUNS.c.id).where(_RUNS.c.id == record.id)).first():
        raise ParameterError("this run is stored already", where="run", expected="a new id", got=shown(record.id))
    connection.execute(sa.insert(_RUNS), vars(record))  # the number is the database's to give


def listed(connection: sa.Connection, limit: int) -> tuple[RunRecord, ...]:
    """The last runs without their content, the newest first."""
    if not _there(connection):
        return ()
    columns = [column for column in _RUNS.c if column.name not in ("number", "content")]
    found = connection.execute(sa.select(*columns).order_by(_RUNS.c.number.desc()).limit(limit)).mappings()
    return tuple(RunRecord(**row) for row in found)


def run(connection: sa.Connection, run_id: str) -> RunRecord:
    """The run of that id.

    Raises
    ------
    NotFound
        There is none.
    """
    columns = [column for column in _RUNS.c if column.name != "number"]
    found = connection.execute(sa.select(*columns).where(_RUNS.c.id == run_id)).mappings().first() if _there(connection) else None
    if found is None:
        raise NotFound("no such run", expected="the id of a stored run", got=shown(run_id), then="list the runs first")
    return RunRecord(**found)


def _there(connection: sa.Connection) -> bool:
    return sa.inspect(connection).has_table(_RUNS.name)
