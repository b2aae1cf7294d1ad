"""What each rule says of a row, in both languages; ``{expected}`` is filled from the column."""

from typing import Final, NamedTuple

from layers._layer import Column


class Words(NamedTuple):
    """One text in both languages."""

    en: str
    zh: str


RULES: Final = {
    "required": Words("a value is required", "必填项为空"),
    "text": Words("not text", "不是文字"),
    "integer": Words("not a whole number", "不是整数"),
    "number": Words("not a number", "不是数字"),
    "not_finite": Words("not a finite number", "不是有限数"),
    "too_large": Words("too large to keep exactly", "数值过大，无法精确保存"),
    "boolean": Words("neither yes nor no", "不是“是”或“否”"),
    "date": Words("not a date, such as 2024-01-31", "不是有效日期（如 2024-01-31）"),
    "choice": Words("not one of: {expected}", "不在可选值之内：{expected}"),
    "minimum": Words("less than {expected}", "小于 {expected}"),
    "maximum": Words("more than {expected}", "大于 {expected}"),
    "pattern": Words("not of the form {expected}", "格式不符：{expected}"),
    "control_character": Words("holds a control character", "含有控制字符"),
    "surrogate": Words("holds half a character", "含有不完整的字符"),
    "too_long": Words("text longer than 2,000 characters", "文字超过 2000 个字符"),
    "two_numbers": Words("not two numbers such as 120x100", "不是形如 120x100 的两个数"),
    "cells": Words("more cells than the header has columns", "单元格多于表头列数"),
    "text_cut": Words("text cut by the file format inside a character", "文字被文件格式截断（半个字符）"),
    "coordinates": Words("no coordinate in decimal degrees or metres", "坐标不是十进制数"),
    "wkt": Words("not WKT", "不是 WKT"),
    "geojson": Words("not a GeoJSON geometry", "不是 GeoJSON 几何"),
    "geometry_unreadable": Words("a geometry that cannot be read", "几何无法读取"),
    "vertices": Words("a geometry with too many vertices", "几何顶点过多"),
    "outside_crs": Words("outside the area of its CRS", "超出坐标系适用范围"),
    "geometry_missing": Words("no geometry", "没有几何"),
    "geometry_kind": Words("the layer has {expected} geometries", "本图层的几何类型应为{expected}"),
    "geometry_not_finite": Words("a coordinate that is no finite number", "坐标不是有限数"),
    "geometry_swapped": Words("off the globe; longitude and latitude look swapped", "坐标超出范围，经纬度可能颠倒"),
    "geometry_off_globe": Words("off the globe; a projected CRS needs --crs", "坐标超出范围；投影坐标请用 --crs 注明"),
    "geometry_invalid": Words(
        "an invalid geometry; --repair mends it and reports the area", "几何无效；可用 --repair 修复并报告面积变化"
    ),
    "key_missing": Words("the key column is blank", "标识列为空"),
    "key_twice": Words("the same key as row {expected}", "与第 {expected} 行的标识相同"),
    "duplicate": Words("the same as row {expected} in everything", "与第 {expected} 行完全相同"),
    "key_shared": Words(
        "named as row {expected}, but different: loaded as another feature", "与第 {expected} 行同名但内容不同，按另一要素载入"
    ),
    "not_derived": Words("nothing could be read from it", "未能由此推出数值"),
}

_KINDS: Final = {"point": Words("point", "点"), "line": Words("line", "线"), "area": Words("area", "面"), "none": Words("no", "无")}


def kind_words(kind: str) -> Words:
    """A geometry kind in both languages."""
    return _KINDS[kind]


def message(rule: str, expected: Words) -> Words:
    """The rule's text with what was expected filled in."""
    words = RULES[rule]
    return Words(words.en.replace("{expected}", expected.en), words.zh.replace("{expected}", expected.zh))


def expectation(rule: str, column: Column) -> Words:
    """What a rule expects of a column."""
    if rule == "choice":
        return Words(
            ", ".join(choice.id for choice in column.choices), "、".join(f"{choice.id}（{choice.zh}）" for choice in column.choices)
        )
    bound = {"minimum": column.minimum, "maximum": column.maximum}.get(rule)
    text = f"{bound:g} {column.unit}".strip() if bound is not None else column.pattern or ""
    return Words(text, text)
