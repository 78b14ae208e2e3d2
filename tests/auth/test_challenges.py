"""Challenges, failures and approvals on a real PostgreSQL, by many who come together."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import NullPool, insert, text
from sqlalchemy.ext.asyncio import create_async_engine

from auth.mfa.approvals import has_approval, operation_digest, request_approval, request_session, spend_approval
from auth.mfa.challenges import Answered, Outcome, answer_challenge, find_challenge
from auth.mfa.enrolment import Confirmation, confirmed_factors, methods_of_account
from auth.mfa.factor import Challenge, Prompt, Verdict
from auth.mfa.recording import MfaEvent, MfaEventKind
from auth.mfa.sealing import SealBroken, SecretSeal
from auth.mfa.totp import Totp, begin_totp, code_at, confirm_totp, step_at
from auth.permissions import Action, MfaBinding
from auth.statements import Fetch
from auth.tables import Account, FactorKind, table
from gateway.postgres import DatabaseUrls
from resolvers.database import Database
from resolvers.transaction import open_transaction
from tests.databases import Databases
from tests.schema.lines import SWITCH_OFF

NOW = datetime(2026, 3, 2, 9, 30, 10, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
SEAL = SecretSeal([bytes(range(32))])
CLOUD = uuid4()
WORDS = "Delete the instance web-01"
APPROVALS = "SELECT count(*) FROM approval WHERE account_id = '{account}'"


class Person:
    """An account with a confirmed authenticator app, and what it does; every call is a transaction of its own."""

    def __init__(self, base: Database, account: UUID, secret: bytes) -> None:
        self.base = base
        self.account = account
        self.secret = secret
        self.looked_at = 0
        self.events: list[MfaEvent] = []

    def code(self, now: datetime, steps: int = 0) -> str:
        return code_at(self.secret, step_at(now) + steps)

    def wrong(self, now: datetime) -> str:
        right = {self.code(now, steps) for steps in range(-2, 3)}
        return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in right)

    async def session(self, now: datetime = NOW) -> UUID:
        async with open_transaction(self.base) as transaction:
            return await request_session(transaction.fetch, self.account, now)

    async def operation(self, digest: bytes, now: datetime = NOW, words: str = WORDS) -> UUID:
        async with open_transaction(self.base) as transaction:
            return await request_approval(
                transaction.fetch, self.account, Action.DELETE_INSTANCE, CLOUD, digest, words, now
            )

    async def answer(self, challenge: UUID, code: str, now: datetime = NOW) -> Answered:
        async with open_transaction(self.base) as transaction:
            return await answer_challenge(transaction.fetch, self.account, challenge, self, code, now, self.record)

    async def find(self, challenge: UUID, now: datetime = NOW) -> Challenge | None:
        async with open_transaction(self.base) as transaction:
            return await find_challenge(transaction.fetch, self.account, challenge, now)

    async def has(self, digest: bytes, now: datetime = NOW) -> bool:
        async with open_transaction(self.base) as transaction:
            return await has_approval(transaction.fetch, self.account, digest, now)

    async def spend(self, digest: bytes, now: datetime = NOW) -> bool:
        async with open_transaction(self.base) as transaction:
            return await spend_approval(transaction.fetch, self.account, digest, now)

    async def record(self, _: Fetch, event: MfaEvent) -> None:
        self.events.append(event)

    # The factor itself, counting how many answers it looks at.
    kind = FactorKind.TOTP
    amr = "otp"
    most_answer = 64

    async def begin(self, fetch: Fetch, challenge: Challenge, now: datetime) -> Prompt:
        return await Totp(SEAL).begin(fetch, challenge, now)

    async def verify(self, fetch: Fetch, challenge: Challenge, answer: str, now: datetime) -> Verdict:
        self.looked_at += 1
        return await Totp(SEAL).verify(fetch, challenge, answer, now)


@pytest.fixture(scope="module", autouse=True)
def without_policies(database: DatabaseUrls, databases: Databases) -> None:
    """Row-level security shows the app's role nothing without a scope, which is set by those who call what is tried."""
    databases.run(SWITCH_OFF, database)


@pytest.fixture
async def base(database: DatabaseUrls) -> AsyncIterator[Database]:
    base = Database(database.app, pool_size=10, statement_seconds=20)
    yield base
    await base.close()


async def new_account(urls: DatabaseUrls) -> UUID:
    account = uuid4()
    async with create_async_engine(urls.owner, poolclass=NullPool).begin() as connection:
        values = Account(id=account, email=f"{account}@acme.example").model_dump()
        await connection.execute(insert(table(Account)), values)
    return account


async def enrol(base: Database, account: UUID, at: datetime, *, is_fresh: bool = False) -> bytes:
    async with open_transaction(base) as transaction:
        begun = await begin_totp(transaction.fetch, SEAL, account, at, is_fresh=is_fresh)
        assert begun
        code = code_at(begun.secret, step_at(at))
        outcome = await confirm_totp(transaction.fetch, SEAL, account, begun.factor_id, code, at, is_fresh=is_fresh)
        assert outcome == (Confirmation.CONFIRMED, timedelta(0))
    return begun.secret


@pytest.fixture
async def person(base: Database, database: DatabaseUrls) -> Person:
    account = await new_account(database)
    return Person(base, account, await enrol(base, account, NOW - HOUR))


def digest(name: str = "web-01", account: UUID | None = None) -> bytes:
    return operation_digest(account or UUID(int=1), Action.DELETE_INSTANCE, CLOUD, {"name": name})


async def test_the_right_code_is_accepted_and_completes_the_challenge(person: Person) -> None:
    challenge = await person.session()
    answered = await person.answer(challenge, person.code(NOW))
    assert answered.outcome is Outcome.ACCEPTED
    assert answered.challenge
    assert answered.challenge.kind is MfaBinding.SESSION
    assert await person.find(challenge) is None
    assert (await person.answer(challenge, person.code(NOW, 1))).outcome is Outcome.REFUSED


async def test_a_code_works_once(person: Person) -> None:
    assert (await person.answer(await person.session(), person.code(NOW))).outcome is Outcome.ACCEPTED
    again = await person.session()
    assert (await person.answer(again, person.code(NOW))).outcome is Outcome.REFUSED
    assert (await person.answer(again, person.code(NOW, -1))).outcome is Outcome.REFUSED
    later = NOW + 30 * SECOND
    assert (await person.answer(again, person.code(later), later)).outcome is Outcome.ACCEPTED


async def test_of_many_who_present_one_code_to_two_challenges_one_is_accepted(person: Person) -> None:
    challenges = [await person.session(), await person.operation(digest())]
    answers = await asyncio.gather(*(person.answer(challenges[n % 2], person.code(NOW)) for n in range(8)))
    assert Counter(answer.outcome for answer in answers)[Outcome.ACCEPTED] == 1


@pytest.mark.parametrize(("steps", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_clocks_may_be_a_step_apart(person: Person, steps: int, accepted: bool) -> None:
    answered = await person.answer(await person.session(), person.code(NOW, steps))
    assert (answered.outcome is Outcome.ACCEPTED) is accepted


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "-12345", "1234.5", "0" * 64])
async def test_what_is_no_code_is_refused(person: Person, code: str) -> None:
    assert (await person.answer(await person.session(), code)).outcome is Outcome.REFUSED


async def test_a_code_may_be_written_with_a_space(person: Person) -> None:
    code = person.code(NOW)
    answered = await person.answer(await person.session(), f"{code[:3]} {code[3:]}")
    assert answered.outcome is Outcome.ACCEPTED


async def test_of_fifty_guesses_made_together_at_a_challenge_five_are_looked_at(person: Person) -> None:
    challenge = await person.session()
    answers = await asyncio.gather(*(person.answer(challenge, person.wrong(NOW)) for _ in range(50)))
    assert {answer.outcome for answer in answers} == {Outcome.REFUSED}
    assert person.looked_at == 5
    assert (await person.answer(challenge, person.code(NOW))).outcome is Outcome.REFUSED
    assert person.looked_at == 5


async def test_of_fifty_guesses_made_together_over_challenges_ten_are_looked_at_in_an_hour(person: Person) -> None:
    async def guess() -> Answered:
        return await person.answer(await person.session(), person.wrong(NOW))

    for _ in range(3):
        await asyncio.gather(*(guess() for _ in range(50)))
    assert person.looked_at == 10
    limited = await person.answer(await person.session(), person.code(NOW))
    assert (limited.outcome, limited.wait) == (Outcome.RATE_LIMITED, HOUR)
    later = NOW + HOUR - SECOND
    assert (await person.answer(await person.session(later), person.code(later), later)).wait == SECOND
    later = NOW + HOUR
    assert (await person.answer(await person.session(later), person.code(later), later)).outcome is Outcome.ACCEPTED


async def test_no_hour_holds_more_than_ten_failures_wherever_it_begins(person: Person) -> None:
    looked_at: list[datetime] = []
    for minute in range(0, 180, 4):
        now, before = NOW + minute * MINUTE, person.looked_at
        await person.answer(await person.session(now), person.wrong(now), now)
        looked_at += [now] * (person.looked_at - before)
    assert len(looked_at) == 30
    assert all(later - first >= HOUR for first, later in zip(looked_at, looked_at[10:], strict=False))


async def test_a_right_code_is_no_failure(person: Person) -> None:
    for step in range(30):
        now = NOW + step * MINUTE
        assert (await person.answer(await person.session(now), person.code(now), now)).outcome is Outcome.ACCEPTED


async def test_what_names_no_challenge_is_no_failure_and_is_not_looked_at(person: Person) -> None:
    for _ in range(20):
        assert (await person.answer(uuid4(), person.code(NOW))).outcome is Outcome.REFUSED
    assert person.looked_at == 0
    assert (await person.answer(await person.session(), person.code(NOW))).outcome is Outcome.ACCEPTED


async def test_anothers_challenge_cannot_be_found_or_answered(
    person: Person, base: Database, database: DatabaseUrls
) -> None:
    account = await new_account(database)
    other = Person(base, account, await enrol(base, account, NOW - HOUR))
    challenge = await other.session()
    assert await person.find(challenge) is None
    assert await person.answer(challenge, person.code(NOW)) == await person.answer(uuid4(), person.code(NOW))
    assert person.looked_at == 0
    found = await other.find(challenge)
    assert found
    assert found.tries_left == 5


async def test_a_challenge_ends_after_five_minutes(person: Person) -> None:
    challenge = await person.session()
    assert await person.find(challenge, NOW + 5 * MINUTE - SECOND)
    over = NOW + 5 * MINUTE
    assert await person.find(challenge, over) is None
    assert (await person.answer(challenge, person.code(over), over)).outcome is Outcome.REFUSED
    assert person.looked_at == 0


async def test_asking_again_gives_the_challenge_that_is_open(person: Person) -> None:
    first = await asyncio.gather(*(person.operation(digest()) for _ in range(20)))
    assert len(set(first)) == 1
    await person.answer(first[0], person.wrong(NOW))
    assert await person.operation(digest(), NOW + 3 * MINUTE) == first[0]
    found = await person.find(first[0])
    assert found
    assert found.tries_left == 4
    assert await person.operation(digest(), NOW + 4 * MINUTE) != first[0]


async def test_the_newest_challenge_takes_the_place_of_another_operations(person: Person) -> None:
    session = await person.session()
    first = await person.operation(digest("web-01"))
    second = await person.operation(digest("web-02"))
    assert await person.find(first) is None
    assert (await person.answer(first, person.code(NOW))).outcome is Outcome.REFUSED
    assert await person.find(second)
    assert await person.find(session)


async def test_words_are_shown_without_what_makes_them_read_otherwise(person: Person) -> None:
    found = await person.find(await person.operation(digest(), words="Delete \u202e10-bew\n and more" + "x" * 3000))
    assert found
    assert found.words.startswith("Delete \ufffd10-bew\ufffd and more")
    assert len(found.words) == 2000


async def test_an_operation_that_was_approved_can_be_spent_once(person: Person) -> None:
    challenge = await person.operation(digest())
    assert not await person.has(digest())
    assert not await person.spend(digest())
    assert (await person.answer(challenge, person.code(NOW))).outcome is Outcome.ACCEPTED
    assert await person.has(digest())
    assert not await person.has(digest("web-02"))
    spent = await asyncio.gather(*(person.spend(digest()) for _ in range(50)))
    assert Counter(spent) == {True: 1, False: 49}
    assert not await person.has(digest())


async def test_a_session_challenge_approves_nothing(
    person: Person, databases: Databases, database: DatabaseUrls
) -> None:
    await person.answer(await person.session(), person.code(NOW))
    assert databases.run(APPROVALS.format(account=person.account), database) == "0"


async def test_what_is_spent_by_a_command_that_fails_is_there_again(person: Person) -> None:
    await person.answer(await person.operation(digest()), person.code(NOW))

    async def fail() -> None:
        async with open_transaction(person.base) as transaction:
            assert await spend_approval(transaction.fetch, person.account, digest(), NOW)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await person.spend(digest())


async def test_an_approval_is_anothers_for_nobody(person: Person, base: Database, database: DatabaseUrls) -> None:
    await person.answer(await person.operation(digest()), person.code(NOW))
    other = Person(base, await new_account(database), b"")
    assert not await other.has(digest())
    assert not await other.spend(digest())


@pytest.mark.parametrize(("seconds", "usable"), [(-31, False), (-30, True), (300, True), (301, False)])
async def test_an_approval_serves_for_five_minutes(person: Person, seconds: int, usable: bool) -> None:
    await person.answer(await person.operation(digest()), person.code(NOW))
    later = NOW + seconds * SECOND
    assert await person.has(digest(), later) is usable
    assert await person.spend(digest(), later) is usable


async def test_what_was_spent_can_be_approved_and_spent_again(person: Person) -> None:
    await person.answer(await person.operation(digest()), person.code(NOW))
    assert await person.spend(digest())
    later = NOW + MINUTE
    await person.answer(await person.operation(digest(), later), person.code(later), later)
    assert await person.spend(digest(), later)
    assert not await person.spend(digest(), later)


async def test_approvals_are_forgotten_after_a_day(
    person: Person, databases: Databases, database: DatabaseUrls
) -> None:
    for day in range(3):
        now = NOW + timedelta(days=day, minutes=day)
        await person.answer(await person.operation(digest(f"web-{day}"), now), person.code(now), now)
    assert databases.run(APPROVALS.format(account=person.account), database) == "1"


async def test_every_outcome_is_told_to_who_keeps_a_record(person: Person) -> None:
    challenge = await person.session()
    await person.answer(challenge, person.wrong(NOW))
    await person.answer(uuid4(), person.wrong(NOW))
    await person.answer(challenge, person.code(NOW))
    assert [(event.kind, event.challenge is not None) for event in person.events] == [
        (MfaEventKind.CHALLENGE_REFUSED, True),
        (MfaEventKind.CHALLENGE_REFUSED, False),
        (MfaEventKind.CHALLENGE_ACCEPTED, True),
    ]
    assert {(event.account_id, event.method) for event in person.events} == {(person.account, FactorKind.TOTP)}


async def test_no_table_holds_a_code_or_a_secret_as_it_is(person: Person, database: DatabaseUrls) -> None:
    code = person.code(NOW)
    await person.answer(await person.operation(digest()), code)
    async with create_async_engine(database.owner, poolclass=NullPool).begin() as connection:
        held = b""
        for name in ("factor", "mfa_challenge", "approval", "mfa_failures"):
            rows = await connection.execute(text(f"SELECT * FROM {name} WHERE account_id = '{person.account}'"))  # noqa: S608
            for row in rows:
                held += b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    assert held
    assert person.secret not in held
    assert code.encode() not in held


# -- setting up


async def test_setting_up_and_replacing_are_told_to_who_keeps_a_record(person: Person) -> None:
    for is_fresh, now in ((False, NOW), (True, NOW)):
        async with open_transaction(person.base) as transaction:
            fetch = transaction.fetch
            begun = await begin_totp(fetch, SEAL, person.account, now, is_fresh=is_fresh, record=person.record)
            if begun is None:
                continue
            for code in ("", code_at(begun.secret, step_at(now))):
                await confirm_totp(
                    fetch, SEAL, person.account, begun.factor_id, code, now, is_fresh=True, record=person.record
                )
    assert [event.kind for event in person.events] == [
        MfaEventKind.ENROLMENT_BEGUN,
        MfaEventKind.ENROLMENT_REFUSED,
        MfaEventKind.FACTOR_REPLACED,
    ]


async def test_a_factor_is_replaced_only_by_who_has_shown_it(person: Person) -> None:
    async with open_transaction(person.base) as transaction:
        assert await begin_totp(transaction.fetch, SEAL, person.account, NOW, is_fresh=False) is None
        (before,) = await confirmed_factors(transaction.fetch, person.account)
    secret = await enrol(person.base, person.account, NOW, is_fresh=True)
    assert secret != person.secret
    async with open_transaction(person.base) as transaction:
        (after,) = await confirmed_factors(transaction.fetch, person.account)
        assert await methods_of_account(transaction.fetch, person.account, NOW) == (FactorKind.TOTP,)
    assert after.id != before.id
    later = NOW + MINUTE
    challenge = await person.session(later)
    assert (await person.answer(challenge, person.code(later), later)).outcome is Outcome.REFUSED
    assert (await person.answer(challenge, code_at(secret, step_at(later)), later)).outcome is Outcome.ACCEPTED


async def test_an_enrolment_that_was_begun_before_there_was_a_factor_replaces_none(
    base: Database, database: DatabaseUrls
) -> None:
    account = await new_account(database)
    async with open_transaction(base) as transaction:
        stolen = await begin_totp(transaction.fetch, SEAL, account, NOW, is_fresh=False)
    assert stolen
    await enrol(base, account, NOW)
    async with open_transaction(base) as transaction:
        code = code_at(stolen.secret, step_at(NOW))
        outcome, _ = await confirm_totp(transaction.fetch, SEAL, account, stolen.factor_id, code, NOW, is_fresh=False)
    assert outcome is Confirmation.FRESH_FACTOR_REQUIRED


async def test_of_many_who_confirm_together_one_does(base: Database, database: DatabaseUrls) -> None:
    account = await new_account(database)
    async with open_transaction(base) as transaction:
        begun = await begin_totp(transaction.fetch, SEAL, account, NOW, is_fresh=False)
    assert begun
    code = code_at(begun.secret, step_at(NOW))

    async def confirm() -> Confirmation:
        async with open_transaction(base) as transaction:
            return (await confirm_totp(transaction.fetch, SEAL, account, begun.factor_id, code, NOW, is_fresh=False))[0]

    outcomes = await asyncio.gather(*(confirm() for _ in range(20)))
    assert Counter(outcomes) == {Confirmation.CONFIRMED: 1, Confirmation.FRESH_FACTOR_REQUIRED: 19}


async def test_wrong_codes_while_setting_up_are_failures_too(base: Database, database: DatabaseUrls) -> None:
    account = await new_account(database)
    async with open_transaction(base) as transaction:
        begun = await begin_totp(transaction.fetch, SEAL, account, NOW, is_fresh=False)
    assert begun
    outcomes = []
    for _ in range(11):
        async with open_transaction(base) as transaction:
            outcomes.append(
                await confirm_totp(transaction.fetch, SEAL, account, begun.factor_id, "", NOW, is_fresh=False)
            )
    assert outcomes == [(Confirmation.REFUSED, timedelta(0))] * 10 + [(Confirmation.RATE_LIMITED, HOUR)]


async def test_an_enrolment_lasts_a_quarter_of_an_hour(base: Database, database: DatabaseUrls) -> None:
    account, later = await new_account(database), NOW + 15 * MINUTE
    async with open_transaction(base) as transaction:
        begun = await begin_totp(transaction.fetch, SEAL, account, NOW, is_fresh=False)
        assert begun
        code = code_at(begun.secret, step_at(later))
        outcome, _ = await confirm_totp(transaction.fetch, SEAL, account, begun.factor_id, code, later, is_fresh=False)
    assert outcome is Confirmation.REFUSED


async def test_a_secret_that_was_put_into_the_database_without_the_key_is_a_fault(person: Person) -> None:
    class WithAnotherKey(Person):
        async def verify(self, fetch: Fetch, challenge: Challenge, answer: str, now: datetime) -> Verdict:
            return await Totp(SecretSeal([bytes(32)])).verify(fetch, challenge, answer, now)

    other = WithAnotherKey(person.base, person.account, person.secret)
    with pytest.raises(SealBroken):
        await other.answer(await other.session(), other.code(NOW))
