"""Things with a global id, and how an abstract type finds the concrete type of a row."""

from typing import Any
from uuid import UUID

import strawberry
from strawberry import ID, Parent

from resolvers.context import Caller
from schema.ids import RESOURCE_TYPES, global_id, type_name

RESOURCE_TYPE_NAMES = frozenset(RESOURCE_TYPES.values())


@strawberry.interface(description="A thing with an id.")
class Node:
    """A thing with an id."""

    @strawberry.field(description="Its id: opaque, unique over everything, stable.")
    def id(root: Parent[Any]) -> ID:
        """Make the id from the row."""
        return ID(global_id(type_name(root), root.id))

    @classmethod
    def resolve_type(cls, row: Any, *_: Any) -> str:
        """Name the concrete type of a row."""
        return type_name(row)


async def load_node(caller: Caller, type_: str, key: UUID) -> Any:
    """Load a thing of any type by its key; None if there is none that the caller may see."""
    loaders = caller.loaders
    if type_ == "Viewer":
        return caller.principal if key == caller.principal.account_id else None
    if type_ in RESOURCE_TYPE_NAMES:
        row = await loaders.resource_by_id.load(key)
        return row if row is not None and type_name(row) == type_ else None
    if type_ in ("Region", "DataCenter", "AvailabilityZone"):
        topology = await loaders.topology()
        places: dict[str, Any] = {
            "Region": topology.regions,
            "DataCenter": topology.data_centers,
            "AvailabilityZone": topology.zones,
        }
        return next((place for place in places[type_].values() if place.id == key), None)
    loader: Any = {
        "Organization": loaders.organization_by_id,
        "Cloud": loaders.cloud_by_id,
        "Service": loaders.service_by_id,
        "Snapshot": loaders.snapshot_by_id,
        "DnsAlias": loaders.dns_alias_by_id,
        "LoadBalancerMember": loaders.load_balancer_member_by_id,
        "ObjectStoreUser": loaders.object_store_user_by_id,
        "Namespace": loaders.namespace_by_id,
        "ClusterNode": loaders.cluster_node_by_id,
        "Maintenance": loaders.maintenance_by_id,
        "Indicator": loaders.indicator_by_id,
        "SmsSubscription": loaders.sms_subscription_by_id,
        "Operation": loaders.operation_by_id,
    }.get(type_)
    return None if loader is None else await loader.load(key)
