"""Import templates from a layer's declaration: a header in the clerk's language that imports without any mapping."""

import csv
import io
from typing import Any, Final

from layers._layer import Column, Geometry, Layer

_ROWS: Final = 5000
_LIST_CHARACTERS: Final = 255  # Excel's own limit for a list inside a cell rule
_PLACES: Final[dict[Geometry, dict[str, tuple[str, ...]]]] = {
    Geometry.POINT: {"en": ("Longitude", "Latitude"), "zh": ("经度", "纬度")},
    Geometry.LINE: {"en": ("WKT",), "zh": ("WKT",)},
    Geometry.AREA: {"en": ("WKT",), "zh": ("WKT",)},
    Geometry.NONE: {"en": (), "zh": ()},
}
_YES_NO: Final = {"en": ["yes", "no"], "zh": ["是", "否"]}
_TYPES: Final = {
    "str": {"en": "text", "zh": "文字"},
    "int": {"en": "whole number", "zh": "整数"},
    "float": {"en": "number", "zh": "数字"},
    "bool": {"en": "yes or no", "zh": "是或否"},
    "date": {"en": "date, such as 2024-01-31", "zh": "日期，如 2024-01-31"},
}
_WORDS: Final = {
    "en": {"data": "Data", "about": "Columns", "required": "required", "optional": "optional", "from": "at least", "to": "at most"},
    "zh": {"data": "数据", "about": "列说明", "required": "必填", "optional": "选填", "from": "不小于", "to": "不大于"},
}


def template_header(layer: Layer, language: str) -> list[str]:
    """The header cells: each column's title with its unit, then where the row lies."""
    tongue = _tongue(language)
    return [*(column.titled(language) for column in layer.columns), *_PLACES[layer.geometry][tongue]]


def template_csv(layer: Layer, language: str) -> bytes:
    """The header as a CSV, UTF-8 with BOM so that spreadsheets read it right."""
    out = io.StringIO(newline="")
    csv.writer(out).writerow(template_header(layer, language))
    return out.getvalue().encode("utf-8-sig")


def template_xlsx(layer: Layer, language: str) -> bytes:
    """A workbook: the header with comments, lists and ranges that the cells keep to, and a sheet that explains each column."""
    import xlsxwriter  # noqa: PLC0415 - only who wants a template waits for it

    out = io.BytesIO()
    tongue = _tongue(language)
    safe = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, safe) as book:
        _data_sheet(book, layer, tongue)
        _about_sheet(book, layer, tongue)
    return out.getvalue()


def _data_sheet(book: Any, layer: Layer, tongue: str) -> None:
    sheet = book.add_worksheet(_WORDS[tongue]["data"])
    heads = {
        required: book.add_format({"bold": True, "text_wrap": True, "bg_color": "#ffe45e" if required else "#e6e6e6"})
        for required in (True, False)
    }
    forms = {"str": book.add_format({"num_format": "@"}), "date": book.add_format({"num_format": "yyyy-mm-dd"})}
    for place, title in enumerate(template_header(layer, tongue)):
        column = layer.columns[place] if place < len(layer.columns) else None
        sheet.set_column(place, place, 18, forms.get(column.type.__name__) if column else None)
        sheet.write_string(0, place, title, heads[column.required if column else True])
        if column is not None:
            sheet.write_comment(0, place, _about(column, tongue))
            if rule := _cell_rule(column, tongue):
                sheet.data_validation(1, place, _ROWS, place, rule)
    sheet.freeze_panes(1, 0)


def _about_sheet(book: Any, layer: Layer, tongue: str) -> None:
    """Each column in both languages, so that a template can be passed on."""
    sheet = book.add_worksheet(_WORDS[tongue]["about"])
    bold = book.add_format({"bold": True})
    for place, head in enumerate(("column", "en", "zh", "about", "说明")):
        sheet.write_string(0, place, head, bold)
    for row, column in enumerate(layer.columns, start=1):
        for place, text in enumerate(
            (column.name, column.titled("en"), column.titled("zh"), _about(column, "en"), _about(column, "zh"))
        ):
            sheet.write_string(row, place, text)
    sheet.set_column(0, 4, 32)


def _about(column: Column, tongue: str) -> str:
    """A column's type, whether it is required, its range and choices, in one line."""
    words = _WORDS[tongue]
    parts = [_TYPES[column.type.__name__][tongue], words["required" if column.required else "optional"]]
    parts += [
        f"{words[name]} {bound:g} {column.unit}".strip()
        for name, bound in (("from", column.minimum), ("to", column.maximum))
        if bound is not None
    ]
    parts += [f"form {column.pattern}"] if column.pattern and tongue == "en" else []
    parts += [f"格式 {column.pattern}"] if column.pattern and tongue == "zh" else []
    parts += [" / ".join(_choice_words(column, tongue))] if column.choices else []
    return "; ".join(parts)


def _cell_rule(column: Column, tongue: str) -> dict[str, Any] | None:
    listed = _choice_words(column, tongue) if column.choices else _YES_NO[tongue] if column.type is bool else []
    if listed:
        # A comma inside an item would part it, and Excel takes no longer list in a cell rule.
        fits = not any("," in word for word in listed) and len(",".join(listed)) <= _LIST_CHARACTERS
        return {"validate": "list", "source": listed if fits else [choice.id for choice in column.choices]}
    if column.type not in (int, float):
        return None
    low, high = column.minimum, column.maximum
    return {
        "validate": "integer" if column.type is int else "decimal",
        "criteria": "between",
        "minimum": -1e15 if low is None else low,
        "maximum": 1e15 if high is None else high,
    }


def _choice_words(column: Column, tongue: str) -> list[str]:
    return [choice.zh if tongue == "zh" else choice.en for choice in column.choices]


def _tongue(language: str) -> str:
    return "zh" if language.startswith("zh") else "en"
