"""A feature by what a person calls it: its id, or its name where only one feature bears it."""

from api.use.access.places_on_roads import stands_of
from geo_risk.errors import NotFound, ParameterError, shown
from layers._store import Snapshot


def feature_named(snapshot: Snapshot, layer_id: str, text: str, where: str) -> str:
    """The id of the feature of that id or name; an error where there is none, or several of the name."""
    stands = stands_of(snapshot.frames[layer_id])
    if text in stands.ids:
        return text
    found = [fid for fid, name in zip(stands.ids, stands.names, strict=True) if name == text]
    if not found:
        raise NotFound(
            "no feature of this id or name", where=where, expected=f"one of {layer_id}", got=shown(text), then="see the map"
        )
    if len(found) > 1:
        raise ParameterError(
            "several features bear this name", where=where, expected="an id", got=", ".join(map(shown, found[:5])),
            then="name one by its id",
        )
    return found[0]
