"""Reports of an orchestrator over HTTP: what is refused, and that it changes nothing; whatever is sent, no fault."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.settings import Settings
from tests.databases import Databases
from tests.gateway.orchestrator import Asked, accepted, new_secret
from tests.gateway.privileged import privileged
from tests.gateway.webhooks import KEY, Webhook, webhooks

PATH = "/operations/callback"


@pytest.fixture(scope="module")
async def webhook(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[Webhook]:
    urls = databases.make()
    async with webhooks(tmp_path_factory.mktemp("webhook"), urls) as found:
        yield found
    databases.drop(urls)


@pytest.fixture(scope="module")
async def asked(webhook: Webhook) -> Asked:
    """A step that was asked for, and goes on as long as these tests do."""
    webhook.orchestrator.answers = [accepted]
    executing = asyncio.create_task(webhook.execute(await webhook.submit()))
    await webhook.orchestrator.came.wait()
    executing.cancel()
    await asyncio.wait([executing])
    return webhook.orchestrator.asked[0]


def named(asked: Asked, **more: Any) -> dict[str, Any]:
    return {**{name: asked[name] for name in ("operationId", "stepId", "nonce")}, "status": "IN_PROGRESS", **more}


async def send(webhook: Webhook, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    signed = webhook.orchestrator.headers(body, KEY)
    return await webhook.people.gateway.client.post(PATH, content=body, headers={**signed, **(headers or {})})


async def refused(webhook: Webhook, answer: httpx.Response, before: Any) -> tuple[int, str]:
    """The status and the code of a refusal that changed nothing."""
    assert await webhook.people.state() == before
    error = answer.json()["error"]
    assert error["message"]
    return answer.status_code, error["code"]


async def test_without_a_valid_signature_nothing_is_taken(webhook: Webhook, asked: Asked) -> None:
    before, body = await webhook.people.state(), json.dumps(named(asked)).encode()
    right = webhook.orchestrator.headers(body, KEY)
    signature, timestamp = right["X-ITCare-Signature"], right["X-ITCare-Timestamp"]
    webhook.orchestrator.keys["stolen"] = new_secret()
    try:
        foreign = webhook.orchestrator.headers(body, "stolen")
    finally:
        del webhook.orchestrator.keys["stolen"]
    as_request = webhook.orchestrator.example["signature"]("request", KEY, timestamp, body)
    wrong: list[dict[str, str]] = [
        foreign,
        {**foreign, "X-ITCare-Key": KEY},
        {"X-ITCare-Signature": signature[:-1] + ("0" if signature[-1] != "0" else "1")},
        {"X-ITCare-Signature": signature.upper()},
        {"X-ITCare-Signature": ""},
        {"X-ITCare-Signature": "\u00e9"},
        {"X-ITCare-Signature": as_request},
        {"X-ITCare-Timestamp": str(int(timestamp) + 1)},
        {"X-ITCare-Timestamp": f"0{timestamp}"},
        {"X-ITCare-Timestamp": "-1"},
        {"X-ITCare-Timestamp": "9" * 400},
        {"X-ITCare-Key": "absent"},
    ]
    for headers in wrong:
        sent = {**right, **headers}
        answer = await webhook.people.gateway.client.post(
            PATH, content=body, headers={name.encode(): value.encode("latin-1") for name, value in sent.items()}
        )
        assert await refused(webhook, answer, before) == (401, "UNAUTHENTICATED"), headers
    for name in ("X-ITCare-Key", "X-ITCare-Timestamp", "X-ITCare-Signature"):
        less = {each: value for each, value in right.items() if each != name}
        answer = await webhook.people.gateway.client.post(PATH, content=body, headers=less)
        assert await refused(webhook, answer, before) == (401, "UNAUTHENTICATED")
    answer = await send(webhook, body.replace(b"IN_PROGRESS", b"SUCCESS"), right)
    assert await refused(webhook, answer, before) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("seconds", [-310, 310])
async def test_what_was_signed_long_ago_or_will_be_is_stale(webhook: Webhook, asked: Asked, seconds: int) -> None:
    before, body = await webhook.people.state(), json.dumps(named(asked)).encode()
    timestamp = str(int(time.time()) + seconds)
    signature = webhook.orchestrator.example["signature"]("callback", KEY, timestamp, body)
    answer = await send(webhook, body, {"X-ITCare-Timestamp": timestamp, "X-ITCare-Signature": signature})
    assert await refused(webhook, answer, before) == (401, "STALE_TIMESTAMP")


@pytest.mark.parametrize("name", ["operationId", "stepId"])
async def test_what_is_not_there_is_not_found(webhook: Webhook, asked: Asked, name: str) -> None:
    before = await webhook.people.state()
    answer = await send(webhook, json.dumps(named(asked, **{name: str(uuid4())})).encode())
    assert await refused(webhook, answer, before) == (404, "NOT_FOUND")


async def test_a_step_of_another_operation_is_not_found(webhook: Webhook, asked: Asked) -> None:
    rows = "SELECT id FROM operation_step WHERE operation_id <> :id"
    ((other,),) = await webhook.people.sql(rows, id=asked["operationId"])
    before = await webhook.people.state()
    answer = await send(webhook, json.dumps(named(asked, stepId=str(other))).encode())
    assert await refused(webhook, answer, before) == (404, "NOT_FOUND")


async def test_an_attempt_that_is_over_is_told_so(webhook: Webhook, asked: Asked) -> None:
    before = await webhook.people.state()
    answer = await send(webhook, json.dumps(named(asked, nonce=str(uuid4()))).encode())
    assert await refused(webhook, answer, before) == (409, "STALE_ATTEMPT")


async def test_a_report_that_is_sent_again_as_it_was_changes_nothing(webhook: Webhook, asked: Asked) -> None:
    bodies = [json.dumps(named(asked, progress=progress, message="Copying.")).encode() for progress in (20, 60)]
    signed = [webhook.orchestrator.headers(body, KEY) for body in bodies]
    for body, headers in zip(bodies, signed, strict=True):
        assert (await send(webhook, body, headers)).json() == {"recorded": True}
    assert await webhook.operation() == ("IN_PROGRESS", 60, "Copying.")
    before = await webhook.people.state()
    for body, headers in zip(bodies, signed, strict=True):
        assert await refused(webhook, await send(webhook, body, headers), before) == (409, "REPLAYED")


@pytest.mark.parametrize(
    ("members", "argument"),
    [
        ({"status": "DONE"}, "status"),
        ({"status": None}, "status"),
        ({"status": ["SUCCESS"]}, "status"),
        ({"progress": 101}, "progress"),
        ({"progress": True}, "progress"),
        ({"progress": 1.0}, "progress"),
        ({"message": 1}, "message"),
        ({"message": "x" * 501}, "message"),
        ({"message": "\0"}, "message"),
        ({"facts": []}, "facts"),
        ({"facts": {"a": "x" * 17_000}}, "facts"),
        ({"facts": {"a": ["\0"]}}, "facts"),
        ({"nonce": None}, "nonce"),
        ({"stepId": "{x}"}, "stepId"),
        ({"operationId": 1}, "operationId"),
        ({"secret": "x"}, "body"),
    ],
    ids=str,
)
async def test_what_is_malformed_is_named(
    webhook: Webhook, asked: Asked, members: dict[str, Any], argument: str
) -> None:
    before = await webhook.people.state()
    answer = await send(webhook, json.dumps(named(asked, **members)).encode())
    assert await refused(webhook, answer, before) == (400, "BAD_USER_INPUT")
    assert answer.json()["error"]["argument"] == argument


async def test_what_is_no_report_at_all_is_refused(webhook: Webhook, asked: Asked) -> None:
    before = await webhook.people.state()
    client, body = webhook.people.gateway.client, json.dumps(named(asked)).encode()
    assert await refused(webhook, await client.get(PATH), before) == (405, "METHOD_NOT_ALLOWED")
    other = await send(webhook, body, {"Content-Type": "text/plain"})
    assert await refused(webhook, other, before) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert await refused(webhook, await send(webhook, b" " * 33_000), before) == (413, "LIMIT_EXCEEDED")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = st.sampled_from(["operationId", "stepId", "nonce", "status", "progress", "message", "facts", "x"])


@given(
    changes=st.dictionaries(MEMBERS, JSON, max_size=3),
    raw=st.none() | st.binary(max_size=60),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_signed_and_sent_is_no_fault(
    webhook: Webhook, asked: Asked, changes: dict[str, Any], raw: bytes | None
) -> None:
    body = json.dumps(named(asked, **changes)).encode() if raw is None else raw
    answer = await send(webhook, body)
    assert answer.status_code in {200, 400, 404, 409}, answer.text
    assert answer.status_code == 200 or answer.json()["error"]["code"] != "INTERNAL_SERVER_ERROR"


HEADER = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_categories=["Cc", "Zs"]), max_size=80)


@given(key=HEADER | st.just(KEY), timestamp=HEADER | st.integers(0, 10**12).map(str), signature=HEADER)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_a_signature_looks_like_is_no_fault(
    webhook: Webhook, key: str, timestamp: str, signature: str
) -> None:
    names = {"X-ITCare-Key": key, "X-ITCare-Timestamp": timestamp, "X-ITCare-Signature": signature}
    headers = {name.encode(): value.encode("latin-1") for name, value in names.items()}
    headers[b"Content-Type"] = b"application/json"
    answer = await webhook.people.gateway.client.post(PATH, content=b"{}", headers=headers)
    assert answer.status_code == 401


async def test_how_a_step_ended_is_said_once_and_stands(webhook: Webhook, asked: Asked) -> None:
    # Last: from here on, this step has ended.
    assert (await webhook.report(asked, status="SUCCESS", facts={"sizeGb": 3})).json() == {"recorded": True}
    before = await webhook.people.state()
    again = await webhook.report(asked, status="SUCCESS", message="Again.")
    assert (again.status_code, again.json()) == (200, {"recorded": False})
    for status in ("ERROR", "IN_PROGRESS"):
        answer = await webhook.report(asked, status=status)
        assert await refused(webhook, answer, before) == (409, "CONTRADICTED")


async def test_without_the_webhook_driver_there_is_no_such_endpoint(tmp_path: Path, databases: Databases) -> None:
    urls = databases.make()
    async with privileged(Settings(data_dir=tmp_path), urls) as people:
        assert (await people.gateway.client.post(PATH, json={})).status_code == 404
    databases.drop(urls)
