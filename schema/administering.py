"""`@administers(Administration.X)`: one row of the second table of rights makes a mutation's guard and directives.

    @administers(Administration.CREATE_SERVICE, payload=CreateServicePayload, find=in_cloud, check=_check_service)
    def create_service(caller: Caller, input: CreateServiceInput) -> Change:
        return creations.create_service(...)

As with the actions (`schema/actions.py`), the method says what is to be done, and nothing runs before the guard has
decided on what `find` finds.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self, TypeVar

import strawberry
from strawberry import ID, UNSET
from strawberry.schema_directive import Location

from auth.administration import RULES, AdministrationGrant, AdministrationRule, Authority, decide_administration
from auth.administration import Administration as Which
from auth.decisions import Denial
from resolvers.administration.submission import Change, asked_before, submit
from resolvers.commands.outcome import Outcome, Request
from resolvers.context import Caller, Context
from schema.edge import Info
from schema.enums import Administration
from schema.guarded import GUARDED, Check, Found, Guarded, IsGranted, RequiresMfa, approval_of, no_check
from schema.payloads import Subject, UserError

Find = Callable[[Caller, Any], Awaitable[Found]]
"""Finds what an input is about; raises NotFound if the caller does not see it, as if there were none."""
AUTHORITY_NAMES = {
    Authority.PLATFORM: "the platform",
    Authority.SECURITY_REPRESENTATIVE: "a security representative of the organization",
}


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="The mutation takes what this row of the table beside the privilege matrix says.",
)
class RequiresAdministration:
    """Which row a mutation takes."""

    rule: Administration = strawberry.directive_field(name="rule")


@strawberry.type
class AdministrationPayload(Subject):
    """What every payload of an administrative change has."""

    user_errors: list[UserError] = strawberry.field(description="What is wrong with what was asked.")

    @classmethod
    def of(cls, *, user_errors: list[Any], subject: Any) -> Self:
        """Make the payload."""
        return cls(**{"user_errors": user_errors, cls.subject_name: subject})


P = TypeVar("P", bound=AdministrationPayload)


@strawberry.input
class AdministrationInput:
    """What every administrative change can be asked with."""

    change_reference: str | None = strawberry.field(
        default=UNSET, description="The number of the change that it is asked for; kept with it."
    )
    idempotency_key: str | None = strawberry.field(
        default=UNSET, description="Makes it safe to ask again: the same key with the same input gives the same answer."
    )
    dry_run: bool | None = strawberry.field(default=False, description="Check everything, change nothing.")


@strawberry.input(one_of=True, description="Which account of the organization.")
class AccountInput:
    """Which account of the organization."""

    id: ID | None = strawberry.field(default=UNSET, description="The account by its id.")
    email: str | None = strawberry.field(default=UNSET, description="The account by its exact e-mail address.")


@dataclass(frozen=True)
class GuardedAdministration(Guarded):
    """A mutation beside the privilege matrix."""

    rule: AdministrationRule
    finder: Find

    async def asked_before(self, caller: Caller, request: Request) -> Outcome | None:
        """Find what came of it when the caller asked with the same key."""
        return await asked_before(caller, self.rule, request)

    async def find(self, caller: Caller, asked: Any) -> Found:
        """Find what the change is about."""
        return await self.finder(caller, asked)

    def decide(self, caller: Caller, found: Found, now: datetime) -> AdministrationGrant | Denial:
        """Decide by the second table of rights."""
        represented = caller.principal.scope.represented
        return decide_administration(caller.asker, represented, self.rule.administration, found.target, now)


def administers(
    of: Which, *, payload: type[P], find: Find, check: Check = no_check
) -> Callable[[Callable[..., Change]], Any]:
    """Make a guarded mutation of a method that says, of the caller and the input, what is to be changed."""
    rule = RULES[of]

    def declare(method: Callable[..., Change]) -> Any:
        input_type: Any = method.__annotations__["input"]

        async def resolve(info: Info, input: Any) -> Any:  # noqa: A002 - the argument's public name
            context: Context = info.context
            decision = context.decision
            assert decision is not None  # noqa: S101 - `IsGranted` has seen to it
            outcome = decision.outcome
            if outcome is None:
                caller, grant = context.authenticated, decision.grant
                assert isinstance(grant, AdministrationGrant)  # noqa: S101 - likewise
                outcome = await submit(caller, grant, decision.request, method(caller, input))
            return await _answer(context, payload, outcome)

        argument = strawberry.argument(description="What is asked for.")
        resolve.__annotations__.update({"input": Annotated[input_type, argument], "return": payload | None})
        GUARDED[rule.mutation] = GuardedAdministration(rule, input_type, check, find)
        return strawberry.mutation(
            resolver=resolve,
            name=rule.mutation,
            description=described(rule),
            permission_classes=[IsGranted],
            directives=[
                RequiresAdministration(rule=rule.administration),
                RequiresMfa(max_age=rule.mfa_max_age, binding=rule.mfa_binding),
            ],
        )

    return declare


def described(rule: AdministrationRule) -> str:
    """Describe a mutation by its row of the table."""
    profiles = [profile.value for profile in rule.profiles]
    if profiles:
        who = f"the profile {' or '.join(profiles)} in the Cloud"
    else:
        who = " or ".join(AUTHORITY_NAMES[authority] for authority in rule.authorities)
    return f"{rule.description} Requires {who}, and {approval_of(rule)}."


async def _answer(context: Context, payload: type[P], outcome: Outcome) -> P:
    caller = await context.renewed()
    return payload.of(user_errors=list(outcome.errors), subject=await payload.load_subject(caller, outcome.subject_id))
