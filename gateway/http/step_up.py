"""Second factors over plain HTTP, under `/auth/`: stepping up, and setting a factor up.

    POST /auth/step-up                 begin: for a fresh session, or for the challenge of an operation
    POST /auth/step-up/complete        answer it; gives an access token with a fresh `mfa_time`
    GET  /auth/factors                 which factors the caller has
    POST /auth/factors/totp            begin setting up an authenticator app
    POST /auth/factors/totp/confirm    confirm it with a code

None of this is GraphQL, where aliases would make a thousand guesses of one request. Every request carries the caller's
access token. Errors are `{"error": {"code", "message", …}}`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import segno
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.decisions import DenialReason, is_fresh
from auth.errors import (
    MFA_ACR,
    Forbidden,
    InsufficientUserAuthentication,
    ItcareError,
    MfaEnrolmentRequired,
    OperationTimeout,
    Unauthenticated,
)
from auth.issuer import DEFAULT_LIFETIME, Issuer
from auth.mfa.challenges import Outcome, answer_challenge, find_challenge, open_session_challenge
from auth.mfa.enrolment import (
    Confirmation,
    FactorHolder,
    begin_totp,
    confirm_totp,
    confirmed_factors,
    find_holder,
    methods_of_account,
)
from auth.mfa.errors import ChallengeRefused, TooManyFailures
from auth.mfa.factor import Challenge, FactorMethod, methods_of
from auth.mfa.recording import Record, record_nothing
from auth.mfa.sealing import SecretSeal
from auth.mfa.totp import Totp, provisioning_uri, written
from auth.permissions import MFA_MAX_AGE, MfaBinding
from auth.principal import set_scope
from auth.statements import Fetch
from auth.tables import AccountKind, FactorKind
from auth.tokens import INVALID_TOKEN, Claims, TokenVerifier, bearer_token
from gateway.http.errors import INTERNAL_SERVER_ERROR, MASKED, HttpError, MalformedRequest, MethodNotAllowed, Translate
from gateway.http.requests import read_object
from gateway.telemetry import correlation_id, log_fault
from resolvers.database import Database
from resolvers.transaction import open_transaction

MOST_BYTES: Final = 4096
"""Size of a body."""
MOST_CODE: Final = 64
EVERY_METHOD: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
"""Those that cannot be used are refused as everything else is, rather than by the router."""
APP_NAME: Final = "ITCare"
"""What authenticator apps show beside the account."""
HEADERS: Final = {
    # Not to be compressed either: the length of what holds a secret is nobody's business.
    "Cache-Control": "no-store, no-transform"
}
INSTRUCTIONS: Final = (
    "Install an authenticator app on your phone, such as FreeOTP, Aegis or Google Authenticator, if you have none.",
    "In the app, add an account and scan the QR code; or choose to enter a key, and type the secret.",
    "Check that the app shows the account under the name ITCare with your e-mail address.",
    "Enter the 6 digits that the app shows, and confirm.",
    "From then on the app's code is asked for at privileged actions.",
    "Whoever reads the secret can make these codes: keep no copy of it.",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A person who is signed in, in a transaction of their own."""

    holder: FactorHolder
    claims: Claims
    now: datetime
    fetch: Fetch
    record: Record

    @property
    def id(self) -> UUID:
        """The account's id."""
        return self.holder.account_id

    @property
    def is_fresh(self) -> bool:
        """Whether the token says that a second factor succeeded just now."""
        return is_fresh(self.claims.mfa_time, MFA_MAX_AGE, self.now)


RecordFor = Callable[[Claims, FactorHolder, str | None], Record]
"""Gives where the events of one request are recorded: whose token it has, whose account, and the peer's address."""

Answer = Callable[[Caller, dict[str, Any]], Awaitable[Mapping[str, Any] | ItcareError]]
"""Answers a request. A refusal that is raised undoes what was written; one that is given lets it be committed."""


class StepUp:
    """The endpoints of second factors.

    `issuer` gives who signs at the moment: keys change while the process runs. `record_for` gives where step-ups are
    recorded, which is told of every event in the event's transaction.
    """

    def __init__(
        self,
        database: Database,
        tokens: TokenVerifier,
        issuer: Callable[[], Issuer],
        seal: SecretSeal,
        *,
        seconds: float,
        translate: Translate,
        record_for: RecordFor = lambda claims, holder, host: record_nothing,
    ) -> None:
        self._database = database
        self._tokens = tokens
        self._issuer = issuer
        self._seal = seal
        self._methods = methods_of([Totp(seal)])
        self._seconds = seconds
        self._translate = translate
        self._record_for = record_for

    def routes(self) -> list[Route]:
        """Give the routes."""
        posts: dict[str, tuple[Answer, frozenset[str]]] = {
            "/auth/step-up": (self._begin, frozenset({"challengeId", "method"})),
            "/auth/step-up/complete": (self._complete, frozenset({"challengeId", "method", "code"})),
            "/auth/factors/totp": (self._begin_totp, frozenset()),
            "/auth/factors/totp/confirm": (self._confirm_totp, frozenset({"factorId", "code"})),
        }
        return [
            Route("/auth/factors", self._endpoint("GET", self._list, None), methods=EVERY_METHOD),
            *(Route(path, self._endpoint("POST", *of), methods=EVERY_METHOD) for path, of in posts.items()),
        ]

    def _endpoint(
        self, method: str, answer: Answer, members: frozenset[str] | None
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            limit = asyncio.timeout(self._seconds)
            try:
                async with limit:
                    if request.method != method:
                        raise MethodNotAllowed(f"Send this with {method}.", allow=method)
                    claims = self._claims(request)
                    body = await _read(request, members) if members is not None else {}
                    return JSONResponse(await self._answer(request, answer, claims, body), headers=HEADERS)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it
            except Exception as error:  # noqa: BLE001  # one of our refusals, or a fault: then it is masked and logged
                return self._refusal(OperationTimeout(self._seconds) if limit.expired() else error)

        return endpoint

    def _claims(self, request: Request) -> Claims:
        headers = request.headers.getlist("authorization")
        token = bearer_token(", ".join(headers) if headers else None)
        if token is None:
            raise Unauthenticated("Sign in: this needs an access token.")
        return self._tokens.verify(token, datetime.now(UTC))

    async def _answer(
        self, request: Request, answer: Answer, claims: Claims, body: dict[str, Any]
    ) -> Mapping[str, Any]:
        async with open_transaction(self._database) as transaction:
            await set_scope(transaction.fetch, claims.subject, claims.session_id)
            holder = await find_holder(transaction.fetch, claims.subject)
            if holder is None:
                raise Unauthenticated(INVALID_TOKEN)
            if holder.kind is AccountKind.API_ACCOUNT:
                raise Forbidden([DenialReason.API_ACCOUNT.value])
            record = self._record_for(claims, holder, request.client.host if request.client else None)
            content = await answer(Caller(holder, claims, datetime.now(UTC), transaction.fetch, record), body)
        if isinstance(content, ItcareError):
            raise content
        return content

    def _refusal(self, error: Exception) -> Response:
        refusal = error if isinstance(error, ItcareError) else None
        if refusal is None:
            log_fault(error)
            refusal = self._translate(error)
        if refusal is None:
            fault = {"code": INTERNAL_SERVER_ERROR, "message": MASKED, "correlationId": correlation_id.get()}
            return JSONResponse({"error": fault}, 500, HEADERS)
        headers: dict[str, str] = dict(HEADERS)
        if isinstance(refusal, HttpError):
            headers |= refusal.headers
        elif isinstance(refusal, TooManyFailures):
            headers["Retry-After"] = str(refusal.seconds)
        elif isinstance(refusal, InsufficientUserAuthentication):
            headers["WWW-Authenticate"] = refusal.challenge
        elif isinstance(refusal, Unauthenticated):
            headers["WWW-Authenticate"] = "Bearer"
        body = {"code": refusal.code, "message": refusal.message, **refusal.extensions}
        return JSONResponse({"error": body}, refusal.http_status, headers)

    # -- the endpoints

    async def _begin(self, caller: Caller, body: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
        challenge_id, method = _optional_uuid(body, "challengeId"), self._optional_method(body)
        available = await methods_of_account(caller.fetch, caller.id)
        if not available:
            raise MfaEnrolmentRequired
        challenge: Challenge | None
        if challenge_id is None:
            challenge = await open_session_challenge(caller.fetch, caller.id, caller.now)
        else:
            challenge = await find_challenge(caller.fetch, caller.id, challenge_id, caller.now)
        if challenge is None:
            raise ChallengeRefused
        prompts = {}
        if method is not None and method.kind in available:
            prompts["instructions"] = await method.begin(caller.fetch, challenge, caller.now)
        return {
            "challengeId": str(challenge.id),
            "binding": challenge.kind.value,
            **_approved(challenge),
            "expiresIn": int((challenge.expires_at - caller.now).total_seconds()),
            "triesLeft": challenge.tries_left,
            "methods": [kind.value for kind in available],
            **prompts,
        }

    async def _complete(self, caller: Caller, body: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
        challenge_id, method, code = _uuid(body, "challengeId"), self._method(body), _code(body)
        if not await methods_of_account(caller.fetch, caller.id):
            raise MfaEnrolmentRequired
        answered = await answer_challenge(
            caller.fetch, caller.id, challenge_id, method, code, caller.now, caller.record
        )
        if answered.outcome is Outcome.RATE_LIMITED:
            return TooManyFailures(answered.wait)
        if answered.outcome is Outcome.REFUSED or answered.challenge is None:
            return ChallengeRefused()
        is_operation = answered.challenge.action is not None
        return {
            "accessToken": self._token(caller, method),
            "tokenType": "Bearer",
            "expiresIn": int(DEFAULT_LIFETIME.total_seconds()),
            "mfaTime": _written_time(caller.now),
            "approved": _approved(answered.challenge) if is_operation else None,
        }

    def _token(self, caller: Caller, method: FactorMethod) -> str:
        """Issue a token of the usual lifetime that says what the caller's said, and that a second factor succeeded."""
        signed_in = caller.claims.auth_time or caller.claims.issued_at
        return self._issuer().issue(
            caller.id,
            mfa_time=caller.now,
            amr=tuple(dict.fromkeys([*caller.claims.amr, method.amr, "mfa"])),
            acr=MFA_ACR,
            # Of another process whose clock is ahead it may seem to be still to come.
            auth_time=min(signed_in, caller.now),
            now=caller.now,
        )

    async def _list(self, caller: Caller, _: dict[str, Any]) -> Mapping[str, Any]:
        factors = await confirmed_factors(caller.fetch, caller.id)
        return {
            "factors": [
                {"method": factor.kind.value, "label": factor.label, "confirmedAt": _written_time(factor.confirmed_at)}
                for factor in factors
            ],
            "methods": [kind.value for kind in self._methods],
        }

    async def _begin_totp(self, caller: Caller, _: dict[str, Any]) -> Mapping[str, Any]:
        enrolment = await begin_totp(
            caller.fetch, self._seal, caller.id, caller.now, is_fresh=caller.is_fresh, record=caller.record
        )
        if enrolment is None:
            raise _fresh_factor_required()
        uri = provisioning_uri(enrolment.secret, caller.holder.email, APP_NAME)
        return {
            "factorId": str(enrolment.factor_id),
            "secret": written(enrolment.secret),
            "uri": uri,
            "qrCode": await asyncio.to_thread(_qr_code, uri),  # takes some 20 ms
            "instructions": list(INSTRUCTIONS),
            "expiresIn": int((enrolment.expires_at - caller.now).total_seconds()),
        }

    async def _confirm_totp(self, caller: Caller, body: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
        factor_id, code = _uuid(body, "factorId"), _code(body)
        outcome, wait = await confirm_totp(
            caller.fetch,
            self._seal,
            caller.id,
            factor_id,
            code,
            caller.now,
            is_fresh=caller.is_fresh,
            record=caller.record,
        )
        match outcome:
            case Confirmation.CONFIRMED:
                return await self._list(caller, {})
            case Confirmation.RATE_LIMITED:
                return TooManyFailures(wait)
            case Confirmation.FRESH_FACTOR_REQUIRED:
                return _fresh_factor_required()
            case Confirmation.REFUSED:
                return ChallengeRefused()

    def _method(self, body: dict[str, Any]) -> FactorMethod:
        try:
            return self._methods[FactorKind(body["method"])]
        except (ValueError, KeyError):
            known = ", ".join(kind.value for kind in self._methods)
            raise MalformedRequest(f"`method` must be one of: {known}.", argument="method") from None

    def _optional_method(self, body: dict[str, Any]) -> FactorMethod | None:
        return None if body.get("method") is None else self._method(body)


async def _read(request: Request, members: frozenset[str]) -> dict[str, Any]:
    body = await read_object(request, MOST_BYTES)
    unknown = min(body.keys() - members, default=None)
    if unknown is not None:
        raise MalformedRequest(f"`{ascii(unknown[:100])[1:-1]}` is not known here.", argument="body")
    return body


def _uuid(body: dict[str, Any], name: str) -> UUID:
    value = body.get(name)
    try:
        uuid = UUID(value)
        # UUID() also takes braces and upper case; an id has one spelling.
        if str(uuid) == value:
            return uuid
    except (ValueError, TypeError, AttributeError):
        pass
    raise MalformedRequest(f"`{name}` must be the id that you were given.", argument=name)


def _optional_uuid(body: dict[str, Any], name: str) -> UUID | None:
    return None if body.get(name) is None else _uuid(body, name)


def _code(body: dict[str, Any]) -> str:
    code = body.get("code")
    if not isinstance(code, str) or not 1 <= len(code) <= MOST_CODE:
        raise MalformedRequest(f"`code` must be a string of 1 to {MOST_CODE} characters.", argument="code")
    return code


def _fresh_factor_required() -> InsufficientUserAuthentication:
    return InsufficientUserAuthentication(MFA_MAX_AGE, MfaBinding.SESSION.value, methods=[FactorKind.TOTP.value])


def _qr_code(uri: str) -> str:
    return segno.make(uri, error="m", micro=False).svg_data_uri(scale=4)


def _approved(challenge: Challenge) -> dict[str, str | None]:
    return {"action": challenge.action, "words": challenge.words}


def _written_time(time: datetime) -> str:
    return time.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
