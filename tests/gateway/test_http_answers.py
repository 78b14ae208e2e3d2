import asyncio
import logging
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gateway.http import health_routes, http_middleware
from gateway.settings import Limits
from tests.gateway.library import RESPONSE_JSON, SECRET, Application

JSON = "application/json"


@pytest.fixture
def app() -> Application:
    return Application()


async def ask(app: Application, query: str, accept: str = RESPONSE_JSON, **headers: str) -> httpx.Response:
    async with app.client(accept=accept) as client:
        return await client.post("/graphql", json={"query": query}, headers=headers)


async def ask_anonymously(app: Application, query: str, accept: str = RESPONSE_JSON, **headers: str) -> httpx.Response:
    async with app.client(anonymous=True, accept=accept) as client:
        return await client.post("/graphql", json={"query": query}, headers=headers)


def codes(response: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


# Request errors


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ('{ echo(text: "\\ud800") }', "GRAPHQL_PARSE_FAILED"),
        ("{ echo(text: " + "[" * 300 + "]" * 300 + ") }", "GRAPHQL_PARSE_FAILED"),
        ("{ unknown }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ echo(whole: 2147483648) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ echo(whole: " + "9" * 5000 + ") }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }", "GRAPHQL_VALIDATION_FAILED"),
        ("{" + " shelf(id: 1) { id }" * 200 + "}", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { shelf }", "GRAPHQL_VALIDATION_FAILED"),
        ("type Query { a: Int }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "OPERATION_RESOLUTION_FAILURE"),
        ("{ shelves(first: 101) { totalCount } }", "BAD_USER_INPUT"),
        ('{ echo(text: "\\u0000") }', "BAD_USER_INPUT"),
        ("query($t: String!) { echo(text: $t) }", "BAD_USER_INPUT"),
        ('{ shelf(id: "no id") { id } }', "BAD_USER_INPUT"),
        ("{ __typename" + " @include(if: true)" * 51 + " }", "LIMIT_EXCEEDED"),
    ],
)
async def test_a_refused_document_is_a_400_without_data_or_a_200_as_plain_json(
    app: Application, query: str, code: str
) -> None:
    for accept, status in ((RESPONSE_JSON, 400), (JSON, 200)):
        response = await ask(app, query, accept)
        assert response.status_code == status
        assert response.json().keys() == {"errors"}
        assert codes(response) == [code]


@pytest.mark.parametrize(
    ("document", "name"),
    [("query A { __typename } query B { __typename }", "C"), ("{ __typename }", "A"), ("{ __typename }", "")],
)
async def test_an_operation_that_the_document_does_not_have_is_refused(
    app: Application, document: str, name: str
) -> None:
    async with app.client(accept=RESPONSE_JSON) as client:
        response = await client.post("/graphql", json={"query": document, "operationName": name})
    assert response.status_code == 400
    assert codes(response) == ["OPERATION_RESOLUTION_FAILURE"]


async def test_the_named_operation_is_executed(app: Application) -> None:
    document = 'query A { echo(text: "a") } query B { echo(text: "b") }'
    async with app.client() as client:
        response = await client.post("/graphql", json={"query": document, "operationName": "B"})
    assert response.json() == {"data": {"echo": "b 0 0 "}}


@pytest.mark.parametrize(
    ("query", "variables", "argument"),
    [
        ("query($n: Int) { echo(whole: $n) }", {"n": 1.5}, "n"),
        ("query($n: Int!) { echo(whole: $n) }", {}, "n"),
        ("query($n: Int = 1) { echo(whole: $n) }", {"n": None}, "whole"),
        ("query($b: Boolean = true) { __typename @include(if: $b) }", {"b": None}, "if"),
        ("query($n: Int) { shelves(first: $n) { totalCount } }", {"n": -1}, "first"),
        ("query($s: Search!) { search(by: $s) }", {"s": {"title": "a", "author": "b"}}, "variables"),
    ],
)
async def test_a_wrong_value_names_its_variable_or_argument(
    app: Application, query: str, variables: dict[str, Any], argument: str
) -> None:
    async with app.client(accept=RESPONSE_JSON) as client:
        response = await client.post("/graphql", json={"query": query, "variables": variables})
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}


async def test_what_is_refused_never_opens_a_context(app: Application) -> None:
    for query in (
        "{",
        "{ unknown }",
        "{ shelves(first: 101) { totalCount } }",
        "query($t: String!) { echo(text: $t) }",
    ):
        await ask(app, query)
    await ask_anonymously(app, "{ shelf(id: 1) { id } }")
    assert app.opened == []


# Callers


@pytest.mark.parametrize(
    "query",
    [
        "{ shelf(id: 1) { id } }",
        "{ __typename: shelf(id: 1) { id } }",
        "{ __typename ...f } fragment f on Query { ... { shelf(id: 1) { id } } }",
        "{ __schema { queryType { name } } }",
        '{ __type(name: "Shelf") { name } }',
        "mutation { __typename }",
        "query A { shelf(id: 1) { id } } query B { __typename }",
    ],
)
async def test_a_caller_without_a_token_is_asked_to_sign_in(app: Application, query: str) -> None:
    for accept, status in ((RESPONSE_JSON, 401), (JSON, 200)):
        async with app.client(anonymous=True, accept=accept) as client:
            name = {"operationName": "A"} if query.startswith("query A") else {}
            response = await client.post("/graphql", json={"query": query, **name})
        assert response.status_code == status
        assert response.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
        assert response.json().keys() == {"errors"}
        assert codes(response) == ["UNAUTHENTICATED"]


async def test_a_caller_without_a_token_reads_that_there_is_no_viewer(app: Application) -> None:
    response = await ask_anonymously(app, "{ __typename ...f } fragment f on Query { viewer { subject } }")
    assert response.json() == {"data": {"__typename": "Query", "viewer": None}}
    assert app.opened == [None]


async def test_a_token_says_who_the_viewer_is(app: Application) -> None:
    response = await ask(app, "{ viewer { subject } }")
    assert response.json() == {"data": {"viewer": {"subject": str(app.subject)}}}


@pytest.mark.parametrize("header", ["Bearer x.y.z", "Basic eDp5", "Bearer", ""])
async def test_a_token_that_is_not_valid_is_refused_even_for_what_needs_none(app: Application, header: str) -> None:
    for accept, status in ((RESPONSE_JSON, 401), (JSON, 200)):
        response = await ask_anonymously(app, "{ __typename }", accept, authorization=header)
        assert response.status_code == status
        assert codes(response) == ["UNAUTHENTICATED"]


async def test_two_authorization_headers_are_refused(app: Application) -> None:
    async with app.client(anonymous=True, accept=RESPONSE_JSON) as client:
        headers = [("authorization", f"Bearer {app.token}")] * 2
        response = await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert response.status_code == 401


async def test_only_an_authenticated_caller_is_told_what_a_name_may_have_meant(app: Application) -> None:
    known = (await ask(app, "{ shelfs { id } }")).json()["errors"][0]["message"]
    unknown = (await ask_anonymously(app, "{ shelfs { id } }")).json()["errors"][0]["message"]
    assert known == "Cannot query field 'shelfs' on type 'Query'. Did you mean 'shelf' or 'shelves'?"
    assert unknown == "Cannot query field 'shelfs' on type 'Query'."


# Execution


async def test_a_fault_is_masked_and_its_correlation_id_is_in_the_log(
    app: Application, caplog: pytest.LogCaptureFixture
) -> None:
    response = await ask(app, "{ a: broken b: broken c: echo }")
    assert response.status_code == 200
    assert response.json()["data"] == {"a": None, "b": None, "c": " 0 0 "}
    correlation_id = response.headers["x-correlation-id"]
    for name, error in zip("ab", response.json()["errors"], strict=True):
        assert error["message"] == "Internal error. Quote the correlation id when you report it."
        assert error["path"] == [name]
        assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "correlationId": correlation_id}
    faults = [record for record in caplog.records if record.name == "gateway.faults"]
    assert len(faults) == 1, "faults raised at one place are logged once"


async def test_a_missing_value_is_a_fault_too(app: Application) -> None:
    response = await ask(app, "{ nothing }")
    assert response.status_code == 200
    assert response.json()["data"] is None
    assert codes(response) == ["INTERNAL_SERVER_ERROR"]


async def test_one_of_our_refusals_stands_beside_the_rest_of_the_data(app: Application) -> None:
    response = await ask(app, '{ maybeShelf(id: "no id") { id } __typename }')
    assert response.status_code == 200
    assert response.json() == {
        "data": {"maybeShelf": None, "__typename": "Query"},
        "errors": [
            {
                "message": "This is no id of a shelf.",
                "locations": [{"line": 1, "column": 3}],
                "path": ["maybeShelf"],
                "extensions": {"code": "BAD_USER_INPUT", "argument": "id"},
            }
        ],
    }


@pytest.mark.parametrize("accept", [RESPONSE_JSON, JSON])
async def test_a_lost_database_is_a_503_as_any_media_type_and_is_logged(
    app: Application, accept: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = await ask(app, "{ lost }", accept)
    assert response.status_code == 503
    assert codes(response) == ["SERVICE_UNAVAILABLE"]
    assert SECRET not in response.text
    assert [record.name for record in caplog.records if record.levelname == "ERROR"] == ["gateway.faults"]


@pytest.mark.parametrize("accept", [RESPONSE_JSON, JSON])
async def test_a_fault_while_the_context_opens_is_masked(app: Application, accept: str) -> None:
    app.open_error = RuntimeError(SECRET)
    response = await ask(app, "{ __typename }", accept)
    assert response.status_code == 500
    assert response.json().keys() == {"errors"}
    assert codes(response) == ["INTERNAL_SERVER_ERROR"]
    assert SECRET not in response.text


async def test_an_operation_over_its_time_is_stopped_and_its_context_closed() -> None:
    app = Application(limits=Limits(seconds=0.05))
    response = await ask(app, "{ slow }")
    assert response.status_code == 503
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "OPERATION_TIMEOUT", "seconds": 0.05}
    assert [type(reason) for reason in app.closed] == [asyncio.CancelledError]


async def test_the_context_closes_after_the_result_is_complete(app: Application) -> None:
    request = asyncio.create_task(ask(app, "{ slow }"))
    await app.library.started.wait()
    assert (len(app.opened), app.closed) == (1, [])
    app.library.released.set()
    assert (await request).json() == {"data": {"slow": "done"}}
    assert app.closed == [None]


async def test_a_cancelled_request_closes_its_context(app: Application) -> None:
    request = asyncio.create_task(ask(app, "{ slow }"))
    await app.library.started.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert [type(reason) for reason in app.closed] == [asyncio.CancelledError]


async def test_a_caller_who_hangs_up_while_sending_is_no_fault(
    app: Application, caplog: pytest.LogCaptureFixture
) -> None:
    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        pytest.fail(f"There is nobody to answer, but this was sent: {message}")

    headers = [(b"content-type", b"application/json")]
    with caplog.at_level(logging.INFO):
        await app.asgi({"type": "http", "method": "POST", "path": "/graphql", "headers": headers}, receive, send)
    assert [record.name for record in caplog.records] == ["gateway.requests"]


# Extensions


async def test_an_answer_tells_its_cost_only_when_asked(app: Application) -> None:
    query = "{ shelves(first: 3) { nodes { books(first: 2) { nodes { id } } } } }"
    assert (await ask(app, query)).json().keys() == {"data"}
    asked = await ask(app, query, **{"x-trace": "1"})
    assert asked.json()["extensions"] == {"cost": {"objects": 9, "maximum": 20_000}}


async def test_a_trace_is_shown_where_the_settings_allow_it() -> None:
    app = Application(show_trace=True)
    assert (await ask(app, "{ counted }")).json() == {"data": {"counted": "counted"}}
    trace = (await ask(app, "{ counted }", **{"x-trace": "1"})).json()["extensions"]["trace"]
    assert trace.keys() == {"sqlStatements", "dbMs", "totalMs"}
    assert (trace["sqlStatements"], trace["dbMs"]) == (2, 250.0)
    assert trace["totalMs"] > 0


# Headers and health


@pytest.mark.parametrize(("path", "status"), [("/graphql", 405), ("/healthz", 405), ("/readyz", 405), ("/none", 404)])
async def test_every_answer_has_secure_headers_and_a_correlation_id(app: Application, path: str, status: int) -> None:
    async with app.client() as client:
        response = await client.put(path)
    assert response.status_code == status
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert len(response.headers["x-correlation-id"]) == 32


async def test_only_listed_origins_may_call_from_a_browser() -> None:
    app = Application(cors=("https://console.example",))
    preflight = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, x-trace"}
    async with app.client() as client:
        listed = await client.options("/graphql", headers={"origin": "https://console.example", **preflight})
        other = await client.options("/graphql", headers={"origin": "https://other.example", **preflight})
        answer = await client.post(
            "/graphql", json={"query": "{__typename}"}, headers={"origin": "https://console.example"}
        )
    assert listed.status_code == 200
    assert listed.headers["access-control-allow-origin"] == "https://console.example"
    assert "access-control-allow-credentials" not in listed.headers
    assert other.status_code == 400
    assert "access-control-allow-origin" not in other.headers
    assert answer.headers["access-control-allow-origin"] == "https://console.example"


def test_a_wildcard_is_no_origin() -> None:
    with pytest.raises(ValueError, match="List the origins"):
        http_middleware(["*"])


async def test_health_says_whether_the_process_lives_and_whether_it_can_serve(app: Application) -> None:
    async with app.client(anonymous=True) as client:
        assert (await client.get("/healthz")).json() == {"status": "alive"}
        assert (await client.get("/readyz")).status_code == 200
        app.is_ready = False
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200


async def test_a_process_that_cannot_tell_whether_it_is_ready_is_not(caplog: pytest.LogCaptureFixture) -> None:
    async def ready() -> bool:
        raise RuntimeError(SECRET)

    transport = httpx.ASGITransport(Starlette(routes=health_routes(ready)))
    async with httpx.AsyncClient(transport=transport, base_url="http://library.example") as client:
        response = await client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"status": "not ready"}
    assert [record.name for record in caplog.records if record.levelname == "ERROR"] == ["gateway.faults"]
