"""What API accounts sign in with: secrets and keys that are added, shown once or never, and revoked."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from auth.identity.secrets import digest_of
from tests.gateway.accounted import PUBLIC_JWK, Accounted, accounted
from tests.gateway.renewing import Stages


@pytest.fixture
async def console(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> Accounted:
    return await accounted(stages, monkeypatch)


async def test_secrets_of_an_api_account_are_added_shown_once_and_revoked(console: Accounted) -> None:
    ends = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    values = {**await console.prepare("addClientSecret"), "expiresAt": ends, "idempotencyKey": "k-1"}
    done = await console.approved("representative", "addClientSecret", values)
    secret, credential = done.payload["clientSecret"], done.payload["credential"]
    assert (credential["kind"], credential["label"], credential["revokedAt"]) == ("SECRET", "reports", None)
    again = await console.ask("representative", "addClientSecret", values)
    assert (again.payload["clientSecret"], again.payload["secretWithheld"]) == (None, True)
    assert await console.sql("SELECT digest, created_by FROM client_credential") == [
        (digest_of(secret), "representative@people.example")
    ]
    revoked = {"credentialId": credential["id"]}
    assert (await console.approved("deputy", "revokeClientCredential", revoked)).user_errors == []
    twice = await console.approved("representative", "revokeClientCredential", revoked)
    assert twice.user_errors == ["WRONG_STATUS"]
    late = {**values, "expiresAt": "2000-01-01T00:00:00Z", "idempotencyKey": "k-2"}
    wrong = await console.ask("representative", "addClientSecret", late)
    assert wrong.payload["userErrors"][0]["field"] == ["expiresAt"]


async def test_a_public_key_is_added_and_shown_nowhere(console: Accounted) -> None:
    values = await console.prepare("addClientKey")
    done = await console.approved("representative", "addClientKey", values)
    assert {**done.payload["credential"], "id": None} == {
        "id": None,
        "kind": "PUBLIC_KEY",
        "label": "reports",
        "revokedAt": None,
    }
    ((kept, digest),) = await console.sql("SELECT public_key, digest FROM client_credential")
    assert (json.loads(kept)["x"], digest) == (json.loads(PUBLIC_JWK)["x"], None)


async def test_an_api_account_has_ten_credentials_that_are_good_at_the_most(console: Accounted) -> None:
    values = await console.prepare("addClientSecret")
    for n in range(10):
        added = await console.approved("representative", "addClientSecret", {**values, "label": f"s{n}"})
        assert added.user_errors == []
    assert (await console.approved("representative", "addClientSecret", values)).user_errors == ["LIMIT_REACHED"]
    await console.approved(
        "representative", "revokeClientCredential", {"credentialId": added.payload["credential"]["id"]}
    )
    assert (await console.approved("representative", "addClientSecret", values)).user_errors == []
