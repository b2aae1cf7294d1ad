"""The curves that a scenario names: a file in one of the published forms, or those that come with the project."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from api.use.scenarios._inputs import Inputs
from api.use.scenarios._scenario import FileName, Section, Text
from geo_risk.impact.curves import Curve, CurveSet
from layers._curves import CurveOptions, load_curves, our_curves

OURS: Final = "curves of the project, unchecked"


class Curves(Section):
    """A file of vulnerability curves and what it does not say of itself; our own without a file."""

    file: FileName | None = None
    form: Literal["jrc", "hazus", "wide", "long", "toml"] = "wide"
    unit: Text = "m"
    percent: bool = False
    may_fall: bool = False
    below: Literal["first", "zero", "unknown"] | None = None
    above: Literal["last", "unknown"] = "last"
    prefix: str = ""
    """Prepended to an object's occupancy to find its curve: "asia " turns "residential" into "asia residential"."""


def curve_set(section: Curves, inputs: Inputs) -> CurveSet:
    """The curves by occupancy as the objects name them."""
    options = CurveOptions(
        unit=section.unit, percent=section.percent, may_fall=section.may_fall, below=section.below, above=section.above
    )
    found = our_curves() if section.file is None else load_curves(inputs.path(section.file), section.form, options)
    if not section.prefix:
        return found
    return CurveSet(curves={
        name.removeprefix(section.prefix): curve for name, curve in found.curves.items() if name.startswith(section.prefix)
    })


def same_curves(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """What two runs must share for their damage to be compared, from a run's parameters."""
    return {"curves": parameters["curves"]}


def points(curve: Curve) -> list[list[float]]:
    """A curve's points as plain numbers, for a run's parameters."""
    return [[intensity, fraction] for intensity, fraction in zip(curve.intensity, curve.fraction, strict=True)]
