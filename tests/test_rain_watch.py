"""Levels of gauges and towns over the small city's two towns; figures that can be done by hand."""

import datetime as dt
import json
import os
from pathlib import Path

import pytest
import shapely
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from api.use._remember import remember_few
from api.use.rain_history import rain_hours, rain_now
from api.use.rain_watch import Watched, answer, observations_of, watch
from geo_risk.errors import NotFound, ParameterError
from layers._store import Batch, Snapshot, open_store
from run_cli import run
from small_city import frame, frames

HEADER = "station,variable,time,value,minutes,received_at\n"
NOW = dt.datetime(2026, 6, 20, 12, tzinfo=dt.UTC)
GAUGES = {
    "west": (shapely.Point(0.005, 0.005), {"name": "West gauge", "code": "W"}),
    "east": (shapely.Point(0.015, 0.005), {"name": "East gauge", "code": "E"}),
}


def clock(hour: int, minute: int = 0) -> str:
    return (dt.datetime(2026, 6, 20, tzinfo=dt.UTC) + dt.timedelta(hours=hour, minutes=minute)).isoformat()


def row(station: str, hour: int, mm: float, received: str = "") -> str:
    return f"{station},rain,{clock(hour)},{mm},60,{received}\n"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen dry hours, then 60 mm in the hour to 12:00 and 50 mm in the hour to 13:00 in the West; the East falls silent at 9."""
    folder = tmp_path_factory.mktemp("rain")
    dry = [row("W", hour, 0) for hour in range(-4, 12)] + [row("E", hour, 0) for hour in range(-4, 10)]
    lost = [row("X", 5, 1.0), "W,rain,2026-06-20T05:00:00+00:00,oops,60,\n"]
    (folder / "rasters").mkdir()
    storm = [row("W", 12, 60.0), row("W", 13, 50.0, clock(16))]
    (folder / "rasters" / "observations.csv").write_text(HEADER + "".join([*dry, *storm, *lost]), encoding="utf-8")
    with open_store(folder / "store.sqlite") as opened:
        for layer_id, each in {"towns": frames()["towns"], "rain_gauges": frame("rain_gauges", GAUGES)}.items():
            opened.apply(layer_id, each, Batch(actor="test", reason="small city", source="small"))
    return folder / "store.sqlite"


@pytest.fixture(scope="module")
def snapshot(store: Path) -> Snapshot:
    with open_store(store) as opened:
        return opened.snapshot()


def watched(snapshot: Snapshot, store: Path, **named: str) -> Watched:
    return watch(snapshot, observations_of(store.parent / "rasters" / "observations.csv"), **named)


def test_a_town_rises_and_says_when_and_why(snapshot: Snapshot, store: Path) -> None:
    west, east = answer(watched(snapshot, store), NOW)["areas"]
    twelve, one = "2026-06-20T12:00:00+00:00", "2026-06-20T13:00:00+00:00"
    assert (west["name"], west["level"], west["since"]) == ("West", "I", one)
    assert west["first_times"] == {"IV": twelve, "III": twelve, "II": twelve, "I": one}
    assert west["reason"]["en"] == "West gauge: 110.0 mm in 3 h to 06-20 13:00, at or above 100 mm (rainstorm_red)"
    assert (east["name"], east["level"], east["last"], east["since"]) == ("East", "unknown", "none", "2026-06-20T11:00:00+00:00")


def test_what_was_known_before_the_late_reading_was_orange(snapshot: Snapshot, store: Path) -> None:
    now, then = watched(snapshot, store), watched(snapshot, store, as_known_at=clock(15))
    assert now.moved_by_late == ("W",)
    assert answer(then, NOW)["areas"][0]["level"] == "II"
    assert then.moved_by_late == ()


def test_a_moment_before_the_storm_is_quiet(snapshot: Snapshot, store: Path) -> None:
    told = answer(watched(snapshot, store, at=clock(11, 30)), NOW)
    assert told["counts"]["none"] == 1
    assert told["counts"]["unknown"] == 1


def test_refused_readings_and_gauges_without_a_place_are_said(snapshot: Snapshot, store: Path) -> None:
    told = answer(watched(snapshot, store), NOW)
    assert told["stations_without_a_place"] == ["X"]
    assert told["readings"] == {"read": 34, "taken": 33, "by_rule": {"number": 1, "late": 1}, "source": "observations"}
    assert told["stale"] is False
    assert answer(watched(snapshot, store), NOW + dt.timedelta(hours=9))["stale"] is True


def test_the_command_shows_the_climb_in_both_languages(store: Path) -> None:
    english, chinese = run("rain", "--lang", "en", store=store), run("rain", store=store)
    assert "Level I, red" in english
    assert "late readings moved first times at: W" in english
    assert "一级 红" in chinese
    assert "110.0 mm" in chinese
    assert json.loads(run("rain", "--json", store=store).split("\n")[0])["areas"][0]["level"] == "I"


def test_the_route_gives_what_the_command_gives(store: Path) -> None:
    with TestClient(create_app(Settings(store=store)), raise_server_exceptions=False) as client:
        assert client.get("/rain").json()["areas"][0]["level"] == "I"
        assert client.get("/rain", params={"at": clock(12)}).json()["areas"][0]["level"] == "II"
        assert client.get("/rain?at=noon").status_code == 400
        assert client.get("/rain?variable=snow").status_code == 400
        assert client.get("/rain?layer=rain_gauges").status_code == 400
        assert client.get("/rain?when=now").status_code == 400


def test_no_file_of_readings_is_not_no_rain(client: TestClient) -> None:
    said = client.get("/rain")
    assert (said.status_code, said.json()["title"]) == (404, "there are no readings of gauges")


def test_the_water_level_of_a_city_without_water_gauges_is_unknown(snapshot: Snapshot, store: Path) -> None:
    told = answer(watched(snapshot, store, variable="water_level"), NOW)
    assert told["counts"]["unknown"] == 2


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "o.csv"
    file.write_text(HEADER + row("W", 1, 1.0), encoding="utf-8")
    first = observations_of(file)
    assert observations_of(file) is first
    file.write_text(HEADER + row("W", 1, 2.0), encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert observations_of(file).frame["value"].tolist() == [2.0]


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"at": "2026-06-20T12:00"}, "not a moment with its time zone; where: at"),
        ({"as_known_at": "<b>"}, r"where: as_known_at; .*got: text of 3 characters"),
        ({"variable": "snow"}, "no warnings go by that"),
        ({"area_layer": "rain_gauges"}, "only areas hold stations"),
    ],
)
def test_questions_that_make_no_sense_are_refused(snapshot: Snapshot, store: Path, named: dict[str, str], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        watched(snapshot, store, **named)


def test_a_file_that_is_not_there_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there are no readings of gauges"):
        observations_of(tmp_path / "none.csv")


def test_hour_by_hour_each_area_has_its_changes_and_what_was_in_force_before(snapshot: Snapshot, store: Path) -> None:
    told = rain_hours(snapshot, store.parent / "rasters" / "observations.csv", NOW, hours=2)
    assert [time[11:16] for time in told["times"]] == ["11:00", "12:00", "13:00"]
    west = next(area for area in told["areas"] if area["id"] == "w")
    assert [(change["time"][11:16], change["level"]) for change in west["changes"]][1:] == [("12:00", "II"), ("13:00", "I")]
    assert west["changes"][0]["level"] == "none"
    assert west["first_times"]["I"].startswith("2026-06-20T13:00")
    assert [level["numeral"] for level in told["levels"]] == ["I", "II", "III", "IV", "?", "-"]
    assert all(level["advice"]["zh"] for level in told["levels"])


def test_the_hours_by_route_and_what_is_refused_there(store: Path) -> None:
    with TestClient(create_app(Settings(store=store)), raise_server_exceptions=False) as client:
        assert len(client.get("/rain/hours").json()["times"]) == 18
        assert client.get("/rain/hours?hours=0").json()["detail"] == "hours out of range; where: hours; expected: 1 to 744; got: 0"
        assert client.get("/rain/hours?layer=rain_gauges").status_code == 400
        assert client.get("/rain/hours?at=now").status_code == 400


def test_no_file_of_readings_has_no_hours(client: TestClient) -> None:
    assert client.get("/rain/hours").status_code == 404


def test_levels_are_worked_out_once_while_the_file_stays_and_anew_when_it_changed(snapshot: Snapshot, tmp_path: Path) -> None:
    file = tmp_path / "o.csv"
    file.write_text(HEADER + row("W", 1, 100.0), encoding="utf-8")
    first = rain_now(snapshot, file, NOW)
    later = rain_now(snapshot, file, NOW + dt.timedelta(hours=1))
    assert later["areas"] is first["areas"]
    assert later["age_minutes"] == first["age_minutes"] + 60
    file.write_text(HEADER + row("W", 1, 1.0), encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert (first["counts"]["I"], rain_now(snapshot, file, NOW)["counts"]["I"]) == (1, 0)


def test_only_the_last_few_questions_are_remembered() -> None:
    class Owner:
        """Something that lives."""

    owner, made = Owner(), []
    for key in ("a", "b", "a", "c", "b"):
        remember_few(owner, "kind", key, lambda _, key=key: made.append(key), most=2)
    assert made == ["a", "b", "c", "b"]


def test_a_dry_day_with_a_late_reading_moves_nothing(snapshot: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(HEADER + row("W", 1, 0.0, clock(3)), encoding="utf-8")
    assert watch(snapshot, observations_of(tmp_path / "o.csv")).moved_by_late == ()
