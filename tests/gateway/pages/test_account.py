"""The account page: changing one's password, and setting up a second factor."""

import html
import re
from datetime import UTC, datetime

import httpx
import pyotp
import pytest

from tests.gateway.pages.visiting import ACCOUNT, PASSWORD, WRONG, House, Visitor, code_of, problems_of
from tests.mailbox import text_of

CHANGE, FACTORS, TOTP, CONFIRM = f"{ACCOUNT}/password", f"{ACCOUNT}/factors", f"{ACCOUNT}/factors/totp", "/auth/confirm"
NEW = "an entirely new phrase of ours"
PAGES = [ACCOUNT, CHANGE, FACTORS, TOTP, CONFIRM]


async def change(visitor: Visitor, current: str = PASSWORD, new: str = NEW, again: str | None = None) -> httpx.Response:
    fields = {"password": current, "new-password": new, "again": new if again is None else again}
    return await visitor.submit(CHANGE, headers=None, **fields)


async def test_a_changed_password_ends_the_other_sessions_and_is_told_of(house: House, visitor: Visitor) -> None:
    person = await house.person()
    await visitor.sign_in(person.email)
    async with house.visitor("10.7.7.7") as thief:
        await thief.sign_in(person.email)
        assert (await change(visitor)).headers["location"] == f"{ACCOUNT}?notice=password-changed"
        assert await thief.signed_in_as() is None
        assert (await thief.sign_in(person.email, PASSWORD)).status_code == 403
    assert await visitor.signed_in_as() == person.email
    assert "was changed at" in text_of(await house.mailbox.next(person.email))
    async with house.visitor() as elsewhere:
        assert (await elsewhere.sign_in(person.email, NEW)).status_code == 303
    assert ("PASSWORD_CHANGE", "ALLOWED", None) in await house.audited(person.id)


async def test_a_password_is_not_changed_without_the_current_one(house: House, visitor: Visitor) -> None:
    person = await house.person()
    await visitor.sign_in(person.email)
    answer = await change(visitor, WRONG)
    assert answer.status_code == 403
    assert problems_of(answer) == [("password", "This is not your current password.")]
    assert (await visitor.sign_in(person.email)).status_code == 303
    assert house.mailbox.is_empty()


async def test_who_guesses_the_current_password_with_a_session_waits(house: House, visitor: Visitor) -> None:
    person = await house.person()
    await visitor.sign_in(person.email)
    for _ in range(5):
        assert len(problems_of(await change(visitor, WRONG))) == 1
    assert len(problems_of(await change(visitor, PASSWORD))) == 2
    assert (await visitor.sign_in(person.email)).status_code == 303


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        (("", NEW, None), [("password", "Enter your current password.")]),
        (("x" * 5000, NEW, None), [("password", "Passwords have at most 256 characters.")]),
        ((PASSWORD, "", ""), [("new-password", "Enter a new password.")]),
        ((PASSWORD, "x" * 5000, None), [("new-password", "Passwords have at most 256 characters.")]),
        ((PASSWORD, "too short", None), [("new-password", "Passwords have at least 15 characters.")]),
        ((PASSWORD, PASSWORD, None), [("new-password", "This is your current password.")]),
        ((PASSWORD, NEW, "another"), [("again", "This is not the same as the password above.")]),
    ],
)
async def test_what_is_wrong_with_a_change_is_said_and_nothing_is_changed(
    fields: tuple[str, str, str | None], problems: list[tuple[str, str]], house: House, visitor: Visitor
) -> None:
    person = await house.person()
    await visitor.sign_in(person.email)
    answer = await change(visitor, *fields)
    assert (answer.status_code, problems_of(answer)) == (422, problems)
    assert (await visitor.sign_in(person.email)).status_code == 303


async def test_nobody_gets_in_without_signing_in_and_everybody_comes_back(visitor: Visitor) -> None:
    for page in PAGES:
        answer = await visitor.get(page)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/auth/sign-in?continue={page.replace('/', '%2F')}"
    answer = await visitor.submit(CHANGE, page="/auth/sign-in", password=PASSWORD)
    assert answer.headers["location"] == "/auth/sign-in"


# -- second factors


async def begin(visitor: Visitor) -> tuple[pyotp.TOTP, str]:
    """Begin to set up an authenticator app; gives it, and the factor's id."""
    answer = await visitor.submit(TOTP)
    assert answer.status_code == 200, answer.text
    (secret,) = re.findall(r'<code class="code" id="secret">([A-Z2-7]+)</code>', answer.text)
    (factor,) = re.findall(r'name="factorId" value="([^"]+)"', answer.text)
    assert 'src="data:image/svg+xml' in answer.text
    return pyotp.TOTP(secret), factor


async def confirm(visitor: Visitor, factor: str, code: str) -> httpx.Response:
    return await visitor.submit(f"{TOTP}/confirm", page=TOTP, headers=None, factorId=factor, code=code)


async def test_an_authenticator_app_is_set_up_step_by_step_and_told_of(house: House, visitor: Visitor) -> None:
    person = await house.person()
    await visitor.sign_in(person.email)
    assert "You have none." in (await visitor.get(ACCOUNT)).text
    assert "scan the QR code" in (await visitor.get(TOTP)).text
    app, factor = await begin(visitor)
    wrong = next(code for code in ("000000", "111111", "222222") if not app.verify(code, valid_window=2))
    answer = await confirm(visitor, factor, wrong)
    assert (answer.status_code, [field for field, _ in problems_of(answer)]) == (403, ["code"])
    assert app.secret not in answer.text
    answer = await confirm(visitor, factor, app.now())
    assert "Your second factor is set up." in answer.text
    assert "Your recovery codes" in answer.text
    assert "Authenticator app" in (await visitor.get(ACCOUNT)).text
    assert "an authenticator app was set up" in text_of(await house.mailbox.next(person.email))


async def test_another_factor_needs_one_that_there_is_just_now(house: House, visitor: Visitor) -> None:
    person = await house.person()
    await visitor.sign_in(person.email)
    app, factor = await begin(visitor)
    assert (await confirm(visitor, factor, app.now())).status_code == 200
    await house.mailbox.next(person.email)
    answer = await visitor.submit(TOTP)
    assert answer.headers["location"] == f"{CONFIRM}?continue=%2Fauth%2Faccount%2Ffactors%2Ftotp"

    asked = await visitor.submit(CONFIRM, page=answer.headers["location"], headers=None, method="TOTP")
    fields = {
        name: html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', asked.text)
    } | {"continue": TOTP}
    answered = f"{CONFIRM}/answer"
    wrong = next(code for code in ("000000", "111111", "222222") if not app.verify(code, valid_window=2))
    refused = await visitor.client.post(answered, data={**fields, "code": wrong})
    assert (refused.status_code, [field for field, _ in problems_of(refused)]) == (403, ["code"])
    await house.sql("UPDATE factor SET last_step = NULL WHERE account_id = :id", id=person.id)
    accepted = await visitor.client.post(answered, data={**fields, "code": app.at(datetime.now(UTC))})
    assert accepted.headers["location"] == TOTP
    replaced, factor = await begin(visitor)
    assert replaced.secret != app.secret
    answer = await confirm(visitor, factor, replaced.now())
    assert answer.headers["location"] == f"{ACCOUNT}?notice=factor-added"
    assert "Your second factor is set up." in (await visitor.get(answer.headers["location"])).text
    ((amr, fresh),) = await house.sql(
        "SELECT amr, mfa_time IS NOT NULL FROM session WHERE account_id = :id AND ended_at IS NULL", id=person.id
    )
    assert (amr, fresh) == (["pwd", "otp", "mfa"], True)


async def test_bad_input_of_factors_gets_a_page_and_changes_nothing(house: House, visitor: Visitor) -> None:
    person = await house.person()
    await visitor.sign_in(person.email)
    for path, fields, status, code in [
        (f"{TOTP}/confirm", {"factorId": "x", "code": "123456"}, 403, None),
        (f"{TOTP}/confirm", {"code": "x" * 65}, 403, None),
        (CONFIRM, {"method": "SMOKE"}, 400, "BAD_USER_INPUT"),
        (CONFIRM, {}, 400, "BAD_USER_INPUT"),
        (CONFIRM, {"method": "TOTP", "continue": "//evil.example"}, 400, "REDIRECT_REFUSED"),
        (f"{CONFIRM}/answer", {"method": "TOTP", "challengeId": "x", "code": "1"}, 400, "BAD_USER_INPUT"),
        (f"{CONFIRM}/answer", {"method": "TOTP", "challengeId": str(person.id), "code": "1"}, 403, None),
    ]:
        answer = await visitor.submit(path, page=ACCOUNT, headers=None, **fields)
        assert answer.status_code == status, (path, fields, answer.text)
        if code is not None:
            assert code_of(answer) == code
    assert await house.sql("SELECT id FROM factor WHERE account_id = :id", id=person.id) == []
    assert (await visitor.get(CONFIRM)).headers["location"] == FACTORS
