"""What every door needs of a request: the snapshot it answers from, the settings, and no unknown parameters."""

from typing import Annotated, Any, get_args, get_origin

from fastapi import Depends, Request

from api.served import Follower, Served
from api.settings import Settings
from api.use.access.asked import RoadQuestion
from api.use.access.roads_now import AccessFiles, access_files
from geo_risk.errors import ParameterError, shown
from layers._store import Store


def _served(request: Request) -> Served:
    follower: Follower = request.app.state.follower
    return follower.served()


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _files(request: Request) -> AccessFiles:
    settings: Settings = request.app.state.settings
    return access_files(settings.store, settings.rasters)


def _store(request: Request) -> Store:
    found: Store = request.app.state.store
    return found


def _road_question(vehicle: str = "car", at: str | None = None, without: str | None = None) -> RoadQuestion:
    return RoadQuestion(vehicle=vehicle, at=at, without=without)


def known_parameters(request: Request) -> None:
    """Refuse a query parameter that the route does not declare, or one given twice: never ignored in silence."""
    dependant = request.scope["route"].dependant
    fields = _query_fields(dependant)
    declared = {field.alias for field in fields}
    several = {field.alias for field in fields if _takes_several(field.field_info.annotation)}
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


def _query_fields(dependant: Any) -> list[Any]:
    """The query parameters of a route, those of what it depends on included."""
    return [*dependant.query_params, *(field for each in dependant.dependencies for field in _query_fields(each))]


def _takes_several(annotation: Any) -> bool:
    """Whether a parameter is declared as a list, as the checkboxes of a form are sent."""
    return any(get_origin(part) is list for part in (annotation, *get_args(annotation)))


ServedNow = Annotated[Served, Depends(_served)]
Asked = Annotated[RoadQuestion, Depends(_road_question)]
FilesNow = Annotated[AccessFiles, Depends(_files)]
StoreNow = Annotated[Store, Depends(_store)]
SettingsNow = Annotated[Settings, Depends(_settings)]
