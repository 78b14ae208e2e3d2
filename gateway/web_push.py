"""Web Push: notifications to browsers through their makers' push services, which can read none of them.

What is sent is encrypted for the browser (RFC 8291) and signed by this gateway (VAPID, RFC 8292), to hosts that are
listed. Both are a few calls of `cryptography` and python-jose, which are here anyway; the library for it, pywebpush,
needs another HTTP client and a package that is not built for installing by hash.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import httpx
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jose import jws

from auth.keys import SigningKey
from auth.mfa.devices import Subscription, base64url, from_base64url
from auth.mfa.push import Notification
from gateway.telemetry import log_fault
from resolvers.egress import Egress

RECORD_BYTES: Final = 4096
"""The one record of a message, as every push service takes it; 103 bytes of it are not the content."""
SALT_BYTES: Final = 16
TOKEN_SECONDS: Final = 3600
GONE: Final = frozenset({404, 410})
"""What a push service answers of a subscription that it does not know, or not any more."""

_log = logging.getLogger("gateway.push")

Lost = Callable[[UUID, UUID, Subscription], Awaitable[None]]
"""Is told that a subscription is gone: the account's, the factor's."""


class Sent(StrEnum):
    """What came of a notification."""

    TAKEN = "TAKEN"
    GONE = "GONE"
    FAILED = "FAILED"


class WebPush:
    """Sends notifications in the background; `key` signs them, `lost` is told of subscriptions that are gone.

    `contact` is where push services can reach whoever runs this gateway, as a mailto: or https: address. To be closed.
    """

    def __init__(self, egress: Egress, key: SigningKey, lost: Lost, *, contact: str | None, seconds: float) -> None:
        self._egress = egress
        self._key = key
        self._lost = lost
        self._contact = contact
        self._seconds = seconds
        self._sending: set[asyncio.Task[None]] = set()
        # Neither a proxy nor a password comes from the environment; only which authorities are trusted.
        self._client = httpx.AsyncClient(
            verify=httpx.create_ssl_context(), trust_env=False, follow_redirects=False, timeout=seconds
        )

    @property
    def public_key(self) -> str:
        """What browsers subscribe with (`applicationServerKey`), in base64url."""
        return base64url(_point_of(self._key))

    def refusal(self, endpoint: str) -> str | None:
        """Say why an endpoint must not be called; None if it may."""
        return self._egress.refusal(endpoint)

    def notify(self, notification: Notification) -> None:
        """Send a notification, soon; never waits, never raises."""
        task = asyncio.create_task(self._notify(notification), name="notification")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def close(self) -> None:
        """End what is being sent, and close connections."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self._client.aclose()

    async def _notify(self, notification: Notification) -> None:
        try:
            sent = await self._send(notification)
            if sent is Sent.GONE:
                await self._lost(notification.account_id, notification.factor_id, notification.subscription)
        except Exception as error:  # noqa: BLE001  # nobody waits for it: the page can be opened by hand
            log_fault(error)

    async def _send(self, notification: Notification) -> Sent:
        subscription, now = notification.subscription, datetime.now(UTC)
        # It was allowed when the device was set up; the list may be another by now.
        if self.refusal(subscription.endpoint) is not None:
            _log.warning("A notification is not sent: its push service is not listed (ITCARE_PUSH_HOSTS)")
            return Sent.FAILED
        seconds = int((notification.expires_at - now).total_seconds())
        content = orjson.dumps({"words": notification.words, "expiresAt": notification.expires_at})
        headers = {
            "Authorization": self._authorization(subscription.endpoint, now),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(max(0, seconds)),
            "Urgency": "high",
            # A newer one takes the place of one that has not arrived.
            "Topic": notification.factor_id.hex,
        }
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._client.stream(
                    "POST", subscription.endpoint, content=encrypted(content, subscription), headers=headers
                ) as answer,
            ):
                status = answer.status_code
        except (TimeoutError, httpx.HTTPError) as error:
            # The endpoint is not logged: who has it can send to it.
            _log.warning("A notification is not sent: %s", type(error).__name__)
            return Sent.FAILED
        if status in GONE:
            _log.info("A notification is not sent: the push service does not know the browser any more")
            return Sent.GONE
        if not httpx.codes.is_success(status):
            _log.warning("A notification is not sent: the push service answered %s", status)
            return Sent.FAILED
        return Sent.TAKEN

    def _authorization(self, endpoint: str, now: datetime) -> str:
        url = httpx.URL(endpoint)
        claims: dict[str, object] = {
            "aud": f"{url.scheme}://{url.netloc.decode('ascii')}",
            "exp": int(now.timestamp()) + TOKEN_SECONDS,
        }
        if self._contact is not None:
            claims["sub"] = self._contact
        token = jws.sign(claims, self._key.private, headers={"typ": "JWT"}, algorithm=self._key.algorithm)
        return f"vapid t={token}, k={self.public_key}"


def encrypted(
    content: bytes,
    subscription: Subscription,
    *,
    sender: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Encrypt the content of a notification for a browser, as one record of aes128gcm (RFC 8188, RFC 8291).

    The sender's key and the salt are drawn, for this message alone, unless they are given.
    """
    sender = sender or ec.generate_private_key(ec.SECP256R1())
    salt = salt or secrets.token_bytes(SALT_BYTES)
    receiver = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), subscription.key)
    sent_by = sender.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    info = b"WebPush: info\0" + subscription.key + sent_by
    shared = _derived(sender.exchange(ec.ECDH(), receiver), subscription.secret, info, 32)
    key = _derived(shared, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(shared, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(sent_by)]) + sent_by
    return header + AESGCM(key).encrypt(nonce, content + b"\x02", None)


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)


def _point_of(key: SigningKey) -> bytes:
    jwk = key.to_jwk()
    return b"\x04" + from_base64url(jwk["x"]) + from_base64url(jwk["y"])
