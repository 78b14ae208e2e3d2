"""The first mutations end to end: who may, with which second factor, what is written, and what never is."""

import asyncio
import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from auth.audit.records import PLATFORM
from resolvers.commands.submission import submit
from schema.ids import global_id
from tests.gateway.privileged import DELETE, OPEN, START, STARTED, Privileged

STARTING = START % STARTED


def spare(people: Privileged, **more: Any) -> dict[str, Any]:
    """The input of a mutation of the instance that is inactive."""
    return {"instanceId": global_id("Instance", people.shop.spare), **more}


def window(people: Privileged, **more: Any) -> dict[str, Any]:
    start = datetime.now(UTC) + timedelta(days=30)
    return {
        "cloudId": global_id("Cloud", people.shop.alpha),
        "subjects": [global_id("Service", people.shop.depot), global_id("Instance", people.shop.spare)],
        "startsAt": start.isoformat(),
        "endsAt": (start + timedelta(hours=2)).isoformat(),
        "reason": "new disks",
        **more,
    }


async def test_an_operator_starts_an_instance_and_it_is_recorded(people: Privileged) -> None:
    done = (await people.ask("ope", STARTING, spare(people, changeReference="RFC-1"))).payload
    assert done["instance"] == {"status": "INACTIVE", "revision": 1}
    assert done["operation"]["action"] == "START_INSTANCE"
    assert done["operation"]["status"] == "IN_PROGRESS"
    assert done["operation"]["submittedBy"] == {"name": "ope@people.example"}
    await people.settle()
    assert await people.sql("SELECT status, revision FROM resource WHERE id = :id", id=people.shop.spare) == [
        ("ACTIVE", 2)
    ]
    kept = "SELECT status, progress, message, change_reference FROM operation WHERE action = 'START_INSTANCE'"
    assert await people.sql(kept) == [("SUCCESS", 100, "Started.", "RFC-1")]


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("std", "FORBIDDEN"),
        ("dtm", "FORBIDDEN"),
        ("program", "FORBIDDEN"),
        ("factorless", "MFA_ENROLMENT_REQUIRED"),
        ("elsewhere", "NOT_FOUND"),
        ("abroad", "NOT_FOUND"),
        ("representative", "NOT_FOUND"),
        ("platform", "NOT_FOUND"),
        ("nobody", "NOT_FOUND"),
    ],
)
async def test_who_may_not_is_told_why_by_the_field_and_nothing_changes(
    people: Privileged, who: str, code: str
) -> None:
    before = await people.state()
    reply = await people.ask(who, STARTING, spare(people))
    assert reply.answer.status_code == 200
    assert reply.body["data"] == {"startInstance": None}
    assert reply.code == code
    assert reply.body["errors"][0]["path"] == ["startInstance"]
    assert await people.state() == before


async def test_without_a_token_nothing_is_looked_at(people: Privileged) -> None:
    answer = await people.gateway.client.post(
        "/graphql", json={"query": STARTING, "variables": {"input": spare(people)}}, headers={"Authorization": ""}
    )
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("mfa_age", [None, 301, 10_000])
async def test_a_second_factor_that_is_not_fresh_refuses_the_request_before_anything_is_executed(
    people: Privileged, mfa_age: int | None
) -> None:
    before = await people.state()
    reply = await people.ask("ope", STARTING, spare(people), mfa_age=mfa_age)
    assert reply.answer.status_code == 401
    challenge = 'Bearer error="insufficient_user_authentication", acr_values="mfa", max_age="300"'
    assert reply.answer.headers["WWW-Authenticate"] == challenge
    assert "data" not in reply.body
    extensions = reply.body["errors"][0]["extensions"]
    assert extensions | {"challengeId": None} == {
        "code": "INSUFFICIENT_USER_AUTHENTICATION",
        "maxAge": 300,
        "acrValues": ["mfa"],
        "binding": "SESSION",
        "challengeId": None,
        "methods": ["TOTP"],
    }
    assert await people.sql("SELECT count(*) FROM mfa_challenge WHERE id = :id", id=extensions["challengeId"]) == [(1,)]
    assert await people.state() == before


async def test_a_foreign_id_and_one_that_does_not_exist_get_the_same_bytes(people: Privileged) -> None:
    foreign = global_id("Instance", people.shop.resource_of_beta)
    for document, name in ((STARTING, "instanceId"), (DELETE, "instanceId")):
        replies = [
            await people.ask("ope", document, {name: value})
            for value in (foreign, global_id("Instance", uuid4()), global_id("Cloud", people.shop.alpha))
        ]
        assert len({reply.answer.content for reply in replies}) == 1
        assert replies[0].code == "NOT_FOUND"
    clouds = [
        await people.ask("dtm", OPEN, window(people, cloudId=global_id("Cloud", key)))
        for key in (people.shop.omega, people.shop.beta, uuid4())
    ]
    assert len({reply.answer.content for reply in clouds}) == 1


async def test_a_deletion_takes_an_approval_of_exactly_itself_which_is_spent(people: Privileged) -> None:
    refused = await people.ask("pow", DELETE, spare(people))
    assert refused.answer.status_code == 401
    assert refused.body["errors"][0]["extensions"]["binding"] == "OPERATION"
    ((words,),) = await people.sql("SELECT words FROM mfa_challenge WHERE kind = 'OPERATION'")
    assert words == "Delete an inactive instance, with its snapshots and aliases: spare in the Cloud Alpha."
    await people.approve("pow", await people.open_digest("pow"))
    other = await people.ask("pow", DELETE, {"instanceId": global_id("Instance", people.shop.web)})
    assert other.code == "INSUFFICIENT_USER_AUTHENTICATION"
    done = (await people.ask("pow", DELETE, spare(people, changeReference="RFC-2"))).payload
    assert done["userErrors"] == []
    assert done["instance"] == {"id": global_id("Instance", people.shop.spare)}
    assert done["operation"]["resourceName"] == "spare"
    await people.settle()
    assert await people.sql("SELECT count(*) FROM resource WHERE id = :id", id=people.shop.spare) == [(0,)]
    assert await people.sql("SELECT count(*) FROM approval WHERE spent_at IS NULL") == [(0,)]
    assert (await people.ask("pow", DELETE, spare(people))).code == "NOT_FOUND"


async def test_fifty_uses_of_one_approval_make_one_operation(people: Privileged) -> None:
    await people.ask("pow", DELETE, spare(people))
    await people.approve("pow", await people.open_digest("pow"))
    replies = await asyncio.gather(*[people.ask("pow", DELETE, spare(people)) for _ in range(50)])
    answered = [reply for reply in replies if "errors" not in reply.body]
    done = [reply for reply in answered if reply.payload["operation"]]
    assert len(done) == 1
    assert {code for reply in answered for code in reply.user_errors} <= {"OPERATION_IN_PROGRESS"}
    refused = {reply.code for reply in replies if reply not in answered}
    assert refused <= {"NOT_FOUND", "INSUFFICIENT_USER_AUTHENTICATION"}
    assert await people.sql("SELECT count(*) FROM operation WHERE action = 'DELETE_INSTANCE'") == [(1,)]


async def test_a_window_is_opened_for_a_service_and_a_resource(people: Privileged) -> None:
    done = (await people.ask("dtm", OPEN, window(people))).payload
    assert done["userErrors"] == []
    assert done["maintenance"]["createdBy"] == "dtm@people.example"
    assert done["maintenance"]["services"]["nodes"] == [{"name": "depot"}]
    assert done["maintenance"]["resources"]["nodes"] == [{"name": "spare"}]
    again = await people.ask("dtm", OPEN, window(people))
    assert again.user_errors == ["OVERLAP"]


async def test_what_is_wrong_with_the_input_is_told_before_a_second_factor_is_asked_for(people: Privileged) -> None:
    before = await people.state()
    past, soon = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
    wrong = [
        (window(people, startsAt=past.isoformat(), endsAt=soon.isoformat()), "startsAt"),
        (window(people, endsAt=past.isoformat()), "endsAt"),
        (window(people, endsAt=(datetime.now(UTC) + timedelta(days=60)).isoformat()), "endsAt"),
        (window(people, reason="  "), "reason"),
        (window(people, subjects=[]), "subjects"),
        (window(people, subjects=["nothing"]), "subjects"),
        (window(people, changeReference=""), "changeReference"),
        (window(people, idempotencyKey="a\nb"), "idempotencyKey"),
    ]
    for values, field in wrong:
        reply = await people.ask("dtm", OPEN, values, mfa_age=None)
        assert reply.user_errors == ["INVALID_VALUE"], values
        assert reply.payload["userErrors"][0]["field"] == [field]
        assert reply.payload["operation"] is None
    assert await people.state() == before


@pytest.mark.parametrize("kind", ["foreign", "of another Cloud", "random", "of another kind"])
async def test_subjects_that_are_not_in_the_cloud_are_refused_alike(people: Privileged, kind: str) -> None:
    subject = {
        "foreign": global_id("Service", people.shop.service_of_omega),
        "of another Cloud": global_id("Service", people.shop.service_of_beta),
        "random": global_id("Service", uuid4()),
        "of another kind": global_id("Cloud", people.shop.alpha),
    }[kind]
    before = await people.state()
    reply = await people.ask("dtm", OPEN, window(people, subjects=[subject]))
    assert reply.payload["userErrors"] == [
        {
            "message": "A subject does not exist in this Cloud, or you do not see it.",
            "code": "NOT_FOUND",
            "field": ["subjects"],
        }
    ]
    assert await people.state() == before


async def test_a_wrong_status_and_a_wrong_revision_are_user_errors(people: Privileged) -> None:
    web = {"instanceId": global_id("Instance", people.shop.web)}
    assert (await people.ask("ope", STARTING, web)).user_errors == ["WRONG_STATUS"]
    assert (await people.ask("ope", STARTING, spare(people, expectedRevision=7))).user_errors == ["WRONG_REVISION"]
    assert (await people.ask("ope", STARTING, spare(people, expectedRevision=1))).user_errors == []


async def test_a_dry_run_checks_everything_and_writes_nothing(people: Privileged) -> None:
    before = await people.state()
    assert (await people.ask("ope", STARTING, spare(people, dryRun=True))).payload == {
        "instance": None,
        "operation": None,
        "userErrors": [],
    }
    web = {"instanceId": global_id("Instance", people.shop.web), "dryRun": True}
    assert (await people.ask("ope", STARTING, web)).user_errors == ["WRONG_STATUS"]
    assert (await people.ask("pow", DELETE, spare(people, dryRun=True))).user_errors == []
    stale = await people.ask("pow", DELETE, spare(people, dryRun=True), mfa_age=None)
    assert stale.body["errors"][0]["extensions"]["binding"] == "SESSION"
    assert await people.state() == before


async def test_the_same_key_gives_the_same_operation_also_after_its_target_is_gone(people: Privileged) -> None:
    values = spare(people, idempotencyKey="k-1")
    await people.ask("pow", DELETE, values)
    await people.approve("pow", await people.open_digest("pow"))
    first = (await people.ask("pow", DELETE, values)).payload
    await people.settle()
    again = (await people.ask("pow", DELETE, values, mfa_age=None)).payload
    assert again["operation"]["id"] == first["operation"]["id"]
    other = await people.ask("pow", DELETE, {**values, "instanceId": global_id("Instance", people.shop.web)})
    assert other.user_errors == ["IDEMPOTENCY_KEY_REUSED"]
    assert (await people.ask("ope", STARTING, spare(people, idempotencyKey="k-1"))).code == "NOT_FOUND"


async def test_the_same_key_at_once_makes_one_operation(people: Privileged) -> None:
    values = spare(people, idempotencyKey="k-2")
    replies = await asyncio.gather(*[people.ask("ope", STARTING, values) for _ in range(8)])
    assert len({reply.payload["operation"]["id"] for reply in replies}) == 1
    assert await people.sql("SELECT count(*) FROM operation WHERE idempotency_key = 'k-2'") == [(1,)]


async def test_a_key_that_was_used_where_the_caller_sees_no_more_is_used_up_all_the_same(people: Privileged) -> None:
    ope, shop = people.people["ope"], people.shop
    await people.sql(
        "INSERT INTO membership (organization_id, cloud_id, account_id, profile, created_at)"
        " VALUES (:organization, :cloud, :account, 'OPE', now())",
        organization=shop.acme,
        cloud=shop.beta,
        account=ope,
    )
    await people.sql("UPDATE resource SET status = 'INACTIVE' WHERE id = :id", id=shop.resource_of_beta)
    beta = {"instanceId": global_id("Instance", shop.resource_of_beta), "idempotencyKey": "k-3"}
    assert (await people.ask("ope", STARTING, beta)).user_errors == []
    await people.sql(
        "DELETE FROM membership WHERE account_id = :account AND cloud_id = :cloud", account=ope, cloud=shop.beta
    )
    before = await people.state()
    reused = await people.ask("ope", STARTING, spare(people, idempotencyKey="k-3"))
    assert reused.user_errors == ["IDEMPOTENCY_KEY_REUSED"]
    assert await people.state() == before


async def test_a_profile_that_is_withdrawn_refuses_the_next_request(people: Privileged) -> None:
    await people.sql("DELETE FROM membership WHERE account_id = :id", id=people.people["ope"])
    assert (await people.ask("ope", STARTING, spare(people))).code == "NOT_FOUND"


@pytest.mark.parametrize(
    ("withdrawal", "code"),
    [
        ("DELETE FROM membership WHERE account_id = :id", "NOT_FOUND"),
        ("UPDATE membership SET profile = 'STD' WHERE account_id = :id", "FORBIDDEN"),
        ("DELETE FROM factor WHERE account_id = :id", "MFA_ENROLMENT_REQUIRED"),
        ("UPDATE account SET disabled_at = now() WHERE id = :id", "UNAUTHENTICATED"),
    ],
)
async def test_what_is_withdrawn_between_the_decision_and_the_commit_refuses_the_command(
    people: Privileged, monkeypatch: pytest.MonkeyPatch, withdrawal: str, code: str
) -> None:
    async def withdrawn(*arguments: Any) -> Any:
        await people.sql(withdrawal, id=people.people["ope"])
        return await submit(*arguments)

    monkeypatch.setattr("schema.actions.submit", withdrawn)
    reply = await people.ask("ope", STARTING, spare(people))
    assert reply.code == code
    assert await people.sql("SELECT status FROM resource WHERE id = :id", id=people.shop.spare) == [("INACTIVE",)]
    assert await people.sql("SELECT count(*) FROM operation WHERE action = 'START_INSTANCE'") == [(0,)]


async def test_two_root_fields_are_refused_however_they_are_written(people: Privileged) -> None:
    before = await people.state()
    field = "startInstance(input: $input) { userErrors { code } }"
    for document in (
        f"mutation ($input: StartInstanceInput!) {{ a: {field} b: {field} }}",
        f"mutation ($input: StartInstanceInput!) {{ {field} ...F }} fragment F on Mutation {{ b: {field} }}",
    ):
        assert (await people.ask("ope", document, spare(people))).code == "LIMIT_EXCEEDED"
    assert await people.state() == before


async def test_what_the_caller_may_do_is_told_with_reasons(people: Privileged) -> None:
    document = (
        "query ($id: ID!) { resource(id: $id) { viewerPermissions(actions: [START_INSTANCE, STOP_INSTANCE,"
        " DELETE_INSTANCE]) { action verdict reasons missingProfiles } } viewer { mfa { enrolled freshUntil } } }"
    )
    id_ = global_id("Instance", people.shop.spare)

    async def verdicts(who: str, mfa_age: int | None = 10) -> Any:
        answer = await people.gateway.client.post(
            "/graphql",
            json={"query": document, "variables": {"id": id_}},
            headers={"Authorization": f"Bearer {people.token(who, mfa_age)}"},
        )
        data = answer.json()["data"]
        found = {row["action"]: (row["verdict"], *row["reasons"]) for row in data["resource"]["viewerPermissions"]}
        return found, data["viewer"]["mfa"]

    found, mfa = await verdicts("ope")
    assert found == {
        "START_INSTANCE": ("ALLOWED",),
        "STOP_INSTANCE": ("DENIED", "WRONG_STATUS"),
        "DELETE_INSTANCE": ("DENIED", "MISSING_PROFILE"),
    }
    assert mfa["enrolled"]
    assert mfa["freshUntil"]
    found, mfa = await verdicts("pow", None)
    assert found["START_INSTANCE"] == ("STEP_UP_REQUIRED", "MFA_STALE")
    assert found["DELETE_INSTANCE"] == ("STEP_UP_REQUIRED", "MFA_STALE", "MFA_PER_OPERATION")
    assert mfa["freshUntil"] is None
    found, mfa = await verdicts("factorless")
    assert found["START_INSTANCE"] == ("DENIED", "MFA_NOT_ENROLLED")
    assert not mfa["enrolled"]


async def audited(people: Privileged) -> list[tuple[str, str, str | None]]:
    """What the audit log says, once all of it is written: label, decision and code."""
    async with asyncio.timeout(10):
        while True:
            found = await people.sql("SELECT label, decision, code FROM audit_record ORDER BY at, chain, seq")
            await asyncio.sleep(0.3)
            if found and found == await people.sql(
                "SELECT label, decision, code FROM audit_record ORDER BY at, chain, seq"
            ):
                return found


async def test_what_was_allowed_denied_and_rehearsed_is_in_the_audit_log(people: Privileged) -> None:
    await people.ask("std", STARTING, spare(people))
    await people.ask("ope", STARTING, spare(people), mfa_age=None)
    await people.ask("ope", STARTING, {"instanceId": global_id("Instance", people.shop.resource_of_beta)})
    await people.ask("factorless", STARTING, spare(people))
    await people.ask("ope", STARTING, spare(people, dryRun=True))
    await people.ask("ope", STARTING, spare(people))
    assert await audited(people) == [
        ("start-instance", "DENIED", "FORBIDDEN"),
        ("start-instance", "DENIED", "INSUFFICIENT_USER_AUTHENTICATION"),
        ("start-instance", "DENIED", "NOT_FOUND"),
        ("start-instance", "DENIED", "MFA_ENROLMENT_REQUIRED"),
        ("start-instance", "DRY_RUN", None),
        ("start-instance", "ALLOWED", None),
    ]
    chains = await people.sql("SELECT code FROM audit_record WHERE chain = :id", id=PLATFORM)
    assert chains == [("NOT_FOUND",)]
    ((email, host, digests),) = await people.sql(
        "SELECT email, address, octet_length(input_digest) FROM audit_record WHERE decision = 'ALLOWED'"
    )
    assert (email, host, digests) == ("ope@people.example", "127.0.0.1", 32)


async def test_mutations_that_are_refused_as_requests_are_in_the_audit_log(people: Privileged) -> None:
    field = "startInstance(input: $input) { userErrors { code } }"
    twice = f"mutation ($input: StartInstanceInput!) {{ a: {field} b: {field} }}"
    await people.ask("ope", twice, spare(people))
    await people.ask("ope", STARTING, {"instanceId": None})
    sent = {"query": STARTING, "variables": {"input": spare(people)}}
    for authorization in ("", "Bearer not.a.token"):
        await people.gateway.client.post("/graphql", json=sent, headers={"Authorization": authorization})
    await people.sql("UPDATE account SET disabled_at = now() WHERE id = :id", id=people.people["ope"])
    await people.ask("ope", STARTING, spare(people))
    await people.gateway.client.post("/graphql", json={"query": "{ nothing }"})
    assert await audited(people) == [
        ("mutation", "DENIED", "LIMIT_EXCEEDED"),
        ("mutation", "DENIED", "BAD_USER_INPUT"),
        ("mutation", "DENIED", "UNAUTHENTICATED"),
        ("mutation", "DENIED", "UNAUTHENTICATED"),
        ("mutation", "DENIED", "UNAUTHENTICATED"),
    ]


async def test_what_cannot_be_recorded_is_not_done(people: Privileged) -> None:
    await people.sql("ALTER TABLE audit_record ADD CONSTRAINT nothing CHECK (decision <> 'ALLOWED')")
    before = await people.state()
    reply = await people.ask("ope", STARTING, spare(people))
    assert reply.code == "INTERNAL_SERVER_ERROR"
    assert await people.state() == before


MATRIX = {
    row["label"]: row["available_for"]
    for row in csv.DictReader((Path(__file__).parents[1] / "auth" / "privileges.csv").read_text().splitlines())
}
ALLOWED = {"OPE": {"ope", "pow", "both"}, "POW": {"pow"}, "MNT": {"dtm", "ope", "pow", "both"}}
"""Which of the callers with a fresh second factor hold what the matrix asks for."""
CALLERS = {
    "anonymous": "UNAUTHENTICATED",
    "std": "FORBIDDEN",
    "dtm": "FORBIDDEN",
    "ope": "FORBIDDEN",
    "pow": "FORBIDDEN",
    "elsewhere": "NOT_FOUND",
    "factorless": "MFA_ENROLMENT_REQUIRED",
    "stale": "INSUFFICIENT_USER_AUTHENTICATION",
    "both": "FORBIDDEN",
    "representative": "NOT_FOUND",
    "platform": "NOT_FOUND",
    "program": "FORBIDDEN",
}
"""The twelve kinds of callers, and what each is answered if the matrix does not let them."""


@pytest.mark.parametrize("caller", CALLERS)
async def test_every_mutation_answers_every_caller_as_the_matrix_says(people: Privileged, caller: str) -> None:
    asked = {
        "delete-instance": (DELETE, spare(people, dryRun=True)),
        "start-instance": (STARTING, spare(people)),
        "create-maintenance": (OPEN, window(people)),
    }
    if caller == "both":
        await people.sql(
            "INSERT INTO membership (organization_id, cloud_id, account_id, profile, created_at)"
            " VALUES (:organization, :cloud, :account, 'POW', now())",
            organization=people.shop.acme,
            cloud=people.shop.beta,
            account=people.people["ope"],
        )
    for label, (document, values) in asked.items():
        before = await people.state()
        if caller == "anonymous":
            sent = {"query": document, "variables": {"input": values}}
            answer = await people.gateway.client.post("/graphql", json=sent, headers={"Authorization": ""})
            assert answer.json()["errors"][0]["extensions"]["code"] == CALLERS[caller]
            continue
        who = {"stale": "pow", "both": "ope"}.get(caller, caller)
        reply = await people.ask(who, document, values, mfa_age=301 if caller == "stale" else 10)
        if caller in ALLOWED[MATRIX[label]]:
            assert reply.user_errors == [], (label, reply.body)
            continue
        # The name of a Cloud is seen by more people than what is in it.
        is_by_name = label == "create-maintenance" and caller in {"representative", "platform"}
        assert reply.code == ("FORBIDDEN" if is_by_name else CALLERS[caller]), label
        assert await people.state() == before


async def test_without_its_guard_a_mutation_does_nothing(people: Privileged, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await people.state()

    async def nothing(*_: Any) -> None:
        return

    monkeypatch.setattr("schema.guard.Guard.__call__", nothing)
    assert (await people.ask("pow", STARTING, spare(people))).code == "INTERNAL_SERVER_ERROR"
    monkeypatch.setattr("schema.guarded.IsGranted.has_permission", lambda *_, **__: True)
    assert (await people.ask("pow", STARTING, spare(people))).code == "INTERNAL_SERVER_ERROR"
    assert await people.state() == before


async def test_dry_runs_are_limited_and_the_limit_is_told_by_the_field(people: Privileged) -> None:
    replies = [await people.ask("ope", STARTING, spare(people, dryRun=True)) for _ in range(61)]
    assert [reply.user_errors for reply in replies[:60]] == [[]] * 60
    assert replies[60].code == "RATE_LIMITED"
    assert 0 < replies[60].body["errors"][0]["extensions"]["retryAfter"] <= 60
    assert (await people.ask("pow", STARTING, spare(people, dryRun=True))).user_errors == []
    assert (await people.ask("ope", STARTING, spare(people))).user_errors == []
