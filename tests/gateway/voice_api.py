"""A voice API of Twilio's shape, over real HTTP: it asks the gateway what to say, and presses what a person would."""

import asyncio
import base64
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, fromstring

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ACCOUNT, TOKEN, NUMBER = "AC0123456789", "the-token-of-the-voice-api", "+33199001234"

Press = Callable[[str], str | None]
"""What a person presses who has heard these words; None if nothing."""


@dataclass
class Call:
    """One call: to whom, and what was said in it."""

    to: str
    url: str
    said: list[str] = field(default_factory=list)

    def heard(self, words: str) -> bool:
        return any(words in said for said in self.said)


class VoiceApi:
    """Answers requests for calls with `status`; who is called presses what `press` says."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.calls: list[Call] = []
        self.status = 201
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.press: Press = lambda words: None
        self.ended: asyncio.Queue[Call] = asyncio.Queue()
        self._calling: set[asyncio.Task[None]] = set()

    async def calls_endpoint(self, request: Request) -> Response:
        expected = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        assert request.headers["authorization"] == f"Basic {expected}"
        form = dict(parse_qsl((await request.body()).decode()))
        assert form["From"] == NUMBER
        await self.goes_on.wait()
        if self.status != 201:
            return JSONResponse({"code": 20003, "message": "no"}, self.status)
        call = Call(form["To"], form["Url"])
        self.calls.append(call)
        task = asyncio.create_task(self._run(call))
        self._calling.add(task)
        task.add_done_callback(self._calling.discard)
        return JSONResponse({"sid": f"CA{len(self.calls)}", "status": "queued"}, 201)

    async def _run(self, call: Call) -> None:
        url, form = call.url, {"CallSid": "CA1", "To": call.to, "CallStatus": "in-progress"}
        async with httpx.AsyncClient() as client:
            for _ in range(10):
                answer = await post_signed(client, url, form)
                assert answer.status_code == 200, answer.text
                response = fromstring(answer.text)  # noqa: S314 - our own answer
                said = " ".join(words_of(response))
                call.said.append(said)
                gather = response.find("Gather")
                pressed = None if gather is None else self.press(said)
                if gather is None or pressed is None:
                    break
                url, form = gather.attrib["action"], {**form, "Digits": pressed}
        self.ended.put_nowait(call)

    async def end_of_call(self) -> Call:
        return await asyncio.wait_for(self.ended.get(), 10)


def words_of(element: Element) -> list[str]:
    return [say.text or "" for say in element.iter("Say")]


def signature(url: str, form: Mapping[str, str], token: str = TOKEN) -> str:
    content = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), content.encode(), hashlib.sha1).digest()).decode()


async def post_signed(
    client: httpx.AsyncClient, url: str, form: Mapping[str, str], token: str = TOKEN
) -> httpx.Response:
    return await client.post(url, data=dict(form), headers={"X-Twilio-Signature": signature(url, form, token)})


@asynccontextmanager
async def voice_api() -> AsyncIterator[VoiceApi]:
    """Serve the API on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        api = VoiceApi(f"http://127.0.0.1:{listener.getsockname()[1]}")
        path = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
        app = Starlette(routes=[Route(path, api.calls_endpoint, methods=["POST"])])
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield api
        finally:
            server.should_exit = True
            await serving
