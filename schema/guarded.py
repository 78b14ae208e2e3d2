"""What the guard must know of a mutation, whichever of the two tables of rights it has its row in."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

import strawberry
from strawberry import BasePermission
from strawberry.schema_directive import Location

from auth.administration import Target
from auth.decisions import Denial, SealedGrant
from auth.permissions import MfaBinding as Binding
from auth.permissions import Rule
from resolvers.commands.outcome import Outcome, Request, UserError
from resolvers.context import Caller, Context, Decision
from schema.edge import Info
from schema.enums import MfaBinding

Check = Callable[[Any, datetime], Sequence[UserError]]
"""Says what is wrong with an input by itself, at a time."""


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="The mutation takes a second factor that succeeded at most `maxAge` seconds ago;"
    " with the binding OPERATION, for exactly this operation.",
)
class RequiresMfa:
    """How fresh a second factor a mutation takes."""

    max_age: int = strawberry.directive_field(name="maxAge")
    binding: MfaBinding = strawberry.directive_field(name="binding")


class Found(NamedTuple):
    """What a mutation is about, as the caller sees it."""

    target: Target
    words: str
    """What is to be done, in words that a person approves."""
    target_id: UUID | None = None
    place: tuple[UUID, UUID | None] | None = None
    """The organization and the Cloud, if it is in one and the caller belongs there."""
    errors: tuple[UserError, ...] = ()
    """What else the input names that is not there, told only to whom the decision lets go on."""


@dataclass(frozen=True)
class Guarded(ABC):
    """One mutation: its row, its input and what can be wrong with it, what it is about, and who decides."""

    rule: Rule
    input_type: type
    check: Check

    @abstractmethod
    async def asked_before(self, caller: Caller, request: Request) -> Outcome | None:
        """Find what came of it when it was asked for with the same key; None without a key, or the first time."""

    @abstractmethod
    async def find(self, caller: Caller, asked: Any) -> Found:
        """Find what the input is about; raises NotFound if the caller does not see it, as if there were none."""

    @abstractmethod
    def decide(self, caller: Caller, found: Found, now: datetime) -> SealedGrant[Rule] | Denial:
        """Decide, by the caller as they were read."""

    @abstractmethod
    async def submit(self, caller: Caller, decision: Decision, change: Any) -> Outcome:
        """Have the change done that was decided on, by the one path that there is for its kind."""

    @abstractmethod
    async def answer(self, caller: Caller, outcome: Outcome) -> Any:
        """Make the payload; the caller's loaders see what was written."""


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
        if decision is None or guarded is None or decision.key is not guarded.rule.key:
            raise RuntimeError(f"the mutation {info.field_name} came past its guard")
        if decision.refusal is not None:
            raise decision.refusal
        return decision.grant is not None or decision.outcome is not None


def mutation_of(
    guarded: Guarded, method: Callable[..., Any], *, payload: type, description: str, directive: Any
) -> Any:
    """Make the guarded mutation of a method that says, of the caller and the input, what is to be done.

    `directive` says what its row of the table asks for, beside the second factor.
    """
    rule = guarded.rule
    input_type: Any = guarded.input_type

    async def resolve(info: Info, input: Any) -> Any:  # noqa: A002 - the argument's public name
        context: Context = info.context
        decision = context.decision
        assert decision is not None  # noqa: S101 - `IsGranted` has seen to it
        outcome = decision.outcome
        if outcome is None:
            caller = context.authenticated
            outcome = await guarded.submit(caller, decision, method(caller, input))
        return await guarded.answer(await context.renewed(), outcome)

    argument = strawberry.argument(description="What is asked for.")
    resolve.__annotations__.update({"input": Annotated[input_type, argument], "return": payload | None})
    GUARDED[rule.mutation] = guarded
    return strawberry.mutation(
        resolver=resolve,
        name=rule.mutation,
        description=description,
        permission_classes=[IsGranted],
        directives=[directive, RequiresMfa(max_age=rule.mfa_max_age, binding=rule.mfa_binding)],
    )


def no_check(_input: Any, _now: datetime) -> Sequence[UserError]:
    """Find nothing wrong with an input."""
    return ()


def approval_of(rule: Rule) -> str:
    """Describe the second factor that a mutation takes."""
    approval = f"a second factor presented at most {rule.mfa_max_age} s ago"
    return f"{approval} for exactly this operation" if rule.mfa_binding is Binding.OPERATION else approval


def guards(fields: Mapping[str, Any]) -> None:
    """Refuse a schema in which a mutation has no guard."""
    for name in fields:
        if name not in GUARDED:
            raise TypeError(f"The mutation {name} has no guard.")
