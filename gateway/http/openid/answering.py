"""What the endpoints of OAuth have in common: a time limit, one transaction, a record, and how they refuse."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.accounts import organization_of
from auth.audit import PLATFORM, Decision, Entry, Event, Who, append
from auth.errors import ItcareError, OperationTimeout
from auth.principal import set_scope
from auth.statements import Fetch
from auth.tables import AccountKind
from gateway.auditing import request_id
from gateway.http.client_address import address_of
from gateway.http.errors import HttpError, MethodNotAllowed, Translate
from gateway.http.openid.errors import INVALID_REQUEST, SERVER_ERROR, TEMPORARILY_UNAVAILABLE, OAuthError
from gateway.http.openid.parameters import Parameters, query_of, read_form
from gateway.telemetry import correlation_id, log_fault
from resolvers.database import Database
from resolvers.transaction import open_transaction

EVERY_METHOD: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
"""Those that cannot be used are refused as everything else is, rather than by the router."""
HEADERS: Final = {
    # Not to be compressed either: the length of what holds a secret is nobody's business.
    "Cache-Control": "no-store, no-transform",
    "Pragma": "no-cache",
}


@dataclass(frozen=True, slots=True)
class Party:
    """An active account that a request is about, and the chain in which that is recorded."""

    account_id: UUID
    kind: AccountKind
    email: str
    chain: UUID


@dataclass(slots=True)
class Asking:
    """A request while it is answered, in a transaction of its own; what becomes known of it is for its record."""

    request: Request
    host: str | None
    """Where it comes from."""
    parameters: Parameters
    fetch: Fetch
    now: datetime
    reasons: list[str] = field(default_factory=list)
    """What was asked for, and what came of it, in capitals."""
    party: Party | None = None
    session_id: UUID | None = None
    credential_id: UUID | None = None
    token_id: UUID | None = None
    mfa_time: datetime | None = None
    amr: Sequence[str] = ()
    input_digest: bytes | None = None

    async def enter(self, account_id: UUID, session_id: UUID | None = None) -> Party | None:
        """Go on in the scope of an account; None if it is not active, or the session or credential is over."""
        rows = await set_scope(self.fetch, account_id, session_id)
        if not rows:
            return None
        _, kind, email, *_ = rows[0]
        chain = await organization_of(self.fetch, account_id) or PLATFORM
        self.party = Party(account_id, AccountKind(kind), email, chain)
        return self.party


Answer = Callable[[Asking], Awaitable[Response | OAuthError]]
"""Answers a request. A refusal that is raised undoes what was written; one that is given lets it be committed."""
Refuse = Callable[[Request, OAuthError], Response]
Prepare = Callable[[Parameters], Awaitable[None]]
"""Does what takes long, and is not to hold a connection of the database meanwhile."""


class Answering:
    """Makes endpoints; `denied` is told of every refusal."""

    def __init__(
        self,
        database: Database,
        denied: Callable[[Entry], None],
        *,
        seconds: float,
        translate: Translate,
    ) -> None:
        self._database = database
        self._denied = denied
        self._seconds = seconds
        self._translate = translate

    def recorded(
        self,
        path: str,
        event: Event,
        methods: Sequence[str],
        answer: Answer,
        refuse: Refuse | None = None,
        prepare: Prepare | None = None,
    ) -> Route:
        """Route an endpoint that is asked by parameters, and of which everything is recorded as `event`."""

        async def respond(request: Request) -> Response:
            now = datetime.now(UTC)
            known: list[Asking] = []
            try:
                parameters = query_of(request) if request.method == "GET" else await read_form(request)
                if prepare is not None:
                    await prepare(parameters)
                async with open_transaction(self._database) as transaction:
                    asking = Asking(request, address_of(request), parameters, transaction.fetch, now)
                    known.append(asking)
                    given = await answer(asking)
                    if not isinstance(given, OAuthError):
                        if asking.party is not None:
                            await append(asking.fetch, [_entry(event, asking, None)])
                        return given
                raise given
            except OAuthError as error:
                asking = known[0] if known else Asking(request, address_of(request), Parameters(), _no_fetch, now)
                self._denied(_entry(event, asking, error))
                raise

        return self.limited(path, methods, respond, refuse)

    def limited(
        self,
        path: str,
        methods: Iterable[str],
        respond: Callable[[Request], Awaitable[Response]],
        refuse: Refuse | None = None,
    ) -> Route:
        """Route an endpoint that answers in time, whatever happens."""
        allowed = list(methods)

        async def endpoint(request: Request) -> Response:
            limit = asyncio.timeout(self._seconds)
            try:
                async with limit:
                    if request.method not in allowed:
                        raise MethodNotAllowed(f"Send this with {' or '.join(allowed)}.", allow=", ".join(allowed))
                    return await respond(request)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it
            except Exception as error:  # noqa: BLE001  # one of our refusals, or a fault: then it is masked and logged
                refusal = self._refusal(OperationTimeout(self._seconds) if limit.expired() else error)
                return (refuse or as_json)(request, refusal)

        return Route(path, endpoint, methods=EVERY_METHOD)

    def _refusal(self, error: Exception) -> OAuthError:
        if isinstance(error, OAuthError):
            return error
        if isinstance(error, HttpError):
            return OAuthError(INVALID_REQUEST, error.message, status=error.http_status, headers=error.headers)
        if not isinstance(error, ItcareError):
            log_fault(error)
        refusal = error if isinstance(error, ItcareError) else self._translate(error)
        if refusal is None:
            masked = f"Internal error. Quote the correlation id when you report it: {correlation_id.get()}"
            return OAuthError(SERVER_ERROR, masked, status=500)
        return OAuthError(TEMPORARILY_UNAVAILABLE, refusal.message, status=refusal.http_status)


def as_json(_: Request, refusal: OAuthError) -> Response:
    """Answer a refusal to a program."""
    return JSONResponse(refusal.body, refusal.status, {**HEADERS, **refusal.headers})


def _entry(event: Event, asking: Asking, refusal: OAuthError | None) -> Entry:
    party = asking.party
    who = Who.of(None, email=party.email if party else None, host=asking.host)
    targets = {"Session": asking.session_id, "ClientCredential": asking.credential_id}
    target = next((name for name, target_id in targets.items() if target_id), None)
    return Entry(
        party.chain if party else PLATFORM,
        event,
        Decision.ALLOWED if refusal is None else Decision.DENIED,
        replace(
            who,
            account_id=party.account_id if party else None,
            token_id=asking.token_id,
            mfa_time=asking.mfa_time,
            amr=tuple(asking.amr),
        ),
        code=None if refusal is None else refusal.error.upper(),
        reasons=tuple(asking.reasons),
        target_type=target,
        target_id=targets[target] if target else None,
        input_digest=asking.input_digest,
        correlation_id=request_id(),
        at=asking.now,
    )


async def _no_fetch(*_: object) -> Sequence[object]:
    raise RuntimeError("nothing is read of a request that cannot be")
