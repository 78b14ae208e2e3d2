"""The public keys of access tokens, for whoever verifies them: a JSON Web Key Set (RFC 7517)."""

from collections.abc import Callable, Iterable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from auth.keys import VerificationKey, jwks

KEPT_FOR: Final = 300
"""How long an answer may be kept, in seconds."""


class KeySetResponse(JSONResponse):
    """A key set, under its own media type."""

    media_type = "application/jwk-set+json"


def key_routes(published: Callable[[], Iterable[VerificationKey]]) -> list[Route]:
    """Route `/.well-known/jwks.json`, with the keys that verify at the moment."""

    async def key_set(_: Request) -> KeySetResponse:
        return KeySetResponse(jwks(published()), headers={"Cache-Control": f"public, max-age={KEPT_FOR}"})

    return [Route("/.well-known/jwks.json", key_set)]
