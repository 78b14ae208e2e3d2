"""What there is, for clients that set themselves up (RFC 8414, OpenID Connect Discovery)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.errors import MFA_ACR
from gateway.http.openid import authorize, end_session, revoke, token, userinfo
from gateway.http.openid.tokens import SCOPES
from gateway.http.well_known import KEPT_FOR

PATHS: Final = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
CLIENT_AUTHENTICATION: Final = ("none", "client_secret_basic", "client_secret_post", "private_key_jwt")
ALGORITHMS: Final = ("ES256", "RS256")
"""Of the assertions of API accounts."""
CLAIMS: Final = (
    *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "amr", "acr", "sid", "at_hash"),
    *("email", "email_verified"),
)


def metadata(issuer: str, public_url: str, grant_types: Sequence[str]) -> Mapping[str, Any]:
    """Describe a gateway."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{public_url}{authorize.PATH}",
        "token_endpoint": f"{public_url}{token.PATH}",
        "userinfo_endpoint": f"{public_url}{userinfo.PATH}",
        "revocation_endpoint": f"{public_url}{revoke.PATH}",
        "end_session_endpoint": f"{public_url}{end_session.PATH}",
        "jwks_uri": f"{public_url}/.well-known/jwks.json",
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(grant_types),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
        "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "acr_values_supported": [MFA_ACR],
        "claims_supported": CLAIMS,
        "prompt_values_supported": sorted(authorize.PROMPTS),
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def discovery_routes(described: Mapping[str, Any]) -> list[Route]:
    """Route both well-known documents."""

    async def document(_: Request) -> Response:
        return JSONResponse(described, headers={"Cache-Control": f"public, max-age={KEPT_FOR}"})

    return [Route(path, document) for path in PATHS]
