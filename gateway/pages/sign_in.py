"""Signing in with e-mail and password, and signing out.

The answer is the same, and so is the work, whether an e-mail is somebody's or nobody's, and whether its account has a
password. No connection of the database is held while a password is hashed: an attempt is counted and read in one
transaction, and what comes of it is written in another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from uuid import UUID, uuid4

from starlette.responses import Response
from starlette.routing import Route

from auth.accounts import find_account, organization_of
from auth.audit import PLATFORM, Event
from auth.identity.password_policy import is_too_long
from auth.identity.passwords import Passwords, find_hash, renew_hash
from auth.identity.secrets import digest_of, new_secret
from auth.identity.sessions import begin_browser_session, end_session, find_browser_session
from auth.identity.tables import SessionEnd
from auth.identity.throttling import Counted, Throttle, is_known_device, keep_device
from auth.mfa.enrolment import find_holder
from auth.principal import set_scope
from auth.statements import Fetch
from auth.tables import AccountKind
from gateway.pages.browser import SIGN_IN, redirect
from gateway.pages.choosing import TOO_LONG
from gateway.pages.forms import CONTINUE, MOST_BYTES, Form, own_path
from gateway.pages.site import Site, Visit
from resolvers.transaction import open_transaction

HOME: Final = "/auth/account"
SIGN_OUT: Final = "/auth/sign-out"
MOST_EMAIL: Final = 320
AMR: Final = ("pwd",)
WRONG: Final = "The e-mail address or the password is not right."
WAIT: Final = "There were too many attempts. Wait some minutes before the next one, or choose a new password."
NOTICES: Final = {
    "signed-out": "You are signed out.",
    "password-changed": "Your password was changed. Sign in with the new one.",
}
"""What the page can say on top, by its parameter `notice`."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was read of an attempt to sign in, be the e-mail somebody's or nobody's."""

    account_id: UUID | None
    email: str | None
    chain: UUID
    hash: str | None
    counted: Counted


class SignInPages:
    """The pages of signing in and out. `contact` is whom to ask for an account."""

    def __init__(self, site: Site, passwords: Passwords, throttle: Throttle, *, contact: str) -> None:
        self._site = site
        self._passwords = passwords
        self._throttle = throttle
        self._contact = contact

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            self._site.route(SIGN_IN, Event.SIGN_IN, show=self._show, submit=self._sign_in),
            self._site.route(SIGN_OUT, Event.SIGN_OUT, show=self._ask, submit=self._sign_out),
        ]

    async def _show(self, visit: Visit) -> Response:
        parameters = visit.request.query_params
        going_on = own_path(parameters.get(CONTINUE))
        if "again" not in parameters and await self._site.browser.session(visit.request):
            return redirect(going_on or HOME)
        return self._page(visit, going_on, notice=NOTICES.get(parameters.get("notice", "")))

    def _page(
        self,
        visit: Visit,
        going_on: str | None,
        status: int = 200,
        *,
        email: str = "",
        problems: Sequence[tuple[str, str]] = (),
        notice: str | None = None,
    ) -> Response:
        return visit.page(
            "sign_in.html",
            status,
            going_on=going_on,
            email=email,
            problems=problems,
            notice=notice,
            contact=self._contact,
        )

    async def _sign_in(self, visit: Visit, form: Form) -> Response:
        going_on = form.own_path()
        email, password = form.text("email", MOST_BYTES).strip(), form.text("password", MOST_BYTES)
        problems = [
            *([("email", "Enter your e-mail address.")] if not email else []),
            *([("email", "This is too long for an e-mail address.")] if len(email) > MOST_EMAIL else []),
            *([("password", "Enter your password.")] if not password else []),
            *([("password", TOO_LONG)] if is_too_long(password) else []),
        ]
        if problems:
            return self._page(visit, going_on, 422, email=email[:MOST_EMAIL], problems=problems)
        attempt = await self._attempt(visit, email)
        if attempt.counted.wait is not None:
            return self._refuse(visit, going_on, email, attempt, "RATE_LIMITED", (("email", WRONG), ("email", WAIT)))
        is_right = await self._passwords.verify(password, attempt.hash)
        if is_right and attempt.account_id is not None and attempt.hash is not None:
            renewed = await self._passwords.hash(password) if self._passwords.is_outdated(attempt.hash) else None
            response = await self._begin(visit, attempt.account_id, attempt.hash, attempt, renewed, going_on or HOME)
            if response is not None:
                return response
        return self._refuse(visit, going_on, email, attempt, "WRONG_PASSWORD", (("email", WRONG),))

    async def _attempt(self, visit: Visit, email: str) -> Attempt:
        """Read and count an attempt, with as many statements for an e-mail that is nobody's as for one that is."""
        device = self._site.browser.cookies(visit.request).device
        async with open_transaction(self._site.database) as transaction:
            fetch = transaction.fetch
            # What is not ASCII is no account's: the database would take some letters for others when it lowers them.
            found = await find_account(fetch, email if email.isascii() else "")
            account_id = found or uuid4()
            await set_scope(fetch, account_id)
            holder = await find_holder(fetch, account_id)
            chain = await organization_of(fetch, account_id) or PLATFORM
            kept = await find_hash(fetch, account_id)
            known = device is not None and await is_known_device(fetch, account_id, digest_of(device), visit.now)
            digest = digest_of(device) if known and device is not None else None
            counted = await self._throttle.count_sign_in(fetch, email, visit.address, digest, visit.now)
        if holder is None or holder.kind is not AccountKind.PERSON:
            return Attempt(found, None, chain, None, counted)
        return Attempt(found, holder.email, chain, kept, counted)

    def _refuse(
        self,
        visit: Visit,
        going_on: str | None,
        email: str,
        attempt: Attempt,
        code: str,
        problems: Sequence[tuple[str, str]],
    ) -> Response:
        code = code if attempt.account_id is not None else "UNKNOWN_ACCOUNT"
        visit.refused(Event.SIGN_IN, code, who=visit.who(attempt.account_id, attempt.email), chain=attempt.chain)
        return self._page(visit, going_on, 403, email=email, problems=problems)

    async def _begin(
        self, visit: Visit, account_id: UUID, kept: str, attempt: Attempt, renewed: str | None, going_on: str
    ) -> Response | None:
        async with open_transaction(self._site.database) as transaction:
            fetch = transaction.fetch
            await set_scope(fetch, account_id)
            # Neither the account nor its password may have changed while the password was looked at.
            if await find_hash(fetch, account_id) != kept:
                return None
            await self._throttle.forgive(fetch, attempt.counted)
            if renewed is not None:
                await renew_hash(fetch, account_id, kept, renewed)
            response = redirect(going_on)
            await sign_in(visit, fetch, account_id, response)
            who = visit.who(account_id, attempt.email)
            await visit.done(fetch, Event.SIGN_IN, "PASSWORD", who=who, chain=attempt.chain)
        return response

    async def _ask(self, visit: Visit) -> Response:
        session = await self._site.browser.session(visit.request)
        going_on = own_path(visit.request.query_params.get(CONTINUE))
        return visit.page("sign_out.html", going_on=going_on) if session else redirect(going_on or SIGN_IN)

    async def _sign_out(self, visit: Visit, form: Form) -> Response:
        response = redirect(form.own_path() or f"{SIGN_IN}?{urlencode({'notice': 'signed-out'})}")
        self._site.browser.drop_session(response)
        session = await self._site.browser.session(visit.request)
        if session is not None:
            async with open_transaction(self._site.database) as transaction:
                fetch, account_id = transaction.fetch, session.account_id
                await set_scope(fetch, account_id, session.id)
                holder = await find_holder(fetch, account_id)
                chain = await organization_of(fetch, account_id) or PLATFORM
                await end_session(fetch, account_id, session.id, SessionEnd.SIGNED_OUT, visit.now)
                who = visit.who(account_id, holder.email if holder else None)
                await visit.done(fetch, Event.SIGN_OUT, who=who, chain=chain)
        return response


async def sign_in(visit: Visit, fetch: Fetch, account_id: UUID, response: Response) -> None:
    """Begin a session of an account in this browser, in the place of the one before, and know it from here on."""
    browser = visit.site.browser
    before = browser.cookies(visit.request).session
    ended = await find_browser_session(fetch, account_id, digest_of(before), visit.now) if before else None
    if ended is not None:
        await end_session(fetch, account_id, ended.id, SessionEnd.SIGNED_OUT, visit.now)
    agent = visit.request.headers.get("user-agent")
    session, secret = await begin_browser_session(fetch, account_id, AMR, visit.now, user_agent=agent)
    browser.keep_session(response, session, secret)
    await know_device(visit, fetch, account_id, response)


async def know_device(visit: Visit, fetch: Fetch, account_id: UUID, response: Response) -> None:
    """Know a browser of an account from here on; one that was another's gets a secret of its own."""
    device = visit.site.browser.cookies(visit.request).device
    if device is None or not await is_known_device(fetch, account_id, digest_of(device), visit.now):
        device = new_secret()
    await keep_device(fetch, account_id, digest_of(device), visit.now)
    visit.site.browser.keep_device(response, device)
