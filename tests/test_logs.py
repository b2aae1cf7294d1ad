"""Log lines: one a request, what is in them, and what is not."""

import io
import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from api import logs
from api.app import create_app
from api.settings import Settings
from callers import acting, settle
from geo_risk.errors import NotFound
from layers._store import open_store


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def exchange() -> Any:
    scope = {"method": "GET", "state": {}, "client": ("10.0.0.9", 1)}
    return SimpleNamespace(scope=scope, route="/a/{b}", status=200, sent=7, began=0.0, overdue=False)


def test_a_line_says_what_was_asked_and_by_what_kind_of_caller(written):
    logs.configure("json", written)
    told = exchange()
    told.scope["state"]["caller"] = SimpleNamespace(role="field", by="key", name="Zhang San", id="z")
    logs.access()(told)
    (line,) = lines(written)
    assert {key: line[key] for key in ("method", "route", "status", "bytes", "role", "by", "logger")} == {
        "method": "GET", "route": "/a/{b}", "status": 200, "bytes": 7, "role": "field", "by": "key", "logger": "geo_risk.access",
    }  # fmt: skip
    assert "Zhang" not in written.getvalue()
    assert "10.0.0.9" not in written.getvalue()


def test_an_address_is_written_where_the_deployment_says_so(written):
    logs.configure("json", written)
    logs.access(addresses=True)(exchange())
    assert lines(written)[0]["address"] == "10.0.0.9"


def test_nothing_is_written_where_nobody_asked_for_logs(written):
    structlog.reset_defaults()
    assert logs.access()(exchange()) is None


@pytest.mark.parametrize("form", ["json", "console"])
@given(text=st.text(st.characters(codec="utf-8"), max_size=30))
def test_text_from_outside_stays_on_its_line_and_colours_nothing(form, text):
    written = io.StringIO()
    logs.configure(form, written)
    logging.getLogger("geo_risk.x").error("met %s", text)
    told = exchange()
    told.route = text
    logs.access()(told)
    out = written.getvalue()
    assert len(out.splitlines()) == 2
    assert not set(out) & set(map(chr, range(32))) - {"\n"}
    assert "\x1b" not in out


@pytest.mark.parametrize("form", ["json", "console"])
def test_of_a_strange_error_only_its_kind_and_place_are_written(written, form):
    logs.configure(form, written)
    try:
        int("139-0000-0000 of Zhang San")
    except ValueError:
        logging.getLogger("geo_risk.x").exception("a fault")
    assert "139-0000" not in written.getvalue()
    assert "ValueError" in written.getvalue()
    assert "test_of_a_strange_error" in written.getvalue()


def test_an_error_of_ours_is_written_in_words(written):
    logs.configure("json", written)
    logging.getLogger("geo_risk.x").error("a fault", exc_info=NotFound("no such layer"))
    assert lines(written)[0] | {"at": ""} == {
        "event": "a fault", "level": "error", "logger": "geo_risk.x", "error": "NotFound", "said": "no such layer", "raised_in": [],
        "at": "",
    }  # fmt: skip


def test_uvicorn_writes_the_same_lines(written):
    logs.configure("json", written)
    logging.getLogger("uvicorn.error").warning("careful")
    assert (lines(written)[0]["logger"], lines(written)[0]["level"]) == ("uvicorn.error", "warning")


def test_a_service_writes_one_line_a_request_with_the_id_it_answers_with(tmp_path, written):
    logs.configure("json", written)
    with open_store(tmp_path / "s.sqlite") as store:
        settle(store)
    with TestClient(create_app(Settings(store=tmp_path / "s.sqlite"))) as client:
        answer = acting(client, "viewer").get("/collections/shelters/items", params={"limit": "1"})
        refused = client.get("/livez", headers={"Host": "evil.example"})
    about, last = [line for line in lines(written) if line.get("logger") == logs.ACCESS]
    assert about["request_id"] == answer.headers["x-request-id"]
    assert (about["route"], about["role"], about["by"]) == ("/collections/{layer_id}/items", "viewer", "key")
    assert (last["route"], last["status"], last["request_id"]) == ("none", 421, refused.headers["x-request-id"])
    assert "limit" not in written.getvalue()
    assert "grk_" not in written.getvalue()
