"""Which client is asking, and whether it is it: a public client by its id, an API account by one credential."""

import base64
import binascii
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus
from uuid import UUID

from auth.identity.clients import credential_of_secret
from auth.identity.public_clients import PublicClients
from auth.tables import AccountKind
from gateway.http.openid.answering import Asking, Party
from gateway.http.openid.errors import OAuthError, invalid_client, invalid_request

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Client:
    """A client that is asking; an API account by the credential that it has shown."""

    id: str
    party: Party | None = None
    credential_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a client shows of itself."""

    client_id: str
    secret: str | None = None


class ClientAuthentication:
    """Finds out which client is asking."""

    def __init__(self, public: PublicClients) -> None:
        self._public = public

    async def client_of(self, asking: Asking) -> Client | OAuthError:
        """Give the client of a request; an API account's is in its scope from then on.

        Raises:
            OAuthError: the request shows none, or several.
        """
        header = asking.request.headers.getlist("authorization")
        shown = _shown(asking, header)
        if shown.client_id in self._public:
            return Client(shown.client_id) if shown.secret is None else self._refused(asking, header)
        account_id = _account_id(shown.client_id)
        if account_id is None or shown.secret is None:
            return self._refused(asking, header)
        party = await asking.enter(account_id)
        if party is None or party.kind is not AccountKind.API_ACCOUNT:
            return self._refused(asking, header)
        credential_id = await credential_of_secret(asking.fetch, account_id, shown.secret, asking.now)
        if credential_id is None:
            return self._refused(asking, header)
        asking.credential_id = credential_id
        return Client(shown.client_id, party, credential_id)

    @staticmethod
    def _refused(asking: Asking, header: list[str]) -> OAuthError:
        asking.reasons.append("CLIENT")
        return invalid_client(challenge=bool(header))


def _shown(asking: Asking, header: list[str]) -> _Shown:
    parameters = asking.parameters
    ways = [bool(header), "client_secret" in parameters, "client_assertion" in parameters]
    if sum(ways) > 1:
        raise invalid_request("Show one credential, in one way.")
    if header:
        basic = _basic(header)
        if basic is None:
            raise invalid_client(challenge=True)
        if parameters.get("client_id", basic.client_id) != basic.client_id:
            raise invalid_request("client_id is not the one in Authorization.")
        return basic
    return _Shown(parameters.required("client_id"), parameters.get("client_secret"))


def _basic(header: list[str]) -> _Shown | None:
    """Read HTTP Basic as RFC 6749 has it, both parts URL-encoded; None if it is something else."""
    scheme, _, content = header[0].partition(" ")
    if len(header) != 1 or scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(content.strip(), validate=True).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        return None
    return _Shown(unquote_plus(client_id), unquote_plus(secret)) if colon else None


def _account_id(client_id: str) -> UUID | None:
    try:
        account_id = UUID(client_id)
    except ValueError:
        return None
    # UUID() also takes braces and upper case; an id has one spelling.
    return account_id if str(account_id) == client_id else None
