"""The whole way of a privileged mutation: no factor, setting one up, refused, approved by a code, sent again, done."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyotp

from schema.ids import global_id
from tests.gateway.privileged import DELETE, RESPONSE_JSON, Privileged, Reply


class Console:
    """A frontend, as docs/mfa.md says that one is written."""

    def __init__(self, people: Privileged, who: str) -> None:
        self.people = people
        self.token = people.token(who, None)
        self.app = pyotp.TOTP(pyotp.random_base32())

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await self.people.gateway.client.post(path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def mutate(self, values: Mapping[str, Any]) -> Reply:
        headers = {**RESPONSE_JSON, "Authorization": f"Bearer {self.token}"}
        content = {"query": DELETE, "variables": {"input": values}}
        return Reply(await self.people.gateway.client.post("/graphql", json=content, headers=headers))

    def code(self) -> str:
        return self.app.generate_otp(int(datetime.now(UTC).timestamp()) // 30)

    async def set_up(self) -> None:
        begun = await self.post("/auth/factors/totp", {})
        self.app = pyotp.TOTP(begun["secret"])
        await self.post("/auth/factors/totp/confirm", {"factorId": begun["factorId"], "code": self.code()})
        # As if half a minute had passed since.
        await self.people.sql("UPDATE factor SET last_step = NULL WHERE secret <> 'sealed'")

    async def step_up(self, challenge: str) -> Any:
        shown = await self.post("/auth/step-up", {"challengeId": challenge})
        body = {"challengeId": challenge, "method": shown["methods"][0], "code": self.code()}
        completed = await self.post("/auth/step-up/complete", body)
        assert completed["approved"]["words"] == shown["words"]
        self.token = completed["accessToken"]
        return shown


async def test_a_refused_deletion_is_done_when_it_is_sent_again_after_a_step_up(people: Privileged) -> None:
    console, deletion = Console(people, "factorless"), {"instanceId": global_id("Instance", people.shop.spare)}
    assert (await console.mutate(deletion)).code == "MFA_ENROLMENT_REQUIRED"
    await console.set_up()
    refused = await console.mutate(deletion)
    assert (refused.answer.status_code, refused.code) == (401, "INSUFFICIENT_USER_AUTHENTICATION")
    shown = await console.step_up(refused.body["errors"][0]["extensions"]["challengeId"])
    assert (shown["binding"], shown["action"]) == ("OPERATION", "DELETE_INSTANCE")
    assert "spare" in shown["words"]
    other = await console.mutate({"instanceId": global_id("Instance", people.shop.web)})
    assert other.code == "INSUFFICIENT_USER_AUTHENTICATION"
    done = (await console.mutate({**deletion, "changeReference": "RFC-3"})).payload
    assert (done["userErrors"], done["operation"]["resourceName"]) == ([], "spare")
    assert await people.sql("SELECT count(*) FROM approval WHERE spent_at IS NULL") == [(0,)]
