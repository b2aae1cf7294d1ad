"""What clerks and developers take away: import templates, and the API documentation without any outside host."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Response

from api.policy import EVERYBODY
from api.request import known_parameters
from layers._catalog import layer
from layers._check import template_csv, template_xlsx

router = APIRouter(tags=["documents"], dependencies=[*EVERYBODY, Depends(known_parameters)])

TEMPLATES = {
    "csv": (template_csv, "text/csv; charset=utf-8"),
    "xlsx": (template_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


@router.get("/templates/{layer_id}.{extension}")
def template(
    layer_id: str, extension: Annotated[Literal["csv", "xlsx"], Path()], lang: Literal["zh-CN", "en"] = "zh-CN"
) -> Response:
    """An empty table with the layer's header row, to be filled in and imported."""
    make, kind = TEMPLATES[extension]
    name = f"{layer(layer_id).id}.{extension}"
    return Response(make(layer(layer_id), lang), media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
