"""What is done to the DNS aliases of instances and of load balancers: the same for both."""

import re
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import Uuid, bindparam, exists, func, select

from auth.decisions import Grant
from auth.errors import NotFound
from auth.permissions import Action
from auth.statements import Statement
from auth.tables import CODE_POINTS_ARRAY, table
from resolvers.commands.effects import Work, takes_effect
from resolvers.commands.locking import lock_resource
from resolvers.commands.outcome import Changed, Refused, Step, UserError, UserErrorCode
from resolvers.commands.resources import RESOURCE, add_row, change_resource, delete_row, key_of
from resolvers.commands.submission import Change
from resolvers.tables import DnsAlias, Domain, ResourceType
from resolvers.transaction import Transaction

LONGEST_FQDN: Final = 253
FQDN_FIELD: Final = ("fqdn",)

ALIAS, DOMAIN = table(DnsAlias), table(Domain)
_FQDNS: Final = "uq_dns_alias_organization_id_fqdn"
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_FIND: Final = Statement(
    select(ALIAS.c.resource_id, ALIAS.c.fqdn)
    .join(RESOURCE, (RESOURCE.c.organization_id == ALIAS.c.organization_id) & (RESOURCE.c.id == ALIAS.c.resource_id))
    .where(
        ALIAS.c.organization_id == bindparam("organization_id"),
        ALIAS.c.cloud_id == bindparam("cloud_id"),
        ALIAS.c.id == bindparam("id"),
        RESOURCE.c.type == bindparam("type"),
    )
)
_DELEGATED: Final = Statement(
    select(
        func.delegated_domain(bindparam("organization_id", type_=Uuid()), bindparam("names", type_=CODE_POINTS_ARRAY))
    )
)
# Held as it is, so that the alias is in a domain that is still theirs.
_HOLD_DOMAIN: Final = Statement(
    select(DOMAIN.c.id)
    .where(
        DOMAIN.c.organization_id == bindparam("organization_id"),
        DOMAIN.c.id == bindparam("id"),
        DOMAIN.c.dns_enabled,
    )
    .with_for_update(read=True)
)
_IS_TAKEN: Final = Statement(
    select(exists().where(ALIAS.c.organization_id == bindparam("organization_id"), ALIAS.c.fqdn == bindparam("fqdn")))
)
_NOT_DELEGATED: Final = UserError(
    "The name is inside no domain that is delegated to this organization.", UserErrorCode.NOT_FOUND, FQDN_FIELD
)
_TAKEN: Final = UserError("There is an alias of this name already.", UserErrorCode.NAME_TAKEN, FQDN_FIELD)


def check_fqdn(fqdn: str) -> list[UserError]:
    """Check that a name is one of DNS, fully qualified, in lower case and without the dot at its end."""
    labels = fqdn.split(".")
    if len(fqdn) <= LONGEST_FQDN and len(labels) > 1 and all(map(_LABEL.fullmatch, labels)):
        return []
    message = "A name has labels of a-z, 0-9 and inner hyphens, with a dot between them: www.example.org."
    return [UserError(message, UserErrorCode.INVALID_VALUE, FQDN_FIELD)]


def create_alias(resource_id: UUID, fqdn: str) -> Change:
    """Give a resource a name in DNS, in a domain that is delegated to its organization."""
    return partial(_create, resource_id, fqdn)


async def _create(resource_id: UUID, fqdn: str, transaction: Transaction, grant: Grant, now: datetime) -> Changed:
    resource = await lock_resource(transaction, grant, resource_id, None)
    organization = {"organization_id": grant.organization_id}
    domain_id = await _hold_domain(transaction, organization, fqdn)
    if (await transaction.fetch(_IS_TAKEN, {**organization, "fqdn": fqdn}))[0][0]:
        raise Refused(_TAKEN)
    alias = DnsAlias(
        **organization,
        cloud_id=grant.cloud_id,
        resource_id=resource_id,
        domain_id=domain_id,
        fqdn=fqdn,
        created_at=now,
    )
    try:
        await add_row(transaction, alias)
    except asyncpg.UniqueViolationError as error:
        # Another command was first, or it is in a Cloud of the organization that is not seen.
        if error.constraint_name != _FQDNS:
            raise
        raise Refused(_TAKEN) from None
    await change_resource(transaction, grant, resource_id, now)
    return Changed([Step("Publish the name")], resource, alias.id, {"fqdn": fqdn})


async def _hold_domain(transaction: Transaction, organization: dict[str, Any], fqdn: str) -> UUID:
    """Hold the domain that a name is inside; refuses alike if there is none, and if it is that of somebody else."""
    labels = fqdn.split(".")
    names = [".".join(labels[position:]) for position in range(len(labels))]
    ((delegated,),) = await transaction.fetch(_DELEGATED, {**organization, "names": names})
    held = await transaction.fetch(_HOLD_DOMAIN, {**organization, "id": delegated})
    if not held:
        raise Refused(_NOT_DELEGATED)
    domain_id: UUID = held[0]["id"]
    return domain_id


async def _deleted(transaction: Transaction, work: Work) -> None:
    await delete_row(transaction, work, DnsAlias, work.subject)
    await change_resource(transaction, work, work.resource, work.now)


def delete_alias(alias_id: UUID, of: ResourceType, expected_revision: int | None) -> Change:
    """Take a name in DNS from a resource of a type."""
    return partial(_delete, alias_id, of, expected_revision)


async def _delete(
    alias_id: UUID,
    of: ResourceType,
    expected_revision: int | None,
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    key = {**key_of(grant, alias_id), "type": of.value}
    found = await transaction.fetch(_FIND, key)
    if not found:
        raise NotFound(grant.privilege.target)
    resource = await lock_resource(transaction, grant, found[0]["resource_id"], expected_revision)
    # It may have been deleted while the lock was waited for.
    if not await transaction.fetch(_FIND, key):
        raise NotFound(grant.privilege.target)
    return Changed([Step("Withdraw the name")], resource, alias_id, {"fqdn": found[0]["fqdn"]})


for _action in (Action.CREATE_DNS, Action.CREATE_DNS_LB):
    takes_effect(_action, failed=_deleted, said="Published.")
for _action in (Action.DELETE_DNS, Action.DELETE_DNS_LB):
    takes_effect(_action, done=_deleted, said="Withdrawn.")
