"""`geo-risk`: every command, each a thin door over a use case. Errors of ours end with one line and status 1."""

import sys

import typer
from rich.console import Console
from rich.text import Text

from api.cli import (
    access_commands,
    closure_commands,
    data,
    evacuate_command,
    keeping_commands,
    means_commands,
    questions,
    rain_commands,
    run_commands,
    service,
)
from api.status_codes import kind_zh
from geo_risk.errors import GeoRiskError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="The one map of an emergency bureau.")
for commands in (
    service, data, questions, access_commands, evacuate_command, closure_commands, keeping_commands, means_commands, rain_commands,
    run_commands,
):  # fmt: skip
    commands.register(app)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except GeoRiskError as error:
        Console(stderr=True).print(Text(f"geo-risk: {kind_zh(error)} | {error}", style="red"), soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
