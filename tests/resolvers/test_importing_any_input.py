"""Whatever a file holds, it is read or told to be wrong on one of its lines; nothing else is raised."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolvers.importing import Format, Source
from resolvers.importing.catalogue import Catalogue
from resolvers.importing.columns import columns
from resolvers.importing.directory import Directory
from resolvers.importing.errors import ErrorLog
from resolvers.importing.reading import read_rows
from resolvers.importing.rows import RowReader
from resolvers.reference import AVAILABILITY_ZONES, DATA_CENTERS, ENVIRONMENTS

EXAMPLES = Path(__file__).parents[2] / "examples"
SAMPLES = {
    format_: b"".join((EXAMPLES / f"emeraude.{format_}").read_bytes().splitlines(keepends=True)[:3])
    for format_ in Format
}
CATALOGUE = Catalogue(
    frozenset(ENVIRONMENTS),
    {"debian-12": "00000000-0000-0000-0000-000000000001"},
    {code: region for code, (region, _) in DATA_CENTERS.items()},
    AVAILABILITY_ZONES,
)
pieces = st.binary(max_size=6) | st.sampled_from(
    [
        b'"',
        b"'",
        b",",
        b";",
        b"\n",
        b"\r",
        b"\x00",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"null",
        b"NaN",
        b"1e999",
        b"\\ud800",
        b"\xef\xbb\xbf",
    ]
)


@st.composite
def spoiled(draw: st.DrawFn, sample: bytes) -> bytes:
    """A good file, with a few pieces taken out and others put in."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(sample)))
        end = min(len(sample), start + draw(st.integers(0, 8)))
        sample = sample[:start] + draw(pieces) + sample[end:]
    return sample


def read(path: Path, content: bytes, format_: Format) -> None:
    path.write_bytes(content)
    log = ErrorLog(["input"])
    known = columns(CATALOGUE, datetime.now(UTC))
    reader = RowReader(known, CATALOGUE, Directory(create_missing=True), log)
    lines = content.count(b"\n") + 1
    for row in read_rows(0, Source("input", format_, path), frozenset(known), log, lambda size: None):
        staged = reader.read(row)
        assert 1 <= staged.line <= lines
        assert isinstance(orjson.loads(staged.given), dict)
    for error in log.first():
        assert error.line is None or 1 <= error.line <= lines
        assert str(error).isprintable()


@pytest.mark.parametrize("format_", list(Format))
@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_spoiled_file_is_read_or_refused(tmp_path: Path, format_: Format, data: st.DataObject) -> None:
    read(tmp_path / "input", data.draw(spoiled(SAMPLES[format_])), format_)


@pytest.mark.parametrize("format_", list(Format))
@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path: Path, format_: Format, content: bytes) -> None:
    read(tmp_path / "input", content, format_)
