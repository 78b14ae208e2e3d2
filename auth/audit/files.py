"""Chains as NDJSON: an export that can be kept elsewhere, and verified there without the database.

    {"chains": […], "format": 1, "type": "export"}
    {"chain": …, "head": {"hash": …, "seq": …}, "type": "chain"}       of each chain in its turn, the platform's first
    {"chain": …, "hash": …, "seq": …, "signature": …, "signed_at": …, "type": "checkpoint"}
    {"chain": …, "seq": …, …, "previous": …, "hash": …, "type": "record"}

What a chain has to hold comes before its records, so that a file that ends early shows it. Names are sorted and there
is no white space: the same chains give the same bytes.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from auth.audit.checkpoints import Checkpoint
from auth.audit.reading import Head, Link, read_checkpoints, read_head, read_links
from auth.audit.records import canonical, json_values
from auth.statements import Fetch

FORMAT: Final = 1
Progress = Callable[[], None]
"""Is told of every record."""


class BadLine(Exception):
    """A line is not one that an export has; the message says why."""


@dataclass(frozen=True, slots=True)
class ExportBegins:
    """The first line: which chains follow."""

    chains: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class ChainBegins:
    """The first line of a chain."""

    chain: UUID
    head: Head | None


@dataclass(frozen=True, slots=True)
class RecordLine:
    """A record, and the chain that it says it is in."""

    chain: UUID
    link: Link


Line = ExportBegins | ChainBegins | Checkpoint | RecordLine


async def export(fetch: Fetch, chains: Sequence[UUID], progress: Progress = lambda: None) -> AsyncIterator[bytes]:
    """Give the lines of an export of chains, each with its newline; `fetch` reads one snapshot."""
    yield _line("export", {"chains": [str(chain) for chain in chains], "format": FORMAT})
    for chain in chains:
        head = await read_head(fetch, chain)
        shown = None if head is None else json_values(head._asdict())
        yield _line("chain", {"chain": str(chain), "head": shown})
        for checkpoint in await read_checkpoints(fetch, chain):
            yield _line("checkpoint", json_values(asdict(checkpoint)))
        async for link in read_links(fetch, chain):
            yield _line("record", {**link.members, **json_values({"previous": link.previous, "hash": link.hash})})
            progress()


def read_line(text: bytes) -> Line:
    """Read a line of an export, without its newline.

    Raises:
        BadLine: it is none, or it is written in another way than `export` writes it, so that others might read it
            differently.
    """
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadLine("it is not JSON") from None
    if not isinstance(content, dict) or canonical(content) != text:
        raise BadLine("it is not an object in the one form that exports have")
    try:
        return _READERS[content.pop("type")](content)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadLine("it is not a line of an export") from None


def checkpoints_of(lines: Iterable[Line]) -> dict[UUID, list[Checkpoint]]:
    """Give the checkpoints of an export by their chains."""
    found: dict[UUID, list[Checkpoint]] = {}
    for line in lines:
        if isinstance(line, Checkpoint):
            found.setdefault(line.chain, []).append(line)
    return found


def _line(kind: str, content: Mapping[str, Any]) -> bytes:
    return canonical({**content, "type": kind}) + b"\n"


def _export_begins(content: dict[str, Any]) -> ExportBegins:
    if content["format"] != FORMAT:
        raise ValueError("another format")
    return ExportBegins(tuple(UUID(chain) for chain in content["chains"]))


def _chain_begins(content: dict[str, Any]) -> ChainBegins:
    head = content["head"]
    return ChainBegins(
        UUID(content["chain"]), None if head is None else Head(_int(head["seq"]), bytes.fromhex(head["hash"]))
    )


def _checkpoint(content: dict[str, Any]) -> Checkpoint:
    return Checkpoint(
        UUID(content["chain"]),
        _int(content["seq"]),
        bytes.fromhex(content["hash"]),
        datetime.fromisoformat(content["signed_at"]),
        str(content["signature"]),
    )


def _record(content: dict[str, Any]) -> RecordLine:
    previous, digest = bytes.fromhex(content.pop("previous")), bytes.fromhex(content.pop("hash"))
    return RecordLine(UUID(content["chain"]), Link(_int(content["seq"]), previous, digest, content))


def _int(value: object) -> int:
    if type(value) is not int:
        raise ValueError("not a number")
    return value


_READERS: Final[Mapping[str, Callable[[dict[str, Any]], Line]]] = {
    "export": _export_begins,
    "chain": _chain_begins,
    "checkpoint": _checkpoint,
    "record": _record,
}
