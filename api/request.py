"""What every door needs of a request: the snapshot it answers from, the settings, and no unknown parameters."""

from typing import Annotated, Any, get_args, get_origin

from fastapi import Depends, Request

from api.served import Follower, Served
from api.settings import Settings
from geo_risk.errors import ParameterError, shown


def _served(request: Request) -> Served:
    follower: Follower = request.app.state.follower
    return follower.served()


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def known_parameters(request: Request) -> None:
    """Refuse a query parameter that the route does not declare, or one given twice: never ignored in silence."""
    dependant = request.scope["route"].dependant
    declared = {field.alias for field in dependant.query_params}
    several = {field.alias for field in dependant.query_params if _takes_several(field.field_info.annotation)}
    for name in request.query_params:
        if name not in declared:
            raise ParameterError(
                f"no parameter {shown(name)!r} here",
                where=request.scope["route"].path,
                expected=", ".join(sorted(declared)) or "no parameters",
                got=shown(name),
                then="check the spelling",
            )
        if len(request.query_params.getlist(name)) > 1 and name not in several:
            raise ParameterError(
                f"parameter {name} is given twice", where=request.scope["route"].path, expected="one value", got="several"
            )


def _takes_several(annotation: Any) -> bool:
    """Whether a parameter is declared as a list, as the checkboxes of a form are sent."""
    return any(get_origin(part) is list for part in (annotation, *get_args(annotation)))


ServedNow = Annotated[Served, Depends(_served)]
SettingsNow = Annotated[Settings, Depends(_settings)]
