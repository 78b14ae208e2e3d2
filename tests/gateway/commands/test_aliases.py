"""DNS aliases of instances and of load balancers: given, and taken away."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from resolvers.commands.aliases import check_fqdn
from resolvers.tables import DnsAlias, Domain, Resource
from schema.ids import global_id, key_in
from tests.gateway.commands.mutating import (
    accepted,
    add_load_balancer,
    another,
    ask,
    document,
    done,
    failed,
    of_resource,
    refused,
    rehearsed,
    write,
)
from tests.gateway.privileged import Privileged

KINDS = ("create-dns", "create-dns-lb")


@pytest.fixture
async def delegated(people: Privileged) -> Privileged:
    """Domains are delegated to the organization and to another one."""
    await write(
        people,
        another(people, Domain, fqdn="acme.test"),
        another(people, Domain, fqdn="off.acme.test", dns_enabled=False),
        another(people, Domain, fqdn="globex.test", organization_id=people.shop.globex),
        another(people, Domain, fqdn="own.globex.test"),
        another(people, Domain, fqdn="given.acme.test", organization_id=people.shop.globex),
    )
    return people


async def owner(people: Privileged, label: str) -> dict[str, Any]:
    """What an action gives an alias to, or takes one from."""
    if not label.endswith("-lb"):
        return {"instanceId": global_id("Instance", people.shop.web)}
    found = await people.sql("SELECT id FROM resource WHERE name = 'front'")
    return {"loadBalancerId": global_id("LoadBalancer", found[0][0] if found else await add_load_balancer(people))}


async def new(people: Privileged, label: str, **more: Any) -> dict[str, Any]:
    if not await people.sql("SELECT id FROM domain WHERE fqdn = 'acme.test'"):
        await write(people, another(people, Domain, fqdn="acme.test"))
    return {**await owner(people, label), "fqdn": "www.acme.test", **more}


async def given_one(people: Privileged, label: str, **values: Any) -> dict[str, Any]:
    """The input that takes an alias away."""
    (id_,) = map(key_in, (await owner(people, label)).values())
    alias = another(people, DnsAlias, **{"resource_id": id_, **values})
    await write(people, alias)
    return {"dnsAliasId": global_id("DnsAlias", alias.id)}


INPUTS: dict[str, Any] = {
    "create-dns": lambda people: new(people, "create-dns"),
    "create-dns-lb": lambda people: new(people, "create-dns-lb"),
    "delete-dns": lambda people: given_one(people, "delete-dns"),
    "delete-dns-lb": lambda people: given_one(people, "delete-dns-lb"),
}
"""A valid input of each action, by its label."""


async def names(people: Privileged, id_: UUID) -> list[Any]:
    return await people.sql("SELECT fqdn FROM dns_alias WHERE id = :id", id=id_)


@pytest.mark.parametrize("label", INPUTS)
async def test_a_dry_run_changes_nothing(people: Privileged, label: str) -> None:
    await rehearsed(people, label, await INPUTS[label](people))


@pytest.mark.parametrize("label", KINDS)
async def test_a_name_is_given_and_taken_away(delegated: Privileged, label: str) -> None:
    people = delegated
    values = await new(people, label)
    (owner_id,) = (key_in(value) for name, value in values.items() if name.endswith("Id"))
    alias = (await accepted(people, label, values, "dnsAlias { id fqdn resource { name } }"))["dnsAlias"]
    assert alias["fqdn"] == "www.acme.test"
    assert alias["resource"] == {"name": "web-01" if label == "create-dns" else "front"}
    await people.settle()
    id_ = key_in(alias["id"])
    assert await names(people, id_) == [("www.acme.test",)]
    assert await of_resource(people, owner_id, "status, revision") == ("ACTIVE", 2)
    deletion = label.replace("create", "delete")
    payload = await accepted(people, deletion, {"dnsAliasId": alias["id"]}, "dnsAlias { fqdn }")
    assert payload["dnsAlias"] == {"fqdn": "www.acme.test"}
    await people.settle()
    assert await names(people, id_) == []
    assert await of_resource(people, owner_id, "status, revision") == ("ACTIVE", 3)
    assert await people.sql("SELECT kind FROM event WHERE subject_id = :id ORDER BY seq", id=id_) == [
        ("CREATED",),
        ("DELETED",),
    ]


@pytest.mark.parametrize("label", KINDS)
async def test_what_failed_leaves_the_names_as_they_were(delegated: Privileged, label: str) -> None:
    people = delegated
    await failed(people, label, await new(people, label))
    assert await people.sql("SELECT count(*) FROM dns_alias WHERE fqdn = 'www.acme.test'") == [(0,)]
    deletion = label.replace("create", "delete")
    values = await given_one(people, deletion)
    await failed(people, deletion, values)
    assert len(await names(people, key_in(values["dnsAliasId"]))) == 1


@pytest.mark.parametrize("label", KINDS)
async def test_a_name_that_is_none_is_told_before_a_second_factor_is_asked_for(people: Privileged, label: str) -> None:
    values = await new(people, label)
    before = await people.state()
    for fqdn in ("", "acme", "WWW.acme.test", "-a.acme.test", "a_b.acme.test", "*.acme.test", "a..acme.test"):
        asked = {**values, "fqdn": fqdn}
        payload = (await people.ask("pow", document(label), asked, mfa_age=None)).payload
        assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [("INVALID_VALUE", ["fqdn"])]
    assert await people.state() == before


@pytest.mark.parametrize("label", KINDS)
async def test_a_name_outside_of_the_organizations_domains_is_refused_alike_whoever_holds_it(
    delegated: Privileged, label: str
) -> None:
    people = delegated
    shop = people.shop
    theirs = {"organization_id": shop.globex, "cloud_id": shop.omega}
    resource = another(people, Resource, **theirs, service_id=shop.service_of_omega, network_id=None)
    ((domain,),) = await people.sql("SELECT id FROM domain WHERE fqdn = 'globex.test'")
    alias = another(people, DnsAlias, **theirs, resource_id=resource.id, domain_id=domain, fqdn="shop.globex.test")
    await write(people, resource, alias)
    answers = set()
    for fqdn in (
        "shop.globex.test",
        "free.globex.test",
        "www.nobody.test",
        "acme.test",
        "www.off.acme.test",
        "given.acme.test",
        "www.given.acme.test",
    ):
        values = await new(people, label, fqdn=fqdn)
        before = await people.state()
        reply = await ask(people, label, values)
        assert [(error["code"], error["field"]) for error in reply.payload["userErrors"]] == [("NOT_FOUND", ["fqdn"])]
        answers.add(reply.answer.content)
        assert await people.state() == before
    assert len(answers) == 1


async def test_the_longest_domain_around_a_name_says_whose_it_is(delegated: Privileged) -> None:
    for fqdn in ("a.b.acme.test", "www.own.globex.test", "wwwgiven.acme.test"):
        await done(delegated, "create-dns", await new(delegated, "create-dns", fqdn=fqdn))


async def test_a_name_is_unique_in_the_organization_also_where_the_caller_does_not_see(delegated: Privileged) -> None:
    people = delegated
    await given_one(people, "create-dns-lb", fqdn="here.acme.test")
    elsewhere = {"cloud_id": people.shop.beta, "resource_id": people.shop.resource_of_beta}
    await write(people, another(people, DnsAlias, fqdn="elsewhere.acme.test", **elsewhere))
    answers = set()
    for fqdn in ("here.acme.test", "elsewhere.acme.test"):
        values = await new(people, "create-dns", fqdn=fqdn)
        assert await refused(people, "create-dns", values) == [("NAME_TAKEN", ["fqdn"])]
        answers.add((await ask(people, "create-dns", values)).answer.content)
    assert len(answers) == 1


async def test_of_those_who_want_one_name_at_once_one_gets_it(delegated: Privileged) -> None:
    people = delegated
    asked = [(label, await new(people, label)) for label in KINDS]
    replies = await asyncio.gather(*[ask(people, label, values) for label, values in asked])
    assert sorted(reply.user_errors for reply in replies) == [[], ["NAME_TAKEN"]]


async def test_an_alias_is_taken_by_the_mutation_of_its_kind_only(people: Privileged) -> None:
    of_instance = await given_one(people, "delete-dns")
    of_balancer = await given_one(people, "delete-dns-lb")
    elsewhere = await given_one(
        people, "delete-dns", cloud_id=people.shop.beta, resource_id=people.shop.resource_of_beta
    )
    none = {"dnsAliasId": global_id("DnsAlias", uuid4())}
    before = await people.state()
    for label, other in (("delete-dns", of_balancer), ("delete-dns-lb", of_instance)):
        replies = [await people.ask("pow", document(label), values) for values in (other, elsewhere, none)]
        assert len({reply.answer.content for reply in replies}) == 1
        assert replies[0].code == "NOT_FOUND"
    assert await people.state() == before
    wrong = await refused(people, "delete-dns", {**of_instance, "expectedRevision": 9})
    assert wrong == [("WRONG_REVISION", ["expectedRevision"])]
    await done(people, "delete-dns", of_instance)
    await done(people, "delete-dns-lb", of_balancer)


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)


@given(st.lists(LABEL, min_size=2, max_size=6).map(".".join))
@example(f"{'a' * 63}.test")
def test_names_of_labels_are_names(fqdn: str) -> None:
    assert check_fqdn(fqdn) == []


@given(st.text(alphabet="aZ0-._é\n ", max_size=20))
@example(f"{'a' * 64}.test")
@example(".".join(["a" * 63] * 4))
@example("www.acme.test.")
@example("www.acme.test\n")
def test_what_is_taken_for_a_name_is_one_as_dns_has_it(fqdn: str) -> None:
    if check_fqdn(fqdn):
        return
    assert len(fqdn) <= 253
    labels = fqdn.split(".")
    assert len(labels) > 1
    for label in labels:
        assert 1 <= len(label) <= 63
        assert set(label) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert not label.startswith("-")
        assert not label.endswith("-")
