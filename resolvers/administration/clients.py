"""What an API account signs in with: secrets and keys that its representatives add and revoke."""

from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from auth.administration import AdministrationGrant
from auth.identity.clients import (
    PublicKeyRefused,
    add_public_key,
    add_secret,
    credentials_of,
    public_key_of,
    revoke_credential,
)
from auth.tables import AccountKind
from resolvers.administration.accounts import NO_ACCOUNT, find_account_in
from resolvers.administration.checks import check_label
from resolvers.administration.submission import Change, Done
from resolvers.commands.outcome import Refused, UserError, UserErrorCode
from resolvers.transaction import Transaction

MOST_CREDENTIALS: Final = 10
"""How many secrets and keys of an API account may be good at a time."""
LONGEST_LIFE: Final = timedelta(days=3660)


def check_credential(label: str, expires_at: datetime | None, now: datetime) -> list[UserError]:
    """Check what is said of a secret or a key beside what it is."""
    found = check_label(label, "label")
    if expires_at is not None and not now < expires_at <= now + LONGEST_LIFE:
        message = "It ends in the future, within ten years, or not by itself."
        found.append(UserError(message, UserErrorCode.INVALID_VALUE, ("expiresAt",)))
    return found


def check_key(jwk: str) -> list[UserError]:
    """Check a public key; what is wrong with it is not quoted, since it may be a private one."""
    try:
        public_key_of(jwk)
    except PublicKeyRefused as refused:
        return [UserError(str(refused), UserErrorCode.INVALID_VALUE, ("jwk",))]
    return []


def add_client_secret(label: str, expires_at: datetime | None, by: str) -> Change:
    """Give the API account that the decision was about a further secret."""
    return partial(_add_secret, label, expires_at, by)


def add_client_key(label: str, jwk: str, expires_at: datetime | None, by: str) -> Change:
    """Let the API account that the decision was about sign with a key, of which this is the public one."""
    return partial(_add_key, label, jwk, expires_at, by)


def revoke_client_credential(credential_id: UUID) -> Change:
    """Revoke a secret or a key of the API account that the decision was about."""
    return partial(_revoke, credential_id)


async def _add_secret(
    label: str,
    expires_at: datetime | None,
    by: str,
    transaction: Transaction,
    grant: AdministrationGrant,
    now: datetime,
) -> Done:
    organization_id, account_id = await _program(transaction, grant, now)
    credential, secret = await add_secret(transaction.fetch, organization_id, account_id, label, by, now, expires_at)
    return Done("ClientCredential", credential.id, organization_id, secret=secret)


async def _add_key(
    label: str,
    jwk: str,
    expires_at: datetime | None,
    by: str,
    transaction: Transaction,
    grant: AdministrationGrant,
    now: datetime,
) -> Done:
    organization_id, account_id = await _program(transaction, grant, now)
    credential = await add_public_key(transaction.fetch, organization_id, account_id, label, jwk, by, now, expires_at)
    return Done("ClientCredential", credential.id, organization_id)


async def _revoke(credential_id: UUID, transaction: Transaction, grant: AdministrationGrant, now: datetime) -> Done:
    account_id = grant.target.account_id
    assert account_id is not None  # noqa: S101 - nothing is decided without it
    if not await revoke_credential(transaction.fetch, account_id, credential_id, now):
        raise Refused(UserError("It is revoked already.", UserErrorCode.WRONG_STATUS, ("credentialId",)))
    return Done("ClientCredential", credential_id, grant.target.organization_id)


async def _program(transaction: Transaction, grant: AdministrationGrant, now: datetime) -> tuple[UUID, UUID]:
    """Find the API account that the decision was about, which has room for one more; raises Refused."""
    organization_id, account_id = grant.target.organization_id, grant.target.account_id
    assert organization_id is not None  # noqa: S101 - nothing is decided without them
    account = await find_account_in(transaction.fetch, organization_id, account_id=account_id)
    if account is None or not account.is_active or account.kind is not AccountKind.API_ACCOUNT:
        raise Refused(NO_ACCOUNT)
    good = [
        credential
        for credential in await credentials_of(transaction.fetch, account.id)
        if credential.revoked_at is None and (credential.expires_at is None or credential.expires_at > now)
    ]
    if len(good) >= MOST_CREDENTIALS:
        message = f"The account has {MOST_CREDENTIALS} secrets and keys that are good: revoke one first."
        raise Refused(UserError(message, UserErrorCode.LIMIT_REACHED, ("account",)))
    return organization_id, account.id
