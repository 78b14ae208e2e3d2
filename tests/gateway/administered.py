"""The mutations beside the matrix, asked as people of the shop: two who represent acme, one who represents globex."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID, uuid4

from gateway.postgres import DatabaseUrls
from gateway.settings import Settings
from schema.ids import global_id
from tests.gateway.privileged import Privileged, Reply, privileged

SUBJECTS: Final = {
    "createOrganization": "organization { id code name isGroup clouds { nodes { code name isDefault } } }",
    "requestCloud": "cloudRequest { id name reason requestedBy { name } cloud { code } }",
    "createCloud": "cloud { id code name isDefault organization { code } }",
    "createService": "service { id name description cloud { code } }",
    "setTags": "resource { name revision tags { key value } }",
    "proposeProfile": "proposal { id status profile account { name } accountId proposedBy { name } givenBy { name } }",
    "approveProfile": "proposal { id status givenBy { name } cloud { code } }",
    "withdrawProfile": "proposal { id status withdrawnBy { name } }",
    "appointRepresentative": "organization { code }",
    "dismissRepresentative": "organization { code }",
}
"""What is asked for of each."""
_REQUEST: Final = (
    "accountRequest { id kind email status requestedBy { name } decidedBy { name } account { id status } }"
)
_ACCOUNT: Final = "account { id email kind status }"
_CREDENTIAL: Final = "credential { id kind label revokedAt }"
_SECRET: Final = "clientSecret secretWithheld"
OF_ACCOUNTS: Final = {
    "refuseCloud": "cloudRequest { id status refusedBy { name } }",
    "requestAccount": _REQUEST,
    "approveAccount": f"{_REQUEST} {_SECRET}",
    "refuseAccount": _REQUEST,
    "resendInvitation": _ACCOUNT,
    "disableAccount": _ACCOUNT,
    "enableAccount": _ACCOUNT,
    "approveFactor": _ACCOUNT,
    "resetFactors": _ACCOUNT,
    "addClientSecret": f"{_CREDENTIAL} {_SECRET}",
    "revokeClientCredential": _CREDENTIAL,
}
"""The same of what is done to accounts."""


def document(mutation: str) -> str:
    """The document of a mutation."""
    input_type = f"{mutation[0].upper()}{mutation[1:]}Input"
    field = f"{mutation}(input: $input) {{ {(SUBJECTS | OF_ACCOUNTS)[mutation]} userErrors {{ message code field }} }}"
    return f"mutation ($input: {input_type}!) {{ {field} }}"


class Administered:
    """Asks for administrative changes, and approves what takes an approval."""

    def __init__(self, people: Privileged) -> None:
        self.people, self.shop = people, people.shop
        self.state, self.sql = people.state, people.sql
        self.acme = global_id("Organization", people.shop.acme)
        self.alpha, self.beta = (global_id("Cloud", cloud) for cloud in (people.shop.alpha, people.shop.beta))
        self.spare = global_id("Instance", people.shop.spare)

    async def ask(self, who: str, mutation: str, values: Mapping[str, Any], *, mfa_age: int | None = 10) -> Reply:
        """Send a mutation once, as it is."""
        return await self.people.ask(who, document(mutation), values, mfa_age=mfa_age)

    async def approved(self, who: str, mutation: str, values: Mapping[str, Any]) -> Reply:
        """Send a mutation; if it takes an approval of exactly itself, approve it and send it again."""
        reply = await self.ask(who, mutation, values)
        if reply.answer.status_code == 401:
            digest = await self.people.open_digest(who)
            # Answering the challenge makes a spent approval a new one.
            await self.sql("DELETE FROM approval WHERE digest = :digest", digest=digest)
            await self.people.approve(who, digest)
            reply = await self.ask(who, mutation, values)
        return reply

    def inputs(self) -> dict[str, dict[str, Any]]:
        """A valid input of each mutation but of `approveProfile`, which takes a proposal."""
        std = {"cloudId": self.alpha, "account": {"email": "dtm@people.example"}}
        return {
            "createOrganization": {"code": "initech", "name": "Initech", "cloudCode": "initech-1", "cloudName": "One"},
            "requestCloud": {"organizationId": self.acme, "name": "Gamma", "reason": "more of it"},
            "createCloud": {"organizationId": self.acme, "code": "gamma", "name": "Gamma"},
            "createService": {"cloudId": self.alpha, "name": "billing", "description": "invoices"},
            "setTags": {"resourceId": self.spare, "set": [{"key": "team", "value": "web"}], "remove": ["owner"]},
            "proposeProfile": {**std, "profile": "OPE"},
            "withdrawProfile": {**std, "profile": "DTM"},
            "appointRepresentative": {"organizationId": self.acme, "account": {"email": "std@people.example"}},
            "dismissRepresentative": {"organizationId": self.acme, "account": {"email": "deputy@people.example"}},
        }

    async def propose(self, profile: str = "OPE", *, by: str = "representative", **more: Any) -> str:
        """Propose a profile for `dtm`; gives the id of the proposal."""
        values = {**self.inputs()["proposeProfile"], "profile": profile, **more}
        proposal: str = (await self.approved(by, "proposeProfile", values)).payload["proposal"]["id"]
        return proposal

    async def hold(self, who: str, profile: str, cloud: UUID) -> None:
        """Let somebody hold a profile in a Cloud of acme, as an import does."""
        await self.sql(
            "INSERT INTO membership (organization_id, cloud_id, account_id, profile, created_at)"
            " VALUES (:organization, :cloud, :account, :profile, now())",
            organization=self.shop.acme,
            cloud=cloud,
            account=self.people.people[who],
            profile=profile,
        )

    async def has(self, who: str, profile: str) -> bool:
        """Whether somebody holds a profile in the Cloud alpha."""
        statement = (
            "SELECT count(*) FROM membership WHERE account_id = :account AND cloud_id = :cloud AND profile = :profile"
        )
        values = {"account": self.people.people[who], "cloud": self.shop.alpha, "profile": profile}
        return await self.sql(statement, **values) == [(1,)]


@asynccontextmanager
async def administered(settings: Settings, database: DatabaseUrls) -> AsyncIterator[Administered]:
    """Serve the gateway over a small database with security representatives."""
    async with privileged(settings, database) as people:
        everybody = {**people.people, "deputy": uuid4(), "envoy": uuid4()}
        people.people = everybody
        for name, organization in (("deputy", people.shop.acme), ("envoy", people.shop.globex)):
            values = {"id": everybody[name], "email": f"{name}@people.example", "organization": organization}
            await people.sql(
                "INSERT INTO account (id, kind, email, is_platform, created_at)"
                " VALUES (:id, 'PERSON', :email, false, now())",
                id=values["id"],
                email=values["email"],
            )
            await people.sql(
                "INSERT INTO organization_member (organization_id, account_id, is_security_representative, created_at)"
                " VALUES (:organization, :id, true, now())",
                id=values["id"],
                organization=organization,
            )
            await people.sql(
                "INSERT INTO factor (id, account_id, kind, label, secret, confirmed_at, created_at)"
                " VALUES (gen_random_uuid(), :id, 'TOTP', 'phone', 'sealed', now(), now())",
                id=values["id"],
            )
        await people.sql(
            "INSERT INTO organization_member (organization_id, account_id, is_security_representative, created_at)"
            " VALUES (:organization, :id, false, now())",
            id=everybody["dtm"],
            organization=people.shop.acme,
        )
        yield Administered(people)
