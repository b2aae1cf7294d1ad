"""One table from error to HTTP status, and the problem document that every error becomes (RFC 9457)."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from geo_risk.errors import (
    Busy,
    ConditionRequired,
    Conflict,
    CrsError,
    DatumError,
    DeclarationError,
    FileError,
    Forbidden,
    GeoRiskError,
    ImportRejected,
    KeyReused,
    NotFound,
    OutcomeUnknown,
    ParameterError,
    Stale,
    StoreError,
    StoreFull,
    TooLarge,
    TooMany,
    TooSlow,
    Unauthenticated,
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
    Unauthenticated: 401,
    Forbidden: 403,
    ConditionRequired: 428,
    Stale: 412,
    Conflict: 409,
    KeyReused: 422,
    TooLarge: 413,
    TooSlow: 408,
    TooMany: 429,
    Busy: 503,
    DeclarationError: 500,
    StoreFull: 507,
    OutcomeUnknown: 503,
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
    Unauthenticated: "请先登录，或所示凭证无效",
    Forbidden: "没有这项权限",
    ConditionRequired: "修改时须说明所依据的版本",
    Stale: "数据已被他人修改，请核对后再改",
    Conflict: "与现有数据冲突",
    KeyReused: "同一提交编号用于了不同内容",
    TooLarge: "内容超过上限",
    TooSlow: "请求传送过慢",
    TooMany: "请求过于频繁，请稍后再试",
    Busy: "等候的任务太多，请稍后再试",
    DeclarationError: "图层或数据表的声明有误",
    StoreFull: "磁盘空间不足，暂时不能写入",
    OutcomeUnknown: "没有收到答复，不知是否已生效，请核对后再试",
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
