"""What is changed beside the actions, end to end: who may, what is written, and what never is."""

import asyncio

import pytest

from schema.ids import global_id
from tests.gateway.administered import Administered, document

# Who may


PLATFORM, REPRESENTATIVE, OPE, POW = {"platform"}, {"representative"}, {"ope", "pow", "both"}, {"pow"}
MAY: dict[str, set[str]] = {
    "createOrganization": PLATFORM,
    "requestCloud": REPRESENTATIVE,
    "createCloud": PLATFORM,
    "createService": POW,
    "setTags": OPE,
    "proposeProfile": REPRESENTATIVE,
    "approveProfile": PLATFORM | {"deputy"},
    "withdrawProfile": REPRESENTATIVE,
    "appointRepresentative": PLATFORM,
    "dismissRepresentative": PLATFORM,
}
CALLERS = (
    *("anonymous", "std", "dtm", "ope", "pow", "elsewhere", "factorless", "stale", "both", "representative"),
    *("platform", "program", "envoy", "deputy"),
)
"""The twelve kinds of callers, a representative of another organization, and a second one of this."""
OF_PROFILES = {"createService", "setTags"}


def refused(mutation: str, caller: str) -> str:
    """What somebody is answered who may not: do they see what it is about, and do they hold what it takes?"""
    sees_resources = {"std", "dtm", "ope", "pow", "factorless", "both", "program", "stale"}
    if caller == "anonymous":
        return "UNAUTHENTICATED"
    if mutation in OF_PROFILES:
        if caller not in sees_resources:
            return "NOT_FOUND"
        return "MFA_ENROLMENT_REQUIRED" if caller == "factorless" else "FORBIDDEN"
    if mutation == "createOrganization":
        return "FORBIDDEN"
    if mutation == "approveProfile":
        # Proposals are seen by representatives and the platform alone.
        return "FORBIDDEN" if caller == "representative" else "NOT_FOUND"
    if mutation in ("requestCloud", "createCloud", "appointRepresentative", "dismissRepresentative"):
        return "NOT_FOUND" if caller == "envoy" else "FORBIDDEN"
    sees_alpha = sees_resources | {"representative", "deputy", "platform"}
    return "FORBIDDEN" if caller in sees_alpha else "NOT_FOUND"


@pytest.mark.parametrize("mutation", MAY)
async def test_every_change_answers_every_caller_as_the_table_says(console: Administered, mutation: str) -> None:
    proposal = await console.propose() if mutation == "approveProfile" else ""
    values = {**console.inputs(), "approveProfile": {"proposalId": proposal}}[mutation]
    # `both` modifies resources here, and does more in another Cloud.
    await console.hold("ope", "POW", console.shop.beta)
    allowed = MAY[mutation] | ({"deputy"} if "representative" in MAY[mutation] else set())
    stale = sorted(allowed, reverse=True)[0]
    for caller in sorted(CALLERS, key=lambda caller: caller in allowed):
        before = await console.state()
        if caller == "anonymous":
            sent = {"query": document(mutation), "variables": {"input": values}}
            answer = await console.people.gateway.client.post("/graphql", json=sent, headers={"Authorization": ""})
            assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        elif caller == "stale":
            reply = await console.ask(stale, mutation, values, mfa_age=301)
            assert (reply.answer.status_code, reply.code) == (401, "INSUFFICIENT_USER_AUTHENTICATION")
        else:
            who = "ope" if caller == "both" else caller
            reply = await console.ask(who, mutation, {**values, "dryRun": True})
            if caller in allowed:
                assert reply.user_errors == [], (caller, reply.body)
            else:
                assert (caller, reply.code) == (caller, refused(mutation, caller))
                assert reply.body["data"] == {mutation: None}
        assert await console.state() == before, caller
    who = sorted(allowed - {"both"}, reverse=True)[0]
    done = await console.approved(who, mutation, values)
    assert done.user_errors == [], done.body
    assert await console.state() != before


# What is done


async def test_the_platform_creates_an_organization_with_its_default_cloud(console: Administered) -> None:
    values = {**console.inputs()["createOrganization"], "isGroup": True}
    done = (await console.ask("platform", "createOrganization", values)).payload["organization"]
    assert done.pop("id").startswith("org_")
    clouds = {"nodes": [{"code": "initech-1", "name": "One", "isDefault": True}]}
    assert done == {"code": "initech", "name": "Initech", "isGroup": True, "clouds": clouds}
    again = await console.ask("platform", "createOrganization", {**values, "cloudCode": "initech-2"})
    assert again.payload["userErrors"] == [
        {"message": "There is another of this code.", "code": "NAME_TAKEN", "field": ["code"]}
    ]
    taken = await console.ask("platform", "createOrganization", {**values, "code": "hooli", "cloudCode": "omega"})
    assert taken.payload["userErrors"][0]["field"] == ["cloudCode"]
    assert await console.sql("SELECT count(*) FROM organization WHERE code = 'hooli'") == [(0,)]


async def test_a_cloud_is_requested_by_a_representative_and_created_of_the_request_once(console: Administered) -> None:
    values = console.inputs()["requestCloud"]
    request = (await console.ask("representative", "requestCloud", values)).payload["cloudRequest"]
    assert request["requestedBy"] == {"name": "representative@people.example"}
    assert request["cloud"] is None
    assert (await console.ask("deputy", "requestCloud", values)).user_errors == ["NAME_TAKEN"]
    wanted = {"organizationId": console.acme, "requestId": request["id"]}
    first, second = await asyncio.gather(
        *(console.ask("platform", "createCloud", {**wanted, "code": f"gamma-{n}"}) for n in range(2))
    )
    assert sorted(first.user_errors + second.user_errors) == ["WRONG_STATUS"]
    ((code, name),) = await console.sql(
        "SELECT c.code, c.name FROM cloud c JOIN cloud_request r ON r.cloud_id = c.id WHERE NOT c.is_default"
    )
    assert (code[:-1], name) == ("gamma-", "Gamma")
    abroad = {**wanted, "organizationId": global_id("Organization", console.shop.globex), "code": "delta"}
    assert (await console.ask("platform", "createCloud", abroad)).user_errors == ["NOT_FOUND"]


async def test_a_service_is_created_once_of_a_name_and_whoever_sees_the_cloud_is_told(console: Administered) -> None:
    values = {**console.inputs()["createService"], "changeReference": "RFC-7"}
    replies = await asyncio.gather(*(console.ask("pow", "createService", values) for _ in range(4)))
    assert sorted(error for reply in replies for error in reply.user_errors) == ["NAME_TAKEN"] * 3
    (done,) = (reply.payload["service"] for reply in replies if reply.payload["service"])
    assert {**done, "id": None} == {
        "id": None,
        "name": "billing",
        "description": "invoices",
        "cloud": {"code": "alpha"},
    }
    assert await console.sql("SELECT change_reference FROM administrative_change") == [("RFC-7",)]
    assert await console.sql("SELECT kind, subject_type, cloud_id FROM event") == [
        ("CREATED", "Service", console.shop.alpha)
    ]


async def test_tags_are_set_and_removed_and_the_others_stay(console: Administered) -> None:
    await console.sql(
        """UPDATE resource SET tags = '{"owner": "ann", "env": "prod"}' WHERE id = :id""", id=console.shop.spare
    )
    values = {**console.inputs()["setTags"], "expectedRevision": 1}
    done = (await console.ask("ope", "setTags", values)).payload["resource"]
    assert done == {
        "name": "spare",
        "revision": 2,
        "tags": [{"key": "env", "value": "prod"}, {"key": "team", "value": "web"}],
    }
    assert (await console.ask("ope", "setTags", values)).user_errors == ["WRONG_REVISION"]
    found = await console.sql("SELECT key FROM resource_tag WHERE resource_id = :id ORDER BY 1", id=console.shop.spare)
    assert found == [("env",), ("team",)]
    assert await console.sql("SELECT kind, subject_type FROM event") == [("RESOURCE_UPDATED", "Instance")]


async def test_two_who_set_different_tags_at_once_both_have_theirs(console: Administered) -> None:
    await asyncio.gather(
        *(
            console.ask("ope", "setTags", {"resourceId": console.spare, "set": [{"key": f"k{n}", "value": "v"}]})
            for n in range(6)
        )
    )
    ((tags, revision),) = await console.sql("SELECT tags, revision FROM resource WHERE id = :id", id=console.shop.spare)
    assert {f"k{n}" for n in range(6)} <= set(tags)
    assert revision == 7


async def test_std_is_given_at_once_and_a_second_person_gives_the_others(console: Administered) -> None:
    std = {**console.inputs()["proposeProfile"], "profile": "STD"}
    given = (await console.approved("representative", "proposeProfile", std)).payload["proposal"]
    assert (given["status"], given["givenBy"]) == ("GIVEN", {"name": "representative@people.example"})
    assert await console.has("dtm", "STD")
    proposal = await console.propose("POW")
    assert not await console.has("dtm", "POW")
    own = await console.ask("representative", "approveProfile", {"proposalId": proposal})
    assert (own.code, own.body["errors"][0]["extensions"]["reasons"]) == ("FORBIDDEN", ["OWN_PROPOSAL"])
    done = (await console.approved("deputy", "approveProfile", {"proposalId": proposal})).payload["proposal"]
    assert (done["status"], done["givenBy"]) == ("GIVEN", {"name": "deputy@people.example"})
    assert await console.has("dtm", "POW")
    assert (await console.approved("platform", "approveProfile", {"proposalId": proposal})).user_errors == [
        "WRONG_STATUS"
    ]
    assert (await console.approved("deputy", "proposeProfile", {**std, "profile": "POW"})).user_errors == ["UNCHANGED"]


async def test_of_two_who_approve_at_once_one_gives_the_profile(console: Administered) -> None:
    values = {"proposalId": await console.propose()}
    for who in ("deputy", "platform"):
        await console.ask(who, "approveProfile", values)
        await console.people.approve(who, await console.people.open_digest(who))
    replies = await asyncio.gather(*(console.ask(who, "approveProfile", values) for who in ("deputy", "platform")))
    assert sorted(error for reply in replies for error in reply.user_errors) == ["WRONG_STATUS"]
    assert await console.has("dtm", "OPE")
    assert await console.sql("SELECT count(*) FROM approval WHERE spent_at IS NOT NULL") == [(2,)]


async def test_a_profile_is_withdrawn_whether_it_is_held_or_proposed(console: Administered) -> None:
    held = console.inputs()["withdrawProfile"]
    imported = await console.approved("representative", "withdrawProfile", held)
    assert imported.payload == {"proposal": None, "userErrors": []}
    assert not await console.has("dtm", "DTM")
    assert (await console.approved("representative", "withdrawProfile", held)).user_errors == ["NOT_FOUND"]
    proposal = await console.propose()
    done = await console.approved("deputy", "withdrawProfile", {**held, "profile": "OPE"})
    assert done.payload["proposal"]["status"] == "WITHDRAWN"
    approval = await console.approved("deputy", "approveProfile", {"proposalId": proposal})
    assert approval.user_errors == ["WRONG_STATUS"]
    assert not await console.has("dtm", "OPE")
    # What was withdrawn can be proposed again.
    assert await console.propose() != proposal


async def test_a_representative_is_appointed_and_dismissed_and_that_holds_at_the_next_request(
    console: Administered,
) -> None:
    values = console.inputs()["appointRepresentative"]
    cloud = console.inputs()["requestCloud"]
    assert (await console.ask("std", "requestCloud", cloud)).code == "FORBIDDEN"
    assert (await console.approved("platform", "appointRepresentative", values)).user_errors == []
    assert (await console.approved("platform", "appointRepresentative", values)).user_errors == ["UNCHANGED"]
    assert (await console.ask("std", "requestCloud", cloud)).user_errors == []
    assert (await console.approved("platform", "dismissRepresentative", values)).user_errors == []
    assert (await console.approved("platform", "dismissRepresentative", values)).user_errors == ["WRONG_STATUS"]
    assert (await console.ask("std", "requestCloud", {**cloud, "name": "Delta"})).code == "FORBIDDEN"


async def test_proposals_and_requests_are_read_by_representatives_and_the_platform_alone(
    console: Administered,
) -> None:
    ids = [await console.propose()]
    request = await console.ask("representative", "requestCloud", console.inputs()["requestCloud"])
    ids.append(request.payload["cloudRequest"]["id"])
    query = (
        "query ($cloud: ID!, $organization: ID!, $ids: [ID!]!) { cloud(id: $cloud) { profileProposals { totalCount"
        " nodes { profile status account { name } } } }"
        " organization(id: $organization) { cloudRequests { totalCount nodes { name } } } nodes(ids: $ids) { id } }"
    )
    variables = {"cloud": console.alpha, "organization": console.acme, "ids": ids}
    for who, count in (("deputy", 1), ("platform", 1), ("pow", 0), ("std", 0), ("program", 0)):
        answer = await console.people.gateway.client.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {console.people.token(who)}"},
        )
        data = answer.json()["data"]
        assert (who, data["cloud"]["profileProposals"]["totalCount"]) == (who, count), answer.text
        assert (who, len(data["organization"]["cloudRequests"]["nodes"])) == (who, count)
        assert data["nodes"] == ([{"id": id_} for id_ in ids] if count else [None, None])


async def test_what_waits_for_a_second_person_is_listed_in_pages(console: Administered) -> None:
    for name in ("One", "Two", "Three"):
        await console.ask("representative", "requestCloud", {"organizationId": console.acme, "name": name})
    query = (
        "query ($id: ID!, $after: String) { organization(id: $id) { cloudRequests(first: 2, after: $after) {"
        " nodes { name } pageInfo { hasNextPage endCursor } } } }"
    )
    names, after = [], None
    for _ in range(2):
        answer = await console.people.gateway.client.post(
            "/graphql",
            json={"query": query, "variables": {"id": console.acme, "after": after}},
            headers={"Authorization": f"Bearer {console.people.token('platform')}"},
        )
        page = answer.json()["data"]["organization"]["cloudRequests"]
        names += [node["name"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert (names, page["pageInfo"]["hasNextPage"]) == (["Three", "Two", "One"], False)
