"""Sources of an import: files and the standard input, in CSV or NDJSON, read a row at a time with its line."""

import csv
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from resolvers.importing.columns import IDENTITY
from resolvers.importing.errors import ErrorLog, ImportRefused, RowError, WrongValue
from resolvers.importing.values import shown, strict_json, suggestion

MOST_LINE_BYTES: Final = 1024 * 1024
STANDARD_INPUT: Final = "-"

_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


class Format(StrEnum):
    """How the rows of a source are written."""

    CSV = "csv"
    NDJSON = "ndjson"


@dataclass(frozen=True)
class Source:
    """Where rows come from; without a path, the standard input."""

    name: str
    format: Format
    path: Path | None

    @property
    def size(self) -> int | None:
        """The size in bytes, if it can be known."""
        try:
            return self.path.stat().st_size if self.path and self.path.is_file() else None
        except OSError:
            return None


class InputRow(NamedTuple):
    """A row of a source; `as_text`: values are cells, else JSON; `reported`: columns known to be missing."""

    source: int
    line: int
    values: Mapping[str, object]
    as_text: bool
    reported: Collection[str] = ()


def sources_of(arguments: Iterable[str], format_: Format | None = None) -> list[Source]:
    """Tell the sources that file names mean; `-` is the standard input.

    Raises:
        ImportRefused: a format cannot be told, or the standard input is named twice.
    """
    errors: list[RowError] = []
    sources: list[Source] = []
    for argument in arguments:
        path = None if argument == STANDARD_INPUT else Path(argument)
        suffix = path.suffix.lower().removeprefix(".") if path else ""
        told = format_ or next((known for known in Format if known == suffix), None)
        if told is None:
            errors.append(RowError(argument, None, None, "the format is not known", "--format csv or --format ndjson"))
        elif path is None and any(source.path is None for source in sources):
            errors.append(RowError(argument, None, None, "the standard input can be read once only"))
        else:
            sources.append(Source(argument, told, path))
    if errors:
        raise ImportRefused(errors, len(errors))
    return sources


def read_rows(
    index: int, source: Source, known: frozenset[str], log: ErrorLog, advance: Callable[[int], None]
) -> Iterator[InputRow]:
    """Read a source, number `index` of the input; what cannot be read goes to the log.

    `known` are the names of columns; `advance` is told the bytes of every line.
    """
    try:
        with _opened(source) as stream:
            lines = _Lines(index, stream, log, advance)
            yield from (_csv_rows if source.format is Format.CSV else _ndjson_rows)(index, lines, known, log)
            if not lines.number:
                log.add(index, None, None, "the file is empty", "one resource per line")
            elif not lines.rows:
                log.add(index, None, None, "no resource is in it", "one resource per line")
    except OSError as error:
        log.add(index, None, None, f"cannot be read: {error.strerror}", "a file")


@contextmanager
def _opened(source: Source) -> Iterator[BinaryIO]:
    if source.path is None:
        yield sys.stdin.buffer
        return
    with source.path.open("rb") as stream:
        yield stream


class _Lines:
    """The lines of a stream as text, counted; ends where reading on makes no sense."""

    def __init__(self, index: int, stream: BinaryIO, log: ErrorLog, advance: Callable[[int], None]) -> None:
        self._index = index
        self._stream = stream
        self._log = log
        self._advance = advance
        self.number = 0
        self.rows = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._stream.readline(MOST_LINE_BYTES + 1):
            self.number += 1
            self._advance(len(line))
            if self.number == 1 and line.startswith(_UTF16_MARKS):
                self._log.add(self._index, 1, None, "the file is in UTF-16", "UTF-8")
                return
            if len(line) > MOST_LINE_BYTES:
                self._skip_rest()
                yield ""
            else:
                yield self._decoded(line)

    def _skip_rest(self) -> None:
        self.rows += 1
        expected = f"{MOST_LINE_BYTES:,} bytes at the most"
        self._log.add(self._index, self.number, None, "the line is too long", expected)
        while rest := self._stream.readline(MOST_LINE_BYTES):
            self._advance(len(rest))
            if rest.endswith(b"\n"):
                return

    def _decoded(self, line: bytes) -> str:
        encoding = "utf-8-sig" if self.number == 1 else "utf-8"
        try:
            return line.decode(encoding)
        except UnicodeDecodeError as error:
            self._log.add(self._index, self.number, None, f"byte {error.start + 1:,} is not UTF-8", "UTF-8")
            # The line is read on nevertheless: a quote or a comma in it may shape the lines that follow.
            return line.decode(encoding, errors="replace")


def _ndjson_rows(index: int, lines: _Lines, known: frozenset[str], log: ErrorLog) -> Iterator[InputRow]:
    for line in lines:
        if not line.strip():
            continue
        lines.rows += 1
        try:
            read = strict_json(line.rstrip("\r\n"))
            if not isinstance(read, dict):
                raise WrongValue(f"{shown(read)} is not an object", "one JSON object")
        except WrongValue as wrong:
            log.add(index, lines.number, None, wrong.problem, wrong.expected)
            continue
        for name in [name for name in read if name not in known]:
            log.add(index, lines.number, None, *_unknown(name, known))
        yield InputRow(index, lines.number, {name: read[name] for name in read if name in known}, as_text=False)


def _csv_rows(index: int, lines: _Lines, known: frozenset[str], log: ErrorLog) -> Iterator[InputRow]:
    records = _csv_records(index, lines, log)
    header_line, header = next(records, (0, []))
    if not header:
        return
    if len(header) == 1 and ";" in header[0]:
        log.add(index, header_line, None, "the columns are separated by semicolons; no more was read", "commas")
        lines.rows += 1
        return
    _check_header(index, header_line, header, known, log)
    missing = frozenset(IDENTITY) - set(header)
    for line, cells in records:
        lines.rows += 1
        if len(cells) != len(header):
            values = "value" if len(cells) == 1 else "values"
            log.add(index, line, None, f"has {len(cells):,} {values}", f"{len(header):,}, as the header has")
            continue
        values_by_name = {name: cell for name, cell in zip(header, cells, strict=True) if name in known}
        yield InputRow(index, line, values_by_name, as_text=True, reported=missing)


def _csv_records(index: int, lines: _Lines, log: ErrorLog) -> Iterator[tuple[int, list[str]]]:
    """Give the records that are not blank, each with the line it starts on."""
    reader = csv.reader(iter(lines), strict=True)
    while True:
        line = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            log.add(index, line, None, f"is not CSV: {error}", 'values separated by commas, quoted with " where needed')
            lines.rows += 1
            continue
        if cells:
            yield line, cells


def _check_header(index: int, line: int, header: list[str], known: frozenset[str], log: ErrorLog) -> None:
    for position, name in enumerate(header, 1):
        if not name:
            log.add(index, line, None, f"column {position} has no name", "the name of a column")
        elif name not in known:
            log.add(index, line, None, *_unknown(name, known))
    for name, count in Counter(header).items():
        if count > 1 and name in known:
            log.add(index, line, name, f"is there {count} times", "every column once")
    for name in IDENTITY:
        if name not in header:
            log.add(index, line, name, "is missing", "a column of that name")


def _unknown(name: str, known: frozenset[str]) -> tuple[str, str]:
    return f"{shown(name)} is no known column{suggestion(name, known)}", "one of those that docs/import.md lists"
