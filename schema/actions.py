"""`@action(Action.X)`: one row of the privilege matrix makes a mutation's guard, directives and description.

    @action(Action.START_INSTANCE, payload=StartInstancePayload)
    def start_instance(caller: Caller, input: StartInstanceInput) -> Change:
        return commands.start_instance(...)

The method says what is to be done; nothing runs before the guard (`schema/guard.py`) has decided, and what runs goes
through `submit()`, which demands the grant.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

import strawberry
from strawberry import BasePermission
from strawberry.schema_directive import Location

from auth.permissions import PRIVILEGES, Action, Privilege
from auth.tables import Profile
from resolvers.commands.outcome import Outcome, UserError
from resolvers.commands.submission import Change, submit
from resolvers.context import Caller, Context
from resolvers.tables import ResourceType
from schema.edge import Info
from schema.enums import MfaBinding
from schema.payloads import Payload

P = TypeVar("P", bound=Payload)
Check = Callable[[Any, datetime], Sequence[UserError]]
"""Says what is wrong with an input by itself, at a time."""


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="The mutation takes one of these profiles in the Cloud of what it is about.",
)
class RequiresPrivilege:
    """Which privilege a mutation takes."""

    label: str = strawberry.directive_field(name="label")
    profiles: list[Profile] = strawberry.directive_field(name="profiles")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="The mutation takes a second factor that succeeded at most `maxAge` seconds ago;"
    " with the binding OPERATION, for exactly this operation.",
)
class RequiresMfa:
    """How fresh a second factor a mutation takes."""

    max_age: int = strawberry.directive_field(name="maxAge")
    binding: MfaBinding = strawberry.directive_field(name="binding")


@dataclass(frozen=True)
class Guarded:
    """What the guard must know of a mutation: its row of the matrix, its input and what can be wrong with it.

    `part_of` is the type of the resources whose parts it is about, where parts of others are of the same kind.
    """

    privilege: Privilege
    input_type: type
    check: Check
    part_of: ResourceType | None = None

    @property
    def target_field(self) -> str:
        """The field of the input that names what it is about: instanceId."""
        target = self.privilege.target
        return f"{target[0].lower()}{target[1:]}Id"


GUARDED: Final[dict[str, Guarded]] = {}
"""The guarded mutations, by the names of their fields."""


class IsGranted(BasePermission):
    """Lets a mutation run only after the guard has decided on exactly this one; it fails closed."""

    message = "This was not decided."

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        """Ask what was decided; raises what was decided against it."""
        context: Context = info.context
        decision = context.decision
        guarded = GUARDED.get(info.field_name)
        if decision is None or guarded is None or decision.action is not guarded.privilege.action:
            raise RuntimeError(f"the mutation {info.field_name} came past its guard")
        if decision.refusal is not None:
            raise decision.refusal
        return decision.grant is not None or decision.outcome is not None


def _no_check(_input: Any, _now: datetime) -> Sequence[UserError]:
    return ()


def action(
    of: Action, *, payload: type[P], check: Check = _no_check, part_of: ResourceType | None = None
) -> Callable[[Callable[..., Change]], Any]:
    """Make a guarded mutation of a method that says, of the caller and the input, what is to be done."""
    privilege = PRIVILEGES[of]

    def declare(method: Callable[..., Change]) -> Any:
        input_type: Any = method.__annotations__["input"]

        async def resolve(info: Info, input: Any) -> Any:  # noqa: A002 - the argument's public name
            context: Context = info.context
            decision = context.decision
            assert decision is not None  # noqa: S101 - `IsGranted` has seen to it
            outcome = decision.outcome
            if outcome is None:
                caller, grant = context.authenticated, decision.grant
                assert grant is not None  # noqa: S101 - likewise
                outcome = await submit(caller, grant, decision.request, method(caller, input))
            return await _answer(context, payload, outcome)

        argument = strawberry.argument(description="What is asked for.")
        resolve.__annotations__.update({"input": Annotated[input_type, argument], "return": payload | None})
        GUARDED[privilege.mutation] = Guarded(privilege, input_type, check, part_of)
        return strawberry.mutation(
            resolver=resolve,
            name=privilege.mutation,
            description=described(privilege),
            permission_classes=[IsGranted],
            directives=[
                RequiresPrivilege(label=privilege.label, profiles=list(privilege.profiles)),
                RequiresMfa(max_age=privilege.mfa_max_age, binding=privilege.mfa_binding),
            ],
        )

    return declare


def described(privilege: Privilege) -> str:
    """Describe a mutation by its row of the matrix."""
    *others, last = (profile.value for profile in privilege.profiles)
    profiles = f"{', '.join(others)} or {last}" if others else last
    approval = f"a second factor presented at most {privilege.mfa_max_age} s ago"
    if privilege.mfa_binding is MfaBinding.OPERATION:
        approval += " for exactly this operation"
    return f"{privilege.description} Requires the profile {profiles} in its Cloud, and {approval}."


async def _answer(context: Context, payload: type[P], outcome: Outcome) -> P:
    caller: Caller = await context.renewed()
    operation = outcome.operation_id and await caller.loaders.operation_by_id.load(outcome.operation_id)
    return payload.of(
        operation=operation,
        user_errors=list(outcome.errors),
        subject=await payload.load_subject(caller, outcome.subject_id or (operation and operation.resource_id)),
        secret=outcome.secret,
    )


def guards(fields: Mapping[str, Any]) -> None:
    """Refuse a schema in which a mutation has no guard, or its directives are not those of its row."""
    for name in fields:
        if name not in GUARDED:
            raise TypeError(f"The mutation {name} has no guard.")
