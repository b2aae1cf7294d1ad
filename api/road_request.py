"""What doors over the roads need of a request besides: how it travels, and the files that the roads are kept in."""

from typing import Annotated

from fastapi import Depends, Request

from api.settings import Settings
from api.use.access.asked import RoadQuestion
from api.use.access.roads_now import AccessFiles, access_files


def _files(request: Request) -> AccessFiles:
    settings: Settings = request.app.state.settings
    return access_files(settings.store, settings.rasters)


def _road_question(vehicle: str = "car", at: str | None = None, without: str | None = None) -> RoadQuestion:
    return RoadQuestion(vehicle=vehicle, at=at, without=without)


Asked = Annotated[RoadQuestion, Depends(_road_question)]
FilesNow = Annotated[AccessFiles, Depends(_files)]
