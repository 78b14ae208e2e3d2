"""Recovery codes on pages: new ones, and what to do with one; and removing a second factor."""

from functools import partial
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from auth.audit import Event
from auth.errors import InsufficientUserAuthentication, NotFound
from auth.mfa.enrolment import confirmed_factors
from auth.mfa.errors import ChallengeRefused, LastFactor
from auth.mfa.recovery import codes_left
from gateway.http.errors import MalformedRequest
from gateway.http.factors import Calling
from gateway.http.factors.calling import Waiting
from gateway.http.factors.recovery import recover, remove, renew
from gateway.pages.account import ACCOUNT
from gateway.pages.browser import redirect
from gateway.pages.calling import ask
from gateway.pages.forms import CONTINUE, Form
from gateway.pages.site import Site, Visit

CODES: Final = f"{ACCOUNT}/recovery-codes"
REMOVE: Final = f"{ACCOUNT}/factors/remove"
RECOVER: Final = "/auth/recover"
CODES_TEMPLATE: Final = "recovery_codes.html"
WRONG: Final = "This is none of your recovery codes that are left. Each serves once."


class RecoveryPages:
    """The pages of recovery codes and of removing."""

    def __init__(self, site: Site, calling: Calling) -> None:
        self._site = site
        self._calling = calling

    def routes(self) -> list[Route]:
        """Give the routes."""
        route = partial(self._site.route, event=Event.STEP_UP, signed_in=True)
        return [
            route(CODES, show=self._count, submit=self._renew),
            route(RECOVER, show=self._ask, submit=self._recover),
            route(REMOVE, show=self._explain, submit=self._remove),
        ]

    async def _count(self, visit: Visit) -> Response:
        async with visit.scope() as fetch:
            left = await codes_left(fetch, visit.person.id)
        return visit.page("renew_codes.html", left=left)

    async def _renew(self, visit: Visit, _: Form) -> Response:
        try:
            content = await ask(self._calling, visit, renew, {})
        except InsufficientUserAuthentication:
            return confirm_first(CODES)
        codes = [] if isinstance(content, Waiting) else content["codes"]
        return visit.page(CODES_TEMPLATE, codes=codes, is_first=False)

    async def _ask(self, visit: Visit) -> Response:
        return visit.page("recover.html")

    async def _recover(self, visit: Visit, form: Form) -> Response:
        try:
            await ask(self._calling, visit, recover, {"code": form.text("code")})
        except (ChallengeRefused, MalformedRequest):
            return visit.page("recover.html", 403, problems=[("code", WRONG)])
        return redirect(f"{ACCOUNT}/factors")

    async def _explain(self, visit: Visit) -> Response:
        factor_id = Form({"factor": visit.request.query_params.get("factor", "")}).uuid("factor")
        async with visit.scope() as fetch:
            factors = await confirmed_factors(fetch, visit.person.id)
        factor = next((factor for factor in factors if factor.id == factor_id), None)
        if factor is None:
            raise NotFound("factor")
        return visit.page("remove_factor.html", factor=factor)

    async def _remove(self, visit: Visit, form: Form) -> Response:
        factor_id = form.uuid("factor")
        try:
            await ask(self._calling, visit, remove, {"factorId": str(factor_id)})
        except InsufficientUserAuthentication:
            return confirm_first(f"{REMOVE}?{urlencode({'factor': factor_id})}")
        except LastFactor as refusal:
            async with visit.scope() as fetch:
                factors = await confirmed_factors(fetch, visit.person.id)
            factor = next(factor for factor in factors if factor.id == factor_id)
            return visit.page("remove_factor.html", 409, factor=factor, problems=[("remove", refusal.message)])
        return redirect(f"{ACCOUNT}?notice=factor-removed")


def confirm_first(going_on: str) -> Response:
    """Send a browser to confirm with a second factor, and back to a page."""
    return redirect(f"/auth/confirm?{urlencode({CONTINUE: going_on})}")
