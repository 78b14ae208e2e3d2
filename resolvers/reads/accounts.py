"""Accounts as representatives and the platform see them: which there are, what they hold, how they stand.

Of an account's factors, sessions and password nobody but itself sees a row: `account_states`, a function of the
database, tells what may be told, and of an account that is older than its place in an organization nothing from before.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, Column, Text, Uuid, any_, bindparam, case, column, func, select
from sqlalchemy import table as view
from sqlalchemy.dialects.postgresql import JSONB

from auth.identity.tables import AccountRequest, ClientCredential, ForeignIdentity
from auth.principal import Scope
from auth.statements import Fetch, Statement
from auth.tables import CODE_POINTS, TIMESTAMP, FactorKind, table
from resolvers.reads.predicates import Fields
from resolvers.reads.relations import MEMBERSHIP
from resolvers.reads.sources import MEMBERSHIPS, ListOf, Source, named_to_representatives


class AccountRow(NamedTuple):
    """An account of an organization."""

    id: UUID
    email: str
    kind: str
    disabled_at: datetime | None


class AccountRequestRow(NamedTuple):
    """An account that was requested, and what became of it."""

    organization_id: UUID
    id: UUID
    kind: str
    email: str
    reason: str | None
    requested_by_id: UUID
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    account_id: UUID | None


class ClientCredentialRow(NamedTuple):
    """A secret or a key of an API account, without what it is."""

    organization_id: UUID
    id: UUID
    account_id: UUID
    kind: str
    label: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class FactorRow(NamedTuple):
    """A confirmed second factor; until `usable_from`, if there is one, it serves nothing."""

    kind: FactorKind
    confirmed_at: datetime
    usable_from: datetime | None


class IdentityRow(NamedTuple):
    """What a foreign issuer calls a person."""

    issuer: str
    subject: str
    created_at: datetime


class AccountState(NamedTuple):
    """What may be told of an account: whom it represents, when it last signed in, its factors."""

    represents: tuple[UUID, ...] = ()
    signed_in_at: datetime | None = None
    factors: tuple[FactorRow, ...] = ()


# A view of the database, in which each sees what the policies of its tables let them see.
ORGANIZATION_ACCOUNT = view(
    "organization_account",
    column("organization_id", Uuid()),
    column("id", Uuid()),
    column("email", CODE_POINTS),
    column("kind", Text()),
    column("disabled_at", TIMESTAMP),
)
ACCOUNT_REQUEST, CREDENTIAL = table(AccountRequest), table(ClientCredential)
IDENTITY = table(ForeignIdentity)

ACCOUNTS = Source(
    name="account",
    row=AccountRow,
    columns=tuple(ORGANIZATION_ACCOUNT.c[name] for name in AccountRow._fields),
    table=ORGANIZATION_ACCOUNT,
    id=cast("Column[Any]", ORGANIZATION_ACCOUNT.c.id),
    orders={"EMAIL": ORGANIZATION_ACCOUNT.c.email},
    order=(("EMAIL", False),),
    visible=named_to_representatives(ORGANIZATION_ACCOUNT),
)
ACCOUNT_REQUESTS = Source(
    name="accountRequest",
    row=AccountRequestRow,
    columns=tuple(ACCOUNT_REQUEST.c[name] for name in AccountRequestRow._fields),
    table=ACCOUNT_REQUEST,
    id=ACCOUNT_REQUEST.c.id,
    orders={"REQUESTED_AT": ACCOUNT_REQUEST.c.requested_at},
    order=(("REQUESTED_AT", True),),
    visible=named_to_representatives(ACCOUNT_REQUEST),
    fields=Fields(
        {
            "status": case(
                (ACCOUNT_REQUEST.c.decided_at.is_(None), "OPEN"),
                (ACCOUNT_REQUEST.c.account_id.is_(None), "REFUSED"),
                else_="APPROVED",
            )
        }
    ),
)
CREDENTIALS = Source(
    name="clientCredential",
    row=ClientCredentialRow,
    columns=tuple(CREDENTIAL.c[name] for name in ClientCredentialRow._fields),
    table=CREDENTIAL,
    id=CREDENTIAL.c.id,
    orders={"CREATED_AT": CREDENTIAL.c.created_at},
    order=(("CREATED_AT", True),),
    visible=named_to_representatives(CREDENTIAL),
)
ACCOUNT_MEMBERSHIPS = replace(MEMBERSHIPS, name="accountMembership", visible=named_to_representatives(MEMBERSHIP))

ACCOUNTS_OF_ORGANIZATION = ListOf(
    "Organization.accounts", ACCOUNTS, lambda parent: ORGANIZATION_ACCOUNT.c.organization_id == parent
)
ALL_ACCOUNT_REQUESTS = ListOf("accountRequests", ACCOUNT_REQUESTS)
ACCOUNT_REQUESTS_OF_ORGANIZATION = ListOf(
    "Organization.accountRequests", ACCOUNT_REQUESTS, lambda parent: ACCOUNT_REQUEST.c.organization_id == parent
)
CREDENTIALS_OF_ACCOUNT = ListOf("Account.credentials", CREDENTIALS, lambda parent: CREDENTIAL.c.account_id == parent)
MEMBERSHIPS_OF_ANY_ACCOUNT = ListOf(
    "Account.memberships", ACCOUNT_MEMBERSHIPS, lambda parent: MEMBERSHIP.c.account_id == parent
)

_STATES = func.account_states(bindparam("accounts", type_=ARRAY(Uuid()))).table_valued(
    column("account_id", Uuid()),
    column("represents", ARRAY(Uuid())),
    column("signed_in_at", TIMESTAMP),
    column("factors", JSONB()),
    name="states",
)
ACCOUNT_STATES = Statement(
    select(
        _STATES.c.account_id,
        _STATES.c.represents,
        _STATES.c.signed_in_at,
        _STATES.c.factors.cast(Text()).label("factors"),
    ).select_from(_STATES)
)

IDENTITIES = Statement(
    select(IDENTITY.c.account_id, *(IDENTITY.c[name] for name in IdentityRow._fields))
    .where(IDENTITY.c.account_id == any_(bindparam("accounts", type_=ARRAY(Uuid()))))
    .order_by(IDENTITY.c.issuer, IDENTITY.c.subject)
)


async def states_of(fetch: Fetch, accounts: Sequence[UUID]) -> list[AccountState]:
    """Read how accounts stand, as far as the caller may be told: what nobody tells them of is empty."""
    found = {
        row["account_id"]: AccountState(
            tuple(row["represents"]), row["signed_in_at"], tuple(map(_factor, orjson.loads(row["factors"])))
        )
        for row in await fetch(ACCOUNT_STATES, {"accounts": list(accounts)})
    }
    return [found.get(account, AccountState()) for account in accounts]


async def identities_of(fetch: Fetch, scope: Scope, accounts: Sequence[UUID]) -> list[list[IdentityRow]]:
    """Read what foreign issuers call people, for the platform; nobody else is told."""
    found: dict[UUID, list[IdentityRow]] = {account: [] for account in accounts}
    if scope.all_names:
        for account_id, *columns in await fetch(IDENTITIES, {"accounts": list(accounts)}):
            found[account_id].append(IdentityRow(*columns))
    return [found[account] for account in accounts]


def _factor(value: dict[str, Any]) -> FactorRow:
    usable_from = value["usable_from"]
    return FactorRow(
        FactorKind(value["kind"]),
        datetime.fromisoformat(value["confirmed_at"]),
        None if usable_from is None else datetime.fromisoformat(usable_from),
    )
