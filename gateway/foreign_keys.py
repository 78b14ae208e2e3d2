"""The keys of foreign issuers, where their discovery documents say that they are (OpenID Connect Discovery 1.0).

They are fetched when somebody brings a token: the first time, when what is known is some minutes old, and for a `kid`
that is not known, as after a rotation. Whoever asks meanwhile waits for the same fetch; the next one is half a minute
later at the earliest, whatever comes. A fetch that fails changes nothing: what is known goes on verifying.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

import httpx

from auth.jwk import keys_of_jwks
from auth.jwt import json_object
from auth.keys import VerificationKey
from resolvers.egress import Egress, UnusableAnswer, content_of, new_client

MOST_BYTES: Final = 64 * 1024
"""Size of a discovery document, and of a key set."""
SECONDS: Final = 5.0
"""How long both may take together."""
REFETCH_SECONDS: Final = 30.0
"""How long after one fetch has begun another may."""
FRESH_SECONDS: Final = 300.0
"""After how long keys are fetched again, so that those that were withdrawn are found out."""

_log = logging.getLogger("gateway.foreign")


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """The keys of an issuer by its names for them; those of before, if it could not be asked the last time."""

    keys: Mapping[str, VerificationKey]
    was_reached: bool


@dataclass(slots=True)
class _Issuer:
    """What is known of an issuer; times are the clock's."""

    known: IssuerKeys = field(default_factory=lambda: IssuerKeys({}, was_reached=False))
    fetched_at: float | None = None
    asked_at: float | None = None
    fetching: asyncio.Task[None] | None = None


class ForeignKeys:
    """Gives the keys of the issuers that are configured. To be closed."""

    def __init__(
        self,
        issuers: Iterable[str],
        egress: Egress,
        *,
        clock: Callable[[], float] = monotonic,
        seconds: float = SECONDS,
    ) -> None:
        self._issuers = {issuer: _Issuer() for issuer in issuers}
        self._egress = egress
        self._clock = clock
        self._seconds = seconds
        self._client = new_client(seconds)

    def known(self, issuer: str) -> IssuerKeys:
        """Give the keys of an issuer that is configured, as they are known now."""
        return self._issuers[issuer].known

    async def look_for(self, issuer: str, kid: str) -> None:
        """Ask an issuer that is configured for its keys, if `kid` is not known, or not any more, and it is time.

        Never raises. It may take some seconds, so do not hold anything meanwhile.
        """
        of = self._issuers[issuer]
        if kid in of.known.keys and self._is_within(of.fetched_at, FRESH_SECONDS):
            return
        if of.fetching is None and not self._is_within(of.asked_at, REFETCH_SECONDS):
            of.asked_at = self._clock()
            of.fetching = asyncio.create_task(self._fetch(issuer, of), name="foreign keys")
        if of.fetching is not None:
            # Who hangs up does not take it from the others.
            await asyncio.shield(of.fetching)

    async def close(self) -> None:
        """Let go of what is being fetched, and close the connections."""
        fetching = [of.fetching for of in self._issuers.values() if of.fetching is not None]
        for task in fetching:
            task.cancel()
        await asyncio.gather(*fetching, return_exceptions=True)
        await self._client.aclose()

    def _is_within(self, time: float | None, seconds: float) -> bool:
        return time is not None and self._clock() - time < seconds

    async def _fetch(self, issuer: str, of: _Issuer) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                keys = keys_of_jwks(await self._get(await self._key_set_url(issuer)))
        except Exception as error:  # noqa: BLE001  # whatever an issuer answers, it is no fault of ours
            of.known = IssuerKeys(of.known.keys, was_reached=False)
            _log.warning("The keys of the issuer %s cannot be had: %s", issuer, _reason(error))
        else:
            of.known, of.fetched_at = IssuerKeys(keys, was_reached=True), self._clock()
        finally:
            of.fetching = None

    async def _key_set_url(self, issuer: str) -> str:
        document = await self._get(f"{issuer.removesuffix('/')}/.well-known/openid-configuration")
        if document.get("issuer") != issuer:
            raise UnusableAnswer("a discovery document of another issuer")
        url = document.get("jwks_uri")
        if not isinstance(url, str):
            raise UnusableAnswer("a discovery document without jwks_uri")
        return url

    async def _get(self, url: str) -> dict[str, object]:
        refusal = self._egress.refusal(url)
        if refusal is not None:
            raise UnusableAnswer(f"a URL that may not be called: {refusal}")
        async with self._client.stream("GET", url) as answer:
            if answer.status_code != httpx.codes.OK:
                raise UnusableAnswer(f"the status {answer.status_code}")
            return json_object(await content_of(answer, MOST_BYTES))


def _reason(error: Exception) -> str:
    """Say what went wrong without quoting what was answered."""
    return f"it gave {error}" if isinstance(error, UnusableAnswer) else type(error).__name__
