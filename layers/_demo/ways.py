"""Ways over the grid as cells: from cell to cell, back to where a search began, and cut into chains where ways meet."""

from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise

import numpy as np

from layers._demo.grid import Ints

Edge = tuple[int, int]
"""Two cells that a road joins, the smaller number first."""


def edges_along(path: list[int]) -> list[Edge]:
    """Each pair of cells that follow one another."""
    return [(min(a, b), max(a, b)) for a, b in pairwise(path)]


def back(before: Ints, cell: int) -> list[int]:
    """From a cell to where the search that found it began."""
    path = [cell]
    while before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return path


def beside(edges: Iterable[Edge]) -> dict[int, list[int]]:
    """Each cell's neighbours along roads."""
    found: dict[int, list[int]] = {}
    for a, b in sorted(edges):
        found.setdefault(a, []).append(b)
        found.setdefault(b, []).append(a)
    return found


def passed_through(edges: Iterable[Edge], fixed: Collection[int] = ()) -> tuple[Ints, Ints, Ints]:
    """Cells that one road passes through, but those that stay where they are, and the cells before and after."""
    passed = [(cell, *ways) for cell, ways in beside(edges).items() if len(ways) == 2 and cell not in fixed]
    cell, before, after = np.array(passed, dtype=np.int64).reshape(-1, 3).T
    return cell, before, after


def chains(edges: Mapping[Edge, int]) -> list[list[int]]:
    """Paths between junctions, ends and changes of class."""
    around = beside(edges)

    def stops(cell: int) -> bool:
        ways = around[cell]
        return len(ways) != 2 or len({edges[edges_along([cell, way])[0]] for way in ways}) > 1

    left = set(edges)
    paths = []
    for start in sorted(cell for cell in around if stops(cell)):
        for way in around[start]:
            if edges_along([start, way])[0] not in left:
                continue
            path = [start, way]
            left.discard(edges_along(path)[0])
            while not stops(path[-1]):
                ahead = next(cell for cell in around[path[-1]] if cell != path[-2])
                left.discard(edges_along([path[-1], ahead])[0])
                path.append(ahead)
            paths.append(path)
    return paths
