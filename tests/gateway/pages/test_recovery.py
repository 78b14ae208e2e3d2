"""Recovery codes, removing a factor and approving an operation on pages: all of it without JavaScript."""

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import httpx
import pyotp
import pytest

from auth.mfa.approvals import has_approval, operation_digest, request_approval
from auth.permissions import Action
from auth.principal import set_scope
from resolvers.database import Database
from resolvers.transaction import open_transaction
from tests.gateway.pages.visiting import ACCOUNT, House, Someone, Visitor, code_of, problems_of
from tests.mailbox import text_of

FACTORS, TOTP, CONFIRM, ANSWER = (
    f"{ACCOUNT}/factors",
    f"{ACCOUNT}/factors/totp",
    "/auth/confirm",
    "/auth/confirm/answer",
)
CODES, RECOVER, REMOVE = f"{ACCOUNT}/recovery-codes", "/auth/recover", f"{ACCOUNT}/factors/remove"
_CODE: Final = re.compile(r'<code class="code">((?:[0-9A-Z]{4}-){3}[0-9A-Z]{4})</code>')
UNUSED = "UPDATE factor SET last_step = NULL WHERE account_id = :id"


class Person:
    """Somebody who is signed in with a browser, and the app that they have set up last."""

    def __init__(self, house: House, visitor: Visitor, someone: Someone) -> None:
        self.house, self.visitor, self.id, self.email = house, visitor, someone.id, someone.email
        self.app = pyotp.TOTP("A" * 32)

    async def set_up(self) -> httpx.Response:
        """Set up an app, and give the page that comes of it."""
        begun = await self.visitor.submit(TOTP)
        assert begun.status_code == 200, begun.text
        (secret,) = re.findall(r'id="secret">([A-Z2-7]+)</code>', begun.text)
        self.app = pyotp.TOTP(secret)
        fields = {"factorId": hidden(begun)["factorId"], "code": self.app.now()}
        answer = await self.visitor.submit(f"{TOTP}/confirm", page=TOTP, headers=None, **fields)
        await self.house.sql(UNUSED, id=self.id)
        return answer

    async def confirm(self, page: str) -> httpx.Response:
        """Confirm with the app, as a page asks for it."""
        fields = {name: value for name, value in hidden(await self.visitor.get(page)).items() if name != "form"}
        asked = await self.visitor.submit(CONFIRM, page=page, headers=None, **fields)
        assert asked.status_code == 200, asked.text
        answer = await self.visitor.client.post(ANSWER, data={**hidden(asked), "code": self.app.now()})
        await self.house.sql(UNUSED, id=self.id)
        return answer

    async def factor_ids(self) -> list[str]:
        return re.findall(r"/auth/account/factors/remove\?factor=([0-9a-f-]+)", (await self.visitor.get(ACCOUNT)).text)

    async def use(self, code: str) -> httpx.Response:
        return await self.visitor.submit(RECOVER, headers=None, code=code)


def hidden(answer: httpx.Response) -> dict[str, str]:
    """The fields of a page's forms that nobody sees."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text)
    return {name: html.unescape(value) for name, value in found}


@pytest.fixture
async def person(house: House, visitor: Visitor) -> Person:
    someone = await house.person()
    await visitor.sign_in(someone.email)
    return Person(house, visitor, someone)


async def test_the_first_factor_comes_with_ten_codes_and_others_with_none(person: Person) -> None:
    answer = await person.set_up()
    assert answer.status_code == 200
    assert len(set(_CODE.findall(answer.text))) == 10
    assert "no-store" in answer.headers["cache-control"]
    assert "You have 10 left." in (await person.visitor.get(CODES)).text
    await person.confirm(f"{CONFIRM}?continue={TOTP}")
    again = await person.set_up()
    assert (again.status_code, _CODE.findall(again.text)) == (303, [])


async def test_new_codes_take_a_fresh_factor_and_the_place_of_those_before(house: House, person: Person) -> None:
    before = _CODE.findall((await person.set_up()).text)
    answer = await person.visitor.submit(CODES)
    assert answer.headers["location"] == f"{CONFIRM}?continue=%2Fauth%2Faccount%2Frecovery-codes"
    assert (await person.confirm(answer.headers["location"])).headers["location"] == CODES
    codes = _CODE.findall((await person.visitor.submit(CODES)).text)
    assert len(set(codes)) == 10
    assert not set(codes) & set(before)
    await house.mailbox.next(person.email)
    assert "new recovery codes were made" in text_of(await house.mailbox.next(person.email))


async def test_who_has_lost_their_factor_sets_up_another_that_serves_later(house: House, person: Person) -> None:
    (code, *_) = _CODE.findall((await person.set_up()).text)
    assert RECOVER in (await person.visitor.get(ACCOUNT)).text
    assert RECOVER in (await person.visitor.get(CONFIRM)).text
    assert (await person.visitor.submit(TOTP)).headers["location"].startswith(CONFIRM)
    used = await person.use(code.replace("-", " ").lower())
    assert used.headers["location"] == FACTORS
    lost = person.app
    answer = await person.set_up()
    assert answer.headers["location"] == f"{ACCOUNT}?notice=factor-added"
    shown = (await person.visitor.get(ACCOUNT)).text
    tomorrow = datetime.now(UTC) + timedelta(hours=24)
    assert f"serves from {tomorrow:%Y-%m-%d}" in shown
    refused = await person.confirm(CONFIRM)
    assert refused.status_code == 403
    told = [text_of(await house.mailbox.next(person.email)) for _ in range(3)]
    assert "a recovery code of your ITCare account was used" in told[1]
    assert "was set up for your ITCare account with a recovery code" in told[2]
    assert "serves after 24 hours" in told[2]
    await house.sql(
        "UPDATE factor SET usable_from = now() WHERE account_id = :id AND usable_from > now()", id=person.id
    )
    assert (await person.confirm(CONFIRM)).headers["location"] == ACCOUNT
    person.app = lost
    assert (await person.confirm(CONFIRM)).headers["location"] == ACCOUNT


async def test_wrong_and_used_codes_read_alike_until_none_is_looked_at(person: Person) -> None:
    (code, *_) = _CODE.findall((await person.set_up()).text)
    assert (await person.use(code)).status_code == 303
    for attempt in [code, "0000-0000-0000-0000", "", "x" * 65, "\N{SNOWMAN}"]:
        refused = await person.use(attempt)
        assert (refused.status_code, problems_of(refused)) == (
            403,
            [("code", "This is none of your recovery codes that are left. Each serves once.")],
        )
    for _ in range(10):
        last = await person.use("0000-0000-0000-0000")
    assert (last.status_code, code_of(last)) == (429, "RATE_LIMITED")
    assert int(last.headers["retry-after"]) > 3000


async def test_a_factor_is_removed_with_a_fresh_one_and_never_the_last(house: House, person: Person) -> None:
    (code, *_) = _CODE.findall((await person.set_up()).text)
    (first,) = await person.factor_ids()
    asked = f"{REMOVE}?factor={first}"
    assert "Authenticator app, set up on" in (await person.visitor.get(asked)).text
    answer = await person.visitor.submit(REMOVE, page=asked, headers=None, factor=first)
    assert answer.headers["location"] == f"{CONFIRM}?continue=%2Fauth%2Faccount%2Ffactors%2Fremove%3Ffactor%3D{first}"
    assert (await person.confirm(answer.headers["location"])).headers["location"] == asked
    answer = await person.visitor.submit(REMOVE, page=asked, headers=None, factor=first)
    assert answer.status_code == 409
    assert "the last factor of yours that serves" in problems_of(answer)[0][1]
    await person.use(code)
    await house.sql("UPDATE session SET mfa_time = NULL WHERE account_id = :id", id=person.id)
    app = person.app
    await person.set_up()
    person.app = app
    await person.confirm(CONFIRM)
    second = next(factor for factor in await person.factor_ids() if factor != first)
    answer = await person.visitor.submit(REMOVE, page=f"{REMOVE}?factor={second}", headers=None, factor=second)
    assert answer.headers["location"] == f"{ACCOUNT}?notice=factor-removed"
    assert "Your second factor was removed." in (await person.visitor.get(answer.headers["location"])).text
    told = [text_of(await house.mailbox.next(person.email)) for _ in range(4)]
    assert "was removed from the second factors" in told[-1]
    assert await person.factor_ids() == [first]


async def test_what_is_not_ones_own_cannot_be_removed(person: Person) -> None:
    await person.set_up()
    await person.confirm(CONFIRM)
    for factor, status, code in [
        (str(uuid4()), 404, "NOT_FOUND"),
        ("x", 400, "BAD_USER_INPUT"),
        ("", 400, "BAD_USER_INPUT"),
    ]:
        shown = await person.visitor.get(f"{REMOVE}?factor={factor}")
        assert (shown.status_code, code_of(shown)) == (status, code)
        answer = await person.visitor.submit(REMOVE, page=ACCOUNT, headers=None, factor=factor)
        assert (answer.status_code, code_of(answer)) == (status, code)


async def asks_to_delete(house: House, account: UUID) -> tuple[str, bytes]:
    """The challenge of an operation, and its digest."""
    digest = operation_digest(account, Action.DELETE_INSTANCE, house.shop.alpha, {"name": "web-01"})
    words, now = "Delete web-01 <at once>", datetime.now(UTC)
    base = Database(house.urls.app, pool_size=1, statement_seconds=10)
    async with open_transaction(base) as transaction:
        await set_scope(transaction.fetch, account)
        challenge = await request_approval(
            transaction.fetch, account, Action.DELETE_INSTANCE, house.shop.alpha, digest, words, now
        )
    await base.close()
    return str(challenge), digest


async def test_an_operation_is_shown_in_words_and_approved(house: House, person: Person) -> None:
    await person.set_up()
    challenge, digest = await asks_to_delete(house, person.id)
    page = f"{CONFIRM}?challenge={challenge}&continue=/auth/account"
    shown = await person.visitor.get(page)
    assert "Delete web-01 &lt;at once&gt;" in shown.text
    asked = await person.visitor.submit(CONFIRM, page=page, headers=None, method="TOTP", challenge=challenge)
    assert "Delete web-01 &lt;at once&gt;" in asked.text
    assert f"challenge={challenge}" in asked.text, "choosing another way is for the same operation"
    assert (await person.confirm(page)).headers["location"] == ACCOUNT
    base = Database(house.urls.app, pool_size=1, statement_seconds=10)
    async with open_transaction(base) as transaction:
        await set_scope(transaction.fetch, person.id)
        assert await has_approval(transaction.fetch, person.id, digest, datetime.now(UTC))
    await base.close()


async def test_a_challenge_that_is_not_ones_own_is_none(house: House, person: Person) -> None:
    await person.set_up()
    other = await house.person()
    challenge, _ = await asks_to_delete(house, other.id)
    for named, status, code in [
        (challenge, 403, "CHALLENGE_REFUSED"),
        (str(uuid4()), 403, "CHALLENGE_REFUSED"),
        ("x", 400, "BAD_USER_INPUT"),
    ]:
        shown = await person.visitor.get(f"{CONFIRM}?challenge={named}")
        assert (shown.status_code, code_of(shown)) == (status, code)
        answer = await person.visitor.submit(CONFIRM, headers=None, method="TOTP", challenge=named)
        assert (answer.status_code, code_of(answer)) == (status, code)
