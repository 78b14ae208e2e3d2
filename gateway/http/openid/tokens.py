"""What a client is given: an access token, and for a person an ID token and a refresh token beside it."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from jose import jwt
from starlette.responses import JSONResponse, Response

from auth.errors import MFA_ACR
from auth.identity.sessions import ClientSession
from auth.issuer import DEFAULT_LIFETIME, Issuer
from gateway.http.openid.answering import HEADERS, Asking, Party

OPENID: Final = "openid"
EMAIL: Final = "email"
SCOPES: Final = (OPENID, EMAIL)


class Tokens:
    """Gives tokens by whoever signs at the moment."""

    def __init__(self, issuer: Callable[[], Issuer]) -> None:
        self._issuer = issuer

    def of_session(
        self, asking: Asking, session: ClientSession, refresh_token: str, scope: str, nonce: str | None = None
    ) -> Response:
        """Give the tokens of a client's session: they say what the person's sign-in said, however late they are."""
        access_token = self._access_token(asking, session)
        id_token = self._issuer().issue_id_token(
            session.account_id,
            client_id=session.client_id,
            session_id=session.id,
            access_token=access_token,
            auth_time=min(session.auth_time, asking.now),
            amr=session.amr,
            acr=_acr(session),
            nonce=nonce,
            now=asking.now,
        )
        return _answer(asking, access_token, id_token=id_token, refresh_token=refresh_token, scope=scope)

    def of_exchange(
        self, asking: Asking, session: ClientSession, refresh_token: str | None, issued_token_type: str
    ) -> Response:
        """Give the tokens of a session that a foreign token began; without a refresh token if it has none."""
        beside = {} if refresh_token is None else {"refresh_token": refresh_token}
        access_token = self._access_token(asking, session)
        return _answer(asking, access_token, issued_token_type=issued_token_type, **beside)

    def of_credential(self, asking: Asking, party: Party, credential_id: UUID) -> Response:
        """Give the token of an API account; it ends with the credential that was shown for it."""
        account_id = party.account_id
        access_token = self._issuer().issue(
            account_id, session_id=credential_id, client_id=str(account_id), now=asking.now
        )
        return _answer(asking, access_token)

    def _access_token(self, asking: Asking, session: ClientSession) -> str:
        # Of another process whose clock is ahead they may seem to be still to come.
        mfa_time = min(session.mfa_time, asking.now) if session.mfa_time else None
        asking.session_id, asking.amr, asking.mfa_time = session.id, session.amr, mfa_time
        return self._issuer().issue(
            session.account_id,
            mfa_time=mfa_time,
            amr=session.amr,
            acr=_acr(session),
            auth_time=min(session.auth_time, asking.now),
            session_id=session.id,
            client_id=session.client_id,
            now=asking.now,
        )


def _acr(session: ClientSession) -> str | None:
    return MFA_ACR if session.mfa_time else None


def _answer(asking: Asking, access_token: str, **beside: str) -> Response:
    asking.token_id = UUID(jwt.get_unverified_claims(access_token)["jti"])
    content: dict[str, Any] = {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": int(DEFAULT_LIFETIME.total_seconds()),
        **beside,
    }
    return JSONResponse(content, headers=HEADERS)
