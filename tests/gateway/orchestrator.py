"""An operator's orchestrator, over real HTTP; it signs and verifies by the example of docs/operations.md."""

import asyncio
import base64
import json
import re
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Asked = dict[str, Any]
Answer = Callable[[Asked], Awaitable[Response]]

_DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"


def example(keys: Mapping[str, bytes]) -> dict[str, Any]:
    """The functions of the example, with these secrets."""
    (code,) = re.findall(r"```python\n(.*?)```", _DOCUMENT.read_text(), re.DOTALL)
    names: dict[str, Any] = {"SECRETS": keys}
    exec(code, names)  # noqa: S102 - our own document
    return names


async def success(_: Asked) -> Response:
    return JSONResponse({"status": "SUCCESS", "message": "Done.", "facts": {"host": "h1"}})


async def accepted(_: Asked) -> Response:
    return Response(status_code=202)


def answering(status: int, content: str | bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    async def answer(_: Asked) -> Response:
        return Response(content, status, headers)

    return answer


class Orchestrator:
    """Answers requests by `answers`, one after the other, and the last one from then on; does each step once."""

    def __init__(self, url: str, keys: dict[str, bytes]) -> None:
        self.url, self.keys = url, keys
        self.example = example(keys)
        self.answers: list[Answer] = [success]
        self.asked: list[Asked] = []
        self.done: list[str] = []
        self.came = asyncio.Event()

    def headers(self, body: bytes, key: str) -> dict[str, str]:
        headers: dict[str, str] = self.example["headers_of_report"](key, body)
        return headers

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/hook", self._hook, methods=["POST"]), Route("/elsewhere", self._elsewhere)])

    async def _hook(self, request: Request) -> Response:
        body = await request.body()
        if not self.example["is_from_gateway"](request.headers, body):
            return Response(status_code=401)
        asked = json.loads(body)
        assert request.headers["idempotency-key"] == asked["stepId"]
        self.asked.append(asked)
        if asked["stepId"] not in self.done:
            self.done.append(asked["stepId"])
        self.came.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(asked)

    async def _elsewhere(self, _: Request) -> Response:
        raise AssertionError("a redirect was followed")


def written_keys(path: Path, keys: Mapping[str, bytes], organizations: Mapping[str, str] | None = None) -> Path:
    """Write a file of keys."""
    members = {
        name: {
            "secret": base64.b64encode(secret).decode(),
            **({"organization": organizations[name]} if organizations and name in organizations else {}),
        }
        for name, secret in keys.items()
    }
    path.write_text(json.dumps(members))
    path.chmod(0o600)
    return path


def new_secret() -> bytes:
    return secrets.token_bytes(32)


@asynccontextmanager
async def orchestrating(keys: dict[str, bytes]) -> AsyncIterator[Orchestrator]:
    """Serve an orchestrator on a free port until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        orchestrator = Orchestrator(f"http://127.0.0.1:{listener.getsockname()[1]}/hook", keys)
        server = uvicorn.Server(
            uvicorn.Config(orchestrator.app(), log_config=None, access_log=False, timeout_graceful_shutdown=1)
        )
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield orchestrator
        finally:
            server.should_exit = True
            await serving


async def report(
    client: httpx.AsyncClient, orchestrator: Orchestrator, asked: Asked, key: str, **members: Any
) -> httpx.Response:
    """Report of a step, as it was asked for."""
    named = {name: asked[name] for name in ("operationId", "stepId", "nonce")}
    body = json.dumps({**named, **members}).encode()
    return await client.post("/operations/callback", content=body, headers=orchestrator.headers(body, key))
