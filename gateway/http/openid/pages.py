"""What the authorization endpoint needs of our pages: who is signed in, the way to sign in, a page for a refusal."""

from html import escape
from typing import Final, Protocol
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway.http.openid.answering import HEADERS
from gateway.http.openid.errors import OAuthError

SESSION: Final = "itcare-session"
SIGN_IN: Final = "/auth/sign-in"
_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>This cannot be done</title></head>
<body>
<h1>This cannot be done</h1>
<p>{description}</p>
<p>The program that sent you here asked for it. Tell whoever provides it: {error}.</p>
</body>
</html>
"""


class Pages(Protocol):
    """Our pages, as the authorization endpoint sees them."""

    def session_secret(self, request: Request) -> str | None:
        """Give the secret of the browser's session, if it sent one."""
        ...

    def sign_in(self, path: str) -> Response:
        """Send the person to sign in, also if they are signed in, and from there to a path of ours."""
        ...

    def refusal(self, request: Request, refusal: OAuthError) -> Response:
        """Show a refusal."""
        ...


class PlainPages:
    """Pages as they are without a style; `secure` is whether browsers reach them by https."""

    def __init__(self, *, secure: bool) -> None:
        self._cookie = f"__Secure-{SESSION}" if secure else SESSION

    def session_secret(self, request: Request) -> str | None:
        """Give the secret of the browser's session, if it sent one."""
        return request.cookies.get(self._cookie) or None

    def sign_in(self, path: str) -> Response:
        """Send the person to sign in, also if they are signed in, and from there to a path of ours."""
        return RedirectResponse(f"{SIGN_IN}?{urlencode({'continue': path, 'again': '1'})}", 303, HEADERS)

    def refusal(self, request: Request, refusal: OAuthError) -> Response:
        """Show a refusal."""
        shown = _PAGE.format(description=escape(refusal.description), error=escape(refusal.error))
        return HTMLResponse(shown, refusal.status, {**HEADERS, **refusal.headers})
