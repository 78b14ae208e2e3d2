"""Phone calls: the screen shows six digits, the call says what is approved, and the person presses the digits.

That a call is answered says nothing: an answering machine answers, too. Numbers are of countries that are listed, and
of kinds that people carry or have on their desk: what a call costs is not for who asks for it to decide.
"""

import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from sqlalchemy import bindparam, select

from auth.errors import BadUserInput
from auth.mfa.challenges import Outcome
from auth.mfa.deliveries import (
    Delivered,
    answer_delivery,
    count_sending,
    deliver,
    deliver_to_enrol,
    verdict_on,
)
from auth.mfa.enrolment import Confirmation, Enrolment, begin_enrolment, confirm_enrolment
from auth.mfa.errors import TooManySendings
from auth.mfa.factor import Challenge, Prompt, Verdict
from auth.mfa.recording import Record, record_nothing
from auth.mfa.sealing import SecretSeal
from auth.mfa.usable import usable
from auth.statements import Fetch, Statement
from auth.tables import Factor, FactorKind, table

MOST_CALLS: Final = 3
WITHIN: Final = timedelta(hours=1)
BLOCKED_FOR: Final = timedelta(hours=1)
"""How long nobody is called after they said that it was not them."""
DIGITS: Final = 6
MOST_NUMBER: Final = 40
KINDS: Final = frozenset(
    {PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.VOIP}
)

# The library also reads letters, extensions and addresses.
_WRITTEN: Final = re.compile(rf"\+[0-9 ().-]{{1,{MOST_NUMBER - 1}}}", re.ASCII)
_PRESSED: Final = re.compile(rf"[0-9]{{{DIGITS}}}", re.ASCII)
FACTOR = table(Factor)
NUMBERS = Statement(
    select(FACTOR.c.id, FACTOR.c.secret)
    .where(FACTOR.c.account_id == bindparam("of_account"), FACTOR.c.kind == FactorKind.PHONE.value, usable())
    .order_by(FACTOR.c.confirmed_at, FACTOR.c.id)
)


class Voice(Protocol):
    """What places calls."""

    async def call(self, number: str, secret: str, *, is_enrolment: bool) -> None:
        """Call a number; what is to be said is asked for by the secret of the delivery."""
        ...


class Phone:
    """The factor of telephones."""

    kind = FactorKind.PHONE
    amr = "tel"
    most_answer = 0

    def __init__(self, seal: SecretSeal, voice: Voice) -> None:
        self._seal = seal
        self._voice = voice

    async def begin(self, fetch: Fetch, challenge: Challenge, now: datetime) -> Prompt:
        """Have the person called; the digits are shown on the screen, and never said."""
        rows = await fetch(NUMBERS, {"of_account": challenge.account_id, "at": now})
        if not rows:
            return Prompt("No telephone serves this account now; choose another method.")
        await count_call(fetch, challenge.account_id, now)
        number = self._seal.open(rows[0]["id"], rows[0]["secret"]).decode()
        digits = new_digits()
        secret = await deliver(fetch, self._seal, challenge, self.kind, digits.encode(), now, factor_id=rows[0]["id"])
        return Prompt(
            f"We call your {label_of(number)[0].lower()}{label_of(number)[1:]}. Listen to what is approved, then press"
            " the 6 digits that are shown here. If you did not ask for this, press the star key and hang up.",
            display=digits,
            send=_calling(self._voice, number, secret, is_enrolment=False),
        )

    async def verify(self, fetch: Fetch, challenge: Challenge, answer: str, now: datetime) -> Verdict:
        """Say what the person has pressed."""
        return await verdict_on(fetch, challenge, self.kind)


@dataclass(frozen=True, slots=True)
class PhoneEnrolment:
    """A telephone that is being set up: who answers it is told a code, which they type on the screen."""

    begun: Enrolment
    label: str
    send: Callable[[], Awaitable[None]]


def read_number(text: str, countries: Collection[str]) -> str:
    """Read a number as people write it, with its country's code, as E.164.

    Raises:
        BadUserInput: it is none, or of a country or a kind that is not called.
    """
    number = None
    if _WRITTEN.fullmatch(text):
        with suppress(phonenumbers.NumberParseException):
            number = phonenumbers.parse(text)
    if number is None:
        raise BadUserInput("Write the number with its country's code: +33 1 23 45 67 89.", argument="number")
    if not phonenumbers.is_valid_number(number):
        raise BadUserInput("There is no such telephone number.", argument="number")
    is_listed = phonenumbers.region_code_for_number(number) in countries
    if not is_listed or phonenumbers.number_type(number) not in KINDS:
        raise BadUserInput("Numbers of this country, or of this kind, are not called.", argument="number")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def label_of(number: str) -> str:
    """Say which telephone it is, to who knows it."""
    return f"Telephone ending in {number[-2:]}"


async def begin_phone(
    fetch: Fetch,
    seal: SecretSeal,
    voice: Voice,
    account_id: UUID,
    number: str,
    now: datetime,
    *,
    is_fresh: bool,
    record: Record = record_nothing,
) -> PhoneEnrolment | None:
    """Have a new number called; None if there is no right to set one up. Raises TooManySendings."""
    code = new_digits()
    label = label_of(number)
    begun = await begin_enrolment(
        fetch,
        account_id,
        FactorKind.PHONE,
        label,
        lambda factor_id: seal.seal(factor_id, f"{code}{number}".encode()),
        now,
        is_fresh=is_fresh,
        record=record,
    )
    if begun is None:
        return None
    await count_call(fetch, account_id, now)
    secret = await deliver_to_enrol(fetch, seal, account_id, begun.factor_id, FactorKind.PHONE, code.encode(), now)
    return PhoneEnrolment(begun, label, _calling(voice, number, secret, is_enrolment=True))


async def confirm_phone(
    fetch: Fetch,
    seal: SecretSeal,
    account_id: UUID,
    factor_id: UUID,
    code: str,
    now: datetime,
    *,
    is_fresh: bool,
    record: Record = record_nothing,
) -> tuple[Confirmation, timedelta]:
    """Confirm a telephone with the code that was told to who answered it. Gives also how long to wait, if so."""

    async def check(factor_id: UUID, sealed: bytes) -> bytes | None:
        told = seal.open(factor_id, sealed).decode()
        if not is_right(code, told[:DIGITS]):
            return None
        return seal.seal(factor_id, told[DIGITS:].encode())

    return await confirm_enrolment(
        fetch, account_id, factor_id, FactorKind.PHONE, check, now, is_fresh=is_fresh, record=record
    )


async def press(
    fetch: Fetch, delivered: Delivered, pressed: str, now: datetime, record: Record = record_nothing
) -> Outcome:
    """Look at what was pressed on the telephone."""

    async def check(delivered: Delivered) -> bool:
        return is_right(pressed, delivered.expected.decode())

    return await answer_delivery(fetch, delivered, check, now, record)


async def count_call(fetch: Fetch, account_id: UUID, now: datetime) -> None:
    """Count a call before it goes out; raises TooManySendings."""
    wait = await count_sending(fetch, account_id, FactorKind.PHONE, now, most=MOST_CALLS, within=WITHIN)
    if wait is not None:
        raise TooManySendings(FactorKind.PHONE, wait)


def new_digits() -> str:
    """Draw digits."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def is_right(given: str, expected: str) -> bool:
    """Compare digits, whatever was given, in a time that tells nothing of them."""
    given = given.replace(" ", "")
    return _PRESSED.fullmatch(given) is not None and hmac.compare_digest(given, expected)


def _calling(voice: Voice, number: str, secret: str, *, is_enrolment: bool) -> Callable[[], Awaitable[None]]:
    async def send() -> None:
        await voice.call(number, secret, is_enrolment=is_enrolment)

    return send
