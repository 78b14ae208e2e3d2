"""Stepping up: a challenge is begun by one of the person's factors, and completed; then there is a fresh token."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from starlette.routing import Route

from auth.errors import MFA_ACR, ItcareError, MfaEnrolmentRequired
from auth.identity.sessions import note_second_factor
from auth.issuer import DEFAULT_LIFETIME, Issuer
from auth.mfa.challenges import Outcome, answer_challenge, find_challenge, open_session_challenge
from auth.mfa.enrolment import methods_of_account
from auth.mfa.errors import ChallengeRefused, TooManyFailures
from auth.mfa.factor import Challenge, FactorMethod, methods_of
from auth.tables import FactorKind
from gateway.http.errors import MalformedRequest
from gateway.http.factors.calling import Caller, Calling, Content, Waiting
from gateway.http.factors.enrolling import written_time
from gateway.http.factors.reading import optional_uuid_in, text_in, uuid_in

POLL_SECONDS: Final = 2
"""How long to wait before asking again whether a person has answered elsewhere."""


class StepUp:
    """The endpoints of challenges.

    `issuer` gives who signs at the moment: keys change while the process runs.
    """

    def __init__(self, calling: Calling, issuer: Callable[[], Issuer], methods: Iterable[FactorMethod]) -> None:
        self._calling = calling
        self._issuer = issuer
        self._methods = methods_of(methods)

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            self._calling.route("POST", "/auth/step-up", self.begin, {"challengeId", "method"}),
            self._calling.route("POST", "/auth/step-up/complete", self.complete, {"challengeId", "method", "code"}),
        ]

    async def begin(self, caller: Caller, body: dict[str, Any]) -> Content | ItcareError:
        """Open a challenge, or find the one that is named; put it to the person by a method, if one is named."""
        challenge_id, method = optional_uuid_in(body, "challengeId"), self._optional_method(body)
        held = await methods_of_account(caller.fetch, caller.id, caller.now)
        available = [kind for kind in held if kind in self._methods]
        if not available:
            raise MfaEnrolmentRequired
        challenge: Challenge | None
        if challenge_id is None:
            challenge = await open_session_challenge(caller.fetch, caller.id, caller.now)
        else:
            challenge = await find_challenge(caller.fetch, caller.id, challenge_id, caller.now)
        if challenge is None:
            raise ChallengeRefused
        return {
            "challengeId": str(challenge.id),
            "binding": challenge.kind.value,
            **_approved(challenge),
            "expiresIn": int((challenge.expires_at - caller.now).total_seconds()),
            "triesLeft": challenge.tries_left,
            "methods": [kind.value for kind in available],
            **(await _prompt(caller, method, challenge) if method is not None and method.kind in available else {}),
        }

    async def complete(self, caller: Caller, body: dict[str, Any]) -> Content | ItcareError:
        """Look at an answer; gives a token that says that a second factor succeeded now.

        Of a page of ours, the browser's session says so.
        """
        challenge_id, method = uuid_in(body, "challengeId"), self._method(body)
        answer = text_in(body, "code", method.most_answer) if method.most_answer else ""
        if method.kind not in await methods_of_account(caller.fetch, caller.id, caller.now):
            raise MfaEnrolmentRequired
        answered = await answer_challenge(
            caller.fetch, caller.id, challenge_id, method, answer, caller.now, caller.record
        )
        if answered.outcome is Outcome.RATE_LIMITED:
            return TooManyFailures(answered.wait)
        if answered.outcome is Outcome.PENDING:
            return Waiting({"status": "PENDING", "retryAfter": POLL_SECONDS})
        if answered.outcome is Outcome.REFUSED or answered.challenge is None:
            return ChallengeRefused()
        is_operation = answered.challenge.action is not None
        amr = tuple(dict.fromkeys([*caller.claims.amr, method.amr, "mfa"]))
        if caller.claims.session_id is not None:
            await note_second_factor(caller.fetch, caller.id, caller.claims.session_id, amr, caller.now)
        return {
            **({} if caller.in_browser else self._token(caller, amr)),
            "mfaTime": written_time(caller.now),
            "approved": _approved(answered.challenge) if is_operation else None,
        }

    def _token(self, caller: Caller, amr: tuple[str, ...]) -> Mapping[str, Any]:
        """Issue a token of the usual lifetime that says what the caller's said, and that a second factor succeeded."""
        claims = caller.claims
        token = self._issuer().issue(
            caller.id,
            mfa_time=caller.now,
            amr=amr,
            acr=MFA_ACR,
            # Of another process whose clock is ahead it may seem to be still to come.
            auth_time=min(claims.auth_time or claims.issued_at, caller.now),
            session_id=claims.session_id,
            client_id=claims.client_id,
            now=caller.now,
        )
        return {
            "accessToken": token,
            "tokenType": "Bearer",
            "expiresIn": int(DEFAULT_LIFETIME.total_seconds()),
        }

    def _method(self, body: dict[str, Any]) -> FactorMethod:
        try:
            return self._methods[FactorKind(body["method"])]
        except (ValueError, KeyError):
            known = ", ".join(kind.value for kind in self._methods)
            raise MalformedRequest(f"`method` must be one of: {known}.", argument="method") from None

    def _optional_method(self, body: dict[str, Any]) -> FactorMethod | None:
        return None if body.get("method") is None else self._method(body)


async def _prompt(caller: Caller, method: FactorMethod, challenge: Challenge) -> Mapping[str, Any]:
    prompt = await method.begin(caller.fetch, challenge, caller.now)
    if prompt.send is not None:
        caller.sendings.append(prompt.send)
    shown: dict[str, Any] = {"instructions": prompt.instructions}
    if prompt.display is not None:
        shown["display"] = prompt.display
    if prompt.options is not None:
        shown["options"] = prompt.options
    return shown


def _approved(challenge: Challenge) -> dict[str, str | None]:
    return {"action": challenge.action, "words": challenge.words}
