"""RESULTS.md: a section for each kind of run, each with its own date and machine; a run replaces its own section."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from benchmarks.report.tables import Table

COMPARISON: Final = "Comparison"
GROWTH: Final = "Growth"
_ORDER: Final = (COMPARISON, GROWTH)

_INTRODUCTION: Final = """\
# Results

Written by `./dev bench` and `./dev bench --growth`; [docs/benchmarks.md](../docs/benchmarks.md) says what is measured,
and how.
"""

_FAIRNESS: Final = """\
- The gateway has all its checks on: tokens, scope, limits, error handling. It is asked by a member of all 60 Clouds,
  the widest scope there is. The peers have no checks.
- Each peer has tables of its own of the same size and shape, in its own schema of the same server; the gateway's are
  those of its migrations.
- CPU is that of the server's process, per request; one request at a time, where nothing else is said.
"""


def comparison_section(sentences: Iterable[str], compared: int, tables: Iterable[Table], plot: str) -> str:
    """The text of the comparison, below its heading."""
    agreed = f"All servers gave the same answers before they were measured: {compared:,} resources were compared."
    parts = [
        f"{_list(sentences)}\n{_FAIRNESS}{_list([agreed])}",
        f"![CPU per request of every server]({plot})",
        *map(_table, tables),
    ]
    return "\n\n".join(parts)


def growth_section(sentences: Iterable[str], tables: Iterable[Table]) -> str:
    """The text about growth, below its heading."""
    return "\n\n".join([_list(sentences), *map(_table, tables)])


def replace_section(document: str, heading: str, text: str) -> str:
    """Put a section into a document, in the place of the one with that heading; other sections stay as they are."""
    parts = re.split(r"^## (.+)\n", document, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True)) | {heading: text.strip()}
    ordered = sorted(sections, key=_ORDER.index)
    return "\n".join([_INTRODUCTION, *(f"## {name}\n\n{sections[name]}\n" for name in ordered)])


def write_section(file: Path, heading: str, text: str) -> None:
    """Put a section into a file, which need not be there."""
    file.write_text(replace_section(file.read_text() if file.is_file() else "", heading, text))


def _list(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _table(table: Table) -> str:
    widths = [max(len(row[n]) for row in [table.columns, *table.rows]) for n in range(len(table.columns))]
    rule = tuple("-" * width if n == 0 else "-" * (width - 1) + ":" for n, width in enumerate(widths))
    lines = [_row(row, widths) for row in [table.columns, rule, *table.rows]]
    return f"### {table.title}\n\n" + "\n".join(lines)


def _row(cells: Iterable[str], widths: Iterable[int]) -> str:
    return f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))} |"
