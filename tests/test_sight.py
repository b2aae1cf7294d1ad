"""What a caller sees of a snapshot: hidden layers and unreadable columns are not there."""

from dataclasses import replace

import pytest

import small_city
from geo_risk.errors import DeclarationError, NotFound
from layers._catalog import layer
from layers._store import PUBLIC, WHOLE, Sight, seen, sight_up_to


def test_what_may_not_be_read_is_missing_and_the_rest_is_as_it_was(small_snapshot):
    public = seen(small_snapshot, PUBLIC)
    assert public.frames["flood_points"]["duty_phone"].isna().all()
    assert public.frames["flood_points"]["name"].equals(small_snapshot.frames["flood_points"]["name"])
    assert small_snapshot.frames["flood_points"]["duty_phone"].item() == small_city.PHONE


def test_a_clearance_reads_what_is_below_it_and_nothing_above(small_snapshot):
    internal = seen(small_snapshot, sight_up_to("internal")).frames["duty_holders"]
    assert (internal["name"].item(), internal["phone"].isna().item()) == (small_city.HOLDER, True)


def test_who_may_read_all_gets_the_snapshot_itself(small_snapshot):
    assert seen(small_snapshot, WHOLE) is small_snapshot
    assert seen(seen(small_snapshot, PUBLIC), WHOLE) is small_snapshot


def test_frames_that_lose_nothing_are_shared_and_the_others_are_made_once(small_snapshot):
    one, other = seen(small_snapshot, PUBLIC), seen(small_snapshot, PUBLIC)
    assert one.frames["towns"] is small_snapshot.frames["towns"]
    assert one.frames["shelters"] is other.frames["shelters"] is not small_snapshot.frames["shelters"]


def test_a_hidden_layer_is_not_there_not_even_in_the_error(small_snapshot):
    some = seen(small_snapshot, Sight(("public",), frozenset({"towns", "shelters"})))
    assert (set(some.frames), set(some.layers)) == ({"towns", "shelters"}, {"towns", "shelters"})
    with pytest.raises(NotFound) as hidden:
        some.layer("duty_holders")
    assert "expected: one of shelters, towns" in str(hidden.value)
    assert "helipads" not in str(hidden.value)


def test_a_layer_declared_internal_is_hidden_from_the_public(small_snapshot):
    hidden = replace(layer("duty_holders"), sensitivity="internal")
    held = replace(small_snapshot, layers={**small_snapshot.layers, "duty_holders": hidden})
    assert "duty_holders" not in seen(held, PUBLIC).frames
    assert "duty_holders" in seen(held, sight_up_to("internal")).frames


def test_a_layer_that_figures_are_made_of_cannot_be_hidden():
    with pytest.raises(DeclarationError, match="must not depend on who asks"):
        replace(layer("flood_points"), sensitivity="internal")
