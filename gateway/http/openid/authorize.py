"""GET /auth/authorize: a person lets a client act for them, and it is sent back to with a code (RFC 6749, 7636, 9207).

    response_type=code, client_id, redirect_uri, scope, code_challenge, code_challenge_method=S256,
    state?, nonce?, prompt?=none|login, max_age?

Until the client and the URL to send back to are known to belong together, a refusal is a page of ours. There is no page
to consent at: the clients are the operator's own.
"""

import re
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth.audit import Event
from auth.identity.codes import CodeRequest, give_code, is_challenge
from auth.identity.public_clients import PublicClients
from auth.identity.secrets import SecretKind, account_of_secret, digest_of
from auth.identity.sessions import BrowserSession, find_browser_session
from gateway.http.openid.answering import Answering, Asking
from gateway.http.openid.errors import (
    INVALID_SCOPE,
    LOGIN_REQUIRED,
    REQUEST_NOT_SUPPORTED,
    REQUEST_URI_NOT_SUPPORTED,
    UNAUTHORIZED_CLIENT,
    UNSUPPORTED_RESPONSE_TYPE,
    OAuthError,
    invalid_request,
)
from gateway.http.openid.parameters import Parameters, query_of
from gateway.http.openid.sending import error_page, path_back, send_back
from gateway.http.openid.tokens import OPENID, SCOPES
from gateway.pages.browser import SIGN_IN, redirect
from gateway.pages.forms import CONTINUE
from gateway.pages.site import Site

PATH: Final = "/auth/authorize"
PROMPTS: Final = frozenset({"none", "login"})
MOST_STATE: Final = 2000
MOST_NONCE: Final = 500
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


class Authorization:
    """The endpoint; `issuer` is told to clients, which may have several to tell apart."""

    def __init__(
        self,
        answering: Answering,
        public: PublicClients,
        issuer: str,
        site: Site,
    ) -> None:
        self._answering = answering
        self._public = public
        self._issuer = issuer
        self._site = site

    def routes(self) -> list[Route]:
        """Give the route."""
        return [self._answering.recorded(PATH, Event.AUTHORIZE, ["GET"], self._answer, self._refuse)]

    async def _answer(self, asking: Asking) -> Response | OAuthError:
        parameters = asking.parameters
        self._require_client(parameters)
        asked, prompts, max_age = _asked(parameters)
        again = _again(parameters)
        session = await self._session(asking)
        if session is None or "login" in prompts or _is_older(session, max_age, asking.now):
            if "none" in prompts:
                raise OAuthError(LOGIN_REQUIRED, "The person is not signed in, or has to sign in again.")
            asking.party = None  # nothing has happened yet
            also = {} if session is None else {"again": "1"}  # the page is shown to who is signed in, too
            return redirect(f"{SIGN_IN}?{urlencode({CONTINUE: again, **also})}")
        code = await give_code(asking.fetch, session, asked, asking.now)
        asking.session_id, asking.amr, asking.mfa_time = session.id, session.amr, session.mfa_time
        return self._send_back(parameters, code=code)

    async def _session(self, asking: Asking) -> BrowserSession | None:
        """Find the session of who is signed in, in whose scope the transaction is from then on."""
        secret = self._site.browser.cookies(asking.request).session
        if secret is None:
            return None
        digest = digest_of(secret)
        account_id = await account_of_secret(asking.fetch, SecretKind.SESSION, digest)
        if account_id is None or await asking.enter(account_id) is None:
            return None
        return await find_browser_session(asking.fetch, account_id, digest, asking.now)

    def _require_client(self, parameters: Parameters) -> None:
        client_id, uri = parameters.required("client_id"), parameters.required("redirect_uri")
        if client_id not in self._public:
            raise OAuthError(UNAUTHORIZED_CLIENT, "There is no such client for people to sign in to.")
        if not self._public.is_sent_back_to(client_id, uri):
            raise invalid_request("redirect_uri is none of those that the client is registered with.")

    def _refuse(self, request: Request, refusal: OAuthError) -> Response:
        try:
            parameters = query_of(request)
            self._require_client(parameters)
            _state(parameters)
        except OAuthError:
            return error_page(self._site, request, refusal)
        return self._send_back(parameters, **refusal.body)

    def _send_back(self, parameters: Parameters, **answer: str) -> Response:
        answer["iss"] = self._issuer
        if "state" in parameters:
            answer["state"] = parameters["state"]
        return send_back(parameters["redirect_uri"], answer)


def _asked(parameters: Parameters) -> tuple[CodeRequest, frozenset[str], timedelta | None]:
    """Read what a client wants that is known; raises OAuthError."""
    for name, error in (("request", REQUEST_NOT_SUPPORTED), ("request_uri", REQUEST_URI_NOT_SUPPORTED)):
        if name in parameters:
            raise OAuthError(error, f"{name} is not supported.")
    if parameters.required("response_type") != "code":
        raise OAuthError(UNSUPPORTED_RESPONSE_TYPE, "response_type is code.")
    if parameters.get("response_mode", "query") != "query":
        raise invalid_request("response_mode is query.")
    challenge = parameters.required("code_challenge")
    if parameters.get("code_challenge_method") != "S256" or not is_challenge(challenge):
        raise invalid_request("code_challenge is made by code_challenge_method S256, of 43 characters.")
    wanted = parameters.get("scope", "").split(" ")
    if OPENID not in wanted:
        raise OAuthError(INVALID_SCOPE, f"scope contains {OPENID}.")
    nonce = parameters.get("nonce")
    if nonce is not None and (len(nonce) > MOST_NONCE or not nonce.isprintable()):
        raise invalid_request(f"nonce has up to {MOST_NONCE} characters.")
    _state(parameters)
    prompts = frozenset(parameters.get("prompt", "").split(" ")) - {""}
    if not prompts <= PROMPTS or len(prompts) > 1:
        raise invalid_request("prompt is none or login.")
    max_age = parameters.get("max_age")
    if max_age is not None and not _SECONDS.fullmatch(max_age):
        raise invalid_request("max_age is a number of seconds.")
    # Others are left out rather than refused (OpenID Connect Core, section 3.1.2.1).
    scope = " ".join(each for each in SCOPES if each in wanted)
    asked = CodeRequest(parameters["client_id"], parameters["redirect_uri"], challenge, scope, nonce)
    return asked, prompts, None if max_age is None else timedelta(seconds=int(max_age))


def _state(parameters: Parameters) -> None:
    if len(parameters.get("state", "")) > MOST_STATE:
        raise invalid_request(f"state has up to {MOST_STATE} characters.")


def _is_older(session: BrowserSession, max_age: timedelta | None, now: datetime) -> bool:
    return max_age is not None and now - session.auth_time > max_age


def _again(parameters: Parameters) -> str:
    """Give the path that asks the same, once the person has signed in.

    It does not ask to sign in anew: that they just did, and would have to for ever. Whether they really did, the client
    reads in `auth_time`, since whoever holds the browser could have changed the question in the first place.
    """
    kept = {name: value for name, value in parameters.items() if name not in {"prompt", "max_age"}}
    return path_back(PATH, kept)
