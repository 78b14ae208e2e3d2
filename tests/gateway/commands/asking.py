"""Asks for any mutation, and approves what takes an approval of its own."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlmodel import SQLModel

from resolvers.tables import (
    Instance,
    LoadBalancer,
    LoadBalancerMember,
    OsType,
    Resource,
    ResourceStatus,
    ResourceType,
)
from schema.ids import global_id
from tests.gateway.privileged import Privileged, Reply

OPERATION: Final = "operation { id action status message resourceName } userErrors { message code field }"


def document(mutation: str, shows: str = "") -> str:
    """Write the document of a mutation, of whose payload also what is given is shown."""
    input_type = f"{mutation[0].upper()}{mutation[1:]}Input"
    return f"mutation ($input: {input_type}!) {{ {mutation}(input: $input) {{ {shows} {OPERATION} }} }}"


async def ask(people: Privileged, who: str, mutation: str, values: Mapping[str, Any], shows: str = "") -> Reply:
    """Ask for a mutation; whoever asks approves it, if that is all that is missing."""
    text = document(mutation, shows)
    reply = await people.ask(who, text, values)
    if reply.answer.status_code != 401:
        return reply
    # As answering the challenge does.
    await people.sql(
        "INSERT INTO approval (account_id, digest, approved_at)"
        " SELECT account_id, digest, now() FROM mfa_challenge WHERE id = :id"
        " ON CONFLICT (account_id, digest) DO UPDATE SET approved_at = excluded.approved_at, spent_at = NULL",
        id=reply.body["errors"][0]["extensions"]["challengeId"],
    )
    return await people.ask(who, text, values)


async def done(people: Privileged, who: str, mutation: str, values: Mapping[str, Any], shows: str = "") -> Any:
    """Ask for what is expected to be done; gives its payload."""
    payload = (await ask(people, who, mutation, values, shows)).payload
    assert payload["userErrors"] == []
    return payload


async def refusals(
    people: Privileged, who: str, mutation: str, values: Mapping[str, Any]
) -> list[tuple[str, list[str] | None]]:
    """Ask for what is expected to be refused; gives codes and fields, and holds that nothing was written."""
    spent = "SELECT count(*) FROM approval WHERE spent_at IS NOT NULL"
    before, spent_before = await people.state(), await people.sql(spent)
    reply = await ask(people, who, mutation, values)
    assert reply.payload["userErrors"], values
    assert reply.payload["operation"] is None
    after = await people.state()
    # An approval that was given for it is not spent.
    assert {**after, "approval": []} == {**before, "approval": []}
    assert await people.sql(spent) <= spent_before
    return [(error["code"], error["field"]) for error in reply.payload["userErrors"]]


async def rehearsed(people: Privileged, who: str, mutation: str, values: Mapping[str, Any]) -> None:
    """Hold that a dry run of what could be done writes nothing and makes no operation."""
    before = await people.state()
    payload = (await people.ask(who, document(mutation), {**values, "dryRun": True})).payload
    assert payload == {"operation": None, "userErrors": []}
    assert await people.state() == before


async def write(people: Privileged, *rows: SQLModel) -> None:
    """Write rows as the owner."""
    await people.write(*rows)


def resource(people: Privileged, type_: ResourceType, name: str, **more: Any) -> Resource:
    """A resource of the Service `shop`, active unless more is said."""
    values = {
        "organization_id": people.shop.acme,
        "cloud_id": people.shop.alpha,
        "service_id": people.shop.shop,
        "status": ResourceStatus.ACTIVE,
        "environment": "production",
        "availability_zones": ["EB-HDS-A"],
        "data_centers": ["EB4"],
    }
    return Resource(type=type_, name=name, **{**values, **more})


def _of(owner: Resource) -> dict[str, Any]:
    return {"organization_id": owner.organization_id, "cloud_id": owner.cloud_id, "resource_id": owner.id}


async def instance(people: Privileged, name: str, **more: Any) -> UUID:
    """Write an instance."""
    row = resource(people, ResourceType.INSTANCE, name, **more)
    await write(people, row, Instance(**_of(row), family="DEBIAN", os_type=OsType.LINUX, cpu=2, ram_gb=4, disk_gb=10))
    return row.id


async def balancer(people: Privileged, name: str = "front", **more: Any) -> UUID:
    """Write a load balancer."""
    row = resource(people, ResourceType.LOAD_BALANCER, name, **more)
    await write(people, row, LoadBalancer(**_of(row), protocol="HTTPS", port=443))
    return row.id


async def member(people: Privileged, of: UUID, instance: UUID, **more: Any) -> UUID:
    """Write a member of a load balancer of the Cloud alpha, enabled on port 80 unless more is said."""
    values = {"organization_id": people.shop.acme, "cloud_id": people.shop.alpha, "port": 80, **more}
    row = LoadBalancerMember(resource_id=of, instance_id=instance, **values)
    await write(people, row)
    return row.id


def lb_id(key: UUID) -> str:
    """The id of a load balancer."""
    return global_id("LoadBalancer", key)


def instance_id(key: UUID) -> str:
    """The id of an instance."""
    return global_id("Instance", key)


def member_id(key: UUID) -> str:
    """The id of a member."""
    return global_id("LoadBalancerMember", key)
