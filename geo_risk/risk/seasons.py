"""Seasons of hazards: whether a hazard is in season in a region on a day, and what being out of season does to its weight.

A hazard out of season is never dropped: it stays in every list and says so. What its weight becomes is a named rule.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from geo_risk.errors import ParameterError, shown
from geo_risk.model import InSeason, Season, SeasonState

OUT_OF_SEASON: Final[Mapping[str, float]] = MappingProxyType({"said_only": 1.0, "halved": 0.5, "not_counted": 0.0})
"""What a hazard's weight is multiplied by out of season, by the rule's name."""


def in_season(hazard: str, region: str, on: dt.date, seasons: Sequence[Season]) -> SeasonState:
    """Whether a hazard is in season in a region on a day.

    Of the rows for the hazard, those of the region count: the ones whose ``region`` is the longest start of the code.
    A season whose last day stands before its first one wraps New Year. A row for a year, the one its season begins in,
    takes the place of the rows for every year. The first and the last day are in.

    Parameters
    ----------
    hazard : str
        As the rows name it.
    region : str
        An administrative code, such as ``330100`` or ``33``; empty if nobody knows.
    on : date
        The day asked about; never the clock's own.
    seasons : sequence of Season

    Returns
    -------
    SeasonState
        ``in`` or ``out``; ``unknown`` where other regions have a season and this one has no row; ``all year`` where no
        region has. Only ``out`` lowers a weight: unknown is not safe.

    Examples
    --------
    >>> fire = Season(region="44", hazard="forest_fire", first=(10, 1), last=(4, 30), year=None, source="", checked="")
    >>> days = [dt.date(2026, 9, 30), dt.date(2026, 10, 1), dt.date(2026, 1, 1), dt.date(2026, 4, 30), dt.date(2026, 5, 1)]
    >>> [in_season("forest_fire", "440100", day, [fire]).state for day in days]
    ['out', 'in', 'in', 'in', 'out']
    >>> in_season("forest_fire", "33", days[0], [fire]).state, in_season("quake", "44", days[0], [fire]).state
    ('unknown', 'all year')
    """
    of_hazard = [season for season in seasons if season.hazard == hazard]
    regions = [season.region for season in of_hazard if region.startswith(season.region)]
    rows = [season for season in of_hazard if regions and season.region == max(regions, key=len)]
    state: InSeason = "all year" if not of_hazard else "unknown" if not rows else "in" if _holds(rows, on) else "out"
    return SeasonState(hazard=hazard, region=region, on=on, state=state, seasons=tuple(rows))


def season_weight(state: SeasonState | None, rule: str) -> float:
    """What a weight is multiplied by: the rule's factor out of season, else 1.

    Raises
    ------
    ParameterError
        No such rule.

    Examples
    --------
    >>> out = SeasonState(hazard="flood", region="33", on=dt.date(2026, 1, 1), state="out", seasons=())
    >>> season_weight(out, "halved"), season_weight(None, "halved")
    (0.5, 1.0)
    """
    if rule not in OUT_OF_SEASON:
        raise ParameterError(
            "no such rule for what is out of season", where="out_of_season", expected=", ".join(OUT_OF_SEASON), got=shown(rule),
            then="name one",
        )
    return OUT_OF_SEASON[rule] if state is not None and state.state == "out" else 1.0


def _holds(rows: Sequence[Season], on: dt.date) -> bool:
    """Whether a season that began this year or last year has the day in it."""
    day = (on.year, on.month, on.day)
    begun = [(year, season) for year in (on.year - 1, on.year) for season in _of_year(rows, year)]
    return any((year, *season.first) <= day <= (year + (season.last < season.first), *season.last) for year, season in begun)


def _of_year(rows: Sequence[Season], year: int) -> list[Season]:
    named = [season for season in rows if season.year == year]
    return named or [season for season in rows if season.year is None]
