"""Fixtures that many tests share."""

import os
from pathlib import Path

import pytest

_UNDER_CI = os.environ.get("CI", "").lower() == "true"


def missing(what: str, then: str) -> None:
    """Skip on a developer's machine, fail under CI, saying what to install."""
    message = f"{what} is missing; {then}"
    if _UNDER_CI:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published data that is not part of the project."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("GEO_RISK_SHARED_DATA", beside))
    if not folder.is_dir():
        missing("the published test data", "set GEO_RISK_SHARED_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's chromium."""
    path = os.environ.get("GEO_RISK_CHROMIUM", "/usr/bin/chromium")
    if not Path(path).is_file():
        missing("chromium", "apt-get install chromium, or set GEO_RISK_CHROMIUM to its path")
    return path
