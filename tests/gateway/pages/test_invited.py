"""From a request for an account to a first sign-in: GraphQL, a real e-mail, the pages, and tokens of an API account."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from auth.tables import Account, Factor, OrganizationMember
from schema.ids import global_id
from tests.gateway.administered import document
from tests.gateway.pages.test_links import NEW as PASSWORD
from tests.gateway.pages.test_links import choose
from tests.gateway.pages.visiting import House, Visitor
from tests.gateway.privileged import Privileged
from tests.mailbox import link_in


class Managers:
    """A representative of acme and somebody of the platform, with fresh second factors."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.platform, self.representative = uuid4(), uuid4()
        self.people = Privileged(house.gateway, house.urls, house.shop, {})

    async def arrive(self) -> None:
        platform, representative = self.platform, self.representative
        await self.people.write(
            Account(id=platform, email=f"{platform.hex}@itcare.example", is_platform=True),
            Account(id=representative, email=f"{representative.hex}@acme.example"),
            OrganizationMember(
                organization_id=self.house.shop.acme, account_id=representative, is_security_representative=True
            ),
            *(
                Factor(account_id=id_, kind="TOTP", label="phone", secret=b"sealed", confirmed_at=datetime.now(UTC))
                for id_ in (platform, representative)
            ),
        )

    async def ask(self, who: UUID, mutation: str, values: dict[str, Any]) -> Any:
        """Send a mutation, approve it if it takes that, and give the payload."""
        self.people.people = {"who": who}
        reply = await self.people.ask("who", document(mutation), values)
        if reply.answer.status_code == 401:
            await self.people.approve("who", await self.people.open_digest("who"))
            reply = await self.people.ask("who", document(mutation), values)
        assert reply.user_errors == []
        return reply.payload


@pytest.fixture
async def office(house: House) -> AsyncIterator[Managers]:
    found = Managers(house)
    await found.arrive()
    yield found
    await found.people.close()


async def test_who_is_requested_gets_an_e_mail_chooses_a_password_and_signs_in(
    house: House, visitor: Visitor, office: Managers
) -> None:
    email = f"{uuid4().hex[:12]}@new.example"
    of_acme = {"organizationId": global_id("Organization", house.shop.acme), "account": {"email": email}}
    asked = await office.ask(office.representative, "requestAccount", of_acme)
    await office.ask(office.platform, "approveAccount", {"requestId": asked["accountRequest"]["id"]})
    first = link_in(await house.mailbox.next(email))
    await office.ask(office.representative, "resendInvitation", of_acme)
    second = link_in(await house.mailbox.next(email))
    assert "Code: <code>LINK_REFUSED</code>" in (await visitor.get(first)).text
    assert (await choose(visitor, second)).status_code == 303
    assert (await visitor.sign_in(email, PASSWORD)).status_code == 303
    assert await visitor.signed_in_as() == email
    query = "query ($id: ID!) { node(id: $id) { ... on AccountRequest { account { id status } } } }"
    variables = {"id": asked["accountRequest"]["id"]}
    headers = {"Authorization": f"Bearer {office.people.token('who')}"}
    answer = await house.gateway.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    account = answer.json()["data"]["node"]["account"]
    assert account["status"] == "ACTIVE"

    # Who lost everything begins anew, by another link.
    await office.ask(office.platform, "resetFactors", {"account": {"id": account["id"]}})
    again = await house.mailbox.next(email)
    assert again["Subject"] == "Your ITCare account: sign in anew"
    assert await visitor.signed_in_as() is None
    assert (await choose(visitor, link_in(again), "another entirely new phrase")).status_code == 303


async def test_an_api_account_signs_in_with_the_secret_that_was_shown_until_it_is_revoked(
    house: House, office: Managers
) -> None:
    acme = global_id("Organization", house.shop.acme)
    asked = await office.ask(
        office.representative,
        "requestAccount",
        {"organizationId": acme, "account": {"program": f"bi-{uuid4().hex[:8]}"}},
    )
    made = await office.ask(office.platform, "approveAccount", {"requestId": asked["accountRequest"]["id"]})
    account = made["accountRequest"]["account"]

    async def token(secret: str) -> httpx.Response:
        form = {"grant_type": "client_credentials", "client_id": account["clientId"], "client_secret": secret}
        async with httpx.AsyncClient(base_url=house.gateway.client.base_url) as client:
            return await client.post("/auth/token", data=form)

    assert (await token(made["clientSecret"])).status_code == 200
    of_program = {"organizationId": acme, "account": {"id": account["id"]}, "label": "second"}
    added = await office.ask(office.representative, "addClientSecret", of_program)
    assert (await token(added["clientSecret"])).status_code == 200
    await office.ask(office.representative, "revokeClientCredential", {"credentialId": added["credential"]["id"]})
    assert (await token(added["clientSecret"])).status_code == 401
    assert (await token(made["clientSecret"])).status_code == 200
    await office.ask(office.platform, "disableAccount", {"account": {"id": account["id"]}})
    assert (await token(made["clientSecret"])).status_code == 401
