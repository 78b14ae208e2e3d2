"""Notifications to a person's own device: it shows what is asked for, takes the screen's digits, and signs them.

The notification only wakes the device, and tells nothing that answers anything. The device then asks what is waiting
(`find_device`, `hand_over`), which it is told by a signature alone, and gets the secret that names the delivery. So it
is the same whether a notification arrived or the page was opened by hand.

Who is asked again and again says yes in the end. Therefore one challenge waits at a time, five notifications go out in
a quarter of an hour, nothing is approved without the digits of the screen, and "this was not me" ends all of it.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update

from auth.errors import MfaEnrolmentRequired
from auth.identity.secrets import digest_of, new_secret
from auth.mfa.challenges import Outcome, find_challenge
from auth.mfa.deliveries import (
    DELIVERY,
    Delivered,
    answer_delivery,
    count_sending,
    deliver,
    refuse_delivery,
    verdict_on,
)
from auth.mfa.devices import Device, Subscription, answer_text, enrolment_text, has_signed
from auth.mfa.enrolment import Confirmation, begin_enrolment, confirm_enrolment
from auth.mfa.errors import DeviceGone, TooManySendings
from auth.mfa.factor import Challenge, Prompt, Verdict
from auth.mfa.recording import MfaEvent, MfaEventKind, Record, record_nothing
from auth.mfa.sealing import SecretSeal
from auth.mfa.usable import usable
from auth.statements import Fetch, Statement
from auth.tables import Factor, FactorKind, table

MOST_NOTIFICATIONS: Final = 5
WITHIN: Final = timedelta(minutes=15)
BLOCKED_FOR: Final = timedelta(minutes=15)
"""How long a device is asked nothing after the person has said that it was not them."""
MOST_WORDS: Final = 120
"""Characters of the words that a notification shows; the page shows all of them."""

FACTOR = table(Factor)
_OF_ACCOUNT = FACTOR.c.account_id == bindparam("of_account")
_IS_PUSH = FACTOR.c.kind == FactorKind.PUSH.value
USABLE = Statement(
    select(FACTOR.c.id, FACTOR.c.label, FACTOR.c.secret)
    .where(_OF_ACCOUNT, _IS_PUSH, usable())
    .order_by(FACTOR.c.confirmed_at.desc(), FACTOR.c.id.desc())
    .limit(1)
)
ONE = Statement(select(FACTOR.c.secret).where(_OF_ACCOUNT, _IS_PUSH, FACTOR.c.id == bindparam("of_factor"), usable()))
# Unless it was changed meanwhile.
KEEP = Statement(
    update(FACTOR)
    .where(_OF_ACCOUNT, FACTOR.c.id == bindparam("of_factor"), FACTOR.c.secret == bindparam("before"))
    .values(secret=bindparam("sealed"))
)

_OF_DELIVERY = (
    DELIVERY.c.account_id == bindparam("of_account"),
    DELIVERY.c.kind == FactorKind.PUSH.value,
)
_IS_WAITING = (
    DELIVERY.c.factor_id == bindparam("of_factor"),
    DELIVERY.c.confirmed_at.is_(None),
    DELIVERY.c.refused_at.is_(None),
)
WAITING = Statement(
    select(DELIVERY.c.challenge_id)
    .where(*_OF_DELIVERY, *_IS_WAITING)
    .order_by(DELIVERY.c.sent_at.desc(), DELIVERY.c.challenge_id)
    .limit(1)
)
HAND_OVER = Statement(
    update(DELIVERY)
    .where(*_OF_DELIVERY, *_IS_WAITING, DELIVERY.c.challenge_id == bindparam("of_challenge"))
    .values(digest=bindparam("new_digest"))
    .returning(DELIVERY.c.challenge_id)
)
DROP_OTHERS = Statement(delete(DELIVERY).where(*_OF_DELIVERY, DELIVERY.c.challenge_id != bindparam("of_challenge")))


@dataclass(frozen=True, slots=True)
class Notification:
    """What wakes a device: whose it is, where, and the beginning of the words, until the challenge is over."""

    account_id: UUID
    factor_id: UUID
    subscription: Subscription
    words: str
    expires_at: datetime


Notify = Callable[[Notification], None]
"""Sends a notification, soon; never waits, never raises."""


class Push:
    """The factor of devices; `seal` is what their subscriptions and keys are sealed with."""

    kind = FactorKind.PUSH
    amr = "swk"
    most_answer = 0

    def __init__(self, seal: SecretSeal, notify: Notify) -> None:
        self._seal = seal
        self._notify = notify

    async def begin(self, fetch: Fetch, challenge: Challenge, now: datetime) -> Prompt:
        """Draw the digits that the screen shows, and wake the device, in the place of whatever it was asked before."""
        account_id = challenge.account_id
        rows = await fetch(USABLE, {"of_account": account_id, "at": now})
        if not rows:
            raise MfaEnrolmentRequired
        factor_id, label = rows[0]["id"], rows[0]["label"]
        device = Device.read(self._seal.open(factor_id, rows[0]["secret"]))
        if device.is_gone:
            raise DeviceGone(label)
        wait = await count_sending(fetch, account_id, self.kind, now, most=MOST_NOTIFICATIONS, within=WITHIN)
        if wait is not None:
            raise TooManySendings(self.kind, wait)
        digits = f"{secrets.randbelow(1_000_000):06}"
        # Nobody is told the secret that this gives: the device gets one of its own when it asks.
        await deliver(fetch, self._seal, challenge, self.kind, digits.encode(), now, factor_id=factor_id)
        await fetch(DROP_OTHERS, {"of_account": account_id, "of_challenge": challenge.id})
        notification = Notification(
            account_id, factor_id, device.subscription, shortened(challenge.words), challenge.expires_at
        )

        async def send() -> None:
            self._notify(notification)

        instructions = (
            f"Open the notification on your device “{label}”, or the page that you set it up with. Read there what you"
            " are asked to approve, and enter these 6 digits."
        )
        return Prompt(instructions, display=digits, send=send)

    async def verify(self, fetch: Fetch, challenge: Challenge, answer: str, now: datetime) -> Verdict:
        """Say what the person has answered on the device."""
        return await verdict_on(fetch, challenge, self.kind)


# -- what a device does


@dataclass(frozen=True, slots=True)
class Question:
    """What a device shows, and the secret by which it answers."""

    challenge: Challenge
    secret: str


async def find_device(
    fetch: Fetch, seal: SecretSeal, account_id: UUID, factor_id: UUID, now: datetime
) -> Device | None:
    """Give a device that serves now; None if there is none."""
    rows = await fetch(ONE, {"of_account": account_id, "of_factor": factor_id, "at": now})
    return Device.read(seal.open(factor_id, rows[0]["secret"])) if rows else None


async def hand_over(fetch: Fetch, account_id: UUID, factor_id: UUID, now: datetime) -> Question | None:
    """Give a device what is waiting for it, under a new secret: the one before answers nothing any more."""
    of = {"of_account": account_id, "of_factor": factor_id}
    rows = await fetch(WAITING, of)
    challenge = await find_challenge(fetch, account_id, rows[0]["challenge_id"], now) if rows else None
    if challenge is None:
        return None
    secret = new_secret()
    if not await fetch(HAND_OVER, {**of, "of_challenge": challenge.id, "new_digest": digest_of(secret)}):
        return None
    return Question(challenge, secret)


async def answer_question(
    fetch: Fetch,
    seal: SecretSeal,
    delivered: Delivered,
    secret: str,
    signature: str,
    now: datetime,
    record: Record = record_nothing,
) -> Outcome:
    """Look at a signature over the digits of the screen; what was answered already is not answered again."""
    if delivered.is_confirmed:
        account_id = delivered.challenge.account_id
        await record(
            fetch, MfaEvent(MfaEventKind.DEVICE_REFUSED, account_id, FactorKind.PUSH, now, delivered.challenge)
        )
        return Outcome.REFUSED

    async def check(delivered: Delivered) -> bool:
        challenge = delivered.challenge
        if delivered.kind is not FactorKind.PUSH or delivered.factor_id is None:
            return False
        device = await find_device(fetch, seal, challenge.account_id, delivered.factor_id, now)
        text = answer_text(challenge.id, challenge.digest, delivered.expected.decode(), secret)
        return device is not None and device.has_signed(text, signature)

    return await answer_delivery(fetch, delivered, check, now, record)


async def refuse_question(fetch: Fetch, delivered: Delivered, now: datetime, record: Record = record_nothing) -> None:
    """Note that it was not the person who asked: nothing is asked of the device for a while."""
    await refuse_delivery(fetch, delivered, now, BLOCKED_FOR, record)


# -- setting up, and losing


@dataclass(frozen=True, slots=True)
class PushEnrolment:
    """A device that is being set up, and what it is to sign."""

    factor_id: UUID
    challenge: str
    expires_at: datetime


async def begin_push(
    fetch: Fetch,
    seal: SecretSeal,
    account_id: UUID,
    name: str,
    now: datetime,
    *,
    is_fresh: bool,
    record: Record = record_nothing,
) -> PushEnrolment | None:
    """Draw what a new device is to sign; None if there is no right to set one up (`auth.mfa.enrolment`)."""
    challenge = new_secret()
    begun = await begin_enrolment(
        fetch,
        account_id,
        FactorKind.PUSH,
        name,
        lambda factor_id: seal.seal(factor_id, _begun(challenge)),
        now,
        is_fresh=is_fresh,
        record=record,
    )
    return None if begun is None else PushEnrolment(begun.factor_id, challenge, begun.expires_at)


async def confirm_push(
    fetch: Fetch,
    seal: SecretSeal,
    account_id: UUID,
    factor_id: UUID,
    device: Device,
    signature: str,
    now: datetime,
    *,
    is_fresh: bool,
    record: Record = record_nothing,
) -> tuple[Confirmation, timedelta]:
    """Confirm a device by its signature. Gives also how long to wait, if so."""

    async def check(factor_id: UUID, sealed: bytes) -> bytes | None:
        challenge = json.loads(seal.open(factor_id, sealed))["challenge"]
        if not has_signed(device.key, enrolment_text(factor_id, challenge), signature):
            return None
        return seal.seal(factor_id, device.written())

    return await confirm_enrolment(
        fetch, account_id, factor_id, FactorKind.PUSH, check, now, is_fresh=is_fresh, record=record
    )


async def lose_device(
    fetch: Fetch, seal: SecretSeal, account_id: UUID, factor_id: UUID, subscription: Subscription, now: datetime
) -> None:
    """Note that the push service knows a device's subscription no more, unless it has another one by now."""
    await _change(
        fetch,
        seal,
        account_id,
        factor_id,
        lambda device: device.gone() if device.subscription == subscription else device,
        now,
    )


async def renew_subscription(
    fetch: Fetch, seal: SecretSeal, account_id: UUID, factor_id: UUID, subscription: Subscription, now: datetime
) -> None:
    """Notify a device by another subscription: browsers change them, and lose them."""
    await _change(fetch, seal, account_id, factor_id, lambda device: device.at(subscription), now)


async def _change(
    fetch: Fetch,
    seal: SecretSeal,
    account_id: UUID,
    factor_id: UUID,
    change: Callable[[Device], Device],
    now: datetime,
) -> None:
    of = {"of_account": account_id, "of_factor": factor_id}
    for row in await fetch(ONE, {**of, "at": now}):
        before = Device.read(seal.open(factor_id, row["secret"]))
        after = change(before)
        if after != before:
            await fetch(KEEP, {**of, "before": row["secret"], "sealed": seal.seal(factor_id, after.written())})


def shortened(words: str) -> str:
    """Give the beginning of the words that describe an operation."""
    return words if len(words) <= MOST_WORDS else words[: MOST_WORDS - 2] + " …"


def _begun(challenge: str) -> bytes:
    return json.dumps({"challenge": challenge}).encode("ascii")
