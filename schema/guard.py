"""The guard: what is decided of a mutation before anything of it is executed.

    a known idempotency key        its operation is the answer
    the target                     NOT_FOUND unless the caller sees it
    the profiles in its Cloud      FORBIDDEN, MFA_ENROLMENT_REQUIRED
    the input                      userErrors
    the second factor              INSUFFICIENT_USER_AUTHENTICATION, with a challenge to answer

Only the last one refuses the whole request; the others are told by the field. The decision goes into the context, where
the permission class of the field finds it and `submit()` the grant.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, NamedTuple
from uuid import UUID

import strawberry
from strawberry.types.arguments import convert_argument

from auth.audit.records import Decision as Audited
from auth.decisions import Denial, Grant, Refusal, decide
from auth.errors import BadUserInput, InsufficientUserAuthentication, ItcareError, NotFound
from auth.mfa.approvals import has_approval, operation_digest, request_approval, request_session
from auth.mfa.enrolment import methods_of_account
from auth.permissions import MfaBinding, Privilege
from auth.principal import set_scope
from resolvers.commands.outcome import Outcome, Request, check_common
from resolvers.commands.recording import entry_of
from resolvers.commands.refusals import refusal_of
from resolvers.commands.submission import asked_before
from resolvers.context import Caller, Context, Decision
from schema.actions import GUARDED, Guarded
from schema.ids import key_of
from schema.node import load_node

NO_CLOUD = UUID(int=0)


class Target(NamedTuple):
    """What a mutation is about: the Cloud that it is in, and what people call it."""

    id: UUID
    cloud_id: UUID
    name: str


class Guard:
    """Decides on mutations of a schema."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self._schema: Any = schema

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
        privilege, errors = guarded.privilege, check_common(values)
        request = _request(caller, privilege, values)
        if not errors:
            known = await asked_before(caller, privilege.action, request)
            if known is not None:
                return Decision(privilege.action, request, outcome=known)
        try:
            target = await _target(caller, guarded, values[guarded.target_field])
        except (BadUserInput, NotFound) as refusal:
            _record_denial(caller, privilege, request, None, refusal)
            return Decision(privilege.action, request, refusal=refusal)
        decided = decide(caller.asker, privilege.action, target.cloud_id, now)
        if isinstance(decided, Denial) and decided.refusal is not Refusal.INSUFFICIENT_USER_AUTHENTICATION:
            denial = refusal_of(decided, privilege)
            _record_denial(caller, privilege, request, target, denial)
            return Decision(privilege.action, request, refusal=denial)
        errors += guarded.check(self._input(guarded, values), now)
        if errors:
            return Decision(privilege.action, request, outcome=Outcome(errors=tuple(errors)))
        approval = operation_digest(caller.principal.account_id, privilege.action, target.cloud_id, values)
        request = Request(request.digest, approval, request.change_reference, request.idempotency_key, request.dry_run)
        await _require_factor(caller, privilege, request, decided, target, now)
        assert isinstance(decided, Grant)  # noqa: S101 - for want of a factor it has raised
        return Decision(privilege.action, request, grant=decided)

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


def _request(caller: Caller, privilege: Privilege, values: Mapping[str, Any]) -> Request:
    return Request(
        digest=operation_digest(caller.principal.account_id, privilege.action, NO_CLOUD, values),
        change_reference=values.get("changeReference"),
        idempotency_key=values.get("idempotencyKey"),
        dry_run=bool(values.get("dryRun")),
    )


async def _require_factor(
    caller: Caller,
    privilege: Privilege,
    request: Request,
    decided: Grant | Denial,
    target: Target,
    now: datetime,
) -> None:
    """Open a challenge and refuse, unless a second factor has approved what is asked for."""
    account_id, snapshot = caller.principal.account_id, caller.loaders.snapshot
    is_bound = privilege.mfa_binding is MfaBinding.OPERATION and not request.dry_run
    if isinstance(decided, Grant) and (
        not is_bound or await has_approval(snapshot.fetch, account_id, request.approval, now)
    ):
        return
    async with snapshot.written() as transaction:
        await set_scope(transaction.fetch, account_id)
        methods = await methods_of_account(transaction.fetch, account_id)
        if is_bound:
            cloud = caller.principal.clouds_by_id[target.cloud_id]
            words = f"{privilege.description.rstrip('.')}: {target.name} in the Cloud {cloud.name}."
            challenge = await request_approval(
                transaction.fetch, account_id, privilege.action, target.cloud_id, request.approval, words, now
            )
        else:
            challenge = await request_session(transaction.fetch, account_id, now)
    binding = MfaBinding.OPERATION if is_bound else MfaBinding.SESSION
    refusal = InsufficientUserAuthentication(
        privilege.mfa_max_age, binding.value, challenge_id=str(challenge), methods=methods
    )
    _record_denial(caller, privilege, request, target, refusal)
    raise refusal


def _record_denial(
    caller: Caller, privilege: Privilege, request: Request, target: Target | None, refusal: ItcareError
) -> None:
    cloud = caller.principal.clouds_by_id.get(target.cloud_id) if target else None
    place = (cloud.organization_id, cloud.id) if cloud else None
    target_id = target.id if target else None
    caller.denied(
        entry_of(caller, privilege, request, Audited.DENIED, place=place, target_id=target_id, refusal=refusal)
    )


async def _target(caller: Caller, guarded: Guarded, value: str) -> Target:
    """Find what a mutation is about; raises NotFound if the caller does not see it, as if there were none."""
    kind = guarded.privilege.target
    key = key_of(value, kind, argument=f"input.{guarded.target_field}")
    row = None if key is None else await load_node(caller, kind, key)
    if row is None or not await _is_of_its_kind(caller, guarded, row):
        raise NotFound(kind)
    cloud_id = row.id if kind == "Cloud" else await _cloud_of(caller, row)
    if cloud_id is None:
        raise NotFound(kind)
    names = (getattr(row, name, None) for name in ("name", "label", "fqdn"))
    return Target(row.id, cloud_id, next(filter(None, names), value))


async def _is_of_its_kind(caller: Caller, guarded: Guarded, row: Any) -> bool:
    """Say whether a part is of a resource of the type that the mutation is for."""
    if guarded.part_of is None:
        return True
    owner = await caller.loaders.resource_by_id.load(row.resource_id)
    return owner is not None and owner.type == guarded.part_of


async def _cloud_of(caller: Caller, row: Any) -> UUID | None:
    """Find the Cloud of a row: its own, or that of the resource or the Service that it belongs to."""
    loaders = caller.loaders
    if hasattr(row, "cloud_id"):
        cloud_id: UUID = row.cloud_id
        return cloud_id
    owner = await (
        loaders.resource_by_id.load(row.resource_id)
        if hasattr(row, "resource_id")
        else loaders.service_by_id.load(row.service_id)
    )
    return None if owner is None else owner.cloud_id
