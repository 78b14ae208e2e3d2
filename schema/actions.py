"""`@action(Action.X)`: one row of the privilege matrix makes a mutation's guard, directives and description.

    @action(Action.START_INSTANCE, payload=StartInstancePayload)
    def start_instance(caller: Caller, input: StartInstanceInput) -> Change:
        return commands.start_instance(...)

The method says what is to be done; nothing runs before the guard (`schema/guard.py`) has decided, and what runs goes
through `submit()`, which demands the grant.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import strawberry
from strawberry.schema_directive import Location
from strawberry.utils.str_converters import to_camel_case

from auth.administration import Target
from auth.decisions import Denial, Grant, decide
from auth.permissions import PRIVILEGES, Action, Privilege
from auth.tables import Profile
from resolvers.commands.outcome import Outcome, Request
from resolvers.commands.submission import Change, asked_before, submit
from resolvers.context import Caller, Decision
from resolvers.tables import ResourceType
from schema.guarded import Check, Found, Guarded, approval_of, mutation_of, no_check
from schema.payloads import Payload
from schema.targets import find_target, target_field


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="The mutation takes one of these profiles in the Cloud of what it is about.",
)
class RequiresPrivilege:
    """Which privilege a mutation takes."""

    label: str = strawberry.directive_field(name="label")
    profiles: list[Profile] = strawberry.directive_field(name="profiles")


@dataclass(frozen=True)
class GuardedAction(Guarded):
    """A mutation of the privilege matrix.

    `part_of` is the type of the resources whose parts it is about, where parts of others are of the same kind.
    """

    rule: Privilege
    payload: type[Payload]
    part_of: ResourceType | None = None

    @property
    def target_field(self) -> str:
        """The field of the input that names what it is about: instanceId."""
        return to_camel_case(target_field(self.rule))

    async def asked_before(self, caller: Caller, request: Request) -> Outcome | None:
        """Find the operation that the caller was given for the same key."""
        return await asked_before(caller, self.rule.action, request)

    async def find(self, caller: Caller, asked: Any) -> Found:
        """Find what the action is on, and its Cloud."""
        value = getattr(asked, target_field(self.rule))
        argument = f"input.{self.target_field}"
        row = await find_target(caller, self.rule, value, argument=argument, part_of=self.part_of)
        # The platform sees the names of Clouds that it does not belong to.
        cloud = caller.principal.clouds_by_id.get(row.cloud_id)
        where = f" in the Cloud {cloud.name}" if cloud else ""
        return Found(
            target=Target(cloud.organization_id if cloud else None, row.cloud_id),
            words=f"{self.rule.description.rstrip('.')}: {row.name}{where}.",
            target_id=row.id,
            place=(cloud.organization_id, cloud.id) if cloud else None,
        )

    def decide(self, caller: Caller, found: Found, now: datetime) -> Grant | Denial:
        """Decide by the privilege matrix."""
        assert found.target.cloud_id is not None  # noqa: S101 - every action is in a Cloud
        return decide(caller.asker, self.rule.action, found.target.cloud_id, now)

    async def submit(self, caller: Caller, decision: Decision, change: Change) -> Outcome:
        """Have an operation recorded."""
        grant = decision.grant
        assert isinstance(grant, Grant)  # noqa: S101 - `IsGranted` has seen to it
        return await submit(caller, grant, decision.request, change)

    async def answer(self, caller: Caller, outcome: Outcome) -> Payload:
        """Answer with the operation, and with what it is about."""
        operation = outcome.operation_id and await caller.loaders.operation_by_id.load(outcome.operation_id)
        subject_id = outcome.subject_id or (operation and operation.resource_id)
        return self.payload.of(
            operation=operation,
            user_errors=list(outcome.errors),
            subject=await self.payload.load_subject(caller, subject_id),
            secret=outcome.secret,
        )


def action(
    of: Action, *, payload: type[Payload], check: Check = no_check, part_of: ResourceType | None = None
) -> Callable[[Callable[..., Change]], Any]:
    """Make a guarded mutation of a method that says, of the caller and the input, what is to be done."""
    privilege = PRIVILEGES[of]

    def declare(method: Callable[..., Change]) -> Any:
        guarded = GuardedAction(privilege, method.__annotations__["input"], check, payload, part_of)
        directive = RequiresPrivilege(label=privilege.label, profiles=list(privilege.profiles))
        return mutation_of(guarded, method, payload=payload, description=described(privilege), directive=directive)

    return declare


def described(privilege: Privilege) -> str:
    """Describe a mutation by its row of the matrix."""
    *others, last = (profile.value for profile in privilege.profiles)
    profiles = f"{', '.join(others)} or {last}" if others else last
    return f"{privilege.description} Requires the profile {profiles} in its Cloud, and {approval_of(privilege)}."
