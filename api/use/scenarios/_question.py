"""What a question is: an id, titles, the model of its parameters, and the function that answers it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from api.use.scenarios._inputs import Inputs
from api.use.scenarios._result import Result
from api.use.scenarios._scenario import Section

Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question.

    ``steps`` are what ``run`` tells its progress of, in their order.
    ``run`` is given parameters of ``parameters``' type, what may be read, and whom to tell of progress.
    ``fixed`` names what two runs must share for their figures to be compared, from a run's parameters.
    ``relative`` says of a run's parameters whether its figures only hold among the places they were made for.
    ``detail`` adds to one row of a result the numbers of the parameters that made it.
    """

    id: str
    title: Mapping[str, str]
    parameters: type[Section]
    run: Callable[[Any, Inputs, Progress], Result]
    steps: tuple[str, ...]
    fixed: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda _: {}
    relative: Callable[[Mapping[str, Any]], bool] = lambda _: False
    detail: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]] = lambda _, row: row
