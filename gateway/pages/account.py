"""The page of who is signed in: their password, their second factors, and where else they are signed in."""

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from auth.audit import Event
from auth.identity.password_policy import is_too_long
from auth.identity.passwords import Passwords, find_hash
from auth.identity.sessions import end_sessions, sessions_of
from auth.identity.tables import SessionEnd
from auth.identity.throttling import Throttle
from auth.mfa.enrolment import confirmed_factors
from auth.principal import set_scope
from gateway.mail import Mailer
from gateway.messages import password_changed
from gateway.pages.browser import redirect
from gateway.pages.choosing import HINT, NEW, TOO_LONG, Problems, known_of, looked_at, take, typed
from gateway.pages.errors import FormRefused
from gateway.pages.forms import MOST_BYTES, Form
from gateway.pages.sign_in import WAIT
from gateway.pages.site import Site, Visit
from resolvers.transaction import open_transaction

ACCOUNT: Final = "/auth/account"
PASSWORD: Final = "/auth/account/password"  # noqa: S105
END_OTHERS: Final = "/auth/account/end-other-sessions"
WRONG: Final = "This is not your current password."
NOTICES: Final = {
    "signed-out-elsewhere": "You are signed out everywhere else.",
    "password-changed": "Your password was changed, and you are signed out everywhere else.",
    "factor-removed": "Your second factor was removed.",
    "factor-added": "Your second factor is set up.",
}
"""What the page can say on top, by its parameter `notice`."""


class AccountPages:
    """The account page, and changing one's password. `address` is where browsers reach the gateway."""

    def __init__(self, site: Site, passwords: Passwords, throttle: Throttle, mailer: Mailer, address: str) -> None:
        self._site = site
        self._passwords = passwords
        self._throttle = throttle
        self._mailer = mailer
        self._address = address

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            self._site.route(ACCOUNT, Event.SIGN_IN, show=self._show, signed_in=True),
            self._site.route(PASSWORD, Event.PASSWORD_CHANGE, show=self._ask, submit=self._change, signed_in=True),
            self._site.route(END_OTHERS, Event.END_SESSIONS, submit=self._end_others, signed_in=True),
        ]

    async def _show(self, visit: Visit) -> Response:
        person = visit.person
        async with visit.scope() as fetch:
            sessions = await sessions_of(fetch, person.id, visit.now)
            factors = await confirmed_factors(fetch, person.id)
        return visit.page(
            "account.html",
            sessions=sessions,
            current=person.session.id,
            factors=factors,
            notice=NOTICES.get(visit.request.query_params.get("notice", "")),
        )

    async def _end_others(self, visit: Visit, _: Form) -> Response:
        person = visit.person
        async with visit.scope() as fetch:
            await end_sessions(fetch, person.id, SessionEnd.SIGNED_OUT, visit.now, but=person.session.id)
            await visit.done(fetch, Event.END_SESSIONS)
        return redirect(f"{ACCOUNT}?notice=signed-out-elsewhere")

    async def _ask(self, visit: Visit) -> Response:
        return self._password_page(visit)

    def _password_page(self, visit: Visit, status: int = 200, problems: Problems = ()) -> Response:
        return visit.page("change_password.html", status, email=visit.person.email, hint=HINT, problems=problems)

    async def _change(self, visit: Visit, form: Form) -> Response:
        person, current = visit.person, form.text("password", MOST_BYTES)
        chosen, problems = typed(form)
        if is_too_long(current):
            problems = (("password", TOO_LONG), *problems)
        elif not current:
            problems = (("password", "Enter your current password."), *problems)
        elif chosen == current:
            problems = ((NEW, "This is your current password."), *problems)
        if problems:
            return self._password_page(visit, 422, problems)
        async with open_transaction(self._site.database) as transaction:
            seen = await set_scope(transaction.fetch, person.id, person.session.id)
            kept = await find_hash(transaction.fetch, person.id)
            # Who has a session that is not theirs does not guess the password with it either.
            counted = await self._throttle.count(transaction.fetch, person.email, None, visit.now, b" change")
        if counted.wait is not None:
            visit.refused(Event.PASSWORD_CHANGE, "RATE_LIMITED")
            return self._password_page(visit, 403, (("password", WRONG), ("password", WAIT)))
        if kept is None or not await self._passwords.verify(current, kept):
            visit.refused(Event.PASSWORD_CHANGE, "WRONG_PASSWORD")
            return self._password_page(visit, 403, (("password", WRONG),))
        problems = await looked_at(self._passwords, chosen, known_of(person.email, seen))
        new_hash = await self._passwords.hash(chosen) if not problems else None
        async with visit.scope() as fetch:
            await self._throttle.forgive(fetch, counted)
            if new_hash is None:
                return self._password_page(visit, 422, problems)
            if await find_hash(fetch, person.id) != kept:
                raise FormRefused  # it was changed meanwhile
            await take(fetch, person.id, new_hash, visit.now, but=person.session.id)
            await visit.done(fetch, Event.PASSWORD_CHANGE, "PASSWORD_CHOSEN")
        self._mailer.send(password_changed(person.email, self._address, visit.now))
        return redirect(f"{ACCOUNT}?notice=password-changed")
