"""A driver that asks an operator's own orchestrator, by signed requests; it answers at once, or reports back later.

The protocol is in docs/operations.md. The request of a step is the same each time but for the nonce of the attempt, and
has the step's id as its idempotency key: an orchestrator that is asked twice does it once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import httpx
import orjson

from auth.signatures import REQUEST, MessageKeys
from resolvers.database import Database
from resolvers.egress import Egress, UnusableAnswer, content_of, new_client
from resolvers.operations.drivers.port import Call, DriverUnavailable, Report
from resolvers.operations.reports import (
    ENDED,
    HIDDEN,
    ReportMalformed,
    find_report,
    read_json,
    read_message,
    read_report,
)

MOST_ANSWER: Final = 64 * 1024
"""Size of an answer, in bytes."""
AGAIN_LATER: Final = frozenset({401, 408, 425, 429})
"""Refusals that are not about the step: a key that is not known there yet, and too many requests."""


@dataclass(frozen=True, slots=True)
class Orchestrator:
    """Where the orchestrator is, and where it reports; `silence` is how long to wait for a report, then ask again."""

    url: str
    callback_url: str | None = None
    seconds: float = 10.0
    silence: timedelta = timedelta(minutes=15)


class WebhookDriver:
    """Asks an orchestrator; `keys` gives those that sign at the moment. To be closed."""

    def __init__(
        self, orchestrator: Orchestrator, egress: Egress, keys: Callable[[], MessageKeys], database: Database
    ) -> None:
        self._orchestrator = orchestrator
        self._egress = egress
        self._keys = keys
        self._database = database
        self._asked: dict[UUID, datetime] = {}
        self._client = new_client(orchestrator.seconds)

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def prepare(self, call: Call) -> None:
        """Find out whether the orchestrator may be called, and whether there is a key to sign with."""
        refusal = self._egress.refusal(self._orchestrator.url)
        if refusal is not None:
            raise DriverUnavailable(f"The orchestrator's URL may not be called: {refusal}.")
        if not self._keys().of(call.organization_id):
            raise DriverUnavailable("There is no key to sign requests of this organization with.")

    async def execute(self, call: Call) -> Report | None:
        """Ask for the step, unless it was reported to have ended after an attempt before this one."""
        standing = await find_report(self._database, call.operation_id, call.id)
        report = standing.reported.report() if standing.reported is not None else None
        return report or await self._ask(call)

    async def observe(self, call: Call) -> Report | None:
        """Look what was reported; ask again if nothing was for long."""
        standing = await find_report(self._database, call.operation_id, call.id)
        if standing.ended:
            # By an operator, or by another worker: what is said here has no effect any more.
            return self._end(call, Report(False, "It has ended."))
        report = standing.reported.report() if standing.reported is not None else None
        if report is not None:
            return self._end(call, report)
        heard = max(filter(None, (self._asked.get(call.id), standing.at)), default=None)
        if heard is None or datetime.now(UTC) - heard >= self._orchestrator.silence:
            return await self._ask(call)
        return None

    async def _ask(self, call: Call) -> Report | None:
        await self.prepare(call)
        self._asked[call.id] = datetime.now(UTC)
        try:
            report = _read(*await self._send(call), call.secret)
        except BaseException:
            self._asked.pop(call.id, None)
            raise
        return None if report is None else self._end(call, report)

    def _end(self, call: Call, report: Report) -> Report:
        self._asked.pop(call.id, None)
        return report

    async def _send(self, call: Call) -> tuple[int, bytes]:
        body = orjson.dumps(written(call, self._orchestrator.callback_url), default=str)
        key = self._keys().of(call.organization_id)[0]
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": str(call.id),
            **key.headers(REQUEST, int(datetime.now(UTC).timestamp()), body),
        }
        seconds = self._orchestrator.seconds
        try:
            # Of the whole: httpx limits each part of it, and an answer can come in many.
            async with (
                asyncio.timeout(seconds),
                self._client.stream("POST", self._orchestrator.url, content=body, headers=headers) as answer,
            ):
                return answer.status_code, await content_of(answer, MOST_ANSWER)
        except (TimeoutError, httpx.TimeoutException):
            raise DriverUnavailable(f"The orchestrator did not answer within {seconds:g} s.") from None
        except UnusableAnswer as error:
            raise DriverUnavailable(f"The orchestrator answered in {error}.") from None
        except httpx.HTTPError as error:
            raise DriverUnavailable(f"The orchestrator cannot be reached: {type(error).__name__}.") from None


def written(call: Call, callback_url: str | None) -> dict[str, Any]:
    """Write what is asked; the secret only if there is one."""
    secret = {} if call.secret is None else {"secret": call.secret}
    return {
        "operationId": call.operation_id,
        "action": call.action.value,
        "organizationId": call.organization_id,
        "cloudId": call.cloud_id,
        "resourceId": call.resource_id,
        "subjectId": call.subject_id,
        "parameters": dict(call.parameters),
        "stepId": call.id,
        "step": call.step,
        "position": call.position,
        "stepSubjectId": call.step_subject_id,
        "nonce": call.nonce,
        "callbackUrl": callback_url,
        **secret,
    }


def _read(status: int, content: bytes, secret: str | None) -> Report | None:
    """Read an answer: how the step ended, or None if that is reported later."""
    if status == httpx.codes.ACCEPTED:
        return None
    if status == httpx.codes.OK:
        try:
            return read_report(read_json(content), ENDED).without(secret).report()
        except ReportMalformed as error:
            raise DriverUnavailable(f"The orchestrator's answer is not understood: {error}") from None
    if 400 <= status < 500 and status not in AGAIN_LATER:
        return _refused(status, content, secret)
    raise DriverUnavailable(f"The orchestrator answered {status}.")


def _refused(status: int, content: bytes, secret: str | None) -> Report:
    """Read why a step was refused, if that is said in a way that can be shown."""
    try:
        said = read_message(read_json(content))
    except ReportMalformed:
        said = None
    message = f"The orchestrator refused it ({status})" + (f": {said}" if said else ".")
    hidden = message.replace(secret, HIDDEN) if secret else message
    return Report(False, hidden)
