"""A scenario: a question with its parameters, read strictly from TOML or JSON; nothing in it is ignored."""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from geo_risk.errors import FileError, NotFound, ParameterError, shown

_LARGEST: Final = 1_000_000
_LISTED: Final = 5
Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[\w-]+$")]
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
FileName = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Section(BaseModel):
    """A part of a scenario: no unknown keys, no guessing of types, nothing changes later."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Hazard(Section):
    """One raster of a hazard: the file, which of its bands or variables, and how often it is to be expected."""

    id: Name
    file: FileName
    band: Annotated[int, Field(ge=1, le=10_000)] = 1
    variable: Name | None = None
    crs: Annotated[str, Field(pattern=r"^EPSG:\d{4,6}$")] | None = None
    nodata: Finite | None = None
    unit: Literal["m", "cm", "mm", "class"] = "m"
    return_period_years: Positive | None = None


def require_ids_once(*sections: Sequence["Hazard | Areas"]) -> None:
    """Stop a model whose hazards or areas share an id: their rows could not be told apart."""
    for each in sections:
        if len({one.id for one in each}) < len(each):
            raise ValueError("each id once among hazards and among areas")


class Areas(Section):
    """Areas that figures are told for: a file's polygons, or a layer of the store."""

    id: Name
    file: FileName | None = None
    table: Text | None = None
    layer: Name | None = None
    crs: Annotated[str, Field(pattern=r"^EPSG:\d{4,6}$")] | None = None
    datum: Literal["wgs84", "cgcs2000", "gcj02", "bd09"] | None = None
    id_column: Text | None = None
    name_column: Text | None = None


class Layered(Protocol):
    """A section that may name a layer of the store."""

    @property
    def layer(self) -> str | None:
        """The layer's id."""


def layers_of(*sections: Layered | None) -> tuple[str, ...]:
    """The layers of the store that sections name, each once, in the order of their ids."""
    return tuple(sorted({each.layer for each in sections if each is not None and each.layer is not None}))


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A question to be asked: its id, a title, and the parameters as the question's own model holds them."""

    question: str
    title: str
    parameters: Section

    def canonical(self) -> dict[str, Any]:
        """The scenario as plain values, every default said: what is stored, and what makes it again."""
        return {"title": self.title, "question": self.question, **self.parameters.model_dump(mode="json")}

    def files(self) -> tuple[str, ...]:
        """The names of files it reads, as written, each once, in the order of names."""
        return tuple(sorted(set(_files(self.parameters.model_dump()))))


def read_toml(path: Path) -> dict[str, Any]:
    """The scenario file's content, not yet checked.

    Raises
    ------
    FileError
        There is no such file, it is too large, or it is no TOML.
    """
    if not path.is_file():
        raise FileError(
            "there is no such scenario file", where=path.name, expected="a TOML file", got="nothing", then="check the path",
        )
    size = path.stat().st_size
    if size > _LARGEST:
        raise FileError("the scenario file is too large", where=path.name, expected=f"at most {_LARGEST} bytes", got=str(size))
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError:
        raise FileError("the scenario file is not UTF-8", where=path.name, expected="UTF-8 text", then="save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        place = str(error).rpartition("(at ")[2].rstrip(")")
        raise FileError(
            "the scenario file is no TOML", where=f"{path.name}, {place}", expected="TOML 1.0", then="mend that place",
        ) from None
    except RecursionError:
        raise FileError("the scenario file is nested too deep", where=path.name, expected="tables in tables, few deep") from None


def checked(given: Mapping[str, Any], questions: Sequence[str], parameters_of: Callable[[str], type[Section]]) -> Scenario:
    """The scenario of a parsed file or body; ``parameters_of`` gives the model of a question's parameters.

    Raises
    ------
    NotFound
        No such question.
    ParameterError
        A key is unknown or missing, or a value is of a wrong type or out of range; ``where`` is the key's place.
    """
    question, title = given.get("question"), given.get("title", "")
    if not isinstance(question, str) or question not in questions:
        raise NotFound(
            "no such question", where="question", expected=" or ".join(questions), got=shown(question), then="name one of these",
        )
    if not isinstance(title, str) or len(title) > 200 or any(not letter.isprintable() for letter in title):
        raise ParameterError(
            "the title is no title", where="title", expected="one line of at most 200 characters", got=shown(title),
        )
    rest = {name: value for name, value in given.items() if name not in ("question", "title")}
    try:
        parameters = parameters_of(question).model_validate(rest)
    except ValidationError as error:
        raise _refusal(error) from None
    return Scenario(question=question, title=title, parameters=parameters)


def _refusal(error: ValidationError) -> ParameterError:
    faults = error.errors(include_url=False, include_context=False, include_input=True)
    first = faults[0]
    places = "; ".join(".".join(map(shown, fault["loc"])) for fault in faults[:_LISTED])
    unknown_key = first["type"] == "extra_forbidden"
    got = "an unknown key" if unknown_key else shown(first["input"])
    return ParameterError(
        "the scenario cannot be taken as it is" if len(faults) == 1 else f"the scenario has {len(faults)} faults",
        where=places,
        expected="a key that the question knows" if unknown_key else first["msg"][:200],
        got=got,
        then="mend the key named first, then try again",
    )


def _files(values: Any) -> Iterator[str]:
    if isinstance(values, dict):
        for name, value in values.items():
            if name == "file" and isinstance(value, str):
                yield value
            else:
                yield from _files(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _files(value)
