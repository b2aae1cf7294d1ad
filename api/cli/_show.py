"""How the command line shows things: text as text, tables, and progress on stderr."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

OUT: Final = Console()
ERR: Final = Console(stderr=True)
_UNSEEN: Final = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160)) if chr(code) != "\n"}


def plain(text: object) -> Text:
    """Text from data: no markup, no control characters, so that a cell cannot write to a terminal."""
    return Text(str(text).translate(_UNSEEN))


def line(text: object) -> None:
    """Print one line of plain text."""
    OUT.print(plain(text), soft_wrap=True)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table of plain text."""
    shown = Table(*header)
    for row in rows:
        shown.add_row(*(plain("" if value is None else value) for value in row))
    OUT.print(shown)


def wide_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns of figures as wide as they are, right-aligned: lines may run over the screen's edge, never wrap in cells."""
    lines = [[plain(cell) for cell in header], *([plain(cell) for cell in row] for row in rows)]
    widths = [max(cell.cell_len for cell in column) for column in zip(*lines, strict=True)]
    for cells in lines:
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            cell.align("left" if place == 0 else "right", width)
        OUT.print(Text("  ").join(cells), soft_wrap=True)


@contextmanager
def progress() -> Iterator[Callable[[str, float], None]]:
    """A bar a step, on stderr; call what it gives with the step's name and its share done. A new step ends the one before."""
    columns = (TextColumn("{task.description:>12}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    with Progress(*columns, console=ERR) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, share: float) -> None:
            if step not in tasks:
                _end(bars, tasks.values())
                tasks[step] = bars.add_task(step, total=1.0)
            bars.update(tasks[step], completed=min(max(share, 0.0), 1.0))

        yield tell
        _end(bars, tasks.values())


def _end(bars: Progress, tasks: Iterable[TaskID]) -> None:
    for task in tasks:
        bars.update(task, completed=1.0)
