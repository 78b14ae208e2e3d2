"""Verifies chains: that no record was changed, removed, inserted, moved or cut off since it was written.

The hashes show whatever was changed by somebody who did not compute all later ones anew; the checkpoints show that too,
up to the last of them; the head shows what is missing at the end, and what was added to it.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from auth.audit.checkpoints import Checkpoint, InvalidCheckpoint, require_signed
from auth.audit.files import BadLine, ChainBegins, ExportBegins, Progress, RecordLine, read_line
from auth.audit.reading import Head, Link, read_chains, read_checkpoints, read_head, read_links
from auth.audit.records import GENESIS, PLATFORM, canonical, hash_of
from auth.keys import VerificationKey
from auth.statements import Fetch

Keys = Mapping[str, VerificationKey]
"""Public keys by their `kid`."""
Anchors = Mapping[UUID, Sequence[Checkpoint]]
"""Checkpoints that were kept elsewhere, by their chains."""
_NONE: Final[Anchors] = MappingProxyType({})


class Tampering(StrEnum):
    """What was found."""

    CHANGED = "CHANGED"
    REMOVED = "REMOVED"
    INSERTED = "INSERTED"
    REORDERED = "REORDERED"
    TRUNCATED = "TRUNCATED"
    REWRITTEN = "REWRITTEN"
    CHECKPOINT = "CHECKPOINT"
    FILE = "FILE"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, in which chain, at which record; neither where a file itself is wrong."""

    kind: Tampering
    chain: UUID | None
    seq: int | None
    sentence: str

    def __str__(self) -> str:
        """One line."""
        chain = "" if self.chain is None else f"{chain_name(self.chain)} "
        seq = "" if self.seq is None else f"{self.seq} "
        return f"{chain}{seq}{self.kind}: {self.sentence}"


def chain_name(chain: UUID) -> str:
    """Name a chain: an organization's by its id."""
    return "platform" if chain == PLATFORM else str(chain)


class ChainVerifier:
    """Is given the records of one chain as they stand, then told that these were all; gives what is wrong."""

    def __init__(self, chain: UUID, head: Head | None, checkpoints: Iterable[Checkpoint], keys: Keys) -> None:
        self._chain = chain
        self._head = head
        self._checkpoints: defaultdict[int, list[Checkpoint]] = defaultdict(list)
        self._unsigned: list[Finding] = []
        for checkpoint in checkpoints:
            try:
                require_signed(checkpoint, keys)
                self._checkpoints[checkpoint.seq].append(checkpoint)
            except InvalidCheckpoint as error:
                self._unsigned.append(
                    self._finding(Tampering.CHECKPOINT, checkpoint.seq, f"the checkpoint does not count: {error}")
                )
        self._last = Head(0, GENESIS)
        self._missing: set[int] = set()

    def take(self, link: Link) -> Iterator[Finding]:
        """Take the next record."""
        if hash_of(link.previous, canonical(link.members)) != link.hash:
            yield self._finding(Tampering.CHANGED, link.seq, "the record is not what was written")
        last, self._last = self._last, Head(link.seq, link.hash)
        if link.seq <= last.seq:
            self._last = last
            yield self._out_of_order(link.seq)
            return
        if link.seq > last.seq + 1:
            yield self._gap(last.seq + 1, link.seq - 1)
        elif link.previous != last.hash:
            yield self._finding(
                Tampering.REWRITTEN, link.seq, "the record does not follow the one that stands before it"
            )
        if any(checkpoint.hash != link.hash for checkpoint in self._checkpoints.pop(link.seq, ())):
            yield self._finding(
                Tampering.REWRITTEN, link.seq, "a checkpoint says that there was another record, or another history"
            )

    def end(self) -> Iterator[Finding]:
        """Compare the end of the chain with its head, and all of it with its checkpoints."""
        yield from self._unsigned
        last, head = self._last, self._head
        promised = max(self._checkpoints, default=0)
        if head is None:
            yield self._finding(Tampering.TRUNCATED, None, "the chain has no head")
        elif head.seq < last.seq:
            yield self._finding(
                Tampering.INSERTED, head.seq + 1, f"the head says that the record {head.seq} is the last one"
            )
        elif head.seq == last.seq and head.hash != last.hash:
            yield self._finding(Tampering.REWRITTEN, head.seq, "the head says that the last record was another")
        if promised > last.seq:
            yield self._finding(
                Tampering.TRUNCATED, last.seq + 1, f"a checkpoint says that there were {promised} records or more"
            )
        elif head is not None and head.seq > last.seq:
            yield self._finding(Tampering.TRUNCATED, last.seq + 1, f"the head says that there were {head.seq} records")

    def _gap(self, first: int, last: int) -> Finding:
        # A hostile file may claim any place: what is missing is only remembered where it could still come.
        if last - first < 10_000:
            self._missing.update(range(first, last + 1))
        which = f"the record {first} is missing" if first == last else f"the records {first} to {last} are missing"
        return self._finding(Tampering.REMOVED, first, which)

    def _out_of_order(self, seq: int) -> Finding:
        if seq in self._missing:
            return self._finding(Tampering.REORDERED, seq, f"the record stands after the record {self._last.seq}")
        return self._finding(Tampering.INSERTED, seq, "there is another record in this place")

    def _finding(self, kind: Tampering, seq: int | None, sentence: str) -> Finding:
        return Finding(kind, self._chain, seq, sentence)


async def verify_database(
    fetch: Fetch, keys: Keys, anchors: Anchors = _NONE, progress: Progress = lambda: None
) -> AsyncIterator[Finding]:
    """Verify all chains of the database; `fetch` reads one snapshot. What `anchors` say must hold too."""
    for chain in sorted({*await read_chains(fetch), *anchors}, key=lambda chain: chain.bytes):
        checkpoints = [*await read_checkpoints(fetch, chain), *anchors.get(chain, ())]
        verifier = ChainVerifier(chain, await read_head(fetch, chain), checkpoints, keys)
        async for link in read_links(fetch, chain):
            progress()
            for finding in verifier.take(link):
                yield finding
        for finding in verifier.end():
            yield finding


def verify_file(
    lines: Iterable[bytes], keys: Keys, anchors: Anchors = _NONE, progress: Progress = lambda: None
) -> Iterator[Finding]:
    """Verify all chains of an export; what `anchors` say must hold too, of the chains that are in it."""
    return _FileVerifier(keys, anchors, progress).verify(lines)


class _FileVerifier:
    """Reads an export once, a chain after the other; of a chain, what it has to hold comes first."""

    def __init__(self, keys: Keys, anchors: Anchors, progress: Progress) -> None:
        self._keys = keys
        self._anchors = anchors
        self._progress = progress
        self._listed: tuple[UUID, ...] | None = None
        self._seen: set[UUID] = set()
        self._begun: ChainBegins | None = None
        self._checkpoints: list[Checkpoint] = []
        self._verifier: ChainVerifier | None = None

    def verify(self, lines: Iterable[bytes]) -> Iterator[Finding]:
        for number, text in enumerate(lines, 1):
            try:
                if not text.endswith(b"\n"):
                    raise BadLine("it has no end")
                yield from self._take(read_line(text[:-1]))
            except BadLine as error:
                yield Finding(Tampering.FILE, None, None, f"line {number}: {error}")
        yield from self._end_chain()
        if self._listed is None:
            yield Finding(Tampering.FILE, None, None, "there is no first line that lists the chains")
        for chain in self._listed or ():
            if chain not in self._seen:
                yield Finding(Tampering.TRUNCATED, chain, None, "the chain is listed and not there")

    def _take(self, line: ExportBegins | ChainBegins | Checkpoint | RecordLine) -> Iterator[Finding]:
        match line:
            case ExportBegins(chains):
                if self._listed is not None or self._seen:
                    raise BadLine("an export begins inside another")
                self._listed = chains
            case ChainBegins(chain):
                yield from self._end_chain()
                if chain in self._seen:
                    raise BadLine(f"the chain {chain_name(chain)} begins again")
                self._seen.add(chain)
                self._begun, self._checkpoints = line, list(self._anchors.get(chain, ()))
            case Checkpoint(chain):
                self._require_begun(chain)
                if self._verifier is not None:
                    raise BadLine("a checkpoint stands after records")
                self._checkpoints.append(line)
            case RecordLine(chain, link):
                self._require_begun(chain)
                self._progress()
                yield from self._chain_verifier().take(link)

    def _require_begun(self, chain: UUID) -> None:
        if self._begun is None or self._begun.chain != chain:
            raise BadLine(f"it is of the chain {chain_name(chain)}, which is not the one that it stands in")

    def _chain_verifier(self) -> ChainVerifier:
        assert self._begun is not None  # noqa: S101 - as was required
        if self._verifier is None:
            self._verifier = ChainVerifier(self._begun.chain, self._begun.head, self._checkpoints, self._keys)
        return self._verifier

    def _end_chain(self) -> Iterator[Finding]:
        if self._begun is not None:
            yield from self._chain_verifier().end()
        self._begun, self._verifier = None, None
