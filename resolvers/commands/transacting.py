"""What every change runs in: one transaction, kept or taken back as a whole, with what was decided in the audit log."""

from collections.abc import Awaitable, Callable, Iterable

from sqlalchemy import bindparam, func, select

from auth.audit.records import Decision, Entry, append
from auth.errors import ItcareError
from auth.statements import Fetch, Statement
from resolvers.commands.outcome import Outcome, Refused, Request, UserError, UserErrorCode
from resolvers.context import Caller
from resolvers.letters import Letter
from resolvers.transaction import Transaction

KEY_REUSED = UserError(
    "This idempotency key was used with another input.", UserErrorCode.IDEMPOTENCY_KEY_REUSED, ("idempotencyKey",)
)
_ONE_AT_A_TIME = Statement(select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("key"), 0))))


class Rehearsed(Exception):
    """A dry run came to its end: what it did is taken back."""


EntryOf = Callable[[Decision, ItcareError | None], Entry]
"""Makes the entry of the audit log for what was decided, and why if it was denied."""


async def transact(
    caller: Caller, request: Request, run: Callable[[Transaction], Awaitable[Outcome]], entry_of: EntryOf
) -> Outcome:
    """Run a change in a transaction of its own; of what is refused or rehearsed, nothing is kept but the record.

    Raises:
        ItcareError: what was granted before is denied by now.
    """
    try:
        async with caller.loaders.snapshot.written() as transaction:
            outcome = await run(transaction)
        hand_over(caller, transaction.letters)
        return outcome
    except Refused as refused:
        outcome = Outcome(errors=refused.errors)
    except Rehearsed:
        outcome = Outcome()
    except ItcareError as refusal:
        caller.denied(entry_of(Decision.DENIED, refusal))
        raise
    if request.dry_run:
        async with caller.loaders.snapshot.written() as transaction:
            await append(transaction.fetch, [entry_of(Decision.DRY_RUN, None)])
    return outcome


def hand_over(caller: Caller, letters: Iterable[Letter]) -> None:
    """Have letters sent, which tell of what is committed by now."""
    for letter in letters:
        caller.post(letter)


async def take_turns(fetch: Fetch, key: str) -> None:
    """Wait until nobody else is at work on what was asked with the same idempotency key."""
    await fetch(_ONE_AT_A_TIME, {"key": key})
