"""What is wrong with an input: every finding with its place, and how they are collected."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MOST_LISTED: Final = 100
"""Errors that are listed; the others are counted."""


@dataclass(frozen=True)
class RowError:
    """One thing that is wrong: where, what, and what would be right. No line: the whole source; no column: the line."""

    source: str
    line: int | None
    column: str | None
    problem: str
    expected: str | None = None

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        column = f"{self.column}: " if self.column else ""
        expected = f"; expected {self.expected}" if self.expected else ""
        return f"{place}: {column}{self.problem}{expected}"


class ImportRefused(Exception):
    """The input has errors and nothing was written. `errors` are the first of them, `total` is how many there are."""

    def __init__(self, errors: Iterable[RowError], total: int) -> None:
        self.errors = tuple(errors)
        self.total = total
        super().__init__(f"{total:,} {'error' if total == 1 else 'errors'} in the input; nothing was written.")


class ImportInterrupted(Exception):
    """Somebody else changed the same things meanwhile; nothing was written, and the import may be run again."""


class WrongValue(Exception):
    """A value that a column cannot take; says what is wrong and what is expected."""

    def __init__(self, problem: str, expected: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.expected = expected


class ErrorLog:
    """Errors in the order of the input: the first of every stage are kept, all are counted."""

    def __init__(self, source_names: Iterable[str]) -> None:
        self._source_names = list(source_names)
        self._kept: list[tuple[int, int, RowError]] = []
        self.total = 0

    def add(self, source: int, line: int | None, column: str | None, problem: str, expected: str | None = None) -> None:
        """Count an error, and keep it if it is among the first; `source` is its position in the input."""
        self.total += 1
        if len(self._kept) < MOST_LISTED:
            self._keep(source, line, column, problem, expected)

    def add_found(self, total: int, found: Iterable[tuple[int, int | None, str | None, str, str | None]]) -> None:
        """Count what a statement found, and keep the first that it lists."""
        self.total += total
        for source, line, column, problem, expected in found:
            self._keep(source, line, column, problem, expected)

    def first(self) -> list[RowError]:
        """Give the errors that are listed, in the order of the input."""
        return [error for _, _, error in sorted(self._kept, key=lambda kept: kept[:2])[:MOST_LISTED]]

    def raise_if_any(self) -> None:
        """Refuse the input if anything is wrong with it."""
        if self.total:
            raise ImportRefused(self.first(), self.total)

    def _keep(self, source: int, line: int | None, column: str | None, problem: str, expected: str | None) -> None:
        error = RowError(self._source_names[source], line, column, problem, expected)
        self._kept.append((source, line or 0, error))
