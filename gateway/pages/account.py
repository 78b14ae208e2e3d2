"""The page of who is signed in: their password, their second factors, and where else they are signed in."""

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from auth.audit import Event
from auth.identity.sessions import end_sessions, sessions_of
from auth.identity.tables import SessionEnd
from auth.mfa.enrolment import confirmed_factors
from gateway.pages.browser import redirect
from gateway.pages.forms import Form
from gateway.pages.site import Site, Visit

ACCOUNT: Final = "/auth/account"
END_OTHERS: Final = "/auth/account/end-other-sessions"
NOTICES: Final = {
    "signed-out-elsewhere": "You are signed out everywhere else.",
}
"""What the page can say on top, by its parameter `notice`."""


class AccountPages:
    """The account page, and what is done on it without a page of its own."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            self._site.route(ACCOUNT, Event.SIGN_IN, show=self._show, signed_in=True),
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
