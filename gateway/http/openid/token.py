"""POST /auth/token: tokens for a code, a refresh token, an API account's credential, or a foreign issuer's token.

grant_type=authorization_code   code, redirect_uri, code_verifier, client_id
grant_type=refresh_token        refresh_token, client_id, scope?
grant_type=client_credentials   with client_secret_basic or client_secret_post
grant_type=urn:ietf:params:oauth:grant-type:token-exchange   exchange.py
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from auth.audit import Event
from auth.identity.codes import scope_of, take_code
from auth.identity.secrets import SecretKind, account_of_secret, digest_of
from auth.identity.sessions import rotate
from gateway.http.openid.answering import Answering, Asking
from gateway.http.openid.client import Client, ClientAuthentication
from gateway.http.openid.errors import (
    INVALID_SCOPE,
    UNAUTHORIZED_CLIENT,
    UNSUPPORTED_GRANT_TYPE,
    OAuthError,
    invalid_grant,
)
from gateway.http.openid.exchange import GRANT_TYPE as TOKEN_EXCHANGE
from gateway.http.openid.exchange import TokenExchange
from gateway.http.openid.parameters import Parameters
from gateway.http.openid.tokens import SCOPES, Tokens

PATH: Final = "/auth/token"

OF_PEOPLE: Final = frozenset({"authorization_code", "refresh_token"})

Grant = Callable[[Asking, Client], Awaitable[Response | OAuthError]]


class TokenEndpoint:
    """The endpoint, with the grants that there are."""

    def __init__(
        self, answering: Answering, clients: ClientAuthentication, tokens: Tokens, exchange: TokenExchange | None = None
    ) -> None:
        self._answering = answering
        self._clients = clients
        self._tokens = tokens
        self._exchange = exchange
        self._grants: Mapping[str, Grant] = {
            "authorization_code": self._of_code,
            "refresh_token": self._of_refresh_token,
            "client_credentials": self._of_credential,
            **({} if exchange is None else {TOKEN_EXCHANGE: exchange.answer}),
        }

    @property
    def grant_types(self) -> list[str]:
        """The grants' names."""
        return list(self._grants)

    def routes(self) -> list[Route]:
        """Give the route."""
        return [self._answering.recorded(PATH, Event.TOKEN, ["POST"], self._answer, prepare=self._prepare)]

    async def _prepare(self, parameters: Parameters) -> None:
        if self._exchange is not None and parameters.get("grant_type") == TOKEN_EXCHANGE:
            await self._exchange.prepare(parameters)

    async def _answer(self, asking: Asking) -> Response | OAuthError:
        name = asking.parameters.required("grant_type")
        grant = self._grants.get(name)
        if grant is None:
            raise OAuthError(UNSUPPORTED_GRANT_TYPE, f"grant_type is one of {', '.join(self._grants)}.")
        asking.reasons.append(name.rpartition(":")[2].replace("-", "_").upper())
        client = await self._clients.client_of(asking)
        if isinstance(client, OAuthError):
            return client
        return await grant(asking, client) if _may_use(client, name) else _unauthorized()

    async def _of_code(self, asking: Asking, client: Client) -> Response | OAuthError:
        code, redirect_uri = asking.parameters.required("code"), asking.parameters.required("redirect_uri")
        verifier, digest = asking.parameters.required("code_verifier"), digest_of(code)
        account_id = await account_of_secret(asking.fetch, SecretKind.AUTHORIZATION_CODE, digest)
        if account_id is None or await asking.enter(account_id) is None:
            return invalid_grant()
        taken = await take_code(asking.fetch, account_id, digest, client.id, redirect_uri, verifier, asking.now)
        if taken.session is None or taken.refresh_token is None:
            asking.reasons.append(taken.outcome)
            return invalid_grant()
        return self._tokens.of_session(asking, taken.session, taken.refresh_token, taken.scope, taken.nonce)

    async def _of_refresh_token(self, asking: Asking, client: Client) -> Response | OAuthError:
        digest = digest_of(asking.parameters.required("refresh_token"))
        account_id = await account_of_secret(asking.fetch, SecretKind.REFRESH_TOKEN, digest)
        if account_id is None or await asking.enter(account_id) is None:
            return invalid_grant()
        rotation = await rotate(asking.fetch, account_id, digest, client.id, asking.now)
        if rotation.session is None or rotation.refresh_token is None:
            asking.reasons.append(rotation.outcome)
            asking.session_id = rotation.session.id if rotation.session else None
            return invalid_grant()
        given = await scope_of(asking.fetch, account_id, rotation.session.id) or " ".join(SCOPES)
        scope = asking.parameters.get("scope", given)
        if not set(scope.split(" ")) <= set(given.split(" ")):
            # Raised: the refresh token is as it was.
            raise OAuthError(INVALID_SCOPE, f"The scope is of {given}.")
        return self._tokens.of_session(asking, rotation.session, rotation.refresh_token, scope)

    async def _of_credential(self, asking: Asking, client: Client) -> Response | OAuthError:
        if client.party is None or client.credential_id is None:
            return _unauthorized()
        return self._tokens.of_credential(asking, client.party, client.credential_id)


def _may_use(client: Client, grant_type: str) -> bool:
    """Tell whether a grant is for such a client: people sign in to public ones only."""
    return client.party is None or grant_type not in OF_PEOPLE


def _unauthorized() -> OAuthError:
    return OAuthError(UNAUTHORIZED_CLIENT, "The client may not use this grant_type.")
