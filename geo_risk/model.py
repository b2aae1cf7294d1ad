"""The words of the engine: Factor, Scale, Rule, Band, Season, Reading, PlaceRisk, Provenance, Assessment. All frozen."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Final, Literal

Role = Literal["hazard", "exposure", "vulnerability", "coping"]
ROLES: Final[tuple[Role, ...]] = ("hazard", "exposure", "vulnerability", "coping")
Curve = Literal["linear", "log", "rank", "z"]
InSeason = Literal["in", "out", "unknown", "all year"]
Text = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Factor:
    """One thing that bears on risk: a measure of the engine over the features of one layer.

    ``measure`` names a function of `geo_risk.risk.measures`; ``column`` is the column it reads, if any;
    ``where`` keeps only features whose column has one of the values. The numbers that turn a raw value
    into a score are not here but in the table *factors*, under this id.
    """

    id: str
    role: Role
    measure: str
    title: Text
    unit: str
    column: str | None = None
    where: dict[str, tuple[object, ...]] = field(default_factory=dict)
    unit_title: Text = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How a factor's raw value becomes a score of 0 to 10, and how much it weighs in its role.

    ``low`` scores 0 and ``high`` scores 10 (``low`` may be the larger: then more is better). They stand in the
    factor's unit where ``curve`` is ``linear`` or ``log``, a fixed range; in percentiles among the places where it is
    ``rank``; in standard deviations from the places' mean where it is ``z``. Source and who checked it travel along.

    ``scheme`` names the scheme of levels of the raw value itself, ``hazard`` what the table *seasons* calls the
    hazard; empty where there is none.
    """

    curve: Curve
    low: float
    high: float
    weight: float
    source: str
    checked: str
    scheme: str = ""
    hazard: str = ""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A named choice that a result was made by: what was chosen, and from which options."""

    id: str
    chosen: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Band:
    """The scores that make a level: from ``at_least`` up to ``below``; None is no bound. *Unknown* has neither.

    The least level has no lower bound: what falls below every bound takes it.
    """

    level: str
    numeral: str
    at_least: float | None
    below: float | None


@dataclass(frozen=True, kw_only=True)
class Season:
    """The part of a year in which a hazard is to be expected in a region, both days in it; it may wrap New Year.

    ``region`` is the start of the administrative codes it holds for. ``first`` and ``last`` are (month, day); ``year``
    is the one it begins in where a region names its days anew each year, None where they stand for every year.
    """

    region: str
    hazard: str
    first: tuple[int, int]
    last: tuple[int, int]
    year: int | None
    source: str
    checked: str


@dataclass(frozen=True, kw_only=True)
class SeasonState:
    """Whether a hazard is in season in a region on a day, and by which rows that was said.

    ``unknown``: the hazard has seasons, but none is known for the region; it counts as in season. ``all year``: no
    region has a season for it.
    """

    hazard: str
    region: str
    on: dt.date
    state: InSeason
    seasons: tuple[Season, ...]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one factor says of one place. ``raw`` and ``score`` are None where unknown.

    ``weight`` is the one that counted, season included. ``level`` is the raw value's by the factor's own scheme, empty
    where it has none; ``season`` is empty where nobody asked for a day.
    """

    factor: str
    role: Role
    raw: float | None
    score: float | None
    weight: float
    level: str = ""
    season: InSeason | Literal[""] = ""


@dataclass(frozen=True, kw_only=True)
class PlaceRisk:
    """The risk of one place: score 0 to 10 or None, its level id, each role's score, and every reading behind it."""

    place: str
    name: str
    score: float | None
    level: str
    roles: dict[str, float | None]
    readings: tuple[Reading, ...]


@dataclass(frozen=True, kw_only=True)
class Absent:
    """A factor that was asked for and could not be read anywhere, with the reason."""

    factor: str
    reason: Literal["no features", "no values", "not a value of these places"]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a result comes from: the inputs with the store's revision, the rules, the engine and the time."""

    inputs: dict[str, int]
    revision: int
    rules: tuple[Rule, ...]
    engine: str
    made_at: str


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """Places from the worst to the least, unknown last, with all that is needed to argue with a figure.

    ``factors`` and ``scales`` hold every factor asked for, the ``absent`` ones too; a place has a reading for each
    factor that is not absent. ``bands`` are the scheme's, worst first, then *unknown*. ``role_weights`` are those of
    the roles that could be read; ``seasons`` tells of each seasonal factor, by its id.
    """

    places: tuple[PlaceRisk, ...]
    factors: tuple[Factor, ...]
    scales: dict[str, Scale]
    absent: tuple[Absent, ...]
    scheme: str
    rules: tuple[Rule, ...]
    bands: tuple[Band, ...] = ()
    role_weights: dict[str, float] = field(default_factory=dict)
    seasons: dict[str, SeasonState] = field(default_factory=dict)
