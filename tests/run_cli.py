"""The command line, run in this process."""

import contextlib
import io
import sys
from pathlib import Path

import pytest

from api.cli.main import main


def run(*words: object, store: Path | None = None, status: int = 0) -> str:
    """Run a command in this process; what it printed: the answer, then what went to the other stream."""
    printed, told = io.StringIO(), io.StringIO()
    arguments = ["geo-risk", *map(str, words), *(["--store", str(store)] if store and words[0] != "template" else [])]
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed), contextlib.redirect_stderr(told):
        patch.setattr(sys, "argv", arguments)
        patch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            main()
    assert (ended.value.code or 0) == status, told.getvalue()
    return printed.getvalue() + told.getvalue()
