"""What a layer is: a frozen declaration from which table, template, check, collection, legend, popup and form follow."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

import pandas as pd
from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from geo_risk.errors import DeclarationError
from geo_risk.model import Factor

Title = dict[Literal["en", "zh"], str]
Sensitivity = Literal["public", "internal", "personal"]
SENSITIVITIES: Final[tuple[Sensitivity, ...]] = ("public", "internal", "personal")
"""From what everybody may read to what few may; who may read one may read those before it."""

ColumnType = type[str] | type[int] | type[float] | type[bool] | type[dt.date]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
_FROZEN = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

SYSTEM_COLUMNS = ("derived", "source", "updated_at", "revision")
"""Columns that the store adds to every layer's frame."""


class Geometry(StrEnum):
    """The kind of geometry a layer's features have; multi-part ones count as their kind."""

    POINT = "point"
    LINE = "line"
    AREA = "area"
    NONE = "none"


@dataclass(frozen=True, config=_FROZEN)
class Choice:
    """One allowed value of a column; ``level`` is the numeral of the level it shows, if any."""

    id: Name
    en: str
    zh: str
    level: Literal["I", "II", "III", "IV"] | None = None


@dataclass(frozen=True, config=_FROZEN)
class Column:
    """One column. ``unit`` is shown beside the title; ``pattern`` must match a text whole."""

    name: Name
    type: ColumnType
    title: Title = Field(kw_only=True)
    required: bool = Field(default=False, kw_only=True)
    unit: str = Field(default="", kw_only=True)
    minimum: float | None = Field(default=None, kw_only=True)
    maximum: float | None = Field(default=None, kw_only=True)
    choices: tuple[Choice, ...] = Field(default=(), kw_only=True)
    pattern: str | None = Field(default=None, kw_only=True)
    sensitivity: Sensitivity = Field(default="public", kw_only=True)

    def titled(self, language: str) -> str:
        """The title with its unit, as a template's header shows it: ``Capacity (people)``."""
        title = self.title["zh" if language.startswith("zh") else "en"]
        return f"{title} ({self.unit})" if self.unit else title

    def declared(self) -> dict[str, Any]:
        """The column as plain JSON: what a page shows it and a form asks for it by.

        >>> Column("lit", bool, title={"en": "Lit", "zh": "有灯"}).declared()["type"]
        'bool'
        """
        return {
            "name": self.name,
            "type": self.type.__name__,
            "title": self.title,
            "unit": self.unit,
            "required": self.required,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "choices": [asdict(choice) for choice in self.choices],
        }

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if set(self.title) != {"en", "zh"}:
            raise DeclarationError("a title has two languages", where=self.name, expected="en and zh", got=str(sorted(self.title)))
        if self.choices and self.type is not str:
            raise DeclarationError("only text has choices", where=self.name, expected="str", got=self.type.__name__)
        if self.pattern is not None:
            re.compile(self.pattern)
        return self


@dataclass(frozen=True, config=_FROZEN)
class RowCheck:
    """A rule over several columns of a row. ``holds`` gives True, False, or NA where it cannot be said.

    ``of_row`` says the same of one row's plain values (missing is None, a date its ISO text), for writes that cannot wait for a
    frame; without it a frame of one row is made. ``of_sql`` says it to PostgreSQL, with the columns' names in braces (true, false,
    or null): a layer with a rule that has none cannot be edited in a GIS.
    """

    id: str
    columns: tuple[str, ...]
    holds: Callable[[pd.DataFrame], pd.Series]
    title: Title
    severity: Literal["error", "warning"] = "warning"
    of_row: Callable[[Mapping[str, Any]], bool | None] | None = None
    of_sql: str | None = None


@dataclass(frozen=True, config=_FROZEN)
class Derivation:
    """A column filled by a rule where the source left it empty; what was filled is listed in ``derived``."""

    column: str
    inputs: tuple[str, ...]
    rule: Callable[[pd.DataFrame], pd.Series]
    title: Title


@dataclass(frozen=True, config=_FROZEN)
class Look:
    """How lines or areas of one choice are drawn. ``dash`` is the outline's strokes and gaps in pixels, such as ``5 4``.

    On a map of a smaller zoom than ``from_zoom`` they are left out: there they would hide what matters more.
    """

    choice: Name
    fill_opacity: float = Field(default=0.0, ge=0, le=1, kw_only=True)
    outline_opacity: float = Field(default=1.0, ge=0, le=1, kw_only=True)
    outline_px: float = Field(default=1.0, ge=0, le=8, kw_only=True)
    dash: Annotated[str, Field(pattern=r"^([1-9][0-9]?( [1-9][0-9]?)+)?$")] = Field(default="", kw_only=True)
    from_zoom: float = Field(default=0.0, ge=0, le=20, kw_only=True)


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class Style:
    """How a layer is drawn: symbol and colour as constants, ``level_by`` a column whose choices carry levels.

    ``look_by`` is a column of choices, ``looks`` has a look for each of them, in the order in which they are drawn.
    """

    icon: str
    colour: Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
    popup: tuple[str, ...] = ()
    card: tuple[str, ...] = ()
    level_by: str | None = None
    look_by: str | None = None
    looks: tuple[Look, ...] = ()
    shown_at_start: bool = True


@dataclass(frozen=True, kw_only=True, config=_FROZEN)
class Layer:
    """One layer of the map. ``key`` names the columns that tell a feature from another of the same source.

    ``place_optional``: a feature may do without a geometry, since other columns say where it is. ``sensitivity`` says who may know
    of the layer at all; one that bears on risk is public, since a figure must not depend on who asks.
    """

    id: Name
    title: Title
    geometry: Geometry
    columns: tuple[Column, ...]
    style: Style
    group: Literal["hazard", "response", "area", "base", "people"]
    key: tuple[str, ...] = ()
    factors: tuple[Factor, ...] = ()
    checks: tuple[RowCheck, ...] = ()
    derivations: tuple[Derivation, ...] = ()
    attribution: str = ""
    licence: str = ""
    stale_after_days: int = 365
    places_by: str | None = None
    place_optional: bool = False
    sensitivity: Sensitivity = "public"

    def column(self, name: str) -> Column:
        """The column of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise DeclarationError(f"layer {self.id} has no such column", expected=", ".join(c.name for c in self.columns))

    def readable(self, sensitivities: tuple[str, ...] = ("public",)) -> tuple[Column, ...]:
        """The columns a caller with these sensitivities may read."""
        return tuple(column for column in self.columns if column.sensitivity in sensitivities)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        names = [column.name for column in self.columns]
        used = (
            *self.key,
            *self.style.popup,
            *self.style.card,
            *(by for by in (self.style.level_by, self.style.look_by) if by),
            *(name for check in self.checks for name in check.columns),
            *(name for rule in self.derivations for name in (rule.column, *rule.inputs)),
            *(factor.column for factor in self.factors if factor.column),
            *(name for factor in self.factors for name in factor.where),
        )
        missing = sorted(set(used) - set(names))
        if missing or len(set(names)) != len(names) or set(names) & {*SYSTEM_COLUMNS, "geometry", "id"}:
            raise DeclarationError(
                "a layer's declaration names columns it does not have, or one twice, or a reserved one",
                where=f"layers/{self.id}.py",
                expected=", ".join(names),
                got=", ".join(missing),
                then="mend the declaration",
            )
        return self

    @model_validator(mode="after")
    def _hides_nothing_that_figures_need(self) -> Self:
        if self.sensitivity != "public" and (self.factors or self.group in ("area", "base")):
            raise DeclarationError(
                "a layer that figures are made of cannot be hidden: a figure must not depend on who asks",
                where=f"layers/{self.id}.py", expected="sensitivity public", got=self.sensitivity,
                then="make it public, or give the columns that must not be read their sensitivity",
            )
        return self

    @model_validator(mode="after")
    def _has_a_look_a_choice(self) -> Self:
        by, looks = self.style.look_by, [look.choice for look in self.style.looks]
        known = [choice.id for choice in self.column(by).choices] if by else []
        drawn = self.geometry in (Geometry.LINE, Geometry.AREA)
        if sorted(looks) != sorted(known) or bool(by) != bool(looks) or (by and not drawn):
            raise DeclarationError(
                "a layer of lines or areas that has looks has one for each choice of their column",
                where=f"layers/{self.id}.py",
                expected=", ".join(known) or "no looks",
                got=", ".join(looks) or "no looks",
                then="mend look_by and looks in its style",
            )
        return self


def choices(*rows: tuple[Any, ...]) -> tuple[Choice, ...]:
    """Choices from rows of (id, en, zh[, level])."""
    return tuple(Choice(*row) for row in rows)
