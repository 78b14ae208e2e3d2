"""The guard: what is decided of a mutation before anything of it is executed.

    a known idempotency key        what came of it is the answer
    the target                     NOT_FOUND unless the caller sees it
    the profiles or authorities    FORBIDDEN, MFA_ENROLMENT_REQUIRED
    the input                      userErrors
    the second factor              INSUFFICIENT_USER_AUTHENTICATION, with a challenge to answer

Only the last one refuses the whole request; the others are told by the field. The decision goes into the context, where
the permission class of the field finds it and `submit()` the grant.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types.arguments import convert_argument

from auth.audit.records import Decision as Audited
from auth.decisions import Denial, Refusal, SealedGrant
from auth.errors import BadUserInput, InsufficientUserAuthentication, ItcareError, NotFound, TooManyRehearsals
from auth.mfa.approvals import has_approval, operation_digest, request_approval, request_session
from auth.mfa.enrolment import methods_of_account
from auth.permissions import MfaBinding, Rule
from auth.principal import set_scope
from resolvers.commands.outcome import Outcome, Request, check_common
from resolvers.commands.recording import entry_of
from resolvers.commands.refusals import refusal_of
from resolvers.context import Caller, Context, Decision
from schema.guarded import GUARDED, Found, Guarded
from schema.rehearsals import Rehearsals

NO_CLOUD = UUID(int=0)


class Guard:
    """Decides on mutations of a schema."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self._schema: Any = schema
        self._rehearsals = Rehearsals()

    async def __call__(self, context: Context, field: str, arguments: Mapping[str, Any]) -> None:
        """Decide on the mutation that is about to be executed, and put the decision into its context.

        Raises:
            InsufficientUserAuthentication: all that is missing is a second factor.
            BadUserInput: a number is none.
        """
        guarded, values = GUARDED[field], arguments["input"]
        if not _is_finite(values):
            # A literal like 1e400 comes through the coercion of Float, although the specification has it refused there.
            raise BadUserInput("A Float is a finite number.", argument="input")
        context.decision = await self._decide(context.authenticated, guarded, values, datetime.now(UTC))

    async def _decide(self, caller: Caller, guarded: Guarded, values: Mapping[str, Any], now: datetime) -> Decision:
        rule, errors = guarded.rule, check_common(values)
        request, asked = _request(caller, rule, values), self._input(guarded, values)
        if not errors:
            known = await guarded.asked_before(caller, request)
            if known is not None:
                return Decision(rule.key, request, outcome=known)
        try:
            found = await guarded.find(caller, asked)
        except (BadUserInput, NotFound) as refusal:
            _record_denial(caller, rule, request, None, refusal)
            return Decision(rule.key, request, refusal=refusal)
        decided = guarded.decide(caller, found, now)
        if isinstance(decided, Denial) and decided.refusal is not Refusal.INSUFFICIENT_USER_AUTHENTICATION:
            denial = refusal_of(decided, rule)
            _record_denial(caller, rule, request, found, denial)
            return Decision(rule.key, request, refusal=denial)
        errors += [*found.errors, *guarded.check(asked, now)]
        if errors:
            return Decision(rule.key, request, outcome=Outcome(errors=tuple(errors)))
        approval = operation_digest(caller.principal.account_id, rule.key, found.target.cloud_id or NO_CLOUD, values)
        request = Request(request.digest, approval, request.change_reference, request.idempotency_key, request.dry_run)
        await _require_factor(caller, rule, request, decided, found, now)
        wait = self._rehearsals.wait(caller.principal.account_id, now) if request.dry_run else 0
        if wait:
            too_many = TooManyRehearsals(wait)
            _record_denial(caller, rule, request, found, too_many)
            return Decision(rule.key, request, refusal=too_many)
        assert not isinstance(decided, Denial)  # noqa: S101 - for want of a factor it has raised
        return Decision(rule.key, request, grant=decided)

    def _input(self, guarded: Guarded, values: Mapping[str, Any]) -> Any:
        return convert_argument(
            values,
            guarded.input_type,
            scalar_registry=self._schema.schema_converter.scalar_registry,
            config=self._schema.config,
        )


def _is_finite(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or isfinite(value)


def _request(caller: Caller, rule: Rule, values: Mapping[str, Any]) -> Request:
    return Request(
        digest=operation_digest(caller.principal.account_id, rule.key, NO_CLOUD, values),
        change_reference=values.get("changeReference"),
        idempotency_key=values.get("idempotencyKey"),
        dry_run=bool(values.get("dryRun")),
    )


async def _require_factor(
    caller: Caller,
    rule: Rule,
    request: Request,
    decided: SealedGrant[Rule] | Denial,
    found: Found,
    now: datetime,
) -> None:
    """Open a challenge and refuse, unless a second factor has approved what is asked for."""
    account_id, snapshot = caller.principal.account_id, caller.loaders.snapshot
    is_bound = rule.mfa_binding is MfaBinding.OPERATION and not request.dry_run
    if not isinstance(decided, Denial) and (
        not is_bound or await has_approval(snapshot.fetch, account_id, request.approval, now)
    ):
        return
    async with snapshot.written() as transaction:
        await set_scope(transaction.fetch, account_id, caller.claims.session_id)
        methods = await methods_of_account(transaction.fetch, account_id, now)
        if is_bound:
            challenge = await request_approval(
                transaction.fetch, account_id, rule.key, found.target.cloud_id, request.approval, found.words, now
            )
        else:
            challenge = await request_session(transaction.fetch, account_id, now)
    binding = MfaBinding.OPERATION if is_bound else MfaBinding.SESSION
    refusal = InsufficientUserAuthentication(
        rule.mfa_max_age, binding.value, challenge_id=str(challenge), methods=methods
    )
    _record_denial(caller, rule, request, found, refusal)
    raise refusal


def _record_denial(caller: Caller, rule: Rule, request: Request, found: Found | None, refusal: ItcareError) -> None:
    place, target_id = (found.place, found.target_id) if found else (None, None)
    caller.denied(entry_of(caller, rule, request, Audited.DENIED, place=place, target_id=target_id, refusal=refusal))
