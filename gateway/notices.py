"""Who is told by e-mail of what happened to their second factors."""

from collections.abc import Callable
from typing import Final

from auth.mfa.enrolment import FactorHolder
from auth.mfa.recording import MfaEvent, MfaEventKind
from auth.tables import FactorKind, now
from gateway.http.factors.calling import OnEvent
from gateway.mail import Mailer
from gateway.messages import factor_added, not_me

ADDED: Final = frozenset({MfaEventKind.FACTOR_CONFIRMED, MfaEventKind.FACTOR_REPLACED})


def notices_of(mailer: Mailer, public_url: str) -> OnEvent:
    """Make what tells people of factors that were set up."""

    def on_event(holder: FactorHolder, event: MfaEvent) -> None:
        if event.kind in ADDED:
            mailer.send(factor_added(holder.email, public_url, event.method, event.at))

    return on_event


def alerts_of(mailer: Mailer, public_url: str, kind: FactorKind) -> Callable[[FactorHolder], None]:
    """Make what tells people that a factor of theirs was answered by "this was not me"."""
    return lambda holder: mailer.send(not_me(holder.email, public_url, kind, now()))
