"""`geo-risk`: every command, each a thin door over a use case. Errors of ours end with one line and status 1."""

import importlib
import sys
from collections.abc import Sequence
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from api.status_codes import kind_zh
from geo_risk.errors import GeoRiskError
from layers._collector import uncollected

_COMMANDS: Final = (
    "service", "data", "questions", "access_commands", "evacuate_command", "closure_commands", "history_commands",
    "keeping_commands", "migrate_command", "means_commands", "rain_commands", "run_commands", "account_commands", "gis_commands",
)  # fmt: skip
_ALONE: Final = {"serve": "service"}
"""A command that is loaded without the others: it has to answer soon."""


def commands(asked: Sequence[str] = ()) -> typer.Typer:
    """The command line with every command, or with the one alone that is asked for and can be."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="The one map of an emergency bureau.")
    alone = _ALONE.get(asked[0]) if asked else None
    for name in (alone,) if alone else _COMMANDS:
        importlib.import_module(f"api.cli.{name}").register(app)
    return app


def main() -> None:
    """Run the command line."""
    try:
        with uncollected():
            asked = commands(sys.argv[1:])
        asked()
    except GeoRiskError as error:
        Console(stderr=True).print(Text(f"geo-risk: {kind_zh(error)} | {error}", style="red"), soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
