"""One table from error to HTTP status, and the problem document that every error becomes (RFC 9457)."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from geo_risk.errors import (
    Busy,
    CrsError,
    DatumError,
    DeclarationError,
    FileError,
    GeoRiskError,
    ImportRejected,
    NotFound,
    ParameterError,
    StoreError,
)

PROBLEM: Final = "application/problem+json"
Value = TypeVar("Value")

STATUS: Final[dict[type[GeoRiskError], int]] = {
    ParameterError: 400,
    NotFound: 404,
    CrsError: 422,
    DatumError: 422,
    FileError: 422,
    ImportRejected: 422,
    Busy: 503,
    DeclarationError: 500,
    StoreError: 503,
    GeoRiskError: 500,
}

KIND_ZH: Final[dict[type[GeoRiskError], str]] = {
    ParameterError: "参数有误",
    NotFound: "没有找到",
    CrsError: "坐标系缺失或不合适",
    DatumError: "坐标可能有偏移，须说明坐标基准",
    FileError: "文件不能读取",
    ImportRejected: "有的行不符合规则，没有入库",
    Busy: "等候的任务太多，请稍后再试",
    DeclarationError: "图层或数据表的声明有误",
    StoreError: "数据库暂时不能用，或与日志不一致",
    GeoRiskError: "系统自身出错",
}
"""What kind of trouble it is, for readers of Chinese; the details follow in English."""


def status_of(error: GeoRiskError) -> int:
    """The status of an error: that of the nearest class above it in the table."""
    return _row(STATUS, error)


def kind_zh(error: GeoRiskError) -> str:
    """The kind of an error in Chinese."""
    return _row(KIND_ZH, error)


def problem(error: GeoRiskError) -> dict[str, Any]:
    """The problem document of an error: its five facts, the empty ones left out."""
    facts = {"where": error.where, "expected": error.expected, "got": error.got, "next": error.then}
    return {
        "type": f"urn:geo-risk:{type(error).__name__}",
        "title": error.what,
        "title_zh": kind_zh(error),
        "status": status_of(error),
        "detail": str(error),
        **{name: text for name, text in facts.items() if text},
    }


def _row(table: Mapping[type[GeoRiskError], Value], error: GeoRiskError) -> Value:
    return next(table[kind] for kind in type(error).__mro__ if kind in table)
