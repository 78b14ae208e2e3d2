"""Which client is asking, and whether it is it: a public client by its id, an API account by one credential."""

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus
from uuid import UUID

from auth.identity.clients import client_of_assertion, credential_of_assertion, credential_of_secret
from auth.identity.public_clients import PublicClients
from auth.identity.throttling import Throttle
from auth.tables import AccountKind
from gateway.http.openid.answering import Asking, Party
from gateway.http.openid.errors import OAuthError, invalid_client, invalid_request, too_many
from gateway.http.openid.parameters import Parameters

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
    assertion: str | None = None

    @property
    def has_credential(self) -> bool:
        """Whether it shows more than its name."""
        return self.secret is not None or self.assertion is not None


class ClientAuthentication:
    """Finds out which client is asking. `audiences` are what assertions may be meant for: us, under our names."""

    def __init__(self, public: PublicClients, throttle: Throttle, audiences: Collection[str]) -> None:
        self._public = public
        self._throttle = throttle
        self._audiences = audiences

    async def client_of(self, asking: Asking) -> Client | OAuthError:
        """Give the client of a request; an API account's is in its scope from then on.

        Raises:
            OAuthError: the request shows none, or several.
        """
        header = asking.request.headers.getlist("authorization")
        shown = _shown(asking, header)
        if shown.client_id in self._public and not shown.has_credential:
            return Client(shown.client_id)
        account_id = _account_id(shown.client_id)
        if account_id is None or not shown.has_credential:
            return _refused(asking, header)
        counted = await self._throttle.count_client(asking.fetch, shown.client_id, asking.host, asking.now)
        if counted.wait is not None:
            asking.reasons.append("RATE_LIMITED")
            return too_many(counted.wait)
        party = await asking.enter(account_id)
        if party is None or party.kind is not AccountKind.API_ACCOUNT:
            return _refused(asking, header)
        credential_id = await self._credential(asking, account_id, shown)
        if credential_id is None:
            return _refused(asking, header)
        await self._throttle.forgive(asking.fetch, counted)
        asking.credential_id = credential_id
        return Client(shown.client_id, party, credential_id)

    async def _credential(self, asking: Asking, account_id: UUID, shown: _Shown) -> UUID | None:
        if shown.assertion is not None:
            return await credential_of_assertion(asking.fetch, account_id, shown.assertion, self._audiences, asking.now)
        return await credential_of_secret(asking.fetch, account_id, shown.secret or "", asking.now)


def _refused(asking: Asking, header: list[str]) -> OAuthError:
    asking.reasons.append("CLIENT")
    return invalid_client(challenge=bool(header))


def _shown(asking: Asking, header: list[str]) -> _Shown:
    parameters = asking.parameters
    assertion = parameters.get("client_assertion")
    if sum([bool(header), "client_secret" in parameters, assertion is not None]) > 1:
        raise invalid_request("Show one credential, in one way.")
    if parameters.get("client_assertion_type", ASSERTION_TYPE) != ASSERTION_TYPE:
        raise invalid_request(f"client_assertion_type is {ASSERTION_TYPE}.")
    if ("client_assertion_type" in parameters) is not (assertion is not None):
        raise invalid_request("client_assertion and client_assertion_type belong together.")
    if header:
        return _named(parameters, _basic(header), header)
    if assertion is not None:
        client_id = client_of_assertion(assertion)
        return _named(parameters, None if client_id is None else _Shown(client_id, assertion=assertion), header)
    return _Shown(parameters.required("client_id"), parameters.get("client_secret"))


def _named(parameters: Parameters, shown: _Shown | None, header: list[str]) -> _Shown:
    """Hold what is shown to the client that the request names, if it does."""
    if shown is None:
        raise invalid_client(challenge=bool(header))
    if parameters.get("client_id", shown.client_id) != shown.client_id:
        raise invalid_request("client_id is not the one that the credential is of.")
    return shown


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
