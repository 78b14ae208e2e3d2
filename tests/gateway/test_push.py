"""A person's own device as a second factor, over real HTTP: notified, asked, answering, and all that is wrong."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette

from auth.mfa.enrolment import FactorHolder
from auth.mfa.recording import MfaEvent, MfaEventKind, record_nothing
from auth.mfa.sealing import NONCES, SecretSeal
from auth.tables import FactorKind
from gateway.devices import Devices
from gateway.http.factors.calling import OnEvent
from gateway.keys import mfa_key
from gateway.postgres import DatabaseUrls
from gateway.settings import PushSettings, Settings
from resolvers.database import Database
from tests.databases import Databases
from tests.gateway.pushing import PUSH, Browser, Phone, PushService, b64, point, push_service
from tests.gateway.running import fill, running
from tests.gateway.test_step_up import BEGIN, COMPLETE, LOCKED, WORDS, House, Person, error, same
from tests.resolvers.shop import Shop

CONFIRM = f"{PUSH}/confirm"
RECORDED = (
    "SELECT string_agg(said, '; ' ORDER BY said) FROM (SELECT concat_ws(' ', label, array_to_string(reasons, ' ')) said"
    " FROM audit_record WHERE account_id = '{account}')"
)
AWAY = "127.0.0.1:1"
"""A host that is listed, and where nobody listens."""
PLACES = ["nonce", "waiting", "renew", "answer", "refuse"]
SUBSCRIPTION = {
    "endpoint": f"http://{AWAY}/x",
    "keys": {"p256dh": b64(point(ec.generate_private_key(ec.SECP256R1()))), "auth": b64(b"x" * 16)},
}
UNKNOWN: dict[str, dict[str, Any]] = {
    "nonce": {"factorId": str(uuid4())},
    "waiting": {"factorId": str(uuid4()), "nonce": "x", "signature": "x"},
    "renew": {"factorId": str(uuid4()), "nonce": "x", "signature": "x", "subscription": SUBSCRIPTION},
    "answer": {"secret": "x", "signature": "x"},
    "refuse": {"secret": "x"},
}
LATER = (
    "UPDATE sendings SET sent_at = array(SELECT unnest(sent_at) - interval '15 minutes'),"
    " blocked_until = blocked_until - interval '15 minutes' WHERE account_id = '{account}'"
)
EXPIRED = "UPDATE mfa_challenge SET expires_at = now() WHERE account_id = '{account}'"
LONG = "UPDATE mfa_challenge SET words = repeat('\U0001f512', 2000) WHERE account_id = '{account}'"
SEALED = "SELECT encode(secret, 'escape') FROM factor WHERE account_id = '{account}'"
TOMORROW = "UPDATE factor SET usable_from = now() + interval '1 day' WHERE account_id = '{account}'"
FAILURES = "SELECT cardinality(failed_at) FROM mfa_failures WHERE account_id = '{account}'"
NOT_ME = (
    "SELECT string_agg(label || ' ' || code, ';') FROM audit_record"
    " WHERE account_id = '{account}' AND 'NOT_ME' = ANY(reasons)"
)


class Owner:
    """A person with a phone."""

    def __init__(self, person: Person, phone: Phone) -> None:
        self.person = person
        self.phone = phone

    async def enrol(self, name: str = "Pixel 9") -> httpx.Response:
        begun = await self.person.post(PUSH, name=name)
        assert begun.status_code == 200, begun.text
        self.phone.factor = begun.json()["factorId"]
        self.phone.service.vapid_key = begun.json()["vapidKey"]
        return await self.confirm(begun.json()["challenge"])

    async def confirm(self, challenge: str, **other: Any) -> httpx.Response:
        signature = self.phone.sign("itcare push enrolment 1", self.phone.factor, challenge)
        body = {"subscription": self.phone.browser.subscription, "publicKey": self.phone.jwk, "signature": signature}
        return await self.person.post(CONFIRM, **{"factorId": self.phone.factor, **body, **other})

    async def begin(self, challenge: str | None = None) -> httpx.Response:
        return await self.person.post(BEGIN, method="PUSH", challengeId=challenge)

    async def begun(self, challenge: str | None = None) -> dict[str, Any]:
        answer = await self.begin(challenge)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def complete(self, challenge: str) -> httpx.Response:
        return await self.person.post(COMPLETE, challengeId=challenge, method="PUSH")


@pytest.fixture(scope="module")
async def service() -> AsyncIterator[PushService]:
    async with push_service() as service:
        yield service
        assert service.refused == []


@pytest.fixture(scope="module")
async def house(
    database: DatabaseUrls, databases: Databases, service: PushService, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    shop = Shop()
    await fill(database, shop)
    base = Database(database.app, pool_size=4, statement_seconds=20)
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("keys"),
        egress_plain_loopback=True,
        push=PushSettings(hosts=[httpx.URL(service.url).netloc.decode(), AWAY], contact="mailto:ops@acme.example"),
    )
    async with running(settings, database, shop) as gateway:
        yield House(gateway, database, base, databases, shop)
    await base.close()


@pytest.fixture
async def owner(house: House, service: PushService) -> AsyncIterator[Owner]:
    """A person whose phone is set up."""
    owner = await owner_of(house, service)
    confirmed = await owner.enrol()
    assert confirmed.status_code == 200, confirmed.text
    yield owner
    service.status = 201
    while not service.arrived.empty():
        service.arrived.get_nowait()


async def owner_of(house: House, service: PushService) -> Owner:
    return Owner(await house.person(), Phone(house.gateway.client, service))


def wrong(digits: str) -> str:
    return f"{(int(digits) + 1) % 1_000_000:06}"


def run(house: House, owner: Owner, statement: str) -> str:
    return house.databases.run(statement.format(account=owner.person.account), house.urls)


async def soon(house: House, owner: Owner, statement: str, expected: str) -> None:
    """Wait until the database says so."""
    for _ in range(100):
        found = run(house, owner, statement)
        if found == expected:
            return
        await asyncio.sleep(0.1)
    assert found == expected


# -- what is right


async def test_a_device_is_notified_shows_what_is_asked_and_approves_it_by_the_digits_of_the_screen(
    house: House, owner: Owner, service: PushService
) -> None:
    challenge, digest = await owner.person.asks_to_delete()
    begun = await owner.begun(challenge)
    digits = begun["display"]
    assert (len(digits), digits.isdecimal(), begun["words"]) == (6, True, WORDS)
    assert "Pixel 9" in begun["instructions"]
    assert begun["methods"] == ["PUSH"]

    notified = await service.next()
    assert notified.content["words"] == WORDS
    assert notified.content["claims"]["sub"] == "mailto:ops@acme.example"
    assert (notified.headers["urgency"], notified.headers["topic"]) == ("high", owner.phone.factor.replace("-", ""))
    assert 0 < int(notified.headers["ttl"]) <= 300
    assert digits not in str(notified.content)
    assert challenge not in str(notified.content)

    pending = await owner.complete(challenge)
    assert (pending.status_code, pending.json()) == (202, {"status": "PENDING", "retryAfter": 2})
    waiting = await owner.phone.waiting()
    assert waiting.keys() == {"challengeId", "digest", "words", "secret", "expiresIn"}
    assert (waiting["challengeId"], waiting["digest"], waiting["words"]) == (challenge, digest.hex(), WORDS)
    assert digits not in str(waiting)
    approved = await owner.phone.approve(waiting, digits)
    assert (approved.status_code, approved.json()) == (200, {"status": "APPROVED"})
    assert not await owner.person.has_approved(digest)

    answer = await owner.complete(challenge)
    assert answer.json()["approved"] == {"action": "DELETE_INSTANCE", "words": WORDS}
    assert owner.person.claims(answer).amr == ("pwd", "swk", "mfa")
    assert await owner.person.has_approved(digest)


async def test_a_session_is_approved_likewise(owner: Owner) -> None:
    begun = await owner.begun()
    waiting = await owner.phone.waiting()
    assert (waiting["digest"], begun["binding"]) == ("", "SESSION")
    assert (await owner.phone.approve(waiting, begun["display"])).status_code == 200
    assert (await owner.complete(begun["challengeId"])).status_code == 200


async def test_long_words_are_shortened_in_the_notification_and_whole_on_the_page(
    house: House, owner: Owner, service: PushService
) -> None:
    begun = await owner.begun((await owner.person.asks_to_delete())[0])
    await service.next()
    run(house, owner, LONG)
    await owner.begun(begun["challengeId"])
    notified = await service.next()
    assert len(notified.content["words"]) == 120
    assert len((await owner.phone.waiting())["words"]) == 2000


async def test_nothing_waits_for_a_device_that_is_asked_nothing(owner: Owner) -> None:
    assert await owner.phone.waiting() is None
    begun = await owner.begun()
    assert (await owner.phone.approve(await owner.phone.waiting(), begun["display"])).status_code == 200
    assert await owner.phone.waiting() is None


async def test_the_device_that_asked_last_answers(owner: Owner) -> None:
    digits = (await owner.begun())["display"]
    first, second = await owner.phone.waiting(), await owner.phone.waiting()
    assert first["secret"] != second["secret"]
    error(await owner.phone.approve(first, digits), 403, "CHALLENGE_REFUSED")
    assert (await owner.phone.approve(second, digits)).status_code == 200


async def test_a_new_challenge_takes_the_place_of_the_one_that_waits(owner: Owner) -> None:
    session = await owner.begun()
    before = await owner.phone.waiting()
    challenge, _ = await owner.person.asks_to_delete()
    operation = await owner.begun(challenge)
    error(await owner.phone.approve(before, session["display"]), 403, "CHALLENGE_REFUSED")
    waiting = await owner.phone.waiting()
    assert waiting["challengeId"] == challenge
    error(await owner.complete(session["challengeId"]), 403, "CHALLENGE_REFUSED")
    assert (await owner.phone.approve(waiting, operation["display"])).status_code == 200
    assert (await owner.complete(challenge)).status_code == 200


# -- setting up


async def test_a_device_is_set_up_with_a_name(house: House, service: PushService) -> None:
    owner = await owner_of(house, service)
    begun = (await owner.person.post(PUSH, name=" Pixel 9 ")).json()
    assert begun.keys() == {"factorId", "challenge", "vapidKey", "expiresIn"}
    assert len(base64.urlsafe_b64decode(begun["vapidKey"] + "=")) == 65
    owner.phone.factor = begun["factorId"]
    (factor,) = (await owner.confirm(begun["challenge"])).json()["factors"]
    assert (factor["id"], factor["method"], factor["label"]) == (begun["factorId"], "PUSH", "Pixel 9")
    secret = run(house, owner, SEALED)
    assert owner.phone.browser.name not in secret


async def test_a_device_is_replaced_only_with_a_fresh_factor(owner: Owner) -> None:
    said = error(await owner.person.post(PUSH, name="Other"), 401, "INSUFFICIENT_USER_AUTHENTICATION")
    assert said["methods"] == ["PUSH"]
    before, begun = owner.phone.factor, await owner.begun()
    await owner.phone.approve(await owner.phone.waiting(), begun["display"])
    owner.person.token = (await owner.complete(begun["challengeId"])).json()["accessToken"]
    (factor,) = (await owner.enrol("Other")).json()["factors"]
    assert factor["label"] == "Other"
    owner.phone.factor = before
    error(await owner.phone.ask(), 403, "CHALLENGE_REFUSED")


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "x" * 5000, "a\nb", "a\u202eb", 7, None, ["x"]])
async def test_a_device_has_a_name_that_can_be_read(house: House, service: PushService, name: object) -> None:
    owner = await owner_of(house, service)
    said = error(await owner.person.post(PUSH, name=name), 400, "BAD_USER_INPUT")
    assert said["argument"] == "name"


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://push.evil.example/x",
        "https://fcm.googleapis.com.evil.example/x",
        "http://fcm.googleapis.com/x",
        "https://169.254.169.254/latest",
        "http://127.0.0.1:2/x",
        "https://user:password@127.0.0.1/x",
        "file:///etc/passwd",
        "https://",
        "https://fcm.googleapis.com/" + "x" * 2000,
        "https://fcm.googleapis.com/a b",
        "",
        7,
        None,
    ],
)
async def test_an_endpoint_that_may_not_be_called_is_refused(
    house: House, service: PushService, endpoint: object
) -> None:
    owner = await owner_of(house, service)
    begun = (await owner.person.post(PUSH, name="Pixel")).json()
    owner.phone.factor = begun["factorId"]
    other = {**owner.phone.browser.subscription, "endpoint": endpoint}
    said = error(await owner.confirm(begun["challenge"], subscription=other), 400, "BAD_USER_INPUT")
    assert said["argument"] == "subscription"
    assert "evil" not in str(said)
    assert (await owner.confirm(begun["challenge"])).status_code == 200


POINT = b64(b"\x04" + b"\x01" * 64)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("subscription", None),
        ("subscription", []),
        ("subscription", {}),
        ("subscription", {"keys": None}),
        ("subscription", {"keys": {"p256dh": POINT}}),
        ("subscription", {"keys": {"p256dh": "x"}}),
        ("subscription", {"keys": {"p256dh": 1}}),
        ("subscription", {"keys": {"auth": b64(b"x" * 15)}}),
        ("subscription", {"keys": {"auth": b64(b"x" * 16) + "=="}}),
        ("subscription", {"keys": {"auth": "é"}}),
        ("publicKey", None),
        ("publicKey", "key"),
        ("publicKey", {"kty": "RSA"}),
        ("publicKey", {"crv": "P-384"}),
        ("publicKey", {"x": None}),
        ("publicKey", {"x": 7}),
        ("publicKey", {"x": b64(b"\x01" * 32)}),
        ("publicKey", {"y": b64(b"\x01" * 31)}),
        ("publicKey", {"y": b64(b"\x00" * 33)}),
        ("publicKey", {"x": "+" * 43}),
        ("publicKey", {"d": b64(b"\x01" * 32)}),
        ("publicKey", {"k": "secret"}),
        ("signature", None),
        ("signature", ""),
        ("signature", "x" * 5000),
        ("factorId", "x"),
    ],
)
async def test_what_a_browser_says_of_itself_is_held_to_its_form(
    house: House, service: PushService, member: str, value: Any
) -> None:
    owner = await owner_of(house, service)
    begun = (await owner.person.post(PUSH, name="Pixel")).json()
    owner.phone.factor = begun["factorId"]
    whole = {"subscription": owner.phone.browser.subscription, "publicKey": owner.phone.jwk}
    if isinstance(value, dict) and "keys" in value and isinstance(value["keys"], dict):
        value = {**whole[member], "keys": {**whole[member]["keys"], **value["keys"]}}
    elif isinstance(value, dict) and value:
        value = {**whole[member], **value}
    said = error(await owner.confirm(begun["challenge"], **{member: value}), 400, "BAD_USER_INPUT")
    assert said["argument"] == member
    assert (await owner.confirm(begun["challenge"])).status_code == 200


async def test_a_device_that_does_not_sign_the_challenge_is_not_set_up(house: House, service: PushService) -> None:
    owner, other = await owner_of(house, service), await owner_of(house, service)
    begun = (await owner.person.post(PUSH, name="Pixel")).json()
    owner.phone.factor = begun["factorId"]
    refused = await owner.confirm("another challenge")
    error(refused, 403, "CHALLENGE_REFUSED")
    assert same(await owner.confirm(begun["challenge"], signature="x" * 86), refused)
    assert same(await owner.confirm(begun["challenge"], publicKey=other.phone.jwk), refused)
    other.phone.factor = begun["factorId"]
    assert same(await other.confirm(begun["challenge"]), refused)
    assert (await owner.confirm(begun["challenge"])).status_code == 200
    assert same(await owner.confirm(begun["challenge"]), refused) is False
    error(await owner.confirm(begun["challenge"]), 401, "INSUFFICIENT_USER_AUTHENTICATION")


# -- answers that are wrong


async def test_wrong_signatures_are_counted_and_five_are_looked_at(house: House, owner: Owner) -> None:
    begun = await owner.begun()
    waiting = await owner.phone.waiting()
    for _ in range(5):
        error(await owner.phone.approve(waiting, wrong(begun["display"])), 403, "CHALLENGE_REFUSED")
    error(await owner.phone.approve(waiting, begun["display"]), 403, "CHALLENGE_REFUSED")
    assert await owner.phone.waiting() is None
    error(await owner.complete(begun["challengeId"]), 403, "CHALLENGE_REFUSED")
    assert run(house, owner, FAILURES) == "5"


async def test_what_is_signed_with_another_key_or_for_something_else_approves_nothing(
    house: House, owner: Owner, service: PushService
) -> None:
    begun = await owner.begun()
    digits, waiting = begun["display"], await owner.phone.waiting()
    stranger = Phone(house.gateway.client, service)
    refused = await stranger.approve(waiting, digits)
    error(refused, 403, "CHALLENGE_REFUSED")
    for other in ({"challengeId": str(uuid4())}, {"digest": "00" * 32}, {"secret": "another"}):
        signature = owner.phone.answer_to({**waiting, **other}, digits)
        assert same(await owner.phone.post("answer", secret=waiting["secret"], signature=signature), refused)
    assert (await owner.complete(begun["challengeId"])).status_code == 202
    assert (await owner.phone.approve(waiting, digits)).status_code == 200


async def test_the_signature_of_another_challenge_approves_nothing(owner: Owner) -> None:
    session = await owner.begun()
    signature = owner.phone.answer_to(await owner.phone.waiting(), session["display"])
    challenge, digest = await owner.person.asks_to_delete()
    await owner.begun(challenge)
    waiting = await owner.phone.waiting()
    error(await owner.phone.post("answer", secret=waiting["secret"], signature=signature), 403, "CHALLENGE_REFUSED")
    assert (await owner.complete(challenge)).status_code == 202
    assert not await owner.person.has_approved(digest)


async def test_an_answer_serves_once(owner: Owner) -> None:
    begun = await owner.begun()
    waiting = await owner.phone.waiting()
    signature = owner.phone.answer_to(waiting, begun["display"])
    answers = [await owner.phone.post("answer", secret=waiting["secret"], signature=signature) for _ in range(2)]
    assert answers[0].status_code == 200
    error(answers[1], 403, "CHALLENGE_REFUSED")
    assert (await owner.complete(begun["challengeId"])).status_code == 200
    error(await owner.phone.approve(waiting, begun["display"]), 403, "CHALLENGE_REFUSED")
    error(await owner.complete(begun["challengeId"]), 403, "CHALLENGE_REFUSED")


async def test_unknown_expired_foreign_and_disabled_read_alike(house: House, owner: Owner) -> None:
    begun = await owner.begun()
    waiting = await owner.phone.waiting()
    unknown = await owner.phone.post("answer", **UNKNOWN["answer"])
    error(unknown, 403, "CHALLENGE_REFUSED")
    assert same(await owner.phone.post("refuse", **UNKNOWN["refuse"]), unknown)
    assert same(await owner.phone.post("waiting", **UNKNOWN["waiting"]), unknown)
    assert same(await owner.phone.post("renew", **UNKNOWN["renew"]), unknown)
    assert same(await owner.phone.approve(waiting, wrong(begun["display"])), unknown)
    run(house, owner, EXPIRED)
    assert same(await owner.phone.approve(waiting, begun["display"]), unknown)
    assert same(await owner.phone.refuse(waiting), unknown)
    assert await owner.phone.waiting() is None
    begun = await owner.begun()
    waiting = await owner.phone.waiting()
    run(house, owner, LOCKED)
    assert same(await owner.phone.approve(waiting, begun["display"]), unknown)
    assert same(await owner.phone.refuse(waiting), unknown)
    assert same(await owner.phone.ask(), unknown)


async def test_a_device_is_told_what_waits_by_its_own_signature_alone(
    house: House, owner: Owner, service: PushService
) -> None:
    await owner.begun()
    phone, stranger = owner.phone, Phone(house.gateway.client, service)
    unknown = await phone.post("waiting", **UNKNOWN["waiting"])
    stranger.factor = phone.factor
    assert same(await stranger.ask(), unknown)
    nonce = await phone.nonce()
    signature = phone.sign("itcare push question 1", phone.factor, nonce)
    other = phone.sign("itcare push question 1", phone.factor, "another")
    assert same(await phone.post("waiting", factorId=phone.factor, nonce=nonce, signature=other), unknown)
    assert same(await phone.post("waiting", factorId=str(uuid4()), nonce=nonce, signature=signature), unknown)
    for forged in (b64(b"\x01" * 49), nonce[:-4] + "AAAA"):
        signed = phone.sign("itcare push question 1", phone.factor, forged)
        assert same(await phone.post("waiting", factorId=phone.factor, nonce=forged, signature=signed), unknown)
    strange = await stranger.nonce()
    assert len(strange) == len(nonce)
    assert (await phone.post("waiting", factorId=phone.factor, nonce=nonce, signature=signature)).json()["waiting"]


@pytest.mark.parametrize(("seconds", "status"), [(-50, 200), (-70, 403), (70, 403)])
async def test_a_nonce_is_good_for_a_minute(house: House, owner: Owner, seconds: int, status: int) -> None:
    phone, nonces = owner.phone, SecretSeal([mfa_key(house.gateway.settings)], NONCES)
    issued_at = int(datetime.now(UTC).timestamp()) + seconds
    nonce = b64(nonces.seal(UUID(phone.factor), issued_at.to_bytes(8, "big")))
    signature = phone.sign("itcare push question 1", phone.factor, nonce)
    answer = await phone.post("waiting", factorId=phone.factor, nonce=nonce, signature=signature)
    assert answer.status_code == status


async def test_the_screen_is_told_nothing_by_the_device_of_another(owner: Owner, house: House) -> None:
    begun = await owner.begun()
    waiting = await owner.phone.waiting()
    other = await house.enrolled()
    refused = await other.post(COMPLETE, challengeId=begun["challengeId"], method="TOTP", code=other.code())
    error(refused, 403, "CHALLENGE_REFUSED")
    error(await other.post(COMPLETE, challengeId=begun["challengeId"], method="PUSH"), 403, "MFA_ENROLMENT_REQUIRED")
    assert (await owner.phone.approve(waiting, begun["display"])).status_code == 200


async def test_a_disabled_factor_of_tomorrow_answers_nothing_today(house: House, owner: Owner) -> None:
    begun = await owner.begun()
    waiting = await owner.phone.waiting()
    run(house, owner, TOMORROW)
    error(await owner.phone.approve(waiting, begun["display"]), 403, "CHALLENGE_REFUSED")
    error(await owner.phone.ask(), 403, "CHALLENGE_REFUSED")
    error(await owner.begin(), 403, "MFA_ENROLMENT_REQUIRED")


# -- not me, and too often


async def test_who_says_that_it_was_not_them_ends_the_challenge_and_is_asked_nothing_for_a_while(
    house: House, owner: Owner, service: PushService
) -> None:
    begun = await owner.begun()
    waiting = await owner.phone.waiting()
    refused = await owner.phone.refuse(waiting)
    assert (refused.status_code, refused.json()) == (200, {"status": "REFUSED"})
    error(await owner.complete(begun["challengeId"]), 403, "CHALLENGE_REFUSED")
    error(await owner.phone.approve(waiting, begun["display"]), 403, "CHALLENGE_REFUSED")
    error(await owner.phone.refuse(waiting), 403, "CHALLENGE_REFUSED")
    assert await owner.phone.waiting() is None
    blocked = await owner.begin()
    said = error(blocked, 429, "RATE_LIMITED")
    assert 840 < int(blocked.headers["retry-after"]) <= 900
    assert said["retryAfter"] == int(blocked.headers["retry-after"])
    run(house, owner, LATER)
    assert (await owner.begin()).status_code == 200
    await soon(house, owner, NOT_ME, "STEP_UP NOT_ME")


async def test_what_was_approved_can_still_be_refused_until_the_screen_goes_on(owner: Owner) -> None:
    begun = await owner.begun()
    waiting = await owner.phone.waiting()
    await owner.phone.approve(waiting, begun["display"])
    assert (await owner.phone.refuse(waiting)).status_code == 200
    error(await owner.complete(begun["challengeId"]), 403, "CHALLENGE_REFUSED")


async def test_five_notifications_go_out_in_a_quarter_of_an_hour(
    house: House, owner: Owner, service: PushService
) -> None:
    for _ in range(5):
        begun = await owner.begun()
        await service.next()
    sixth = await owner.begin()
    error(sixth, 429, "RATE_LIMITED")
    assert 840 < int(sixth.headers["retry-after"]) <= 900
    assert service.arrived.empty()
    waiting = await owner.phone.waiting()
    assert (await owner.phone.approve(waiting, begun["display"])).status_code == 200
    run(house, owner, LATER)
    assert (await owner.begin()).status_code == 200


async def test_whoever_warns_people_is_told_when_it_was_not_them(house: House, owner: Owner) -> None:
    told: list[tuple[FactorHolder, MfaEvent]] = []
    await owner.begun()
    secret = (await owner.phone.waiting())["secret"]
    async with served_with(house, lambda holder, event: told.append((holder, event))) as client:
        answers = [await client.post(f"{PUSH}/refuse", json={"secret": secret}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 403]
    assert [event.kind for _, event in told] == [MfaEventKind.NOT_ME, MfaEventKind.DEVICE_REFUSED]
    holder, event = told[0]
    assert (holder.account_id, holder.email) == (owner.person.account, f"{owner.person.account}@acme.example")
    assert event.method is FactorKind.PUSH


async def test_what_devices_do_is_in_the_audit_log_without_a_secret(
    house: House, owner: Owner, service: PushService
) -> None:
    challenge, _ = await owner.person.asks_to_delete()
    begun = await owner.begun(challenge)
    waiting = await owner.phone.waiting()
    error(await owner.phone.approve(waiting, wrong(begun["display"])), 403, "CHALLENGE_REFUSED")
    for status in (200, 403):
        assert (await owner.phone.approve(waiting, begun["display"])).status_code == status
    stranger = Phone(house.gateway.client, service)
    stranger.factor = owner.phone.factor
    error(await stranger.ask(), 403, "CHALLENGE_REFUSED")
    owner.phone.browser = Browser(service)
    assert (await owner.phone.renew(owner.phone.browser)).status_code == 200
    await soon(
        house,
        owner,
        RECORDED,
        "ENROL_FACTOR DEVICE_RENEWED PUSH; ENROL_FACTOR ENROLMENT_BEGUN PUSH; ENROL_FACTOR FACTOR_CONFIRMED PUSH;"
        " STEP_UP CHALLENGE_REFUSED PUSH DELETE_INSTANCE; STEP_UP DEVICE_REFUSED PUSH;"
        " STEP_UP DEVICE_REFUSED PUSH DELETE_INSTANCE",
    )


# -- push services that fail


@pytest.mark.parametrize("status", [404, 410])
async def test_a_device_that_the_push_service_does_not_know_is_told_of_at_the_next_step_up(
    house: House, owner: Owner, service: PushService, status: int
) -> None:
    service.status = status
    assert (await owner.begin()).status_code == 200
    await service.next()
    for _ in range(100):
        answer = await owner.begin()
        if answer.status_code == 409:
            break
        await asyncio.sleep(0.1)
    said = error(answer, 409, "DEVICE_GONE")
    assert "Pixel 9" in str(said["message"])
    assert "set the device up again" in str(said["message"])

    service.status = 201
    assert (await owner.phone.ask()).json()["isNotified"] is False
    owner.phone.browser = Browser(service)
    renewed = await owner.phone.renew(owner.phone.browser)
    assert (renewed.status_code, renewed.json()) == (200, {"status": "RENEWED"})
    assert (await owner.phone.ask()).json()["isNotified"] is True
    assert (await owner.begin()).status_code == 200
    assert (await service.next()).content["words"]


async def test_only_the_device_itself_is_notified_elsewhere_and_only_where_it_may_be(
    house: House, owner: Owner, service: PushService
) -> None:
    phone, stranger = owner.phone, Phone(house.gateway.client, service)
    stranger.factor = phone.factor
    error(await stranger.renew(Browser(service)), 403, "CHALLENGE_REFUSED")
    elsewhere = Browser(service)
    elsewhere.endpoint = "https://push.evil.example/x"
    assert error(await phone.renew(elsewhere), 400, "BAD_USER_INPUT")["argument"] == "subscription"
    nonce, other = await phone.nonce(), Browser(service)
    question = phone.sign("itcare push question 1", phone.factor, nonce)
    body = {"factorId": phone.factor, "nonce": nonce, "signature": question, "subscription": other.subscription}
    error(await phone.post("renew", **body), 403, "CHALLENGE_REFUSED")
    await owner.begin()
    await service.next()  # where it was, or it could not be decrypted
    assert service.browsers[phone.browser.name] is phone.browser


@pytest.mark.parametrize("status", [400, 403, 413, 429, 500, 302])
async def test_what_a_push_service_refuses_otherwise_changes_nothing(
    owner: Owner, service: PushService, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    service.status = status
    with caplog.at_level(logging.INFO):
        begun = await owner.begun()
        await service.next()
    waiting = await owner.phone.waiting()
    assert (await owner.phone.approve(waiting, begun["display"])).status_code == 200
    assert (await owner.begin()).status_code == 200


async def test_a_push_service_that_is_away_fails_no_request_and_its_address_is_not_logged(
    house: House, service: PushService, caplog: pytest.LogCaptureFixture
) -> None:
    owner = await owner_of(house, service)
    owner.phone.browser.endpoint = f"http://{AWAY}/push/{owner.phone.browser.name}"
    with caplog.at_level(logging.DEBUG):
        assert (await owner.enrol()).status_code == 200
        begun = await owner.begun()
        for _ in range(100):
            if "A notification is not sent: ConnectError" in caplog.text:
                break
            await asyncio.sleep(0.05)
        waiting = await owner.phone.waiting()
        assert (await owner.phone.approve(waiting, begun["display"])).status_code == 200
    ours = [record for record in caplog.records if record.name.startswith("gateway")]
    logged = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in ours)
    assert "A notification is not sent: ConnectError" in logged
    browser = owner.phone.browser
    for secret in (browser.name, b64(browser.secret), begun["display"], owner.phone.factor, waiting["secret"]):
        assert secret not in logged


# -- what is malformed


@pytest.mark.parametrize("place", PLACES)
async def test_a_malformed_request_of_a_device_is_a_clear_refusal(owner: Owner, place: str) -> None:
    client = owner.phone.client
    for content in (b"", b"{", b"[]", b"null", b'{"secret":"\\u0000"}', b'{"factorId":1,"secret":[]}', b'{"more":1}'):
        answer = await client.post(
            f"{PUSH}/{place}", content=content, headers={"Content-Type": "application/json", "Authorization": ""}
        )
        assert error(answer, 400, "BAD_USER_INPUT")["argument"] in {"body", "secret", "factorId"}
    for member in UNKNOWN[place]:
        for value in list[object]([None, 7, [], "x" * 5000]):
            said = error(await owner.phone.post(place, **{**UNKNOWN[place], member: value}), 400, "BAD_USER_INPUT")
            assert said["argument"] == member
    error(await client.get(f"{PUSH}/{place}"), 405, "METHOD_NOT_ALLOWED")
    error(await client.post(f"{PUSH}/{place}", content=b" " * 20_000), 415, "UNSUPPORTED_MEDIA_TYPE")


@asynccontextmanager
async def served_with(house: House, on_event: OnEvent) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the endpoints for devices alone, which tell of events."""
    settings = house.gateway.settings
    seal = SecretSeal([mfa_key(settings)])
    devices = Devices(
        settings,
        house.base,
        seal,
        translate=lambda _: None,
        record_for=lambda *_: record_nothing,
        on_event=on_event,
    )
    transport = httpx.ASGITransport(Starlette(routes=devices.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client
    await devices.close()
