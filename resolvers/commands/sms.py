"""What is done about SMS (Vortext) accounts of Services."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy import bindparam, exists, select

from auth.decisions import Grant
from auth.permissions import Action
from auth.statements import Statement
from auth.tables import table, uuid7
from resolvers.commands.effects import Work, takes_effect
from resolvers.commands.locking import take_service
from resolvers.commands.outcome import Changed, Refused, Step, UserError, UserErrorCode
from resolvers.commands.resources import add_row, delete_row
from resolvers.commands.submission import Change
from resolvers.tables import SmsSubscription
from resolvers.transaction import Transaction

MOST_NUMBERS: Final = 100

SUBSCRIPTION: Final = table(SmsSubscription)
_ONE: Final = "uq_sms_subscription_organization_id_service_id"
_SUBSCRIBED: Final = Statement(
    select(
        exists().where(
            SUBSCRIPTION.c.organization_id == bindparam("organization_id"),
            SUBSCRIPTION.c.service_id == bindparam("service_id"),
        )
    )
)
_SENDER: Final = re.compile(r"[A-Za-z0-9]{1,11}")
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""A phone number in E.164, as it is written for people: +33639980001."""
_SUBSCRIBED_ALREADY: Final = UserError("The Service has an SMS account already.", UserErrorCode.LIMIT_REACHED)


def check_subscription(sender: str, per_minute: int, per_hour: int, numbers: Sequence[str]) -> list[UserError]:
    """Check what can be checked of an SMS account by itself."""
    wrong = UserErrorCode.INVALID_VALUE
    found = []
    if not (_SENDER.fullmatch(sender) or _NUMBER.fullmatch(sender)):
        message = "A sender is 1 to 11 letters and digits, or a phone number like +33639980001."
        found.append(UserError(message, wrong, ("sender",)))
    if per_minute < 1:
        found.append(UserError("At least one message a minute may be sent.", wrong, ("perMinute",)))
    if per_hour < max(per_minute, 1):
        found.append(UserError("No fewer messages an hour may be sent than a minute.", wrong, ("perHour",)))
    if len(numbers) > MOST_NUMBERS:
        found.append(UserError(f"At most {MOST_NUMBERS} numbers can be listed.", wrong, ("allowedNumbers",)))
        return found
    for index, number in enumerate(numbers):
        field = ("allowedNumbers", str(index))
        if not _NUMBER.fullmatch(number):
            found.append(UserError("A number is in E.164, like +33639980001.", wrong, field))
        elif number in numbers[:index]:
            found.append(UserError("A number is listed once.", wrong, field))
    return found


def subscribe_vortext(
    service_id: UUID, sender: str, per_minute: int, per_hour: int, allowed_numbers: Sequence[str]
) -> Change:
    """Open the one SMS account of a Service."""
    return partial(_subscribe, service_id, sender, (per_minute, per_hour), tuple(allowed_numbers))


async def _subscribe(
    service_id: UUID,
    sender: str,
    limits: tuple[int, int],
    allowed_numbers: Sequence[str],
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    await take_service(transaction, grant, service_id)
    key = {"organization_id": grant.organization_id, "service_id": service_id}
    if (await transaction.fetch(_SUBSCRIBED, key))[0][0]:
        raise Refused(_SUBSCRIBED_ALREADY)
    per_minute, per_hour = limits
    row = SmsSubscription(
        **key,
        cloud_id=grant.cloud_id,
        id=uuid7(),
        sender=sender,
        per_minute=per_minute,
        per_hour=per_hour,
        allowed_numbers=list(allowed_numbers),
        created_at=now,
    )
    try:
        await add_row(transaction, row)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != _ONE:
            raise
        raise Refused(_SUBSCRIBED_ALREADY) from None
    parameters = {
        "sender": sender,
        "perMinute": per_minute,
        "perHour": per_hour,
        "allowedNumbers": list(allowed_numbers),
    }
    return Changed([Step("Open the SMS account")], subject_id=row.id, parameters=parameters)


async def _not_opened(transaction: Transaction, work: Work) -> None:
    await delete_row(transaction, work, SmsSubscription, work.subject)


takes_effect(Action.SUBSCRIBE_VORTEXT, failed=_not_opened, said="Opened.")
