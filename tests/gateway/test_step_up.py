"""Stepping up and setting up a factor over real HTTP: what is right, and everything that is wrong."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID, uuid4

import httpx
import pyotp
import pytest
from sqlalchemy import NullPool, insert
from sqlalchemy.ext.asyncio import create_async_engine

from auth.issuer import Issuer
from auth.mfa.approvals import has_approval, operation_digest, request_approval
from auth.permissions import Action
from auth.principal import set_scope
from auth.tables import Account, AccountKind, table
from auth.tokens import Claims, JwtVerifier
from gateway.keys import signing_key
from gateway.postgres import DatabaseUrls
from gateway.settings import Settings, SignInSettings
from resolvers.database import Database
from resolvers.transaction import open_transaction
from tests.databases import Databases
from tests.gateway.running import Gateway, fill, running
from tests.resolvers.shop import Shop

BEGIN, COMPLETE = "/auth/step-up", "/auth/step-up/complete"
FACTORS, TOTP, CONFIRM = "/auth/factors", "/auth/factors/totp", "/auth/factors/totp/confirm"
POSTS = [BEGIN, COMPLETE, TOTP, CONFIRM]
DAY = timedelta(days=1)
WORDS = "Delete the instance web-01 of the Cloud Alpha"
LOCKED = "UPDATE account SET disabled_at = now() WHERE id = '{account}'"
USED = "UPDATE factor SET last_step = NULL WHERE account_id = '{account}'"


class House:
    """A gateway that serves, and its database."""

    def __init__(self, gateway: Gateway, urls: DatabaseUrls, base: Database, databases: Databases, shop: Shop) -> None:
        self.gateway = gateway
        self.urls = urls
        self.base = base
        self.databases = databases
        self.shop = shop
        settings = gateway.settings
        self.issuer = Issuer(signing_key(settings), settings.issuer, settings.audience)
        self.verifier = JwtVerifier([signing_key(settings)], settings.issuer, settings.audience)

    async def person(self, kind: AccountKind = AccountKind.PERSON) -> "Person":
        account = uuid4()
        organization = self.shop.acme if kind is AccountKind.API_ACCOUNT else None
        values = Account(id=account, email=f"{account}@acme.example", kind=kind, organization_id=organization)
        async with create_async_engine(self.urls.owner, poolclass=NullPool).begin() as connection:
            await connection.execute(insert(table(Account)), values.model_dump())
        return Person(self, account, self.issuer.issue(account, amr=("pwd",)))

    async def enrolled(self) -> "Person":
        person = await self.person()
        await person.enrol()
        return person


class Person:
    """An account, its token, and, once it is enrolled, its app."""

    def __init__(self, house: House, account: UUID, token: str) -> None:
        self.house = house
        self.account = account
        self.token = token
        self.app = pyotp.TOTP(pyotp.random_base32())

    async def post(self, path: str, **body: object) -> httpx.Response:
        return await self.send("POST", path, json.dumps(body))

    async def send(self, method: str, path: str, content: str | bytes | None = None, **headers: str) -> httpx.Response:
        usual = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        return await self.house.gateway.client.request(method, path, content=content, headers={**usual, **headers})

    def code(self, steps: int = 0) -> str:
        return self.app.generate_otp(int(datetime.now(UTC).timestamp()) // 30 + steps)

    def wrong(self) -> str:
        right = {self.code(steps) for steps in range(-2, 3)}
        return next(code for code in (str(n) * 6 for n in range(9)) if code not in right)

    async def enrol(self) -> None:
        begun = (await self.post(TOTP)).json()
        self.app = pyotp.TOTP(begun["secret"])
        confirmed = await self.post(CONFIRM, factorId=begun["factorId"], code=self.code())
        assert confirmed.status_code == 200, confirmed.text
        # As if the codes until now had not been used, so that the test need not wait half a minute.
        self.house.databases.run(USED.format(account=self.account), self.house.urls)

    async def challenge(self) -> str:
        begun = await self.post(BEGIN)
        assert begun.status_code == 200, begun.text
        challenge: str = begun.json()["challengeId"]
        return challenge

    async def complete(self, challenge: str, code: str) -> httpx.Response:
        return await self.post(COMPLETE, challengeId=challenge, method="TOTP", code=code)

    def claims(self, answer: httpx.Response) -> Claims:
        return self.house.verifier.verify(answer.json()["accessToken"], datetime.now(UTC))

    async def asks_to_delete(self, name: str = "web-01") -> tuple[str, bytes]:
        """The challenge of an operation that is refused for the lack of an approval, and the operation's digest."""
        digest = operation_digest(self.account, Action.DELETE_INSTANCE, self.house.shop.alpha, {"name": name})
        async with open_transaction(self.house.base) as transaction:
            await set_scope(transaction.fetch, self.account)
            challenge = await request_approval(
                transaction.fetch,
                self.account,
                Action.DELETE_INSTANCE,
                self.house.shop.alpha,
                digest,
                WORDS,
                datetime.now(UTC),
            )
        return str(challenge), digest

    async def has_approved(self, digest: bytes) -> bool:
        async with open_transaction(self.house.base) as transaction:
            await set_scope(transaction.fetch, self.account)
            return await has_approval(transaction.fetch, self.account, digest, datetime.now(UTC))


@pytest.fixture(scope="module")
async def house(
    database: DatabaseUrls, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    shop = Shop()
    await fill(database, shop)
    base = Database(database.app, pool_size=4, statement_seconds=20)
    settings = Settings(data_dir=tmp_path_factory.mktemp("keys"))
    async with running(settings, database, shop) as gateway:
        yield House(gateway, database, base, databases, shop)
    await base.close()


def error(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    """What a refusal says; every one is JSON of one form, and kept by nobody."""
    assert answer.status_code == status, answer.text
    assert "no-store" in answer.headers["cache-control"]
    assert answer.json().keys() == {"error"}
    said: dict[str, object] = answer.json()["error"]
    assert said["code"] == code
    assert isinstance(said["message"], str)
    return said


def same(first: httpx.Response, second: httpx.Response) -> bool:
    own = {"x-correlation-id", "date"}
    left, right = ({k: v for k, v in answer.headers.items() if k not in own} for answer in (first, second))
    return (first.status_code, first.content, left) == (second.status_code, second.content, right)


# -- stepping up


async def test_a_code_gives_a_token_with_a_fresh_second_factor(house: House) -> None:
    person = await house.enrolled()
    begun = (await person.post(BEGIN, method="TOTP")).json()
    assert begun["instructions"].startswith("Open your authenticator app")
    assert (begun["binding"], begun["action"], begun["methods"], begun["triesLeft"]) == ("SESSION", None, ["TOTP"], 5)
    assert 290 <= begun["expiresIn"] <= 300
    answer = await person.complete(begun["challengeId"], person.code())
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body.keys() == {"accessToken", "tokenType", "expiresIn", "mfaTime", "approved"}
    assert (body["tokenType"], body["expiresIn"], body["approved"]) == ("Bearer", 900, None)
    claims = person.claims(answer)
    assert (claims.subject, claims.amr, claims.acr) == (person.account, ("pwd", "otp", "mfa"), "mfa")
    assert claims.mfa_time == claims.issued_at == datetime.fromisoformat(body["mfaTime"])
    assert datetime.now(UTC) - claims.issued_at < timedelta(seconds=10)
    asked = await person.send("POST", "/graphql", json.dumps({"query": "{ viewer { email } }"}))
    assert asked.json()["data"]["viewer"]["email"] == f"{person.account}@acme.example"


async def test_a_step_up_moves_neither_the_sign_in_nor_a_tokens_lifetime(house: House) -> None:
    person = await house.enrolled()
    signed_in = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    person.token = house.issuer.issue(person.account, lifetime=DAY, for_operator=True, now=signed_in)
    claims = person.claims(await person.complete(await person.challenge(), person.code()))
    assert claims.auth_time == signed_in
    assert claims.expires_at - claims.issued_at == timedelta(minutes=15)
    assert claims.amr == ("otp", "mfa")


async def test_an_operation_is_told_in_words_and_approved_by_its_challenge(house: House) -> None:
    person = await house.enrolled()
    challenge, digest = await person.asks_to_delete()
    begun = (await person.post(BEGIN, challengeId=challenge)).json()
    assert begun["challengeId"] == challenge
    assert (begun["binding"], begun["action"], begun["words"]) == ("OPERATION", "DELETE_INSTANCE", WORDS)
    assert not await person.has_approved(digest)
    answer = await person.complete(challenge, person.code())
    assert answer.json()["approved"] == {"action": "DELETE_INSTANCE", "words": WORDS}
    assert await person.has_approved(digest)
    assert person.claims(answer).mfa_time


async def test_a_code_that_was_used_is_refused(house: House) -> None:
    person = await house.enrolled()
    code = person.code()
    assert (await person.complete(await person.challenge(), code)).status_code == 200
    error(await person.complete(await person.challenge(), code), 403, "CHALLENGE_REFUSED")


async def test_wrong_used_expired_foreign_and_unknown_read_alike(house: House) -> None:
    person, other = await house.enrolled(), await house.enrolled()
    unknown = await person.complete(str(uuid4()), person.code())
    error(unknown, 403, "CHALLENGE_REFUSED")
    foreign, _ = await other.asks_to_delete()
    assert same(await person.complete(foreign, person.code()), unknown)
    assert same(await person.complete(await other.challenge(), person.code()), unknown)
    assert same(await person.complete(await person.challenge(), person.wrong()), unknown)
    expired = await person.challenge()
    house.databases.run(f"UPDATE mfa_challenge SET expires_at = now() WHERE id = '{expired}'", house.urls)  # noqa: S608
    assert same(await person.complete(expired, person.code()), unknown)
    assert same(await person.post(BEGIN, challengeId=expired), unknown)
    assert same(await person.post(BEGIN, challengeId=foreign), unknown)
    assert same(await person.post(BEGIN, challengeId=str(uuid4())), unknown)


async def test_after_ten_wrong_codes_none_is_looked_at_for_an_hour(house: House) -> None:
    person = await house.enrolled()
    for _ in range(2):
        challenge = await person.challenge()
        for _ in range(5):
            error(await person.complete(challenge, person.wrong()), 403, "CHALLENGE_REFUSED")
    limited = await person.complete(await person.challenge(), person.code())
    said = error(limited, 429, "RATE_LIMITED")
    assert 3500 < int(limited.headers["retry-after"]) <= 3600
    assert said["retryAfter"] == int(limited.headers["retry-after"])
    error(await person.complete(str(uuid4()), person.code()), 429, "RATE_LIMITED")
    assert (await (await house.enrolled()).post(BEGIN)).status_code == 200


async def test_guesses_made_together_are_no_more_than_five(house: House) -> None:
    person = await house.enrolled()
    challenge = await person.challenge()
    answers = await asyncio.gather(*(person.complete(challenge, person.wrong()) for _ in range(30)))
    assert {answer.status_code for answer in answers} == {403}
    assert (
        house.databases.run(
            f"SELECT cardinality(failed_at) FROM mfa_failures WHERE account_id = '{person.account}'",  # noqa: S608
            house.urls,
        )
        == "5"
    )


async def test_who_has_no_factor_is_told_to_set_one_up(house: House) -> None:
    person = await house.person()
    error(await person.post(BEGIN), 403, "MFA_ENROLMENT_REQUIRED")
    error(await person.complete(str(uuid4()), "123456"), 403, "MFA_ENROLMENT_REQUIRED")


# -- setting up


async def test_a_factor_is_set_up_with_everything_that_it_takes(house: House) -> None:
    person = await house.person()
    assert (await person.send("GET", FACTORS)).json() == {"factors": [], "methods": ["TOTP", "PUSH"]}
    begun = await person.send("POST", TOTP, "{}", **{"Accept-Encoding": "gzip"})
    assert begun.status_code == 200
    assert "content-encoding" not in begun.headers
    body = begun.json()
    assert len(pyotp.TOTP(body["secret"]).byte_secret()) == 20
    parameters = parse_qs(urlsplit(body["uri"]).query)
    assert (parameters["secret"], parameters["issuer"]) == ([body["secret"]], ["ITCare"])
    assert f"{person.account}@acme.example" in unquote(body["uri"])
    assert unquote(body["qrCode"]).startswith("data:image/svg+xml;charset=utf-8,<svg ")
    assert len(body["instructions"]) >= 4
    person.app = pyotp.TOTP(body["secret"])
    error(await person.post(CONFIRM, factorId=body["factorId"], code=person.wrong()), 403, "CHALLENGE_REFUSED")
    error(await person.post(CONFIRM, factorId=str(uuid4()), code=person.code()), 403, "CHALLENGE_REFUSED")
    confirmed = await person.post(CONFIRM, factorId=body["factorId"], code=person.code())
    (factor,) = confirmed.json()["factors"]
    assert factor.keys() == {"id", "method", "label", "confirmedAt", "usableFrom"}
    assert (factor["method"], factor["label"], factor["usableFrom"]) == ("TOTP", "Authenticator app", None)
    assert (await person.send("GET", FACTORS)).json() == {"factors": [factor], "methods": ["TOTP", "PUSH"]}
    assert len(set(confirmed.json()["recoveryCodes"])) == 10
    error(await person.complete(await person.challenge(), person.code()), 403, "CHALLENGE_REFUSED")


async def test_a_factor_is_replaced_only_with_a_fresh_one(house: House) -> None:
    person = await house.enrolled()
    refused = await person.post(TOTP)
    said = error(refused, 401, "INSUFFICIENT_USER_AUTHENTICATION")
    assert (said["maxAge"], said["acrValues"]) == (300, ["mfa"])
    assert refused.headers["www-authenticate"] == (
        'Bearer error="insufficient_user_authentication", acr_values="mfa", max_age="300"'
    )
    stale = datetime.now(UTC) - timedelta(seconds=301)
    person.token = house.issuer.issue(person.account, mfa_time=stale)
    error(await person.post(TOTP), 401, "INSUFFICIENT_USER_AUTHENTICATION")
    person.token = house.issuer.issue(person.account)
    person.token = (await person.complete(await person.challenge(), person.code())).json()["accessToken"]
    before = person.app
    await person.enrol()
    assert person.app.secret != before.secret
    challenge = await person.challenge()
    assert (await person.complete(challenge, person.code())).status_code == 200
    (factor,) = (await person.send("GET", FACTORS)).json()["factors"]
    assert factor["method"] == "TOTP"


# -- who may not, and what is malformed


@pytest.mark.parametrize("path", [*POSTS, FACTORS])
async def test_nobody_gets_in_without_a_valid_token(house: House, path: str) -> None:
    person, method = await house.person(), "GET" if path == FACTORS else "POST"
    answer = await house.gateway.client.request(method, path, headers={"Authorization": ""})
    assert error(answer, 401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"
    for token in (person.token[:-3], "x", f"{person.token} {person.token}"):
        person.token = token
        error(await person.send(method, path, "{}"), 401, "UNAUTHENTICATED")
    person.token = house.issuer.issue(person.account, now=datetime.now(UTC) - DAY)
    error(await person.send(method, path, "{}"), 401, "UNAUTHENTICATED")


@pytest.mark.parametrize("path", [*POSTS, FACTORS])
async def test_accounts_that_are_disabled_or_gone_and_programs_are_refused(house: House, path: str) -> None:
    method = "GET" if path == FACTORS else "POST"
    body = {"challengeId": str(uuid4()), "method": "TOTP", "code": "123456"} if path == COMPLETE else {}
    body = {"factorId": str(uuid4()), "code": "123456"} if path == CONFIRM else body
    disabled, program, gone = await house.enrolled(), await house.person(AccountKind.API_ACCOUNT), await house.person()
    house.databases.run(LOCKED.format(account=disabled.account), house.urls)
    gone.token = house.issuer.issue(uuid4())
    refused = await disabled.send(method, path, json.dumps(body))
    error(refused, 401, "UNAUTHENTICATED")
    assert same(refused, await gone.send(method, path, json.dumps(body)))
    error(await program.send(method, path, json.dumps(body)), 403, "FORBIDDEN")


RIGHT = '"challengeId":"0198c1a2-7c55-7e3b-9f00-3f2a1b4c5d6e","method":"TOTP"'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half an object"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"code"', id="a string"),
        pytest.param(b"{}\xff", id="invalid UTF-8"),
        pytest.param("{}".encode("utf-16"), id="UTF-16"),
        pytest.param(b"[" * 4000, id="4,000 open arrays"),
        pytest.param(b'{"code":' * 400 + b"1" + b"}" * 400, id="400 objects in each other"),
        pytest.param(b'{"code":NaN}', id="NaN"),
        pytest.param(f'{{{RIGHT},"code":"1","code":"2"}}', id="a member twice"),
        pytest.param(f'{{{RIGHT},"code":"12\\u000056"}}', id="NUL"),
        pytest.param(f'{{{RIGHT},"code":"\\ud800"}}', id="an unpaired surrogate"),
        pytest.param(f'{{{RIGHT},"code":"123456","more":1}}', id="an unknown member"),
        pytest.param(f'{{{RIGHT},"code":"123456","\\ud83d\\ude00":1}}', id="an unknown member that is no ASCII"),
        pytest.param(f"{{{RIGHT}}}", id="no code"),
        pytest.param(f'{{{RIGHT},"code":""}}', id="an empty code"),
        pytest.param(f'{{{RIGHT},"code":123456}}', id="a number for a code"),
        pytest.param(f'{{{RIGHT},"code":["123456"]}}', id="a list of codes"),
        pytest.param(f'{{{RIGHT},"code":"{"1" * 65}"}}', id="a long code"),
        pytest.param('{"method":"TOTP","code":"123456"}', id="no challenge"),
        pytest.param('{"challengeId":1,"method":"TOTP","code":"123456"}', id="a number for a challenge"),
        pytest.param('{"challengeId":{"a":1},"method":"TOTP","code":"123456"}', id="an object for a challenge"),
        pytest.param('{"challengeId":"no","method":"TOTP","code":"123456"}', id="a challenge that is no id"),
        pytest.param(f'{{{RIGHT.replace("0198c1a2", "0198C1A2")},"code":"1"}}', id="an id in capitals"),
        pytest.param(f'{{{RIGHT.replace("TOTP", "totp")},"code":"123456"}}', id="an unknown method"),
        pytest.param(f'{{{RIGHT.replace(chr(34) + "TOTP" + chr(34), "[]")},"code":"1"}}', id="a list for a method"),
    ],
)
async def test_a_malformed_request_is_a_clear_refusal(house: House, body: str | bytes) -> None:
    person = await house.enrolled()
    said = error(await person.send("POST", COMPLETE, body), 400, "BAD_USER_INPUT")
    assert said["argument"] in {"body", "code", "challengeId", "method"}
    assert "123456" not in str(said)


async def test_a_large_body_is_not_read(house: House) -> None:
    person = await house.person()
    for path in POSTS:
        error(await person.send("POST", path, b" " * 20_000), 413, "LIMIT_EXCEEDED")
    error(await person.send("POST", BEGIN, b"{}", **{"Content-Type": "text/plain"}), 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_other_methods_are_refused(house: House) -> None:
    person = await house.person()
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        for path in POSTS:
            answer = await person.send(method, path)
            error(answer, 405, "METHOD_NOT_ALLOWED")
            assert answer.headers["allow"] == "POST"
    error(await person.post(FACTORS), 405, "METHOD_NOT_ALLOWED")


async def test_a_factor_that_was_sealed_with_another_key_is_a_fault_that_says_nothing(house: House) -> None:
    person = await house.enrolled()
    house.databases.run(
        f"UPDATE factor SET secret = '\\x01'::bytea || sha256('') WHERE account_id = '{person.account}'",  # noqa: S608
        house.urls,
    )
    answer = await person.complete(await person.challenge(), person.code())
    said = error(answer, 500, "INTERNAL_SERVER_ERROR")
    assert said["correlationId"] == answer.headers["x-correlation-id"]


async def test_no_log_holds_a_secret_a_code_or_a_token(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        person = await house.person()
        begun = (await person.post(TOTP)).json()
        person.app = pyotp.TOTP(begun["secret"])
        code = person.code()
        await person.post(CONFIRM, factorId=begun["factorId"], code=code)
        await person.complete(await person.challenge(), code)
        house.databases.run(USED.format(account=person.account), house.urls)
        answer = await person.complete(await person.challenge(), code)
    given = answer.json()["accessToken"]
    logged = "\n".join(
        f"{record.getMessage()} {record.__dict__}" for record in caplog.records if "httpx" not in record.name
    )
    assert re.search(r"/auth/step-up/complete", logged)
    for secret in (begun["secret"], code, person.token, given, given.split(".")[2]):
        assert secret not in logged


async def test_a_database_that_is_away_is_told_from_a_fault(tmp_path: Path) -> None:
    nowhere = "postgresql+asyncpg://app@127.0.0.1:1/nowhere"
    async with running(Settings(data_dir=tmp_path), DatabaseUrls(nowhere, nowhere), Shop()) as gateway:
        error(await gateway.client.get(FACTORS), 503, "SERVICE_UNAVAILABLE")


async def test_connections_that_died_while_nobody_used_them_are_no_fault(house: House) -> None:
    person = await house.enrolled()
    house.databases.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        house.urls,
    )
    assert (await person.post(BEGIN)).status_code in {200, 503}
    assert (await person.post(BEGIN)).status_code == 200


async def test_what_happens_is_in_the_audit_log_without_a_secret(house: House) -> None:
    person = await house.enrolled()
    challenge, digest = await person.asks_to_delete()
    code = person.code()
    error(await person.complete(challenge, person.wrong()), 403, "CHALLENGE_REFUSED")
    assert (await person.complete(challenge, code)).status_code == 200
    query = (
        "SELECT string_agg(concat_ws(' ', label, decision, array_to_string(reasons, ' '), encode(input_digest, 'hex')),"
        " ';' ORDER BY decision, seq) FROM audit_record WHERE account_id = '{account}'"
    )
    for _ in range(100):
        found = house.databases.run(query.format(account=person.account), house.urls).split(";")
        if len(found) == 4:
            break
        await asyncio.sleep(0.1)
    assert found == [
        "ENROL_FACTOR ALLOWED ENROLMENT_BEGUN TOTP",
        "ENROL_FACTOR ALLOWED FACTOR_CONFIRMED TOTP",
        f"STEP_UP ALLOWED CHALLENGE_ACCEPTED TOTP DELETE_INSTANCE {digest.hex()}",
        f"STEP_UP DENIED CHALLENGE_REFUSED TOTP DELETE_INSTANCE {digest.hex()}",
    ]


async def test_behind_a_trusted_proxy_the_audit_log_has_the_address_of_the_client(
    database: DatabaseUrls, databases: Databases, tmp_path: Path
) -> None:
    shop = Shop()
    urls = databases.make()
    await fill(urls, shop)
    settings = Settings(data_dir=tmp_path, sign_in=SignInSettings(trusted_proxies=["127.0.0.0/8"]))
    base = Database(urls.app, pool_size=2, statement_seconds=20)
    async with running(settings, urls, shop) as gateway:
        person = await House(gateway, urls, base, databases, shop).person()
        assert (await person.send("POST", TOTP, "{}", **{"X-Forwarded-For": "203.0.113.9, 198.51.100.7"})).is_success
        found = databases.run("SELECT address FROM audit_record WHERE label = 'ENROL_FACTOR'", urls)
    assert found == "198.51.100.7"
    await base.close()
