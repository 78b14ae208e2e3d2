"""Passwords by e-mail: asking for a link, and choosing a password with one, be it the first one or another.

Asking gets one answer, whether an address is somebody's or not: what there is to do is done behind it. Opening a link
changes nothing, since programs that look through mail open links, too.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from auth.accounts import find_account, organization_of
from auth.audit import PLATFORM, Event
from auth.identity.links import is_valid_link, new_link, use_link
from auth.identity.passwords import Passwords, find_hash
from auth.identity.secrets import SecretKind, account_of_secret, digest_of
from auth.identity.tables import LinkPurpose
from auth.identity.throttling import Throttle
from auth.mfa.enrolment import FactorHolder, find_holder
from auth.principal import set_scope
from auth.tables import AccountKind
from gateway.mail import Mailer
from gateway.messages import INVITATION_PAGE, LINK, RESET_PAGE, password_changed, password_reset
from gateway.pages.browser import SIGN_IN, redirect
from gateway.pages.choosing import HINT, Problems, known_of, looked_at, take, typed
from gateway.pages.errors import LinkRefused
from gateway.pages.forms import MOST_BYTES, Form
from gateway.pages.sign_in import MOST_EMAIL, WAIT, know_device, sign_in
from gateway.pages.site import Site, Visit
from resolvers.transaction import open_transaction

FORGOT: Final = "/auth/forgot-password"
FACTORS: Final = "/auth/account/factors"
CLOSE_SECONDS: Final = 5.0
EVENTS: Final = {LinkPurpose.INVITATION: Event.INVITATION, LinkPurpose.PASSWORD_RESET: Event.PASSWORD_RESET}
PAGES: Final = {LinkPurpose.INVITATION: INVITATION_PAGE, LinkPurpose.PASSWORD_RESET: RESET_PAGE}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """A link that serves, with whose it is, and the words that are known of them."""

    purpose: LinkPurpose
    digest: bytes
    holder: FactorHolder
    chain: UUID
    words: tuple[str, ...]


class LinkPages:
    """The pages of links. `address` is where browsers reach the gateway, for links in e-mails."""

    def __init__(self, site: Site, passwords: Passwords, throttle: Throttle, mailer: Mailer, address: str) -> None:
        self._site = site
        self._passwords = passwords
        self._throttle = throttle
        self._mailer = mailer
        self._address = address
        self._asked: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        """Give the routes."""
        route = self._site.route
        return [
            route(FORGOT, Event.PASSWORD_RESET, show=self._ask, submit=self._send),
            route(RESET_PAGE, Event.PASSWORD_RESET, show=self._show_reset, submit=self._reset),
            route(INVITATION_PAGE, Event.INVITATION, show=self._show_invitation, submit=self._accept),
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let links be made until the block ends, and then for a moment those that were asked for."""
        try:
            yield
        finally:
            if self._asked:
                await asyncio.wait(self._asked, timeout=CLOSE_SECONDS)

    # -- asking

    async def _ask(self, visit: Visit) -> Response:
        return visit.page("forgot_password.html", email="")

    async def _send(self, visit: Visit, form: Form) -> Response:
        email = form.text("email", MOST_BYTES).strip()
        if not email or len(email) > MOST_EMAIL:
            problems = [("email", "Enter your e-mail address.")]
            return visit.page("forgot_password.html", 422, email=email[:MOST_EMAIL], problems=problems)
        async with open_transaction(self._site.database) as transaction:
            counted = await self._throttle.count(transaction.fetch, email, visit.address, visit.now, b" reset")
        if counted.wait is not None:
            visit.refused(Event.PASSWORD_RESET, "RATE_LIMITED")
            return visit.page("forgot_password.html", 403, email=email, problems=[("email", WAIT)])
        task = asyncio.create_task(self._make(visit, email), name="password-reset")
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        return visit.page("link_sent.html")

    async def _make(self, visit: Visit, email: str) -> None:
        try:
            async with open_transaction(self._site.database) as transaction:
                fetch = transaction.fetch
                account_id = await find_account(fetch, email if email.isascii() else "")
                if account_id is None:
                    visit.refused(Event.PASSWORD_RESET, "UNKNOWN_ACCOUNT")
                    return
                await set_scope(fetch, account_id)
                holder, chain = await find_holder(fetch, account_id), await organization_of(fetch, account_id)
                who = visit.who(account_id, holder.email if holder else None)
                # Who was never given a password chooses it by invitation.
                if holder is None or holder.kind is not AccountKind.PERSON or not await find_hash(fetch, account_id):
                    visit.refused(Event.PASSWORD_RESET, "NO_PASSWORD", who=who, chain=chain or PLATFORM)
                    return
                secret = await new_link(fetch, account_id, LinkPurpose.PASSWORD_RESET, visit.now)
                await visit.done(fetch, Event.PASSWORD_RESET, "LINK_SENT", who=who, chain=chain)
            self._mailer.send(password_reset(holder.email, self._address, secret))
        except Exception as error:  # noqa: BLE001  # nobody waits for it; they ask again
            _log.error("A link for a new password cannot be made", exc_info=error)

    # -- choosing

    async def _show_reset(self, visit: Visit) -> Response:
        return await self._show(visit, LinkPurpose.PASSWORD_RESET)

    async def _show_invitation(self, visit: Visit) -> Response:
        return await self._show(visit, LinkPurpose.INVITATION)

    async def _show(self, visit: Visit, purpose: LinkPurpose) -> Response:
        secret = visit.request.query_params.get(LINK, "")
        return self._page(visit, await self._held(visit, purpose, secret), secret)

    def _page(self, visit: Visit, held: Held, secret: str, problems: Problems = ()) -> Response:
        return visit.page(
            "choose_password.html",
            422 if problems else 200,
            is_invitation=held.purpose is LinkPurpose.INVITATION,
            action=PAGES[held.purpose],
            link=secret,
            email=held.holder.email,
            hint=HINT,
            problems=problems,
        )

    async def _held(self, visit: Visit, purpose: LinkPurpose, secret: str) -> Held:
        """Find a link and whose it is; raises LinkRefused."""
        digest = digest_of(secret)
        async with open_transaction(self._site.database) as transaction:
            fetch = transaction.fetch
            account_id = await account_of_secret(fetch, SecretKind.LINK, digest)
            if account_id is None:
                raise LinkRefused
            seen = await set_scope(fetch, account_id)
            holder = await find_holder(fetch, account_id)
            if holder is None or not await is_valid_link(fetch, account_id, purpose, digest, visit.now):
                raise LinkRefused
            chain = await organization_of(fetch, account_id) or PLATFORM
        return Held(purpose, digest, holder, chain, known_of(holder.email, seen))

    async def _chosen(self, visit: Visit, form: Form, purpose: LinkPurpose) -> tuple[Held, str] | Response:
        """Give whose link it is and the hash of the password that was chosen; or a page that says what is wrong."""
        secret = form.text(LINK)
        chosen, problems = typed(form)
        held = await self._held(visit, purpose, secret)
        problems = problems or await looked_at(self._passwords, chosen, held.words)
        if problems:
            return self._page(visit, held, secret, problems)
        return held, await self._passwords.hash(chosen)

    async def _reset(self, visit: Visit, form: Form) -> Response:
        chosen = await self._chosen(visit, form, LinkPurpose.PASSWORD_RESET)
        if isinstance(chosen, Response):
            return chosen
        response = redirect(f"{SIGN_IN}?{urlencode({'notice': 'password-changed'})}")
        self._site.browser.drop_session(response)
        await self._take(visit, *chosen, response)
        self._mailer.send(password_changed(chosen[0].holder.email, self._address, visit.now))
        return response

    async def _accept(self, visit: Visit, form: Form) -> Response:
        chosen = await self._chosen(visit, form, LinkPurpose.INVITATION)
        if isinstance(chosen, Response):
            return chosen
        response = redirect(FACTORS)
        await self._take(visit, *chosen, response)
        return response

    async def _take(self, visit: Visit, held: Held, new_hash: str, response: Response) -> None:
        """Use a link up, and keep the password; whoever was invited is signed in, too."""
        account_id = held.holder.account_id
        async with open_transaction(self._site.database) as transaction:
            fetch = transaction.fetch
            await set_scope(fetch, account_id)
            # Of two who use one link together, or as another is made, one has it.
            if not await use_link(fetch, account_id, held.purpose, held.digest, visit.now):
                raise LinkRefused
            await take(fetch, account_id, new_hash, visit.now)
            if held.purpose is LinkPurpose.INVITATION:
                await sign_in(visit, fetch, account_id, response)
            else:
                # Strangers who guess may be why they come this way: they must not be kept out here, too.
                await know_device(visit, fetch, account_id, response)
            who = visit.who(account_id, held.holder.email)
            await visit.done(fetch, EVENTS[held.purpose], "PASSWORD_CHOSEN", who=who, chain=held.chain)
