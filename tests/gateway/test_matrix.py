"""Every label of the privilege matrix over HTTP: who may, who may not and what they are told, dry runs, repetitions."""

import inspect
from typing import Any

import pytest

from auth.permissions import PRIVILEGES, Privilege
from resolvers.commands.catalogue import EFFECTS
from resolvers.operations.drivers.simulated import Simulation
from tests.gateway.commands import (
    test_aliases,
    test_cluster_nodes,
    test_clusters,
    test_indicators,
    test_instances,
    test_load_balancers,
    test_maintenances,
    test_members,
    test_monitoring,
    test_object_store_users,
    test_object_stores,
    test_sms,
    test_snapshots,
)
from tests.gateway.commands.asking import ask, document
from tests.gateway.privileged import Privileged
from tests.gateway.test_mutations import ALLOWED, CALLERS, MATRIX, window

INPUTS: dict[str, Any] = {
    "create-maintenance": window,
    **test_aliases.INPUTS,
    **test_cluster_nodes.INPUTS,
    **test_clusters.INPUTS,
    **test_indicators.INPUTS,
    **test_instances.INPUTS,
    **test_load_balancers.INPUTS,
    **test_maintenances.INPUTS,
    **test_members.INPUTS,
    **test_monitoring.INPUTS,
    **test_object_store_users.INPUTS,
    **test_object_stores.INPUTS,
    **test_sms.INPUTS,
    **test_snapshots.INPUTS,
}
"""What makes a valid input of each label."""
LABELS = {privilege.label: privilege for privilege in PRIVILEGES.values()}


async def valid(people: Privileged, label: str) -> dict[str, Any]:
    values = INPUTS[label](people)
    found: dict[str, Any] = await values if inspect.isawaitable(values) else values
    return found


def target_field(privilege: Privilege) -> str:
    return f"{privilege.target[0].lower()}{privilege.target[1:]}Id"


def test_every_label_has_its_mutation_its_effects_and_its_tests() -> None:
    assert INPUTS.keys() == MATRIX.keys() == LABELS.keys()
    assert {LABELS[label].action for label in MATRIX} == EFFECTS.keys()


@pytest.mark.parametrize("label", MATRIX)
async def test_who_may_is_let_and_who_may_not_is_told_so_and_neither_writes_on_a_dry_run(
    people: Privileged, label: str
) -> None:
    privilege, values = LABELS[label], await valid(people, label)
    await people.sql(
        "INSERT INTO membership (organization_id, cloud_id, account_id, profile, created_at)"
        " VALUES (:organization, :cloud, :account, 'POW', now())",
        organization=people.shop.acme,
        cloud=people.shop.beta,
        account=people.people["ope"],
    )
    text, before = document(privilege.mutation), await people.state()
    for caller, code in CALLERS.items():
        if caller == "anonymous":
            sent = {"query": text, "variables": {"input": values}}
            answer = await people.gateway.client.post("/graphql", json=sent, headers={"Authorization": ""})
            assert answer.json()["errors"][0]["extensions"]["code"] == code
            continue
        who, mfa_age = {"stale": "pow", "both": "ope"}.get(caller, caller), 301 if caller == "stale" else 10
        if caller in ALLOWED[MATRIX[label]]:
            rehearsed = await people.ask(who, text, {**values, "dryRun": True}, mfa_age=mfa_age)
            assert rehearsed.user_errors == [], (caller, rehearsed.body)
            assert rehearsed.payload["operation"] is None
            continue
        refused = await people.ask(who, text, values, mfa_age=mfa_age)
        # The name of a Cloud is seen by more people than what is in it.
        is_by_name = privilege.target == "Cloud" and caller in {"representative", "platform"}
        assert refused.code == ("FORBIDDEN" if is_by_name else code), caller
    assert await people.state() == before
    ((rehearsals,),) = await people.sql(
        "SELECT count(*) FROM audit_record WHERE label = :label AND decision = 'DRY_RUN'", label=label
    )
    assert rehearsals == len(ALLOWED[MATRIX[label]])


@pytest.mark.parametrize("label", MATRIX)
async def test_what_is_asked_for_twice_with_one_key_is_done_once_also_when_its_target_is_gone(
    people: Privileged, label: str
) -> None:
    privilege, values = LABELS[label], {**await valid(people, label), "idempotencyKey": "once"}
    who = "dtm" if MATRIX[label] == "MNT" else MATRIX[label].lower()
    first = (await ask(people, who, privilege.mutation, values)).payload
    assert first["userErrors"] == []
    assert first["operation"]["status"] == "IN_PROGRESS"
    text = document(privilege.mutation)
    assert (await people.ask(who, text, values, mfa_age=None)).payload["operation"]["id"] == first["operation"]["id"]
    await people.settle()
    ended = (await people.ask(who, text, values, mfa_age=None)).payload
    assert ended["operation"]["id"] == first["operation"]["id"]
    assert ended["operation"]["status"] == "SUCCESS"
    assert ended["operation"]["message"] == EFFECTS[privilege.action].said
    assert await people.sql("SELECT count(*) FROM operation WHERE idempotency_key = 'once'") == [(1,)]
    before = await people.state()
    field = target_field(privilege)
    other = {**values, field: f"{values[field][:-1]}{'1' if values[field][-1] == '0' else '0'}"}
    assert (await people.ask(who, text, other)).user_errors == ["IDEMPOTENCY_KEY_REUSED"]
    assert await people.state() == before


@pytest.mark.parametrize("label", MATRIX)
async def test_what_the_driver_cannot_do_ends_as_an_error_and_can_be_asked_for_again(
    people: Privileged, label: str
) -> None:
    privilege, values = LABELS[label], await valid(people, label)
    who = "dtm" if MATRIX[label] == "MNT" else MATRIX[label].lower()
    assert (await ask(people, who, privilege.mutation, values)).user_errors == []
    await people.settle(Simulation(0, failures={privilege.action.value: "No."}))
    last = "SELECT status, message FROM operation WHERE action = :action ORDER BY submitted_at DESC LIMIT 1"
    assert await people.sql(last, action=privilege.action.value) == [("ERROR", "No.")]
    assert await people.sql("SELECT count(*) FROM resource WHERE status = 'PREPARATION'") == [(0,)]
    assert await people.sql("SELECT count(*) FROM operation_secret") == [(0,)]
    if not (privilege.target == "Service" and "name" in values):
        assert (await ask(people, who, privilege.mutation, values)).user_errors == []
