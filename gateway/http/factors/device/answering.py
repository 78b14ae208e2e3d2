"""What a device asks and answers, outside of any session: it is known by its key, or by the secret of a delivery.

    POST /auth/factors/push/nonce     what to sign next
    POST /auth/factors/push/waiting   what is waiting for the device
    POST /auth/factors/push/answer    approve it, by a signature over the digits of the screen
    POST /auth/factors/push/refuse    say that it was not the person who asked

Whoever is not known by what they send is refused in the same words as who signs wrongly: whether there is such a
device, or such a challenge, nobody learns.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.accounts import account_of_factor
from auth.errors import ItcareError, OperationTimeout
from auth.identity.secrets import SecretKind, account_of_secret, digest_of
from auth.mfa.challenges import Outcome
from auth.mfa.deliveries import Delivered, find_delivery
from auth.mfa.devices import base64url, from_base64url, question_text
from auth.mfa.enrolment import FactorHolder, find_holder
from auth.mfa.errors import ChallengeRefused
from auth.mfa.push import Question, answer_question, find_device, hand_over, refuse_question
from auth.mfa.recording import Record
from auth.mfa.sealing import SealBroken, SecretSeal
from auth.principal import set_scope
from auth.statements import Fetch
from auth.tables import FactorKind
from gateway.http.errors import MethodNotAllowed, Translate
from gateway.http.factors.calling import EVERY_METHOD, HEADERS, RecordFor, refused
from gateway.http.factors.reading import read_members, text_in, uuid_in
from gateway.telemetry import log_fault
from resolvers.database import Database
from resolvers.transaction import open_transaction

MOST_TEXT: Final = 200
"""Characters of a secret, a nonce or a signature."""
NONCE_LASTS: Final = timedelta(seconds=60)

Alert = Callable[[FactorHolder], Awaitable[None]]
"""Warns a person elsewhere that somebody else asks for their second factor."""


async def alert_nobody(_: FactorHolder) -> None:
    """Warn nobody; it is in the audit log all the same."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A device, or whoever has the secret of a delivery, in a transaction in the scope of the account."""

    holder: FactorHolder
    now: datetime
    fetch: Fetch
    record: Record


Body = dict[str, Any]
Content = Mapping[str, Any] | ItcareError
Find = Callable[[Fetch], Awaitable[UUID | None]]
Answer = Callable[[Request, Body], Awaitable[Content]]


class DeviceAnswers:
    """The endpoints for devices. `seal` is that of factors, `nonces` seals what is to be signed next."""

    def __init__(
        self,
        database: Database,
        seal: SecretSeal,
        nonces: SecretSeal,
        *,
        seconds: float,
        translate: Translate,
        record_for: RecordFor,
        alert: Alert = alert_nobody,
    ) -> None:
        self._database = database
        self._seal = seal
        self._nonces = nonces
        self._seconds = seconds
        self._translate = translate
        self._record_for = record_for
        self._alert = alert

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            self._route("nonce", self._nonce, {"factorId"}),
            self._route("waiting", self._waiting, {"factorId", "nonce", "signature"}),
            self._route("answer", self._answer, {"secret", "signature"}),
            self._route("refuse", self._refuse, {"secret"}),
        ]

    async def _nonce(self, _: Request, body: Body) -> Content:
        """Give a nonce to any factor, be there one or not."""
        issued_at = int(datetime.now(UTC).timestamp())
        return {"nonce": base64url(self._nonces.seal(uuid_in(body, "factorId"), issued_at.to_bytes(8, "big")))}

    async def _waiting(self, request: Request, body: Body) -> Content:
        factor_id, nonce = uuid_in(body, "factorId"), text_in(body, "nonce", MOST_TEXT)
        signature = text_in(body, "signature", MOST_TEXT)
        async with self._visit(request, lambda fetch: account_of_factor(fetch, factor_id)) as visitor:
            if visitor is None or not self._is_fresh(factor_id, nonce, visitor.now):
                return ChallengeRefused()
            fetch, account_id, now = visitor.fetch, visitor.holder.account_id, visitor.now
            device = await find_device(fetch, self._seal, account_id, factor_id, now)
            if device is None or not device.has_signed(question_text(factor_id, nonce), signature):
                return ChallengeRefused()
            question = await hand_over(fetch, account_id, factor_id, now)
            return {"waiting": None if question is None else _written(question, now)}

    async def _answer(self, request: Request, body: Body) -> Content:
        secret, signature = text_in(body, "secret", MOST_TEXT), text_in(body, "signature", MOST_TEXT)
        async with self._visit(request, _by_secret(secret)) as visitor:
            delivered = await self._delivered(visitor, secret)
            if visitor is None or delivered is None:
                return ChallengeRefused()
            outcome = await answer_question(
                visitor.fetch, self._seal, delivered, secret, signature, visitor.now, visitor.record
            )
            return {"status": "APPROVED"} if outcome is Outcome.ACCEPTED else ChallengeRefused()

    async def _refuse(self, request: Request, body: Body) -> Content:
        secret = text_in(body, "secret", MOST_TEXT)
        async with self._visit(request, _by_secret(secret)) as visitor:
            delivered = await self._delivered(visitor, secret)
            if visitor is None or delivered is None:
                return ChallengeRefused()
            await refuse_question(visitor.fetch, delivered, visitor.now, visitor.record)
        try:
            await self._alert(visitor.holder)
        except Exception as error:  # noqa: BLE001  # what was refused stays refused, whoever can be told of it
            log_fault(error)
        return {"status": "REFUSED"}

    async def _delivered(self, visitor: Visitor | None, secret: str) -> Delivered | None:
        if visitor is None:
            return None
        account_id, digest = visitor.holder.account_id, digest_of(secret)
        delivered = await find_delivery(visitor.fetch, self._seal, account_id, digest, visitor.now)
        return delivered if delivered is not None and delivered.kind is FactorKind.PUSH else None

    def _is_fresh(self, factor_id: UUID, nonce: str, now: datetime) -> bool:
        try:
            issued_at = int.from_bytes(self._nonces.open(factor_id, from_base64url(nonce)), "big")
        except (ValueError, SealBroken):
            return False
        return abs(now.timestamp() - issued_at) <= NONCE_LASTS.total_seconds()

    @asynccontextmanager
    async def _visit(self, request: Request, find: Find) -> AsyncIterator[Visitor | None]:
        """Begin a transaction in the scope of the account that is found, committed unless the block raises."""
        async with open_transaction(self._database) as transaction:
            fetch = transaction.fetch
            account_id = await find(fetch)
            if account_id is None:
                yield None
                return
            await set_scope(fetch, account_id)
            holder = await find_holder(fetch, account_id)
            if holder is None:
                yield None
                return
            record = self._record_for(None, holder, request.client.host if request.client else None)
            yield Visitor(holder, datetime.now(UTC), fetch, record)

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


def _by_secret(secret: str) -> Find:
    return lambda fetch: account_of_secret(fetch, SecretKind.DELIVERY, digest_of(secret))


def _written(question: Question, now: datetime) -> Mapping[str, Any]:
    challenge = question.challenge
    return {
        "challengeId": str(challenge.id),
        "digest": challenge.digest.hex() if challenge.digest else "",
        "words": challenge.words,
        "secret": question.secret,
        "expiresIn": int((challenge.expires_at - now).total_seconds()),
    }
