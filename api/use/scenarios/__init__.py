"""Questions that a scenario may ask, one module each; `QUESTIONS` finds them by id."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from api.use.scenarios import ask_annual, ask_buildings, ask_classes, ask_damage, ask_events, ask_index, ask_people, ask_rain
from api.use.scenarios._inputs import Each, Input, Inputs, file_inputs, layer_input, located, require_unchanged, stamps
from api.use.scenarios._question import Progress, Question
from api.use.scenarios._result import Field, Result, Row, Table, Value, table_of
from api.use.scenarios._scenario import Areas, Hazard, Scenario, Section, checked, read_toml

__all__ = [
    "QUESTIONS", "Areas", "Each", "Field", "Hazard", "Input", "Inputs", "Progress", "Question", "Result", "Row", "Scenario",
    "Section", "Table", "Value", "checked", "file_inputs", "layer_input", "located", "read_toml", "require_unchanged",
    "scenario_of", "stamps", "table_of",
]

_ASKED: Final = (ask_annual, ask_buildings, ask_classes, ask_damage, ask_events, ask_index, ask_people, ask_rain)
QUESTIONS: Final[Mapping[str, Question]] = MappingProxyType({each.QUESTION.id: each.QUESTION for each in _ASKED})


def scenario_of(given: dict[str, object]) -> Scenario:
    """A scenario from a parsed file or body, checked against the question it names."""
    return checked(given, {name: question.parameters for name, question in QUESTIONS.items()})
