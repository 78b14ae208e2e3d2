"""API accounts that sign assertions with a key of their own (private_key_jwt)."""

import asyncio
import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from auth.identity.clients import PublicKeyRefused, revoke_credential
from auth.principal import set_scope
from resolvers.transaction import open_transaction
from tests.gateway.openid.house import ASSERTION_TYPE, CONSOLE, House, Program, refused

EC, RSA, OTHER = ECKey.generate_key("P-256"), RSAKey.generate_key(2048), ECKey.generate_key("P-256")


def signed(claims: dict[str, Any], key: ECKey | RSAKey = EC, **header: Any) -> str:
    algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
    return jwt.encode({"alg": algorithm, "typ": "JWT", **header}, claims, key)


@pytest.fixture(scope="module")
async def program(house: House) -> Program:
    """An API account with a key of either kind."""
    program = await house.program()
    await program.add_key(RSA)
    await program.add_key(EC)
    return program


async def refuses(program: Program, assertion: str, **form: str) -> None:
    refused(await program.asserts(assertion, **form), "invalid_client", 401)
    # So that what is tried next is looked at.
    await program.house.sql("DELETE FROM sign_in_failures")


@pytest.mark.parametrize("key", [EC, RSA], ids=["P-256", "RSA"])
@pytest.mark.parametrize("where", ["", "/auth/token"])
async def test_an_api_account_gets_a_token_for_an_assertion(program: Program, key: ECKey | RSAKey, where: str) -> None:
    answer = await program.asserts(signed(program.claims(aud=program.house.url + where), key))
    assert answer.status_code == 200, answer.text
    assert await program.house.is_let_in(answer.json()["access_token"])


async def test_the_token_names_the_key_and_ends_with_it(house: House) -> None:
    program = await house.program()
    await program.add_key(EC)
    token = (await program.asserts(signed(program.claims()))).json()["access_token"]
    claims = jwt.decode(token, KeySet.import_key_set((await house.http.get("/.well-known/jwks.json")).json())).claims
    assert claims["sid"] == str(program.credential)
    assert await house.is_let_in(token)
    async with open_transaction(house.base) as transaction:
        await set_scope(transaction.fetch, program.representative)
        await revoke_credential(transaction.fetch, program.account, program.credential, datetime.now(UTC))
    assert not await house.is_let_in(token)
    await refuses(program, signed(program.claims()))


@pytest.mark.parametrize(
    "header", [{"typ": None}, {"typ": "client-authentication+jwt"}, {"kid": "its own name of the key"}]
)
async def test_an_assertion_may_name_its_type_and_key(program: Program, header: dict[str, Any]) -> None:
    named = {name: value for name, value in {"alg": "ES256", **header}.items() if value is not None}
    assertion = jws.serialize_compact(named, json.dumps(program.claims()), EC)
    assert (await program.asserts(assertion)).status_code == 200


async def test_the_client_may_be_named_beside_its_assertion(program: Program) -> None:
    named = await program.asserts(signed(program.claims()), client_id=str(program.account))
    assert named.status_code == 200
    refused(await program.asserts(signed(program.claims()), client_id=CONSOLE), "invalid_request")


async def test_an_assertion_serves_once(program: Program) -> None:
    assertion = signed(program.claims())
    assert (await program.asserts(assertion)).status_code == 200
    await refuses(program, assertion)
    await refuses(program, signed({**program.claims(), "jti": jwt.decode(assertion, EC).claims["jti"]}))


async def test_of_two_who_present_one_assertion_together_one_is_served(program: Program) -> None:
    assertion = signed(program.claims())
    answers = await asyncio.gather(*[program.asserts(assertion) for _ in range(4)])
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    await program.house.sql("DELETE FROM sign_in_failures")


async def test_what_an_assertion_was_is_forgotten_when_it_is_over(program: Program) -> None:
    kept = "SELECT count(*) FROM client_assertion WHERE account_id = :id"
    await program.asserts(signed(program.claims()))
    await program.house.sql("UPDATE client_assertion SET expires_at = now() - interval '1 s'")
    await program.asserts(signed(program.claims()))
    assert await program.house.sql(kept, id=program.account) == [(1,)]


def seconds(after: int) -> int:
    return int(datetime.now(UTC).timestamp()) + after


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "another"},
        {"iss": None},
        {"sub": "another"},
        {"aud": None},
        {"aud": "https://another.example"},
        {"aud": "itcare-gateway"},
        {"aud": ["https://another.example"]},
        {"aud": []},
        {"aud": 1},
        {"exp": None},
        {"exp": 0},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 10**30},
        {"jti": None},
        {"jti": ""},
        {"jti": 1},
        {"jti": "j" * 256},
        {"jti": "j\0"},
    ],
)
async def test_an_assertion_says_all_that_it_must(program: Program, changes: dict[str, Any]) -> None:
    await refuses(program, signed(program.claims(**changes)))


async def test_an_assertion_is_for_us_alone(program: Program) -> None:
    us = program.house.url
    assert (await program.asserts(signed(program.claims(aud=[us])))).status_code == 200
    for audience in ([us, "https://another.example"], f"{us}/", f"{us}/graphql", us.upper()):
        await refuses(program, signed(program.claims(aud=audience)))


async def test_an_assertion_is_good_for_minutes(program: Program) -> None:
    assert (await program.asserts(signed(program.claims(exp=seconds(290))))).status_code == 200
    for times in (
        {"exp": seconds(-40)},
        {"exp": seconds(400)},
        {"iat": seconds(60), "exp": seconds(120)},
        {"nbf": seconds(60)},
        {"nbf": "soon"},
    ):
        await refuses(program, signed(program.claims(**times)))


async def test_an_assertion_is_signed_with_a_key_of_the_account(program: Program) -> None:
    await refuses(program, signed(program.claims(), OTHER))
    claims = program.claims()
    another = await program.house.program()
    await another.add_key(OTHER)
    await refuses(program, signed(claims, OTHER))
    head, payload, signature = signed(claims).split(".")
    await refuses(program, f"{head}.{payload}.{'A' * len(signature)}")
    await refuses(program, f"{head}.{payload}.")


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


async def test_neither_no_algorithm_nor_one_of_shared_secrets_is_taken(program: Program) -> None:
    claims = part(program.claims())
    for algorithm in ("none", "None", "HS256", "ES384", ""):
        await refuses(program, f"{part({'alg': algorithm, 'typ': 'JWT'})}.{claims}.")
    for secret in (EC.as_pem(private=False), RSA.as_pem(private=False), program.secret.encode()):
        signing = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(program.claims())}"
        signature = base64.urlsafe_b64encode(hmac.digest(secret, signing.encode(), "sha256")).rstrip(b"=").decode()
        await refuses(program, f"{signing}.{signature}")


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["x"], "x": 1},
        {"jwk": OTHER.as_dict(private=False)},
        {"typ": "at+jwt"},
        {"typ": ["JWT"]},
        {"b64": True},
    ],
)
async def test_a_header_asks_for_nothing_else(program: Program, header: dict[str, Any]) -> None:
    head = part({"alg": "ES256", "typ": "JWT", **header})
    _, payload, signature = signed(program.claims()).split(".")
    await refuses(program, f"{head}.{payload}.{signature}")


@pytest.mark.parametrize(
    "text", ["x", "a.b", "a.b.c", "..", "é.é.é", "a.b.c.d.e", "[" * 3000, part({}) + "." + part({}) + "."]
)
async def test_what_is_no_assertion_is_refused(program: Program, text: str) -> None:
    await refuses(program, text)


async def test_an_assertion_comes_with_its_type_and_without_another_credential(program: Program) -> None:
    assertion = signed(program.claims())
    form = {"grant_type": "client_credentials", "client_assertion": assertion}
    refused(await program.house.token(**form), "invalid_request")
    refused(await program.house.token(**form, client_assertion_type="urn:example:saml2"), "invalid_request")
    alone = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
    refused(await program.house.token(**alone, client_id=str(program.account)), "invalid_request")
    refused(await program.asserts(assertion, client_secret=program.secret), "invalid_request")


async def test_a_key_that_is_added_is_public_and_of_a_kind_that_is_verified(house: House) -> None:
    program = await house.program()
    small = {"kty": "RSA", "e": "AQAB", "n": base64.urlsafe_b64encode(b"\xff" * 128).rstrip(b"=").decode()}
    refused_keys: list[Any] = [
        EC.as_dict(private=True),
        RSA.as_dict(private=True),
        small,
        ECKey.generate_key("P-384").as_dict(private=False),
        OctKey.generate_key(256).as_dict(),
        {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43},
        {**EC.as_dict(private=False), "use": "enc"},
        {**EC.as_dict(private=False), "x": "A" * 43},
        {**EC.as_dict(private=False), "x": "A" * 2000},
        {},
        [],
        "text",
    ]
    for members in refused_keys:
        with pytest.raises(PublicKeyRefused):
            await program.add_text(json.dumps(members))
    for text in ("", "{", "[" * 1000, '{"kty": "EC", "kty": "EC"}', "é"):
        with pytest.raises(PublicKeyRefused):
            await program.add_text(text)
    assert (
        await house.sql(
            "SELECT 1 FROM client_credential WHERE kind = 'PUBLIC_KEY' AND account_id = :id", id=program.account
        )
        == []
    )
