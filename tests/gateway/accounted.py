"""The management of accounts, asked as people of the shop, with the letters that were sent of it."""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from auth.keys import VerificationKey
from resolvers.letters import Letter
from schema.ids import global_id
from tests.gateway.administered import Administered, new_people, populate
from tests.gateway.renewing import Stages

ISSUER: Final = "https://idp.example/realms/acme"
NEW: Final = "ann@new.example"
SCALAR: Final = bytes(range(1, 33))
PRIVATE_KEY: Final = ec.derive_private_key(int.from_bytes(SCALAR, "big"), ec.SECP256R1())

PRIVATE_JWK: Final = json.dumps(
    VerificationKey(PRIVATE_KEY.public_key()).to_jwk() | {"d": base64.urlsafe_b64encode(SCALAR).decode().rstrip("=")}
)
PUBLIC_JWK: Final = json.dumps(VerificationKey(PRIVATE_KEY.public_key()).to_jwk())


class Accounted(Administered):
    """Asks for what is done to accounts."""

    letters: list[Letter]

    async def add_request(self, by: str = "representative", *, program: str | None = None, email: str = NEW) -> str:
        """Ask for an account of acme; gives the id of the request."""
        account = {"email": email} if program is None else {"program": program}
        values = {"organizationId": self.organization(by), "account": account, "reason": "joins"}
        request: str = (await self.ask(by, "requestAccount", values)).payload["accountRequest"]["id"]
        return request

    def organization(self, of: str) -> str:
        """The id of the organization whose security representative somebody is."""
        return global_id("Organization", self.shop.globex if of == "envoy" else self.shop.acme)

    async def make(self, email: str = NEW, *, by: str = "representative") -> UUID:
        """Have a person's account made, as the platform does; gives its key."""
        request = await self.add_request(by, email=email)
        assert (await self.approved("platform", "approveAccount", {"requestId": request})).user_errors == []
        ((account,),) = await self.sql("SELECT id FROM account WHERE email = :email", email=email)
        found: UUID = account
        return found

    async def prepare(self, mutation: str) -> dict[str, Any]:
        """Make what a mutation is about; gives a valid input of it."""
        of_person = {"organizationId": self.acme, "account": {"email": "dtm@people.example"}}
        program = {"organizationId": self.acme, "account": {"email": "program@people.example"}}
        prepared: dict[str, Any] = {
            "requestAccount": {"organizationId": self.acme, "account": {"email": NEW}, "reason": "joins"},
            "resendInvitation": {"organizationId": self.acme, "account": {"email": NEW}},
            "approveFactor": {**of_person, "kind": "TOTP"},
            "addClientSecret": {**program, "label": "reports"},
            "addClientKey": {**program, "label": "reports", "jwk": PUBLIC_JWK},
        }
        if mutation in ("disableAccount", "enableAccount", "resetFactors"):
            prepared[mutation] = {"account": of_person["account"]}
        if mutation in ("linkIdentity", "unlinkIdentity"):
            prepared[mutation] = {"account": of_person["account"], "issuer": ISSUER, "subject": "s-1"}
        if mutation == "enableAccount":
            await self.sql("UPDATE account SET disabled_at = now() WHERE email = 'dtm@people.example'")
        elif mutation == "unlinkIdentity":
            await self.approved("platform", "linkIdentity", prepared[mutation])
        elif mutation == "approveFactor":
            await self.delay("dtm")
        elif mutation == "resendInvitation":
            await self.make()
        return prepared.get(mutation) or await self._prepare_answer(mutation, {**program, "label": "reports"})

    async def _prepare_answer(self, mutation: str, secret: Mapping[str, Any]) -> dict[str, Any]:
        if mutation == "refuseCloud":
            asked = await self.ask("representative", "requestCloud", self.inputs()["requestCloud"])
            return {"requestId": asked.payload["cloudRequest"]["id"]}
        if mutation == "revokeClientCredential":
            added = await self.approved("representative", "addClientSecret", secret)
            return {"credentialId": added.payload["credential"]["id"]}
        return {"requestId": await self.add_request()}

    async def delay(self, who: str) -> None:
        """Let somebody's factor serve from tomorrow on, as one that was set up with a recovery code."""
        await self.sql(
            "UPDATE factor SET usable_from = now() + interval '1 day' WHERE account_id = :id",
            id=self.people.people[who],
        )

    async def read(self, who: str, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        """Give the data of a query that has no error."""
        answer = await self.people.gateway.client.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {self.people.token(who)}"},
        )
        assert "errors" not in answer.json(), answer.text
        return answer.json()["data"]


async def accounted(stages: Stages, patch: pytest.MonkeyPatch) -> Accounted:
    """Give the gateway over a small database, which keeps letters instead of sending them."""
    found = Accounted(await stages.give(new_people, populate))
    found.letters = []
    patch.setattr("resolvers.commands.transacting.hand_over", lambda _, letters: found.letters.extend(letters))
    return found
