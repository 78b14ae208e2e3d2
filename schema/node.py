"""Things with a global id, and how an abstract type finds the concrete type of a row."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import strawberry
from strawberry import ID

from resolvers.context import Caller
from schema.edge import Column, Info, by_column
from schema.ids import PREFIXES, RESOURCE_TYPES, type_name, type_names

LOADERS = {
    "Organization": "organization_by_id",
    "Cloud": "cloud_by_id",
    "Service": "service_by_id",
    "Snapshot": "snapshot_by_id",
    "DnsAlias": "dns_alias_by_id",
    "LoadBalancerMember": "load_balancer_member_by_id",
    "ObjectStoreUser": "object_store_user_by_id",
    "Namespace": "namespace_by_id",
    "ClusterNode": "cluster_node_by_id",
    "Maintenance": "maintenance_by_id",
    "Indicator": "indicator_by_id",
    "SmsSubscription": "sms_subscription_by_id",
    "Operation": "operation_by_id",
    "Account": "account_by_id",
    "AccountRequest": "account_request_by_id",
    "ClientCredential": "client_credential_by_id",
    "CloudRequest": "cloud_request_by_id",
    "ProfileProposal": "profile_proposal_by_id",
}
RESOURCE_TYPE_NAMES = frozenset(RESOURCE_TYPES.values())


def _ids(column: Sequence[Any], info: Info) -> Column:
    return [f"{PREFIXES[type_]}_{row.id.hex}" for type_, row in zip(type_names(column), column, strict=True)]


@strawberry.interface(description="A thing with an id.")
class Node:
    """A thing with an id."""

    id: ID = by_column(_ids, description="Its id: opaque, unique over everything, stable.")

    @classmethod
    def resolve_type(cls, row: Any, *_: Any) -> str:
        """Name the concrete type of a row."""
        return type_name(row)

    @classmethod
    def resolve_types(cls, column: Sequence[Any]) -> list[str]:
        """Name the concrete types of a column of rows."""
        return type_names(column)


async def load_node(caller: Caller, type_: str, key: UUID) -> Any:
    """Load a thing of any type by its key; None if there is none that the caller may see."""
    loaders = caller.loaders
    if type_ == "Viewer":
        return caller.principal if key == caller.principal.account_id else None
    if type_ in RESOURCE_TYPE_NAMES:
        row = await loaders.resource_by_id.load(key)
        return row if row is not None and type_name(row) == type_ else None
    if type_ in ("Region", "DataCenter", "AvailabilityZone"):
        topology = await loaders.topology.load("all")
        places: dict[str, Any] = {
            "Region": topology.regions,
            "DataCenter": topology.data_centers,
            "AvailabilityZone": topology.zones,
        }
        return next((place for place in places[type_].values() if place.id == key), None)
    return await getattr(loaders, LOADERS[type_]).load(key) if type_ in LOADERS else None
