"""GET or POST /auth/userinfo: who signed in, for the client that has their access token (OpenID Connect Core)."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.errors import Unauthenticated
from auth.identity.codes import scope_of
from auth.identity.passwords import find_hash
from auth.principal import set_scope
from auth.tables import AccountKind
from auth.tokens import Claims, TokenVerifier
from gateway.http.authentication import claims_of
from gateway.http.openid.answering import HEADERS, Answering
from gateway.http.openid.errors import OAuthError
from gateway.http.openid.tokens import EMAIL, SCOPES
from resolvers.database import Database
from resolvers.transaction import open_transaction

PATH: Final = "/auth/userinfo"


class UserInfo:
    """The endpoint."""

    def __init__(self, answering: Answering, database: Database, verifier: TokenVerifier) -> None:
        self._answering = answering
        self._database = database
        self._verifier = verifier

    def routes(self) -> list[Route]:
        """Give the route."""
        return [self._answering.limited(PATH, ["GET", "POST"], self._answer)]

    async def _answer(self, request: Request) -> Response:
        try:
            claims = claims_of(request.headers, self._verifier)
        except Unauthenticated:
            raise _invalid_token() from None
        if claims is None:
            raise OAuthError(
                "invalid_token", "This needs an access token.", status=401, headers={"WWW-Authenticate": "Bearer"}
            )
        return JSONResponse(await self._of(claims), headers=HEADERS)

    async def _of(self, claims: Claims) -> dict[str, Any]:
        async with open_transaction(self._database) as transaction:
            rows = await set_scope(transaction.fetch, claims.subject, claims.session_id)
            if not rows:
                raise _invalid_token()
            _, kind, email, *_ = rows[0]
            if kind != AccountKind.PERSON:
                raise OAuthError(
                    "insufficient_scope",
                    "The token is not of a person who signed in.",
                    status=403,
                    headers={"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="openid"'},
                )
            session_id = claims.session_id
            scope = await scope_of(transaction.fetch, claims.subject, session_id) if session_id else None
            told: dict[str, Any] = {"sub": str(claims.subject)}
            if EMAIL in (SCOPES if scope is None else scope.split(" ")):
                # A password is only ever chosen by a link that was sent to the address.
                verified = await find_hash(transaction.fetch, claims.subject) is not None
                told |= {"email": email, "email_verified": verified}
        return told


def _invalid_token() -> OAuthError:
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return OAuthError("invalid_token", "The access token is not valid.", status=401, headers=headers)
