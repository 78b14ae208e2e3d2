"""Who is calling, in a transaction of their own; what they are answered, and how they are refused."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.decisions import DenialReason, is_fresh
from auth.errors import Forbidden, InsufficientUserAuthentication, ItcareError, OperationTimeout, Unauthenticated
from auth.mfa.enrolment import FactorHolder, find_holder
from auth.mfa.errors import TooManyFailures, TooManySendings
from auth.mfa.recording import MfaEvent, MfaEventKind, Record, record_nothing
from auth.permissions import MFA_MAX_AGE
from auth.principal import set_scope
from auth.statements import Fetch
from auth.tables import AccountKind
from auth.tokens import INVALID_TOKEN, Claims, TokenVerifier
from gateway.http.authentication import claims_of
from gateway.http.client_address import address_of
from gateway.http.errors import INTERNAL_SERVER_ERROR, MASKED, HttpError, MethodNotAllowed, Translate
from gateway.http.factors.reading import read_members
from gateway.telemetry import correlation_id, log_fault
from resolvers.database import Database
from resolvers.transaction import open_transaction

EVERY_METHOD: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
"""Those that cannot be used are refused as everything else is, rather than by the router."""
HEADERS: Final = {
    # Not to be compressed either: the length of what holds a secret is nobody's business.
    "Cache-Control": "no-store, no-transform"
}

Send = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Caller:
    """A person who is signed in, in a transaction of their own."""

    holder: FactorHolder
    claims: Claims
    now: datetime
    fetch: Fetch
    record: Record
    in_browser: bool = False
    """Whether they call from a page of ours, by its cookie, and so hold no token."""
    sendings: list[Send] = field(default_factory=list)
    """What is to be set off outside, once everything is committed."""

    @property
    def id(self) -> UUID:
        """The account's id."""
        return self.holder.account_id

    @property
    def is_fresh(self) -> bool:
        """Whether the token says that a second factor succeeded just now."""
        return is_fresh(self.claims.mfa_time, MFA_MAX_AGE, self.now)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An answer that is not the last one: ask again."""

    content: Mapping[str, Any]


ClaimsOfBrowser = Callable[[Request], Awaitable[Claims | None]]
"""Gives what the session of a browser says, for the script of a page of ours; None if nobody is signed in with it."""
RecordFor = Callable[[Claims | None, FactorHolder, str | None], Record]
"""Gives where the events of one request are recorded: whose token it has, whose account, and the peer's address.

What comes from elsewhere, such as a telephone, has no token.
"""
OnEvent = Callable[[FactorHolder, MfaEvent], None]
"""Is told whose event it is, once that is committed."""
Content = Mapping[str, Any] | Waiting
Answer = Callable[[Caller, dict[str, Any]], Awaitable[Content | ItcareError]]
"""Answers a request. A refusal that is raised undoes what was written; one that is given lets it be committed."""


async def _of_no_browser(_: Request) -> Claims | None:
    return None


class Calling:
    """Makes endpoints of answers.

    `record_for` gives where events are recorded, which is told of every one in its transaction; `on_event` is told once
    that is committed. `claims_of_browser` lets the scripts of our pages call, too.
    """

    def __init__(
        self,
        database: Database,
        tokens: TokenVerifier,
        *,
        seconds: float,
        translate: Translate,
        record_for: RecordFor = lambda claims, holder, host: record_nothing,
        on_event: OnEvent = lambda holder, event: None,
        claims_of_browser: ClaimsOfBrowser = _of_no_browser,
    ) -> None:
        self._database = database
        self._tokens = tokens
        self._seconds = seconds
        self._translate = translate
        self._record_for = record_for
        self._on_event = on_event
        self._claims_of_browser = claims_of_browser

    def route(self, method: str, path: str, answer: Answer, members: Collection[str] | None = None) -> Route:
        """Give the route of an answer; a body is read if it may have members."""

        async def endpoint(request: Request) -> Response:
            limit = asyncio.timeout(self._seconds)
            try:
                async with limit:
                    if request.method != method:
                        raise MethodNotAllowed(f"Send this with {method}.", allow=method)
                    claims, in_browser = await self.identify(request)
                    body = {} if members is None else await read_members(request, members)
                    host = address_of(request)
                    content = await self.answer(claims, host, answer, body, in_browser=in_browser)
                    if isinstance(content, Waiting):
                        return JSONResponse(content.content, 202, HEADERS)
                    return JSONResponse(content, headers=HEADERS)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it
            except Exception as error:  # noqa: BLE001  # one of our refusals, or a fault: then it is masked and logged
                return refused(OperationTimeout(self._seconds) if limit.expired() else error, self._translate)

        return Route(path, endpoint, methods=EVERY_METHOD)

    async def identify(self, request: Request) -> tuple[Claims, bool]:
        """Say who is calling, and whether by the session of their browser rather than by a token.

        Raises:
            Unauthenticated: nobody is, or the token is not valid.
            HttpError: the cookie of a browser came from elsewhere than a page of ours.
        """
        claims = claims_of(request.headers, self._tokens)
        if claims is not None:
            return claims, False
        claims = await self._claims_of_browser(request)
        if claims is None:
            raise Unauthenticated("Sign in: this needs an access token.")
        return claims, True

    async def answer(
        self,
        claims: Claims,
        host: str | None,
        answer: Answer,
        body: dict[str, Any],
        *,
        in_browser: bool = False,
    ) -> Content:
        """Answer whoever has these claims, in a transaction of their own; raises ItcareError."""
        events: list[MfaEvent] = []

        async def record(fetch: Fetch, event: MfaEvent) -> None:
            await recorded(fetch, event)
            events.append(event)

        async with open_transaction(self._database) as transaction:
            await set_scope(transaction.fetch, claims.subject, claims.session_id)
            holder = await find_holder(transaction.fetch, claims.subject)
            if holder is None:
                raise Unauthenticated(INVALID_TOKEN)
            if holder.kind is AccountKind.API_ACCOUNT:
                raise Forbidden([DenialReason.API_ACCOUNT.value])
            recorded = self._record_for(claims, holder, host)
            caller = Caller(holder, claims, datetime.now(UTC), transaction.fetch, record, in_browser)
            try:
                content = await answer(caller, body)
            except TooManySendings as refusal:
                event = MfaEvent(MfaEventKind.RATE_LIMITED, caller.id, refusal.kind, caller.now)
                await record(transaction.fetch, event)
                raise
        for event in events:
            self._on_event(holder, event)
        for send in caller.sendings:
            await send()
        if isinstance(content, ItcareError):
            raise content
        return content


def refused(error: Exception, translate: Translate) -> Response:
    """Answer a refusal of ours, or mask and log a fault."""
    refusal = error if isinstance(error, ItcareError) else None
    if refusal is None:
        log_fault(error)
        refusal = translate(error)
    if refusal is None:
        fault = {"code": INTERNAL_SERVER_ERROR, "message": MASKED, "correlationId": correlation_id.get()}
        return JSONResponse({"error": fault}, 500, HEADERS)
    headers: dict[str, str] = dict(HEADERS)
    if isinstance(refusal, HttpError):
        headers |= refusal.headers
    elif isinstance(refusal, TooManyFailures | TooManySendings):
        headers["Retry-After"] = str(refusal.seconds)
    elif isinstance(refusal, InsufficientUserAuthentication):
        headers["WWW-Authenticate"] = refusal.challenge
    elif isinstance(refusal, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    body = {"code": refusal.code, "message": refusal.message, **refusal.extensions}
    return JSONResponse({"error": body}, refusal.http_status, headers)
