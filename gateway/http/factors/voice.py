"""The voice API that places calls, as Twilio's is: asked over HTTPS, and asking us what to say by signed requests."""

import asyncio
import base64
import hashlib
import hmac
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx

from auth.keys import KeyFileError, read_private
from resolvers.egress import Egress

CALL_PATH: Final = "/auth/phone/call"
TELL_PATH: Final = "/auth/phone/tell"
SIGNATURE_HEADER: Final = "X-Twilio-Signature"
RING_SECONDS: Final = 25

_log = logging.getLogger("gateway.phone")


class TwilioVoice:
    """Places calls through the API at `url`, as the account `sid`, from the number `caller`.

    `token` authenticates us there, and signs what comes from there; `public_url` is where we are reached.
    """

    def __init__(
        self, url: str, sid: str, token: str, caller: str, public_url: str, egress: Egress, *, seconds: float = 10.0
    ) -> None:
        self._url = f"{url.rstrip('/')}/2010-04-01/Accounts/{sid}/Calls.json"
        self._token = token
        self._caller = caller
        self._public_url = public_url
        self._egress = egress
        self._calling: set[asyncio.Task[None]] = set()
        # Neither a proxy nor a password comes from the environment; only which authorities are trusted.
        self._client = httpx.AsyncClient(
            auth=(sid, token),
            verify=httpx.create_ssl_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=seconds,
        )

    async def call(self, number: str, secret: str, *, is_enrolment: bool) -> None:
        """Have a number called, soon: nobody waits for the API, whose call shows that it was reached."""
        task = asyncio.create_task(self._call(number, secret, is_enrolment=is_enrolment), name="call")
        self._calling.add(task)
        task.add_done_callback(self._calling.discard)

    async def _call(self, number: str, secret: str, *, is_enrolment: bool) -> None:
        refusal = self._egress.refusal(self._url)
        if refusal is not None:
            _log.error("The voice API may not be called: %s", refusal)
            return
        form = {
            "To": number,
            "From": self._caller,
            "Url": self.address(TELL_PATH if is_enrolment else CALL_PATH, secret),
            "Method": "POST",
            "Timeout": str(RING_SECONDS),
        }
        try:
            answer = await self._client.post(self._url, data=form)
        except httpx.HTTPError as error:
            _log.warning("The voice API cannot be reached: %s", type(error).__name__)
            return
        if answer.status_code != httpx.codes.CREATED:
            _log.warning("The voice API placed no call: it answered %d", answer.status_code)

    def address(self, path: str, secret: str) -> str:
        """Give the address at which we say what to do in a call. Its query is in no log of ours."""
        return f"{self._public_url}{path}?d={secret}"

    def has_signed(self, signature: str, path: str, secret: str, form: Mapping[str, str]) -> bool:
        """Say whether a request for what to say comes from the API."""
        signed = self.address(path, secret) + "".join(f"{name}{form[name]}" for name in sorted(form))
        digest = hmac.digest(self._token.encode(), signed.encode(), hashlib.sha1)
        return hmac.compare_digest(base64.b64encode(digest), signature.encode("utf-8", "replace"))

    async def close(self) -> None:
        """End what is being asked for, and close its connections."""
        for task in self._calling:
            task.cancel()
        await asyncio.gather(*self._calling, return_exceptions=True)
        await self._client.aclose()


def read_token(path: Path) -> str:
    """Read the token of the voice API from a file that only its owner reads; raises KeyFileError."""
    token = read_private(path).strip()
    if not token or not token.isascii():
        raise KeyFileError(f"The file {path} holds no token of a voice API.")
    return token.decode("ascii")
