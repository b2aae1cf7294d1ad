"""Who has something near enough: an AED is within minutes only if someone can fetch it and be back."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo_risk.errors import ParameterError, shown

Ways = Literal["there_and_back", "one_way"]
WAYS: Final[tuple[Ways, ...]] = ("there_and_back", "one_way")


@dataclass(frozen=True, kw_only=True, eq=False)
class Coverage:
    """Who is covered. ``state`` of each place: 1 covered, 0 not, -1 unknown; ``nearest`` the soonest thing (-1 none known).

    ``seconds`` is the whole errand to it: inf none, nan unknown. ``covered``, ``uncovered``, ``undecided`` people sum to all
    that are counted; ``uncounted`` places have no number of people. ``share`` is covered / counted (nan where nobody is), and
    ``share_most`` what it would be were all the undecided covered.
    """

    state: NDArray[np.int8]
    seconds: NDArray[np.float64]
    nearest: NDArray[np.int64]
    covered: int
    uncovered: int
    undecided: int
    uncounted: int

    @property
    def share(self) -> float:
        """The share of people covered by what is known."""
        return self._share(self.covered)

    @property
    def share_most(self) -> float:
        """The share were all covered of whom nobody knows."""
        return self._share(self.covered + self.undecided)

    def _share(self, people: int) -> float:
        counted = self.covered + self.uncovered + self.undecided
        return people / counted if counted else float("nan")


def coverage(
    seconds_there: ArrayLike, people: ArrayLike, *, within_s: float, seconds_back: ArrayLike | None = None,
    ways: Ways = "there_and_back", fetch_s: float = 0.0,
) -> Coverage:
    """Which places have one of several things within a time, and how many people live there.

    Parameters
    ----------
    seconds_there : array_like, shape (places, things)
        Walking (or driving) from each place to each thing; inf no way, nan unknown.
    people : array_like, shape (places,)
        Whole numbers of 0 or more; nan for unknown.
    within_s : float
        The whole errand, in seconds; just at it is in.
    seconds_back : array_like, shape (things, places), optional
        The ways back; by default as long as there.
    ways : str
        ``there_and_back``: fetch it, errand = there + fetch_s + back. ``one_way``: errand = there + fetch_s.
    fetch_s : float
        Seconds at the thing: to take it off the wall.

    Raises
    ------
    ParameterError
        Shapes differ, a time is below 0, or people are no whole numbers.

    Examples
    --------
    >>> found = coverage([[100], [200]], [30, 10], within_s=240)
    >>> found.state.tolist(), found.share, coverage([[100], [200]], [30, 10], within_s=240, ways="one_way").share
    ([1, 0], 0.75, 1.0)
    """
    there, folk = np.asarray(seconds_there, dtype=float), np.asarray(people, dtype=float)
    back = there.T if seconds_back is None else np.asarray(seconds_back, dtype=float)
    _require(there, back, folk, within_s, fetch_s, ways)
    errand = there + fetch_s + (back.T if ways == "there_and_back" else 0.0)
    errand = np.where(np.isinf(there) | (np.isinf(back.T) & (ways == "there_and_back")), np.inf, errand)
    known = np.column_stack([np.where(np.isnan(errand), np.inf, errand), np.full(len(errand), np.inf)])
    soonest, unsure = known.min(axis=1), np.isnan(errand).any(axis=1)
    state = np.where(soonest <= within_s, 1, np.where(unsure, -1, 0)).astype(np.int8)
    counted = np.where(np.isnan(folk), 0, folk).astype(np.int64)
    covered, uncovered, undecided = (int(counted[state == value].sum()) for value in (1, 0, -1))
    return Coverage(
        state=state, seconds=np.where(np.isinf(soonest) & unsure, np.nan, soonest),
        nearest=np.where(np.isinf(soonest), -1, known.argmin(axis=1)).astype(np.int64), covered=covered, uncovered=uncovered,
        undecided=undecided, uncounted=int(np.isnan(folk).sum()),
    )


def _require(
    there: NDArray[np.float64], back: NDArray[np.float64], people: NDArray[np.float64], within_s: float, fetch_s: float, ways: str
) -> None:
    if ways not in WAYS:
        raise ParameterError("no such rule", where="coverage", expected=", ".join(WAYS), got=shown(ways), then="name one")
    if there.ndim != 2 or back.shape != there.shape[::-1] or people.shape != there.shape[:1]:
        raise ParameterError(
            "ways and people do not pair up", where="coverage", expected="places x things, things x places, and places",
            got=f"{there.shape}, {back.shape} and {people.shape}", then="give a row a place",
        )
    if (there < 0).any() or (back < 0).any() or not (0 <= within_s < np.inf and 0 <= fetch_s < np.inf):
        raise ParameterError(
            "a time is none", where="coverage", expected="seconds of 0 or more", got=f"within {shown(within_s)} s",
            then="mend the time",
        )
    given = people[~np.isnan(people)]
    if ((given < 0) | (given != np.floor(given)) | np.isinf(given)).any():
        raise ParameterError(
            "people are no whole numbers", where="coverage", expected="0 or more, nan for unknown", got="something else",
            then="mend the numbers",
        )
