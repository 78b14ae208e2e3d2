"""Reports of an operator's orchestrator, over plain HTTP: /operations/callback, signed as docs/operations.md says.

    {"operationId", "stepId", "nonce", "status", "progress"?, "message"?, "facts"?}

Who sends it is known by the signature alone, so nothing is looked up before that is verified. A refusal is
`{"error": {"code", "message"}}`, and has changed nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.errors import ItcareError, NotFound, OperationTimeout, Unauthenticated
from auth.mfa.sealing import SealBroken, SecretSeal
from auth.signatures import CALLBACK, KEY_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, MessageKey, MessageKeys
from gateway.http.errors import (
    INTERNAL_SERVER_ERROR,
    MASKED,
    HttpError,
    MalformedRequest,
    MethodNotAllowed,
    Translate,
)
from gateway.http.negotiation import require_json
from gateway.http.requests import read_body
from gateway.telemetry import correlation_id, log_fault
from resolvers.database import Database
from resolvers.operations.reports import (
    MEMBERS,
    Arrival,
    Recorded,
    ReportMalformed,
    read_json,
    read_report,
    record_report,
)

PATH: Final = "/operations/callback"
MOST_BYTES: Final = 32 * 1024
"""Size of a body."""
FRESH_SECONDS: Final = 300
"""How far the time of a signature may be from ours."""
EVERY_METHOD: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
HEADERS: Final = {"Cache-Control": "no-store"}
_IDS: Final = ("operationId", "stepId", "nonce")

_log = logging.getLogger("gateway.operations")


class StaleTimestamp(ItcareError):
    """It was signed too long ago, or by a clock that is wrong."""

    code = "STALE_TIMESTAMP"
    http_status = 401


class SecretUnreadable(ItcareError):
    """The operation has a secret that cannot be opened, and so not be kept out of what is written."""

    code = "SERVICE_UNAVAILABLE"
    http_status = 503


_CONFLICTS: Final[Mapping[Recorded, str]] = {
    Recorded.STALE_ATTEMPT: "The step has been asked for again since; report with the nonce of the last request.",
    Recorded.REPLAYED: "This report, or a later one, has arrived before.",
    Recorded.CONTRADICTED: "The step was reported to have ended otherwise; the first report stands.",
    Recorded.ENDED: "The step or its operation has ended.",
}


class _Signed(NamedTuple):
    """A body with a signature that was verified."""

    key: MessageKey
    timestamp: int
    signature: str
    body: bytes


class Callback:
    """The endpoint; `keys` gives those that verify at the moment."""

    def __init__(
        self,
        database: Database,
        keys: Callable[[], MessageKeys],
        seal: SecretSeal,
        *,
        seconds: float,
        translate: Translate,
    ) -> None:
        self._database = database
        self._keys = keys
        self._seal = seal
        self._seconds = seconds
        self._translate = translate

    def routes(self) -> list[Route]:
        """Give the route."""
        return [Route(PATH, self._endpoint, methods=EVERY_METHOD)]

    async def _endpoint(self, request: Request) -> Response:
        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                return await self._answer(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except Exception as error:  # noqa: BLE001  # one of our refusals, or a fault: then it is masked and logged
            return self._refusal(OperationTimeout(self._seconds) if limit.expired() else error)

    async def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            raise MethodNotAllowed("Send this with POST.", allow="POST")
        require_json(request.headers)
        keys = self._keys()
        signed = _verify(request, keys, await read_body(request, MOST_BYTES))
        try:
            arrival = _arrival(signed)
        except ReportMalformed as error:
            raise MalformedRequest(str(error), argument=error.member) from None

        def serves(organization_id: UUID) -> bool:
            return signed.key in keys.of(organization_id)

        try:
            outcome = await record_report(self._database, self._seal, arrival, serves)
        except SealBroken:
            raise SecretUnreadable("The secret of the operation cannot be opened with the key there is.") from None
        if outcome is Recorded.NOT_FOUND:
            raise NotFound("step")
        if outcome in _CONFLICTS:
            return _refused(outcome.name, _CONFLICTS[outcome], status=409)
        _log.info(
            "The step %s of the operation %s is reported: %s, signed by %s",
            arrival.step_id,
            arrival.operation_id,
            arrival.reported.status,
            signed.key.name,
        )
        return JSONResponse({"recorded": outcome is Recorded.WRITTEN}, headers=HEADERS)

    def _refusal(self, error: Exception) -> Response:
        refusal = error if isinstance(error, ItcareError) else None
        if refusal is None:
            log_fault(error)
            refusal = self._translate(error)
        if refusal is None:
            return _refused(INTERNAL_SERVER_ERROR, MASKED, status=500, correlationId=correlation_id.get())
        answer = _refused(refusal.code, refusal.message, status=refusal.http_status, **refusal.extensions)
        answer.headers.update(refusal.headers if isinstance(refusal, HttpError) else {})
        return answer


def _refused(code: str, message: str, *, status: int, **extensions: object) -> JSONResponse:
    _log.warning("A report of a step is refused: %s", code)
    return JSONResponse({"error": {"code": code, "message": message, **extensions}}, status, HEADERS)


def _verify(request: Request, keys: MessageKeys, body: bytes) -> _Signed:
    """Verify who sent a body, and that it was signed just now; which part of a signature is wrong is not said."""
    names = (KEY_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)
    given = [request.headers.getlist(name) for name in names]
    if any(len(values) != 1 for values in given):
        raise Unauthenticated(f"Sign this: it needs the headers {', '.join(names)}, each once.")
    name, time, signature = (values[0] for values in given)
    key = keys.get(name)
    if key is None or not (time.isascii() and time.isdecimal() and len(time) <= 12):
        raise Unauthenticated("The signature is not valid.")
    timestamp = int(time)
    # Written as we write it: each report has one signature.
    if str(timestamp) != time or not key.has_signed(signature, CALLBACK, timestamp, body):
        raise Unauthenticated("The signature is not valid.")
    if abs(datetime.now(UTC).timestamp() - timestamp) > FRESH_SECONDS:
        raise StaleTimestamp(f"The signature must not be older than {FRESH_SECONDS} s; clocks must agree.")
    return _Signed(key, timestamp, signature, body)


def _arrival(signed: _Signed) -> Arrival:
    members = read_json(signed.body)
    unknown = min(members.keys() - MEMBERS - set(_IDS), default=None)
    if unknown is not None:
        raise ReportMalformed("body", f"`{ascii(unknown[:100])[1:-1]}` is not known here.")
    operation_id, step_id, nonce = (_uuid(members, name) for name in _IDS)
    return Arrival(operation_id, step_id, nonce, read_report(members), signed.timestamp, signed.signature)


def _uuid(members: Mapping[str, Any], name: str) -> UUID:
    value = members.get(name)
    try:
        uuid = UUID(value)
        if str(uuid) == value:
            return uuid
    except (ValueError, TypeError, AttributeError):
        pass
    raise ReportMalformed(name, f"`{name}` must be what the request had.")
