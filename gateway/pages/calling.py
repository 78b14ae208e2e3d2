"""What the JSON endpoints of second factors answer, for our own pages: by the session of a browser.

A page asks for whoever sent its form. The script of a page calls the endpoints by the cookie of its browser, which goes
with whatever the browser sends here, whoever has it sent. So a script says that it is one of ours by the token that its
page was given for forms, in a header that no other site can set, and the browser says where it is from.
"""

from typing import Any, Final

from starlette.requests import Request

from auth.errors import MFA_ACR
from auth.identity.sessions import BrowserSession
from auth.tokens import Claims
from gateway.http.factors.calling import Answer, Calling, ClaimsOfBrowser, Content
from gateway.pages.browser import Browser
from gateway.pages.site import Visit

TOKEN_HEADER: Final = "X-Form-Token"  # noqa: S105
"""The header that carries the token of a page's forms."""


async def ask(calling: Calling, visit: Visit, answer: Answer, body: dict[str, Any]) -> Content:
    """Answer as the endpoints do, for who is signed in; raises ItcareError."""
    claims = claims_of_session(visit.person.session)
    return await calling.answer(claims, visit.address, answer, body, in_browser=True)


def claims_of_scripts(browser: Browser) -> ClaimsOfBrowser:
    """Make what says who is calling by the script of a page of ours."""

    async def claims_of_browser(request: Request) -> Claims | None:
        if browser.cookies(request).session is None:
            return None
        browser.require_own_origin(request, must_be_said=request.method != "GET")
        browser.require_own_token(request, request.headers.get(TOKEN_HEADER, ""))
        session = await browser.session(request)
        return None if session is None else claims_of_session(session)

    return claims_of_browser


def claims_of_session(session: BrowserSession) -> Claims:
    """Say of a browser's session what an access token says of one."""
    return Claims(
        subject=session.account_id,
        issued_at=session.auth_time,
        expires_at=session.expires_at,
        token_id=None,
        mfa_time=session.mfa_time,
        amr=session.amr,
        acr=None if session.mfa_time is None else MFA_ACR,
        auth_time=session.auth_time,
        session_id=session.id,
    )
