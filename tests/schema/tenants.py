"""Worlds with fewer tenants, with more accounts, and what each row of a world is called in the graph."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

from auth.tables import Account, Cloud, Membership, Organization, Profile
from gateway.postgres import DatabaseUrls
from resolvers.database import Database
from resolvers.tables import (
    ClusterNode,
    DnsAlias,
    Indicator,
    LoadBalancerMember,
    Maintenance,
    Namespace,
    ObjectStoreUser,
    Operation,
    Resource,
    Service,
    SmsSubscription,
    Snapshot,
)
from schema.ids import RESOURCE_TYPES, global_id
from tests.schema.graph import Graph
from tests.schema.world import CANARY, WIDE, World, load_world

HIDDEN = f"{CANARY}-vault"
"""The code of the organization whose every text holds the canary."""
IN_CLOUDS: dict[type[SQLModel], str] = {
    Service: "Service",
    Snapshot: "Snapshot",
    DnsAlias: "DnsAlias",
    LoadBalancerMember: "LoadBalancerMember",
    ObjectStoreUser: "ObjectStoreUser",
    Namespace: "Namespace",
    ClusterNode: "ClusterNode",
    Maintenance: "Maintenance",
    Indicator: "Indicator",
    SmsSubscription: "SmsSubscription",
    Operation: "Operation",
}
"""The GraphQL type of each table whose rows are in Clouds and have an id, but for resources, which have many."""


@asynccontextmanager
async def graph_over(database: DatabaseUrls, world: World) -> AsyncIterator[Graph]:
    """Write a world into an empty database, and give the graph over it."""
    await load_world(database, world)
    reader = Database(database.app, pool_size=4, statement_seconds=20)
    graph = Graph(reader, world)
    await graph.keep_topology(WIDE)
    yield graph
    await reader.close()


def without(world: World, code: str) -> World:
    """Make the world as it would be without one organization; all accounts stay."""
    gone = world.organization(code).id
    smaller = World()
    for _, rows in world.in_order():
        for row in rows:
            if getattr(row, "organization_id", None) != gone and getattr(row, "id", None) != gone:
                smaller.add(row)
    return smaller


def with_profiles(world: World) -> World:
    """Make the world with one more account for each profile, which holds it in the Cloud alpha and nothing else."""
    larger = World()
    for _, rows in world.in_order():
        for row in rows:
            larger.add(row)
    alpha = world.cloud("alpha")
    for number, profile in enumerate(Profile):
        account = larger.add(Account(id=UUID(int=number + 1), email=holder_of(profile), created_at=alpha.created_at))
        larger.add(
            Membership(
                organization_id=alpha.organization_id,
                cloud_id=alpha.id,
                account_id=account.id,
                profile=profile,
                created_at=alpha.created_at,
            )
        )
    return larger


def holder_of(profile: Profile) -> str:
    """Name the account that holds a profile in the Cloud alpha."""
    return f"{profile.lower()}@world.example"


def ids_in_clouds(world: World, cloud: UUID) -> Iterator[str]:
    """Give the id of everything that is in a Cloud."""
    for model, type_ in IN_CLOUDS.items():
        yield from (global_id(type_, row.id) for row in _rows(world, model) if row.cloud_id == cloud)
    for resource in world.all(Resource):
        if resource.cloud_id == cloud:
            yield global_id(RESOURCE_TYPES[resource.type], resource.id)


def ids_of(world: World, organization: str) -> list[str]:
    """Give the id of an organization and of everything that is its."""
    own = world.organization(organization).id
    clouds = [cloud for cloud in world.all(Cloud) if cloud.organization_id == own]
    ids = [global_id("Organization", own), *(global_id("Cloud", cloud.id) for cloud in clouds)]
    return ids + [id_ for cloud in clouds for id_ in ids_in_clouds(world, cloud.id)]


def paths_of(world: World, organization: str) -> list[str]:
    """Give the path of every resource of an organization."""
    own = world.organization(organization)
    return [
        f"{own.code}/{world.clouds[row.cloud_id].code}/{world.services[row.service_id].name}/{row.name}"
        for row in world.all(Resource)
        if row.organization_id == own.id
    ]


def words_of(world: World, organization: str) -> list[str]:
    """Give the names, codes and tags that are in use in an organization, each once."""
    own = world.organization(organization)
    words = {own.code: None, own.name: None}
    for model in (Cloud, Service, Resource, Snapshot, DnsAlias, Namespace, ClusterNode):
        for row in _rows(world, model):
            if row.organization_id == own.id:
                words |= {getattr(row, name): None for name in ("code", "name", "label", "fqdn") if hasattr(row, name)}
    for resource in world.all(Resource):
        if resource.organization_id == own.id:
            words |= dict.fromkeys(resource.tags) | dict.fromkeys(resource.tags.values())
    return list(words)


def organizations(world: World) -> list[str]:
    """Give the codes of all organizations."""
    return [row.code for row in world.all(Organization)]


def _rows(world: World, model: type[SQLModel]) -> list[Any]:
    return list(world.all(model))
