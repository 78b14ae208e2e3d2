import pytest

from tests.gateway.library import RESPONSE_JSON, Application

JSON = "application/json"


@pytest.fixture(scope="module")
def app() -> Application:
    return Application()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param("", JSON, id="empty"),
        pytest.param("*/*", JSON, id="fetch, Relay, curl"),
        pytest.param("application/*", JSON, id="any application type"),
        pytest.param(JSON, JSON, id="JSON"),
        pytest.param(RESPONSE_JSON, RESPONSE_JSON, id="the newer type"),
        pytest.param(f"{RESPONSE_JSON},{JSON};q=0.9", RESPONSE_JSON, id="Apollo Client"),
        pytest.param(
            f"{RESPONSE_JSON}, application/graphql+json, {JSON}, text/event-stream, multipart/mixed",
            RESPONSE_JSON,
            id="urql",
        ),
        pytest.param(f"multipart/mixed;deferSpec=20220824,{RESPONSE_JSON},{JSON};q=0.9", RESPONSE_JSON, id="@defer"),
        pytest.param(f"{JSON}, {RESPONSE_JSON}", RESPONSE_JSON, id="both alike"),
        pytest.param(f"{RESPONSE_JSON};q=0.1, {JSON}", JSON, id="JSON preferred"),
        pytest.param(f"{RESPONSE_JSON};q=0, {JSON}", JSON, id="the newer type excluded"),
        pytest.param(f"{JSON};q=0, */*", RESPONSE_JSON, id="JSON excluded"),
        pytest.param(f"{RESPONSE_JSON}, */*", RESPONSE_JSON, id="the newer type before a wildcard"),
        pytest.param(f"{JSON}, */*", JSON, id="JSON before a wildcard"),
        pytest.param(f"{JSON};q=0.5, application/*", RESPONSE_JSON, id="JSON less than the rest"),
        pytest.param(f"{RESPONSE_JSON}; charset=utf-8, {JSON}; charset=utf-8", RESPONSE_JSON, id="with charset"),
        pytest.param(RESPONSE_JSON.upper(), RESPONSE_JSON, id="upper case"),
        pytest.param(f"{RESPONSE_JSON};q=nan, {JSON};q=0.1", JSON, id="a malformed quality"),
    ],
)
async def test_the_media_type_is_what_the_caller_wants_most(app: Application, accept: str, expected: str) -> None:
    async with app.client(accept=accept) as client:
        response = await client.post("/graphql", json={"query": "{__typename}"})
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{expected}; charset=utf-8"


async def test_several_accept_headers_are_one(app: Application) -> None:
    async with app.client() as client:
        del client.headers["accept"]
        headers = [("accept", "text/csv"), ("accept", RESPONSE_JSON)]
        response = await client.post("/graphql", json={"query": "{__typename}"}, headers=headers)
    assert response.headers["content-type"] == f"{RESPONSE_JSON}; charset=utf-8"


@pytest.mark.parametrize("accept", ["text/csv", "*/*;q=0", f"{JSON};q=0, {RESPONSE_JSON};q=0.000", f"{JSON};q=2"])
async def test_a_caller_who_wants_neither_is_refused_in_json(app: Application, accept: str) -> None:
    async with app.client(accept=accept) as client:
        response = await client.post("/graphql", json={"query": "{__typename}"})
    assert response.status_code == 406
    assert response.headers["content-type"] == f"{JSON}; charset=utf-8"
    assert response.json()["errors"][0]["extensions"] == {"code": "NOT_ACCEPTABLE"}
