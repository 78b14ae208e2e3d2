"""What an API account signs in with: secrets, which are shown once, and keys; added and revoked."""

from collections.abc import Sequence
from datetime import datetime

import strawberry
from strawberry import ID, UNSET

from auth.administration import Administration, Target
from auth.errors import NotFound
from resolvers.administration import clients
from resolvers.administration.submission import Change
from resolvers.commands.outcome import UserError
from resolvers.context import Caller
from schema.administering import (
    AccountInput,
    AdministrationInput,
    AdministrationPayload,
    SecretAdministrationPayload,
    administers,
)
from schema.guarded import Found
from schema.ids import key_in, key_of
from schema.managed_accounts import ClientCredential
from schema.naming import organization_of, program_of
from schema.payloads import given


@strawberry.input
class AddCredentialInput(AdministrationInput):
    """What is said of a secret or a key."""

    organization_id: ID = strawberry.field(description="The organization.")
    account: AccountInput = strawberry.field(description="The API account, of this organization.")
    label: str = strawberry.field(description="What it is called, in at most 100 characters.")
    expires_at: datetime | None = strawberry.field(
        default=UNSET, description="When it ends by itself; if absent, it is good until it is revoked."
    )


def _check(asked: AddCredentialInput, now: datetime) -> Sequence[UserError]:
    return clients.check_credential(asked.label, given(asked.expires_at), now)


@strawberry.input(description="The secret to add.")
class AddClientSecretInput(AddCredentialInput):
    """The secret to add."""


@strawberry.type(description="What came of adding a secret.")
class AddClientSecretPayload(SecretAdministrationPayload):
    """What came of adding a secret."""

    subject_name, loader = "credential", "client_credential_by_id"

    credential: ClientCredential | None = strawberry.field(description="What was added; null if nothing was done.")


async def _find_for_secret(caller: Caller, asked: AddClientSecretInput) -> Found:
    return await _find_program(caller, asked, "Add a secret")


@administers(Administration.ADD_CLIENT_SECRET, payload=AddClientSecretPayload, find=_find_for_secret, check=_check)
def add_client_secret(caller: Caller, input: AddClientSecretInput) -> Change:  # noqa: A002
    """Give an API account a further secret."""
    return clients.add_client_secret(input.label, given(input.expires_at), caller.principal.email)


@strawberry.input(description="The public key to add.")
class AddClientKeyInput(AddCredentialInput):
    """The public key to add."""

    jwk: str = strawberry.field(
        description="The public key as a JSON Web Key, a JSON object: on the curve P-256 (ES256), or RSA of 2048 to"
        " 8192 bits (RS256). One that has private members is refused."
    )


@strawberry.type(description="What came of adding a public key.")
class AddClientKeyPayload(AdministrationPayload):
    """What came of adding a public key."""

    subject_name, loader = "credential", "client_credential_by_id"

    credential: ClientCredential | None = strawberry.field(description="What was added; null if nothing was done.")


def _check_key(asked: AddClientKeyInput, now: datetime) -> Sequence[UserError]:
    return [*_check(asked, now), *clients.check_key(asked.jwk)]


async def _find_for_key(caller: Caller, asked: AddClientKeyInput) -> Found:
    return await _find_program(caller, asked, "Add a public key")


@administers(Administration.ADD_CLIENT_KEY, payload=AddClientKeyPayload, find=_find_for_key, check=_check_key)
def add_client_key(caller: Caller, input: AddClientKeyInput) -> Change:  # noqa: A002
    """Let an API account sign in with a private key."""
    return clients.add_client_key(input.label, input.jwk, given(input.expires_at), caller.principal.email)


async def _find_program(caller: Caller, asked: AddCredentialInput, verb: str) -> Found:
    organization = await organization_of(caller, asked)
    account = await program_of(caller, organization.id, asked.account)
    return Found(
        Target(organization.id, account_id=account.id),
        f"{verb} to the API account {account.email} of {organization.name}.",
        organization.id,
        (organization.id, None),
        account.errors,
    )


@strawberry.input(description="Which secret or key to revoke.")
class RevokeClientCredentialInput(AdministrationInput):
    """Which secret or key to revoke."""

    credential_id: ID = strawberry.field(description="The secret or the key.")


@strawberry.type(description="What came of revoking a secret or a key.")
class RevokeClientCredentialPayload(AdministrationPayload):
    """What came of revoking a secret or a key."""

    subject_name, loader = "credential", "client_credential_by_id"

    credential: ClientCredential | None = strawberry.field(description="What was revoked; null if nothing was done.")


async def _find_credential(caller: Caller, asked: RevokeClientCredentialInput) -> Found:
    key = key_of(asked.credential_id, "ClientCredential", argument="input.credentialId")
    row = None if key is None else await caller.loaders.client_credential_by_id.load(key)
    if row is None:
        raise NotFound("ClientCredential")
    return Found(
        Target(row.organization_id, account_id=row.account_id),
        f"Revoke the {row.kind.replace('_', ' ').lower()} {row.label} of an API account.",
        row.id,
        (row.organization_id, None),
    )


@administers(Administration.REVOKE_CLIENT_CREDENTIAL, payload=RevokeClientCredentialPayload, find=_find_credential)
def revoke_client_credential(caller: Caller, input: RevokeClientCredentialInput) -> Change:  # noqa: A002
    """Revoke a secret or a key of an API account."""
    return clients.revoke_client_credential(key_in(input.credential_id))
