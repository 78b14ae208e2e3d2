"""SMS (Vortext) accounts of Services."""

from collections.abc import Sequence
from datetime import datetime

import strawberry
from strawberry import ID, UNSET

from auth.permissions import Action
from resolvers.commands import sms as commands
from resolvers.commands.outcome import UserError as UserErrorRow
from resolvers.commands.submission import Change
from resolvers.context import Caller
from schema.actions import action
from schema.edge import edge
from schema.ids import key_in
from schema.node import Node
from schema.organizations import Service
from schema.payloads import CommonInput, Payload


@strawberry.type(description="The SMS (Vortext) account of a Service.")
class SmsSubscription(Node):
    """An SMS subscription."""

    sender: str = strawberry.field(description="The sender that messages show.")
    per_minute: int = strawberry.field(description="How many messages a minute it may send.")
    per_hour: int = strawberry.field(description="How many messages an hour it may send.")
    allowed_numbers: list[str] = strawberry.field(description="The numbers it may send to; empty: all.")
    created_at: datetime = strawberry.field(description="When it was opened.")
    service: Service = edge(lambda loaders: loaders.service_by_id, key="service_id", description="Its Service.")


@strawberry.input(description="The SMS account to open.")
class SubscribeVortextInput(CommonInput):
    """The SMS account to open."""

    service_id: ID = strawberry.field(description="The Service, which has none yet.")
    sender: str = strawberry.field(
        description="The sender that messages show: 1 to 11 letters and digits, or a phone number like +33639980001."
    )
    per_minute: int = strawberry.field(description="How many messages a minute it may send.")
    per_hour: int = strawberry.field(description="How many messages an hour it may send, no fewer than a minute.")
    allowed_numbers: list[str] | None = strawberry.field(
        default=UNSET,
        description=f"The numbers it may send to, in E.164, at most {commands.MOST_NUMBERS}; none: it may send to all.",
    )


@strawberry.type(description="What came of opening an SMS account.")
class SubscribeVortextPayload(Payload):
    """What came of opening an SMS account."""

    subject_name, loader = "sms_subscription", "sms_subscription_by_id"

    sms_subscription: SmsSubscription | None = strawberry.field(description="The account; null if nothing was done.")


def _check(asked: SubscribeVortextInput, now: datetime) -> Sequence[UserErrorRow]:
    return commands.check_subscription(asked.sender, asked.per_minute, asked.per_hour, asked.allowed_numbers or ())


@action(Action.SUBSCRIBE_VORTEXT, payload=SubscribeVortextPayload, check=_check)
def subscribe_vortext(caller: Caller, input: SubscribeVortextInput) -> Change:  # noqa: A002
    """Open the SMS account of a Service."""
    numbers = input.allowed_numbers or ()
    return commands.subscribe_vortext(key_in(input.service_id), input.sender, input.per_minute, input.per_hour, numbers)
