"""What happens to second factors, in the audit log: successes in their own transaction, refusals beside it."""

from dataclasses import replace
from typing import Final
from uuid import UUID

from auth.accounts import organization_of
from auth.audit import PLATFORM, Decision, Entry, Event, Who, append
from auth.mfa.enrolment import FactorHolder
from auth.mfa.recording import MfaEvent, MfaEventKind, Record
from auth.statements import Fetch
from auth.tokens import Claims
from gateway.auditing import Audit, request_id
from gateway.http.factors import RecordFor

ENROLMENT: Final = "ENROL_FACTOR"
"""What setting up a factor is called."""
REMOVAL: Final = "REMOVE_FACTOR"
RECOVERY: Final = "RECOVER_FACTOR"
"""What comes of recovery codes."""
LABELS: Final = {
    MfaEventKind.CHALLENGE_ACCEPTED: Event.STEP_UP,
    MfaEventKind.CHALLENGE_REFUSED: Event.STEP_UP,
    MfaEventKind.RATE_LIMITED: Event.STEP_UP,
    MfaEventKind.ENROLMENT_BEGUN: ENROLMENT,
    MfaEventKind.ENROLMENT_REFUSED: ENROLMENT,
    MfaEventKind.FACTOR_CONFIRMED: ENROLMENT,
    MfaEventKind.FACTOR_REPLACED: ENROLMENT,
    MfaEventKind.FACTOR_RECOVERED: ENROLMENT,
    MfaEventKind.FACTOR_REMOVED: REMOVAL,
    MfaEventKind.REMOVAL_REFUSED: REMOVAL,
    MfaEventKind.POSSIBLE_CLONE: Event.STEP_UP,
    MfaEventKind.RECOVERY_CODES_RENEWED: RECOVERY,
    MfaEventKind.RECOVERY_CODE_USED: RECOVERY,
    MfaEventKind.RECOVERY_REFUSED: RECOVERY,
    MfaEventKind.DEVICE_RENEWED: ENROLMENT,
    MfaEventKind.DEVICE_REFUSED: Event.STEP_UP,
    MfaEventKind.NOT_ME: Event.STEP_UP,
}
REFUSALS: Final = frozenset(
    {
        MfaEventKind.CHALLENGE_REFUSED,
        MfaEventKind.RATE_LIMITED,
        MfaEventKind.ENROLMENT_REFUSED,
        MfaEventKind.REMOVAL_REFUSED,
        MfaEventKind.POSSIBLE_CLONE,
        MfaEventKind.RECOVERY_REFUSED,
        MfaEventKind.DEVICE_REFUSED,
        MfaEventKind.NOT_ME,
    }
)


def records_of(audit: Audit) -> RecordFor:
    """Make what records the events of one request: in the chain of the account's organization, or the platform's."""

    def record_for(claims: Claims | None, holder: FactorHolder, host: str | None) -> Record:
        who = Who.of(claims, email=holder.email, host=host)
        if claims is None:
            who = replace(who, account_id=holder.account_id)

        async def record(fetch: Fetch, event: MfaEvent) -> None:
            entry = _entry(await organization_of(fetch, holder.account_id) or PLATFORM, who, event)
            if event.kind in REFUSALS:
                audit.denied(entry)
            else:
                await append(fetch, [entry])

        return record

    return record_for


def _entry(chain: UUID, who: Who, event: MfaEvent) -> Entry:
    refused, challenge = event.kind in REFUSALS, event.challenge
    return Entry(
        chain,
        LABELS[event.kind],
        Decision.DENIED if refused else Decision.ALLOWED,
        who,
        code=event.kind.value if refused else None,
        reasons=(
            event.kind.value,
            *([event.method.value] if event.method else []),
            *([challenge.action] if challenge and challenge.action else []),
        ),
        target_type="Factor" if event.factor_id else None,
        target_id=event.factor_id,
        cloud_id=challenge.cloud_id if challenge else None,
        input_digest=challenge.digest if challenge else None,
        correlation_id=request_id(),
        at=event.at,
    )
