"""Changes beside the actions that are not made: wrong inputs, accounts that are not there, what was asked twice."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from auth.audit.records import PLATFORM
from resolvers.administration.submission import submit
from schema.ids import global_id
from tests.gateway.administered import SUBJECTS, Administered

PERSON = "dtm@people.example"


def asker_of(mutation: str) -> str:
    return {"createService": "pow", "setTags": "ope"}.get(
        mutation,
        "representative" if mutation in ("requestCloud", "proposeProfile", "withdrawProfile") else "platform",
    )


def tags(count: int, **first: str) -> list[dict[str, str]]:
    return [{"key": f"k{n}", "value": "v"} | (first if n == 0 else {}) for n in range(count)]


LONG = "x" * 5_000
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("createOrganization", {"code": "Initech"}, "code"),
    ("createOrganization", {"code": "initech\n"}, "code"),
    ("createOrganization", {"code": "x" * 64}, "code"),
    ("createOrganization", {"name": LONG}, "name"),
    ("createOrganization", {"name": " "}, "name"),
    ("createOrganization", {"cloudCode": "../etc"}, "cloudCode"),
    ("createOrganization", {"cloudName": "a\tb"}, "cloudName"),
    ("requestCloud", {"name": LONG}, "name"),
    ("requestCloud", {"reason": LONG}, "reason"),
    ("requestCloud", {"reason": "\x07"}, "reason"),
    ("requestCloud", {"changeReference": ""}, "changeReference"),
    ("createCloud", {"code": ""}, "code"),
    ("createCloud", {"name": LONG}, "name"),
    ("createCloud", {"name": None}, "name"),
    ("createCloud", {"requestId": "nothing"}, "requestId"),
    ("createCloud", {"requestId": global_id("Cloud", uuid4())}, "requestId"),
    ("createService", {"name": LONG}, "name"),
    ("createService", {"name": "a/b"}, "name"),
    ("createService", {"description": LONG}, "description"),
    ("setTags", {"set": [{"key": "a:b", "value": "v"}]}, "set.0.key"),
    ("setTags", {"set": [{"key": "!a", "value": "v"}]}, "set.0.key"),
    ("setTags", {"set": [{"key": "", "value": "v"}]}, "set.0.key"),
    ("setTags", {"set": [{"key": "k" * 129, "value": "v"}]}, "set.0.key"),
    ("setTags", {"set": [{"key": "k", "value": LONG}]}, "set.0.value"),
    ("setTags", {"set": tags(51)}, "set"),
    ("setTags", {"set": tags(2, key="k1")}, "set.1.key"),
    ("setTags", {"set": [], "remove": []}, "set"),
    ("setTags", {"set": tags(1), "remove": ["k0"]}, "remove"),
    ("setTags", {"remove": [f"r{n}" for n in range(51)]}, "remove"),
]


async def test_what_is_wrong_with_an_input_is_told_before_a_second_factor_is_asked_for(console: Administered) -> None:
    before = await console.state()
    for mutation, wrong, field in WRONG:
        values = {**console.inputs()[mutation], **wrong}
        reply = await console.ask(asker_of(mutation), mutation, values, mfa_age=None)
        assert set(reply.user_errors) == {"INVALID_VALUE"}, (mutation, wrong)
        assert reply.payload["userErrors"][0]["field"] == field.split("."), (mutation, wrong)
        (subject,) = set(reply.payload) - {"userErrors"}
        assert reply.payload[subject] is None
    assert await console.state() == before


@pytest.mark.parametrize(
    ("mutation", "wrong"),
    [
        ("createOrganization", {"code": "\0"}),
        ("proposeProfile", {"account": {"email": "a\0b"}}),
        ("proposeProfile", {"account": {"id": "nothing"}}),
        ("proposeProfile", {"account": {}}),
        ("proposeProfile", {"account": {"id": None}}),
        ("proposeProfile", {"account": {"id": "nothing", "email": PERSON}}),
        ("proposeProfile", {"profile": "ROOT"}),
        ("approveProfile", {"proposalId": "nothing"}),
        ("setTags", {"resourceId": ""}),
        ("setTags", {"expectedRevision": "one"}),
    ],
)
async def test_what_does_not_fit_the_schema_is_bad_input_and_never_a_fault(
    console: Administered, mutation: str, wrong: dict[str, Any]
) -> None:
    before = await console.state()
    values = {**console.inputs().get(mutation, {}), **wrong}
    assert (await console.ask(asker_of(mutation), mutation, values)).code == "BAD_USER_INPUT"
    assert await console.state() == before


async def test_a_resource_never_has_more_than_50_tags(console: Administered) -> None:
    await console.sql("UPDATE resource SET tags = '{}' WHERE id = :id", id=console.shop.spare)
    assert (await console.ask("ope", "setTags", {"resourceId": console.spare, "set": tags(50)})).user_errors == []
    more = {"resourceId": console.spare, "set": [{"key": "more", "value": "v"}]}
    assert (await console.ask("ope", "setTags", more)).user_errors == ["INVALID_VALUE"]
    assert (await console.ask("ope", "setTags", {**more, "remove": ["k0"]})).user_errors == []


@pytest.mark.parametrize("mutation", ["proposeProfile", "withdrawProfile", "appointRepresentative"])
async def test_an_account_of_another_organization_and_none_get_the_same_bytes(
    console: Administered, mutation: str
) -> None:
    before = await console.state()
    people = console.people.people
    accounts = [
        {"email": "abroad@people.example"},
        {"email": "nobody.at.all@people.example"},
        {"email": "platform@people.example"},
        {"id": global_id("Viewer", people["abroad"])},
        {"id": global_id("Viewer", uuid4())},
        {"id": global_id("Cloud", people["dtm"])},
        {"email": "%"},
        {"email": ""},
    ]
    values = console.inputs()[mutation]
    who = asker_of(mutation)
    replies = [await console.ask(who, mutation, {**values, "account": account}) for account in accounts]
    assert {reply.answer.content for reply in replies} == {replies[0].answer.content}
    assert replies[0].payload["userErrors"] == [
        {"message": "There is no such account in this organization.", "code": "NOT_FOUND", "field": ["account"]}
    ]
    assert await console.state() == before


@pytest.mark.parametrize("who", ["pow", "std", "elsewhere", "envoy", "program"])
async def test_who_may_not_look_for_accounts_is_told_the_same_of_every_account(console: Administered, who: str) -> None:
    emails = [PERSON, "abroad@people.example", "nobody.at.all@people.example"]
    values = console.inputs()["proposeProfile"]
    replies = [await console.ask(who, "proposeProfile", {**values, "account": {"email": email}}) for email in emails]
    assert len({reply.answer.content for reply in replies}) == 1
    assert replies[0].code in ("FORBIDDEN", "NOT_FOUND")


async def test_nobody_gives_to_themselves_or_takes_from_themselves(console: Administered) -> None:
    account = {"email": "Representative@people.example"}
    for mutation in ("proposeProfile", "withdrawProfile"):
        for profile in ("STD", "POW"):
            values = {**console.inputs()[mutation], "account": account, "profile": profile}
            reply = await console.ask("representative", mutation, values)
            assert reply.code == "FORBIDDEN"
            assert reply.body["errors"][0]["extensions"]["reasons"] == ["OWN_ACCOUNT"]
    proposal = await console.propose("POW", by="deputy", account=account)
    own = await console.ask("representative", "approveProfile", {"proposalId": proposal})
    assert own.body["errors"][0]["extensions"]["reasons"] == ["OWN_ACCOUNT"]
    assert not await console.has("representative", "POW")


@pytest.mark.parametrize("mutation", ["proposeProfile", "appointRepresentative"])
async def test_nothing_is_given_to_programs_or_to_accounts_that_are_disabled(
    console: Administered, mutation: str
) -> None:
    who, values = asker_of(mutation), console.inputs()[mutation]
    program = {**values, "account": {"email": "program@people.example"}}
    assert (await console.ask(who, mutation, program)).user_errors == ["INVALID_VALUE"]
    await console.sql("UPDATE account SET disabled_at = now() WHERE email = :email", email=PERSON)
    disabled = {**values, "account": {"email": PERSON}}
    assert (await console.ask(who, mutation, disabled)).user_errors == ["NOT_FOUND"]
    if mutation == "proposeProfile":
        held = {**console.inputs()["withdrawProfile"], "profile": "DTM"}
        assert (await console.approved(who, "withdrawProfile", held)).user_errors == []


async def test_a_foreign_thing_and_one_that_does_not_exist_get_the_same_bytes(console: Administered) -> None:
    shop = console.shop
    proposal = await console.propose()
    for who, mutation, field, ids in (
        ("pow", "createService", "cloudId", [global_id("Cloud", key) for key in (shop.omega, shop.beta, uuid4())]),
        (
            "ope",
            "setTags",
            "resourceId",
            [global_id("Instance", shop.resource_of_beta), global_id("Instance", uuid4()), console.alpha],
        ),
        ("envoy", "approveProfile", "proposalId", [proposal, global_id("ProfileProposal", uuid4()), console.alpha]),
        ("envoy", "requestCloud", "organizationId", [console.acme, global_id("Organization", uuid4())]),
        ("envoy", "withdrawProfile", "cloudId", [console.alpha, global_id("Cloud", uuid4())]),
    ):
        values = console.inputs().get(mutation, {})
        replies = [await console.ask(who, mutation, {**values, field: value}) for value in ids]
        assert len({reply.answer.content for reply in replies}) == 1, mutation
        assert replies[0].code == "NOT_FOUND"


# Approvals and keys


async def test_an_approval_names_the_account_and_is_for_exactly_this_change(console: Administered) -> None:
    values = console.inputs()["proposeProfile"]
    refused = await console.ask("representative", "proposeProfile", values)
    assert refused.body["errors"][0]["extensions"]["binding"] == "OPERATION"
    ((words, action),) = await console.sql("SELECT words, action FROM mfa_challenge WHERE kind = 'OPERATION'")
    assert words == f"Give or propose the profile OPE in the Cloud Alpha: {PERSON}."
    assert action == "PROPOSE_PROFILE"
    await console.people.approve("representative", await console.people.open_digest("representative"))
    other = {**values, "profile": "POW"}
    assert (await console.ask("representative", "proposeProfile", other)).code == "INSUFFICIENT_USER_AUTHENTICATION"
    assert (await console.ask("representative", "proposeProfile", values)).user_errors == []
    assert await console.sql("SELECT count(*) FROM approval WHERE spent_at IS NULL") == [(0,)]


async def test_fifty_uses_of_one_approval_make_one_proposal(console: Administered) -> None:
    values = console.inputs()["proposeProfile"]
    await console.ask("representative", "proposeProfile", values)
    await console.people.approve("representative", await console.people.open_digest("representative"))
    replies = await asyncio.gather(*(console.ask("representative", "proposeProfile", values) for _ in range(50)))
    done = [reply for reply in replies if "errors" not in reply.body and reply.user_errors == []]
    assert len(done) == 1
    assert await console.sql("SELECT count(*) FROM profile_proposal") == [(1,)]


@pytest.mark.parametrize("mutation", [name for name in SUBJECTS if name != "approveProfile"])
async def test_what_is_asked_twice_with_one_key_is_done_once(console: Administered, mutation: str) -> None:
    who, values = asker_of(mutation), {**console.inputs()[mutation], "idempotencyKey": "k-1"}
    await console.approved(who, mutation, values)
    before = await console.state()
    first = await console.ask(who, mutation, {**values, "changeReference": "RFC-1"}, mfa_age=None)
    assert first.user_errors == []
    if mutation != "withdrawProfile":
        assert all(value is not None for value in first.payload.values())
    other = {key: value for key, value in values.items() if key not in ("reason", "description", "isGroup", "remove")}
    other |= {"name": "Another"} if "name" in values else {}
    other |= {"profile": "POW"} if "profile" in values else {}
    other |= {"set": tags(1)} if "set" in values else {}
    other |= {"account": {"email": "ope@people.example"}} if "account" in values else {}
    assert (await console.ask(who, mutation, other)).user_errors == ["IDEMPOTENCY_KEY_REUSED"]
    assert await console.state() == before


async def test_the_same_key_at_once_makes_one_service(console: Administered) -> None:
    values = {**console.inputs()["createService"], "idempotencyKey": "k-2"}
    replies = await asyncio.gather(*(console.ask("pow", "createService", values) for _ in range(8)))
    assert len({reply.payload["service"]["id"] for reply in replies}) == 1
    assert await console.sql("SELECT count(*) FROM service WHERE name = 'billing'") == [(1,)]


async def test_a_key_is_answered_only_where_the_caller_still_sees_what_it_is_about(console: Administered) -> None:
    await console.hold("ope", "POW", console.shop.beta)
    values = {"cloudId": console.beta, "name": "billing", "idempotencyKey": "k-3"}
    assert (await console.ask("ope", "createService", values)).user_errors == []
    await console.sql("DELETE FROM membership WHERE cloud_id = :cloud", cloud=console.shop.beta)
    assert (await console.ask("ope", "createService", values)).code == "NOT_FOUND"
    await console.hold("ope", "POW", console.shop.alpha)
    reused = await console.ask("ope", "createService", {**values, "cloudId": console.alpha})
    assert reused.user_errors == ["IDEMPOTENCY_KEY_REUSED"]


# Nothing is done that was not decided, and nothing that is not recorded


@pytest.mark.parametrize(
    ("mutation", "withdrawal", "code"),
    [
        (
            "requestCloud",
            "UPDATE organization_member SET is_security_representative = false WHERE account_id = :id",
            "FORBIDDEN",
        ),
        ("requestCloud", "DELETE FROM organization_member WHERE account_id = :id", "NOT_FOUND"),
        ("createService", "UPDATE membership SET profile = 'OPE' WHERE account_id = :id", "FORBIDDEN"),
        ("createService", "DELETE FROM membership WHERE account_id = :id", "NOT_FOUND"),
        ("createOrganization", "UPDATE account SET is_platform = false WHERE id = :id", "FORBIDDEN"),
        ("createOrganization", "UPDATE account SET disabled_at = now() WHERE id = :id", "UNAUTHENTICATED"),
        ("setTags", "DELETE FROM factor WHERE account_id = :id", "MFA_ENROLMENT_REQUIRED"),
    ],
)
async def test_what_is_withdrawn_between_the_decision_and_the_commit_refuses_the_change(
    console: Administered, monkeypatch: pytest.MonkeyPatch, mutation: str, withdrawal: str, code: str
) -> None:
    who = asker_of(mutation)
    after: list[Any] = []

    async def withdrawn(*arguments: Any) -> Any:
        await console.sql(withdrawal, id=console.people.people[who])
        after.append(await console.state())
        return await submit(*arguments)

    monkeypatch.setattr("schema.administering.submit", withdrawn)
    assert (await console.ask(who, mutation, console.inputs()[mutation])).code == code
    assert [await console.state()] == after


@pytest.mark.parametrize("mutation", ["createOrganization", "createService", "proposeProfile"])
async def test_what_cannot_be_recorded_is_not_done(console: Administered, mutation: str) -> None:
    who, values = asker_of(mutation), console.inputs()[mutation]
    if mutation == "proposeProfile":
        await console.ask(who, mutation, values)
        await console.people.approve(who, await console.people.open_digest(who))
    await console.sql("ALTER TABLE audit_record ADD CONSTRAINT nothing CHECK (decision <> 'ALLOWED')")
    before = await console.state()
    assert (await console.ask(who, mutation, values)).code == "INTERNAL_SERVER_ERROR"
    assert await console.state() == before


async def test_what_is_done_is_recorded_in_the_chain_of_its_organization(console: Administered) -> None:
    before = datetime.now(UTC)
    await console.ask("platform", "createOrganization", console.inputs()["createOrganization"])
    await console.ask("platform", "createCloud", {**console.inputs()["createCloud"], "dryRun": True})
    await console.ask("ope", "setTags", console.inputs()["setTags"])
    proposal = await console.propose()
    await console.approved("deputy", "approveProfile", {"proposalId": proposal})
    found = await console.sql(
        "SELECT chain, label, decision, target_type FROM audit_record WHERE decision <> 'DENIED' AND at > :at"
        " ORDER BY at",
        at=before,
    )
    acme = console.shop.acme
    assert found == [
        (PLATFORM, "CREATE_ORGANIZATION", "ALLOWED", "Organization"),
        (acme, "CREATE_CLOUD", "DRY_RUN", "Organization"),
        (acme, "SET_TAGS", "ALLOWED", "Instance"),
        (acme, "PROPOSE_PROFILE", "ALLOWED", "ProfileProposal"),
        (acme, "APPROVE_PROFILE", "ALLOWED", "ProfileProposal"),
    ]


async def test_without_its_guard_nothing_is_changed(console: Administered, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await console.state()

    async def nothing(*_: Any) -> None:
        return

    monkeypatch.setattr("schema.guard.Guard.__call__", nothing)
    for is_let in (False, True):
        if is_let:
            monkeypatch.setattr("schema.guarded.IsGranted.has_permission", lambda *_, **__: True)
        for mutation, values in console.inputs().items():
            reply = await console.ask(asker_of(mutation), mutation, values)
            assert reply.code == "INTERNAL_SERVER_ERROR", mutation
    assert await console.state() == before
