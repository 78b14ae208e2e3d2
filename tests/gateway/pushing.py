"""A push service over real HTTP, which decrypts as a browser does, and a person's phone.

Both are written from RFC 8188, 8291 and 8292 and from docs/factors.md, and share nothing with the product.
"""

import asyncio
import base64
import json
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PUSH = "/auth/factors/push"


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def jwk_of(content: bytes) -> dict[str, Any]:
    return {"kty": "EC", "crv": "P-256", "x": b64(content[1:33]), "y": b64(content[33:])}


@dataclass
class Notified:
    """A notification as it arrived: its headers, and what the browser reads."""

    headers: Mapping[str, str]
    content: dict[str, Any]


class Browser:
    """What a browser keeps of its subscription."""

    def __init__(self, service: "PushService") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = secrets.token_bytes(16)
        self.name = uuid4().hex
        self.endpoint = f"{service.url}/push/{self.name}"
        service.browsers[self.name] = self

    @property
    def subscription(self) -> dict[str, Any]:
        keys = {"p256dh": b64(point(self.key)), "auth": b64(self.secret)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def decrypt(self, body: bytes) -> bytes:
        """Read one record of aes128gcm, or fail."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, record = body[21 : 21 + length], body[21 + length :]
        assert len(record) <= size
        assert len(body) <= 4096
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        info = b"WebPush: info\x00" + point(self.key) + sender
        secret = HKDF(SHA256(), 32, self.secret, info).derive(shared)
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(secret)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(secret)
        padded = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\x00")
        assert padded.endswith(b"\x02")
        return padded[:-1]


@dataclass
class PushService:
    """Takes notifications for browsers, if they are signed with the key that the browser subscribed with."""

    url: str
    vapid_key: str = ""
    status: int = 201
    browsers: dict[str, Browser] = field(default_factory=dict)
    arrived: asyncio.Queue[Notified] = field(default_factory=asyncio.Queue)
    answered: int = 0
    refused: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/push/{name}", self._push, methods=["POST"])])

    async def next(self) -> Notified:
        """The next notification that arrives."""
        async with asyncio.timeout(20):
            return await self.arrived.get()

    async def _push(self, request: Request) -> Response:
        try:
            notified = self._read(request.path_params["name"], request.headers, await request.body())
        except Exception as error:
            self.refused.append(repr(error))
            raise
        self.answered += 1
        self.arrived.put_nowait(notified)
        return Response(status_code=self.status, headers={"Location": f"{self.url}/message"})

    def _read(self, name: str, headers: Mapping[str, str], body: bytes) -> Notified:
        scheme, _, rest = headers["authorization"].partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        assert scheme == "vapid"
        assert parts["k"] == self.vapid_key
        token = jwt.decode(parts["t"], ECKey.import_key(jwk_of(unb64(parts["k"]))), algorithms=["ES256"])
        assert token.claims["aud"] == self.url
        assert 0 < token.claims["exp"] - datetime.now(UTC).timestamp() <= 24 * 3600
        assert headers["content-encoding"] == "aes128gcm"
        return Notified(dict(headers), {**json.loads(self.browsers[name].decrypt(body)), "claims": token.claims})


@asynccontextmanager
async def push_service() -> AsyncIterator[PushService]:
    """Serve a push service on a free port until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        service = PushService(f"http://127.0.0.1:{listener.getsockname()[1]}")
        server = uvicorn.Server(
            uvicorn.Config(service.app(), log_config=None, access_log=False, timeout_graceful_shutdown=1)
        )
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield service
        finally:
            server.should_exit = True
            await serving


class Phone:
    """A device of a person, with a key of its own; it calls the gateway without a token."""

    def __init__(self, client: httpx.AsyncClient, service: PushService) -> None:
        self.client = client
        self.service = service
        self.browser = Browser(service)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.factor = str(uuid4())

    @property
    def jwk(self) -> dict[str, Any]:
        """As browsers export it."""
        return {**jwk_of(point(self.key)), "ext": True, "key_ops": ["verify"]}

    def sign(self, *lines: str) -> str:
        r, s = decode_dss_signature(self.key.sign("\n".join(lines).encode(), ec.ECDSA(SHA256())))
        return b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    async def post(self, name: str, **body: object) -> httpx.Response:
        return await self.client.post(f"{PUSH}/{name}", json=body, headers={"Authorization": ""})

    async def nonce(self) -> str:
        answer = await self.post("nonce", factorId=self.factor)
        assert answer.status_code == 200, answer.text
        nonce: str = answer.json()["nonce"]
        return nonce

    async def ask(self) -> httpx.Response:
        nonce = await self.nonce()
        signature = self.sign("itcare push question 1", self.factor, nonce)
        return await self.post("waiting", factorId=self.factor, nonce=nonce, signature=signature)

    async def waiting(self) -> dict[str, Any]:
        answer = await self.ask()
        assert answer.status_code == 200, answer.text
        waiting: dict[str, Any] = answer.json()["waiting"]
        return waiting

    async def renew(self, browser: Browser) -> httpx.Response:
        """Ask to be notified by another subscription."""
        nonce, subscription = await self.nonce(), browser.subscription
        keys = subscription["keys"]
        lines = self.factor, nonce, subscription["endpoint"], keys["p256dh"], keys["auth"]
        signature = self.sign("itcare push subscription 1", *lines)
        body = {"factorId": self.factor, "nonce": nonce, "subscription": subscription, "signature": signature}
        return await self.post("renew", **body)

    def answer_to(self, waiting: Mapping[str, Any], digits: str) -> str:
        return self.sign("itcare push answer 1", waiting["challengeId"], waiting["digest"], digits, waiting["secret"])

    async def approve(self, waiting: Mapping[str, Any], digits: str) -> httpx.Response:
        return await self.post("answer", secret=waiting["secret"], signature=self.answer_to(waiting, digits))

    async def refuse(self, waiting: Mapping[str, Any]) -> httpx.Response:
        return await self.post("refuse", secret=waiting["secret"])
