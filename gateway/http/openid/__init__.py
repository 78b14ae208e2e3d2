"""Signing in to clients, by OAuth 2.0 and OpenID Connect: docs/openid.md.

authorize.py    /auth/authorize: a code for a client of a person who is signed in
token.py        /auth/token: tokens for a code, a refresh token, a credential
exchange.py     of that, tokens for a token of a foreign issuer
revoke.py       /auth/revoke: what a client is done with
userinfo.py     /auth/userinfo: who signed in
end_session.py  /auth/end-session: signing out here, too
client.py       which client is asking, and whether it is it
tokens.py       what a client is given
sending.py      where a person goes on
discovery.py    /.well-known/openid-configuration
answering.py    what the endpoints have in common
parameters.py   from a query string or a form to parameters
errors.py       refusals
"""

from collections.abc import Callable, Mapping, Sequence

from starlette.routing import Route

from auth.audit import Entry
from auth.foreign_tokens import ForeignIssuer
from auth.identity.public_clients import PublicClients
from auth.identity.throttling import Throttle
from auth.issuer import Issuer
from auth.tokens import TokenVerifier
from gateway.foreign_keys import ForeignKeys
from gateway.http.errors import Translate
from gateway.http.openid import token
from gateway.http.openid.answering import Answering
from gateway.http.openid.authorize import Authorization
from gateway.http.openid.client import ClientAuthentication
from gateway.http.openid.discovery import discovery_routes, metadata
from gateway.http.openid.end_session import EndSession
from gateway.http.openid.exchange import TokenExchange
from gateway.http.openid.revoke import Revocation
from gateway.http.openid.token import TokenEndpoint
from gateway.http.openid.tokens import Tokens
from gateway.http.openid.userinfo import UserInfo
from gateway.pages.site import Site
from resolvers.database import Database

__all__ = ["OpenId", "public_clients"]


class OpenId:
    """The endpoints of a gateway that browsers reach at `public_url`, and that is called `name` in its tokens.

    `issuer` gives who signs at the moment, `denied` is told of every refusal, `site` is where people sign in. Tokens of
    `foreign` issuers, verified by `foreign_keys`, are exchanged for tokens that are for `audience`.
    """

    def __init__(
        self,
        database: Database,
        clients: PublicClients,
        issuer: Callable[[], Issuer],
        verifier: TokenVerifier,
        site: Site,
        throttle: Throttle,
        *,
        name: str,
        public_url: str,
        seconds: float,
        translate: Translate,
        denied: Callable[[Entry], None],
        foreign: Mapping[str, ForeignIssuer],
        foreign_keys: ForeignKeys,
        audience: str,
    ) -> None:
        answering = Answering(database, denied, seconds=seconds, translate=translate)
        self._authorization = Authorization(answering, clients, name, site)
        tokens = Tokens(issuer)
        exchange = TokenExchange(foreign, foreign_keys, tokens, audience) if foreign else None
        authentication = ClientAuthentication(clients, throttle, {name, f"{public_url}{token.PATH}"})
        self._token = TokenEndpoint(answering, authentication, tokens, exchange)
        self._revocation = Revocation(answering, authentication, verifier)
        self._user_info = UserInfo(answering, database, verifier)
        self._end_session = EndSession(answering, clients, site)
        self._described = metadata(name, public_url, self._token.grant_types)

    def routes(self) -> list[Route]:
        """Give the routes."""
        parts = (self._authorization, self._token, self._revocation, self._user_info, self._end_session)
        return [*(route for part in parts for route in part.routes()), *discovery_routes(self._described)]


def public_clients(public_url: str, configured: Mapping[str, Sequence[str]]) -> PublicClients:
    """Give the clients that people sign in to: GraphiQL, and those of the settings."""
    return PublicClients({"graphiql": [f"{public_url}/graphiql"], **configured})
