"""What a device asks and answers, outside of any session: it is known by its key, or by the secret of a delivery.

    POST /auth/factors/push/nonce     what to sign next
    POST /auth/factors/push/waiting   what is waiting for the device
    POST /auth/factors/push/renew     be notified by another subscription
    POST /auth/factors/push/answer    approve it, by a signature over the digits of the screen
    POST /auth/factors/push/refuse    say that it was not the person who asked

Whoever is not known by what they send is refused in the same words as who signs wrongly: whether there is such a
device, or such a challenge, nobody learns.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.accounts import account_of_factor
from auth.errors import ItcareError, OperationTimeout
from auth.mfa.challenges import Outcome
from auth.mfa.deliveries import Delivered, find_delivery
from auth.mfa.devices import Device, base64url, from_base64url, question_text, subscription_text
from auth.mfa.errors import ChallengeRefused
from auth.mfa.push import Question, answer_question, find_device, hand_over, refuse_question, renew_subscription
from auth.mfa.recording import MfaEvent, MfaEventKind
from auth.mfa.sealing import SealBroken, SecretSeal
from auth.statements import Fetch
from auth.tables import FactorKind
from gateway.http.client_address import address_of
from gateway.http.errors import MethodNotAllowed, Translate
from gateway.http.factors.calling import EVERY_METHOD, HEADERS, OnEvent, RecordFor, refused
from gateway.http.factors.outside import Addressee, Outsider, addressee, outsider
from gateway.http.factors.push import subscription_in
from gateway.http.factors.reading import read_members, text_in, uuid_in
from resolvers.database import Database

MOST_TEXT: Final = 200
"""Characters of a secret, a nonce or a signature."""
NONCE_LASTS: Final = timedelta(seconds=60)

Body = dict[str, Any]
Content = Mapping[str, Any] | ItcareError
Answer = Callable[[Request, Body], Awaitable[Content]]


class DeviceAnswers:
    """The endpoints for devices.

    `seal` is that of factors, `nonces` seals what is to be signed next. `public_key` is what browsers subscribe with,
    `refusal` says why an endpoint must not be called, `on_event` is told of who says that it was not them.
    """

    def __init__(
        self,
        database: Database,
        seal: SecretSeal,
        nonces: SecretSeal,
        public_key: str,
        refusal: Callable[[str], str | None],
        *,
        seconds: float,
        translate: Translate,
        record_for: RecordFor,
        on_event: OnEvent,
    ) -> None:
        self._database = database
        self._seal = seal
        self._nonces = nonces
        self._public_key = public_key
        self._refusal = refusal
        self._seconds = seconds
        self._translate = translate
        self._record_for = record_for
        self._on_event = on_event

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            self._route("nonce", self._nonce, {"factorId"}),
            self._route("waiting", self._waiting, {"factorId", "nonce", "signature"}),
            self._route("renew", self._renew, {"factorId", "nonce", "subscription", "signature"}),
            self._route("answer", self._answer, {"secret", "signature"}),
            self._route("refuse", self._refuse, {"secret"}),
        ]

    async def _nonce(self, _: Request, body: Body) -> Content:
        """Give a nonce to any factor, be there one or not."""
        issued_at = int(datetime.now(UTC).timestamp())
        nonce = base64url(self._nonces.seal(uuid_in(body, "factorId"), issued_at.to_bytes(8, "big")))
        return {"nonce": nonce, "vapidKey": self._public_key}

    async def _waiting(self, request: Request, body: Body) -> Content:
        factor_id, nonce = uuid_in(body, "factorId"), text_in(body, "nonce", MOST_TEXT)
        signature = text_in(body, "signature", MOST_TEXT)
        async with self._device(request, factor_id, nonce) as (found, device):
            if found is None or device is None or not device.has_signed(question_text(factor_id, nonce), signature):
                return await _refusal(found)
            question = await hand_over(found.fetch, found.holder.account_id, factor_id, found.now)
            waiting = None if question is None else _written(question, found.now)
            return {"waiting": waiting, "isNotified": not device.is_gone}

    async def _renew(self, request: Request, body: Body) -> Content:
        factor_id, nonce = uuid_in(body, "factorId"), text_in(body, "nonce", MOST_TEXT)
        signature = text_in(body, "signature", MOST_TEXT)
        subscription = subscription_in(body, self._refusal)
        async with self._device(request, factor_id, nonce) as (found, device):
            text = subscription_text(factor_id, nonce, subscription)
            if found is None or device is None or not device.has_signed(text, signature):
                return await _refusal(found)
            account_id = found.holder.account_id
            await renew_subscription(found.fetch, self._seal, account_id, factor_id, subscription, found.now)
            event = MfaEvent(MfaEventKind.DEVICE_RENEWED, account_id, FactorKind.PUSH, found.now, factor_id=factor_id)
            await found.record(found.fetch, event)
        return {"status": "RENEWED"}

    async def _answer(self, request: Request, body: Body) -> Content:
        secret, signature = text_in(body, "secret", MOST_TEXT), text_in(body, "signature", MOST_TEXT)
        async with self._addressee(request, secret) as found:
            delivered = await self._delivered(found)
            if found is None or delivered is None:
                return await _refusal(found)
            outcome = await answer_question(
                found.fetch, self._seal, delivered, secret, signature, found.now, found.record
            )
            return {"status": "APPROVED"} if outcome is Outcome.ACCEPTED else ChallengeRefused()

    async def _refuse(self, request: Request, body: Body) -> Content:
        secret = text_in(body, "secret", MOST_TEXT)
        async with self._addressee(request, secret) as found:
            delivered = await self._delivered(found)
            if found is None or delivered is None:
                return await _refusal(found)
            await refuse_question(found.fetch, delivered, found.now, found.record)
        return {"status": "REFUSED"}

    def _is_fresh(self, factor_id: UUID, nonce: str, now: datetime) -> bool:
        try:
            issued_at = int.from_bytes(self._nonces.open(factor_id, from_base64url(nonce)), "big")
        except (ValueError, SealBroken):
            return False
        return abs(now.timestamp() - issued_at) <= NONCE_LASTS.total_seconds()

    @asynccontextmanager
    async def _device(
        self, request: Request, factor_id: UUID, nonce: str
    ) -> AsyncIterator[tuple[Outsider | None, Device | None]]:
        """Find a device that a nonce was given to just now; whether it signed is not looked at."""

        async def find(fetch: Fetch) -> UUID | None:
            return await account_of_factor(fetch, factor_id)

        async with outsider(self._database, self._record_for, find, address_of(request), self._on_event) as found:
            device = None
            if found is not None and self._is_fresh(factor_id, nonce, found.now):
                account_id = found.holder.account_id
                device = await find_device(found.fetch, self._seal, account_id, factor_id, found.now)
            yield found, device

    async def _delivered(self, found: Addressee | None) -> Delivered | None:
        if found is None:
            return None
        delivered = await find_delivery(found.fetch, self._seal, found.holder.account_id, found.digest, found.now)
        return delivered if delivered is not None and delivered.kind is FactorKind.PUSH else None

    def _addressee(self, request: Request, secret: str) -> AbstractAsyncContextManager[Addressee | None]:
        return addressee(self._database, self._record_for, secret, address_of(request), self._on_event)

    def _route(self, name: str, answer: Answer, members: Collection[str]) -> Route:
        async def endpoint(request: Request) -> Response:
            limit = asyncio.timeout(self._seconds)
            try:
                async with limit:
                    if request.method != "POST":
                        raise MethodNotAllowed("Send this with POST.", allow="POST")
                    content = await answer(request, await read_members(request, members))
                    if isinstance(content, ItcareError):
                        raise content
                    return JSONResponse(content, headers=HEADERS)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it
            except Exception as error:  # noqa: BLE001  # one of our refusals, or a fault: then it is masked and logged
                return refused(OperationTimeout(self._seconds) if limit.expired() else error, self._translate)

        return Route(f"/auth/factors/push/{name}", endpoint, methods=EVERY_METHOD)


async def _refusal(found: Outsider | None) -> ChallengeRefused:
    """Refuse, and record it if it is known in whose name somebody came."""
    if found is not None:
        event = MfaEvent(MfaEventKind.DEVICE_REFUSED, found.holder.account_id, FactorKind.PUSH, found.now)
        await found.record(found.fetch, event)
    return ChallengeRefused()


def _written(question: Question, now: datetime) -> Mapping[str, Any]:
    challenge = question.challenge
    return {
        "challengeId": str(challenge.id),
        "digest": challenge.digest.hex() if challenge.digest else "",
        "words": challenge.words,
        "secret": question.secret,
        "expiresIn": int((challenge.expires_at - now).total_seconds()),
    }
