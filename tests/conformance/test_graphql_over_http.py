"""GraphQL over HTTP as clients and servers agreed on it, against a real server.

The cases follow https://graphql.github.io/graphql-over-http/draft/, in its order.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn

from tests.gateway.library import Application

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"
TYPE = "query Type($name: String!) { __type(name: $name) { name } }"


@pytest.fixture(scope="module")
def app() -> Application:
    return Application()


@pytest.fixture(scope="module")
async def server(app: Application) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = uvicorn.Server(uvicorn.Config(app.asgi, log_config=None, access_log=False, lifespan="off"))
        serving = asyncio.create_task(process.serve([listener]))
        try:
            # The socket listens already: a request waits until the server accepts it.
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.should_exit = True
            await serving


@pytest.fixture
async def client(server: str, app: Application) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server, headers={"authorization": f"Bearer {app.token}"}) as client:
        yield client


async def post(client: httpx.AsyncClient, body: object, accept: str | None = JSON) -> httpx.Response:
    if accept is None:
        del client.headers["accept"]
    headers = {} if accept is None else {"accept": accept}
    return await client.post("/graphql", json=body, headers=headers)


def media_type(response: httpx.Response) -> str:
    return response.headers["content-type"].partition(";")[0]


# Media types


@pytest.mark.parametrize(
    ("accept", "expected"), [(JSON, JSON), (RESPONSE_JSON, RESPONSE_JSON), ("*/*", JSON), (None, JSON)]
)
async def test_the_answer_has_the_accepted_media_type_in_utf_8(
    client: httpx.AsyncClient, accept: str | None, expected: str
) -> None:
    response = await post(client, {"query": "{ __typename }"}, accept)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{expected}; charset=utf-8"
    assert json.loads(response.content.decode("utf-8")) == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("content_type", [JSON, f"{JSON}; charset=utf-8"])
async def test_a_request_is_read_as_utf_8(client: httpx.AsyncClient, content_type: str) -> None:
    body = '{"query": "{ __type(name: \\"Run🏃Swim🏊\\") { name } }"}'.encode()
    response = await client.post("/graphql", content=body, headers={"content-type": content_type})
    assert response.json() == {"data": {"__type": None}}


async def test_a_request_without_a_content_type_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", content=b'{"query": "{ __typename }"}')
    assert response.status_code == 415


# Requests


async def test_get_and_post_answer_alike(client: httpx.AsyncClient) -> None:
    variables = {"name": "sometype"}
    for accept in (JSON, RESPONSE_JSON):
        posted = await post(client, {"query": TYPE, "variables": variables}, accept)
        params = {"query": TYPE, "variables": json.dumps(variables)}
        got = await client.get("/graphql", params=params, headers={"accept": accept})
        assert posted.status_code == got.status_code == 200
        assert posted.json() == got.json() == {"data": {"__type": None}}


async def test_get_does_not_execute_mutations(client: httpx.AsyncClient) -> None:
    response = await client.get(
        "/graphql", params={"query": "mutation { __typename }"}, headers={"accept": RESPONSE_JSON}
    )
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


async def test_a_post_without_a_body_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", headers={"content-type": JSON})
    assert response.status_code == 400


@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON])
@pytest.mark.parametrize("name", ["query", "operationName", "variables", "extensions"])
async def test_parameters_are_checked_and_may_be_null_but_for_the_query(
    client: httpx.AsyncClient, accept: str, name: str
) -> None:
    wrong: list[Any] = [{"obj": "ect"}, 0, False, ["array"]]
    if name in {"variables", "extensions"}:
        wrong[0] = "string"
    for value in wrong:
        response = await post(client, {"query": "{ __typename }", name: value}, accept)
        assert response.status_code == 400
        assert media_type(response) == accept
        assert "data" not in response.json()
    response = await post(client, {"query": "{ __typename }", name: None}, accept)
    assert response.status_code == (400 if name == "query" else 200)


@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON])
async def test_every_parameter_is_accepted(client: httpx.AsyncClient, accept: str) -> None:
    body = {"query": TYPE, "operationName": "Type", "variables": {"name": "Shelf"}, "extensions": {"some": "value"}}
    response = await post(client, body, accept)
    assert response.json() == {"data": {"__type": {"name": "Shelf"}}}


@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON])
async def test_a_body_that_is_no_request_is_a_400(client: httpx.AsyncClient, accept: str) -> None:
    for body in (b'{ "not a JSON', b'{"qeury": "{ __typename }"}'):
        response = await client.post("/graphql", content=body, headers={"content-type": JSON, "accept": accept})
        assert response.status_code == 400


# Answers


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"query": "{"}, id="parsing"),
        pytest.param({"query": "{ thisFieldDoesNotExist }"}, id="validation"),
        pytest.param(
            {"query": "query CoerceFailure($id: ID!) { __typename }", "variables": {"id": None}}, id="coercion"
        ),
        pytest.param({"query": "query A { __typename } query B { __typename }"}, id="no operation chosen"),
    ],
)
async def test_a_failure_before_execution_is_a_200_as_json_and_a_400_as_the_newer_type(
    client: httpx.AsyncClient, body: dict[str, object]
) -> None:
    for accept, status in ((JSON, 200), (RESPONSE_JSON, 400)):
        response = await post(client, body, accept)
        assert response.status_code == status
        assert media_type(response) == accept
        assert response.json().keys() == {"errors"}


@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON])
async def test_a_partial_result_is_a_200_with_data_and_errors(client: httpx.AsyncClient, accept: str) -> None:
    response = await post(client, {"query": '{ maybeShelf(id: "no id") { id } __typename }'}, accept)
    assert response.status_code == 200
    assert response.json().keys() == {"data", "errors"}


async def test_a_request_without_credentials_is_a_401(server: str) -> None:
    async with httpx.AsyncClient(headers={"accept": RESPONSE_JSON}) as client:
        response = await client.post(f"{server}/graphql", json={"query": "{ shelf(id: 1) { id } }"})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


# The connection


async def test_a_body_that_does_not_end_is_answered_once_it_is_too_large(server: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(server).port)
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head.encode() + (b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 4)
    status = await reader.readline()
    writer.close()
    assert status.startswith(b"HTTP/1.1 413 ")


async def test_a_connection_serves_requests_after_a_refused_one(client: httpx.AsyncClient) -> None:
    refused = await client.post("/graphql", content=b"[" * 1_000_000, headers={"content-type": JSON})
    served = await post(client, {"query": "{ __typename }"})
    assert (refused.status_code, served.status_code) == (413, 200)
