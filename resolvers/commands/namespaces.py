"""What is done to the namespaces of Kubernetes clusters."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, exists, select

from auth.decisions import Grant
from auth.errors import NotFound
from auth.permissions import Action
from auth.statements import Statement
from auth.tables import table
from resolvers.commands.effects import Work, takes_effect
from resolvers.commands.locking import lock_resource
from resolvers.commands.outcome import Changed, Refused, Step, UserError, UserErrorCode
from resolvers.commands.placing import check_range
from resolvers.commands.resources import add_row, change_resource, delete_row, in_place, key_of
from resolvers.commands.submission import Change
from resolvers.tables import Namespace
from resolvers.transaction import Transaction

LARGEST_LIMIT: Final = 1_000_000

_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NAME: Final = ("name",)

NAMESPACE: Final = table(Namespace)
_NAMESPACE: Final = Statement(select(NAMESPACE).where(*in_place(NAMESPACE)))
_TAKEN: Final = Statement(
    select(
        exists().where(
            NAMESPACE.c.organization_id == bindparam("organization_id"),
            NAMESPACE.c.resource_id == bindparam("id"),
            NAMESPACE.c.name == bindparam("name"),
        )
    )
)


@dataclass(frozen=True, slots=True)
class NewNamespace:
    """A namespace to be; None: no limit."""

    name: str
    cpu_limit: int | None
    ram_limit_gb: int | None


def is_system(name: str) -> bool:
    """Say whether a namespace is one that a cluster has for itself."""
    return name == "default" or name.startswith("kube-")


def check_namespace(namespace: NewNamespace) -> list[UserError]:
    """Check what can be checked of a namespace to be by itself."""
    found = []
    if _LABEL.fullmatch(namespace.name) is None:
        message = "A name has 1 to 63 of the characters a to z, 0 to 9 and -, none of which is at its ends."
        found.append(UserError(message, UserErrorCode.INVALID_VALUE, _NAME))
    elif is_system(namespace.name):
        message = "default, and what begins with kube-, are names that clusters have for themselves."
        found.append(UserError(message, UserErrorCode.INVALID_VALUE, _NAME))
    limits = (("cpuLimit", namespace.cpu_limit, "cores"), ("ramLimitGb", namespace.ram_limit_gb, "GB"))
    for field, limit, unit in limits:
        if limit is not None:
            found += check_range(limit, 1, LARGEST_LIMIT, (field,), unit)
    return found


def create_namespace(cluster_id: UUID, namespace: NewNamespace, expected_revision: int | None) -> Change:
    """Create a namespace in a cluster that has none of its name."""
    return partial(_create, cluster_id, namespace, expected_revision)


async def _create(
    cluster_id: UUID,
    asked: NewNamespace,
    expected_revision: int | None,
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    cluster = await lock_resource(transaction, grant, cluster_id, expected_revision)
    if (await transaction.fetch(_TAKEN, {**key_of(grant, cluster_id), "name": asked.name}))[0][0]:
        raise Refused(UserError("A namespace of this name is in the cluster.", UserErrorCode.NAME_TAKEN, _NAME))
    namespace = Namespace(
        organization_id=grant.organization_id,
        cloud_id=grant.cloud_id,
        resource_id=cluster_id,
        name=asked.name,
        cpu_limit=asked.cpu_limit,
        ram_limit_gb=asked.ram_limit_gb,
    )
    await add_row(transaction, namespace)
    await change_resource(transaction, grant, cluster_id, now)
    parameters = {"name": asked.name, "cpuLimit": asked.cpu_limit, "ramLimitGb": asked.ram_limit_gb}
    return Changed([Step("Create the namespace")], cluster, namespace.id, parameters)


async def _gone(transaction: Transaction, work: Work) -> None:
    await delete_row(transaction, work, Namespace, work.subject)
    await change_resource(transaction, work, work.resource, work.now)


takes_effect(Action.CREATE_CLUSTER_NAMESPACE, failed=_gone, said="Created.")


def delete_namespace(namespace_id: UUID, expected_revision: int | None) -> Change:
    """Delete a namespace, unless the cluster has it for itself."""
    return partial(_delete, namespace_id, expected_revision)


async def _delete(
    namespace_id: UUID, expected_revision: int | None, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    values = key_of(grant, namespace_id)
    before = await transaction.fetch(_NAMESPACE, values)
    if not before:
        raise NotFound(grant.privilege.target)
    cluster = await lock_resource(transaction, grant, before[0]["resource_id"], expected_revision)
    # It may have gone until the cluster was locked.
    found = await transaction.fetch(_NAMESPACE, values)
    if not found:
        raise NotFound(grant.privilege.target)
    name = found[0]["name"]
    if is_system(name):
        raise Refused(UserError("The cluster has this namespace for itself.", UserErrorCode.IN_USE))
    return Changed([Step("Delete the namespace")], cluster, namespace_id, {"name": name})


takes_effect(Action.DELETE_CLUSTER_NAMESPACE, done=_gone, said="Deleted.")
