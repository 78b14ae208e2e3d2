"""GET or POST /auth/end-session: a client sends a person to sign out here, too (OpenID Connect RP-Initiated Logout).

    client_id or id_token_hint, post_logout_redirect_uri?, state?

The person is asked on our page, and goes on to the client's URL, one of those that the client is registered with. Which
client it is, is taken from the hint as it says: nothing is done for that alone.
"""

from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth.identity.public_clients import PublicClients
from auth.jwt import json_object, parts_of
from gateway.http.openid.answering import Answering
from gateway.http.openid.errors import OAuthError, invalid_request
from gateway.http.openid.parameters import Parameters, query_of, read_form
from gateway.http.openid.sending import error_page, path_back, send_back
from gateway.pages.browser import SIGN_IN, redirect
from gateway.pages.forms import CONTINUE
from gateway.pages.sign_in import SIGN_OUT
from gateway.pages.site import Site

PATH: Final = "/auth/end-session"
_CLIENT: Final = "client_id"
_BACK: Final = "post_logout_redirect_uri"


class EndSession:
    """The endpoint."""

    def __init__(self, answering: Answering, public: PublicClients, site: Site) -> None:
        self._answering = answering
        self._public = public
        self._site = site

    def routes(self) -> list[Route]:
        """Give the route."""
        return [self._answering.limited(PATH, ["GET", "POST"], self._answer, self._refuse)]

    async def _answer(self, request: Request) -> Response:
        parameters = await read_form(request) if request.method == "POST" else query_of(request)
        asked = self._asked(parameters)
        here = path_back(PATH, asked)
        if request.method == "POST":
            # From another site it comes without the cookies, which a browser sends with what follows from here.
            return redirect(here)
        if await self._site.browser.session(request) is not None:
            return redirect(f"{SIGN_OUT}?{urlencode({CONTINUE: here})}")
        if _BACK not in asked:
            return redirect(SIGN_IN)
        return send_back(asked[_BACK], {"state": asked["state"]} if "state" in asked else {})

    def _asked(self, parameters: Parameters) -> dict[str, str]:
        """Give what of the parameters matters; raises OAuthError."""
        hinted = _client_of(parameters["id_token_hint"]) if "id_token_hint" in parameters else None
        client_id = parameters.get(_CLIENT, hinted or "")
        if hinted is not None and hinted != client_id:
            raise invalid_request("id_token_hint is of another client than client_id.")
        if _BACK not in parameters:
            return {}
        if not self._public.is_sent_back_to(client_id, parameters[_BACK]):
            raise invalid_request(f"{_BACK} is none of those that the client is registered with.")
        kept = {_CLIENT: client_id, _BACK: parameters[_BACK]}
        return {**kept, "state": parameters["state"]} if "state" in parameters else kept

    def _refuse(self, request: Request, refusal: OAuthError) -> Response:
        return error_page(self._site, request, refusal)


def _client_of(id_token: str) -> str:
    try:
        audience = json_object(parts_of(id_token).payload).get("aud")
    except (ValueError, RecursionError):
        audience = None
    if not isinstance(audience, str):
        raise invalid_request("id_token_hint is no ID token of ours.")
    return audience
