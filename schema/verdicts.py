"""What the caller may do with something now, and if not, why; decided as mutations are."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from auth.decisions import Asker, Denial, DenialReason, Grant, Refusal, decide
from auth.permissions import PRIVILEGES, MfaBinding
from resolvers.commands.availability import AVAILABLE
from schema.edge import Column, Info, by_column, caller_of
from schema.enums import Action, Profile, described
from schema.ids import type_names


class Verdict(StrEnum):
    """Whether the caller may run an action now."""

    ALLOWED = "ALLOWED"
    STEP_UP_REQUIRED = "STEP_UP_REQUIRED"
    DENIED = "DENIED"


described(
    Verdict,
    "Verdict",
    "Whether the caller may run an action now.",
    {
        "ALLOWED": "The mutation will be accepted, as things are.",
        "STEP_UP_REQUIRED": "All that is missing is a fresh second factor.",
        "DENIED": "The mutation will be refused.",
    },
)
described(
    DenialReason,
    "DenialReason",
    "Why an action is denied, or what it still takes.",
    {
        "MISSING_PROFILE": "The caller holds none of the profiles in the Cloud.",
        "MFA_NOT_ENROLLED": "The caller has no second factor, so that their profiles are inert.",
        "MFA_STALE": "The caller's second factor is not fresh enough.",
        "MFA_PER_OPERATION": "The action takes an approval of exactly this operation.",
        "WRONG_STATUS": "The resource has another status than the action takes.",
        "API_ACCOUNT": "API accounts only read.",
    },
)


@strawberry.type(description="What the caller may do with something now.")
class Permission:
    """Whether the caller may run one action."""

    action: Action = strawberry.field(description="The action.")
    verdict: Verdict = strawberry.field(description="Whether the caller may run it.")
    reasons: list[DenialReason] = strawberry.field(description="Why not, or what it still takes.")
    missing_profiles: list[Profile] = strawberry.field(
        description="The profiles of which any one would do, if that is what is missing."
    )


Actions = Annotated[
    list[Action] | None,
    strawberry.argument(description="Only these; if absent, all that are about such a thing."),
]


def viewer_permissions(*, description: str) -> Any:
    """Declare the field that says which of the actions on a thing the caller may run."""

    def resolve(rows: Sequence[Any], info: Info, actions: Actions = UNSET) -> Column:
        asker, now = caller_of(info).asker, datetime.now(UTC)
        return [
            list(_permissions(asker, kind, row, actions or None, now))
            for row, kind in zip(rows, type_names(rows), strict=True)
        ]

    return by_column(resolve, list_size=len(PRIVILEGES) // 3, description=description)


def _permissions(
    asker: Asker, kind: str, row: Any, actions: Sequence[Action] | None, now: datetime
) -> Iterator[Permission]:
    cloud_id: UUID = row.id if kind == "Cloud" else row.cloud_id
    for privilege in PRIVILEGES.values():
        if privilege.target == kind and (actions is None or privilege.action in actions):
            yield _permission(asker, privilege.action, cloud_id, getattr(row, "status", None), now)


def _permission(asker: Asker, action: Action, cloud_id: UUID, status: str | None, now: datetime) -> Permission:
    decided = decide(asker, action, cloud_id, now)
    reasons, missing = list[DenialReason](), list[Profile]()
    verdict = Verdict.ALLOWED
    if isinstance(decided, Denial):
        is_stale = decided.refusal is Refusal.INSUFFICIENT_USER_AUTHENTICATION
        verdict = Verdict.STEP_UP_REQUIRED if is_stale else Verdict.DENIED
        reasons += decided.reasons
        missing += decided.missing_profiles
    if PRIVILEGES[action].mfa_binding is MfaBinding.OPERATION and (
        isinstance(decided, Grant) or verdict is Verdict.STEP_UP_REQUIRED
    ):
        verdict = Verdict.STEP_UP_REQUIRED
        reasons.append(DenialReason.MFA_PER_OPERATION)
    if status is not None and action in AVAILABLE and status not in AVAILABLE[action]:
        verdict = Verdict.DENIED
        reasons.append(DenialReason.WRONG_STATUS)
    return Permission(action=action, verdict=verdict, reasons=reasons, missing_profiles=missing)
