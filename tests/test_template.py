"""Templates: filled in, each layer's imports in both languages without any mapping."""

import datetime as dt
import io
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from layers._catalog import catalog
from layers._check import CheckOptions, check, template_csv, template_xlsx
from layers._check.template import template_header
from layers._layer import Column, Geometry, Layer
from layers._read import ReadOptions, read

LANGUAGES = ("en", "zh-CN")
PLACES = {
    Geometry.POINT: ("10", "50"),
    Geometry.LINE: ("LINESTRING (0 0, 1 1)",),
    Geometry.AREA: ("POLYGON ((0 0, 1 0, 1 1, 0 0))",),
    Geometry.NONE: (),
}
every_layer = pytest.mark.parametrize("layer", catalog().values(), ids=catalog())
every_language = pytest.mark.parametrize("language", LANGUAGES)


_OF_A_FORM = ("330102001000", "04-15", "2026-07-01T08:00+08:00", "depth.tif")


def valid_text(column: Column, language: str) -> str:
    """A text a clerk could type into this column."""
    if column.choices:
        return column.choices[0].zh if language.startswith("zh") else column.choices[0].en
    if column.pattern:
        return next(text for text in _OF_A_FORM if re.fullmatch(column.pattern, text))
    if column.type is dt.date:
        return "2024-01-31"
    number = column.minimum if column.minimum is not None else 1
    return {str: "text", int: f"{number:.0f}", float: f"{number}", bool: "是" if language.startswith("zh") else "yes"}[column.type]


def filled(layer: Layer, language: str) -> list[str]:
    return [*(valid_text(column, language) for column in layer.columns), *PLACES[layer.geometry]]


def accepted(layer: Layer, path: Path) -> Any:
    checked = check(layer, read(path, ReadOptions()), CheckOptions())
    assert [fault for fault in checked.report.faults if fault.severity == "error"] == []
    assert checked.report.columns_ignored == ()
    assert checked.frame[[column.name for column in layer.columns]].notna().all(axis=None)
    return checked.frame


@every_language
@every_layer
def test_a_filled_csv_template_imports_as_it_is(tmp_path: Path, layer: Layer, language: str) -> None:
    path = tmp_path / "a.csv"
    row = ",".join(f'"{cell}"' for cell in filled(layer, language))
    path.write_bytes(template_csv(layer, language) + row.encode() + b"\r\n")
    assert len(accepted(layer, path)) == 1


@every_language
@every_layer
def test_a_filled_workbook_imports_as_it_is(tmp_path: Path, layer: Layer, language: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(template_xlsx(layer, language)))
    for place, cell in enumerate(filled(layer, language), start=1):
        book.worksheets[0].cell(row=2, column=place, value=cell)
    book.save(tmp_path / "a.xlsx")
    assert len(accepted(layer, tmp_path / "a.xlsx")) == 1


@every_language
@every_layer
def test_headers_differ_and_begin_with_a_byte_order_mark(layer: Layer, language: str) -> None:
    header = template_header(layer, language)
    assert len(set(header)) == len(header)
    assert template_csv(layer, language).startswith(b"\xef\xbb\xbf")


@every_layer
def test_workbooks_hold_no_formula_and_a_rule_for_each_choice(layer: Layer) -> None:
    book = openpyxl.load_workbook(io.BytesIO(template_xlsx(layer, "en")))
    data, about = book.worksheets
    assert not [cell for sheet in book for row in sheet for cell in row if cell.data_type == "f"]
    ruled = [column for column in layer.columns if column.choices or column.type in (bool, int, float)]
    assert len(data.data_validations.dataValidation) == len(ruled)
    assert (about.max_row, data.cell(1, 1).comment is not None) == (1 + len(layer.columns), True)
