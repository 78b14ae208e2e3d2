"""Who is told by e-mail of what happened to their second factors."""

from typing import Final

from auth.mfa.enrolment import FactorHolder
from auth.mfa.recording import MfaEvent, MfaEventKind
from gateway.http.factors.calling import OnEvent
from gateway.mail import Mailer
from gateway.messages import factor_added, not_me

ADDED: Final = frozenset({MfaEventKind.FACTOR_CONFIRMED, MfaEventKind.FACTOR_REPLACED})


def notices_of(mailer: Mailer, address: str) -> OnEvent:
    """Make what tells people of their factors; `address` is where browsers reach the gateway."""

    def on_event(holder: FactorHolder, event: MfaEvent) -> None:
        if event.kind in ADDED:
            mailer.send(factor_added(holder.email, address, event.method, event.at))
        elif event.kind is MfaEventKind.NOT_ME:
            mailer.send(not_me(holder.email, address, event.method, event.at))

    return on_event
