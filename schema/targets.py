"""What an action is about: found by its id, with the Cloud that it is in and what people call it."""

from typing import Any, NamedTuple
from uuid import UUID

from auth.errors import NotFound
from auth.permissions import Privilege
from resolvers.context import Caller
from resolvers.tables import ResourceType
from schema.ids import key_of
from schema.node import load_node


class TargetRow(NamedTuple):
    """What an action is about."""

    id: UUID
    cloud_id: UUID
    name: str


def target_field(privilege: Privilege) -> str:
    """Name the field of the input that names what an action is about: instance_id."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in privilege.target)[1:] + "_id"


async def find_target(
    caller: Caller, privilege: Privilege, value: str, *, argument: str, part_of: ResourceType | None = None
) -> TargetRow:
    """Find what an action is about, a part of a resource of one type if `part_of` says so.

    Raises NotFound if the caller does not see it, as if there were none.
    """
    kind = privilege.target
    key = key_of(value, kind, argument=argument)
    row = None if key is None else await load_node(caller, kind, key)
    if row is None or not await _is_part_of(caller, row, part_of):
        raise NotFound(kind)
    cloud_id = row.id if kind == "Cloud" else await _cloud_of(caller, row)
    if cloud_id is None:
        raise NotFound(kind)
    names = (getattr(row, name, None) for name in ("name", "label", "fqdn"))
    return TargetRow(row.id, cloud_id, next(filter(None, names), value))


async def _is_part_of(caller: Caller, row: Any, type_: ResourceType | None) -> bool:
    if type_ is None:
        return True
    owner = await caller.loaders.resource_by_id.load(row.resource_id)
    return owner is not None and owner.type == type_


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
