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
from typing import Any, Self

import strawberry
from strawberry import ID, UNSET
from strawberry.schema_directive import Location

from auth.administration import RULES, AdministrationGrant, AdministrationRule, Authority, decide_administration
from auth.administration import Administration as Which
from auth.decisions import Denial
from resolvers.administration.submission import Change, asked_before, submit
from resolvers.commands.outcome import Outcome, Request
from resolvers.context import Caller, Decision
from schema.enums import Administration
from schema.guarded import Check, Found, Guarded, approval_of, mutation_of, no_check
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
    def of(cls, *, user_errors: list[Any], subject: Any, secret: str | None = None) -> Self:
        """Make the payload; `secret` is what is shown once, of changes that make one."""
        return cls(**{"user_errors": user_errors, cls.subject_name: subject})


@strawberry.type
class SecretAdministrationPayload(AdministrationPayload):
    """The payload of a change that makes a secret of an API account, which is shown once."""

    client_secret: str | None = strawberry.field(
        description="The secret that the API account signs in with, in the answer that made it and never again; null if"
        " none was made just now."
    )
    secret_withheld: bool = strawberry.field(
        description="Whether a secret was made that this answer, a repetition of the same idempotency key, does not"
        " show: it was in the first one. If that one was lost, revoke the secret and add another."
    )

    @classmethod
    def makes_secret(cls, _subject: Any) -> bool:
        """Say whether what is now there was made with a secret."""
        return True

    @classmethod
    def of(cls, *, user_errors: list[Any], subject: Any, secret: str | None = None) -> Self:
        """Make the payload with the secret, if it is here."""
        made = subject is not None and cls.makes_secret(subject)
        values = {"user_errors": user_errors, cls.subject_name: subject}
        return cls(**values, client_secret=secret, secret_withheld=made and secret is None)


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


@strawberry.input(one_of=True, description="Which account.")
class AccountInput:
    """Which account."""

    id: ID | None = strawberry.field(default=UNSET, description="The account by its id.")
    email: str | None = strawberry.field(default=UNSET, description="The account by its exact e-mail address.")


@dataclass(frozen=True)
class GuardedAdministration(Guarded):
    """A mutation beside the privilege matrix."""

    rule: AdministrationRule
    finder: Find
    payload: type[AdministrationPayload]

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

    async def submit(self, caller: Caller, decision: Decision, change: Change) -> Outcome:
        """Have it done at once."""
        grant = decision.grant
        assert isinstance(grant, AdministrationGrant)  # noqa: S101 - `IsGranted` has seen to it
        return await submit(caller, grant, decision.request, change)

    async def answer(self, caller: Caller, outcome: Outcome) -> AdministrationPayload:
        """Answer with what was made or changed."""
        subject = await self.payload.load_subject(caller, outcome.subject_id)
        return self.payload.of(user_errors=list(outcome.errors), subject=subject, secret=outcome.secret)


def administers(
    of: Which, *, payload: type[AdministrationPayload], find: Find, check: Check = no_check
) -> Callable[[Callable[..., Change]], Any]:
    """Make a guarded mutation of a method that says, of the caller and the input, what is to be changed."""
    rule = RULES[of]

    def declare(method: Callable[..., Change]) -> Any:
        guarded = GuardedAdministration(rule, method.__annotations__["input"], check, find, payload)
        directive = RequiresAdministration(rule=rule.administration)
        return mutation_of(guarded, method, payload=payload, description=described(rule), directive=directive)

    return declare


def described(rule: AdministrationRule) -> str:
    """Describe a mutation by its row of the table."""
    profiles = [profile.value for profile in rule.profiles]
    if profiles:
        who = f"the profile {' or '.join(profiles)} in the Cloud"
    else:
        who = " or ".join(AUTHORITY_NAMES[authority] for authority in rule.authorities)
    return f"{rule.description} Requires {who}, and {approval_of(rule)}."
