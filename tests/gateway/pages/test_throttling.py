"""Guessing over real HTTP: the more fails, the longer it waits; strangers keep nobody out of their own browser."""

import statistics
from collections import Counter
from time import perf_counter

import httpx
import pytest

from auth.identity.throttling import WITH_ACCOUNT, WITH_ADDRESS, WITH_DEVICE
from tests.gateway.pages.visiting import PASSWORD, SIGN_IN, WRONG, House, Visitor, problems_of

WAIT = "There were too many attempts."


def waits(answer: httpx.Response) -> bool:
    """Whether the page says that an attempt was not looked at."""
    assert answer.status_code in {303, 403}
    return any(words.startswith(WAIT) for _, words in problems_of(answer))


async def later(house: House) -> None:
    """Let a quarter of an hour go by."""
    await house.sql("UPDATE sign_in_failures SET failed_at = ARRAY(SELECT unnest(failed_at) - interval '15 min')")


async def test_strangers_who_guess_wait_and_the_person_signs_in_with_their_own_browser(
    house: House, visitor: Visitor
) -> None:
    person = await house.person()
    await visitor.sign_in(person.email)
    for number in range(4 * WITH_ACCOUNT.free):
        async with house.visitor(f"10.66.{number}.1") as stranger:
            answer = await stranger.sign_in(person.email, WRONG)
            assert waits(answer) == (number >= WITH_ACCOUNT.free)
    async with house.visitor("10.67.0.1") as stranger:
        assert waits(await stranger.sign_in(person.email, PASSWORD))
    assert (await visitor.sign_in(person.email)).status_code == 303
    await later(house)
    async with house.visitor("10.67.0.1") as stranger:
        assert (await stranger.sign_in(person.email, PASSWORD)).status_code == 303


async def test_an_answer_that_waits_is_the_same_whosever_the_address_is(house: House, visitor: Visitor) -> None:
    person = await house.person()
    pages = []
    for email in (person.email, "nobody.known@acme.example"):
        for number in range(WITH_ACCOUNT.free):
            async with house.visitor(f"10.68.{number}.1") as stranger:
                assert not waits(await stranger.sign_in(email, WRONG))
        async with house.visitor("10.68.99.1") as stranger:
            answer = await stranger.sign_in(email, WRONG)
            assert waits(answer)
            token = stranger.client.cookies["itcare-form"]
            pages.append((answer.status_code, answer.text.replace(email, "").replace(token, "")))
    shapes = {(status, len(text)) for status, text in pages}
    assert len(shapes) == 1
    codes = Counter(code for _, _, code in await house.audited(person.id, WITH_ACCOUNT.free + 1))
    assert codes == {"WRONG_PASSWORD": WITH_ACCOUNT.free, "RATE_LIMITED": 1}


async def test_one_address_that_tries_many_accounts_waits_and_others_do_not(house: House, visitor: Visitor) -> None:
    person = await house.person()
    for number in range(WITH_ADDRESS.free):
        assert not waits(await visitor.sign_in(f"somebody{number}@acme.example", WRONG))
    assert waits(await visitor.sign_in(person.email))
    async with house.visitor("10.69.0.1") as elsewhere:
        assert (await elsewhere.sign_in(person.email)).status_code == 303


async def test_addresses_of_one_ipv6_network_are_one(house: House) -> None:
    person = await house.person()
    for number in range(WITH_ADDRESS.free):
        async with house.visitor(f"2001:db8:7:7:{number:x}::1") as visitor:
            await visitor.sign_in(f"v6-{number}@acme.example", WRONG)
    async with house.visitor("2001:db8:7:7:ffff::1") as same, house.visitor("2001:db8:7:8::1") as other:
        assert waits(await same.sign_in(person.email))
        assert (await other.sign_in(person.email)).status_code == 303


async def test_a_known_browser_that_guesses_waits_too(house: House, visitor: Visitor) -> None:
    person = await house.person()
    await visitor.sign_in(person.email)
    for _ in range(WITH_DEVICE.free):
        assert not waits(await visitor.sign_in(person.email, WRONG))
    assert waits(await visitor.sign_in(person.email))


async def test_a_browser_is_known_of_the_account_that_signed_in_with_it_and_of_no_other(
    house: House, visitor: Visitor
) -> None:
    thief, victim = await house.person(), await house.person()
    await visitor.sign_in(thief.email)
    for _ in range(WITH_ACCOUNT.free):
        assert not waits(await visitor.sign_in(victim.email, WRONG))
    assert waits(await visitor.sign_in(victim.email))


async def test_the_right_password_is_not_counted(house: House, visitor: Visitor) -> None:
    person, failed = await house.person(), "SELECT sum(cardinality(failed_at)) FROM sign_in_failures"
    before = await house.sql(failed)
    for number in range(WITH_ACCOUNT.free + 3):
        async with house.visitor(f"10.70.{number}.1") as browser:
            assert (await browser.sign_in(person.email)).status_code == 303
    assert await house.sql(failed) == before


async def test_what_a_client_says_of_its_address_is_believed_from_a_trusted_proxy_only(house: House) -> None:
    for number in range(WITH_ADDRESS.free):
        # What stands before the last hop is the client's own to write.
        async with house.visitor(f"10.71.{number}.1, 10.71.200.1") as visitor:
            await visitor.sign_in(f"hop{number}@acme.example", WRONG)
    async with house.visitor("10.71.99.1, 10.71.200.1") as visitor:
        assert waits(await visitor.sign_in("one.more@acme.example", WRONG))


async def test_who_chooses_a_new_password_is_not_kept_out_by_strangers(house: House, visitor: Visitor) -> None:
    person = await house.person()
    for number in range(WITH_ACCOUNT.free + 1):
        async with house.visitor(f"10.72.{number}.1") as stranger:
            await stranger.sign_in(person.email, WRONG)
    assert waits(await visitor.sign_in(person.email))
    link = await house.reset_link(visitor, person)
    secret, words = link.partition("?link=")[2], "an entirely new phrase of ours"
    fields = {"link": secret, "new-password": words, "again": words}
    assert (await visitor.submit("/auth/reset-password", page=link, headers=None, **fields)).status_code == 303
    assert (await visitor.sign_in(person.email, words)).status_code == 303


async def test_no_address_is_kept_of_who_failed(house: House, visitor: Visitor) -> None:
    await visitor.sign_in("kept.nowhere@acme.example", WRONG)
    rows = await house.sql("SELECT to_jsonb(f) FROM sign_in_failures f")
    assert rows
    assert "acme" not in str(rows)
    assert {len(key) for (key,) in await house.sql("SELECT key FROM sign_in_failures")} == {32}
    tables = await house.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    for (name,) in tables:
        for (row,) in await house.sql(f"SELECT t::text FROM {name} t"):  # noqa: S608 - our tables
            assert "kept.nowhere" not in row


@pytest.mark.long
async def test_how_long_an_answer_takes_does_not_tell_who_has_an_account(house: House, visitor: Visitor) -> None:
    person = await house.person()
    token = await visitor.token()
    took: dict[str, list[float]] = {person.email: [], "nobody.timed@acme.example": []}
    tries = 1000
    for number in range(tries):
        for email, times in sorted(took.items(), reverse=bool(number % 2)):
            # So that none is refused for its number.
            await house.sql("DELETE FROM sign_in_failures")
            started = perf_counter()
            answer = await visitor.client.post(SIGN_IN, data={"form": token, "email": email, "password": WRONG})
            times.append(perf_counter() - started)
            assert not waits(answer)
    known, unknown = (statistics.median(times) for times in took.values())
    # The medians of halves of the same say what is noise.
    noise = max(abs(statistics.median(times[::2]) - statistics.median(times[1::2])) for times in took.values())
    assert abs(known - unknown) < max(3 * noise, 0.03 * known), (known, unknown, noise)
