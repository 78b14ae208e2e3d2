"""The grant of token exchange (RFC 8693): a token of a foreign issuer for one of ours; docs/foreign-issuers.md.

Whatever is wrong with the token, or with whom it is about, the answer is the same; the audit log knows which it was.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from starlette.responses import Response

from auth.errors import Unauthenticated
from auth.foreign_tokens import (
    INVALID_FOREIGN_TOKEN,
    ForeignClaims,
    ForeignIssuer,
    Kind,
    said_by,
    verify_foreign,
)
from auth.identity.foreign import account_of_identity, begin_foreign_session, identity_digest
from auth.tables import AccountKind
from gateway.foreign_keys import REFETCH_SECONDS, ForeignKeys
from gateway.http.openid.answering import Asking
from gateway.http.openid.client import Client
from gateway.http.openid.errors import (
    INVALID_SCOPE,
    INVALID_TARGET,
    TEMPORARILY_UNAVAILABLE,
    OAuthError,
    invalid_request,
)
from gateway.http.openid.parameters import Parameters
from gateway.http.openid.tokens import SCOPES, Tokens

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
KINDS: Final[Mapping[str, Kind | None]] = {
    ACCESS_TOKEN: "access_token",
    "urn:ietf:params:oauth:token-type:id_token": "id_token",
    "urn:ietf:params:oauth:token-type:jwt": None,
}
"""What may be exchanged, and which kind of token that must be."""


class TokenExchange:
    """Exchanges tokens of `issuers`, by their URLs, for tokens that are for `audience`."""

    def __init__(self, issuers: Mapping[str, ForeignIssuer], keys: ForeignKeys, tokens: Tokens, audience: str) -> None:
        self._issuers = issuers
        self._keys = keys
        self._tokens = tokens
        self._audience = audience

    async def prepare(self, parameters: Parameters) -> None:
        """See to it that the keys are known that a request needs, which may take seconds: before its transaction."""
        with suppress(Unauthenticated):
            said = said_by(parameters.get("subject_token", ""))
            if said.issuer in self._issuers:
                await self._keys.look_for(said.issuer, said.kid)

    async def answer(self, asking: Asking, client: Client) -> Response | OAuthError:
        """Answer a request of a client: a public one goes on with refresh tokens, an API account without."""
        try:
            claims = self._verified(asking, _kind(asking.parameters, self._audience))
        except OAuthError as refusal:
            return refusal  # rather than raised, by which an API account's assertion could be shown again
        asking.input_digest = identity_digest(claims.issuer, claims.subject)
        account_id = await account_of_identity(asking.fetch, claims.issuer, claims.subject)
        party = None if account_id is None else await asking.enter(account_id)
        if party is None:
            return _refused(asking, "UNKNOWN_SUBJECT")
        if party.kind is not AccountKind.PERSON:
            return _refused(asking, "API_ACCOUNT")
        begun = await begin_foreign_session(
            asking.fetch, party.account_id, claims, client.id, asking.now, refreshes=client.party is None
        )
        if begun is None:
            return _refused(asking, "UNKNOWN_SUBJECT")
        return self._tokens.of_exchange(asking, *begun, issued_token_type=ACCESS_TOKEN)

    def _verified(self, asking: Asking, kind: Kind | None) -> ForeignClaims:
        token = asking.parameters.required("subject_token")
        try:
            said = said_by(token)
            settings = self._issuers.get(said.issuer)
            if settings is None:
                raise _refused(asking, "UNKNOWN_ISSUER")
            known = self._keys.known(said.issuer)
            if said.kid not in known.keys and not known.was_reached:
                raise _unavailable(asking)
            return verify_foreign(token, known.keys, said.issuer, settings, asking.now, kind)
        except Unauthenticated:
            raise _refused(asking, "INVALID_TOKEN") from None


def _kind(parameters: Parameters, audience: str) -> Kind | None:
    """Read what is asked for; what cannot be done is refused rather than left out."""
    parameters.required("subject_token")
    kind = parameters.required("subject_token_type")
    if kind not in KINDS:
        raise invalid_request(f"subject_token_type is one of {', '.join(KINDS)}.")
    if "actor_token" in parameters or "actor_token_type" in parameters:
        raise invalid_request("Nobody acts for another here: leave actor_token out.")
    if parameters.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise invalid_request(f"requested_token_type is {ACCESS_TOKEN}.")
    if "resource" in parameters or parameters.get("audience", audience) != audience:
        raise OAuthError(INVALID_TARGET, "Tokens are given for this gateway alone.")
    if not set(parameters.get("scope", "").split()) <= set(SCOPES):
        raise OAuthError(INVALID_SCOPE, f"The scope is of {' '.join(SCOPES)}.")
    return KINDS[kind]


def _refused(asking: Asking, reason: str) -> OAuthError:
    # RFC 8693, section 2.2.2: a subject token that is not accepted is an invalid request.
    asking.reasons.append(reason)
    return invalid_request(INVALID_FOREIGN_TOKEN)


def _unavailable(asking: Asking) -> OAuthError:
    asking.reasons.append("KEYS_UNAVAILABLE")
    return OAuthError(
        TEMPORARILY_UNAVAILABLE,
        "The other issuer cannot be asked for its keys now. Try again in half a minute.",
        status=503,
        headers={"Retry-After": str(int(REFETCH_SECONDS))},
    )
