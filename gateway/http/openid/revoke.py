"""POST /auth/revoke: a client is done with what it was given (RFC 7009).

    token, client_id (or the credential of an API account), token_type_hint?

A refresh token, used or not, and an access token both end the session that they are of: whatever it gave is refused at
once. What is no token, or one that is over, is as good as revoked.
"""

from typing import Final
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from auth.audit import Event
from auth.errors import Unauthenticated
from auth.identity.secrets import SecretKind, account_of_secret, digest_of
from auth.identity.sessions import ClientSession, end_session, find_client_session, find_family
from auth.identity.tables import SessionEnd
from auth.tokens import Claims, TokenVerifier
from gateway.http.openid.answering import HEADERS, Answering, Asking
from gateway.http.openid.client import Client, ClientAuthentication
from gateway.http.openid.errors import UNSUPPORTED_TOKEN_TYPE, OAuthError, invalid_grant

PATH: Final = "/auth/revoke"


class Revocation:
    """The endpoint."""

    def __init__(self, answering: Answering, clients: ClientAuthentication, verifier: TokenVerifier) -> None:
        self._answering = answering
        self._clients = clients
        self._verifier = verifier

    def routes(self) -> list[Route]:
        """Give the route."""
        return [self._answering.recorded(PATH, Event.REVOKE_TOKEN, ["POST"], self._answer)]

    async def _answer(self, asking: Asking) -> Response | OAuthError:
        token = asking.parameters.required("token")
        client = await self._clients.client_of(asking)
        if isinstance(client, OAuthError):
            return client
        claims = self._claims(token, asking)
        if claims is not None and (client.party is not None or claims.session_id is None):
            return OAuthError(
                UNSUPPORTED_TOKEN_TYPE, "This token ends by itself, or with the credential that it is of."
            )
        session = await (_of_refresh_token(asking, token) if claims is None else _of_access_token(asking, claims))
        return await _end(asking, client, session)

    def _claims(self, token: str, asking: Asking) -> Claims | None:
        try:
            return self._verifier.verify(token, asking.now)
        except Unauthenticated:
            return None


async def _end(asking: Asking, client: Client, session: ClientSession | None) -> Response | OAuthError:
    if session is not None and session.client_id != client.id:
        return invalid_grant()
    if session is None:
        asking.party = None  # nothing happened
    else:
        asking.session_id = session.id
        await end_session(asking.fetch, session.account_id, session.id, SessionEnd.REVOKED, asking.now)
    return Response(headers=HEADERS)


async def _of_refresh_token(asking: Asking, token: str) -> ClientSession | None:
    digest = digest_of(token)
    account_id = await account_of_secret(asking.fetch, SecretKind.REFRESH_TOKEN, digest)
    if account_id is None or await asking.enter(account_id) is None:
        return None
    return await find_family(asking.fetch, account_id, digest, asking.now)


async def _of_access_token(asking: Asking, claims: Claims) -> ClientSession | None:
    session_id: UUID | None = claims.session_id
    if session_id is None or await asking.enter(claims.subject, session_id) is None:
        return None
    return await find_client_session(asking.fetch, claims.subject, session_id, asking.now)
