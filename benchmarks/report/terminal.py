"""The tables on the terminal."""

from rich import box
from rich.console import Console
from rich.table import Table as Drawn
from rich.text import Text

from benchmarks.report.tables import KEPT, MISSED, Table

_STYLES = {KEPT: "green", MISSED: "bold red"}


def show(console: Console, table: Table) -> None:
    """Print a table; kept and missed budgets are coloured."""
    drawn = Drawn(title=table.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for n, column in enumerate(table.columns):
        drawn.add_column(column, justify="left" if n == 0 else "right")
    for row in table.rows:
        drawn.add_row(*map(_coloured, row))
    console.print(drawn)


def _coloured(cell: str) -> Text:
    style = next((style for word, style in _STYLES.items() if cell.endswith(f"{word})")), "")
    return Text(cell, style=style)
