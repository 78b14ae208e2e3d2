"""Signing in with e-mail and password over real HTTP: what is right, and everything that is wrong."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from auth.identity.passwords import Passwords
from auth.statements import Statement
from auth.tables import AccountKind
from resolvers.transaction import Transaction
from tests.gateway.pages.visiting import (
    ACCOUNT,
    PASSWORD,
    SIGN_IN,
    WRONG,
    House,
    Visitor,
    code_of,
    problems_of,
)

NOT_RIGHT = [("email", "The e-mail address or the password is not right.")]


def plain(answer: httpx.Response, email: str) -> str:
    """A page without what was typed and without the token of the browser."""
    return answer.text.replace(email, "EMAIL")


async def test_a_person_signs_in_and_their_browser_is_known_from_then_on(house: House, visitor: Visitor) -> None:
    person = await house.person()
    assert await visitor.signed_in_as() is None
    answer = await visitor.sign_in(person.email.upper())
    assert (answer.status_code, answer.headers["location"]) == (303, ACCOUNT)
    assert await visitor.signed_in_as() == person.email
    assert await house.audited(person.id) == [("SIGN_IN", "ALLOWED", None)]


async def test_who_is_signed_in_is_not_asked_again_unless_the_page_is_told_to(house: House, visitor: Visitor) -> None:
    await visitor.sign_in((await house.person()).email)
    assert (await visitor.get(SIGN_IN)).headers["location"] == ACCOUNT
    assert (await visitor.get(f"{SIGN_IN}?again=1")).status_code == 200


async def test_after_signing_in_a_browser_goes_on_where_it_came_from(house: House, visitor: Visitor) -> None:
    person = await house.person()
    wanted = "/auth/authorize?client_id=console&redirect_uri=https%3A%2F%2Fconsole.example%2Fback&state=a.b~c"
    sent = await visitor.get(f"{ACCOUNT}?notice=x")
    assert sent.headers["location"] == f"{SIGN_IN}?continue=%2Fauth%2Faccount%3Fnotice%3Dx"
    shown = await visitor.get(f"{SIGN_IN}?continue={quote(wanted, safe='')}")
    assert f'name="continue" value="{wanted.replace("&", "&amp;")}"' in shown.text
    answer = await visitor.sign_in(person.email, going_on=wanted)
    assert answer.headers["location"] == wanted


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example/auth/account",
        "/\\evil.example",
        "/auth//evil.example",
        "/auth/../graphiql",
        "/auth/account#x",
        "/auth/account\r\nSet-Cookie: a=b",
        "/auth\\account",
        "/graphiql",
        "javascript:alert(1)",
        "/auth/account?" + "x" * 6000,
        "\u2215auth/account",
    ],
)
async def test_a_redirect_to_another_host_is_refused_before_anything_is_looked_at(
    path: str, house: House, visitor: Visitor
) -> None:
    person = await house.person()
    for answer in (
        await visitor.client.get(SIGN_IN, params={"continue": path}),
        await visitor.sign_in(person.email, going_on=path),
    ):
        assert (answer.status_code, code_of(answer)) == (400, "REDIRECT_REFUSED")
        assert "location" not in answer.headers
    assert await visitor.signed_in_as() is None


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(house: House, visitor: Visitor) -> None:
    person, program = await house.person(), await house.person(None, kind=AccountKind.API_ACCOUNT)
    disabled, invited = await house.person(), await house.person(None)
    await house.sql("UPDATE account SET disabled_at = now() WHERE id = :id", id=disabled.id)
    tries = [
        (person.email, WRONG),
        ("nobody@acme.example", WRONG),
        (program.email, WRONG),
        (disabled.email, PASSWORD),
        (invited.email, PASSWORD),
        ("no address at all", PASSWORD),
        (f"{'x' * 300}@acme.example", PASSWORD),
    ]
    answers = [(await visitor.sign_in(email, password), email) for email, password in tries]
    assert {answer.status_code for answer, _ in answers} == {403}
    assert len({plain(answer, email) for answer, email in answers}) == 1
    assert problems_of(answers[0][0]) == NOT_RIGHT
    kept = ("set-cookie", "content-length", "date", "x-correlation-id")
    headers = [{name: value for name, value in answer.headers.items() if name not in kept} for answer, _ in answers]
    assert headers == headers[:1] * len(headers)
    assert await visitor.signed_in_as() is None


async def test_the_work_is_the_same_for_an_unknown_address(
    house: House, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, invited, token = await house.person(), await house.person(None), await visitor.token()
    done: list[object] = []
    fetch, verify = Transaction.fetch, Passwords.verify

    async def watched(self: Transaction, statement: Statement, values: Any = None) -> Any:
        done.append(statement.text)
        return await fetch(self, statement, values)

    async def counted(self: Passwords, password: str, kept: str | None) -> bool:
        done.append("a hash")
        return await verify(self, password, kept)

    monkeypatch.setattr(Transaction, "fetch", watched)
    monkeypatch.setattr(Passwords, "verify", counted)
    work = []
    for email in (person.email, "nobody@acme.example", invited.email, "\u0430nn@acme.example", "nothing"):
        done.clear()
        answer = await visitor.client.post(SIGN_IN, data={"form": token, "email": email, "password": WRONG})
        assert answer.status_code == 403
        # Denials are written in batches of all.
        work.append([text for text in done if "audit" not in str(text)])
    assert "a hash" in work[0]
    assert work == work[:1] * len(work)


@pytest.mark.parametrize(
    ("typed", "swap"),
    [("\u0430", "a"), ("\u212a", "k"), ("\u0131", "i"), ("\uff41", "a"), ("\u2024", "."), ("\u200b", "")],
)
async def test_an_address_of_letters_that_look_alike_is_nobodys(
    typed: str, swap: str, house: House, visitor: Visitor
) -> None:
    person = await house.person()
    await house.sql("UPDATE account SET email = 'kai.' || email WHERE id = :id", id=person.id)
    email = f"kai.{person.email}"
    alike = email.replace(swap, typed, 1) if swap else email[:1] + typed + email[1:]
    assert alike != email
    answer = await visitor.sign_in(alike)
    assert (answer.status_code, problems_of(answer)) == (403, NOT_RIGHT)
    assert (await visitor.sign_in(email)).status_code == 303


async def test_a_password_of_5000_characters_is_refused_before_it_is_hashed(house: House, visitor: Visitor) -> None:
    person = await house.person()
    answer = await visitor.sign_in(person.email, "x" * 5000)
    assert answer.status_code == 422
    assert problems_of(answer) == [("password", "Passwords have at most 256 characters.")]
    assert plain(answer, person.email) == plain(
        await visitor.sign_in("nobody@x.example", "x" * 5000), "nobody@x.example"
    )
    assert await house.audited(person.id) == []


async def test_what_is_left_out_is_said(visitor: Visitor) -> None:
    answer = await visitor.sign_in(" ", "")
    assert answer.status_code == 422
    assert problems_of(answer) == [
        ("email", "Enter your e-mail address."),
        ("password", "Enter your password."),
    ]
    assert "<title>Error: Sign in" in answer.text


async def test_markup_in_an_address_is_shown_as_text(visitor: Visitor) -> None:
    typed = '"><script>alert(1)</script>@x.example'
    answer = await visitor.sign_in(typed, WRONG)
    assert answer.status_code == 403
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


# -- cookies


async def test_cookies_are_kept_from_scripts_and_from_other_paths(house: House, visitor: Visitor) -> None:
    answer = await visitor.sign_in((await house.person()).email)
    cookies = {cookie.partition("=")[0]: cookie for cookie in answer.headers.get_list("set-cookie")}
    assert set(cookies) == {"itcare-session", "itcare-device"}
    for cookie in cookies.values():
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "path=/auth", "samesite=lax"} <= attributes
        assert "secure" not in attributes


async def test_a_made_up_cookie_signs_nobody_in(house: House, visitor: Visitor) -> None:
    for secret in ("x", "x" * 5000, "\u00e9", '"', "0" * 43):
        assert (
            await visitor.client.get(ACCOUNT, headers={b"Cookie": f"itcare-session={secret}".encode()})
        ).status_code == 303


async def test_the_database_holds_no_secret_of_a_cookie(house: House, visitor: Visitor) -> None:
    await visitor.sign_in((await house.person()).email)
    kept = str(await house.sql("SELECT to_jsonb(s) FROM session s UNION ALL SELECT to_jsonb(d) FROM known_device d"))
    for name in ("itcare-session", "itcare-device"):
        secret = visitor.client.cookies[name]
        assert len(secret) == 43
        assert secret not in kept


async def test_signing_in_again_ends_the_session_before(house: House, visitor: Visitor) -> None:
    person = await house.person()
    await visitor.sign_in(person.email)
    first = visitor.client.cookies["itcare-session"]
    await visitor.sign_in(person.email)
    assert visitor.client.cookies["itcare-session"] != first
    ended = await house.sql("SELECT ended_for FROM session WHERE account_id = :id ORDER BY created_at", id=person.id)
    assert ended == [("SIGNED_OUT",), (None,)]


async def test_whose_account_is_disabled_is_signed_out(house: House, visitor: Visitor) -> None:
    person = await house.person()
    await visitor.sign_in(person.email)
    await house.sql("UPDATE account SET disabled_at = now() WHERE id = :id", id=person.id)
    assert await visitor.signed_in_as() is None


# -- signing out


async def test_signing_out_ends_the_session_and_not_only_the_cookie(house: House, visitor: Visitor) -> None:
    person = await house.person()
    await visitor.sign_in(person.email)
    secret = visitor.client.cookies["itcare-session"]
    assert (await visitor.get("/auth/sign-out")).status_code == 200
    assert await visitor.signed_in_as() == person.email  # asked, not done
    answer = await visitor.submit("/auth/sign-out")
    assert answer.headers["location"] == f"{SIGN_IN}?notice=signed-out"
    assert "You are signed out." in (await visitor.get(answer.headers["location"])).text
    visitor.client.cookies.set("itcare-session", secret, path="/auth")
    assert await visitor.signed_in_as() is None
    assert await house.audited(person.id) == [("SIGN_IN", "ALLOWED", None), ("SIGN_OUT", "ALLOWED", None)]


async def test_somebody_signs_out_everywhere_else(house: House, visitor: Visitor) -> None:
    person = await house.person()
    await visitor.sign_in(person.email)
    async with house.visitor("10.9.9.9") as elsewhere:
        await elsewhere.sign_in(person.email)
        answer = await visitor.submit("/auth/account/end-other-sessions", page=ACCOUNT)
        assert answer.status_code == 303
        assert await elsewhere.signed_in_as() is None
    assert await visitor.signed_in_as() == person.email
