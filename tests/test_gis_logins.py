"""`geo-risk gis`: logins that edit in a GIS are let in by command, and the command says what is still to be said."""

import psycopg
import pytest
from gis_people import make_logins
from typer.testing import CliRunner

from api.cli.main import commands
from geo_risk.errors import Conflict, NotFound, ParameterError
from layers._store import audit, open_store, views


@pytest.fixture
def url(postgis_url, postgis_server, monkeypatch):
    make_logins(postgis_server)
    monkeypatch.setenv("GEO_RISK_DATABASE_URL", postgis_url)
    said("account", "add", "west", "--role", "field", "--no-password")
    return postgis_url


def said(*words):
    done = CliRunner().invoke(commands(), [*words], catch_exceptions=False)
    return " ".join(done.output.split())


def test_a_login_is_let_in_listed_and_removed(url, postgis_server):
    told = said("gis", "add", "gis_anna", "--account", "West")
    assert "login gis_anna: edits as west, in the schema geo_risk_edit_internal" in told
    assert 'CREATE ROLE "gis_anna" LOGIN IN ROLE geo_risk_editor_internal CONNECTION LIMIT 20;' in told
    make_logins(postgis_server, gis_anna=views.window_of("internal"))
    with psycopg.connect(postgis_server.url(url.rpartition("/")[2], "gis_anna"), autocommit=True) as anna:
        assert anna.execute("SELECT count(*) FROM geo_risk_edit_internal.layer_shelters").fetchone() == (0,)
        assert "to be said" not in said("gis", "list")
        assert "edits no more" in said("gis", "remove", "gis_anna")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="belongs to no account"):
            anna.execute("SELECT count(*) FROM geo_risk_edit_internal.layer_shelters")


def test_who_let_a_login_in_stands_in_the_audit(url):
    said("gis", "add", 'odd"name', "--account", "west")
    with open_store(url) as store, store.read() as connection:
        (entry, *_) = audit.entries(connection)
        assert audit.verify_audit(connection).entries == 2
    assert (entry.action, entry.subject, dict(entry.detail)) == ("gis_login_added", "west", {"login": 'odd"name'})
    assert 'CREATE ROLE "odd""name" LOGIN' in said("gis", "list")


@pytest.mark.parametrize(
    ("words", "error", "text"),
    [
        (("gis", "add", "x", "--account", "nobody"), NotFound, "no such account"),
        (("gis", "remove", "x"), NotFound, "belongs to no account"),
        (("gis", "add", "", "--account", "west"), ParameterError, "this is no login"),
    ],
)
def test_what_cannot_be_done_is_said(url, words, error, text):
    with pytest.raises(error, match=text):
        said(*words)


def test_a_login_has_one_account(url):
    said("gis", "add", "twice", "--account", "west")
    with pytest.raises(Conflict, match="belongs to an account already"):
        said("gis", "add", "twice", "--account", "west")


def test_a_store_in_a_file_has_no_logins(tmp_path, monkeypatch):
    monkeypatch.delenv("GEO_RISK_DATABASE_URL", raising=False)
    path = tmp_path / "store.sqlite"
    open_store(path).close()
    with pytest.raises(ParameterError, match=r"only a store in PostgreSQL.*expected: GEO_RISK_DATABASE_URL"):
        said("gis", "list", "--store", str(path))
