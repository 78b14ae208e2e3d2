"""The management of accounts, end to end: who may, what is written, what is sent, and what never is."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from auth.audit.records import PLATFORM as PLATFORM_CHAIN
from auth.identity.secrets import digest_of
from resolvers.letters import FactorApproved, IdentityLinked, Invitation, PlaceGiven
from schema.ids import global_id
from tests.gateway.accounted import ISSUER, NEW, Accounted, accounted
from tests.gateway.administered import OF_ACCOUNTS, document
from tests.gateway.renewing import Stages


@pytest.fixture
async def console(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> Accounted:
    return await accounted(stages, monkeypatch)


SIGNED_IN = (
    "INSERT INTO session (id, account_id, kind, digest, amr, auth_time, created_at, last_used_at, expires_at)"
    " VALUES (gen_random_uuid(), :id, 'BROWSER', sha256('x'), '{pwd}', now(), now(), now(), now() + interval '1 hour')"
)


# Who may

PLATFORM, REPRESENTATIVES = {"platform"}, {"representative", "deputy"}
MAY: dict[str, set[str]] = {
    "refuseCloud": PLATFORM,
    "requestAccount": REPRESENTATIVES,
    "approveAccount": PLATFORM,
    "refuseAccount": PLATFORM,
    "resendInvitation": PLATFORM | REPRESENTATIVES,
    "disableAccount": PLATFORM,
    "enableAccount": PLATFORM,
    "linkIdentity": PLATFORM,
    "unlinkIdentity": PLATFORM,
    "approveFactor": REPRESENTATIVES,
    "resetFactors": PLATFORM,
    "addClientSecret": REPRESENTATIVES,
    "addClientKey": REPRESENTATIVES,
    "revokeClientCredential": REPRESENTATIVES,
}
CALLERS = (
    *("anonymous", "std", "dtm", "ope", "pow", "elsewhere", "factorless", "stale", "abroad", "representative"),
    *("platform", "program", "envoy", "deputy"),
)
BY_ID = {"refuseCloud", "approveAccount", "refuseAccount", "revokeClientCredential"}
"""What is about something that representatives and the platform alone see."""
ANYWHERE = {"disableAccount", "enableAccount", "resetFactors", "linkIdentity", "unlinkIdentity"}


def refused(mutation: str, caller: str) -> str:
    """What somebody is answered who may not: do they see what it is about?"""
    if caller == "anonymous":
        return "UNAUTHENTICATED"
    if mutation in ANYWHERE:
        return "FORBIDDEN"
    if caller in ("envoy", "abroad"):
        return "NOT_FOUND"
    if mutation in BY_ID:
        return "FORBIDDEN" if caller in REPRESENTATIVES | PLATFORM else "NOT_FOUND"
    return "FORBIDDEN"


@pytest.mark.parametrize("mutation", MAY)
async def test_every_change_answers_every_caller_as_the_table_says(console: Accounted, mutation: str) -> None:
    values = await console.prepare(mutation)
    allowed = MAY[mutation]
    stale = sorted(allowed)[-1]
    before, sent = await console.state(), len(console.letters)
    for caller in CALLERS:
        if mutation == "enableAccount" and caller == "dtm":
            continue
        if caller == "anonymous":
            body = {"query": document(mutation), "variables": {"input": values}}
            answer = await console.people.gateway.client.post("/graphql", json=body, headers={"Authorization": ""})
            assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        elif caller == "stale":
            reply = await console.ask(stale, mutation, values, mfa_age=301)
            assert (reply.answer.status_code, reply.code) == (401, "INSUFFICIENT_USER_AUTHENTICATION")
        else:
            reply = await console.ask(caller, mutation, {**values, "dryRun": True})
            if caller in allowed:
                assert reply.user_errors == [], (caller, reply.body)
                assert reply.payload.get("clientSecret") is None
            else:
                assert (caller, reply.code) == (caller, refused(mutation, caller))
                assert reply.body["data"] == {mutation: None}
    assert (await console.state(), len(console.letters)) == (before, sent)
    done = await console.approved(stale, mutation, {**values, "idempotencyKey": "k-1"})
    assert done.user_errors == [], done.body
    after, sent = await console.state(), len(console.letters)
    assert after != before
    again = await console.ask(stale, mutation, {**values, "idempotencyKey": "k-1"}, mfa_age=None)
    assert again.user_errors == []
    subject = next(iter(set(done.payload) - {"userErrors", "clientSecret", "secretWithheld"}))
    assert again.payload[subject]["id"] == done.payload[subject]["id"]
    assert (await console.state(), len(console.letters)) == (after, sent)


def test_every_change_of_accounts_is_in_the_table() -> None:
    assert set(MAY) == set(OF_ACCOUNTS)


@pytest.mark.parametrize("mutation", MAY)
async def test_what_cannot_be_recorded_is_not_done_and_nothing_is_sent(
    console: Accounted, monkeypatch: pytest.MonkeyPatch, mutation: str
) -> None:
    who, values = sorted(MAY[mutation])[-1], await console.prepare(mutation)

    async def fail(*_: Any) -> None:
        raise RuntimeError("nothing is recorded")

    monkeypatch.setattr("resolvers.administration.submission.append", fail)
    if (await console.ask(who, mutation, values)).answer.status_code == 401:
        digest = await console.people.open_digest(who)
        await console.sql("DELETE FROM approval WHERE digest = :digest", digest=digest)
        await console.people.approve(who, digest)
    before, sent = await console.state(), len(console.letters)
    assert (await console.ask(who, mutation, values)).code == "INTERNAL_SERVER_ERROR"
    assert (await console.state(), len(console.letters)) == (before, sent)


@pytest.mark.parametrize("mutation", sorted(ANYWHERE))
async def test_nobody_does_anything_to_their_own_account(console: Accounted, mutation: str) -> None:
    platform = console.people.people["platform"]
    for account in ({"email": "Platform@people.example"}, {"id": global_id("Account", platform)}):
        identity = {"issuer": ISSUER, "subject": "s-1"} if "Identity" in mutation else {}
        reply = await console.ask("platform", mutation, {"account": account, **identity})
        assert reply.code == "FORBIDDEN"
        assert reply.body["errors"][0]["extensions"]["reasons"] == ["OWN_ACCOUNT"]


# Requests


async def test_a_person_is_requested_approved_and_invited(console: Accounted) -> None:
    values = {**await console.prepare("requestAccount"), "account": {"email": NEW.upper()}}
    asked = await console.ask("representative", "requestAccount", values)
    request = asked.payload["accountRequest"]
    assert (request["email"], request["kind"], request["status"]) == (NEW, "PERSON", "OPEN")
    assert (request["requestedBy"], request["account"]) == ({"name": "representative@people.example"}, None)
    assert (await console.ask("deputy", "requestAccount", values)).user_errors == ["NAME_TAKEN"]
    assert console.letters == []

    done = await console.approved("platform", "approveAccount", {"requestId": request["id"]})
    approved = done.payload["accountRequest"]
    assert (approved["status"], approved["decidedBy"]) == ("APPROVED", {"name": "platform@people.example"})
    assert approved["account"]["status"] == "INVITED"
    assert (done.payload["clientSecret"], done.payload["secretWithheld"]) == (None, False)
    (letter,) = console.letters
    assert isinstance(letter, Invitation)
    assert (letter.to, letter.is_known) == (NEW, False)
    assert letter.secret not in done.answer.text
    ((digest, purpose, lasts),) = await console.sql(
        "SELECT l.digest, l.purpose, l.expires_at - l.created_at FROM link l JOIN account a ON a.id = account_id"
        " WHERE a.email = :email",
        email=NEW,
    )
    assert (bytes(digest), purpose, lasts) == (digest_of(letter.secret), "INVITATION", timedelta(hours=72))
    places = "SELECT m.organization_id, m.is_security_representative FROM organization_member m JOIN account a"
    assert await console.sql(f"{places} ON a.id = m.account_id WHERE a.email = :email", email=NEW) == [
        (console.shop.acme, False)
    ]
    assert (await console.ask("representative", "requestAccount", values)).user_errors == ["NAME_TAKEN"]


async def test_an_api_account_is_made_with_a_secret_that_is_shown_once(console: Accounted) -> None:
    values = {"requestId": await console.add_request(program="reports-bi"), "idempotencyKey": "k-1"}
    done = await console.approved("platform", "approveAccount", values)
    secret = done.payload["clientSecret"]
    assert len(secret) == 43
    assert done.payload["secretWithheld"] is False
    assert await console.sql(
        "SELECT a.email, a.kind, a.organization_id, c.digest, c.organization_id FROM client_credential c"
        " JOIN account a ON a.id = c.account_id"
    ) == [("reports-bi", "API_ACCOUNT", console.shop.acme, digest_of(secret), console.shop.acme)]
    again = await console.ask("platform", "approveAccount", values)
    assert (again.payload["clientSecret"], again.payload["secretWithheld"]) == (None, True)
    assert secret not in again.answer.text
    assert console.letters == []
    for table in ("administrative_change", "audit_record", "account_request", "event"):
        assert secret not in str(await console.sql(f"SELECT to_jsonb(t) FROM {table} t"))  # noqa: S608


async def test_the_name_of_an_api_account_that_is_taken_is_told_to_the_platform_alone(console: Accounted) -> None:
    request = await console.add_request("envoy", program="reports-bi")
    assert (await console.approved("platform", "approveAccount", {"requestId": request})).user_errors == []
    other = await console.add_request("representative", program="reports-bi")
    taken = await console.approved("platform", "approveAccount", {"requestId": other})
    assert taken.payload["userErrors"] == [
        {"message": "There is another account of this name.", "code": "NAME_TAKEN", "field": ["requestId"]}
    ]
    refused = await console.ask("platform", "refuseAccount", {"requestId": other})
    assert refused.payload["accountRequest"]["status"] == "REFUSED"


async def test_an_address_that_has_an_account_elsewhere_gets_a_place_and_looks_like_a_new_one(
    console: Accounted,
) -> None:
    # `abroad` holds POW in another organization, has a factor and signs in.
    abroad = console.people.people["abroad"]
    await console.sql(SIGNED_IN, id=abroad)
    shown = []
    for email in ("abroad@people.example", NEW):
        asked = await console.ask(
            "representative", "requestAccount", {"organizationId": console.acme, "account": {"email": email}}
        )
        request = asked.payload["accountRequest"]
        done = await console.approved("platform", "approveAccount", {"requestId": request["id"]})
        query = (
            "query ($id: ID!) { node(id: $id) { ... on AccountRequest { status account { kind status lastSignInAt"
            " isSecurityRepresentative factors { kind } memberships { totalCount } credentials { totalCount } } } } }"
        )
        shown.append((await console.read("representative", query, {"id": request["id"]}), done.user_errors))
        again = await console.approved(
            "representative", "resendInvitation", {"organizationId": console.acme, "account": {"email": email}}
        )
        assert (again.user_errors, again.payload["account"]["status"]) == ([], "INVITED")
    assert shown[0] == shown[1]
    # Nor does an id tell when the account was made.
    assert await console.sql("SELECT uuid_extract_version(id) FROM account WHERE email = :email", email=NEW) == [(4,)]
    assert await console.sql("SELECT count(*) FROM account WHERE email = 'abroad@people.example'") == [(1,)]
    assert [type(letter) for letter in console.letters] == [PlaceGiven, PlaceGiven, Invitation, Invitation]
    assert await console.sql("SELECT count(*) FROM link WHERE account_id = :id", id=abroad) == [(0,)]
    # Once they have signed in here, they are shown as they are.
    await console.sql("UPDATE session SET auth_time = now() WHERE account_id = :id", id=abroad)
    query = "query ($id: ID!) { node(id: $id) { ... on Account { status factors { kind confirmedAt } } } }"
    seen = (await console.read("representative", query, {"id": global_id("Account", abroad)}))["node"]
    assert (seen["status"], [factor["kind"] for factor in seen["factors"]]) == ("ACTIVE", ["TOTP"])
    ((placed,),) = await console.sql("SELECT created_at FROM organization_member WHERE account_id = :id", id=abroad)
    assert datetime.fromisoformat(seen["factors"][0]["confirmedAt"]) == placed


@pytest.mark.parametrize("email", ["platform@people.example", "program@people.example", "dtm@people.example"])
async def test_who_can_be_given_no_place_is_told_to_the_platform(console: Accounted, email: str) -> None:
    request = await console.add_request("envoy", email=email)
    if email.startswith("dtm"):
        await console.sql("UPDATE account SET disabled_at = now() WHERE email = :email", email=email)
    before = await console.state()
    reply = await console.approved("platform", "approveAccount", {"requestId": request})
    assert reply.user_errors == ["WRONG_STATUS" if email.startswith("dtm") else "IN_USE"]
    assert {**await console.state(), "approval": []} == {**before, "approval": []}


async def test_nobody_approves_or_refuses_what_they_requested(console: Accounted) -> None:
    values = {"requestId": await console.add_request()}
    await console.sql("UPDATE account SET is_platform = true WHERE email = 'representative@people.example'")
    for mutation in ("approveAccount", "refuseAccount"):
        reply = await console.ask("representative", mutation, values)
        assert reply.code == "FORBIDDEN"
        assert reply.body["errors"][0]["extensions"]["reasons"] == ["OWN_PROPOSAL"]


async def test_what_is_done_is_recorded_in_the_chain_of_its_organization_or_the_platforms(console: Accounted) -> None:
    account = await console.make()
    for mutation, values in (
        ("resendInvitation", {"organizationId": console.acme, "account": {"email": NEW}}),
        ("disableAccount", {"account": {"email": NEW}}),
        ("enableAccount", {"account": {"email": NEW}}),
    ):
        assert (await console.approved("platform", mutation, values)).user_errors == []
    found = await console.sql(
        "SELECT chain, label, target_type, target_id = :account FROM audit_record WHERE decision = 'ALLOWED'"
        " ORDER BY at",
        account=account,
    )
    acme = console.shop.acme
    assert found == [
        (acme, "REQUEST_ACCOUNT", "AccountRequest", False),
        (acme, "APPROVE_ACCOUNT", "AccountRequest", False),
        (acme, "RESEND_INVITATION", "Account", True),
        (PLATFORM_CHAIN, "DISABLE_ACCOUNT", "Account", True),
        (PLATFORM_CHAIN, "ENABLE_ACCOUNT", "Account", True),
    ]


async def test_of_two_who_decide_on_one_request_at_once_one_does(console: Accounted) -> None:
    second = uuid4()
    await console.sql(
        "INSERT INTO account (id, kind, email, is_platform, created_at)"
        " VALUES (:id, 'PERSON', 'second@people.example', true, now())",
        id=second,
    )
    await console.sql(
        "INSERT INTO factor (id, account_id, kind, label, secret, confirmed_at, created_at)"
        " VALUES (gen_random_uuid(), :id, 'TOTP', 'phone', 'sealed', now(), now())",
        id=second,
    )
    console.people.people = {**console.people.people, "second": second}
    values = {"requestId": await console.add_request()}
    for who in ("platform", "second"):
        await console.ask(who, "approveAccount", values)
        await console.people.approve(who, await console.people.open_digest(who))
    replies = await asyncio.gather(
        console.ask("platform", "approveAccount", values),
        console.ask("second", "approveAccount", values),
        console.ask("second", "refuseAccount", values),
    )
    assert sorted(error for reply in replies for error in reply.user_errors) == ["WRONG_STATUS"] * 2
    assert await console.sql("SELECT count(*) FROM account_request WHERE decided_at IS NOT NULL") == [(1,)]


async def test_one_address_that_two_organizations_request_at_once_has_one_account(console: Accounted) -> None:
    values = [{"requestId": await console.add_request(by)} for by in ("representative", "envoy")]
    for value in values:
        await console.ask("platform", "approveAccount", value)
        await console.people.approve("platform", await console.people.open_digest("platform"))
    replies = await asyncio.gather(*(console.ask("platform", "approveAccount", value) for value in values))
    assert [reply.user_errors for reply in replies] == [[], []]
    assert await console.sql("SELECT count(*) FROM account WHERE email = :email", email=NEW) == [(1,)]
    assert await console.sql(
        "SELECT count(*) FROM organization_member m JOIN account a ON a.id = m.account_id WHERE a.email = :email",
        email=NEW,
    ) == [(2,)]
    assert sorted(type(letter).__name__ for letter in console.letters) == ["Invitation", "PlaceGiven"]


async def test_a_requested_cloud_is_refused_once_and_can_be_requested_again(console: Accounted) -> None:
    values = await console.prepare("refuseCloud")
    done = await console.ask("platform", "refuseCloud", values)
    assert done.payload["cloudRequest"] == {
        "id": values["requestId"],
        "status": "REFUSED",
        "refusedBy": {"name": "platform@people.example"},
    }
    assert (await console.ask("platform", "refuseCloud", values)).user_errors == ["WRONG_STATUS"]
    made = {"organizationId": console.acme, "code": "gamma", **values}
    assert (await console.ask("platform", "createCloud", made)).user_errors == ["WRONG_STATUS"]
    again = await console.ask("representative", "requestCloud", console.inputs()["requestCloud"])
    assert again.user_errors == []


# The lives of accounts


async def test_an_invitation_goes_out_again_until_the_person_has_signed_in(console: Accounted) -> None:
    values = await console.prepare("resendInvitation")
    for who in ("representative", "platform"):
        assert (await console.approved(who, "resendInvitation", values)).user_errors == []
    assert [type(letter) for letter in console.letters] == [Invitation] * 3
    assert len({letter.secret for letter in console.letters if isinstance(letter, Invitation)}) == 3
    ((account,),) = await console.sql("SELECT id FROM account WHERE email = :email", email=NEW)
    await console.sql(SIGNED_IN, id=account)
    assert (await console.approved("platform", "resendInvitation", values)).user_errors == ["WRONG_STATUS"]


async def test_with_an_account_that_is_disabled_all_ends_that_it_had(console: Accounted) -> None:
    console.people.people = {**console.people.people, "new": await console.make("both@new.example")}
    account = console.people.people["dtm"]
    await console.propose("OPE")
    for statement in (
        "INSERT INTO foreign_identity (issuer, subject, account_id, created_at) VALUES ('i', 's', :id, now())",
        "INSERT INTO password (account_id, hash, changed_at) VALUES (:id, 'x', now())",
        "INSERT INTO recovery_code (account_id, digest, created_at) VALUES (:id, sha256('x'), now())",
        SIGNED_IN,
        "UPDATE organization_member SET is_security_representative = true WHERE account_id = :id",
    ):
        await console.sql(statement, id=account)
    values = {"account": {"id": global_id("Account", account)}}
    done = await console.approved("platform", "disableAccount", values)
    assert done.payload["account"]["status"] == "DISABLED"
    for table in ("password", "recovery_code", "factor", "membership", "link", "foreign_identity"):
        assert await console.sql(f"SELECT count(*) FROM {table} WHERE account_id = :id", id=account) == [(0,)]  # noqa: S608
    assert await console.sql("SELECT ended_for FROM session WHERE account_id = :id", id=account) == [
        ("ACCOUNT_DISABLED",)
    ]
    assert await console.sql(
        "SELECT withdrawn_by, given_at FROM profile_proposal WHERE account_id = :id", id=account
    ) == [("platform@people.example", None)]
    assert await console.sql(
        "SELECT is_security_representative FROM organization_member WHERE account_id = :id", id=account
    ) == [(False,)]
    assert (await console.ask("dtm", "requestCloud", console.inputs()["requestCloud"])).code == "UNAUTHENTICATED"
    assert (await console.approved("platform", "disableAccount", values)).user_errors == ["WRONG_STATUS"]
    assert console.letters[1:] == []

    enabled = await console.approved("platform", "enableAccount", values)
    assert enabled.payload["account"]["status"] in ("INVITED", "ACTIVE")
    assert isinstance(console.letters[-1], Invitation)
    assert await console.sql("SELECT count(*) FROM membership WHERE account_id = :id", id=account) == [(0,)]
    assert (await console.approved("platform", "enableAccount", values)).user_errors == ["WRONG_STATUS"]


async def test_an_api_account_that_is_disabled_has_no_credential_that_is_good(console: Accounted) -> None:
    await console.approved("representative", "addClientSecret", await console.prepare("addClientSecret"))
    values = {"account": {"email": "program@people.example"}}
    assert (await console.approved("platform", "disableAccount", values)).user_errors == []
    assert await console.sql("SELECT count(*) FROM client_credential WHERE revoked_at IS NULL") == [(0,)]
    assert (await console.approved("platform", "enableAccount", values)).payload["account"]["status"] == "ACTIVE"
    assert console.letters == []


async def test_an_identity_is_linked_to_one_account_and_unlinked_from_that(console: Accounted) -> None:
    values = await console.prepare("linkIdentity")
    done = await console.approved("platform", "linkIdentity", values)
    assert done.payload["account"]["identities"] == [{"issuer": ISSUER, "subject": "s-1"}]
    (letter,) = console.letters
    assert isinstance(letter, IdentityLinked)
    assert (letter.to, letter.issuer) == ("dtm@people.example", ISSUER)
    other = {**values, "account": {"email": "ope@people.example"}}
    assert (await console.approved("platform", "linkIdentity", other)).user_errors == ["NAME_TAKEN"]
    assert (await console.approved("platform", "unlinkIdentity", other)).user_errors == ["NOT_FOUND"]
    query = "query ($id: ID!) { node(id: $id) { ... on Account { identities { subject } } } }"
    account = {"id": done.payload["account"]["id"]}
    assert (await console.read("representative", query, account))["node"] == {"identities": []}
    assert await console.sql("SELECT count(*) FROM foreign_identity") == [(1,)]
    assert (await console.approved("platform", "unlinkIdentity", values)).user_errors == []
    assert await console.sql("SELECT count(*) FROM foreign_identity") == [(0,)]
    program = {**values, "account": {"email": "program@people.example"}}
    assert (await console.approved("platform", "linkIdentity", program)).user_errors == ["WRONG_STATUS"]


async def test_a_factor_that_waits_is_approved_by_a_representative_and_its_person_is_told(console: Accounted) -> None:
    values = await console.prepare("approveFactor")
    other = {**values, "kind": "PHONE"}
    assert (await console.approved("representative", "approveFactor", other)).user_errors == ["WRONG_STATUS"]
    assert (await console.approved("representative", "approveFactor", values)).user_errors == []
    statement = "SELECT usable_from <= now() FROM factor WHERE account_id = :id"
    assert await console.sql(statement, id=console.people.people["dtm"]) == [(True,)]
    (letter,) = console.letters
    assert isinstance(letter, FactorApproved)
    assert (letter.to, letter.kind) == ("dtm@people.example", "TOTP")
    assert (await console.approved("deputy", "approveFactor", values)).user_errors == ["WRONG_STATUS"]


async def test_nobody_approves_their_own_factor(console: Accounted) -> None:
    await console.delay("representative")
    values = {"organizationId": console.acme, "account": {"email": "representative@people.example"}, "kind": "TOTP"}
    # Until it serves, they have none to ask with; another one of theirs would not do either.
    assert (await console.ask("representative", "approveFactor", values)).code == "FORBIDDEN"


async def test_what_is_set_up_after_a_reset_serves_a_day_later_or_when_a_representative_approves_it(
    console: Accounted,
) -> None:
    account = console.people.people["dtm"]
    values = {"account": {"email": "dtm@people.example"}}
    assert (await console.approved("platform", "resetFactors", values)).user_errors == []
    assert isinstance(console.letters[-1], Invitation)
    assert await console.sql("SELECT count(*) FROM factor WHERE account_id = :id", id=account) == [(0,)]
    factor = (
        "INSERT INTO factor (id, account_id, kind, label, secret, confirmed_at, created_at)"
        " VALUES (gen_random_uuid(), :id, :kind, 'phone', 'sealed', {}, now())"
    )
    await console.sql(factor.format("now()"), id=account, kind="TOTP")
    await console.sql(factor.format("NULL"), id=account, kind="PHONE")
    await console.sql("UPDATE factor SET confirmed_at = now() WHERE kind = 'PHONE'")
    waits = "SELECT usable_from > now() + interval '23 hours' FROM factor WHERE account_id = :id"
    assert await console.sql(waits, id=account) == [(True,), (True,)]
    approval = {"organizationId": console.acme, **values, "kind": "TOTP"}
    assert (await console.approved("representative", "approveFactor", approval)).user_errors == []
    assert sorted(await console.sql(waits, id=account)) == [(False,), (True,)]
    # A day after, what is set up serves at once.
    await console.sql("UPDATE account SET factors_reset_at = now() - interval '25 hours' WHERE id = :id", id=account)
    await console.sql(factor.format("now()"), id=account, kind="WEBAUTHN")
    assert await console.sql("SELECT usable_from FROM factor WHERE kind = 'WEBAUTHN'") == [(None,)]
