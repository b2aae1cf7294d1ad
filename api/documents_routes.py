"""What clerks and developers take away: import templates, and the API documentation without any outside host."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse

from api.policy import READERS
from api.request import Language, ServedNow, known_parameters
from layers._check import template_csv, template_xlsx

router = APIRouter(tags=["documents"], dependencies=[*READERS, Depends(known_parameters)])

TEMPLATES = {
    "csv": (template_csv, "text/csv; charset=utf-8"),
    "xlsx": (template_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


@router.get("/templates/{layer_id}.{extension}")
def template(
    served: ServedNow, layer_id: str, extension: Annotated[Literal["csv", "xlsx"], Path()], lang: Language = "zh-CN"
) -> Response:
    """An empty table with the layer's header row, to be filled in and imported."""
    make, kind = TEMPLATES[extension]
    found = served.snapshot.layer(layer_id)
    name = f"{found.id}.{extension}"
    return Response(make(found, lang), media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> JSONResponse:
    """The description of every door (OpenAPI 3.1), made of their declarations alone."""
    return JSONResponse(request.app.openapi())
