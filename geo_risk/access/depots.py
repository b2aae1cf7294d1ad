"""Stock over time: what lies in depots stands at a place when it has been loaded and driven there."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geo_risk.errors import ParameterError

Floats = NDArray[np.float64]


def stock_by(seconds: ArrayLike, stock: ArrayLike, at_s: Sequence[float]) -> pd.DataFrame:
    """How much stands at each place by each time, every depot counted for every place: any one of them.

    Parameters
    ----------
    seconds : array_like, shape (depots, places)
        Until the stock stands at the place, loading included; inf never, nan unknown.
    stock : array_like, shape (depots,)
        0 or more, nan unknown.
    at_s : sequence of float
        Times to ask for, seconds.

    Returns
    -------
    DataFrame, shape (places, times)
        Known stock whose arrival is known and at or before the time. What is unknown counts for nothing (`unknown_depots`).

    Examples
    --------
    >>> stock_by([[600, float("inf")], [1200, 60]], [10, 5], [900, 1800]).to_numpy().tolist()
    [[10.0, 15.0], [5.0, 5.0]]
    """
    at, held = _sound(seconds, stock)
    return pd.DataFrame({float(limit): np.where(at <= limit, held[:, None], 0.0).sum(axis=0) for limit in at_s})


def unknown_depots(seconds: ArrayLike, stock: ArrayLike) -> NDArray[np.int64]:
    """For each place how many depots might add to it and count for nothing: their stock or their time is unknown.

    >>> unknown_depots([[600, float("inf")], [float("nan"), 60]], [float("nan"), 5]).tolist()
    [2, 0]
    """
    at, _ = _sound(seconds, stock)
    unsized = np.isnan(np.asarray(stock, dtype=float))
    return np.asarray((np.isnan(at) | (unsized[:, None] & ~np.isinf(at))).sum(axis=0), dtype=np.int64)


def stock_curve(seconds: ArrayLike, stock: ArrayLike, depots: Sequence[str]) -> pd.DataFrame:
    """The curve at one place: depot after depot as it arrives, and how much has come by then. Equal times by the depot's id.

    Parameters
    ----------
    seconds, stock : array_like, shape (depots,)
        As in `stock_by`, for one place.
    depots : sequence of str
        Their ids.

    Returns
    -------
    DataFrame on the depots' ids
        at_s, stock, total. Those that never arrive, bring nothing, or are unknown have no row.

    Examples
    --------
    >>> stock_curve([1200, 600, 60], [5, 10, float("nan")], ["a", "b", "c"])["total"].to_dict()
    {'b': 10.0, 'a': 15.0}
    """
    at, held = _sound(np.asarray(seconds, dtype=float)[:, None], stock)
    rows = pd.DataFrame({"at_s": at[:, 0], "stock": held}, index=pd.Index(depots, name="depot"))
    some = np.isfinite(rows["at_s"]) & (rows["stock"] > 0)
    coming: pd.DataFrame = rows.loc[some].sort_index().sort_values("at_s", kind="stable")
    coming["total"] = coming["stock"].cumsum()
    return coming


def _sound(seconds: ArrayLike, stock: ArrayLike) -> tuple[Floats, Floats]:
    """Times and known stock, 0 where it is unknown."""
    at, held = np.asarray(seconds, dtype=float), np.asarray(stock, dtype=float)
    if at.ndim != 2 or held.shape != at.shape[:1] or (at < 0).any() or (held < 0).any() or np.isinf(held).any():
        raise ParameterError(
            "times and stock do not pair up, or are below 0 or endless", where="depots", expected="a stock for each row of seconds",
            got=f"{held.shape} and {at.shape}", then="give nan for what is unknown",
        )
    return at, np.where(np.isnan(held), 0.0, held)
