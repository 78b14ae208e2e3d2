"""What is known of a browser by its cookies: who is signed in with it, whose device it is, which forms it was given."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from auth.identity.secrets import SecretKind, account_of_secret, digest_of, new_secret
from auth.identity.sessions import BrowserSession, find_browser_session
from auth.identity.throttling import DEVICE_LASTS
from auth.principal import set_scope
from gateway.keys import page_key
from gateway.pages.errors import ForeignOrigin, ForeignRedirect, FormRefused
from gateway.pages.forms import CONTINUE, TOKEN, Form, FormTokens, own_path
from gateway.settings import Settings
from resolvers.database import Database
from resolvers.transaction import open_transaction

PATH: Final = "/auth"
"""Where the cookies are sent to, and no further."""
SIGN_IN: Final = "/auth/sign-in"
SESSION, DEVICE, FORM = "itcare-session", "itcare-device", "itcare-form"


@dataclass(frozen=True, slots=True)
class Cookies:
    """The secrets that a browser sent."""

    session: str | None
    device: str | None
    form: str | None


class Browser:
    """Reads and writes the cookies of browsers, and finds the sessions that they name.

    `public_url` is where browsers reach the gateway: forms are taken from there only. `key`
    authenticates forms.
    """

    def __init__(self, database: Database, key: bytes, *, public_url: str) -> None:
        self._database = database
        self._tokens = FormTokens(key)
        self._public_url = public_url
        self._secure = public_url.startswith("https:")
        self._prefix = "__Secure-" if self._secure else ""

    async def require_browser_session(self, request: Request) -> BrowserSession | RedirectResponse:
        """Give the session of who is signed in; if nobody is, the way to the sign-in page, and from there back here."""
        session = await self.session(request)
        return session or self.sign_in_first(request)

    async def session(self, request: Request) -> BrowserSession | None:
        """Give the session of who is signed in, and note that it is used; None if nobody is."""
        secret = self.cookies(request).session
        if secret is None:
            return None
        digest = digest_of(secret)
        async with open_transaction(self._database) as transaction:
            account_id = await account_of_secret(transaction.fetch, SecretKind.SESSION, digest)
            if account_id is None:
                return None
            await set_scope(transaction.fetch, account_id)
            return await find_browser_session(transaction.fetch, account_id, digest, datetime.now(UTC))

    def sign_in_first(self, request: Request, *, again: bool = False) -> RedirectResponse:
        """Send a browser to the sign-in page, from which it comes back if it asked with GET.

        `again` asks also who is signed in.
        """
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        try:
            back = own_path(here) if request.method == "GET" else None
        except ForeignRedirect:
            back = None
        parameters = {**({CONTINUE: back} if back else {}), **({"again": "1"} if again else {})}
        return redirect(SIGN_IN + (f"?{urlencode(parameters)}" if parameters else ""))

    def cookies(self, request: Request) -> Cookies:
        """Give the secrets that a browser sent."""
        session, device, form = (request.cookies.get(self._prefix + name) or None for name in (SESSION, DEVICE, FORM))
        return Cookies(session, device, form)

    # -- forms

    def form_token(self, request: Request) -> tuple[str, str | None]:
        """Give the token for the forms of a page, and the secret that the browser is to keep, if it has none yet."""
        cookies = self.cookies(request)
        fresh = None if cookies.form else new_secret()
        return self._tokens.token(cookies.form or fresh or "", cookies.session), fresh

    def require_own_form(self, request: Request, form: Form) -> None:
        """Raise unless a page of ours gave a form to this browser: ForeignOrigin or FormRefused."""
        self.require_own_origin(request)
        self.require_own_token(request, form.text(TOKEN))

    def require_own_token(self, request: Request, token: str) -> None:
        """Raise FormRefused unless a page of ours gave this token to this browser."""
        cookies = self.cookies(request)
        if not self._tokens.is_right(token, cookies.form, cookies.session):
            raise FormRefused

    def require_own_origin(self, request: Request, *, must_be_said: bool = False) -> None:
        """Raise ForeignOrigin if a browser says that a request comes from a page of another origin, or of none.

        What programs send says nothing of that; a script of a browser always does (`must_be_said`).
        """
        origin = request.headers.get("origin")
        if origin is not None or must_be_said:
            if origin != self._public_url:
                raise ForeignOrigin(self._public_url)
        elif request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise ForeignOrigin(self._public_url)

    # -- cookies

    def keep_session(self, response: Response, session: BrowserSession, secret: str) -> None:
        """Sign a browser in."""
        self._set(response, SESSION, secret, int((session.expires_at - datetime.now(UTC)).total_seconds()))

    def drop_session(self, response: Response) -> None:
        """Sign a browser out."""
        self._set(response, SESSION, "", 0)

    def keep_device(self, response: Response, secret: str) -> None:
        """Let a browser be known of the account that it signed in to."""
        self._set(response, DEVICE, secret, int(DEVICE_LASTS.total_seconds()))

    def keep_form(self, response: Response, secret: str) -> None:
        """Let a browser be known as the one that forms are given to, until it is closed."""
        self._set(response, FORM, secret, None)

    def _set(self, response: Response, name: str, value: str, seconds: int | None) -> None:
        response.set_cookie(
            self._prefix + name,
            value,
            max_age=seconds,
            path=PATH,
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )


def browser_of(settings: Settings, database: Database) -> Browser:
    """Give what reads the cookies of browsers, as the settings say; raises KeyFileError."""
    return Browser(database, page_key(settings), public_url=settings.public_url)


def redirect(path: str) -> RedirectResponse:
    """Send a browser to another page of ours, with GET."""
    return RedirectResponse(path, status_code=303)
