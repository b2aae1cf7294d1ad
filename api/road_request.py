"""What doors over the roads need of a request besides: how it travels, and the files that the roads are kept in."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request

from api.request import ServedThen
from api.settings import Settings
from api.use.access.asked import RoadQuestion
from api.use.access.roads_now import AccessFiles, access_files


def _files(request: Request) -> AccessFiles:
    settings: Settings = request.app.state.settings
    return access_files(settings.store, settings.rasters)


def _road_question(vehicle: str = "car", at: str | None = None, without: str | None = None) -> RoadQuestion:
    return RoadQuestion(vehicle=vehicle, at=at, without=without)


def _files_then(request: Request, served: ServedThen) -> AccessFiles:
    files = _files(request)
    # the roads of another time must not take the place of the saved ones of now
    return files if served.moment is None else replace(files, network=files.network.with_suffix(".then.npz"))


def _road_question_then(
    served: ServedThen, vehicle: str = "car", at: str | None = None, without: str | None = None
) -> RoadQuestion:
    return RoadQuestion(vehicle=vehicle, at=at if at or served.moment is None else served.moment.true_at, without=without)


Asked = Annotated[RoadQuestion, Depends(_road_question)]
AskedThen = Annotated[RoadQuestion, Depends(_road_question_then)]
"""The roads at the moment asked about, unless ``at`` says another: with the closures that were known of then."""
FilesNow = Annotated[AccessFiles, Depends(_files)]
FilesThen = Annotated[AccessFiles, Depends(_files_then)]
