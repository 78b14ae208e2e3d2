"""What is reported of a step from outside: read strictly, and recorded beside the step for the worker that waits.

    {"status": "IN_PROGRESS" | "SUCCESS" | "ERROR", "progress": 40, "message": "…", "facts": {…}}

A report counts for a step, whichever attempt it was made in. The first that says how it ended stands.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any, Final
from uuid import UUID

import orjson

from auth.mfa.sealing import SecretSeal
from resolvers.database import Database
from resolvers.events import append_events
from resolvers.operations.drivers.port import Report
from resolvers.operations.records import Open, find_step, lock_open, sealed_secret, write_progress, write_report
from resolvers.tables import OperationStatus
from resolvers.transaction import Transaction, open_transaction

MOST_MESSAGE: Final = 500
MOST_FACTS: Final = 16 * 1024
MEMBERS: Final = frozenset({"status", "progress", "message", "facts"})
ENDED: Final = frozenset({OperationStatus.SUCCESS, OperationStatus.ERROR})
REPORTED: Final = ENDED | {OperationStatus.IN_PROGRESS}
HIDDEN: Final = "[hidden]"
"""What stands where a secret that the step brought was repeated."""
_MOST_SIGNATURES: Final = 20
"""How many reports of one second are told apart."""


class ReportMalformed(Exception):
    """What was reported cannot be used; the message says why without quoting it, `member` where."""

    def __init__(self, member: str, message: str) -> None:
        super().__init__(message)
        self.member = member


@dataclass(frozen=True, slots=True)
class Reported:
    """What was said of a step."""

    status: OperationStatus
    progress: int | None = None
    message: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def without(self, secret: str | None) -> "Reported":
        """Give the same with the secret taken out of all texts: it is to be written down nowhere."""
        if not secret:
            return self

        def hide(text: str) -> str:
            return text.replace(secret, HIDDEN)

        message = None if self.message is None else hide(self.message)
        return replace(self, message=message, facts=_each_text(self.facts, hide))

    def report(self) -> Report | None:
        """Give what a driver says of it; None if the step goes on."""
        if self.status not in ENDED:
            return None
        return Report(self.status is OperationStatus.SUCCESS, self.message, self.facts)


def read_json(content: bytes) -> Mapping[str, Any]:
    """Read a JSON object in UTF-8.

    Raises:
        ReportMalformed: it is none.
    """
    try:
        members = orjson.loads(content)
    except ValueError:
        raise ReportMalformed("body", "The body is not JSON in UTF-8.") from None
    if not isinstance(members, dict):
        raise ReportMalformed("body", "The body must be a JSON object.")
    return members


def read_report(members: Mapping[str, Any], statuses: Collection[OperationStatus] = REPORTED) -> Reported:
    """Read what was said of a step; members of other names are for others.

    Raises:
        ReportMalformed: it cannot be used.
    """
    status = members.get("status")
    if not isinstance(status, str) or status not in statuses:
        known = ", ".join(sorted(statuses))
        raise ReportMalformed("status", f"`status` must be one of: {known}.")
    progress = members.get("progress")
    if progress is not None and (type(progress) is not int or not 0 <= progress <= 100):
        raise ReportMalformed("progress", "`progress` must be a whole number from 0 to 100.")
    return Reported(OperationStatus(status), progress, read_message(members), _facts(members))


def read_message(members: Mapping[str, Any]) -> str | None:
    """Read the message of a report or a refusal; raises ReportMalformed."""
    message = members.get("message")
    if message is None:
        return None
    if not isinstance(message, str) or len(message) > MOST_MESSAGE or "\0" in message:
        raise ReportMalformed("message", f"`message` must be a string of at most {MOST_MESSAGE} characters.")
    return message.strip() or None


def _facts(members: Mapping[str, Any]) -> Mapping[str, Any]:
    facts = members.get("facts")
    if facts is None:
        return {}
    try:
        written = orjson.dumps(facts)
    except TypeError:
        written = None
    if not isinstance(facts, dict) or written is None or len(written) > MOST_FACTS:
        raise ReportMalformed("facts", f"`facts` must be a JSON object of at most {MOST_FACTS:,} bytes.")
    _each_text(facts, _require_plain)
    return facts


def _require_plain(text: str) -> str:
    if "\0" in text:
        raise ReportMalformed("facts", "`facts` contain NUL (U+0000).")
    return text


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """Change every text of a JSON value, names of members included."""
    match value:
        case str():
            return change(value)
        case dict():
            return {change(name): _each_text(each, change) for name, each in value.items()}
        case list():
            return [_each_text(each, change) for each in value]
        case _:
            return value


# -- recorded


class Recorded(Enum):
    """What came of a report."""

    WRITTEN = auto()
    KNOWN = auto()
    """It says again how the step ended; nothing was changed."""
    NOT_FOUND = auto()
    """There is no such step, or the key does not serve its organization."""
    STALE_ATTEMPT = auto()
    """The step has been asked for again since, under another nonce, or was never begun."""
    REPLAYED = auto()
    """It has arrived before, or a later one has."""
    CONTRADICTED = auto()
    """It was reported to have ended otherwise."""
    ENDED = auto()
    """The step or its operation has ended."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A report as it arrived: which attempt at which step it is about, when it was signed, and how."""

    operation_id: UUID
    step_id: UUID
    nonce: UUID
    reported: Reported
    timestamp: int
    signature: str


async def record_report(
    database: Database, seal: SecretSeal, arrival: Arrival, serves: Callable[[UUID], bool]
) -> Recorded:
    """Write what was reported, for the worker to find; `serves` tells whether the key is one of an organization's.

    Raises:
        SealBroken: the operation has a secret that cannot be opened, and so not be kept out of what is written.
    """
    async with open_transaction(database) as transaction:
        open_ = await lock_open(transaction, arrival.operation_id)
        step = await find_step(transaction, arrival.operation_id, arrival.step_id)
        if step is None or not serves(step["organization_id"]):
            return Recorded.NOT_FOUND
        before = step["report"] or {}
        outcome = _judged(arrival, step["nonce"], before)
        if outcome is not Recorded.WRITTEN:
            return outcome
        if open_ is None or step["status"] != OperationStatus.IN_PROGRESS:
            return Recorded.ENDED
        sealed = await sealed_secret(transaction.fetch, open_)
        secret = None if sealed is None else seal.open(open_.id, sealed).decode()
        await _write(transaction, open_, arrival, arrival.reported.without(secret), before)
    return Recorded.WRITTEN


def _judged(arrival: Arrival, nonce: UUID | None, before: Mapping[str, Any]) -> Recorded:
    if arrival.nonce != nonce:
        return Recorded.STALE_ATTEMPT
    last, signatures = before.get("timestamp", 0), before.get("signatures", ())
    full = len(signatures) >= _MOST_SIGNATURES
    if arrival.timestamp < last or (arrival.timestamp == last and (arrival.signature in signatures or full)):
        return Recorded.REPLAYED
    if before.get("status") in ENDED:
        return Recorded.KNOWN if before["status"] == arrival.reported.status else Recorded.CONTRADICTED
    return Recorded.WRITTEN


async def _write(
    transaction: Transaction, open_: Open, arrival: Arrival, reported: Reported, before: Mapping[str, Any]
) -> None:
    now = datetime.now(UTC)
    same_second = before.get("timestamp") == arrival.timestamp
    report = {
        "status": reported.status.value,
        "progress": reported.progress,
        "message": reported.message,
        "facts": reported.facts,
        "at": now.isoformat(),
        "timestamp": arrival.timestamp,
        "signatures": [*(before["signatures"] if same_second else ()), arrival.signature],
    }
    await write_report(transaction, open_, arrival.step_id, report)
    if reported.status in ENDED:
        return
    done = sum(step["status"] == OperationStatus.SUCCESS for step in open_.steps)
    reached = (100 * done + (reported.progress or 0)) // len(open_.steps)
    progress = max(open_.row["progress"], min(reached, 99))
    message = open_.row["message"] if reported.message is None else reported.message
    if (progress, message) != (open_.row["progress"], open_.row["message"]):
        await write_progress(transaction, open_, progress, message, now)
        await append_events(transaction.fetch, transaction.events, now)


# -- found again


@dataclass(frozen=True, slots=True)
class Standing:
    """How a step stands: whether it, or its operation, has ended, and what was last reported of it, and when."""

    ended: bool
    reported: Reported | None = None
    at: datetime | None = None


async def find_report(database: Database, operation_id: UUID, step_id: UUID) -> Standing:
    """Look what was reported of a step."""
    async with open_transaction(database) as transaction:
        step = await find_step(transaction, operation_id, step_id)
    in_progress = OperationStatus.IN_PROGRESS
    if step is None or step["status"] != in_progress or step["operation_status"] != in_progress:
        return Standing(ended=True)
    report = step["report"]
    if report is None:
        return Standing(ended=False)
    reported = Reported(OperationStatus(report["status"]), report["progress"], report["message"], report["facts"])
    return Standing(ended=False, reported=reported, at=datetime.fromisoformat(report["at"]))
