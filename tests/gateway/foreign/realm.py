"""A foreign issuer, shaped as a realm of Keycloak, over real HTTP; what it signs, another library signs."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

REALM: Final = "/realms/acme"
DISCOVERY: Final = f"{REALM}/.well-known/openid-configuration"
CERTS: Final = f"{REALM}/protocol/openid-connect/certs"
AUDIENCE: Final = "itcare-console"

Answer = Callable[[], Awaitable[Response]]


def answering(status: int, content: bytes | str = b"", headers: Mapping[str, str] | None = None) -> Answer:
    async def answer() -> Response:
        return Response(content, status, headers)

    return answer


def saying(content: object) -> Answer:
    async def answer() -> Response:
        return JSONResponse(content)

    return answer


class Realm:
    """Answers by `answers`, by path, where a test says so, and else as Keycloak does; counts what it is asked."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.issuer = f"{origin}{REALM}"
        self.asked: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.came = asyncio.Event()
        self.keys: list[Key] = [ECKey.generate_key("P-256", {"kid": "ec-1", "use": "sig", "alg": "ES256"})]

    @property
    def fetches(self) -> int:
        return self.asked.count(DISCOVERY)

    def rotate(self, key: Key) -> None:
        """Sign with another key from now on, and keep the one before for verifying."""
        self.keys.insert(0, key)

    def discovery(self, **changes: object) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/protocol/openid-connect/auth",
            "token_endpoint": f"{self.issuer}/protocol/openid-connect/token",
            "jwks_uri": f"{self.origin}{CERTS}",
            "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256"],
            **changes,
        }

    def after(self, gate: asyncio.Event) -> Answer:
        """Answer with the discovery document once a gate is open."""

        async def answer() -> Response:
            await gate.wait()
            return JSONResponse(self.discovery())

        return answer

    def certs(self) -> dict[str, Any]:
        encrypting = RSA_FOR_ENCRYPTION.as_dict(private=False)
        return {"keys": [*(key.as_dict(private=False) for key in self.keys), encrypting]}

    def token(self, subject: str, *, key: Key | None = None, **claims: object) -> str:
        """An access token as Keycloak issues one, with some claims changed; None leaves one out."""
        signing, now = key or self.keys[0], int(datetime.now(UTC).timestamp())
        usual: dict[str, object] = {
            "iss": self.issuer,
            "aud": [AUDIENCE, "account"],
            "sub": subject,
            "typ": "Bearer",
            "azp": "console",
            "iat": now - 5,
            "exp": now + 295,
            "jti": "onrtro:4f0c5c1e-4a93-4a9b-9d0f-2f5f4a6f3d11",
            "sid": "0b1f6a3c",
            "scope": "openid email profile",
            "email_verified": True,
            "email": "ann@acme.example",
        }
        members = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        header = {"alg": signing.get("alg"), "kid": signing.kid, "typ": "JWT"}
        return jwt.encode(header, members, signing)

    async def serve(self, request: Request) -> Response:
        path = request.url.path
        self.asked.append(path)
        self.came.set()
        assert request.headers["accept-encoding"] == "identity"
        assert "authorization" not in request.headers
        if path in self.answers:
            return await self.answers[path]()
        return JSONResponse({DISCOVERY: self.discovery, CERTS: self.certs}[path]())


RSA_FOR_ENCRYPTION: Final = RSAKey.generate_key(2048, {"kid": "enc", "use": "enc", "alg": "RSA-OAEP"})
RSA_KEY: Final = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig", "alg": "RS256"})


@asynccontextmanager
async def serving_realm() -> AsyncIterator[Realm]:
    """Serve a realm on a free port until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        realm = Realm(f"http://127.0.0.1:{listener.getsockname()[1]}")
        app = Starlette(routes=[Route("/{path:path}", realm.serve, methods=["GET"])])
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield realm
        finally:
            server.should_exit = True
            await serving
