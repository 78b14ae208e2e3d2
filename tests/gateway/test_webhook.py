"""Operations that an orchestrator executes: what it is asked, what it may answer, and what never happens."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse

from gateway.settings import Settings
from gateway.working import make_driver, working
from resolvers.operations.drivers.port import DriverUnavailable
from schema.ids import global_id
from tests.databases import Databases
from tests.gateway.orchestrator import Answer, Asked, accepted, answering, new_secret, success, written_keys
from tests.gateway.webhooks import KEY, Webhook, webhooks

SECRET = "correct horse battery staple"


@pytest.fixture
async def webhook(tmp_path: Path, databases: Databases) -> AsyncIterator[Webhook]:
    urls = databases.make()
    async with webhooks(tmp_path, urls) as found:
        yield found
    databases.drop(urls)


async def test_a_step_is_asked_for_with_all_that_it_is_about_and_its_answer_ends_it(webhook: Webhook) -> None:
    operation_id, shop = await webhook.submit(), webhook.people.shop
    await webhook.execute(operation_id)
    (asked,) = webhook.orchestrator.asked
    step_id, nonce, _ = await webhook.step()
    assert asked == {
        "operationId": str(operation_id),
        "action": "START_INSTANCE",
        "organizationId": str(shop.acme),
        "cloudId": str(shop.alpha),
        "resourceId": str(shop.spare),
        "subjectId": None,
        "parameters": {},
        "stepId": str(step_id),
        "step": "Start the instance",
        "position": 0,
        "stepSubjectId": None,
        "nonce": str(nonce),
        "callbackUrl": "https://gateway.example/operations/callback",
    }
    assert await webhook.operation() == ("SUCCESS", 100, "Started.")
    assert await webhook.instance() == "ACTIVE"


async def test_a_step_that_was_accepted_ends_when_it_is_reported(webhook: Webhook) -> None:
    webhook.orchestrator.answers = [accepted]
    executing = asyncio.create_task(webhook.execute(await webhook.submit()))
    await webhook.orchestrator.came.wait()
    asked = webhook.orchestrator.asked[0]
    answer = await webhook.report(asked, status="IN_PROGRESS", progress=40, message="Powering on.")
    assert (answer.status_code, answer.json()) == (200, {"recorded": True})
    assert await webhook.operation() == ("IN_PROGRESS", 40, "Powering on.")
    assert not executing.done()
    assert (await webhook.report(asked, status="SUCCESS")).json() == {"recorded": True}
    await executing
    assert await webhook.operation() == ("SUCCESS", 100, "Started.")
    assert len(webhook.orchestrator.asked) == 1


async def test_a_failure_that_is_answered_or_reported_fails_the_operation(webhook: Webhook) -> None:
    webhook.orchestrator.answers = [answering(200, json.dumps({"status": "ERROR", "message": "No host is free."}))]
    await webhook.execute(await webhook.submit())
    assert await webhook.operation() == ("ERROR", 0, "No host is free.")
    assert await webhook.instance() == "INACTIVE"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"message": "Quota."}', "The orchestrator refused it (422): Quota."),
        (b"<html>", "The orchestrator refused it (422)."),
        (b'{"message": ["x"]}', "The orchestrator refused it (422)."),
    ],
)
async def test_a_refusal_fails_the_operation_and_says_so(webhook: Webhook, content: bytes, message: str) -> None:
    webhook.orchestrator.answers = [answering(422, content)]
    await webhook.execute(await webhook.submit())
    assert await webhook.operation() == ("ERROR", 0, message)


async def endless(_: Asked) -> Response:
    async def content() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 10_000
            await asyncio.sleep(0)

    return StreamingResponse(content(), 200)


UNUSABLE: dict[str, Answer] = {
    "500": answering(500, b"password=hunter2"),
    "401": answering(401),
    "429": answering(429),
    "204": answering(204),
    "redirect": answering(307, headers={"Location": "/elsewhere"}),
    "garbage": answering(200, b"\xff\xfe{"),
    "list": answering(200, b"[]"),
    "deep": answering(200, b'{"status": "SUCCESS", "facts": ' + b'{"a":' * 400 + b"1" + b"}" * 401),
    "status": answering(200, b'{"status": "FINE"}'),
    "under way": answering(200, b'{"status": "IN_PROGRESS"}'),
    "no status": answering(200, b"{}"),
    "nul": answering(200, b'{"status": "SUCCESS", "facts": {"a": ["\\u0000"]}}'),
    "infinite": answering(200, b'{"status": "SUCCESS", "facts": {"a": 1e999}}'),
    "facts": answering(200, b'{"status": "SUCCESS", "facts": [1]}'),
    "many facts": answering(200, json.dumps({"status": "SUCCESS", "facts": {"a": "x" * 20_000}})),
    "long message": answering(200, json.dumps({"status": "SUCCESS", "message": "x" * 501})),
    "huge": answering(200, b" " * 70_000),
    "endless": endless,
    "packed": answering(200, b'{"status": "SUCCESS"}', {"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("kind", UNUSABLE)
async def test_an_answer_that_says_nothing_of_the_step_fails_nothing_and_the_step_is_done_once(
    webhook: Webhook, kind: str
) -> None:
    operation_id = await webhook.submit()
    webhook.orchestrator.answers = [UNUSABLE[kind], success]
    with pytest.raises(DriverUnavailable) as unavailable:
        await webhook.execute(operation_id)
    assert "hunter2" not in str(unavailable.value)
    assert "127.0.0.1" not in str(unavailable.value)
    assert await webhook.operation() == ("IN_PROGRESS", 0, None)
    await webhook.execute(operation_id)
    assert await webhook.operation() == ("SUCCESS", 100, "Started.")
    first, second = webhook.orchestrator.asked
    assert first["stepId"] == second["stepId"]
    assert first["nonce"] != second["nonce"]
    assert webhook.orchestrator.done == [first["stepId"]]


async def test_an_orchestrator_that_takes_too_long_is_not_waited_for(webhook: Webhook) -> None:
    async def drops(_: Asked) -> Response:
        async def content() -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.05)

        return StreamingResponse(content(), 200)

    webhook.orchestrator.answers = [drops]
    with pytest.raises(DriverUnavailable, match=r"did not answer within 0\.3 s"):
        await replace(webhook, seconds=0.3).execute(await webhook.submit())
    assert await webhook.operation() == ("IN_PROGRESS", 0, None)


async def test_an_orchestrator_that_is_away_is_unavailable(webhook: Webhook) -> None:
    operation_id = await webhook.submit()
    webhook.orchestrator.url = "http://127.0.0.1:9/hook"
    webhook.people.gateway.settings.egress_hosts.append("127.0.0.1:9")
    with pytest.raises(DriverUnavailable, match=r"^The orchestrator cannot be reached: ConnectError\.$"):
        await webhook.execute(operation_id)


async def test_what_is_not_listed_is_not_called(webhook: Webhook) -> None:
    operation_id = await webhook.submit()
    webhook.people.gateway.settings.egress_hosts.clear()
    with pytest.raises(DriverUnavailable, match="may not be called"):
        await webhook.execute(operation_id)
    assert webhook.orchestrator.asked == []
    assert (await webhook.step())[1:] == (None, None)


async def test_after_silence_the_same_is_asked_again(webhook: Webhook) -> None:
    webhook.orchestrator.answers = [accepted, accepted, success]
    await replace(webhook, silence=timedelta(seconds=0.1)).execute(await webhook.submit())
    first, *_, last = webhook.orchestrator.asked
    assert len(webhook.orchestrator.asked) == 3
    assert first == last
    assert await webhook.operation() == ("SUCCESS", 100, "Started.")


async def test_what_was_reported_while_no_worker_listened_is_not_asked_for_again(webhook: Webhook) -> None:
    webhook.orchestrator.answers = [accepted]
    operation_id = await webhook.submit()
    executing = asyncio.create_task(webhook.execute(operation_id))
    await webhook.orchestrator.came.wait()
    executing.cancel()
    await asyncio.wait([executing])
    await webhook.report(webhook.orchestrator.asked[0], status="ERROR", message="No host is free.")
    await webhook.execute(operation_id)
    assert len(webhook.orchestrator.asked) == 1
    assert await webhook.operation() == ("ERROR", 0, "No host is free.")


async def test_an_operation_that_is_cancelled_is_waited_for_no_longer(webhook: Webhook) -> None:
    webhook.orchestrator.answers = [accepted]
    executing = asyncio.create_task(webhook.execute(await webhook.submit()))
    await webhook.orchestrator.came.wait()
    await webhook.people.sql("UPDATE operation SET status = 'CANCELLED', completed_at = now()")
    await executing
    answer = await webhook.report(webhook.orchestrator.asked[0], status="SUCCESS")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "ENDED")
    assert await webhook.instance() == "INACTIVE"


async def repeating(asked: Asked) -> Response:
    said = {"message": f"Set {asked['secret']}.", "facts": {"echo": [asked["secret"]], asked["secret"]: 1}}
    return JSONResponse({"status": "SUCCESS", **said})


async def failing(asked: Asked) -> Response:
    return JSONResponse({"message": f"{asked['secret']} is too weak."}, 422)


@pytest.mark.parametrize("answer", [repeating, failing, accepted])
async def test_a_secret_reaches_the_orchestrator_and_is_written_nowhere(
    webhook: Webhook, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    operation_id = await webhook.submit()
    await webhook.give_secret(operation_id, SECRET)
    webhook.orchestrator.answers = [answer]
    executing = asyncio.create_task(webhook.execute(operation_id))
    await webhook.orchestrator.came.wait()
    asked = webhook.orchestrator.asked[0]
    assert asked["secret"] == SECRET
    if answer is accepted:
        # The report is read before the worker finds it.
        said: dict[str, Any] = {"message": f"Set {SECRET}.", "facts": {SECRET: [SECRET]}}
        assert (await webhook.report(asked, status="IN_PROGRESS", **said)).status_code == 200
        assert (await webhook.step())[2]["facts"] == {"[hidden]": ["[hidden]"]}
        assert (await webhook.report(asked, status="ERROR", **said)).status_code == 200
    await executing
    assert (await webhook.operation())[0] == ("SUCCESS" if answer is repeating else "ERROR")
    assert SECRET not in str(await webhook.people.state())
    assert SECRET not in str(await webhook.people.sql("SELECT to_jsonb(r)::text FROM audit_record r"))
    assert SECRET not in caplog.text
    assert await webhook.people.sql("SELECT count(*) FROM operation_secret") == [(0,)]


async def test_a_key_is_replaced_while_the_gateway_serves(webhook: Webhook) -> None:
    old = webhook.orchestrator.keys.pop(KEY)
    webhook.orchestrator.keys["2027-01"] = new = new_secret()
    written_keys(webhook.file, {KEY: old, "2027-01": new})
    operation_id = await webhook.submit()
    with pytest.raises(KeyError):
        webhook.orchestrator.example["signature"]("request", KEY, "1", b"")
    webhook.orchestrator.keys[KEY] = old
    webhook.orchestrator.answers = [accepted]
    executing = asyncio.create_task(webhook.execute(operation_id))
    await webhook.orchestrator.came.wait()
    for key in (KEY, "2027-01"):
        answer = await webhook.report(webhook.orchestrator.asked[0], key, status="IN_PROGRESS", message=key)
        assert answer.status_code == 200
    written_keys(webhook.file, {"2027-01": new})
    answer = await webhook.report(webhook.orchestrator.asked[0], KEY, status="SUCCESS")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert (await webhook.report(webhook.orchestrator.asked[0], "2027-01", status="SUCCESS")).status_code == 200
    await executing


async def test_an_organization_with_keys_of_its_own_is_served_by_those_alone(webhook: Webhook) -> None:
    keys = webhook.orchestrator.keys
    keys["acme"] = new_secret()
    keys["globex"] = new_secret()
    shop = webhook.people.shop
    ids = {"acme": global_id("Organization", shop.acme), "globex": str(shop.globex)}
    written_keys(webhook.file, keys, ids)
    webhook.orchestrator.answers = [accepted]
    executing = asyncio.create_task(webhook.execute(await webhook.submit()))
    await webhook.orchestrator.came.wait()
    before = await webhook.people.state()
    for key in (KEY, "globex"):
        answer = await webhook.report(webhook.orchestrator.asked[0], key, status="SUCCESS")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert await webhook.people.state() == before
    assert (await webhook.report(webhook.orchestrator.asked[0], "acme", status="SUCCESS")).status_code == 200
    await executing


async def test_an_organization_without_a_key_waits(webhook: Webhook) -> None:
    written_keys(webhook.file, {"globex": new_secret()}, {"globex": str(webhook.people.shop.globex)})
    with pytest.raises(DriverUnavailable, match="no key to sign requests of this organization"):
        await webhook.execute(await webhook.submit())
    assert webhook.orchestrator.asked == []


async def test_a_worker_of_these_settings_executes_what_is_queued(webhook: Webhook) -> None:
    await webhook.submit()
    async with working(webhook.people.gateway.settings, webhook.people.database), asyncio.timeout(30):
        while (await webhook.operation())[0] == "IN_PROGRESS":  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)
    assert await webhook.operation() == ("SUCCESS", 100, "Started.")
    assert [UUID(asked["stepId"]) for asked in webhook.orchestrator.asked]


async def test_without_the_driver_nothing_is_reported(tmp_path: Path, databases: Databases) -> None:
    urls = databases.make()
    async with webhooks(tmp_path, urls) as webhook:
        settings = Settings(data_dir=tmp_path)
        async with make_driver(settings, webhook.people.worker_database) as driver:
            assert type(driver).__name__ == "SimulatedDriver"
    databases.drop(urls)
