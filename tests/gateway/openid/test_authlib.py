"""Authlib's client signs in to the gateway: what it checks, nobody here wrote."""

import html
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from auth.identity.clients import MOST_LIFETIME
from tests.gateway.openid.house import BACK, CONSOLE, PASSWORD, House, Person, Proof

VIEWER = {"query": "{ viewer { email } }"}


async def discovered(house: House) -> OpenIDProviderMetadata:
    """What Authlib finds at the gateway's URL, which it holds to OpenID Connect Discovery; but for https."""
    answer = await house.http.get(get_well_known_url(house.url, external=True))
    metadata = OpenIDProviderMetadata(answer.json())
    https = {
        name: value.replace("http://", "https://", 1) if isinstance(value, str) else value
        for name, value in metadata.items()
    }
    # It would have every provider sign with RS256 too, which costs 40 ms for each token.
    OpenIDProviderMetadata({**https, "id_token_signing_alg_values_supported": ["RS256", "ES256"]}).validate()
    return metadata


async def walk(house: House, person: Person, url: str) -> str:
    """Walk from a client's question through the sign-in page to where the browser is sent back to."""
    async with httpx.AsyncClient(base_url=house.url, timeout=30) as browser:
        page = await browser.get((await browser.get(url)).headers["location"])
        fields = {
            name: html.unescape(re.findall(rf'name="{name}" value="([^"]*)"', page.text)[0])
            for name in ("form", "continue")
        }
        form = {**fields, "email": f"{person.account}@acme.example", "password": PASSWORD}
        signed_in = await browser.post("/auth/sign-in", data=form, headers={"Origin": house.url})
        assert signed_in.status_code == 303, signed_in.text
        back = await browser.get(signed_in.headers["location"])
        location: str = back.headers["location"]
        return location


def frontend(**given: Any) -> AsyncOAuth2Client:
    return AsyncOAuth2Client(
        CONSOLE, token_endpoint_auth_method="none", code_challenge_method="S256", redirect_uri=BACK, **given
    )


async def test_authlib_signs_a_person_in_refreshes_and_revokes(house: House) -> None:
    person, proof, metadata = await house.person(), Proof(), await discovered(house)
    await person.choose_password()
    async with frontend(scope="openid email") as client:
        url, state = client.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=proof.verifier, nonce=proof.nonce
        )
        back = await walk(house, person, url)
        assert parse_qs(urlsplit(back).query)["state"] == [state]
        token = await client.fetch_token(
            metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=proof.verifier
        )
        keys = KeySet.import_key_set((await house.http.get(metadata["jwks_uri"])).json())
        decoded = jwt.decode(token["id_token"], keys, algorithms=["ES256"])
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {"iss": {"value": metadata["issuer"]}, "aud": {"value": CONSOLE}},
            {"client_id": CONSOLE, "nonce": proof.nonce, "access_token": token["access_token"], "max_age": 3600},
        )
        claims.validate()
        assert claims["sub"] == str(person.account)
        seen = await client.post(f"{house.url}/graphql", json=VIEWER)
        assert seen.json()["data"]["viewer"]["email"] == f"{person.account}@acme.example"
        assert (await client.get(metadata["userinfo_endpoint"])).json()["email_verified"] is True
        after = await client.refresh_token(metadata["token_endpoint"], token["refresh_token"])
        assert after["refresh_token"] != token["refresh_token"]
        revoked = await client.revoke_token(metadata["revocation_endpoint"], after["refresh_token"])
        assert revoked.status_code == 200
        with pytest.raises(OAuthError, match="invalid_grant"):
            await client.refresh_token(metadata["token_endpoint"], after["refresh_token"])


async def test_authlib_refreshes_by_itself_when_a_token_expires(house: House) -> None:
    person, metadata = await house.person(), await discovered(house)
    tokens, kept = await person.tokens(), []

    async def keep(token: dict[str, Any], **_: Any) -> None:
        kept.append(token["refresh_token"])

    token = {**tokens, "expires_at": 1}
    async with frontend(token=token, token_endpoint=metadata["token_endpoint"], update_token=keep) as client:
        for _ in range(2):
            seen = await client.post(f"{house.url}/graphql", json=VIEWER)
            assert seen.json()["data"]["viewer"]["email"] == f"{person.account}@acme.example"
    assert len(kept) == 1


@pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post"])
async def test_authlib_gets_a_token_for_a_secret(house: House, way: str) -> None:
    program, metadata = await house.program(), await discovered(house)
    assert way in metadata["token_endpoint_auth_methods_supported"]
    async with AsyncOAuth2Client(str(program.account), program.secret, token_endpoint_auth_method=way) as client:
        await client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
        seen = await client.post(f"{house.url}/graphql", json=VIEWER)
    assert seen.json()["data"]["viewer"]["email"] == f"{program.account}@acme.example"


class ShortLived(PrivateKeyJWT):  # type: ignore[misc]
    """Authlib's assertions, which are good for an hour, for as long as the gateway lets them be."""

    def sign(self, auth: Any, token_endpoint: str) -> Any:
        self.claims = {"exp": int((datetime.now(UTC) + MOST_LIFETIME).timestamp())}
        return super().sign(auth, token_endpoint)


@pytest.mark.parametrize("key", [ECKey.generate_key("P-256"), RSAKey.generate_key(2048)], ids=["ES256", "RS256"])
async def test_authlib_gets_tokens_for_assertions(house: House, key: ECKey | RSAKey) -> None:
    program, metadata = await house.program(), await discovered(house)
    await program.add_key(key)
    algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
    assert algorithm in metadata["token_endpoint_auth_signing_alg_values_supported"]
    async with AsyncOAuth2Client(str(program.account), key, token_endpoint_auth_method="private_key_jwt") as client:
        client.register_client_auth_method(ShortLived(metadata["token_endpoint"], alg=algorithm))
        for _ in range(2):
            await client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
            seen = await client.post(f"{house.url}/graphql", json=VIEWER)
            assert seen.json()["data"]["viewer"]["email"] == f"{program.account}@acme.example"
