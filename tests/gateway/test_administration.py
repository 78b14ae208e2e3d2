"""What is changed beside the actions, end to end: who may, what is written, and what never is."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gateway.settings import Settings
from resolvers.administration.submission import submit
from schema.ids import global_id
from tests.databases import Databases
from tests.gateway.administered import SUBJECTS, Administered, administered, document


@pytest.fixture
async def console(tmp_path: Path, databases: Databases) -> AsyncIterator[Administered]:
    urls = databases.make()
    async with administered(Settings(data_dir=tmp_path, pool_size=6), urls) as found:
        yield found
    databases.drop(urls)


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
