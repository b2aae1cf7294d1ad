"""Questions that a scenario may ask, one module each; `QUESTIONS` finds them by id."""

import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Final

from api.use.scenarios._inputs import Each, Input, Inputs, file_inputs, layer_input, located, require_unchanged, stamps
from api.use.scenarios._question import Progress, Question
from api.use.scenarios._result import Field, Result, Row, Table, Value, table_of
from api.use.scenarios._scenario import Areas, Hazard, Scenario, Section, checked, read_toml

__all__ = [
    "QUESTIONS", "Areas", "Each", "Field", "Hazard", "Input", "Inputs", "Progress", "Question", "Result", "Row", "Scenario",
    "Section", "Table", "Value", "checked", "file_inputs", "layer_input", "located", "read_toml", "require_unchanged",
    "scenario_of", "stamps", "table_of",
]

_ASK: Final = "ask_"


class _Questions(Mapping[str, Question]):
    """Questions by id, found by looking at this folder.

    A module is loaded when its question is asked for: most commands ask none, and the engine takes seconds to load.
    """

    def __getitem__(self, question_id: str) -> Question:
        if question_id not in _ids():
            raise KeyError(question_id)
        found: Question = import_module(f"{__name__}.{_ASK}{question_id}").QUESTION
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(_ids())

    def __len__(self) -> int:
        return len(_ids())


@cache
def _ids() -> tuple[str, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(name.removeprefix(_ASK) for name in names if name.startswith(_ASK))


QUESTIONS: Final = _Questions()


def scenario_of(given: dict[str, object]) -> Scenario:
    """A scenario from a parsed file or body, checked against the question it names."""
    return checked(given, tuple(QUESTIONS), lambda question_id: QUESTIONS[question_id].parameters)
