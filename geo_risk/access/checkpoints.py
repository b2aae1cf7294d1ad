"""Which forest roads checkpoints watch: those that nobody can drive onto from outside without passing one.

A checkpoint stands on a link and cuts it there. Ways are taken in both directions, one-way or not: who should not be in the
forest does not heed signs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo_risk.access.road_graph import Floats, Ints, Mask, RoadGraph
from geo_risk.errors import ParameterError, shown
from geo_risk.model import Rule

Outside = Literal["every_part", "longest_part"]
OUTSIDE: Final[tuple[Outside, ...]] = ("every_part", "longest_part")
MAX_CHECKPOINTS: Final = 5_000
WATCH: Final = ("watched", "watched_together", "unwatched", "cut_off")


@dataclass(frozen=True, kw_only=True, eq=False)
class Watch:
    """What is watched. ``pieces``: forest links, cut at checkpoints, each with a ``state`` and the ``checkpoints`` it is by.

    *watched*: without any one of its checkpoints there is no way in. *watched_together*: every way in passes one of several.
    *unwatched*: there is a way in past none. *cut_off*: there is no way in at all. ``km`` by state sums to all forest roads.
    ``by_checkpoint``: the kilometres that each watches alone (roads behind two in a row count for both) and with others.
    ``off_road`` are checkpoints that stand on no usable road: they watch nothing.
    """

    pieces: pd.DataFrame
    km: "pd.Series[float]"
    by_checkpoint: pd.DataFrame
    off_road: tuple[str, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, eq=False)
class _Cut:
    """Links cut at checkpoints: pieces between vertices (nodes, then two a checkpoint: before it and after it)."""

    link: Ints
    first: Floats
    last: Floats
    tail: Ints
    head: Ints
    vertices: int


def watch(
    graph: RoadGraph, link: ArrayLike, along: ArrayLike, ids: Sequence[str], *, forest: Mask, usable: Mask | None = None,
    outside: Outside = "every_part",
) -> Watch:
    """Which forest roads can be reached from outside only past checkpoints.

    With all checkpoints shut the network falls into parts. A part that holds a node of the outside is open; into another
    one every way passes a checkpoint. Then each checkpoint is shut by itself: the parts that lose the outside it watches alone.

    Parameters
    ----------
    graph : RoadGraph
    link, along : array_like, shape (checkpoints,)
        Where each stands: a link (-1 none), and 0..1 from its start, as in `OnRoad`.
    ids : sequence of str
        The checkpoints' ids.
    forest : ndarray of bool, shape (links,)
        The roads to be watched.
    usable : ndarray of bool, shape (links,), optional
        Links that can be gone at all; by default every one.
    outside : str
        Where people come from: nodes of the other roads, of ``every_part`` of them, or of the connected ``longest_part`` only (a
        village whose roads hang on a forest road is then behind the checkpoint; roads cut by the edge of the data are too).

    Returns
    -------
    Watch

    Raises
    ------
    ParameterError
        Arrays that do not pair up, a link that is none, or more than `MAX_CHECKPOINTS`.
    """
    links, at = np.asarray(link, dtype=np.int64), np.asarray(along, dtype=float)
    goes = np.ones(graph.links, dtype=bool) if usable is None else np.asarray(usable, dtype=bool)
    _require(graph, links, at, ids, forest, goes, outside)
    stands = np.flatnonzero(links >= 0)
    stands = stands[goes[links[stands]]]
    stands = stands[np.argsort(np.array(ids, dtype=object)[stands], kind="stable")]
    cut = _cut(graph, links[stands], at[stands], goes)
    part = _parts(cut.tail, cut.head, cut.vertices)
    open_parts = np.unique(part[_outside_vertices(graph, cut, forest, outside)])
    sides = part[graph.nodes + np.arange(2 * len(stands)).reshape(-1, 2)]
    alone, edge, reachable = _watchers(sides, open_parts)
    pieces = _pieces(graph, cut, part, forest)
    watchers = [_who(own, open_parts, alone, edge, reachable) for own in pieces.pop("part").tolist()]
    pieces["state"] = pd.Series([WATCH[state] for state, _ in watchers], index=pieces.index, dtype="str")
    pieces["checkpoints"] = [tuple(ids[int(stands[gate])] for gate in gates) for _, gates in watchers]
    off = tuple(ids[place] for place in range(len(ids)) if place not in set(stands.tolist()))
    return Watch(
        pieces=pieces, km=_km(pieces), by_checkpoint=_by_checkpoint(pieces, ids), off_road=off,
        rules=(Rule(id="outside", chosen=outside, options=OUTSIDE), Rule(id="directions", chosen="both")),
    )


def _cut(graph: RoadGraph, link: Ints, along: Floats, usable: Mask) -> _Cut:
    """Every usable link in pieces from its start over its checkpoints, in the order they stand, to its end."""
    order = np.lexsort((np.arange(len(link)), along, link))
    whole = np.flatnonzero(usable)
    before = graph.nodes + 2 * order
    # a boundary is a vertex at a position of a link: its start, both sides of each checkpoint, its end
    owner = np.concatenate([whole, np.repeat(link[order], 2), whole])
    place = np.concatenate([np.zeros(len(whole)), np.repeat(along[order], 2), np.ones(len(whole))])
    vertex = np.concatenate([graph.start[whole], np.column_stack([before, before + 1]).ravel(), graph.end[whole]]).astype(np.int64)
    kind = np.repeat([0, 1, 2], [len(whole), 2 * len(link), len(whole)])
    sequence = np.concatenate([np.zeros(len(whole)), np.arange(2 * len(link)), np.zeros(len(whole))])
    row = np.lexsort((sequence, kind, owner))
    pairs = row.reshape(-1, 2)
    return _Cut(
        owner[pairs[:, 0]], place[pairs[:, 0]], place[pairs[:, 1]], vertex[pairs[:, 0]], vertex[pairs[:, 1]],
        graph.nodes + 2 * len(link),
    )


def _parts(tail: Ints, head: Ints, vertices: int) -> Ints:
    # one vertex more, by itself: a graph of none is refused by scipy
    linked = coo_array((np.ones(len(tail)), (tail, head)), shape=(vertices + 1, vertices + 1))
    return np.asarray(connected_components(linked, directed=False)[1][:-1], dtype=np.int64)


def _outside_vertices(graph: RoadGraph, cut: _Cut, forest: Mask, outside: Outside) -> Ints:
    other = np.flatnonzero(~forest[cut.link])
    if len(cut.link) and not len(other):
        raise ParameterError(
            "all roads are forest roads, so nobody knows where people come from", where="watch", expected="other roads too",
            got="none", then="give the roads around the forest",
        )
    if outside == "longest_part" and len(other):
        part = _parts(cut.tail[other], cut.head[other], cut.vertices)[cut.tail[other]]
        length = np.bincount(part, weights=(graph.length_m[cut.link] * (cut.last - cut.first))[other])
        other = other[part == np.argmax(length)]
    return np.concatenate([cut.tail[other], cut.head[other]])


def _watchers(sides: Ints, open_parts: Ints) -> tuple[dict[int, list[int]], dict[int, list[int]], set[int]]:
    """For each part beside a checkpoint: which watch it alone, which stand at its edge; and the parts that have a way in."""
    ends = np.where(np.isin(sides, open_parts), -1, sides)
    parts, number = np.unique(np.concatenate([[-1], ends.ravel()]), return_inverse=True)
    ends = number[1:].reshape(-1, 2)
    linked = _parts(ends[:, 0], ends[:, 1], len(parts))
    inside = 1 + np.flatnonzero(linked[1:] == linked[0])
    alone: dict[int, list[int]] = {int(part): [] for part in parts}
    edge: dict[int, list[int]] = {int(part): [] for part in parts}
    for gate, (one, other) in enumerate(ends.tolist()):
        kept = np.arange(len(ends)) != gate
        left = _parts(ends[kept, 0], ends[kept, 1], len(parts))
        for own in inside[left[inside] != left[0]].tolist():
            alone[int(parts[own])].append(gate)
        for own in {one, other}:
            edge[int(parts[own])].append(gate)
    return alone, edge, set(parts[inside].tolist())


def _who(
    part: int, open_parts: Ints, alone: dict[int, list[int]], edge: dict[int, list[int]], reachable: set[int]
) -> tuple[int, list[int]]:
    """A position in `WATCH`, and the checkpoints it is by."""
    if part in reachable:
        return (0, alone[part]) if alone[part] else (1, edge[part])
    at = int(np.searchsorted(open_parts, part))
    return (2, []) if at < len(open_parts) and open_parts[at] == part else (3, [])


def _pieces(graph: RoadGraph, cut: _Cut, part: Ints, forest: Mask) -> pd.DataFrame:
    metres = graph.length_m[cut.link] * (cut.last - cut.first)
    rows = pd.DataFrame({"link": cut.link, "first": cut.first, "last": cut.last, "length_m": metres, "part": part[cut.tail]})
    return rows[forest[cut.link] & (cut.last > cut.first)].reset_index(drop=True)


def _km(pieces: pd.DataFrame) -> "pd.Series[float]":
    by_state = pieces.groupby("state")["length_m"].sum().reindex(list(WATCH), fill_value=0.0)
    return by_state / 1000.0


def _by_checkpoint(pieces: pd.DataFrame, ids: Sequence[str]) -> pd.DataFrame:
    each = pieces.explode("checkpoints")
    km = {
        name: each[each["state"] == state].groupby("checkpoints")["length_m"].sum().reindex(list(ids), fill_value=0.0) / 1000.0
        for name, state in (("alone_km", "watched"), ("together_km", "watched_together"))
    }
    return pd.DataFrame(km, index=pd.Index(ids, name="checkpoint"))


def _require(graph: RoadGraph, link: Ints, along: Floats, ids: Sequence[str], forest: Mask, usable: Mask, outside: str) -> None:
    if outside not in OUTSIDE:
        raise ParameterError("no such rule", where="watch", expected=", ".join(OUTSIDE), got=shown(outside), then="name one")
    if link.shape != (len(ids),) or along.shape != link.shape or len(set(ids)) != len(ids) or len(ids) > MAX_CHECKPOINTS:
        raise ParameterError(
            "checkpoints do not pair up, one stands twice, or there are too many", where="watch",
            expected=f"a link, a position and an id of its own each, at most {MAX_CHECKPOINTS}",
            got=f"{link.shape}, {along.shape}, {len(ids)} ids", then="give one of each for every checkpoint",
        )
    if forest.shape != (graph.links,) or usable.shape != (graph.links,):
        raise ParameterError(
            "a mask is not one of links", where="watch", expected=f"{graph.links} marks", got=f"{forest.shape}, {usable.shape}",
            then="mark every link",
        )
    stands = link >= 0
    if (link >= graph.links).any() or not ((along[stands] >= 0) & (along[stands] <= 1)).all():
        raise ParameterError(
            "a checkpoint stands on no link", where="watch", expected=f"links up to {graph.links - 1}, positions of 0 to 1",
            got=shown(int(link.max())), then="snap it to the roads first",
        )
