"""What all pages share: how a request becomes a visit, who is allowed in, and what a refusal looks like.

A page is a path with what shows it and what takes its form. A `Visit` is one request to it; of a page for people who
are signed in, it has the `Person`, too.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from auth.accounts import organization_of
from auth.audit import PLATFORM, Decision, Entry, Who, append
from auth.errors import ItcareError, OperationTimeout
from auth.identity.sessions import BrowserSession
from auth.mfa.enrolment import find_holder
from auth.mfa.errors import TooManyFailures
from auth.principal import set_scope
from auth.statements import Fetch
from auth.tables import AccountKind
from gateway.auditing import Audit, request_id
from gateway.http.client_address import address_of
from gateway.http.errors import INTERNAL_SERVER_ERROR, MASKED, HttpError, MethodNotAllowed, Translate
from gateway.pages.browser import Browser
from gateway.pages.forms import TOKEN, Form, read_form
from gateway.pages.rendering import Renderer
from gateway.telemetry import correlation_id, log_fault
from resolvers.database import Database
from resolvers.transaction import open_transaction

EVERY_METHOD: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
"""Those that cannot be used are refused by a page, too, rather than by the router."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in, and in whose chain of the audit log it is kept what they do."""

    session: BrowserSession
    email: str
    chain: UUID

    @property
    def id(self) -> UUID:
        """The account's id."""
        return self.session.account_id


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to a page."""

    site: "Site"
    request: Request
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    signed_in: Person | None = None

    @property
    def person(self) -> Person:
        """Who is signed in; of a page for people who are."""
        if self.signed_in is None:
            raise RuntimeError("a page for people who are signed in was not routed as one")
        return self.signed_in

    @property
    def address(self) -> str | None:
        """Where the request comes from."""
        return address_of(self.request)

    def page(self, template: str, status: int = 200, **context: Any) -> Response:
        """Render a page, whose forms carry the token of this browser."""
        token, fresh = self.site.browser.form_token(self.request)
        shown = {
            "form_field": TOKEN,
            "form_token": token,
            "signed_in_as": self.signed_in.email if self.signed_in else None,
            "problems": [],
            **context,
        }
        response = self.site.renderer.page(template, status, shown)
        if fresh is not None:
            self.site.browser.keep_form(response, fresh)
        return response

    def refused(self, event: str, code: str, *, who: Who | None = None, chain: UUID = PLATFORM) -> None:
        """Record that something was refused."""
        if who is None:
            who = self.who(self.signed_in.id, self.signed_in.email) if self.signed_in else self.who()
        chain = self.signed_in.chain if self.signed_in else chain
        self.site.audit.denied(
            Entry(chain, event, Decision.DENIED, who, code=code, correlation_id=request_id(), at=self.now)
        )

    async def done(
        self, fetch: Fetch, event: str, *reasons: str, who: Who | None = None, chain: UUID | None = None
    ) -> None:
        """Record what was done, last in its transaction."""
        if who is None:
            who, chain = self.who(self.person.id, self.person.email), self.person.chain
        await append(
            fetch,
            [
                Entry(
                    chain or PLATFORM,
                    event,
                    Decision.ALLOWED,
                    who,
                    reasons=reasons,
                    correlation_id=request_id(),
                    at=self.now,
                )
            ],
        )

    def who(self, account_id: UUID | None = None, email: str | None = None) -> Who:
        """Say who it was, for the audit log: an account that was found, never what was typed."""
        return replace(Who.of(None, email=email, host=self.address), account_id=account_id)

    @asynccontextmanager
    async def scope(self) -> AsyncIterator[Fetch]:
        """Begin a transaction in the scope of who is signed in, committed unless the block raises."""
        async with open_transaction(self.site.database) as transaction:
            await set_scope(transaction.fetch, self.person.id, self.person.session.id)
            yield transaction.fetch


Show = Callable[[Visit], Awaitable[Response]]
Submit = Callable[[Visit, Form], Awaitable[Response]]


class Site:
    """The surroundings of pages. `translate` recognizes a library's exceptions as refusals of ours."""

    def __init__(
        self,
        database: Database,
        browser: Browser,
        renderer: Renderer,
        audit: Audit,
        *,
        seconds: float,
        translate: Translate,
    ) -> None:
        self.database = database
        self.browser = browser
        self.renderer = renderer
        self.audit = audit
        self._seconds = seconds
        self._translate = translate

    def route(
        self, path: str, event: str, *, show: Show | None = None, submit: Submit | None = None, signed_in: bool = False
    ) -> Route:
        """Route a page; `event` is what its form does, as the audit log says it. `signed_in` lets in only who is."""

        async def endpoint(request: Request) -> Response:
            limit = asyncio.timeout(self._seconds)
            visit = Visit(self, request)
            try:
                async with limit:
                    return await self._answer(visit, show, submit, signed_in=signed_in)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it
            except Exception as error:  # noqa: BLE001  # one of our refusals, or a fault: then it is masked and logged
                return self._refusal(visit, event, OperationTimeout(self._seconds) if limit.expired() else error)

        return Route(path, endpoint, methods=EVERY_METHOD)

    async def _answer(self, visit: Visit, show: Show | None, submit: Submit | None, *, signed_in: bool) -> Response:
        request, answer = visit.request, None
        if request.method in {"GET", "HEAD"}:
            answer = show
        elif request.method == "POST" and submit is not None:
            form = await read_form(request)
            self.browser.require_own_form(request, form)
            answer = partial(_submit, submit, form)
        if answer is None:
            allowed = ", ".join(name for name, there in (("GET", show), ("POST", submit)) if there)
            raise MethodNotAllowed("This page cannot do that.", allow=allowed)
        if signed_in:
            person = await self._person(request)
            if person is None:
                return self.browser.sign_in_first(request)
            visit = replace(visit, signed_in=person)
        return await answer(visit)

    async def _person(self, request: Request) -> Person | None:
        session = await self.browser.session(request)
        if session is None:
            return None
        async with open_transaction(self.database) as transaction:
            await set_scope(transaction.fetch, session.account_id, session.id)
            holder = await find_holder(transaction.fetch, session.account_id)
            if holder is None or holder.kind is not AccountKind.PERSON:
                return None
            chain = await organization_of(transaction.fetch, session.account_id) or PLATFORM
        return Person(session, holder.email, chain)

    def _refusal(self, visit: Visit, event: str, error: Exception) -> Response:
        refusal = error if isinstance(error, ItcareError) else None
        if refusal is None:
            log_fault(error)
            refusal = self._translate(error)
        if refusal is None:
            return visit.page(
                "error.html", 500, code=INTERNAL_SERVER_ERROR, message=MASKED, correlation_id=correlation_id.get()
            )
        visit.refused(event, refusal.code)
        response = visit.page(
            "error.html", refusal.http_status, code=refusal.code, message=refusal.message, correlation_id=None
        )
        if isinstance(refusal, HttpError):
            response.headers.update(refusal.headers)
        elif isinstance(refusal, TooManyFailures):
            response.headers["Retry-After"] = str(refusal.seconds)
        return response


async def _submit(submit: Submit, form: Form, visit: Visit) -> Response:
    return await submit(visit, form)
