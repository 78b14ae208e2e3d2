"""The mutations beside the matrix, asked as people of the shop: two who represent acme, one who represents globex."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.tables import Account, Factor, OrganizationMember, table
from schema.ids import global_id
from tests.gateway import privileged
from tests.gateway.privileged import Privileged, Reply
from tests.resolvers.shop import NOON, Shop

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
    "accountRequest { id kind email status requestedBy { name } decidedBy { name } account { id clientId status } }"
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
    "linkIdentity": f"{_ACCOUNT[:-1]} identities {{ issuer subject }} }}",
    "unlinkIdentity": _ACCOUNT,
    "approveFactor": _ACCOUNT,
    "resetFactors": _ACCOUNT,
    "addClientSecret": f"{_CREDENTIAL} {_SECRET}",
    "addClientKey": _CREDENTIAL,
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


def new_people() -> dict[str, UUID]:
    """An id for everybody."""
    return {**privileged.new_people(), "deputy": uuid4(), "envoy": uuid4()}


async def populate(connection: AsyncConnection, shop: Shop, people: Mapping[str, UUID]) -> None:
    """Fill an empty database with a shop, its people and further security representatives."""
    await privileged.populate(connection, shop, {name: people[name] for name in privileged.new_people()})
    for name, organization in (("deputy", shop.acme), ("envoy", shop.globex)):
        rows = (
            Account(id=people[name], email=f"{name}@people.example"),
            OrganizationMember(organization_id=organization, account_id=people[name], is_security_representative=True),
            Factor(account_id=people[name], kind="TOTP", label="phone", secret=b"sealed", confirmed_at=NOON),
        )
        for row in rows:
            await connection.execute(insert(table(type(row))).values(row.model_dump()))
    place = OrganizationMember(organization_id=shop.acme, account_id=people["dtm"])
    await connection.execute(insert(table(OrganizationMember)).values(place.model_dump()))
