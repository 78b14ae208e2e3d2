"""What the audit log says of a mutation: who asked for what, and what was decided."""

from uuid import UUID

from auth.audit.records import PLATFORM, Decision, Entry, Who
from auth.errors import ItcareError, NotFound
from auth.permissions import Rule
from resolvers.commands.outcome import Request
from resolvers.context import Caller


def entry_of(
    caller: Caller,
    rule: Rule,
    request: Request,
    decision: Decision,
    *,
    place: tuple[UUID, UUID | None] | None = None,
    target_id: UUID | None = None,
    target_type: str | None = None,
    refusal: ItcareError | None = None,
) -> Entry:
    """Make the entry; `place` are the organization and the Cloud, if it is in one and the caller sees what it is about.

    What they do not see goes into the platform's chain: in an organization's it would tell of others. Where something
    is made, `target_type` is its type.
    """
    known = place is not None and not isinstance(refusal, NotFound)
    reasons = refusal.extensions.get("reasons", ()) if refusal is not None else ()
    return Entry(
        chain=place[0] if place is not None and known else PLATFORM,
        label=rule.label,
        decision=decision,
        who=Who.of(caller.claims, email=caller.principal.email, host=caller.origin.host),
        code=None if refusal is None else refusal.code,
        reasons=tuple(map(str, reasons)) if isinstance(reasons, list) else (),
        target_type=target_type or rule.target,
        target_id=target_id,
        cloud_id=place[1] if place is not None and known else None,
        input_digest=request.digest,
        correlation_id=caller.origin.correlation_id,
    )
