"""One table from error to HTTP status, and the problem document that every error becomes (RFC 9457)."""

from typing import Any, Final

from geo_risk.errors import (
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

STATUS: Final[dict[type[GeoRiskError], int]] = {
    ParameterError: 400,
    NotFound: 404,
    CrsError: 422,
    DatumError: 422,
    FileError: 422,
    ImportRejected: 422,
    DeclarationError: 500,
    StoreError: 503,
    GeoRiskError: 500,
}


def status_of(error: GeoRiskError) -> int:
    """The status of an error: that of the nearest class above it in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem(error: GeoRiskError) -> dict[str, Any]:
    """The problem document of an error: its five facts, the empty ones left out."""
    facts = {"where": error.where, "expected": error.expected, "got": error.got, "next": error.then}
    return {
        "type": f"urn:geo-risk:{type(error).__name__}",
        "title": error.what,
        "status": status_of(error),
        "detail": str(error),
        **{name: text for name, text in facts.items() if text},
    }
