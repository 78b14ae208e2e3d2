"""Asks for mutations by their labels, approves them, and lets their operations end."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

from auth.permissions import PRIVILEGES, Action
from resolvers.operations.drivers.simulated import Simulation
from resolvers.tables import Instance, LoadBalancer, Resource, ResourceType
from schema.ids import parse_id
from tests.gateway.privileged import Privileged, Reply

Values = Mapping[str, Any]


def action_of(label: str) -> Action:
    return Action(label.upper().replace("-", "_"))


def document(label: str, selection: str = "") -> str:
    """A mutation, with what is to be told of what it is about."""
    name = PRIVILEGES[action_of(label)].mutation
    type_ = f"{name[0].upper()}{name[1:]}Input"
    told = f"{selection} operation {{ id status }} userErrors {{ message code field }}"
    return f"mutation ($input: {type_}!) {{ {name}(input: $input) {{ {told} }} }}"


async def ask(people: Privileged, label: str, values: Values, selection: str = "", who: str = "pow") -> Reply:
    """Ask, and approve it if it takes an approval of exactly itself."""
    asked = document(label, selection)
    reply = await people.ask(who, asked, values)
    if reply.answer.status_code != 401:
        return reply
    # As answering the challenge does.
    await people.sql(
        "INSERT INTO approval (account_id, digest, approved_at)"
        " SELECT account_id, digest, now() FROM mfa_challenge WHERE id = :id"
        " ON CONFLICT (account_id, digest) DO UPDATE SET approved_at = excluded.approved_at, spent_at = NULL",
        id=reply.body["errors"][0]["extensions"]["challengeId"],
    )
    return await people.ask(who, asked, values)


async def accepted(people: Privileged, label: str, values: Values, selection: str = "") -> Any:
    """Ask for what is accepted; gives the payload as it is before anything of it has been executed."""
    payload = (await ask(people, label, values, selection)).payload
    assert payload["userErrors"] == [], payload
    assert payload["operation"]["status"] == "IN_PROGRESS"
    return payload


async def done(people: Privileged, label: str, values: Values, selection: str = "") -> Any:
    """Ask for what is done; gives the payload, after the operation has succeeded."""
    payload = await accepted(people, label, values, selection)
    await people.settle()
    assert await ended(people, payload) == "SUCCESS"
    return payload


async def failed(people: Privileged, label: str, values: Values) -> Any:
    """Ask for what the driver then cannot do; gives the payload, after the operation has failed."""
    payload = await accepted(people, label, values)
    await people.settle(Simulation(0, failures={action_of(label).value: "The disk is full."}))
    assert await ended(people, payload) == "ERROR"
    return payload


async def ended(people: Privileged, payload: Any) -> str:
    _, key = parse_id(payload["operation"]["id"], argument="id")
    ((status,),) = await people.sql("SELECT status FROM operation WHERE id = :id", id=key)
    assert isinstance(status, str)
    return status


async def refused(people: Privileged, label: str, values: Values) -> list[tuple[str, list[str] | None]]:
    """Ask for what is refused, so that nothing is changed by it; gives the codes, each with the field."""
    before = await state(people)
    payload = (await ask(people, label, values)).payload
    assert payload["operation"] is None
    assert await state(people) == before
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


async def rehearsed(people: Privileged, label: str, values: Values) -> None:
    """Ask for a dry run of what would be accepted, by which nothing is changed."""
    before = await people.state()
    payload = (await people.ask("pow", document(label), {**values, "dryRun": True})).payload
    assert payload == {"operation": None, "userErrors": []}, payload
    assert await people.state() == before


async def state(people: Privileged) -> Mapping[str, Any]:
    """All that mutations could have changed, but the approvals that tests give."""
    rows = await people.state()
    return {name: rows[name] for name in rows if name != "approval"}


async def write(people: Privileged, *rows: SQLModel) -> None:
    """Write rows as the owner."""
    await people.write(*rows)


def another(people: Privileged, model: type[SQLModel], **values: Any) -> Any:
    """A further row of the Cloud alpha."""
    return model(**{**people.shop.another(model), **values})


async def add_load_balancer(people: Privileged) -> UUID:
    """Add a load balancer to the Cloud alpha."""
    row = another(people, Resource, type=ResourceType.LOAD_BALANCER, name="front")
    await write(people, row, another(people, LoadBalancer, resource_id=row.id))
    return UUID(str(row.id))


async def add_instance(people: Privileged, **values: Any) -> UUID:
    """Add an instance to the Cloud alpha, active unless more is said."""
    row = another(people, Resource, **values)
    await write(people, row, another(people, Instance, resource_id=row.id))
    return UUID(str(row.id))


async def of_resource(people: Privileged, id_: UUID, columns: str = "status") -> Any:
    """What is there of a resource: one value, or several."""
    ((*values,),) = await people.sql(f"SELECT {columns} FROM resource WHERE id = :id", id=id_)  # noqa: S608
    return values[0] if len(values) == 1 else tuple(values)
