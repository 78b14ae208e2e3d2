"""Passwords by e-mail: a link serves once, and not for long; asking for one tells nobody who has an account."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from auth.tables import AccountKind
from tests.gateway.pages.visiting import (
    ACCOUNT,
    PASSWORD,
    SIGN_IN,
    House,
    Visitor,
    code_of,
    logged,
    problems_of,
    token_of,
)

FORGOT, RESET, INVITATION = "/auth/forgot-password", "/auth/reset-password", "/auth/invitation"
NEW = "an entirely new phrase of ours"


async def choose(visitor: Visitor, link: str, password: str = NEW, again: str | None = None) -> httpx.Response:
    """Open a link, and choose a password with it."""
    path, _, secret = link.partition("?link=")
    fields = {"link": secret, "new-password": password, "again": password if again is None else again}
    return await visitor.submit(path, page=link, headers=None, **fields)


async def send(visitor: Visitor, link: str, password: str = NEW) -> httpx.Response:
    """Choose a password with a link that need not serve."""
    path, _, secret = link.partition("?link=")
    fields = {"link": secret, "new-password": password, "again": password}
    return await visitor.submit(path, page=f"{SIGN_IN}?again=1", headers=None, **fields)


async def test_a_forgotten_password_is_replaced_and_everybody_else_is_signed_out(
    house: House, visitor: Visitor
) -> None:
    person = await house.person()
    async with house.visitor("10.8.8.8") as thief:
        await thief.sign_in(person.email)
        link = await house.reset_link(visitor, person)
        answer = await choose(visitor, link)
        assert answer.headers["location"] == f"{SIGN_IN}?notice=password-changed"
        assert "Your password was changed." in (await visitor.get(answer.headers["location"])).text
        assert await thief.signed_in_as() is None
        assert (await thief.sign_in(person.email, PASSWORD)).status_code == 403
    notice = await house.mailbox.next(person.email)
    assert notice["Subject"] == "Your ITCare password was changed"
    assert (await visitor.sign_in(person.email, NEW)).status_code == 303
    assert await house.audited(person.id, 5) == [
        ("SIGN_IN", "ALLOWED", None),
        ("PASSWORD_RESET", "ALLOWED", None),
        ("PASSWORD_RESET", "ALLOWED", None),
        ("SIGN_IN", "DENIED", "WRONG_PASSWORD"),
        ("SIGN_IN", "ALLOWED", None),
    ]


async def test_opening_a_link_changes_nothing_however_often(house: House, visitor: Visitor) -> None:
    person = await house.person()
    link = await house.reset_link(visitor, person)
    for _ in range(3):
        async with house.visitor() as scanner:
            assert (await scanner.get(link)).status_code == 200
            assert (await scanner.client.head(link)).status_code == 200
    assert (await choose(visitor, link)).status_code == 303


async def test_a_link_serves_once(house: House, visitor: Visitor) -> None:
    person = await house.person()
    link = await house.reset_link(visitor, person)
    await choose(visitor, link)
    for answer in (await visitor.get(link), await send(visitor, link, "one more phrase of nobody")):
        assert (answer.status_code, code_of(answer)) == (410, "LINK_REFUSED")
    assert (await visitor.sign_in(person.email, NEW)).status_code == 303


async def test_of_those_who_use_one_link_together_one_has_it(house: House, visitor: Visitor) -> None:
    person = await house.person()
    link = await house.reset_link(visitor, person)
    token = token_of(await visitor.get(link))
    path, _, secret = link.partition("?link=")

    async def use(number: int) -> int:
        words = f"phrase with the number {number} in it"
        fields = {"form": token, "link": secret, "new-password": words, "again": words}
        return (await visitor.client.post(path, data=fields)).status_code

    assert sorted(await asyncio.gather(*map(use, range(5)))) == [303, 410, 410, 410, 410]


@pytest.mark.parametrize(("purpose", "lasts"), [("PASSWORD_RESET", "1 hour"), ("INVITATION", "72 hours")])
async def test_a_link_that_is_over_is_refused(purpose: str, lasts: str, house: House, visitor: Visitor) -> None:
    person = await house.person()
    link = await house.reset_link(visitor, person) if purpose == "PASSWORD_RESET" else await house.invite(person)
    ((left,),) = await house.sql("SELECT expires_at - created_at FROM link WHERE account_id = :id", id=person.id)
    assert left == {"1 hour": timedelta(hours=1), "72 hours": timedelta(hours=72)}[lasts]
    await house.sql("UPDATE link SET expires_at = now() WHERE account_id = :id", id=person.id)
    for answer in (await visitor.get(link), await send(visitor, link)):
        assert (answer.status_code, code_of(answer)) == (410, "LINK_REFUSED")
    assert (await visitor.sign_in(person.email)).status_code == 303


async def test_a_new_link_ends_the_one_before(house: House, visitor: Visitor) -> None:
    person = await house.person()
    first, second = await house.reset_link(visitor, person), await house.reset_link(visitor, person)
    assert code_of(await visitor.get(first)) == "LINK_REFUSED"
    assert code_of(await send(visitor, first)) == "LINK_REFUSED"
    assert (await choose(visitor, second)).status_code == 303


async def test_a_link_serves_its_own_purpose_only(house: House, visitor: Visitor) -> None:
    person = await house.person()
    reset, invitation = await house.reset_link(visitor, person), await house.invite(person)
    for link in (reset.replace(RESET, INVITATION), invitation.replace(INVITATION, RESET)):
        assert code_of(await visitor.get(link)) == "LINK_REFUSED"
        assert code_of(await send(visitor, link)) == "LINK_REFUSED"


@pytest.mark.parametrize("link", ["", "x", "0" * 43, "x" * 900, "%00", "%ff", "\u00e9"])
async def test_a_made_up_link_is_refused(link: str, visitor: Visitor) -> None:
    for page in (RESET, INVITATION):
        answer = await visitor.get(f"{page}?link={link}")
        assert (answer.status_code, code_of(answer)) == (410, "LINK_REFUSED")


async def test_the_link_of_a_disabled_account_is_refused(house: House, visitor: Visitor) -> None:
    person = await house.person()
    link = await house.reset_link(visitor, person)
    await house.sql("UPDATE account SET disabled_at = now() WHERE id = :id", id=person.id)
    assert code_of(await visitor.get(link)) == "LINK_REFUSED"
    assert code_of(await send(visitor, link)) == "LINK_REFUSED"


async def test_a_link_is_kept_as_a_digest_and_stands_in_no_log(
    house: House, visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    person = await house.person()
    link = await house.reset_link(visitor, person)
    await choose(visitor, link)
    secret = link.partition("?link=")[2]
    kept = await house.sql("SELECT to_jsonb(l) FROM link l WHERE account_id = :id", id=person.id)
    said = logged(caplog)
    assert "/auth/reset-password" in said
    for text in (secret, person.email):
        assert text not in said
    assert secret not in str(kept)


# -- asking


async def test_asking_gets_one_answer_whosever_the_address_is_and_only_people_with_a_password_get_a_link(
    house: House, visitor: Visitor
) -> None:
    person, invited = await house.person(), await house.person(None)
    program, disabled = await house.person(None, kind=AccountKind.API_ACCOUNT), await house.person()
    await house.sql("UPDATE account SET disabled_at = now() WHERE id = :id", id=disabled.id)
    others = [invited.email, program.email, disabled.email, "nobody@acme.example", "no address", "k\u212a@x.example"]
    answers = [await visitor.submit(FORGOT, email=email) for email in (*others, person.email)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    await house.mailbox.next(person.email)
    assert house.mailbox.is_empty()
    assert await house.audited(invited.id, 1) == [("PASSWORD_RESET", "DENIED", "NO_PASSWORD")]


async def test_who_asks_too_often_waits_whosever_the_address_is(house: House, visitor: Visitor) -> None:
    person = await house.person()
    texts = []
    for email in (person.email, "nobody.at.all@acme.example"):
        answers = [await visitor.submit(FORGOT, email=email) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [403]
        assert problems_of(answers[-1])[0][1].startswith("There were too many attempts.")
        texts.append(answers[-1].text.replace(email, ""))
    assert texts[0] == texts[1]
    for _ in range(5):
        await house.mailbox.next(person.email)
    assert (await visitor.sign_in(person.email)).status_code == 303


# -- what is chosen


@pytest.mark.parametrize(
    ("password", "again", "field", "said"),
    [
        ("", "", "new-password", "Enter a new password."),
        ("x" * 14, None, "new-password", "Passwords have at least 15 characters."),
        ("x" * 5000, None, "new-password", "Passwords have at most 256 characters."),
        ("\ufdfa" * 20, None, "new-password", "Passwords have at most 256 characters."),
        ("a b c d e f g h\x07", None, "new-password", "Passwords have no control characters."),
        ("passwordpassword", None, "new-password", "common words"),
        ("12345678901234567890", None, "new-password", "common words"),
        ("acme.example-2026", None, "new-password", "others know of you"),
        ("ITCare cegedim 2026", None, "new-password", "others know of you"),
        (NEW, NEW + "x", "again", "This is not the same"),
    ],
)
async def test_a_weak_password_is_refused_with_the_reason_and_the_link_still_serves(
    password: str, again: str | None, field: str, said: str, house: House, visitor: Visitor
) -> None:
    person = await house.person()
    link = await house.invite(person)
    answer = await choose(visitor, link, password, again)
    assert answer.status_code == 422
    ((where, words),) = problems_of(answer)
    assert (where, said in words) == (field, True)
    assert (await choose(visitor, link)).status_code == 303


# -- invitations


async def test_whoever_is_invited_chooses_a_password_and_is_led_on_to_a_second_factor(
    house: House, visitor: Visitor
) -> None:
    person = await house.person(None)
    link = await house.invite(person)
    assert "Step 1 of 2" in (await visitor.get(link)).text
    answer = await choose(visitor, link)
    assert answer.headers["location"] == f"{ACCOUNT}/factors"
    assert "Authenticator app" in (await visitor.get(answer.headers["location"])).text
    assert await visitor.signed_in_as() == person.email
    assert code_of(await visitor.get(link)) == "LINK_REFUSED"
    async with house.visitor() as elsewhere:
        assert (await elsewhere.sign_in(person.email, NEW)).status_code == 303
    assert (await house.audited(person.id))[0] == ("INVITATION", "ALLOWED", None)
