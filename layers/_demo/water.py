"""Where water goes: filled ground, steepest descent, catchments, stream order, height above the nearest drainage."""

import heapq
from dataclasses import dataclass

import numpy as np

from layers._demo.grid import STEPS, Floats, Grid, Ints, Mask


@dataclass(frozen=True)
class Flow:
    """A tree of cells: each cell's ``receiver`` is lower; an outlet is its own. ``levels`` lists cells by steps to the outlet."""

    receiver: Ints
    levels: tuple[Ints, ...]

    def gathered(self, own: Floats) -> Floats:
        """For each cell the sum of ``own`` over itself and all that drains into it."""
        total = own.astype(float)
        for cells in reversed(self.levels[1:]):
            np.add.at(total, self.receiver[cells], total[cells])
        return total

    def inherited(self, own: Ints, stops: Mask) -> Ints:
        """For each cell the value of the first cell at or below it where ``stops``; the outlet's own if none."""
        found = own.copy()
        for cells in self.levels[1:]:
            going = cells[~stops[cells]]
            found[going] = found[self.receiver[going]]
        return found


@dataclass(frozen=True)
class Drainage:
    """The city's streams: the tree of cells, which are streams, their order, and each cell's stream and height above it."""

    tree: Flow
    is_stream: Mask
    order: Ints
    stream_of: Ints
    above_m: Floats
    catchment_km2: Floats


def filled(height_mm: Ints, grid: Grid) -> Ints:
    """The ground with every pit filled to its rim plus a millimetre a step, so that water always finds a way out.

    Priority-flood (Barnes, Lehman and Mulla 2014, Computers & Geosciences 62): grow inwards from the border,
    the lowest cell first.
    """
    wide = grid.columns + 2  # a frame of cells that are done already, so that no step leaves the grid
    framed = np.pad(height_mm.reshape(grid.shape), 1)
    level = framed.ravel().tolist()
    done = bytearray(np.pad(np.zeros(grid.shape, dtype=np.uint8), 1, constant_values=1).tobytes())
    bits = framed.size.bit_length()
    border = _border(grid)
    border = (border // grid.columns + 1) * wide + border % grid.columns + 1
    heap = [(level[cell] << bits) + cell for cell in border.tolist()]  # level and cell in one number, compared as one
    for cell in border.tolist():
        done[cell] = 1
    heapq.heapify(heap)
    steps = [down * wide + right for down, right in STEPS]
    while heap:
        lowest = heapq.heappop(heap)
        cell, above = lowest & ((1 << bits) - 1), (lowest >> bits) + 1
        for step in steps:
            there = cell + step
            if not done[there]:
                done[there] = 1
                level[there] = max(level[there], above)
                heapq.heappush(heap, (level[there] << bits) + there)
    return np.array(level, dtype=np.int64).reshape(framed.shape)[1:-1, 1:-1].ravel()


def flow(height: Ints | Floats, grid: Grid) -> Flow:
    """Each cell drains to its steepest lower neighbour (D8); border cells and cells with none are outlets."""
    surface = height.reshape(grid.shape)
    steepest = np.zeros(grid.shape)
    numbers = np.arange(grid.size).reshape(grid.shape)
    receiver = numbers.copy()
    for number, step in enumerate(STEPS):
        here, there = grid.windows(step)
        drop = (surface[here] - surface[there]) * (1.0 if number < 4 else 0.7071)
        better = drop > steepest[here]
        np.copyto(steepest[here], drop, where=better)
        np.copyto(receiver[here], numbers[there], where=better)
    found = receiver.ravel()
    border = _border(grid)
    found[border] = border
    return Flow(found, _levels(found))


def _border(grid: Grid) -> Ints:
    row, column = np.divmod(np.arange(grid.size), grid.columns)
    return np.flatnonzero((row == 0) | (column == 0) | (row == grid.rows - 1) | (column == grid.columns - 1))


def _levels(receiver: Ints) -> tuple[Ints, ...]:
    steps = (receiver != np.arange(len(receiver))).astype(np.int64)
    ahead = receiver
    while True:
        further = steps[ahead]
        if not further.any():
            break
        steps, ahead = steps + further, ahead[ahead]
    order = np.argsort(steps, kind="stable")
    return tuple(np.split(order, np.flatnonzero(np.diff(steps[order])) + 1))


def stream_order(tree: Flow, is_stream: Mask) -> Ints:
    """Strahler's order of each stream cell, 0 elsewhere: one more than its tributaries' where two of the highest meet."""
    order = is_stream.astype(np.int64)
    highest, twice = np.zeros_like(order), np.zeros_like(order)
    for cells in reversed(tree.levels):
        mine = cells[is_stream[cells]]
        order[mine] = np.maximum(1, highest[mine] + (twice[mine] > 1))
        for cell in mine[tree.receiver[mine] != mine].tolist():
            below, own = tree.receiver[cell], order[cell]
            twice[below] = twice[below] + 1 if own == highest[below] else (1 if own > highest[below] else twice[below])
            highest[below] = max(highest[below], own)
    return order


def reaches(tree: Flow, is_stream: Mask) -> list[list[int]]:
    """Cell paths from each source or confluence down to the next confluence, which both share, or to where the stream ends."""
    cells = np.flatnonzero(is_stream)
    inside = cells[(tree.receiver[cells] != cells) & is_stream[tree.receiver[cells]]]
    inflows = np.bincount(tree.receiver[inside], minlength=len(is_stream))
    paths = []
    for head in cells[inflows[cells] != 1].tolist():
        path = [head]
        while is_stream[tree.receiver[path[-1]]] and tree.receiver[path[-1]] != path[-1]:
            path.append(int(tree.receiver[path[-1]]))
            if inflows[path[-1]] != 1:
                break
        if len(path) > 1:
            paths.append(path)
    return paths
