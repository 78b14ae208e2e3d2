import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.settings import Limits
from tests.gateway.library import RESPONSE_JSON, Application

JSON = {"content-type": "application/json"}
TYPENAME = '{"query":"{__typename}"'


@pytest.fixture(scope="module")
def app() -> Application:
    return Application()


async def post(app: Application, body: bytes | str, **headers: str) -> httpx.Response:
    async with app.client() as client:
        return await client.post("/graphql", content=body, headers={**JSON, **headers})


def only_error(response: httpx.Response) -> dict[str, Any]:
    body = response.json()
    assert body.keys() == {"errors"}
    (error,) = body["errors"]
    extensions: dict[str, Any] = error["extensions"]
    return extensions


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"1", id="a number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="an empty batch"),
        pytest.param(b'[{"query":"{__typename}"}]', id="a batch"),
        pytest.param(b'{"query":', id="half an object"),
        pytest.param(b"{}", id="no query"),
        pytest.param(b'{"query":"{__typename}"}\xff', id="invalid UTF-8"),
        pytest.param('{"query":"{__typename}"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'\xef\xbb\xbf{"query":"{__typename}"}', id="a byte order mark"),
        pytest.param(b"[" * 100_000, id="100,000 open arrays"),
        pytest.param(b'{"a":' * 15_000 + b"1" + b"}" * 15_000, id="15,000 objects in each other"),
        pytest.param(
            f'{TYPENAME},"extensions":{{"a":{"[" * 40_000}{"]" * 40_000}}}}}', id="40,000 levels of extensions"
        ),
        pytest.param(f'{TYPENAME},"variables":{{"a":{"9" * 5000}}}}}', id="an integer of 5,000 digits"),
        pytest.param(f'{TYPENAME},"variables":{{"a":NaN}}}}', id="NaN"),
        pytest.param(f'{TYPENAME},"variables":{{"a":-Infinity}}}}', id="-Infinity"),
        pytest.param(f'{TYPENAME},"query":"{{viewer}}"}}', id="a member twice"),
        pytest.param(f'{TYPENAME},"variables":{{"a":{{"b":1,"b":2}}}}}}', id="a variable's member twice"),
        pytest.param(f'{TYPENAME},"variables":{{"\\ud800":1,"\\ud800":2}}}}', id="an unpaired surrogate twice"),
        pytest.param('{"query":"{__typename}\\u0000"}', id="NUL in the document"),
        pytest.param(f'{TYPENAME},"operationName":"\\u0000"}}', id="NUL in the operation's name"),
        pytest.param(f'{TYPENAME},"variables":{{"a":["\\u0000"]}}}}', id="NUL in a variable"),
        pytest.param(f'{TYPENAME},"variables":{{"a\\u0000":1}}}}', id="NUL in a variable's name"),
        pytest.param(f'{TYPENAME},"variables":{{"a":"\\udc00"}}}}', id="an unpaired surrogate"),
        pytest.param('{"query":"{__typename}\\ud800"}', id="an unpaired surrogate in the document"),
    ],
)
async def test_a_body_that_is_no_graphql_request_is_refused_for_every_media_type(
    app: Application, body: bytes | str
) -> None:
    for accept in ("application/json", RESPONSE_JSON):
        response = await post(app, body, accept=accept)
        assert response.status_code == 400
        assert response.headers["content-type"] == f"{accept}; charset=utf-8"
        assert only_error(response)["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("argument", ["query", "operationName", "variables", "extensions"])
@pytest.mark.parametrize("value", [0, False, ["a"], {"a": 1}, "a"])
async def test_a_parameter_of_a_wrong_type_is_named(app: Application, argument: str, value: object) -> None:
    fits = isinstance(value, str) if argument in {"query", "operationName"} else isinstance(value, dict)
    if fits:
        value = 1.5
    response = await post(app, json.dumps({"query": "{__typename}", argument: value}))
    assert response.status_code == 400
    assert only_error(response) == {"code": "BAD_USER_INPUT", "argument": argument}


async def test_a_batch_is_refused_with_what_to_do_instead(app: Application) -> None:
    response = await post(app, '[{"query":"{__typename}"}]')
    assert response.json()["errors"][0]["message"] == "Batches are not supported: send one request at a time."


async def test_variables_nested_deeply_are_refused_only_where_they_are_read(app: Application) -> None:
    deep = json.loads("[" * 500 + "]" * 500)
    async with app.client(accept=RESPONSE_JSON) as client:
        unread = await client.post("/graphql", json={"query": "{__typename}", "variables": {"a": deep}})
        read = await client.post(
            "/graphql", json={"query": "query($a: [ID!]!) { items(ids: $a) { id } }", "variables": {"a": deep}}
        )
    assert unread.json() == {"data": {"__typename": "Query"}}
    assert read.status_code == 400
    assert only_error(read)["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/json; charset=UTF-8"}, 200),
        ({"content-type": 'Application/JSON;charset="utf-8"'}, 200),
        ({"content-type": "application/json", "content-encoding": "identity"}, 200),
        ({"content-type": "application/json; charset=utf-16"}, 415),
        ({"content-type": "application/json, text/plain"}, 415),
        ({"content-type": "application/graphql"}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "multipart/form-data; boundary=x"}, 415),
        ({"content-type": ""}, 415),
        ({}, 415),
        ({"content-type": "application/json", "content-encoding": "gzip"}, 415),
        ({"content-type": "application/json", "content-encoding": "x"}, 415),
    ],
)
async def test_only_plain_json_is_read(app: Application, headers: dict[str, str], status: int) -> None:
    async with app.client() as client:
        response = await client.post("/graphql", content=TYPENAME + "}", headers=headers)
    assert response.status_code == status
    if status == 415:
        assert only_error(response) == {"code": "UNSUPPORTED_MEDIA_TYPE"}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
async def test_other_methods_are_refused_with_those_allowed(app: Application, method: str) -> None:
    async with app.client() as client:
        response = await client.request(method, "/graphql")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"
    assert only_error(response) == {"code": "METHOD_NOT_ALLOWED"}


async def test_get_executes_a_query_with_variables(app: Application) -> None:
    query = urlencode(
        {
            "query": "query A($t: String!) { echo(text: $t) } query B { __typename }",
            "operationName": "A",
            "variables": '{"t": "Grüße"}',
            "extensions": "{}",
        }
    )
    async with app.client() as client:
        response = await client.get(f"/graphql?{query}")
    assert response.json() == {"data": {"echo": "Grüße 0 0 "}}


@pytest.mark.parametrize("accept", ["application/json", RESPONSE_JSON])
async def test_get_does_not_execute_a_mutation(app: Application, accept: str) -> None:
    async with app.client(accept=accept) as client:
        for query in ('mutation { rename(name: "x") }', "mutation { unknown }"):
            response = await client.get("/graphql", params={"query": query})
            assert response.status_code == 405
            assert response.headers["allow"] == "POST"
            assert only_error(response) == {"code": "METHOD_NOT_ALLOWED"}


async def test_get_of_a_document_without_a_clear_operation_is_refused(app: Application) -> None:
    async with app.client(accept=RESPONSE_JSON) as client:
        response = await client.get("/graphql", params={"query": "query A { __typename } mutation B { __typename }"})
    assert response.status_code == 400
    assert only_error(response) == {"code": "OPERATION_RESOLUTION_FAILURE"}


@pytest.mark.parametrize(
    "query_string",
    [
        "",
        "query=",
        "query=%ff",
        "query=%7B__typename%7D&query=%7Bviewer%7D",
        "query=%7B__typename%7D&variables=1",
        "query=%7B__typename%7D&variables=%7B",
        "query=%7B__typename%7D&extensions=%5B%5D",
        "query=%7B__typename%7D%00",
        "a=1&" * 101,
    ],
)
async def test_a_query_string_that_is_no_graphql_request_is_refused(app: Application, query_string: str) -> None:
    async with app.client() as client:
        response = await client.get(f"/graphql?{query_string}")
    assert response.status_code == 400
    assert only_error(response)["code"] == "BAD_USER_INPUT"


async def test_an_empty_parameter_of_a_query_string_is_none(app: Application) -> None:
    async with app.client() as client:
        response = await client.get("/graphql?query=%7B__typename%7D&operationName=&variables=&extensions=")
    assert response.json() == {"data": {"__typename": "Query"}}


async def test_a_body_over_the_limit_is_not_read_to_its_end() -> None:
    app = Application(limits=Limits(body_bytes=1000))
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 300
            yield b" " * 300

    async with app.client() as client:
        response = await client.post("/graphql", content=endless(), headers=JSON)
    assert response.status_code == 413
    assert only_error(response) == {"code": "LIMIT_EXCEEDED", "limit": "bodyBytes", "value": 1200, "maximum": 1000}
    assert sent == 1200


async def test_a_declared_length_over_the_limit_is_refused_before_reading(app: Application) -> None:
    response = await post(app, b" " * (100 * 1024 + 1))
    assert response.status_code == 413
    assert only_error(response)["value"] == 100 * 1024 + 1


async def test_a_query_string_over_the_limit_is_refused() -> None:
    app = Application(limits=Limits(body_bytes=100))
    async with app.client() as client:
        response = await client.get("/graphql", params={"query": "{__typename}" + " " * 100})
    assert response.status_code == 413


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ECHO = """
    query($text: String!, $number: Float, $whole: Int, $id: ID) {
        echo(text: $text, number: $number, whole: $whole, id: $id)
    }
"""
WORDS = '... @include $a on query mutation fragment shelf echo id text 1 -1 1e999 " """ "x" __typename __schema'
GRAPHQL_TOKENS = st.sampled_from([*WORDS.split(), *"{}()[]:#\\\n\0 ü🙂"])


@settings(max_examples=300, deadline=None)
@given(body=st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
async def test_no_body_gives_a_fault(app: Application, body: bytes) -> None:
    response = await post(app, body)
    assert response.status_code == 400
    assert only_error(response)["code"] == "BAD_USER_INPUT"


@settings(max_examples=300, deadline=None)
@given(values=st.fixed_dictionaries({}, optional=dict.fromkeys(["text", "number", "whole", "id"], JSON_VALUES)))
async def test_no_variables_give_a_fault(app: Application, values: dict[str, object]) -> None:
    response = await post(app, json.dumps({"query": ECHO, "variables": values}), accept=RESPONSE_JSON)
    assert response.status_code in {200, 400}
    if response.status_code == 400:
        assert {error["extensions"]["code"] for error in response.json()["errors"]} == {"BAD_USER_INPUT"}


@settings(max_examples=300, deadline=None)
@given(document=st.lists(GRAPHQL_TOKENS, max_size=30).map(" ".join) | st.text(st.characters(codec=None)))
async def test_no_document_gives_a_fault(app: Application, document: str) -> None:
    response = await post(app, json.dumps({"query": document}), accept=RESPONSE_JSON)
    assert response.status_code in {200, 400}
    for error in response.json().get("errors", ()):
        assert error["extensions"]["code"] != "INTERNAL_SERVER_ERROR"
