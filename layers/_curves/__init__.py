"""Vulnerability curves from files: ours and a deployment's TOML, JRC's CSV, Hazus' look-up tables, anybody's own CSV.

A form is a row of `FORMS`; what a file leaves unsaid is said by `CurveOptions`. Nothing is guessed: per cent, feet and
curves that fall are refused until the options or the form name them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from geo_risk.errors import ParameterError, shown
from geo_risk.impact.curves import CurveSet
from layers._curves.forms import CurveOptions, hazus, jrc, long_table, our_toml, wide_table
from layers._curves.texts import amounts

__all__ = ["FORMS", "CurveOptions", "amounts", "load_curves", "our_curves"]

FORMS: Final[Mapping[str, Callable[[Path, CurveOptions], CurveSet]]] = MappingProxyType({
    "jrc": jrc,
    "hazus": hazus,
    "wide": wide_table,
    "long": long_table,
    "toml": our_toml,
})


def load_curves(path: Path, form: str, options: CurveOptions | None = None) -> CurveSet:
    """The curves of a file, by occupancy; ``form`` is one of `FORMS`."""
    if form not in FORMS:
        raise ParameterError("no such form of curve file", where="load_curves", expected=", ".join(FORMS), got=shown(form))
    return FORMS[form](path, options or CurveOptions())


def our_curves() -> CurveSet:
    """The curves that come with the project: starting choices, unchecked, until a deployment loads its own."""
    return our_toml(Path(__file__).with_name("depth.toml"), CurveOptions())
