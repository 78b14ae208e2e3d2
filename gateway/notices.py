"""Who is told by e-mail of what happened to their second factors."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from auth.mfa.enrolment import FactorHolder
from auth.mfa.recording import MfaEvent, MfaEventKind
from auth.tables import FactorKind
from gateway import messages
from gateway.http.factors.calling import OnEvent
from gateway.mail import Mailer, Message

NOTICES: Final[Mapping[MfaEventKind, Callable[[str, str, FactorKind | None, datetime], Message]]] = {
    MfaEventKind.FACTOR_CONFIRMED: messages.factor_added,
    MfaEventKind.FACTOR_REPLACED: messages.factor_added,
    MfaEventKind.FACTOR_RECOVERED: messages.factor_recovered,
    MfaEventKind.FACTOR_REMOVED: messages.factor_removed,
    MfaEventKind.RECOVERY_CODE_USED: messages.recovery_code_used,
    MfaEventKind.RECOVERY_CODES_RENEWED: messages.recovery_codes_renewed,
    MfaEventKind.POSSIBLE_CLONE: messages.possible_clone,
    MfaEventKind.NOT_ME: messages.not_me,
}
"""What is told of what has happened."""


def notices_of(mailer: Mailer, address: str) -> OnEvent:
    """Make what tells people of their factors; `address` is where browsers reach the gateway."""

    def on_event(holder: FactorHolder, event: MfaEvent) -> None:
        notice = NOTICES.get(event.kind)
        if notice is not None:
            mailer.send(notice(holder.email, address, event.method, event.at))

    return on_event
