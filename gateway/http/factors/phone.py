"""Telephones: setting one up, and what is said in a call.

    POST /auth/phone/call     what to say to who is called to approve; the digits that they press come back here
    POST /auth/phone/tell     what to say to who sets a telephone up: a code, once they have pressed a key

Both are asked for by the voice API, whose signature is checked, and answer in its language (TwiML). Whatever else asks,
or for what is over, is told one thing.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, SubElement, tostring

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from auth.errors import BadUserInput, ItcareError, Unauthenticated
from auth.mfa.challenges import Outcome
from auth.mfa.deliveries import find_delivery, find_to_enrol, refuse_delivery
from auth.mfa.enrolment import ENROLMENT_LASTS, FactorHolder
from auth.mfa.phone import (
    BLOCKED_FOR,
    DIGITS,
    MOST_NUMBER,
    begin_phone,
    confirm_phone,
    press,
    read_number,
)
from auth.mfa.recording import MfaEvent, MfaEventKind
from auth.mfa.sealing import SecretSeal
from auth.tables import FactorKind
from gateway.http.client_address import address_of
from gateway.http.errors import MalformedRequest, Translate
from gateway.http.factors.calling import EVERY_METHOD, Caller, RecordFor, refused
from gateway.http.factors.enrolling import confirmed, fresh_factor_required
from gateway.http.factors.outside import Addressee, addressee
from gateway.http.factors.reading import text_in, uuid_in
from gateway.http.factors.voice import CALL_PATH, SIGNATURE_HEADER, TELL_PATH, TwilioVoice
from gateway.http.requests import read_body
from resolvers.database import Database

MOST_BYTES: Final = 8 * 1024
MOST_SPOKEN: Final = 300
"""Characters of what is approved that are said."""
GATHER_SECONDS: Final = 15
NOT_ME: Final = "*"
INSTRUCTIONS: Final = (
    "Keep your telephone at hand: it is called now.",
    "Answer, and press any key to hear a code of 6 digits.",
    "Enter the code here, and confirm.",
    "From then on you are called at privileged actions: listen to what is approved.",
    "To approve it, press the 6 digits that the screen shows; press the star key if you did not ask for it.",
)

_log = logging.getLogger("gateway.phone")


class PhoneEnroller:
    """Sets up a telephone whose number is of one of `countries`, as ISO 3166 has them."""

    kind = FactorKind.PHONE
    name = "phone"
    begin_members = frozenset({"number"})
    confirm_members = frozenset({"factorId", "code"})

    def __init__(self, seal: SecretSeal, voice: TwilioVoice, countries: Collection[str]) -> None:
        self._seal = seal
        self._voice = voice
        self._countries = frozenset(countries)

    async def begin(self, caller: Caller, body: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
        """Have the number called, and a code told."""
        try:
            number = read_number(text_in(body, "number", MOST_NUMBER), self._countries)
        except BadUserInput as refusal:
            await caller.record(
                caller.fetch, MfaEvent(MfaEventKind.ENROLMENT_REFUSED, caller.id, self.kind, caller.now)
            )
            return refusal
        enrolment = await begin_phone(
            caller.fetch,
            self._seal,
            self._voice,
            caller.id,
            number,
            caller.now,
            is_fresh=caller.is_fresh,
            record=caller.record,
        )
        if enrolment is None:
            return await fresh_factor_required(caller)
        caller.sendings.append(enrolment.send)
        return {
            "factorId": str(enrolment.begun.factor_id),
            "label": enrolment.label,
            "instructions": list(INSTRUCTIONS),
            "expiresIn": int((enrolment.begun.expires_at - caller.now).total_seconds()),
        }

    async def confirm(self, caller: Caller, body: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
        """Look at the code that was told."""
        factor_id, code = uuid_in(body, "factorId"), text_in(body, "code")
        outcome, wait = await confirm_phone(
            caller.fetch,
            self._seal,
            caller.id,
            factor_id,
            code,
            caller.now,
            is_fresh=caller.is_fresh,
            record=caller.record,
        )
        return await confirmed(caller, outcome, wait)


class PhoneCalls:
    """What the voice API asks us. `alert` is told of who says that it was not them."""

    def __init__(
        self,
        database: Database,
        seal: SecretSeal,
        voice: TwilioVoice,
        *,
        seconds: float,
        translate: Translate,
        record_for: RecordFor,
        alert: Callable[[FactorHolder], None] = lambda holder: None,
    ) -> None:
        self._database = database
        self._seal = seal
        self._voice = voice
        self._seconds = seconds
        self._translate = translate
        self._record_for = record_for
        self._alert = alert

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            Route(path, self._endpoint(path, answer), methods=EVERY_METHOD)
            for path, answer in ((CALL_PATH, self._call), (TELL_PATH, self._tell))
        ]

    def _endpoint(self, path: str, answer: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            limit = asyncio.timeout(self._seconds)
            try:
                async with limit:
                    secret, form = await self._read(request, path)
                    host = address_of(request)
                    async with addressee(self._database, self._record_for, secret, host) as found:
                        said = _over() if found is None else await answer(found, secret, form)
                    return Response(tostring(said, encoding="utf-8", xml_declaration=True), media_type="text/xml")
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it
            except Exception as error:  # noqa: BLE001  # one of our refusals, or a fault: then it is masked and logged
                return refused(error, self._translate)

        return endpoint

    async def _read(self, request: Request, path: str) -> tuple[str, Mapping[str, str]]:
        """Read who asks about which delivery, if it is the voice API that asks."""
        secret = request.query_params.get("d", "")
        signature = request.headers.get(SIGNATURE_HEADER, "")
        try:
            pairs = parse_qsl((await read_body(request, MOST_BYTES)).decode("ascii"), True, errors="strict")
        except ValueError as error:
            raise MalformedRequest("The body is not a form.", argument="body") from error
        form = dict(pairs)
        if (
            request.method != "POST"
            or len(form) != len(pairs)
            or not self._voice.has_signed(signature, path, secret, form)
        ):
            _log.warning("A request about a call is refused: it is not signed by the voice API")
            raise Unauthenticated("The signature is not valid.")
        return secret, form

    async def _call(self, found: Addressee, secret: str, form: Mapping[str, str]) -> Element:
        """Say what is approved, and ask for the digits; look at those that were pressed."""
        account_id = found.holder.account_id
        delivered = await find_delivery(found.fetch, self._seal, account_id, found.digest, found.now)
        if delivered is None:
            return _over()
        pressed = form.get("Digits")
        if pressed is None:
            return self._ask(secret, delivered.challenge.words)
        if NOT_ME in pressed:
            await refuse_delivery(found.fetch, delivered, found.now, BLOCKED_FOR, found.record)
            self._alert(found.holder)
            return _said("Nothing was approved. Your security representative is the one to tell. Goodbye.")
        outcome = await press(found.fetch, delivered, pressed, found.now, found.record)
        if outcome is Outcome.ACCEPTED:
            return _said("Thank you. Go on on your screen. Goodbye.")
        if outcome is Outcome.RATE_LIMITED:
            return _over()
        return self._ask(secret, "Those were not the digits on your screen.")

    async def _tell(self, found: Addressee, secret: str, form: Mapping[str, str]) -> Element:
        """Say the code, once a key was pressed: an answering machine presses none."""
        code = await find_to_enrol(
            found.fetch, self._seal, found.holder.account_id, found.digest, found.now, ENROLMENT_LASTS
        )
        if code is None:
            return _over()
        if form.get("Digits") is None:
            words = "This is I T Care. Somebody sets this telephone up for signing in. To hear the code, press any key."
            return _gather(words, self._voice.address(TELL_PATH, secret), digits=1)
        spelt = ", ".join(code.decode())
        return _said(f"The code is: {spelt}. I repeat: {spelt}. Tell it to nobody. Goodbye.")

    def _ask(self, secret: str, words: str) -> Element:
        spoken = (
            f"This is I T Care. {words[:MOST_SPOKEN]} To approve, press the {DIGITS} digits that your screen shows."
            " If you did not ask for this, press the star key, then the hash key."
        )
        return _gather(spoken, self._voice.address(CALL_PATH, secret), digits=DIGITS)


def _gather(words: str, action: str, *, digits: int) -> Element:
    response = Element("Response")
    gather = SubElement(
        response,
        "Gather",
        input="dtmf",
        numDigits=str(digits),
        finishOnKey="#",
        timeout=str(GATHER_SECONDS),
        action=action,
        method="POST",
    )
    SubElement(gather, "Say").text = _speakable(words)
    SubElement(response, "Say").text = "Nothing was pressed, and nothing is approved. Goodbye."
    SubElement(response, "Hangup")
    return response


def _said(words: str) -> Element:
    response = Element("Response")
    SubElement(response, "Say").text = _speakable(words)
    SubElement(response, "Hangup")
    return response


def _over() -> Element:
    return _said("There is nothing to approve any more. Goodbye.")


def _speakable(words: str) -> str:
    """Leave out what XML cannot hold."""
    return "".join(letter if letter.isprintable() else " " for letter in words)
